"""The bank simulator, against an honest small API of our own over real HTTP."""

import base64
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
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bank_simulator import bank_api, dry_run, generate, sender, verify
from bank_simulator.__main__ import main
from bank_simulator.mistakes import MALFORMED, MISTAKES
from bank_simulator.mix import Shares
from bank_simulator.postings import COUNTS_DIFFER, CREATED, NEW, NO_ANSWER, QUEUED, RETRY, Answer, Posting
from bank_simulator.report import Report, percentile
from bank_simulator.sender import Mode
from chalicelib.api.json_body import read_json
from chalicelib.api.transaction_body import read_transaction
from chalicelib.errors import DomainError
from chalicelib.ledger.card_numbers import holds_card_number
from chalicelib.ledger.money import CURRENCY_DECIMALS
from chalicelib.ledger.posted import TransactionSchema, load_transaction
from chalicelib.ledger.times import parse_time
from chalicelib.ledger.transaction import STATUSES
from tests.fake_api import KEY, FakeBankApi, Reaction, problem, served
from tests.samples import PROJECT_DIR, REAL_DATA

NOW = datetime(2026, 1, 10, 14, tzinfo=UTC)


@pytest.fixture
def api() -> FakeBankApi:
    return FakeBankApi()


@pytest.fixture
def url(api: FakeBankApi, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("BANK_API_KEY", KEY)
    with served(api) as served_at:
        yield served_at


@pytest.fixture
def target(url: str) -> bank_api.Target:
    return bank_api.Target(url, KEY)


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


@example(timedelta(hours=8, minutes=4, seconds=16, microseconds=81_948), 7)  # at 220416.081948, and 000007
@given(st.timedeltas(timedelta(0), timedelta(days=27_000)), st.integers(0, 9_999_999))
def test_whenever_a_run_is_its_ids_are_no_card_s_number(later: timedelta, number: int) -> None:
    assert not holds_card_number(f"{generate.default_prefix(NOW + later)}.{number:06d}")


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
    assert set(statuses) == set(STATUSES)
    assert statuses["settled"] > 0.8 * len(bodies)
    assert {type(body["amount"]) for body in bodies} == {Decimal, str}
    # `notify` is for loading history.
    optional = set(TransactionSchema().fields) - {"id", "notify"}
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
    assert all(NOW - generate.MAX_AGE <= parse_time(text) <= NOW for text in texts)
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


@pytest.mark.skipif("reversal_of" not in TransactionSchema().fields, reason="the API's schema has no reversal_of yet")
def test_reversals_name_an_earlier_settled_transaction_and_give_its_money_back() -> None:
    settled: dict[str, dict[str, Any]] = {}
    reversed_ = []
    for posting in made(2000, now=NOW):
        body = read_json(posting.body)
        if "reversal_of" in body:
            reversed_.append((body, settled.pop(body["reversal_of"])))
        elif body.get("status", "settled") == "settled":
            settled[body["id"]] = body
    assert reversed_
    for back, original in reversed_:
        assert back["status"] == "reversed"
        assert Decimal(back["amount"]) == Decimal(original["amount"])
        assert all(back[name] == original[name] for name in ("account", "type", "currency", "merchant"))


@pytest.mark.skipif("original" not in TransactionSchema().fields, reason="the API's schema has no original yet")
def test_an_amount_after_conversion_is_the_original_at_its_rate() -> None:
    bodies = [read_json(posting.body) for posting in made(2000, now=NOW)]
    converted = [body for body in bodies if "original" in body]
    assert converted
    for body in converted:
        assert body["original"]["currency"] != body["currency"]
        step = Decimal(1).scaleb(-CURRENCY_DECIMALS[body["currency"]])
        exact = Decimal(body["original"]["amount"]) * Decimal(body["original"]["rate"])
        assert abs(Decimal(body["amount"]) - exact) <= step


def test_the_shares_are_kept_to_the_transaction() -> None:
    postings = made(200, duplicates=0.1, conflicts=0.05, invalid=0.2)
    meant = Counter(next(iter(posting.expected)).status for posting in postings if posting.expected != NEW)
    assert meant == {200: 20, 409: 10, 400: 40}


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_every_mistake_is_refused_for_what_it_is(number: int) -> None:
    mistake, refusal = MISTAKES[number]
    for posting in made(30, now=NOW):
        with pytest.raises(DomainError) as refused:
            load_transaction(read_transaction(mistake(read_json(posting.body), NOW)), "b", "EUR", NOW, [])
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
    api: FakeBankApi, target: bank_api.Target
) -> None:
    began = datetime.now(UTC)
    report = sender.send(made(50), target, clients=8)
    assert {created.id for created in report.created} == set(api.stored)
    for created in report.created:
        assert created.account == api.stored[created.id].account
        assert began <= created.posted_at <= api.arrived[created.id]


def test_a_lost_answer_is_asked_for_again_and_counts_as_created(api: FakeBankApi, target: bank_api.Target) -> None:
    api.after = lambda number: FakeBankApi.DROP if number % 10 == 3 else None
    report = sender.send(made(50), target)
    assert report.ok
    assert report.created_by_retry == report.retried > 0
    assert len(report.created) == len(api.stored) == 50


def test_a_throttled_bank_waits_as_long_as_it_is_told(api: FakeBankApi, target: bank_api.Target) -> None:
    api.before = lambda number: problem(429, "throttled", Retry_After="1") if number == 0 else None
    began = time.monotonic()
    report = sender.send(made(1), target)
    assert time.monotonic() - began >= 1
    assert (report.ok, report.retried, len(report.created)) == (True, 1, 1)


def test_throttling_for_longer_than_the_tries_of_a_failure_loses_nothing(
    api: FakeBankApi, target: bank_api.Target
) -> None:
    api.before = lambda number: problem(429, "throttled") if number <= bank_api.MAX_TRIES else None
    report = sender.send(made(1), target)
    assert report.ok
    assert len(api.stored) == 1


def test_what_fails_five_times_is_reported_with_its_code(api: FakeBankApi, target: bank_api.Target) -> None:
    api.before = lambda number: problem(503, "temporarily_unavailable")
    report = sender.send(made(2), target, clients=2)
    assert report.unexpected == {Answer(503, "temporarily_unavailable"): 2}
    assert api.posts == 2 * bank_api.MAX_TRIES


def test_no_answer_at_all_is_reported_as_such(api: FakeBankApi, target: bank_api.Target) -> None:
    api.before = lambda number: FakeBankApi.DROP
    assert sender.send(made(1), target).unexpected == {NO_ANSWER: 1}


def test_a_duplicate_waits_until_its_original_is_answered(api: FakeBankApi, target: bank_api.Target) -> None:
    api.delay_s = 0.01
    report = sender.send(made(200, duplicates=0.5), target, clients=16)
    assert report.ok
    assert (len(report.created), report.answers[Answer(200)]) == (100, 100)


def test_repeats_of_what_was_not_recorded_are_not_sent(api: FakeBankApi, target: bank_api.Target) -> None:
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
    api: FakeBankApi, target: bank_api.Target, shares: dict[str, float], answered: Reaction
) -> None:
    postings = made(2, **shares)
    api.after = lambda number: answered if number == 1 else None
    report = sender.send(postings, target, clients=1)
    assert report.unexpected.total() == 1


def test_a_wrong_key_is_unexpected(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--url", url, "--api-key", "wrong", "--count", "3"]) == 1
    assert "3 x 403 forbidden" in capsys.readouterr().out


def test_the_rate_is_not_exceeded(target: bank_api.Target) -> None:
    assert sender.send(made(20), target, clients=8, rate=40).seconds >= 19 / 40


def test_progress_is_told_of_every_posting(target: bank_api.Target) -> None:
    class Bar:
        done = 0

        def update(self, n: int = 1, /) -> None:
            self.done += n

    bar = Bar()
    sender.send(made(30, duplicates=0.3), target, progress=bar)
    assert bar.done == 30


def test_an_error_while_making_the_postings_reaches_the_caller(target: bank_api.Target) -> None:
    def broken() -> Iterator[Posting]:
        yield from made(3)
        raise LookupError

    with pytest.raises(LookupError):
        sender.send(broken(), target)


def test_an_endless_run_keeps_no_list_of_what_it_created(target: bank_api.Target) -> None:
    report = sender.send(made(5), target, keep_created=False)
    assert (report.created, report.answers[CREATED]) == ([], 5)


def test_the_latency_percentiles_are_those_of_the_requests() -> None:
    report = Report()
    for milliseconds in range(100, 0, -1):
        report.add_request(milliseconds / 1000)
    assert [report.latency_ms(percent) for percent in (50, 95, 99, 100)] == [50, 95, 99, 100]


@pytest.mark.parametrize(("percent", "value"), [(1, 1.5), (50, 1.5), (51, 4.0), (75, 4.0), (76, 9.0), (100, 9.0)])
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(percent: float, value: float) -> None:
    assert percentile(Counter([9.0, 1.5, 4.0, 1.5]), percent) == value


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


# Batches


def test_a_batched_run_accounts_for_every_transaction(
    api: FakeBankApi, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "report.json"
    shares = ["--duplicates", "0.1", "--conflicts", "0.02", "--invalid", "0.05"]
    how = ["--batch", "50", "--clients", "8", "--verify", "--report", str(written)]
    assert main(["--url", url, "--count", "1000", *shares, *how]) == 0
    report = json.loads(written.read_text())
    expected = {"sent": 1000, "created": 830, "replayed": 100, "conflict": 20, "invalid": 50, "failed": 0, "queued": 0}
    assert {kind: report[kind] for kind in expected} == expected
    assert len(api.stored) == 830
    assert report["requests"] == api.posts < 40
    assert max(map(len, api.batches)) == 50
    output = capsys.readouterr().out
    assert f"Sent 1000 transactions in {api.posts} requests" in output
    assert ["in", "sum", "1000", "of", "1000", "sent"] in [line.split() for line in output.splitlines()]
    assert "Every transaction is stored as it was sent." in output


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_a_mistake_is_refused_for_what_it_is_and_harms_no_neighbour(
    api: FakeBankApi, target: bank_api.Target, number: int
) -> None:
    mistake, refusal = MISTAKES[number]
    before, wrong, after = made(3)
    body = mistake(read_json(wrong.body), datetime.now(UTC))
    invalid = Posting(body, wrong.id, wrong.account, frozenset({refusal}))
    report = sender.send([before, invalid, after], target, mode=Mode(10), clients=1)
    assert report.ok
    assert report.answers == {CREATED: 2, refusal: 1}
    assert set(api.stored) == {before.id, after.id}


def test_what_would_break_a_batch_is_sent_in_one_of_its_own(api: FakeBankApi, target: bank_api.Target) -> None:
    first, wrong, *others = made(5)
    cut_short = Posting(wrong.body[:-2], wrong.id, wrong.account, frozenset({MALFORMED}))
    report = sender.send([first, cut_short, *others], target, mode=Mode(10), clients=1)
    assert report.ok
    assert api.batches == [[first.id, *(other.id for other in others)]]
    assert (api.posts, report.answers[MALFORMED]) == (2, 1)


def test_a_repeat_is_sent_behind_its_original_or_after_it_was_answered(
    api: FakeBankApi, target: bank_api.Target
) -> None:
    api.delay_s = 0.01
    report = sender.send(made(1000, duplicates=0.3, conflicts=0.1), target, mode=Mode(25), clients=16)
    assert report.ok
    assert report.answered == 1000
    together = sum(len(batch) - len(set(batch)) for batch in api.batches)
    apart = 400 - together
    assert min(together, apart) > 10


def test_batches_go_side_by_side_although_repeats_wait(api: FakeBankApi, target: bank_api.Target) -> None:
    api.delay_s = 0.1
    report = sender.send(made(1000, duplicates=0.1), target, mode=Mode(50), clients=10)
    assert report.ok
    assert api.most_at_once >= 5


def test_a_throttled_item_is_sent_again_until_it_is_recorded(api: FakeBankApi, target: bank_api.Target) -> None:
    api.is_throttled = lambda number: number < 60 and number % 3 == 0
    report = sender.send(made(40), target, mode=Mode(40), clients=1)
    assert report.ok
    assert len(api.stored) == len(report.created) == report.answered == report.sent == 40
    assert report.retried == 14
    assert [len(batch) for batch in api.batches] == [40, 14, 4, 2]


def test_what_is_throttled_for_ever_is_reported_and_not_lost(api: FakeBankApi, target: bank_api.Target) -> None:
    api.is_throttled = lambda number: True
    report = sender.send(made(4, duplicates=0.25), target, mode=Mode(3, fruitless_rounds=1), clients=1)
    assert not report.ok
    assert report.unexpected[RETRY] == report.answers[RETRY] == report.counts()["failed"]
    assert report.answered + report.skipped == 4


def test_an_original_that_had_to_be_sent_again_and_was_recorded_at_first_counts_as_created(
    api: FakeBankApi, target: bank_api.Target
) -> None:
    postings = made(3)

    def recorded_but_not_said(number: int) -> bool:
        if number == 1:
            api.post(postings[1].body, {"x-api-key": KEY})
        return number == 1

    api.is_throttled = recorded_but_not_said
    report = sender.send(postings, target, mode=Mode(3), clients=1)
    assert (report.ok, report.created_by_retry, len(report.created)) == (True, 1, 3)


@pytest.mark.parametrize(
    "instead",
    [FakeBankApi.DROP, (503, {}, {"code": "temporarily_unavailable"}), (500, {}, {})],
    ids=["lost", "503", "500"],
)
def test_a_batch_whose_answer_is_lost_is_sent_again_as_a_whole(
    api: FakeBankApi, target: bank_api.Target, instead: Reaction
) -> None:
    api.after = lambda number: instead if number in (0, 3) else None
    report = sender.send(made(100, duplicates=0.2, conflicts=0.1), target, mode=Mode(20))
    assert report.ok
    assert len(report.created) == len(api.stored) == 70
    assert report.created_by_retry > 0
    assert report.retried > report.created_by_retry
    assert report.answered == 100


def test_a_throttled_batch_waits_its_turn(api: FakeBankApi, target: bank_api.Target) -> None:
    api.before = lambda number: problem(429, "throttled") if number < 2 else None
    report = sender.send(made(20), target, mode=Mode(10), clients=2)
    assert (report.ok, report.retried, report.created_by_retry, len(api.stored)) == (True, 20, 0, 20)


def test_a_batch_refused_as_a_whole_refuses_each_of_its_transactions(api: FakeBankApi, target: bank_api.Target) -> None:
    api.before = lambda number: problem(413, "body_too_large")
    report = sender.send(made(10), target, mode=Mode(10))
    assert report.unexpected == {Answer(413, "body_too_large"): 10}


def test_counts_that_are_not_those_of_the_results_are_unexpected(
    api: FakeBankApi, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    postings = made(2)
    results = [{"index": index, "id": each.id, "status": "created"} for index, each in enumerate(postings)]
    api.after = lambda number: (200, {}, {"results": results, "counts": {"created": 1, "replayed": 1}})
    report = sender.send(postings, bank_api.Target(url, KEY), mode=Mode(2))
    assert not report.ok
    assert (report.answers, report.unexpected) == ({CREATED: 2}, {COUNTS_DIFFER: 1})


def test_counts_may_name_what_there_is_none_of(api: FakeBankApi, target: bank_api.Target) -> None:
    postings = made(1)
    results = [{"index": 0, "id": postings[0].id, "status": "created"}]
    api.after = lambda number: (200, {}, {"results": results, "counts": {"created": 1, "replayed": 0, "retry": 0}})
    assert sender.send(postings, target, mode=Mode(1)).ok


@pytest.mark.parametrize(
    "wrong",
    [
        lambda results: results[:1],
        lambda results: results[::-1],
        lambda results: [results[0], results[0]],
        lambda results: [results[0], {**results[1], "id": "another"}],
        lambda results: [results[0], {**results[1], "id": None}],
        lambda results: [results[0], {**results[1], "status": "recorded"}],
        lambda results: [results[0], "created"],
        lambda results: {"0": "created"},
        lambda results: None,
    ],
)
def test_results_that_are_not_those_of_the_items_are_unexpected(
    api: FakeBankApi, target: bank_api.Target, wrong: Callable[[Any], Any]
) -> None:
    postings = made(2)
    results = [{"index": index, "id": each.id, "status": "created"} for index, each in enumerate(postings)]
    api.after = lambda number: (200, {}, {"results": wrong(results), "counts": {"created": 2}})
    report = sender.send(postings, target, mode=Mode(2))
    assert report.unexpected[Answer(200, "malformed_results")] > 0
    assert report.answered == 2


def test_an_item_is_held_to_what_its_posting_expects(api: FakeBankApi, target: bank_api.Target) -> None:
    original, repeat = made(2, duplicates=0.5)
    report = sender.send([repeat, original], target, mode=Mode(2))
    assert report.unexpected == {CREATED: 1, Answer(200): 1}


def test_the_rate_is_of_transactions_however_many_are_in_a_batch(target: bank_api.Target) -> None:
    assert sender.send(made(60), target, mode=Mode(20), clients=8, rate=100).seconds >= 40 / 100


def test_a_stopped_run_ends_though_repeats_wait(api: FakeBankApi, target: bank_api.Target) -> None:
    stop = threading.Event()
    api.delay_s = 0.05
    api.before = lambda number: stop.set() if number == 4 else None
    report = sender.send(made(2000, duplicates=0.5), target, mode=Mode(20), clients=8, stop=stop)
    assert 0 < report.answered == report.sent < 2000


def test_an_error_while_making_a_batch_reaches_the_caller_though_repeats_wait(
    api: FakeBankApi, target: bank_api.Target
) -> None:
    def broken() -> Iterator[Posting]:
        yield from made(30, duplicates=0.5)
        raise LookupError

    api.delay_s = 0.05
    with pytest.raises(LookupError):
        sender.send(broken(), target, mode=Mode(20), clients=8)


def test_a_queued_batch_is_waited_for_until_all_of_it_is_recorded(
    api: FakeBankApi, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "report.json"
    how = ["--batch", "40", "--async", "--clients", "2", "--verify", "--accounts", "A1,A2"]
    mix = ["--count", "100", "--duplicates", "0.1", "--invalid", "0.1", "--report", str(written)]
    assert main(["--url", url, *how, *mix]) == 0
    report = json.loads(written.read_text())
    assert (report["sent"], report["queued"], report["invalid"], report["created"]) == (100, 90, 10, 0)
    assert report["verification"]["ok"]
    assert (len(api.stored), api.queue) == (80, [])


def test_a_preference_that_was_not_applied_is_unexpected(api: FakeBankApi, target: bank_api.Target) -> None:
    postings = made(1)
    results = [{"index": 0, "id": postings[0].id, "status": "queued"}]
    api.after = lambda number: (202, {}, {"results": results, "counts": {"queued": 1}})
    report = sender.send(postings, target, mode=Mode(1, respond_async=True))
    assert report.unexpected == {Answer(202, "malformed_results"): 1}


# Signing

SECRET = "whsec_" + base64.b64encode(b"a key of the tests, 32 bytes long").decode()


def test_a_bank_with_a_secret_signs_each_request_anew(api: FakeBankApi, url: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    api.signing_secret = SECRET
    api.before = lambda number: problem(503, "temporarily_unavailable") if number == 2 else None
    assert main(["--url", url, "--count", "20", "--signing-secret-file", str(tmp_path / "secret")]) == 0
    assert len(api.stored) == 20
    assert len(api.webhook_ids) == len(set(api.webhook_ids)) == 21
    assert all(re.fullmatch(r"[A-Za-z0-9_]{20,64}", message_id) for message_id in api.webhook_ids)


def test_batches_are_signed_whatever_is_in_them(api: FakeBankApi, target: bank_api.Target) -> None:
    api.signing_secret = SECRET
    signing = bank_api.Target(target.url, KEY, SECRET)
    report = sender.send(made(200, invalid=0.5), signing, mode=Mode(20))
    assert (report.ok, len(api.stored)) == (True, 100)


def test_another_secret_is_refused_and_none_is_shown(
    api: FakeBankApi, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.signing_secret = SECRET
    other = "whsec_" + base64.b64encode(b"another key").decode()
    (tmp_path / "secret").write_text(other)
    report = tmp_path / "report.json"
    secret_file = ["--signing-secret-file", str(tmp_path / "secret")]
    assert main(["--url", url, "--count", "2", *secret_file, "--report", str(report)]) == 1
    output = "".join(capsys.readouterr()) + report.read_text() + repr(bank_api.Target(url, KEY, other))
    assert "2 x 401 invalid_signature" in output
    assert other.removeprefix("whsec_") not in output


@pytest.mark.parametrize(
    "content", ["", "whsec_", "whsec_not base64", "c2VjcmV0", "whsec_c2VjcmV0\nwhsec_c2VjcmV0", "é"]
)
def test_a_file_that_holds_no_secret_ends_with_status_2_and_shows_nothing_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    path = tmp_path / "secret"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["--signing-secret-file", str(path)])
    assert ended.value.code == 2
    errors = capsys.readouterr().err
    assert "--signing-secret-file" in errors
    assert "c2VjcmV0" not in errors


def test_a_secret_file_that_is_not_there_ends_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--signing-secret-file", str(tmp_path / "absent")])
    assert ended.value.code == 2
    assert "No such file" in capsys.readouterr().err


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
    assert ["EUR", "sent", "2", "250.50", "0.10", "250.50"] in lines
    assert ["EUR", "stored", "2", "250.50", "0.10", "250.50"] in lines
    assert ["XAF", "stored", "1", "0", "90000", "90000"] in lines


def test_a_second_replay_is_answered_with_replays(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--url", url, "--replay", str(three_rows(tmp_path)), "--verify"]
    assert main(command) == main(command) == 0
    assert ["replayed", "3"] in [line.split() for line in capsys.readouterr().out.splitlines()]


def test_only_the_first_rows_are_sent_when_limited(api: FakeBankApi, url: str, tmp_path: Path) -> None:
    assert main(["--url", url, "--replay", str(three_rows(tmp_path)), "--limit", "2", "--verify"]) == 0
    assert set(api.stored) == {"1", "2"}


def test_an_empty_cell_is_an_absent_field(api: FakeBankApi, url: str, tmp_path: Path) -> None:
    header = "id,account,amount,type,timestamp,currency,description,balance,merchant.name,merchant.city,metadata.pos"
    rows = ["1,A1,1,debit,2026-01-10T14:00:00Z,,,-5.00,Café,,7", "2,A1,2,debit,2026-01-10T14:00:00Z,,tea,,,,"]
    assert main(["--url", url, "--replay", str(csv_file(tmp_path, rows, header)), "--verify"]) == 0
    first, second = api.stored["1"], api.stored["2"]
    assert (first.description, first.balance, first.currency) == (None, Decimal("-5.00"), "EUR")
    assert (first.merchant, first.metadata) == ({"name": "Café"}, {"pos": "7"})
    assert (second.description, second.balance, second.merchant, second.metadata) == ("tea", None, None, None)


def test_verification_reads_every_page_and_leaves_other_transactions_alone(
    api: FakeBankApi, url: str, tmp_path: Path, target: bank_api.Target
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


def test_verification_finds_what_is_missing_and_what_is_listed_twice(api: FakeBankApi, target: bank_api.Target) -> None:
    body = {"account": "A1", "amount": "1", "type": "debit", "timestamp": "2026-01-10T14:00:00Z"}
    bodies = [{"id": transaction_id, **body} for transaction_id in ("1", "2", "3")]
    for each in bodies[:2]:
        api.post(json.dumps(each).encode(), {"x-api-key": KEY})
    api.alter = lambda listed: listed | {"id": "1"}
    result = verify.verify(bodies, target)
    assert result.differences == ["1: listed twice", "2: not stored", "3: not stored"]
    assert not result.ok


def test_verification_finds_what_is_the_run_s_own_but_was_not_sent(api: FakeBankApi, target: bank_api.Target) -> None:
    postings = made(30)
    sender.send(postings, target)
    unsent = postings.pop()
    own = verify.Own(unsent.id.rpartition(".")[0] + ".", generate.DEMO_ACCOUNTS, datetime.now(UTC) - generate.MAX_AGE)
    result = verify.verify([read_json(posting.body) for posting in postings], target, own=own)
    assert result.differences == [f"{unsent.id}: stored but not sent"]
    assert not result.ok


def test_a_run_leaves_what_others_have_stored_alone(api: FakeBankApi, url: str) -> None:
    earlier = ["--url", url, "--count", "20", "--accounts", "A1"]
    assert main([*earlier, "--verify"]) == main([*earlier, "--verify"]) == 0
    assert len(api.stored) == 40


def test_a_run_that_is_read_back_differently_gives_status_1(
    api: FakeBankApi, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    api.alter = lambda listed: listed | {"type": "credit"}
    assert main(["--url", url, "--count", "20", "--verify"]) == 1
    assert "type differs" in capsys.readouterr().out


def test_what_never_comes_is_waited_for_only_as_long_as_told(api: FakeBankApi, target: bank_api.Target) -> None:
    bodies = [read_json(posting.body) for posting in made(3)]
    began = time.monotonic()
    result = verify.verify(bodies, target, patience_s=0.7)
    assert 0.7 <= time.monotonic() - began < 5
    assert len(result.differences) == 3


def test_what_keeps_coming_is_waited_for(api: FakeBankApi, target: bank_api.Target) -> None:
    postings = list(generate.transactions(Random(1), datetime.now(UTC), 30, accounts=["A1"]))
    sender.send(postings, target, mode=Mode(30, respond_async=True))
    result = verify.verify([read_json(posting.body) for posting in postings], target, patience_s=0.8)
    assert result.ok


def test_verification_finds_an_id_that_the_file_has_twice(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["1,A1,1,credit,2026-01-10T14:00:00Z,EUR"] * 2
    assert main(["--url", url, "--replay", str(csv_file(tmp_path, rows)), "--verify"]) == 1
    assert "1: sent twice" in capsys.readouterr().out


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
    assert "1: no transaction" in output


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("absent.csv", None, "No such file"),
        ("empty.csv", b"", "missing: account, amount"),
        ("extra.csv", b"id,account,amount,type,timestamp,iban\n", "'iban' is no field"),
        (
            "twice.csv",
            b"id,account,amount,type,timestamp,amount\n1,A,1,credit,2026-01-10T14:00:00Z,2\n",
            "'amount' twice",
        ),
        ("twice.csv", b"id,account,amount,type,timestamp,metadata.a,metadata.a\n", "'metadata.a' twice"),
        ("short.csv", b"id,account,amount,type,timestamp\n1,A1,1,debit,2026-01-10T14:00:00Z\n2,A1\n", "line 3"),
        ("latin.csv", b"id,account,amount,type,timestamp,description\n1,A,1,debit,2026,caf\xe9\n", "utf-8"),
        ("plain.csv.gz", b"id,account,amount,type,timestamp\n", "gzip"),
        ("cut.csv.gz", gzip.compress(b"id,account,amount,type,timestamp\n" * 99, mtime=0)[:-9], "ended before"),
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
    assert KEY not in repr(bank_api.Target("http://127.0.0.1", KEY))


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
        ["--verify", "--forever"],
        ["--batch", "501"],
        ["--batch", "-1"],
        ["--async"],
        ["--async", "--batch", "10", "--conflicts", "0.1"],
        ["--limit", "3"],
        ["--notify"],
        ["--replay", "file.csv", "--forever"],
        ["--replay", "file.csv", "--fraud", "0.1"],
        ["--fraud", "0.6", "--duplicates", "0.6"],
        ["--forever", "--fraud", "0.1"],
        ["--holders", "1001"],
        ["--holders", "3", "--accounts", "A1"],
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
    assert len(options) == 27
    no_default = {"--forever", "--replay", "--async", "--dry-run", "--report"}
    assert {name for name, entry in options.items() if "(default: " not in entry} == no_default
