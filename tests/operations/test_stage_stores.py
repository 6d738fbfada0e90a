"""A stage's stores as commands get them: on the tables that the data stack names, and refused when one is missing."""

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from infra.sessions import Stage
from infra.stacks import StackFailed, stack_name
from operations.stage_stores import PATIENT, stores_of
from tests.samples import TRANSACTION
from tests.tables import create_tables


@pytest.fixture
def stage() -> Iterator[Stage]:
    outputs = {"TransactionsTable": {"Value": "TransactionsTable"}}
    template = {"Resources": {"B": {"Type": "AWS::S3::Bucket"}}, "Outputs": outputs}
    with mock_aws():
        session = boto3.session.Session(region_name="us-east-2")
        session.client("cloudformation").create_stack(
            StackName=stack_name("prod", "data"), TemplateBody=json.dumps(template)
        )
        create_tables(session.client("dynamodb"))
        yield Stage("prod", session)


def test_a_store_works_on_the_table_that_the_data_stack_names(stage: Stage) -> None:
    stores_of(stage, "TransactionsTable").transactions.add(TRANSACTION)

    found = stores_of(stage, "TransactionsTable", config=PATIENT).transactions.get(TRANSACTION.bank, TRANSACTION.id)

    assert found == TRANSACTION


def test_what_a_command_needs_and_an_older_stack_lacks_is_named(stage: Stage) -> None:
    with pytest.raises(StackFailed, match="stage prod has no StatementsTable: provision the stage again"):
        stores_of(stage, "TransactionsTable", "StatementsTable")


def test_a_client_is_made_once_with_the_commands_patience(stage: Stage) -> None:
    stores = stores_of(stage, "TransactionsTable", config=PATIENT)

    client = stores.client("dynamodb")

    assert stores.client("dynamodb") is client
    assert client.meta.config.read_timeout == PATIENT.read_timeout
