"""The simulated holders, against an inbox and alert pages of our own over real HTTP. The page is the app's own."""

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from bank_simulator import holders
from bank_simulator.__main__ import main
from bank_simulator.bank_api import BankApi, Target
from bank_simulator.holders import DENIES, RECOGNIZES, SHARES, SILENT, CannotAnswer, CannotEnrol, answer_of
from chalicelib.api.alert_html import question_page
from chalicelib.banks.bank import Bank
from chalicelib.flags.answers import Answer
from tests.fake_api import KEY, FakeBankApi, serving
from tests.fakes import NoProgress
from tests.links import SERVED_HOLDER
from tests.samples import TRANSACTION

PLANTED_IN = ("BR", "LV", "NG", "TH")
FOREIGN = (*PLANTED_IN, "US")
BANK = Bank("eazycard", "EAZYCard", "EUR", "standard")
PAGES = {
    button: question_page(answer, TRANSACTION, SERVED_HOLDER, BANK)
    for button, answer in (("was_me", Answer.RECOGNIZED), ("was_not_me", Answer.NOT_RECOGNIZED))
}


class World:
    """An API whose every purchase abroad is told to its holder, and the inbox with these alerts."""

    def __init__(self) -> None:
        self.api = FakeBankApi()
        self.url = ""
        self.enrolled: dict[str, Any] = {}
        self.enrolling = 201
        self.answered: dict[str, str] = {}
        self.opened: list[str] = []
        self.more: list[dict[str, Any]] = []
        self.link_host = ""

    def alerts(self) -> list[dict[str, Any]]:
        foreign = [one for one in self.api.stored.values() if (one.merchant or {}).get("country") in FOREIGN]
        return [*map(self.alert, [one.id for one in foreign]), *self.more]

    def alert(self, transaction_id: str) -> dict[str, Any]:
        links = [f"{self.link_host or self.url}/alerts/{transaction_id}~{button}" for button in PAGES]
        return {"text": f"Was it you?\nYes: {links[0]}\nNo: {links[1]}\n", "tags": {"transaction": transaction_id}}

    def get(self, path: str) -> tuple[int, str]:
        if path == "/inbox/messages.json":
            return 200, json.dumps({"messages": self.alerts()})
        if path.startswith("/stage/alerts/"):
            self.opened.append(path)
            return 200, PAGES[path.rpartition("~")[2]]
        return 200, "{}"

    def post(self, path: str, raw: bytes) -> None:
        transaction_id, _, button = path.removeprefix("/stage/alerts/").partition("~")
        (answer,) = parse_qs(raw.decode())["answer"]
        assert f'value="{answer}"' in PAGES[button]
        assert transaction_id not in self.answered
        self.answered[transaction_id] = answer


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("BANK_API_KEY", KEY)
    monkeypatch.setattr(holders, "QUIET_S", 0.3)
    with served(World()) as made:
        yield made


@contextlib.contextmanager
def served(world: World) -> Iterator[World]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(*world.get(self.path))

        def do_PUT(self) -> None:
            world.enrolled[self.path] = json.loads(self._body())
            self._answer(world.enrolling, "{}")

        def do_POST(self) -> None:
            raw = self._body()
            if "/alerts/" in self.path:
                world.post(self.path, raw)
                self._answer(200, "")
            else:
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, _, body = world.api.post(raw, headers, self.path.removeprefix("/stage"))
                self._answer(status, json.dumps(body))

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers["content-length"]))

        def _answer(self, status: int, text: str) -> None:
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    with serving(Handler) as url:
        world.url = f"{url}/stage"
        yield world


def run(world: World, *options: str) -> int:
    inbox = f"{world.url.removesuffix('/stage')}/inbox/"
    # What a holder answers is of the transaction's id.
    return main(["--url", world.url, "--inbox", inbox, "--seed", "5", "--id-prefix", "of-run-5", *options])


def expected(world: World, planted: set[str]) -> dict[str, str]:
    ids = [alert["tags"]["transaction"] for alert in world.alerts()]
    answers = {one: answer_of(5, one, is_fraud=one in planted) for one in ids}
    return {one: answer for one, answer in answers.items() if answer != SILENT}


def planted_in(world: World) -> set[str]:
    return {one.id for one in world.api.stored.values() if (one.merchant or {}).get("country") in PLANTED_IN}


def test_holders_answer_each_alert_once_as_their_seed_says(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    assert run(world, "--count", "300", "--fraud", "0.2", "--days", "3", "--report", str(report)) == 0
    planted = planted_in(world)
    assert len(planted) == 60
    assert world.answered == expected(world, planted)
    assert set(world.answered.values()) == {DENIES, RECOGNIZES}
    told = json.loads(report.read_text())["holders"]
    assert told["planted"] == 60
    of_fraud = [one["tags"]["transaction"] for one in world.alerts() if one["tags"]["transaction"] in planted]
    assert sum(told["alerts_of_fraud"].values()) == len(of_fraud)
    assert told["alerts_of_fraud"][DENIES] == sum(world.answered.get(one) == DENIES for one in of_fraud)
    assert told["alerts_of_others"][RECOGNIZES] > 0
    assert "Planted 60 fraudulent transactions." in capsys.readouterr().out


def test_alerts_of_other_runs_are_left_alone_and_so_are_links_that_lead_elsewhere(world: World) -> None:
    world.more = [world.alert("of-another-run.000001"), {"text": "Hello", "tags": {}}]
    world.link_host = "http://alerts.example"
    assert run(world, "--count", "100", "--fraud", "0.2") == 0
    assert (world.answered, world.opened) == ({}, [])


def test_without_an_inbox_nobody_answers_and_the_report_says_so(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--url", world.url, "--count", "50", "--fraud", "0.1"]) == 0
    assert "Planted 5 fraudulent transactions. Nobody answers" in capsys.readouterr().out


def test_an_inbox_that_cant_be_read_gives_status_1_and_shows_no_link(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--url", world.url, "--inbox", "http://127.0.0.1:9/", "--count", "50", "--fraud", "0.1"]) == 1
    assert capsys.readouterr().err == "GET 127.0.0.1:9 was not answered.\n"


def test_an_alert_without_the_button_is_an_error(world: World) -> None:
    world.more = [{"text": f"{world.url}/alerts/r.1~was_me", "tags": {"transaction": "r.1"}}]
    seed = next(seed for seed in range(99) if answer_of(seed, "r.1", is_fraud=True) == DENIES)
    inbox = f"{world.url.removesuffix('/stage')}/inbox"
    how: dict[str, Any] = {"progress": NoProgress(), "stop": threading.Event()}
    with pytest.raises(CannotAnswer, match="No link of an alert has a button"):
        holders.answer_alerts(inbox, world.url, "r", {"r.1"}, seed=seed, quiet_s=0.1, **how)


def test_holders_are_enrolled_for_alerts_only_in_the_accounts_that_are_used(world: World) -> None:
    assert run(world, "--count", "60", "--holders", "3") == 0
    assert list(world.enrolled) == [f"/stage/accounts/S000{one}/holders/main" for one in (1, 2, 3)]
    assert all(one["preferences"] == {"muted": True} for one in world.enrolled.values())
    assert {one.account for one in world.api.stored.values()} == {"S0001", "S0002", "S0003"}


def test_a_holder_who_cant_be_enrolled_ends_the_run_before_anything_is_sent(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.enrolling = 403
    assert run(world, "--count", "60", "--holders", "3") == 1
    assert capsys.readouterr().err == "Enrolling a holder of S0001 was answered 403.\n"
    assert world.api.posts == 0
    with BankApi(Target(world.url, KEY), 1) as api, pytest.raises(CannotEnrol):
        holders.enrol(api, ["S0001"])


@pytest.mark.parametrize("is_fraud", [True, False])
def test_answers_come_in_their_shares_and_are_the_same_again(is_fraud: bool) -> None:
    ids = [f"t{number}" for number in range(5_000)]
    answers = [answer_of(1, one, is_fraud=is_fraud) for one in ids]
    assert answers == [answer_of(1, one, is_fraud=is_fraud) for one in ids]
    assert answers != [answer_of(2, one, is_fraud=is_fraud) for one in ids]
    for answer, count in Counter(answers).items():
        assert abs(count / 50 - SHARES[is_fraud][answer]) < 3
    assert sum(SHARES[is_fraud].values()) == 100
