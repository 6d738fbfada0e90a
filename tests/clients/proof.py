"""Each of the usual generators makes a client that compiles, and with which a bank's program works against the app.

`make clients` runs this; `make test` does not, because it installs the generators. Each program prints the same.
"""

import os
import re
import shutil
import time
from pathlib import Path

import pytest

import app as app_module
from chalicelib.notifications.log import NotificationLog
from chalicelib.notifications.state import NotificationKey, State, StateChange
from infra.package import PROJECT_DIR
from openapi.__main__ import OPENAPI
from tests.api_server import KEY, NOW, serving
from tests.clients.generated import CLIENTS, DESCRIPTION
from tests.clients.tools import HOME, Tools, installed, run

HERE = Path(__file__).parent
EXPECTED = (HERE / "expected.txt").read_text()


@pytest.fixture(scope="session")
def tools() -> Tools:
    return installed()


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_is_generated_and_compiles_and_works(
    name: str, tools: Tools, capsys: pytest.CaptureFixture[str]
) -> None:
    client = CLIENTS[name](tools)
    missing = [tool for tool in client.needs if shutil.which(tool) is None]
    if missing and os.environ.get("CI") != "true":
        pytest.skip(f"not on this machine: {', '.join(missing)}")
    start = time.monotonic()
    folder = HOME / "work" / re.sub("[^a-z]+", "-", name.lower())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy2(PROJECT_DIR / OPENAPI, folder / DESCRIPTION)
    shutil.copy2(HERE / "programs" / client.program, folder)
    run(client.generate, folder)
    run(client.compile, folder)
    with serving() as url:
        send_an_e_mail()
        printed = run(client.run, folder, API_URL=url, API_KEY=KEY)
    with capsys.disabled():
        print(f"\n{name} ({time.monotonic() - start:.1f} s)\n{printed}")
    assert printed == EXPECTED


def send_an_e_mail() -> None:
    """Put a notification into the bank's feed: its e-mail is accepted by SES."""
    services = app_module.services
    table, feed = services.settings.notifications_table, services.notification_feed
    key = NotificationKey("eazycard", "t-0", "awa")
    sent = StateChange(key, State.SENT, message_id="m-0", queued_at=NOW)
    NotificationLog(services.client("dynamodb"), table, feed).record([sent], NOW)
