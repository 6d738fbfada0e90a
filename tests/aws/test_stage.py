"""A stage's settings, read from environment variables and named after the data stack's outputs."""

import dataclasses

import pytest

from chalicelib.aws import stage
from chalicelib.aws.stage import MissingSettings
from tests.stage_settings import RECORDED


def test_every_field_is_read_from_its_environment_variable() -> None:
    loaded = stage.from_environment(RECORDED)

    fields = {name.upper(): getattr(loaded, name) for name in loaded.__dataclass_fields__}
    optional = {field.name.upper() for field in dataclasses.fields(loaded)} - RECORDED.keys()
    assert optional == {
        *("PARTIAL_BATCH_RESPONSES", "API_URL", "PUBLIC_URL", "MAIL_RATE", "FLOOD_HOUR_S", "LOCAL_ENDPOINTS"),
        *("STAFF_POOL", "STAFF_URL"),
    }
    assert fields == {**RECORDED, **dict.fromkeys(optional, "")}


def test_only_a_release_says_that_triggers_take_partial_reports() -> None:
    loaded = stage.from_environment({**RECORDED, "PARTIAL_BATCH_RESPONSES": "true"})

    assert loaded.partial_batch_responses == "true"
    assert "PARTIAL_BATCH_RESPONSES" not in stage.variables().values()


def test_a_stage_that_was_provisioned_with_a_public_url_records_it_and_another_doesn_t() -> None:
    outputs = dict.fromkeys(stage.variables(), "x")

    assert stage.recorded(outputs) == dict.fromkeys(RECORDED, "x")
    with_url = stage.recorded({**outputs, "PublicUrl": "https://alerts.example.com"})
    assert with_url == {**dict.fromkeys(RECORDED, "x"), "PUBLIC_URL": "https://alerts.example.com"}
    assert stage.from_environment(with_url).public_url == "https://alerts.example.com"


@pytest.mark.parametrize("lacking", sorted(RECORDED))
def test_a_missing_variable_is_named(lacking: str) -> None:
    with pytest.raises(MissingSettings, match=lacking) as missing:
        stage.from_environment({name: value for name, value in RECORDED.items() if name != lacking})

    assert missing.value.names == [lacking]


def test_an_empty_variable_is_missing() -> None:
    with pytest.raises(MissingSettings) as missing:
        stage.from_environment({**RECORDED, "MAIL_FROM": "", "BANKS_TABLE": ""})

    assert missing.value.names == ["BANKS_TABLE", "MAIL_FROM"]


def test_the_data_stacks_outputs_are_named_after_the_settings() -> None:
    assert stage.variables()["TransactionsStreamArn"] == "TRANSACTIONS_STREAM_ARN"
    assert sorted(stage.variables().values()) == sorted(RECORDED)


def test_the_arns_of_streams_are_made_of_the_table_s_name_and_the_stream_s_label() -> None:
    loaded = stage.from_environment(RECORDED)
    prefix = "arn:aws:dynamodb:eu-west-3:123456789012:table"
    assert loaded.accounts_stream_arn == f"{prefix}/accounts/stream/2026-01-01T00:00:00.001"
    assert loaded.notifications_stream_arn == f"{prefix}/notifications/stream/2026-01-01T00:00:00.000"


def test_queues_are_recorded_by_name_and_read_with_their_urls() -> None:
    outputs = {output: RECORDED[variable] for output, variable in stage.variables().items()}
    kept = stage.recorded(outputs)
    assert kept["NOTIFICATION_QUEUE_URL"] == RECORDED["NOTIFICATION_QUEUE_URL"]
    assert kept["INGEST_DEAD_LETTER_QUEUE_URL"] == "dead-ingest"
    assert sum("https://" in value for value in kept.values()) == 1
    assert stage.from_environment(kept) == stage.from_environment(RECORDED)


def test_a_queue_of_another_place_keeps_its_whole_url() -> None:
    outputs = {output: RECORDED[variable] for output, variable in stage.variables().items()}
    elsewhere = "https://sqs.eu-west-3.amazonaws.com/999999999999/alerts"
    kept = stage.recorded({**outputs, "AlertQueueUrl": elsewhere})
    assert stage.from_environment(kept).alert_queue_url == elsewhere


def test_a_stage_without_a_user_pool_records_none() -> None:
    outputs = dict.fromkeys(stage.variables(), "x")
    assert "STAFF_POOL" not in stage.recorded(outputs)
    assert stage.from_environment(RECORDED).staff_pool_arn == ""


def test_the_arn_of_the_user_pool_is_made_of_the_pools_id() -> None:
    outputs = {output: RECORDED[variable] for output, variable in stage.variables().items()}
    kept = stage.recorded({**outputs, "StaffPool": "eu-west-3_AbC/client/domain"})
    arn = "arn:aws:cognito-idp:eu-west-3:123456789012:userpool/eu-west-3_AbC"
    assert stage.from_environment(kept).staff_pool_arn == arn
