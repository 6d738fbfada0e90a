"""The DynamoDB tables exactly as the data stack's template makes them, on whatever engine a test runs on."""

import copy
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

TABLES = (
    "AccountsTable",
    "AddressesTable",
    "AuditTable",
    "BanksTable",
    "CasesTable",
    "DeferralsTable",
    "NotificationsTable",
    "StatementsTable",
    "TransactionsTable",
)

TEMPLATE = Path(__file__).parent.parent / "infra" / "data.yaml"
_MADE_BY_MOTO: dict[str, Any] = {}
_UNDERSTOOD_BY_ENGINES = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags, read as nothing: no table's keys hang on them."""


def _choice(loader: _Loader, node: yaml.SequenceNode) -> Any:
    """Return what a stage has that isn't steady; nothing of any other choice."""
    condition, _, otherwise = loader.construct_sequence(node, deep=True)
    return otherwise if condition == "IsSteady" else None


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)
_Loader.add_constructor("!If", _choice)


@functools.cache
def template() -> Any:
    """Return the data stack's template."""
    # Read once: that takes longer than most tests.
    return yaml.load(TEMPLATE.read_text(), _Loader)


def template_outputs() -> list[str]:
    """Return the names of the data stack's outputs."""
    return list(template()["Outputs"])


@functools.cache
def key_names(table: str) -> tuple[str, ...]:
    """Return the names of the attributes of the table's key, the partition key first."""
    schema = template()["Resources"][table]["Properties"]["KeySchema"]
    return tuple(str(part["AttributeName"]) for part in sorted(schema, key=lambda part: str(part["KeyType"])))


def partition_key(table: str) -> str:
    """Return the name of the table's partition key."""
    return key_names(table)[0]


def create_tables(client: Any) -> dict[str, str]:
    """Create the template's tables; return their names by the data stack's output names."""
    if "amazonaws.com" not in client.meta.endpoint_url:
        return _create_tables(client)
    # Answered by moto: no test reaches AWS. To copy what it once made takes a fiftieth of the time.
    tables = get_backend("dynamodb")[DEFAULT_ACCOUNT_ID][client.meta.region_name].tables
    if not _MADE_BY_MOTO:
        _MADE_BY_MOTO.update({name: copy.deepcopy(tables[name]) for name in _create_tables(client)})
    tables |= copy.deepcopy(_MADE_BY_MOTO)
    return {name: name for name in _MADE_BY_MOTO}


def _create_tables(client: Any) -> dict[str, str]:
    names = {}
    for name, resource in template()["Resources"].items():
        if resource["Type"] == "AWS::DynamoDB::Table":
            properties = _without_nothing(resource["Properties"])
            known = {key: properties[key] for key in _UNDERSTOOD_BY_ENGINES if key in properties}
            client.create_table(TableName=name, **known)
            names[name] = name
    return names


def _without_nothing(value: Any) -> Any:
    """Return a template's value without the properties that CloudFormation would leave out."""
    if isinstance(value, list):
        return [_without_nothing(one) for one in value]
    if isinstance(value, dict):
        return {key: _without_nothing(one) for key, one in value.items() if one is not None}
    return value


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    """A DynamoDB client on moto, without tables."""
    with mock_aws():
        yield boto3.client("dynamodb", region_name="us-east-2", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def table_names(dynamodb: Any) -> dict[str, str]:
    """The data stack's tables, made on `dynamodb`: their names."""
    return create_tables(dynamodb)
