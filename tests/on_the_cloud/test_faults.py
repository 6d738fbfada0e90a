"""A short bad day on the local cloud: processes are killed, calls fail, services are down, and all is counted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.sessions import Stage, session_for
from load.faults import bad_weather
from load.weather import STAGES
from local_cloud.deploy import STAGE
from tests.cloud import CloudUnderTest

pytestmark = pytest.mark.cloud
QUEUES = ("NotificationQueueUrl", "AlertQueueUrl", "IngestQueueUrl")


@pytest.fixture
def impatient(cloud: CloudUnderTest) -> Iterator[CloudUnderTest]:
    """The cloud, with queues that bring what a killed function had in hand again after 30 seconds."""
    sqs, name = cloud.client("sqs"), "VisibilityTimeout"
    urls = [cloud.deployed.outputs[queue] for queue in QUEUES if queue in cloud.deployed.outputs]
    before = {url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"] for url in urls}
    for url in urls:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={name: "30"})
    yield cloud
    for url, attributes in before.items():
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)


def test_on_a_bad_day_everything_is_stored_told_and_added_up(
    impatient: CloudUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient.use_by_commands(monkeypatch)
    outcome = bad_weather(Stage(STAGE, session_for(STAGE)), impatient.deployed.api_url, 300, 7, tmp_path)
    assert outcome.is_right, outcome.as_text()
    assert (outcome.account.posted, outcome.repeats) == (270, 30)
    killed = {name.rpartition(" ")[2] for name in outcome.happened if name.startswith("killed")}
    assert {"api_handler", "ingest_worker", "transaction_stream", "mailer"} <= killed <= set(STAGES)
    assert {"created", "queued"} <= outcome.account.answers.keys()
