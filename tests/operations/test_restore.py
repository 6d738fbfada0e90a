"""The templates by which the data stack lets go of a table and takes the restored one over."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from infra.sessions import Stage
from operations import restore
from operations.restore import DATA, main, table_of, with_literals, without
from operations.restored_table import RestoreFailed, literals_of
from tests.tables import template

TEMPLATE = DATA.read_text()
TABLES = sorted(name for name, one in template()["Resources"].items() if one["Type"] == "AWS::DynamoDB::Table")
ARN = "arn:aws:dynamodb:us-east-2:123456789012:table/restored"
STREAM = f"{ARN}/stream/2026-01-10T14:00:00.000"


class Restored:
    """A DynamoDB that has the restored table."""

    def describe_table(self, TableName: str) -> dict[str, Any]:  # noqa: N803
        assert TableName == "restored"
        return {"Table": {"TableArn": ARN, "LatestStreamArn": STREAM}}


def literals(name: str) -> dict[str, str]:
    return literals_of(Restored(), name, "restored")


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags, each read as its function and what it gets."""


def tagged(loader: Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {suffix: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", tagged)


def referred_to(content: Any, key: str = "") -> Iterator[str]:
    """Yield the names that a template refers to, in whatever way."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield from referred_to(value, name)
    elif isinstance(content, list):
        for value in content:
            yield from referred_to(value, key)
    elif key.removeprefix("Fn::") == "Sub":
        yield from re.findall(r"\$\{([\w:]+)", content)
    elif key.removeprefix("Fn::") in ("Ref", "GetAtt", "DependsOn", "Condition"):
        yield str(content).partition(".")[0]


def filled(value: Any, values: dict[str, str]) -> Any:
    """Return an output's value with the references to the table filled in, as CloudFormation would."""
    if isinstance(value, list):
        return [filled(one, values) for one in value]
    if not isinstance(value, dict):
        return value
    for function in {"Ref", "GetAtt"} & value.keys():
        return values.get(value[function], value)
    if isinstance(value.get("Sub"), str):
        text = value["Sub"]
        for name, one in values.items():
            text = text.replace(f"${{{name}}}", one)
        return {"Sub": text}
    return {name: filled(one, values) for name, one in value.items()}


def loaded(text: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.load(text, Loader)
    return content


def test_each_table_is_referred_to_and_the_audit_trail_within_a_text() -> None:
    assert set(referred_to(loaded(TEMPLATE)["Outputs"])) >= set(TABLES)
    assert "AuditTable" in referred_to(loaded(TEMPLATE)["Outputs"]["AuditTrail"])


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_left_out_and_what_refers_to_it_says_the_same_of_the_restored_one(name: str) -> None:
    before, after = loaded(TEMPLATE), loaded(without(TEMPLATE, name, literals(name)))
    assert name in before["Resources"]
    assert name not in set(referred_to(after))
    values = {name: "restored", f"{name}.Arn": ARN, f"{name}.StreamArn": STREAM}
    # Nothing else differs.
    resources = {other: filled(one, values) for other, one in before["Resources"].items() if other != name}
    assert after == {**before, "Resources": resources, "Outputs": filled(before["Outputs"], values)}
    assert "restored" in str(after["Outputs"])


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("!Ref AuditTable", '"restored"'),
        ("!Ref AuditTableOfOld", "!Ref AuditTableOfOld"),
        ("!GetAtt AuditTable.Arn", f'"{ARN}"'),
        ("!GetAtt AuditTable.StreamArn", f'"{STREAM}"'),
        ('!Sub "${AuditTable}/${AuditYears}"', '!Sub "restored/${AuditYears}"'),
        ("!Sub ${AuditTable}.csv", "!Sub restored.csv"),
        ("!Sub ${AuditTable.Arn}/index/*", f"!Sub {ARN}/index/*"),
        ("!Sub ${AuditTable.StreamArn}", f"!Sub {STREAM}"),
        ("!Sub ${AuditTableOfOld}", "!Sub ${AuditTableOfOld}"),
        ('!Select [3, !Split ["/", !GetAtt AuditTable.StreamArn]]', f'!Select [3, !Split ["/", "{STREAM}"]]'),
    ],
)
def test_each_form_of_a_reference_is_replaced(text: str, literal: str) -> None:
    found = with_literals(f"Resources:\n\nOutputs:\n  One: {{Value: {text}}}\n", literals("AuditTable"))
    assert found.endswith(f"  One: {{Value: {literal}}}\n")


@pytest.mark.parametrize("name", TABLES)
def test_the_import_adds_the_table_to_the_template_of_the_step_before_and_changes_nothing_else(name: str) -> None:
    before, found = loaded(without(TEMPLATE, name, literals(name))), loaded(with_literals(TEMPLATE, literals(name)))
    assert found["Resources"].pop(name) == loaded(TEMPLATE)["Resources"][name]
    assert found == before


@pytest.mark.parametrize("name", TABLES)
def test_each_table_is_found_by_its_name_in_the_template(name: str) -> None:
    stage = Stage("prod", None)
    vars(stage)["outputs"] = {output: ARN for output in template()["Outputs"] if output == f"{name}Arn"}
    assert table_of(stage, name) == "restored"


class SteadyStack:
    """A session on a data stack with this parameter. It makes no other client than CloudFormation's."""

    def __init__(self, **parameters: str) -> None:
        self._parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]

    def client(self, name: str) -> Any:
        assert name == "cloudformation"
        return self

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        assert StackName == "transaction-notifier-prod-data"
        return {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "Parameters": self._parameters}]}


@pytest.mark.parametrize("command", [["table", "AnalyticsTable"], ["adopt", "AnalyticsTable", "--table", "restored"]])
def test_a_table_with_capacity_is_neither_restored_nor_adopted(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(restore, "open_stage", lambda _: Stage("prod", SteadyStack(SteadyTransactions="2000")))
    assert main(["--stage", "prod", *command]) == 1
    assert "`make provision STAGE=prod SET=SteadyTransactions=0`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"SteadyTransactions": "2000"}, "AccountsTable"),
        ({"SteadyTransactions": "0"}, "AnalyticsTable"),
        ({}, "TransactionsTable"),  # a data stack of an earlier release
    ],
)
def test_a_table_on_demand_may_be_restored(parameters: dict[str, str], name: str) -> None:
    restore.refuse_steady(SteadyStack(**parameters), "prod", name)


def test_what_is_not_in_the_template_is_refused() -> None:
    with pytest.raises(RestoreFailed, match="no NoTable"):
        without(TEMPLATE, "NoTable", {})


@pytest.mark.parametrize("at", ["yesterday", "2026-13-01"])
def test_a_time_that_is_none_is_refused(at: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--stage", "prod", "table", "AccountsTable", "--at", at])
    assert "no time like" in capsys.readouterr().err
