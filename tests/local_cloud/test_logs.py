"""The lines of the functions' log groups, on moto."""

import time

import boto3
import pytest
from moto import mock_aws

from local_cloud.logs import LogLine, log_lines


@pytest.mark.parametrize("count", [3, 250])
def test_the_lines_of_every_function_of_the_stage_come_with_its_name(count: int) -> None:
    start = int(time.time() * 1000)  # moto takes no events of another year
    with mock_aws():
        logs = boto3.client("logs")
        for group, text in (
            ("/aws/lambda/transaction-notifier-local", "api"),
            ("/aws/lambda/transaction-notifier-local-alert_mailer", "mail"),
            ("/aws/lambda/transaction-notifier-prod-mailer", "of another stage"),
            ("/aws/lambda/another-service", "of another service"),
        ):
            logs.create_log_group(logGroupName=group)
            logs.create_log_stream(logGroupName=group, logStreamName="s")
            for number in range(count):
                event = {"timestamp": start + number, "message": f"{text} {number}\n"}
                logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event])
        found = list(log_lines(logs, "local"))
    assert found == [
        LogLine(function, f"{text} {number}")
        for function, text in (("api_handler", "api"), ("alert_mailer", "mail"))
        for number in range(count)
    ]
