"""What all tests share: an environment that reaches no real account, and DynamoDB on both engines."""

import contextlib
import fcntl
import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import hypothesis
import pytest
from moto import mock_aws
from xdist.scheduler import LoadScopeScheduling

REGION = "us-east-2"
SETTINGS = {
    "STAGE": "test",
    "TRANSACTIONS_TABLE": "TransactionsTable",
    "TRANSACTIONS_STREAM_ARN": f"arn:aws:dynamodb:{REGION}:123456789012:table/t/stream/2026-01-01T00:00:00.000",
    "ACCOUNTS_TABLE": "AccountsTable",
    "ACCOUNTS_STREAM_LABEL": "2026-01-01T00:00:00.000",
    "BANKS_TABLE": "BanksTable",
    "NOTIFICATIONS_TABLE": "NotificationsTable",
    "DEFERRALS_TABLE": "DeferralsTable",
    "STATEMENTS_TABLE": "StatementsTable",
    "ADDRESSES_TABLE": "AddressesTable",
    "ANALYTICS_TABLE": "AnalyticsTable",
    "AUDIT_TRAIL": "AuditTable/10",
    "CASES_TABLE": "CasesTable",
    "NOTIFICATION_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/123456789012/notifications",
    "NOTIFICATION_DEAD_LETTER_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/123456789012/notifications-dead",
    "ALERT_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/123456789012/alerts",
    "INGEST_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/123456789012/ingest",
    "INGEST_DEAD_LETTER_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/123456789012/ingest-dead",
    "FEEDBACK_QUEUE": "feedback",
    "FEEDBACK_DEAD_LETTER_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/123456789012/feedback-dead",
    "STREAM_DEAD_LETTER_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/123456789012/stream-dead",
    "ARCHIVE_BUCKET": "archive",
    "CURSOR_SECRET_ARN": "cursor-secret",
    "MAIL_FROM": "EAZYCard <alerts@example.com>",
    "MAIL_CONFIGURATION_SET": "mail",
    "EVENT_BUS": "events",
    "OPERATOR_ALERTS_QUEUE": "operator-alerts",
    "OPERATOR_ALERTS_DEAD_LETTER_QUEUE_URL": (f"https://sqs.{REGION}.amazonaws.com/123456789012/operator-alerts-dead"),
    "OPERATOR_ALERTS_TOPIC_ARN": f"arn:aws:sns:{REGION}:123456789012:operator-alerts",
    "PREFERENCES_SECRET_ARN": "preferences-secret",
    "NOTIFICATIONS_STREAM_LABEL": "2026-01-01T00:00:00.000",
    "WEBHOOK_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/123456789012/webhooks",
    "WEBHOOK_DEAD_LETTER_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/123456789012/webhooks-dead",
    "RECORDED_SHARDS": "4",
    "KEEP_DAYS": "400 90 90",
    "STAFF_POOL": f"{REGION}_TestPool/client-of-the-console/tn-test",  # tests/staff_world.py
}

# Done before anything imports `app`, which reads its settings at import. No test can reach a real account.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ |= SETTINGS | {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}

from tests import quick_moto, quiet_workers, service_models  # noqa: E402
from tests.aws_calls import RECORDER, install  # noqa: E402

service_models.share()
quick_moto.install()
install()  # before anything makes a client

from chalicelib.aws.batching import grouped  # noqa: E402
from infra import patience  # noqa: E402
from local_cloud.gate.record import FOLDER_VARIABLE, refusals  # noqa: E402
from tests import dynamodb_local  # noqa: E402
from tests.app_bench import bench, logged  # noqa: E402, F401
from tests.aws_policies import refused  # noqa: E402
from tests.cloud import cloud  # noqa: E402, F401
from tests.fakes import OneCallAtATime  # noqa: E402
from tests.sizes import ENGINES, IS_LONG, PROFILE  # noqa: E402
from tests.tables import create_tables, dynamodb, table_names  # noqa: E402, F401

# Files outside of `on_the_cloud` with tests that use the local cloud, or what is built for it.
ON_THE_CLOUD = (
    "bench/test_cold",
    "infra/test_package",
    "local_cloud/test_inbox",
    "local_cloud/test_mailbox_simulator",
    "operations/test_failed_batches",
)
# Files with tests of what the tours of all functions have shown (tests/aws_tours.py).
ON_THE_TOURS = ("infra/test_calls", "infra/test_logs")
# The groups that take longest begin first, so that no processor is idle at the end.
LONGEST = (
    "cloud",
    "api/test_schemathesis",
    "tours",
    "infra/test_chalice_deploy",
    "analytics/test_model",
    "analytics/test_cost",
    "notifications/test_mailer",
)
# What floods the cloud comes last: another test would wait for the flood's e-mails.
LAST = "on_the_cloud/test_two_banks"

# No deadline: a slow machine is no failure. The examples of a property share the fixtures of its test function.
# Half of Hypothesis's own number of examples: with them, too, the tests notice every mutant (docs/mutants.md).
hypothesis.settings.register_profile(
    "project",
    deadline=None,
    max_examples=50,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.register_profile("long", hypothesis.settings.get_profile("project"), max_examples=5_000)
hypothesis.settings.register_profile("versions", hypothesis.settings.get_profile("project"), max_examples=10)
# For mutants: a failure is enough, the smallest example isn't asked for.
hypothesis.settings.register_profile(
    "mutants",
    hypothesis.settings.get_profile("project"),
    database=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
hypothesis.settings.load_profile(PROFILE)


# Tests count the lines that commands print, and on a busy machine a command may take long.
patience.SILENT_AT_MOST_S = 3_600.0


@pytest.fixture(scope="session")
def dynamodb_local_url() -> str:
    """DynamoDB Local, started once for all processors of the run. Skips where it can't run; fails there in CI."""
    try:
        return dynamodb_local.shared(Path(os.environ[FOLDER_VARIABLE]))
    except dynamodb_local.Unavailable as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no DynamoDB Local: {reason}")
        pytest.skip(f"no DynamoDB Local: {reason}")


@pytest.fixture(scope="session")
def dynamodb_local_client(dynamodb_local_url: str) -> Iterator[Any]:
    """A client of DynamoDB Local with the data stack's tables, made once: each test leaves them empty."""
    client = dynamodb_local.client(dynamodb_local_url, f"tests{os.environ.get('PYTEST_XDIST_WORKER', '')}")
    create_tables(client)
    yield client
    names = client.list_tables()["TableNames"]
    assert [one for one in names if client.scan(TableName=one, Select="COUNT")["Count"]] == []
    client.close()


@pytest.fixture(scope="session")
def touched(dynamodb_local_client: Any) -> dynamodb_local.Touched:
    return dynamodb_local.Touched(dynamodb_local_client)


@pytest.fixture(params=ENGINES)
def each_dynamodb(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client on each engine in turn, with the data stack's tables, empty, by their names in the template.

    "direct" is the functions' own client, which goes past botocore, on DynamoDB Local; "dynamodb-local" is botocore's
    there.
    """
    if request.param == "moto":
        with mock_aws():
            client = boto3.client("dynamodb")
            create_tables(client)
            yield OneCallAtATime(client)
    else:
        client, touched = request.getfixturevalue("dynamodb_local_client"), request.getfixturevalue("touched")
        touched.tables.clear()
        with contextlib.closing(dynamodb_local.direct(client, touched)) as direct:
            yield client if request.param == "dynamodb-local" else direct
        dynamodb_local.empty(client, set(touched.tables))


@pytest.fixture(autouse=True)
def _only_what_the_roles_allow() -> Iterator[None]:
    """Fail a test in which a function makes a call that its role doesn't allow."""
    RECORDER.taken()
    yield
    assert not refused(RECORDER.taken())


def group(nodeid: str) -> str:
    """Return the group of tests that share something costly: their file's, or one that takes several files together."""
    file = nodeid.partition("::")[0].removeprefix("tests/").removesuffix(".py")
    if file in ON_THE_TOURS:
        return "tours"
    return "cloud" if file in ON_THE_CLOUD or file.startswith("on_the_cloud/") else file


class ByServer(LoadScopeScheduling):
    """Keeps a group's tests on one processor.

    pytest-xdist's own groups by mark (`--dist loadgroup`) have no effect with pytest 9.2, and don't say so.
    """

    def _split_scope(self, nodeid: str) -> str:
        # The model test takes as long as many files, on each engine: its tests may run on several processors.
        return nodeid if group(nodeid) == "analytics/test_model" else group(nodeid)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many workers `-n auto` starts: two more than processors, for some mostly wait for other processes."""
    return (os.cpu_count() or 1) + 2


def pytest_configure(config: pytest.Config) -> None:
    quiet_workers.quieten(config)
    # All local clouds of a run count in one folder what their gates refuse. Other processors' tests inherit it.
    if FOLDER_VARIABLE not in os.environ:
        kept = contextlib.ExitStack()
        config.add_cleanup(kept.close)
        folder = os.environ[FOLDER_VARIABLE] = tempfile.mkdtemp(prefix="gate-")
        kept.callback(shutil.rmtree, folder, ignore_errors=True)
        kept.enter_context(dynamodb_local.kept_running(Path(folder)))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    counted = refusals(Path(os.environ[FOLDER_VARIABLE]))
    if counted:
        listed = ", ".join(f"{code} {count}" for code, count in sorted(counted.items()))
        terminalreporter.write_line(f"Refused by the local cloud's gate: {listed}.")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByServer:
    return ByServer(config, log)


def is_of_this_run(item: pytest.Item) -> bool:
    """Return whether a test runs: one that tries every moment does so on one engine, in the long run on each."""
    if IS_LONG or item.get_closest_marker("each_moment") is None:
        return True
    engine: str = item.callspec.params["each_dynamodb"]  # type: ignore[attr-defined]
    return engine == ENGINES[0]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    found = grouped(items, is_of_this_run)
    config.hook.pytest_deselected(items=found.get(False, []))
    items[:] = found.get(True, [])
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (order.get(group(item.nodeid), len(order)), LAST in item.nodeid))


def pytest_collection_finish() -> None:
    # 16,000 tests and what they import stay: to look through them again and again takes a tenth of the time.
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[Any]:
    # Of the processes that look for tests, one goes first: in a clean checkout it compiles what all of them import.
    with (Path(os.environ[FOLDER_VARIABLE]) / "collection.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(lock, fcntl.LOCK_SH)
        gc.disable()  # what is found stays
        try:
            return (yield)
        finally:
            gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    uses_cloud = item.get_closest_marker("cloud") is not None or "cloud" in getattr(item, "fixturenames", ())
    if uses_cloud and group(item.nodeid) != "cloud":
        pytest.fail("it uses the local cloud: name its file in ON_THE_CLOUD", pytrace=False)
