"""What the functions call against what their roles allow, both ways: nothing more, nothing less.

Every test of the run fails when a function makes a call that its role doesn't allow (`tests/conftest.py`). Here, the
tours of all functions show that each right is used.
"""

import importlib
import re

import pytest

from tests.aws_calls import DOORS, PROJECT_DIR, Call, needed, places_of_calls
from tests.aws_policies import Allowed, allowed, calls_of_lambda, refused
from tests.aws_tours import TOURS, Tours
from tests.permissions_table import PAGE, page

OF_OPERATORS = {
    "audit.repository:AuditRepository.find": ("audit_entries.find",),
    "audit.repository:AuditRepository.of_bank": ("audit_entries.of_bank",),
    "analytics.shards_repository:raise_shards": ("raise_shards",),
    "banks.repository:BankRepository._put": ("put_bank", "put_api_key"),
    "banks.repository:BankRepository.change_bank": ("change_bank",),
    "banks.repository:BankRepository.delete_api_key": ("delete_api_key",),
    "holders.addresses:AddressRepository.all_standings": ("all_standings",),
}
A_CALL = Call("mailer", "", "dynamodb:GetItem", "${BanksTableArn}", (("dynamodb:LeadingKeys", "bank#*"),))


def test_each_function_has_a_tour_and_a_door() -> None:
    functions = {one.function for one in allowed()}
    assert set(TOURS) == functions
    assert {"api_handler", *(function for door in DOORS.values() for function in door)} == functions


@pytest.mark.parametrize("door", DOORS)
def test_a_door_is_a_method_in_the_code(door: str) -> None:
    module, _, name = door.partition(":")
    owner, method = name.split(".")
    found = importlib.import_module(f"chalicelib.{module.removesuffix('.py').replace('/', '.')}")
    assert callable(getattr(getattr(found, owner), method))


def test_whatever_is_called_is_allowed(tours: Tours) -> None:
    assert refused({*tours.calls, *calls_of_lambda()}) == []


def test_whatever_is_allowed_is_called(tours: Tours) -> None:
    every = {*tours.calls, *calls_of_lambda()}
    assert [one for one in allowed() if not any(map(one.covers, every))] == []


def test_each_place_in_the_code_that_calls_aws_is_on_a_tour(tours: Tours) -> None:
    assert places_of_calls() - tours.functions_called == OF_OPERATORS.keys()


@pytest.mark.parametrize("place", OF_OPERATORS)
def test_what_is_on_no_tour_is_called_by_operators_commands_only(place: str) -> None:
    code = "\n".join(path.read_text() for path in (PROJECT_DIR / "chalicelib").rglob("*.py"))
    folders = [PROJECT_DIR / "operations", PROJECT_DIR / "infra"]
    commands = "\n".join(path.read_text() for folder in folders for path in folder.rglob("*.py"))
    for method in OF_OPERATORS[place]:
        is_called = re.compile(rf"(?<!def )\b{re.escape(method)}\(")
        assert is_called.search(code) is None, method
        assert is_called.search(commands), method


def test_the_page_shows_what_is_called_and_allowed(tours: Tours) -> None:
    assert PAGE.read_text() == page(tours.calls), "write it anew: python -m tests.permissions_table"


@pytest.mark.parametrize(
    ("changes", "is_refused"),
    [
        ({}, False),
        ({"context": (("dynamodb:LeadingKeys", "key#*"),)}, True),  # the keys of banks are not the mailer's business
        ({"context": ()}, True),
        ({"action": "dynamodb:Scan"}, True),
        ({"resource": "${AnalyticsTableArn}"}, True),
        ({"function": "archiver"}, True),
    ],
)
def test_a_call_that_no_statement_allows_is_found(changes: dict[str, object], is_refused: bool) -> None:
    call = A_CALL._replace(**changes)  # type: ignore[arg-type]
    assert (refused([call]) == [call]) is is_refused


@pytest.mark.parametrize(
    ("operation", "params", "permissions"),
    [
        (
            "dynamodb:TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "BanksTable", "Item": {"entry": {"S": "bank#a"}}}},
                    {"ConditionCheck": {"TableName": "BanksTable", "Key": {"entry": {"S": "bank#b"}}}},
                    {"Delete": {"TableName": "AccountsTable", "Key": {"account_key": {"S": "a#1"}}}},
                    {"Update": {"TableName": "AccountsTable", "Key": {"account_key": {"S": "a#1"}}}},
                ]
            },
            {
                ("dynamodb:PutItem", "${BanksTableArn}"),
                ("dynamodb:ConditionCheckItem", "${BanksTableArn}"),
                ("dynamodb:DeleteItem", "${AccountsTableArn}"),
                ("dynamodb:UpdateItem", "${AccountsTableArn}"),
            },
        ),
        (
            "dynamodb:Query",
            {
                "TableName": "TransactionsTable",
                "IndexName": "by_account",
                "KeyConditionExpression": "account_key = :account",
                "ExpressionAttributeValues": {":account": {"S": "a#1"}},
            },
            {("dynamodb:Query", "${TransactionsTableArn}/index/by_account")},
        ),
        (
            "sqs:SendMessageBatch",
            {"QueueUrl": "https://sqs.us-east-2.amazonaws.com/123456789012/alerts"},
            {("sqs:SendMessage", "${AlertQueueArn}")},
        ),
        ("sesv2:GetAccount", {}, {("ses:GetAccount", "*")}),
    ],
)
def test_a_call_needs_what_aws_checks(operation: str, params: dict[str, object], permissions: set[object]) -> None:
    assert {(action, resource) for action, resource, _ in needed(operation, params)} == permissions


def test_a_bulk_email_needs_the_older_action_too_on_all_that_ses_checks() -> None:
    for sender, resources in (("Bank <alerts@example.com>", 5), ("Bank <alerts@bank.example>", 6)):
        found = list(needed("sesv2:SendBulkEmail", {"FromEmailAddress": sender}))
        assert {action for action, _, _ in found} == {"ses:SendBulkEmail", "ses:SendBulkTemplatedEmail"}
        assert len(found) == 2 * resources


def test_each_condition_is_of_a_kind_that_the_comparison_knows() -> None:
    keys = {one.condition[0] for one in allowed() if isinstance(one, Allowed) and one.condition}
    assert keys == {"aws:ResourceTag/transaction-notifier-stage", "dynamodb:LeadingKeys", "sns:Protocol"}
