"""The statement job: each statement that is due is sent once, although runs die or overlap and holders change."""

import contextlib
import dataclasses
import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.address import Address
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.links import Links
from chalicelib.mail.ses import PUT_OFF_AT_MOST
from chalicelib.notifications.due import SHARDS, DueEntry, DueRepository
from chalicelib.statements.index import LEAST_WAIT, expected_in
from tests.fakes import Interrupted, refusal
from tests.mail_world import Died, ses_event
from tests.statement_world import DUE, ENROLLED, WEEK, Morning

NEXT_WEEK = "statement@a0@2026-W25"
WHO = {"bank": "eazycard", "account": "a0", "holder": "awa"}


@pytest.fixture
def morning(dynamodb: Any, table_names: dict[str, str]) -> Morning:
    return Morning(dynamodb, table_names)


def test_a_week_s_statement_is_sent_once_on_the_monday_after_and_the_next_one_is_expected(morning: Morning) -> None:
    morning.subscribe()
    morning.spend("250500", "2026-06-11T09:00+00:00")
    assert morning.expected == [("2026-06-15T08:00", "a0.awa 2026-W24")]
    morning.run(DUE - timedelta(microseconds=1))
    assert morning.told == {}
    for _ in range(3):
        morning.run(max(DUE, morning.now + timedelta(minutes=1)))
    assert morning.sent == [("a0.awa", WEEK)]
    assert morning.noted() == [("sent", None)]
    assert morning.expected == [("2026-06-22T08:00", "a0.awa 2026-W25")]
    (email,) = morning.ses.accepted
    assert email["subject"] == "Your weekly statement, account a0"
    assert "250,500" in email["text"]
    assert email["tags"] == {"bank": "eazycard", "transaction": WEEK, "holder": "awa"}


def test_week_after_week_each_statement_is_sent_once(morning: Morning) -> None:
    morning.subscribe()
    morning.runs_on(DUE + timedelta(days=21), every=timedelta(hours=8))
    assert morning.sent == [("a0.awa", f"statement@a0@2026-W{week}") for week in (24, 25, 26, 27)]


def test_weekly_and_monthly_statements_go_to_those_who_chose_them(morning: Morning) -> None:
    morning.subscribe("a0", "awa", "ben")
    morning.subscribe("a0", "eve", statement="monthly")
    morning.subscribe("a1", "awa", statement="monthly")
    morning.subscribe("a1", "ben", statement="none")
    morning.runs_on(datetime(2026, 7, 2, tzinfo=UTC), every=timedelta(hours=6))
    weeks = [(f"a0.{who}", f"statement@a0@2026-W{week}") for week in (24, 25, 26) for who in ("awa", "ben")]
    months = [("a0.eve", "statement@a0@2026-06"), ("a1.awa", "statement@a1@2026-06")]
    assert sorted(morning.sent) == sorted(weeks + months)


def test_a_period_is_the_holder_s_own_to_the_microsecond_and_its_sums_are_exact(morning: Morning) -> None:
    # Monday 00:00 in Tokyo is Sunday 15:00 in UTC.
    morning.subscribe(timezone="Asia/Tokyo")
    for amount, at in [
        ("1.01", "2026-06-07T23:59:59.999999+09:00"),
        ("0.10", "2026-06-08T00:00:00+09:00"),
        ("0.20", "2026-06-14T23:59:59.999999+09:00"),
        ("1.02", "2026-06-15T00:00:00+09:00"),
    ]:
        morning.spend(amount, at, currency="EUR")
    morning.spend("5", "2026-06-11T12:00+09:00", currency="EUR", status="authorized")
    morning.spend("6", "2026-06-11T12:00+09:00", account="a1", currency="EUR")
    morning.run(datetime(2026, 6, 14, 22, 59, 59, tzinfo=UTC))
    assert morning.told == {}
    morning.run(datetime(2026, 6, 14, 23, tzinfo=UTC))
    (email,) = morning.ses.accepted
    assert "€0.30" in email["text"]
    assert "€0.10" in email["text"]
    assert "€0.20" in email["text"]
    for other in ("1.01", "1.02", "5.00", "6.00"):
        assert other not in email["text"]


def test_a_statement_of_more_than_is_listed_sums_up_all(morning: Morning) -> None:
    morning.subscribe()
    for number in range(70):
        morning.spend("0.01", f"2026-06-11T09:{number // 60:02}:{number % 60:02}+00:00", currency="EUR")
    morning.most_transactions = 70
    morning.run(DUE)
    (email,) = morning.ses.accepted
    assert "€0.70" in email["text"]
    assert "There are 20\xa0more transactions," in email["text"]


def test_an_account_with_more_transactions_than_a_run_can_read_becomes_a_dead_letter_and_holds_up_no_other(
    morning: Morning,
) -> None:
    morning.subscribe("a0")
    morning.subscribe("a1")
    for number in range(21):
        morning.spend("1", f"2026-06-11T09:00:{number:02}+00:00")
    morning.most_transactions = 20
    morning.run(DUE)
    assert morning.told == {"a1.awa@example.com": 1}
    assert morning.noted() == [("failed", "too_many_transactions")]
    (letter,) = morning.letters()
    assert (letter["source"], letter["reason"]) == ("statements", "too_many_transactions")
    assert letter["payload"] == {"bank": "eazycard", "account": "a0", "holder": "awa", "period": "2026-W24"}
    assert ("2026-06-22T08:00", "a0.awa 2026-W25") in morning.expected


def test_a_period_without_transactions_has_a_statement_that_says_so(morning: Morning) -> None:
    morning.subscribe()
    morning.run(DUE)
    (email,) = morning.ses.accepted
    assert "No transactions" in email["text"] or "no transactions" in email["text"]


@pytest.mark.parametrize("erased_at", ["2026-06-12T12:00", "2026-06-15T07:00"], ids=["in the week", "after it"])
def test_who_is_enrolled_under_the_id_of_somebody_erased_is_told_of_what_is_recorded_from_then_on(
    morning: Morning, erased_at: str
) -> None:
    morning.subscribe()
    for amount, at in (("11", "2026-06-11T09:00+00:00"), ("22", "2026-06-13T09:00+00:00")):
        morning.spend(amount, at, recorded_at=datetime.fromisoformat(at))
    morning.now = datetime.fromisoformat(f"{erased_at}+00:00")
    morning.suppression().erase("eazycard", "a0", "awa", morning.now)
    morning.subscribe()
    morning.spend("33", "2026-06-16T09:00+00:00", recorded_at=datetime.fromisoformat("2026-06-16T09:00+00:00"))
    morning.runs_on(DUE + timedelta(days=8), every=timedelta(hours=1))
    told = {
        email["tags"]["transaction"]: [amount for amount in ("11", "22", "33") if f"FCFA\xa0{amount}" in email["text"]]
        for email in morning.ses.accepted
    }
    is_in_week = erased_at < "2026-06-14"
    assert told == ({WEEK: ["22"]} if is_in_week else {}) | {NEXT_WEEK: ["33"]}
    assert [due for due, _ in morning.expected] == ["2026-06-29T08:00"]


def test_a_statement_carries_the_links_of_its_holder(morning: Morning) -> None:
    morning.links_for = lambda bank, account, holder: Links(
        f"https://alerts.example/p.{bank}.{account}.{holder.id}", "https://alerts.example/u"
    )
    morning.subscribe()
    morning.run(DUE)
    (email,) = morning.ses.accepted
    assert "https://alerts.example/p.eazycard.a0.awa" in email["text"]
    assert email["headers"]["List-Unsubscribe"] == "<https://alerts.example/u>"


@pytest.mark.parametrize("preferences", [{"muted": True}, {"statement": "none"}, {"statement": "monthly"}])
def test_a_holder_who_wants_no_such_statement_any_more_gets_none_and_the_entry_is_removed(
    morning: Morning, preferences: dict[str, Any]
) -> None:
    morning.subscribe()
    morning.subscribe(**preferences)
    morning.run(DUE)
    assert (morning.told, morning.noted()) == ({}, [])
    left = [("2026-07-01T08:00", "a0.awa 2026-06")] if preferences.get("statement") == "monthly" else []
    assert morning.expected == left


def test_an_erased_holder_gets_no_statement_and_a_holder_who_is_enrolled_again_gets_it(morning: Morning) -> None:
    morning.subscribe("a0", "awa", "ben")
    for holder in ("awa", "ben"):
        morning.suppression().erase("eazycard", "a0", holder, morning.now)
    morning.subscribe("a0", "ben")
    morning.run(DUE)
    assert morning.told == {"a0.ben@example.com": 1}
    assert morning.expected == [("2026-06-22T08:00", "a0.ben 2026-W25")]


def test_a_holder_who_chooses_statements_again_gets_the_current_week_s(morning: Morning) -> None:
    morning.subscribe(muted=True)
    morning.run(DUE)
    morning.subscribe()
    morning.runs_on(DUE + timedelta(days=8), every=timedelta(hours=6))
    assert morning.sent == [("a0.awa", NEXT_WEEK)]


@pytest.mark.parametrize(
    ("zones", "due"),
    [
        (("Asia/Tokyo", "America/Los_Angeles"), "2026-06-15T15:00"),
        (("America/Los_Angeles", "Asia/Tokyo"), "2026-06-14T23:00"),
        (("UTC", "Pacific/Kiritimati"), "2026-06-14T18:00"),
    ],
)
def test_a_holder_who_moves_to_another_time_zone_gets_each_week_once_by_the_new_zone(
    morning: Morning, zones: tuple[str, str], due: str
) -> None:
    before, after = zones
    morning.subscribe(timezone=before)
    morning.now += timedelta(days=1)
    morning.subscribe(timezone=after)
    moment = datetime.fromisoformat(f"{due}+00:00")
    morning.runs_on(moment - timedelta(minutes=1), every=timedelta(hours=1))
    assert morning.told == {}
    morning.runs_on(moment + timedelta(days=2), every=timedelta(hours=1))
    assert morning.sent == [("a0.awa", WEEK)]
    assert {entry for _, entry in morning.expected} == {"a0.awa 2026-W25"}
    morning.runs_on(moment + timedelta(days=9), every=timedelta(hours=1))
    assert morning.sent == [("a0.awa", WEEK), ("a0.awa", NEXT_WEEK)]
    assert len(morning.expected) == 1


def test_a_holder_who_moves_east_after_the_week_has_ended_there_still_gets_it(morning: Morning) -> None:
    morning.subscribe(timezone="America/Los_Angeles")
    morning.now = datetime(
        2026, 6, 15, 5, tzinfo=UTC
    )  # Sunday evening in the old zone, Monday afternoon in the new one
    morning.subscribe(timezone="Asia/Tokyo")
    morning.runs_on(DUE + timedelta(days=8), every=timedelta(hours=1))
    assert morning.sent == [("a0.awa", WEEK), ("a0.awa", NEXT_WEEK)]


def test_a_statement_waits_for_the_quiet_hours_to_end(morning: Morning) -> None:
    morning.subscribe(quiet_hours={"from": "22:00", "to": "09:30"})
    morning.run(DUE)
    assert morning.told == {}
    assert morning.expected == [("2026-06-15T09:30", "a0.awa 2026-W24")]
    morning.run(DUE + timedelta(minutes=89))
    assert morning.told == {}
    morning.run(DUE + timedelta(minutes=90))
    assert morning.sent == [("a0.awa", WEEK)]


def test_nothing_goes_to_a_suppressed_address_and_that_is_recorded(morning: Morning) -> None:
    morning.subscribe()
    address = Address.of("eazycard", "a0.awa@example.com")
    morning.suppression().suppress(address, Suppressed("hard_bounce", ENROLLED), morning.now)
    morning.run(DUE)
    assert (morning.told, morning.noted()) == ({}, [("suppressed", "hard_bounce")])
    assert morning.expected == [("2026-06-22T08:00", "a0.awa 2026-W25")]


def test_no_statement_goes_to_who_has_not_confirmed_the_address_and_the_next_one_is_expected(morning: Morning) -> None:
    morning.subscribe()
    (awa,) = morning.holders.of_account("eazycard", "a0")
    morning.holders.put("eazycard", "a0", dataclasses.replace(awa, confirmation_asked_at=ENROLLED))
    morning.run(DUE)
    assert (morning.told, morning.noted()) == ({}, [("skipped", "not_confirmed")])
    assert morning.expected == [("2026-06-22T08:00", "a0.awa 2026-W25")]


def test_ses_s_events_about_a_statement_are_recorded_and_in_the_bank_s_feed(morning: Morning) -> None:
    morning.subscribe()
    morning.run(DUE)
    morning.hear([ses_event("delivery", transaction=WEEK)])
    assert morning.noted() == [("delivered", None)]
    assert morning.dead_letters.bodies == []
    morning.now += timedelta(minutes=1)
    assert [key.transaction for key in morning.feed().read("eazycard", "", 50).keys] == [WEEK]


@pytest.mark.parametrize("refusing", ["call", "entry"])
def test_a_statement_that_ses_puts_off_is_tried_again_and_sent_once(morning: Morning, refusing: str) -> None:
    morning.subscribe("a0", "awa", "ben")
    if refusing == "call":
        morning.ses.refuses_call_with = "TooManyRequestsException"
    else:
        morning.ses.statuses = {f"a0.{who}@example.com": "ACCOUNT_THROTTLED" for who in ("awa", "ben")}
    morning.run(DUE)
    assert {state for state, _ in morning.noted()} == {"queued"}
    calls = morning.ses.calls
    morning.run(morning.now + timedelta(minutes=1))
    assert morning.ses.calls == calls
    morning.ses.refuses_call_with, morning.ses.statuses = None, {}
    morning.runs_on(DUE + timedelta(hours=1))
    assert sorted(morning.sent) == [("a0.awa", WEEK), ("a0.ben", WEEK)]
    assert {due for due, _ in morning.expected} == {"2026-06-22T08:00"}


def test_a_statement_that_ses_puts_off_for_days_is_given_up_and_the_next_week_s_is_sent(morning: Morning) -> None:
    morning.subscribe()
    morning.ses.refuses_call_with = "TooManyRequestsException"
    morning.runs_on(DUE + PUT_OFF_AT_MOST + timedelta(hours=6), every=timedelta(hours=6))
    assert morning.noted() == [("failed", "given_up: TooManyRequestsException")]
    assert [letter["reason"] for letter in morning.letters()] == ["given_up: TooManyRequestsException"]
    morning.ses.refuses_call_with = None
    morning.runs_on(DUE + timedelta(days=7), every=timedelta(hours=8))
    assert morning.sent == [("a0.awa", NEXT_WEEK)]


def test_a_statement_that_ses_refuses_for_good_becomes_a_dead_letter_and_the_others_are_sent(morning: Morning) -> None:
    morning.subscribe("a0", "awa", "ben")
    morning.ses.statuses = {"a0.awa@example.com": "MESSAGE_REJECTED"}
    morning.run(DUE)
    assert morning.sent == [("a0.ben", WEEK)]
    assert morning.noted() == [("failed", "refused: MESSAGE_REJECTED"), ("sent", None)]
    assert [letter["reason"] for letter in morning.letters()] == ["refused: MESSAGE_REJECTED"]
    assert len(morning.expected) == 2


def test_malformed_entries_and_records_hold_up_no_other_statement(morning: Morning) -> None:
    morning.subscribe("a0")
    morning.subscribe("a1", timezone="UTC")
    bad = Holder("eve", "Eve", "eve@example.com", "en", "Mars/Base", {"statement": "weekly"}, ENROLLED)
    morning.suppression().enrol("eazycard", "a1", bad)
    repository = DueRepository(morning.dynamodb, morning.names["StatementsTable"])
    period = '"period": "2026-W24"}'
    repository.put(
        [
            DueEntry(DUE, "x", "no statement"),
            DueEntry(DUE, "y", '{"bank": "eazycard", "account": "a1", "holder": "awa", "period": "then"}'),
            DueEntry(DUE, "z", f'{{"bank": "eazycard", "account": "a1", "holder": "eve", {period}'),
        ]
    )
    morning.run(DUE)
    assert morning.told == {"a0.awa@example.com": 1, "a1.awa@example.com": 1}
    reasons = sorted(letter["reason"] for letter in morning.letters())
    assert reasons == [
        "malformed_holder: ZoneInfoNotFoundError",
        "malformed_statement: JSONDecodeError",
        "malformed_statement: ValueError",
    ]
    assert {due for due, _ in morning.expected} == {"2026-06-22T08:00"}


def redriven(morning: Morning) -> None:
    """Send the dead letters through again, as the operators' command does."""
    letters, morning.dead_letters.bodies = morning.letters(), []
    assert letters
    for letter in letters:
        assert letter["source"] == "statements"
        morning.index().put_again(expected_in(json.dumps(letter["payload"])), morning.now)


def a_failed_one(morning: Morning) -> None:
    morning.subscribe()
    morning.ses.statuses = {"a0.awa@example.com": "MESSAGE_REJECTED"}
    morning.run(DUE)
    morning.ses.statuses = {}
    assert morning.noted() == [("failed", "refused: MESSAGE_REJECTED")]
    morning.now += timedelta(hours=5)


def test_a_dead_letter_that_is_put_back_is_sent_by_the_next_run_and_the_next_week_follows(morning: Morning) -> None:
    a_failed_one(morning)
    redriven(morning)
    morning.run(morning.now + timedelta(minutes=1))
    assert morning.sent == [("a0.awa", WEEK)]
    assert morning.noted() == [("sent", None)]
    assert morning.expected == [("2026-06-22T08:00", "a0.awa 2026-W25")]
    assert "again" not in str(morning.dynamodb.scan(TableName=morning.names["StatementsTable"])["Items"])
    morning.runs_on(DUE + timedelta(days=8), every=timedelta(hours=8))
    assert morning.sent == [("a0.awa", WEEK), ("a0.awa", NEXT_WEEK)]


def test_a_dead_letter_that_is_put_back_several_times_is_sent_once(morning: Morning) -> None:
    a_failed_one(morning)
    letters = morning.dead_letters.bodies
    for _ in range(3):
        for _ in range(2):
            morning.dead_letters.bodies = letters
            redriven(morning)
            morning.now += timedelta(seconds=1)
        morning.run(morning.now + timedelta(minutes=1))
    assert morning.sent == [("a0.awa", WEEK)]
    assert morning.expected == [("2026-06-22T08:00", "a0.awa 2026-W25")]


def test_a_statement_that_was_sent_meanwhile_is_not_sent_again(morning: Morning) -> None:
    morning.subscribe()
    morning.run(DUE)
    morning.index().put_again(expected_in(json.dumps({**WHO, "period": "2026-W24"})), morning.now)
    morning.run(DUE + timedelta(minutes=1))
    assert morning.sent == [("a0.awa", WEEK)]


def test_a_dead_letter_that_fails_again_is_a_dead_letter_again(morning: Morning) -> None:
    a_failed_one(morning)
    morning.ses.statuses = {"a0.awa@example.com": "MESSAGE_REJECTED"}
    redriven(morning)
    morning.run(morning.now + timedelta(minutes=1))
    assert morning.noted() == [("failed", "refused: MESSAGE_REJECTED")]
    assert len(morning.letters()) == 1
    morning.ses.statuses = {}
    redriven(morning)
    morning.run(morning.now + timedelta(minutes=1))
    assert morning.sent == [("a0.awa", WEEK)]


def test_a_statement_that_was_given_up_is_tried_for_three_more_days_when_it_is_put_back(morning: Morning) -> None:
    morning.subscribe()
    morning.ses.refuses_call_with = "TooManyRequestsException"
    morning.runs_on(DUE + PUT_OFF_AT_MOST + timedelta(hours=6), every=timedelta(hours=6))
    redriven(morning)
    morning.run(morning.now + timedelta(minutes=1))
    assert morning.noted() == [("queued", "put_off: TooManyRequestsException")]
    assert morning.letters() == []
    morning.ses.refuses_call_with = None
    morning.runs_on(morning.now + timedelta(hours=1))
    assert morning.sent == [("a0.awa", WEEK)]


def test_putting_back_an_older_week_sends_no_week_that_was_not_wanted(morning: Morning) -> None:
    a_failed_one(morning)
    morning.subscribe(muted=True)
    morning.runs_on(DUE + timedelta(days=9), every=timedelta(hours=8))  # the next week's is dropped
    morning.subscribe()
    redriven(morning)
    morning.runs_on(DUE + timedelta(days=15), every=timedelta(hours=8))
    assert morning.sent == [("a0.awa", WEEK), ("a0.awa", "statement@a0@2026-W26")]


def test_after_a_malformed_record_is_repaired_and_its_letter_put_back_the_current_week_follows(
    morning: Morning,
) -> None:
    morning.subscribe()
    bad = Holder("awa", "Awa", "a0.awa@example.com", "en", "Mars/Base", {"statement": "weekly"}, ENROLLED)
    morning.suppression().enrol("eazycard", "a0", bad)
    morning.run(DUE)
    assert morning.expected == []
    morning.suppression().enrol("eazycard", "a0", dataclasses.replace(bad, timezone="UTC"))
    redriven(morning)
    morning.run(morning.now + timedelta(minutes=1))
    assert morning.sent == [("a0.awa", WEEK)]
    assert morning.expected == [("2026-06-22T08:00", "a0.awa 2026-W25")]


@pytest.mark.parametrize("preferences", [{"muted": True}, {"statement": "monthly"}])
def test_a_statement_that_is_put_back_is_not_sent_to_a_holder_who_does_not_want_it_any_more(
    morning: Morning, preferences: dict[str, Any]
) -> None:
    a_failed_one(morning)
    morning.subscribe(**preferences)
    redriven(morning)
    morning.run(morning.now + timedelta(minutes=1))
    assert morning.sent == []


def test_a_statement_that_is_put_back_in_quiet_hours_is_sent_when_they_end(morning: Morning) -> None:
    a_failed_one(morning)
    morning.subscribe(quiet_hours={"from": "13:00", "to": "15:30"})
    redriven(morning)
    morning.run(morning.now + timedelta(minutes=1))
    assert morning.sent == []
    morning.runs_on(DUE + timedelta(hours=8))
    assert morning.sent == [("a0.awa", WEEK)]


@pytest.mark.parametrize("is_first", [True, False])
def test_an_older_entry_of_the_same_statement_does_not_hide_the_entry_that_is_put_back(
    morning: Morning, is_first: bool
) -> None:
    a_failed_one(morning)
    old = expected_in(json.dumps(morning.letters()[0]["payload"]))
    entries = [dataclasses.replace(old, again=is_first), dataclasses.replace(old, again=not is_first)]
    # Names of one shard, so that both are on one page, in this order.
    names = [name for name in (f"{number:03}" for number in range(99)) if zlib.crc32(name.encode()) % SHARDS == 0]
    repository = DueRepository(morning.dynamodb, morning.names["StatementsTable"])
    repository.put(
        DueEntry(morning.now, name, json.dumps(one.to_json())) for name, one in zip(names, entries, strict=False)
    )
    morning.run(morning.now + timedelta(minutes=1))
    assert morning.sent == [("a0.awa", WEEK)]


@pytest.mark.parametrize("dies_at", range(12))
def test_after_a_run_dies_with_a_statement_that_was_put_back_the_next_run_sends_it(
    morning: Morning, dies_at: int
) -> None:
    a_failed_one(morning)
    redriven(morning)
    with contextlib.suppress(Died):
        morning.run(morning.now + timedelta(minutes=1), dynamodb=Dying(morning, dies_at))
    morning.runs_on(DUE + timedelta(hours=6))
    assert morning.sent == [("a0.awa", WEEK)]
    assert morning.expected == [("2026-06-22T08:00", "a0.awa 2026-W25")]


def everyone(morning: Morning, count: int = 12) -> list[tuple[str, str]]:
    """Subscribe a holder of each of so many accounts; return the statements that they are to get."""
    for number in range(count):
        morning.subscribe(f"a{number}")
    return sorted((f"a{number}.awa", f"statement@a{number}@2026-W24") for number in range(count))


class Dying:
    """A DynamoDB client at whose n-th call (from 0) the process dies.

    It doesn't die at the call that records what SES has just accepted, but at the next: without that record, statements
    are sent twice, and nothing can prevent it.
    """

    def __init__(self, morning: Morning, at: int) -> None:
        self._morning = morning
        self._left = at
        self._noted = 0

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._morning.dynamodb, name)
        assert name != "scan"

        def dying(**arguments: Any) -> Any:
            accepted = len(self._morning.ses.accepted)
            if accepted > self._noted:
                assert "NotificationsTable" in (arguments.get("TableName"), *arguments.get("RequestItems", ()))
                self._noted = accepted
            else:
                self._left -= 1
                if self._left < 0:
                    raise Died
            return operation(**arguments)

        return dying


@pytest.mark.parametrize("dies_at", range(0, 66, 3))
def test_after_a_run_dies_at_any_call_the_next_run_completes_it(morning: Morning, dies_at: int) -> None:
    wanted = everyone(morning, 6)
    morning.rate = 5
    with contextlib.suppress(Died):
        morning.run(DUE, dynamodb=Dying(morning, dies_at))
    morning.runs_on(DUE + timedelta(minutes=40))
    assert sorted(morning.sent) == wanted
    assert sorted(due for due, _ in morning.expected) == ["2026-06-22T08:00"] * len(wanted)


def test_after_a_run_dies_before_it_records_what_ses_accepted_only_that_call_s_statements_are_sent_again(
    morning: Morning,
) -> None:
    wanted = everyone(morning, 6)

    class Unnoted:
        def __getattr__(self, name: str) -> Any:
            if morning.ses.accepted:
                raise Died
            return getattr(morning.dynamodb, name)

    with contextlib.suppress(Died):
        morning.run(DUE, dynamodb=Unnoted())
    told_before = list(morning.sent)
    morning.runs_on(DUE + timedelta(minutes=40))
    assert told_before
    assert sorted(morning.sent) == sorted([*wanted, *told_before])


@pytest.mark.parametrize("at", range(0, 30, 4))
def test_two_runs_at_the_same_time_send_each_statement_once(morning: Morning, at: int) -> None:
    wanted = everyone(morning, 6)
    morning.rate = 5
    morning.run(DUE, dynamodb=Interrupted(morning.dynamodb, lambda: morning.run(DUE), at=at))
    morning.runs_on(DUE + timedelta(hours=1))
    assert sorted(morning.sent) == wanted
    assert {entry.rpartition(" ")[2] for _, entry in morning.expected} == {"2026-W25"}
    assert len(morning.expected) == len(wanted)


def test_runs_that_die_in_the_middle_of_a_long_look_back_come_to_its_end(morning: Morning) -> None:
    morning.subscribe()
    morning.skip_to(DUE - timedelta(days=6))
    morning.now = DUE

    def die() -> None:
        raise Died

    calls = 7 * SHARDS  # one look at the six days takes 20 times as many
    for _ in range(40):
        with contextlib.suppress(Died):
            morning.run(dynamodb=Interrupted(morning.dynamodb, die, at=calls))
    assert morning.sent == [("a0.awa", WEEK)]


def test_while_a_table_is_down_nothing_is_lost(morning: Morning) -> None:
    wanted = everyone(morning, 2)

    class Down:
        def __getattr__(self, name: str) -> Any:
            if name == "put_item":
                return self.refuse
            return getattr(morning.dynamodb, name)

        def refuse(self, **_: Any) -> Any:
            raise refusal("InternalServerError")

    with pytest.raises(TemporarilyUnavailable):
        morning.run(DUE, dynamodb=Down())
    morning.run(DUE + timedelta(minutes=1))
    assert sorted(morning.sent) == wanted


def test_a_table_that_may_not_be_read_is_an_error_and_no_failed_statement(morning: Morning) -> None:
    wanted = everyone(morning, 1)

    class Denied:
        def __getattr__(self, name: str) -> Any:
            return self.query if name == "query" else getattr(morning.dynamodb, name)

        def query(self, **arguments: Any) -> Any:
            if "IndexName" in arguments:
                raise refusal("AccessDeniedException")
            return morning.dynamodb.query(**arguments)

    with pytest.raises(ClientError, match="AccessDenied"):
        morning.run(DUE, dynamodb=Denied())
    assert (morning.letters(), morning.sent) == ([], [])
    morning.runs_on(DUE + timedelta(minutes=45))
    assert sorted(morning.sent) == wanted


def test_what_a_run_has_no_time_for_is_sent_by_the_next(morning: Morning) -> None:
    wanted = everyone(morning)
    morning.rate = 5
    morning.run(DUE, time_left_s=lambda: 20 if morning.ses.accepted else 55)
    assert 0 < len(morning.sent) < len(wanted)
    morning.run(DUE + timedelta(minutes=1))
    assert sorted(morning.sent) == wanted


def test_a_run_without_time_does_nothing(morning: Morning) -> None:
    everyone(morning, 1)
    morning.run(DUE, time_left_s=lambda: 5)
    assert morning.sent == []
    morning.run(DUE + timedelta(minutes=1))
    assert len(morning.sent) == 1


def test_when_the_time_runs_out_among_accounts_the_rest_comes_later(morning: Morning) -> None:
    wanted = everyone(morning, 6)
    left = iter([55.0, 55.0, 55.0, 55.0, *[15.0] * 20])
    morning.run(DUE, time_left_s=lambda: next(left))
    assert 0 < len(morning.sent) < len(wanted)
    morning.runs_on(DUE + timedelta(minutes=30))
    assert sorted(morning.sent) == wanted


def test_after_weeks_without_a_run_each_week_s_statement_is_sent_once(morning: Morning) -> None:
    morning.subscribe()
    morning.skip_to(DUE)
    morning.now = DUE + timedelta(days=20)
    morning.run()
    morning.runs_on(morning.now + timedelta(hours=2))
    assert sorted(morning.sent) == [("a0.awa", f"statement@a0@2026-W{week}") for week in (24, 25, 26)]
    assert {due for due, _ in morning.expected} == {"2026-07-06T08:00"}


def test_nothing_is_put_into_an_hour_that_a_run_may_have_finished(morning: Morning) -> None:
    morning.subscribe(quiet_hours={"from": "22:00", "to": "08:01"})
    morning.run(DUE)
    ((due, _),) = morning.expected
    assert datetime.fromisoformat(f"{due}+00:00") == DUE + LEAST_WAIT


def test_enrolling_again_and_again_expects_one_statement(morning: Morning) -> None:
    for _ in range(3):
        morning.subscribe()
        morning.now += timedelta(hours=5)
    assert morning.expected == [("2026-06-15T08:00", "a0.awa 2026-W24")]


def test_no_personal_data_waits_in_the_table(morning: Morning) -> None:
    morning.subscribe()
    kept = json.dumps(morning.dynamodb.scan(TableName=morning.names["StatementsTable"])["Items"])
    assert "example.com" not in kept
    assert "Awa" not in kept


def test_a_statement_goes_to_the_holder_s_current_address_in_the_current_language(morning: Morning) -> None:
    morning.subscribe()
    (holder,) = morning.holders.of_account("eazycard", "a0")
    morning.suppression().enrol("eazycard", "a0", dataclasses.replace(holder, email="new@example.com", locale="fr"))
    morning.run(DUE)
    assert [(email["to"], email["subject"][:16]) for email in morning.ses.accepted] == [
        ("new@example.com", "Votre relevé heb")
    ]
