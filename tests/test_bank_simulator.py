"""The bank simulator, against an honest small bank API of our own over real HTTP."""

import contextlib
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bank_simulator import dry_run, generate, sender, verify
from bank_simulator.__main__ import main
from bank_simulator.generate import Shares
from bank_simulator.mistakes import MISTAKES
from bank_simulator.postings import CREATED, NEW, NO_ANSWER, QUEUED, Answer, Posting
from chalicelib import transactions
from chalicelib.errors import DomainError
from chalicelib.iso import CURRENCY_DECIMALS
from chalicelib.json_body import read_json

PROJECT_DIR = Path(__file__).parent.parent
REAL_DATA = PROJECT_DIR.parent / "shared" / "data" / "real-transactions.csv.gz"
NOW = datetime(2026, 1, 10, 14, tzinfo=UTC)
KEY = "the-bank-s-key"

Reaction = tuple[int, dict[str, str], dict[str, Any]]


class FakeBankApi:
    """A bank API that validates as the real one does, stores by id, and lists; it can be told to misbehave.

    `before` and `after` see each POST, by its number from 0, before and after it is recorded; what they return is
    answered instead, and DROP breaks the connection without an answer.
    """

    DROP: Reaction = (0, {}, {})

    def __init__(self) -> None:
        self.before: Callable[[int], Reaction | None] = lambda number: None
        self.after: Callable[[int], Reaction | None] = lambda number: None
        self.alter: Callable[[dict[str, Any]], dict[str, Any]] = lambda listed: listed
        self.delay_s = 0.0
        self.stored: dict[str, transactions.Transaction] = {}
        self.arrived: dict[str, datetime] = {}
        self.posts = 0
        self._lock = threading.Lock()

    def post(self, raw: bytes, key: str | None) -> Reaction:
        with self._lock:
            number = self.posts
            self.posts += 1
        time.sleep(self.delay_s)
        if key != KEY:
            return problem(403, "forbidden")
        instead = self.before(number)
        if instead is None:
            recorded = self._record(raw)
            instead = self.after(number) or recorded
        return instead

    def _record(self, raw: bytes) -> Reaction:
        now = datetime.now(UTC)
        try:
            transaction = transactions.load_transaction(read_json(raw), "bank", "EUR", now)
        except DomainError as error:
            return problem(400, error.code)
        with self._lock:
            known = self.stored.setdefault(transaction.id, transaction)
            self.arrived.setdefault(transaction.id, now)
        if transaction is known:
            return 201, {"Location": f"/transactions/{known.id}"}, transactions.to_json(known)
        if transaction.differing(known):
            return problem(409, "transaction_conflict")
        return 200, {"Idempotency-Replayed": "true"}, transactions.to_json(known)

    def page(self, account: str, query: dict[str, list[str]]) -> Reaction:
        of_account = [transaction for transaction in self.stored.values() if transaction.account == account]
        first = int(query.get("cursor", ["0"])[0])
        after = first + int(query["limit"][0])
        found = [self.alter(transactions.to_json(transaction)) for transaction in of_account[first:after]]
        next_cursor = str(after) if after < len(of_account) else None
        return 200, {}, {"transactions": found, "next_cursor": next_cursor}


def problem(status: int, code: str, **headers: str) -> Reaction:
    return status, headers, {"code": code, "detail": "never shown"}


@contextlib.contextmanager
def served(api: FakeBankApi) -> Iterator[str]:
    """Serve the API on a free loopback port and give its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer goes out in one piece

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            self._answer(*api.post(raw, self.headers["x-api-key"]))

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/stage/health":
                self._answer(200, {}, {"status": "ok"})
            else:
                self._answer(*api.page(url.path.split("/")[3], parse_qs(url.query)))

        def _answer(self, status: int, headers: dict[str, str], body: dict[str, Any]) -> None:
            if status == 0:
                self.close_connection = True
                return
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/stage"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def api() -> FakeBankApi:
    return FakeBankApi()


@pytest.fixture
def url(api: FakeBankApi, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("BANK_API_KEY", KEY)
    with served(api) as served_at:
        yield served_at


@pytest.fixture
def target(url: str) -> sender.Target:
    return sender.Target(url, KEY)


def made(count: int, seed: int = 1, now: datetime | None = None, **shares: float) -> list[Posting]:
    moment = now or datetime.now(UTC)
    return list(generate.transactions(Random(seed), moment, count, shares=Shares(**shares)))


def csv_file(folder: Path, rows: list[str], header: str = "id,account,amount,type,timestamp,currency") -> Path:
    path = folder / "transactions.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def three_rows(folder: Path) -> Path:
    rows = [
        "1,A1,250.50,credit,2026-01-10T14:00:00Z,EUR",
        "2,A2,90000,debit,2026-01-10T14:00:01Z,XAF",
        "3,A1,0.10,debit,2026-01-10T15:00:02+01:00,EUR",
    ]
    return csv_file(folder, rows)


# Made-up transactions


def test_the_same_seed_prefix_and_time_give_the_same_bytes() -> None:
    assert made(500, now=NOW, duplicates=0.1, invalid=0.1) == made(500, now=NOW, duplicates=0.1, invalid=0.1)


def test_another_seed_gives_others() -> None:
    assert made(20, seed=1, now=NOW) != made(20, seed=2, now=NOW)


def test_a_run_at_another_moment_has_other_ids() -> None:
    later = NOW + timedelta(microseconds=1)
    assert not {posting.id for posting in made(50, now=NOW)} & {posting.id for posting in made(50, now=later)}


def test_all_are_valid_whatever_the_seed() -> None:
    for seed in range(5):
        checked = dry_run.check(made(1000, seed, NOW), "JPY", NOW)
        assert (checked.valid, checked.invalid) == (1000, Counter())


def test_the_mix_is_realistic() -> None:
    bodies = [read_json(posting.body) for posting in made(3000, now=NOW)]
    currencies = Counter(body.get("currency") for body in bodies)
    assert currencies["XAF"] > currencies["XOF"] > currencies["USD"] > 0
    assert sum(currencies[code] for code in ("XAF", "XOF", "EUR", "USD")) > 0.9 * len(bodies)
    types = Counter(body["type"] for body in bodies)
    assert types["debit"] > 3 * types["credit"] > 0
    statuses = Counter(body.get("status", "settled") for body in bodies)
    assert set(statuses) == set(transactions.STATUSES)
    assert statuses["settled"] > 0.8 * len(bodies)
    assert {type(body["amount"]) for body in bodies} == {Decimal, str}
    optional = set(transactions.TransactionSchema().fields) - {"id"}
    assert optional <= {name for body in bodies for name in body}
    assert len({body["merchant"]["mcc"] for body in bodies if "merchant" in body}) > 10


def test_amounts_are_written_with_the_currency_s_decimals() -> None:
    for posting in made(500, now=NOW):
        body = read_json(posting.body)
        if "currency" in body:
            digits = -Decimal(body["amount"]).as_tuple().exponent
            assert digits == CURRENCY_DECIMALS[body["currency"]]


def test_timestamps_are_of_the_last_minutes_in_several_zones() -> None:
    texts = [read_json(posting.body)["timestamp"] for posting in made(500, now=NOW)]
    assert all(NOW - generate.MAX_AGE <= transactions.parse_time(text) <= NOW for text in texts)
    assert {text[-6:] for text in texts} >= {"+01:00", "-05:00", "+00:00"}


def test_settlements_and_reversals_name_an_earlier_authorization() -> None:
    bodies = [read_json(posting.body) for posting in made(1000, now=NOW)]
    authorized: set[str] = set()
    named = set()
    for body in bodies:
        if body.get("status") == "authorized":
            authorized.add(body["id"])
        if "authorization_id" in body:
            assert body["authorization_id"] in authorized
            named.add(body["status"])
    assert named == {"settled", "reversed"}


def test_the_shares_are_kept_to_the_transaction() -> None:
    postings = made(200, duplicates=0.1, conflicts=0.05, invalid=0.2)
    meant = Counter(next(iter(posting.expected)).status for posting in postings if posting.expected != NEW)
    assert meant == {200: 20, 409: 10, 400: 40}


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_every_mistake_is_refused_for_what_it_is(number: int) -> None:
    mistake, refusal = MISTAKES[number]
    for posting in made(30, now=NOW):
        with pytest.raises(DomainError) as refused:
            transactions.load_transaction(read_json(mistake(read_json(posting.body), NOW)), "b", "EUR", NOW)
        assert refused.value.code == refusal.code


# Sending


def test_a_run_reports_what_was_created_replayed_and_refused(
    api: FakeBankApi, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "report.json"
    shares = ["--duplicates", "0.2", "--conflicts", "0.1", "--invalid", "0.1"]
    assert main(["--url", url, "--count", "200", *shares, "--seed", "7", "--report", str(written)]) == 0
    report = json.loads(written.read_text())
    assert (report["sent"], report["created"], report["replayed"]) == (200, 120, 40)
    refused = {(each["status"], each["code"]): each["count"] for each in report["refused"]}
    assert refused[(409, "transaction_conflict")] == 20
    assert sum(refused.values()) == 40
    assert report["unexpected"] == []
    assert report["seed"] == 7
    assert 0 < report["latency_ms"]["p50"] <= report["latency_ms"]["p99"] <= report["latency_ms"]["max"]
    assert len(api.stored) == 120
    output = capsys.readouterr().out
    assert "Sent 200 transactions" in output
    assert "20 x 409 transaction_conflict" in output


def test_the_same_seed_prefix_and_clock_are_answered_as_replays(api: FakeBankApi, url: str) -> None:
    again = ["--url", url, "--seed", "3", "--id-prefix", "again", "--now", datetime.now(UTC).isoformat()]
    assert main(again) == main(again) == 0
    assert (len(api.stored), api.posts) == (60, 120)


def test_every_created_transaction_is_listed_with_the_time_before_its_post(
    api: FakeBankApi, target: sender.Target
) -> None:
    began = datetime.now(UTC)
    report = sender.send(made(50), target, clients=8)
    assert {created.id for created in report.created} == set(api.stored)
    for created in report.created:
        assert created.account == api.stored[created.id].account
        assert began <= created.posted_at <= api.arrived[created.id]


def test_a_lost_answer_is_asked_for_again_and_counts_as_created(api: FakeBankApi, target: sender.Target) -> None:
    api.after = lambda number: FakeBankApi.DROP if number % 10 == 3 else None
    report = sender.send(made(50), target)
    assert report.ok
    assert report.created_by_retry == report.retried > 0
    assert len(report.created) == len(api.stored) == 50


def test_a_throttled_bank_waits_as_long_as_it_is_told(api: FakeBankApi, target: sender.Target) -> None:
    api.before = lambda number: problem(429, "throttled", Retry_After="1") if number == 0 else None
    began = time.monotonic()
    report = sender.send(made(1), target)
    assert time.monotonic() - began >= 1
    assert (report.ok, report.retried, len(report.created)) == (True, 1, 1)


def test_throttling_for_longer_than_the_tries_of_a_failure_loses_nothing(
    api: FakeBankApi, target: sender.Target
) -> None:
    api.before = lambda number: problem(429, "throttled") if number <= sender.MAX_TRIES else None
    report = sender.send(made(1), target)
    assert report.ok
    assert len(api.stored) == 1


def test_what_fails_five_times_is_reported_with_its_code(api: FakeBankApi, target: sender.Target) -> None:
    api.before = lambda number: problem(503, "temporarily_unavailable")
    report = sender.send(made(2), target, clients=2)
    assert report.unexpected == {Answer(503, "temporarily_unavailable"): 2}
    assert api.posts == 2 * sender.MAX_TRIES


def test_no_answer_at_all_is_reported_as_such(api: FakeBankApi, target: sender.Target) -> None:
    api.before = lambda number: FakeBankApi.DROP
    assert sender.send(made(1), target).unexpected == {NO_ANSWER: 1}


def test_a_duplicate_waits_until_its_original_is_answered(api: FakeBankApi, target: sender.Target) -> None:
    api.delay_s = 0.01
    report = sender.send(made(200, duplicates=0.5), target, clients=16)
    assert report.ok
    assert (len(report.created), report.answers[Answer(200)]) == (100, 100)


def test_repeats_of_what_was_not_recorded_are_not_sent(api: FakeBankApi, target: sender.Target) -> None:
    api.before = lambda number: (202, {}, {})
    report = sender.send(made(20, duplicates=0.5), target)
    assert (report.ok, report.answers, report.skipped) == (True, {QUEUED: 10}, 10)


def test_an_unexpected_answer_is_listed_without_its_body_and_gives_status_1(
    api: FakeBankApi, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    api.before = lambda number: problem(400, "validation_failed") if number == 5 else None
    assert main(["--url", url, "--count", "10"]) == 1
    output = capsys.readouterr().out
    assert "1 x 400 validation_failed" in output.partition("unexpected")[2]
    assert "never shown" not in output


@pytest.mark.parametrize(
    ("shares", "answered"),
    [
        ({}, (200, {"Idempotency-Replayed": "true"}, {})),
        ({}, (200, {}, {})),
        ({"duplicates": 0.5}, (201, {}, {})),
        ({"conflicts": 0.5}, (409, {}, {"code": "something_else"})),
        ({"invalid": 0.5}, (201, {}, {})),
        ({"invalid": 0.5}, (422, {}, {"code": "validation_failed"})),
    ],
)
def test_any_answer_but_the_right_one_is_unexpected(
    api: FakeBankApi, target: sender.Target, shares: dict[str, float], answered: Reaction
) -> None:
    postings = made(2, **shares)
    api.after = lambda number: answered if number == 1 else None
    report = sender.send(postings, target, clients=1)
    assert report.unexpected.total() == 1


def test_a_wrong_key_is_unexpected(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--url", url, "--api-key", "wrong", "--count", "3"]) == 1
    assert "3 x 403 forbidden" in capsys.readouterr().out


def test_the_rate_is_not_exceeded(target: sender.Target) -> None:
    assert sender.send(made(20), target, clients=8, rate=40).seconds >= 19 / 40


def test_progress_is_told_of_every_posting(target: sender.Target) -> None:
    class Bar:
        done = 0

        def update(self, n: int = 1, /) -> None:
            self.done += n

    bar = Bar()
    sender.send(made(30, duplicates=0.3), target, progress=bar)
    assert bar.done == 30


def test_an_error_while_making_the_postings_reaches_the_caller(target: sender.Target) -> None:
    def broken() -> Iterator[Posting]:
        yield from made(3)
        raise LookupError

    with pytest.raises(LookupError):
        sender.send(broken(), target)


def test_an_endless_run_keeps_no_list_of_what_it_created(target: sender.Target) -> None:
    report = sender.send(made(5), target, keep_created=False)
    assert (report.created, report.answers[CREATED]) == ([], 5)


def test_the_latency_percentiles_are_those_of_the_requests() -> None:
    report = sender.Report(latencies=Counter(dict.fromkeys(range(10, 1010, 10), 1)))
    assert [report.latency_ms(percent) for percent in (50, 95, 99, 100)] == [50, 95, 99, 100]


def test_ctrl_c_waits_for_what_is_under_way_and_reports(api: FakeBankApi, url: str) -> None:
    api.delay_s = 0.1
    command = [sys.executable, "-m", "bank_simulator", "--forever", "--url", url]
    with subprocess.Popen(command, cwd=PROJECT_DIR, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 15
        while api.posts < 12 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=15)
    assert process.returncode == 130
    assert f"Sent {len(api.stored)} transactions" in output.decode()
    assert len(api.stored) >= 12
    assert b"Traceback" not in errors


# Dry run


def test_it_says_what_is_valid_and_sends_nothing(
    api: FakeBankApi, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--dry-run", "--url", url, "--count", "100", "--invalid", "0.3", "--conflicts", "0.1"]) == 0
    output = capsys.readouterr().out.split()
    assert output[output.index("valid") + 1] == "70"
    assert output[output.index("invalid") + 1] == "30"
    assert api.posts == 0


def test_an_invalid_one_where_a_valid_one_was_meant_gives_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = csv_file(tmp_path, ["1,A1,0.001,credit,2026-01-10T14:00:00Z,EUR"])
    assert main(["--dry-run", "--replay", str(path)]) == 1
    assert "1 x validation_failed" in capsys.readouterr().out.partition("unexpected")[2]


def test_a_valid_one_where_a_mistake_was_meant_is_unexpected() -> None:
    posting = made(1, now=NOW)[0]
    meant = Posting(posting.body, posting.id, posting.account, frozenset({Answer(400, "malformed_body")}))
    assert dry_run.check([meant], "EUR", NOW).unexpected == {"valid": 1}


def test_the_real_transactions_add_up_to_their_known_totals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not REAL_DATA.exists():
        pytest.skip("the real transactions are not beside the project")
    written = tmp_path / "report.json"
    assert main(["--dry-run", "--replay", str(REAL_DATA), "--report", str(written)]) == 0
    totals = {"count": 30000, "credit": "125518484.40", "debit": "89942365.30", "largest": "76500.00"}
    report = json.loads(written.read_text())
    assert (report["valid"], report["totals"]) == (30000, {"CZK": totals})
    assert "125518484.40" in capsys.readouterr().out


# Replay and verification


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_file_is_sent_stored_and_verified(
    api: FakeBankApi, url: str, tmp_path: Path, is_packed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    path = three_rows(tmp_path)
    if is_packed:
        data, path = path.read_bytes(), tmp_path / "transactions.csv.gz"
        path.write_bytes(gzip.compress(data))
    assert main(["--url", url, "--replay", str(path), "--verify"]) == 0
    assert api.stored["1"].amount == Decimal("250.50")
    assert api.stored["2"].currency == "XAF"
    assert api.stored["3"].timestamp == datetime(2026, 1, 10, 14, 0, 2, tzinfo=UTC)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["EUR", "file", "2", "250.50", "0.10", "250.50"] in lines
    assert ["EUR", "stored", "2", "250.50", "0.10", "250.50"] in lines
    assert ["XAF", "stored", "1", "0", "90000", "90000"] in lines


def test_a_second_replay_is_answered_with_replays(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--url", url, "--replay", str(three_rows(tmp_path)), "--verify"]
    assert main(command) == main(command) == 0
    assert ["replayed", "3"] in [line.split() for line in capsys.readouterr().out.splitlines()]


def test_only_the_first_rows_are_sent_when_limited(api: FakeBankApi, url: str, tmp_path: Path) -> None:
    assert main(["--url", url, "--replay", str(three_rows(tmp_path)), "--limit", "2", "--verify"]) == 0
    assert set(api.stored) == {"1", "2"}


def test_an_empty_cell_is_an_absent_field_but_a_description_may_be_empty(
    api: FakeBankApi, url: str, tmp_path: Path
) -> None:
    header = "id,account,amount,type,timestamp,currency,description,balance,merchant.name,merchant.city,metadata.pos"
    rows = ["1,A1,1,debit,2026-01-10T14:00:00Z,,,-5.00,Café,,7", "2,A1,2,debit,2026-01-10T14:00:00Z,,tea,,,,"]
    assert main(["--url", url, "--replay", str(csv_file(tmp_path, rows, header)), "--verify"]) == 0
    first, second = api.stored["1"], api.stored["2"]
    assert (first.description, first.balance, first.currency) == ("", Decimal("-5.00"), "EUR")
    assert (first.merchant, first.metadata) == ({"name": "Café"}, {"pos": "7"})
    assert (second.description, second.balance, second.merchant, second.metadata) == ("tea", None, None, None)


def test_verification_reads_every_page_and_leaves_other_transactions_alone(
    api: FakeBankApi, url: str, tmp_path: Path, target: sender.Target
) -> None:
    rows = [f"{number},A1,1.00,debit,2026-01-10T14:00:00Z,EUR" for number in range(250)]
    sender.send(generate.transactions(Random(1), datetime.now(UTC), 20, accounts=["A1"]), target)
    assert main(["--url", url, "--replay", str(csv_file(tmp_path, rows)), "--verify"]) == 0


@pytest.mark.parametrize(
    ("field", "value"), [("amount", "250.51"), ("timestamp", "2026-01-10T14:00:01Z"), ("type", "debit")]
)
def test_verification_finds_a_stored_value_that_differs(
    api: FakeBankApi,
    url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    field: str,
    value: str,
) -> None:
    api.alter = lambda listed: listed | {field: value} if listed["id"] == "1" else listed
    assert main(["--url", url, "--replay", str(three_rows(tmp_path)), "--verify"]) == 1
    assert f"1: {field} differs" in capsys.readouterr().out


def test_verification_finds_what_is_missing_and_what_is_listed_twice(api: FakeBankApi, target: sender.Target) -> None:
    body = {"account": "A1", "amount": "1", "type": "debit", "timestamp": "2026-01-10T14:00:00Z"}
    bodies = [{"id": transaction_id, **body} for transaction_id in ("1", "2", "3")]
    for each in bodies[:2]:
        api.post(json.dumps(each).encode(), KEY)
    api.alter = lambda listed: listed | {"id": "1"}
    result = verify.verify(bodies, target)
    assert result.differences == ["1: listed twice", "2: not stored", "3: not stored"]
    assert not result.ok


def test_verification_finds_an_id_that_the_file_has_twice(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["1,A1,1,credit,2026-01-10T14:00:00Z,EUR"] * 2
    assert main(["--url", url, "--replay", str(csv_file(tmp_path, rows)), "--verify"]) == 1
    assert "1: twice in the file" in capsys.readouterr().out


def test_an_account_that_can_t_be_read_back_gives_status_1_and_a_line(
    api: FakeBankApi, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.alter = lambda listed: {"unheard": "of"}
    path = three_rows(tmp_path)
    assert main(["--url", url, "--replay", str(path), "--verify"]) == 1
    assert "can't be read back" in capsys.readouterr().err


def test_a_row_that_is_no_transaction_is_refused_and_differs(
    api: FakeBankApi, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["1,A1,,credit,2026-01-10T14:00:00Z,EUR", "2,A1,1,credit,2026-01-10T14:00:00Z,EUR"]
    assert main(["--url", url, "--replay", str(csv_file(tmp_path, rows)), "--verify"]) == 1
    output = capsys.readouterr().out
    assert "1 x 400 validation_failed" in output
    assert "1: no transaction in the file" in output


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("absent.csv", None, "No such file"),
        ("empty.csv", b"", "missing: account, amount"),
        ("extra.csv", b"id,account,amount,type,timestamp,iban\n", "'iban' is no field"),
        ("short.csv", b"id,account,amount,type,timestamp\n1,A1,1,debit,2026-01-10T14:00:00Z\n2,A1\n", "line 3"),
        ("latin.csv", b"id,account,amount,type,timestamp,description\n1,A,1,debit,2026,caf\xe9\n", "utf-8"),
        ("plain.csv.gz", b"id,account,amount,type,timestamp\n", "gzip"),
        ("cut.csv.gz", gzip.compress(b"id,account,amount,type,timestamp\n" * 99)[:-9], "ended before"),
    ],
)
def test_a_file_that_can_t_be_read_sends_nothing_and_says_why(
    api: FakeBankApi,
    url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | None,
    says: str,
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert main(["--url", url, "--replay", str(tmp_path / name)]) == 2
    assert says in capsys.readouterr().err
    assert api.posts == 0


# Where to


def test_without_a_local_cloud_one_line_says_how_to_start_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], stack_file=tmp_path / "stack.json") == 2
    assert capsys.readouterr().err == "The local cloud is not running: `make run` starts it.\n"


def test_the_running_local_cloud_is_the_default(
    api: FakeBankApi, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BANK_API_KEY")
    stack = tmp_path / "stack.json"
    stack.write_text(json.dumps({"api_url": url, "api_key": KEY, "region": "us-east-2"}))
    assert main(["--count", "5"], stack_file=stack) == 0
    assert len(api.stored) == 5


@pytest.mark.parametrize("content", ["", "[]", '{"api_url": "http://127.0.0.1:1"}'])
def test_a_broken_stack_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.delenv("BANK_API_KEY", raising=False)
    stack = tmp_path / "stack.json"
    stack.write_text(content)
    assert main([], stack_file=stack) == 2
    assert capsys.readouterr().err == "stack.json is broken: `make run` writes it anew.\n"


def test_where_nothing_answers_nothing_is_tried_for_long(capsys: pytest.CaptureFixture[str]) -> None:
    with served(FakeBankApi()) as gone:
        pass
    assert main(["--url", gone, "--api-key", KEY]) == 2
    assert capsys.readouterr().err.startswith(f"Nothing answers at {gone}.")


def test_a_url_without_a_key_is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BANK_API_KEY", raising=False)
    assert main(["--url", "http://127.0.0.1:1"]) == 2
    assert "BANK_API_KEY" in capsys.readouterr().err


def test_the_key_is_in_no_representation() -> None:
    assert KEY not in repr(sender.Target("http://127.0.0.1", KEY))


# Options


@pytest.mark.parametrize(
    "wrong",
    [
        ["--count", "-1"],
        ["--clients", "17"],
        ["--clients", "0"],
        ["--rate", "-1"],
        ["--rate", "nan"],
        ["--invalid", "1.1"],
        ["--invalid", "0.6", "--duplicates", "0.6"],
        ["--accounts", "A 1"],
        ["--id-prefix", "4111-1111-1111-1111"],
        ["--now", "yesterday"],
        ["--verify"],
        ["--limit", "3"],
        ["--replay", "file.csv", "--forever"],
        ["--replay", "file.csv", "--verify", "--dry-run"],
    ],
    ids=" ".join,
)
def test_a_wrong_option_ends_with_status_2_and_names_it(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_the_accounts_can_be_chosen(api: FakeBankApi, url: str) -> None:
    assert main(["--url", url, "--accounts", "B1,B2", "--count", "30"]) == 0
    assert {transaction.account for transaction in api.stored.values()} == {"B1", "B2"}


def test_help_names_every_option_and_its_default() -> None:
    command = [sys.executable, "-m", "bank_simulator", "--help"]
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(command, cwd=PROJECT_DIR, env=environment, capture_output=True, check=True)
    described = done.stdout.decode().partition("where to:")[2].partition("The status is")[0]
    entries = re.split(r"\n  (?=--)", described)[1:]
    options = {entry.split()[0]: entry for entry in entries}
    assert len(options) == 19
    no_default = {"--forever", "--replay", "--dry-run", "--report"}
    assert {name for name, entry in options.items() if "(default: " not in entry} == no_default
