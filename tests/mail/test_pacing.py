"""Pacing, on both engines: all copies of the mailers together stay under the account's send rate."""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.mail.pacing import ASKED_AGAIN_AFTER, CACHE_FOR, Pacer, SesAccount
from chalicelib.mail.shares import Lane
from tests.fakes import Failing, Metered, Refusing, refusal
from tests.metrics import lines

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
TABLE = "NotificationsTable"


class FakeAccount:
    """SES as far as it tells of its account."""

    def __init__(self, rate: float = 10.0) -> None:
        self.rate = rate
        self.calls = 0

    def get_account(self) -> dict[str, Any]:
        self.calls += 1
        return {"SendQuota": {"MaxSendRate": self.rate}}


class Copy:
    """A copy of a mailer with a clock of its own, in seconds since the test began."""

    def __init__(self, dynamodb: Any, at_s: float = 0, rate: float = 10.0, lane: Lane = Lane.ORDINARY) -> None:
        self.at_s = at_s
        account = SesAccount(FakeAccount(rate), self._clock)
        self.pacer = Pacer(dynamodb, TABLE, account, self._clock, lane, sleep=self._sleep)

    def _clock(self) -> datetime:
        return NOW + timedelta(seconds=self.at_s)

    def _sleep(self, seconds: float) -> None:
        self.at_s += seconds


def test_what_is_under_the_rate_never_waits(each_dynamodb: Any) -> None:
    for second in range(10):
        copy = Copy(each_dynamodb, second)
        assert copy.pacer.wait_for("eazycard", 9, 0)
        assert copy.at_s == second


def test_the_second_of_two_waits_until_the_first_ones_time_is_over(each_dynamodb: Any) -> None:
    first, second = Copy(each_dynamodb), Copy(each_dynamodb)
    assert first.pacer.wait_for("eazycard", 9, 0)
    assert second.pacer.wait_for("eazycard", 9, 0)
    assert (first.at_s, second.at_s) == (0, 1.0)


def test_when_more_is_booked_than_is_worth_waiting_for_nothing_is_booked(each_dynamodb: Any) -> None:
    for _ in range(2):
        assert Copy(each_dynamodb).pacer.wait_for("eazycard", 9, 0)
    late = Copy(each_dynamodb)
    assert not late.pacer.wait_for("eazycard", 9, 0)
    assert late.at_s == 0
    assert Copy(each_dynamodb, 1.0).pacer.wait_for("eazycard", 9, 0)


def test_an_alert_finds_a_place_where_ordinary_mail_finds_none_and_ordinary_mail_waits_for_it(
    each_dynamodb: Any,
) -> None:
    while Copy(each_dynamodb).pacer.wait_for("eazycard", 9, 0):
        pass
    alert = Copy(each_dynamodb, lane=Lane.ALERTS)
    assert alert.pacer.wait_for("eazycard", 1, 0) == 1
    assert alert.at_s <= 2.0
    assert not Copy(each_dynamodb, 1.0).pacer.wait_for("eazycard", 1, 0)


def test_another_bank_finds_a_place_where_a_flooding_one_finds_none(each_dynamodb: Any) -> None:
    while Copy(each_dynamodb).pacer.wait_for("flooding", 9, 0):
        pass
    other = Copy(each_dynamodb)
    assert other.pacer.wait_for("eazycard", 9, 0) == 4  # a second of its half of the rate
    assert other.at_s <= 2.0


@pytest.mark.parametrize("rate", [1.0, 14.0, 200.0])
def test_many_copies_together_stay_under_the_rate_and_come_near_it(
    dynamodb: Any, table_names: Any, rate: float
) -> None:
    chance = random.Random(7)
    sent: list[tuple[float, int]] = []
    waiting = [(chance.random(), number) for number in range(15)]
    heapq.heapify(waiting)
    for _ in range(400):
        at_s, number = heapq.heappop(waiting)
        copy = Copy(dynamodb, at_s, rate)
        count = chance.randint(1, min(50, copy.pacer.at_once))
        if copy.pacer.wait_for("eazycard", count, 0):
            sent.append((copy.at_s, count))
            heapq.heappush(waiting, (copy.at_s + 0.01, number))
        else:
            heapq.heappush(waiting, (at_s + chance.uniform(0.1, 2), number))
    sent.sort()
    end = sent[-1][0]
    for start, _ in sent:
        # A second's worth may go at once, and another second's worth within the second after it.
        assert sum(count for at_s, count in sent if start <= at_s < start + 10) <= rate * 11
    assert sum(count for _, count in sent) / end > 0.6 * rate


def test_ses_is_asked_once_in_five_minutes_and_a_new_rate_is_obeyed() -> None:
    ses, now = FakeAccount(14), [NOW]
    account = SesAccount(ses, lambda: now[0])
    assert [account.send_rate() for _ in range(5)] == [14] * 5
    ses.rate = 50
    assert timedelta(minutes=5) == CACHE_FOR
    now[0] += CACHE_FOR
    assert account.send_rate() == 50
    assert ses.calls == 2


def test_when_ses_does_not_say_the_last_known_rate_holds(logged: Any) -> None:
    ses, now = FakeAccount(200), [NOW]
    broken = Failing(ses, refusal("TooManyRequestsException"), at=1)
    account = SesAccount(broken, lambda: now[0])
    assert account.send_rate() == 200
    now[0] += CACHE_FOR
    assert account.send_rate() == 200
    (line,) = lines(logged())
    assert (line["level"], line["message"], line["error"]) == ("WARNING", "send_rate_unknown", "ClientError")


@pytest.mark.parametrize("failing_at", [0, 1], ids=["the first time", "later"])
def test_what_ses_did_not_say_is_asked_again_after_30_seconds(failing_at: int) -> None:
    ses, now = FakeAccount(2), [NOW]
    account = SesAccount(Failing(ses, refusal("TooManyRequestsException"), at=failing_at), lambda: now[0])
    for _ in range(failing_at):
        account.send_rate()
        now[0] += CACHE_FOR
    account.send_rate()
    ses.rate = 3
    assert timedelta(seconds=30) == ASKED_AGAIN_AFTER
    now[0] += ASKED_AGAIN_AFTER - timedelta(microseconds=1)
    assert account.send_rate() != 3
    now[0] += timedelta(microseconds=1)
    assert account.send_rate() == 3
    # What it says then is kept as long as ever.
    ses.rate = 4
    now[0] += CACHE_FOR - timedelta(microseconds=1)
    assert account.send_rate() == 3


@pytest.mark.parametrize("code", ["AccessDeniedException", "ServiceUnavailable"])
def test_an_account_that_was_never_known_is_taken_for_a_small_one(code: str) -> None:
    account = SesAccount(Refusing(FakeAccount(), refusal(code), "get_account"), lambda: NOW)
    assert account.send_rate() == 14


def test_a_fixed_rate_is_not_asked_for() -> None:
    ses = FakeAccount()
    assert SesAccount(ses, lambda: NOW, fixed=3.5).send_rate() == 3.5
    assert ses.calls == 0


def test_a_paused_account_is_still_asked_now_and_then(each_dynamodb: Any) -> None:
    copy = Copy(each_dynamodb, rate=0)
    assert copy.pacer.at_once == 1
    assert copy.pacer.wait_for("eazycard", 1, 0)


def test_a_throttled_table_is_the_callers_affair(each_dynamodb: Any) -> None:
    broken = Failing(each_dynamodb, refusal("ProvisionedThroughputExceededException"))
    with pytest.raises(TemporarilyUnavailable):
        Copy(broken).pacer.wait_for("eazycard", 1, 0)
    assert Copy(broken).pacer.wait_for("eazycard", 1, 0)


def test_two_who_find_it_free_at_once_do_not_both_take_it(each_dynamodb: Any) -> None:
    class Overtaken:
        """A client in whose first call another copy books before it."""

        def __init__(self, book: Callable[[], object]) -> None:
            self._book: Callable[[], object] | None = book

        def update_item(self, **arguments: Any) -> Any:
            book, self._book = self._book, None
            if book:
                book()
            return each_dynamodb.update_item(**arguments)

        def get_item(self, **arguments: Any) -> Any:
            return each_dynamodb.get_item(**arguments)

    copy = Copy(Overtaken(lambda: Copy(each_dynamodb).pacer.wait_for("eazycard", 9, 0)))
    assert copy.pacer.wait_for("eazycard", 9, 0)
    assert copy.at_s == 1.0


def test_who_may_wait_gets_a_place_in_the_end(each_dynamodb: Any) -> None:
    for _ in range(2):
        assert Copy(each_dynamodb).pacer.wait_for("eazycard", 9, 0)
    patient = Copy(each_dynamodb)
    assert patient.pacer.wait_for("eazycard", 9, 5)
    assert 1.9 <= patient.at_s <= 5


def test_who_may_not_wait_so_long_gives_up_in_time(each_dynamodb: Any) -> None:
    for _ in range(2):
        assert Copy(each_dynamodb).pacer.wait_for("eazycard", 9, 0)
    late = Copy(each_dynamodb)
    assert not late.pacer.wait_for("eazycard", 9, 0.9)
    assert late.at_s <= 0.9


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException"])
def test_an_error_that_is_no_condition_is_raised_and_not_taken_for_a_booking(each_dynamodb: Any, code: str) -> None:
    with pytest.raises(ClientError, match=code):
        Copy(Refusing(each_dynamodb, refusal(code), "update_item")).pacer.wait_for("eazycard", 1, 0)


def test_who_is_overtaken_every_time_gives_up_and_may_try_later(each_dynamodb: Any) -> None:
    failed = refusal("ConditionalCheckFailedException")
    calls, units = Counter[str](), Counter[str]()
    overtaken = Copy(Refusing(Metered(each_dynamodb, calls, units), failed, "update_item"))
    assert overtaken.pacer.wait_for("eazycard", 1, 0) == 0
    assert calls == {"get_item": 20}  # it looks each time what was booked


def test_between_two_tries_it_waits_a_fifth_of_a_second_to_a_second_and_not_always_as_long(
    dynamodb: Any, table_names: Any
) -> None:
    for _ in range(2):
        assert Copy(dynamodb).pacer.wait_for("eazycard", 9, 0)
    waits: list[float] = []
    copy = Copy(dynamodb)
    pacer = Pacer(
        dynamodb, TABLE, SesAccount(FakeAccount(), lambda: NOW), lambda: NOW, copy.pacer._lane, sleep=waits.append
    )

    assert not pacer.wait_for("eazycard", 9, 40)
    assert 0.2 <= min(waits) <= 0.4 < 0.8 <= max(waits) <= 1.0
    assert 39 <= sum(waits) <= 40


def test_of_an_account_with_less_than_an_e_mail_a_second_it_takes_less(dynamodb: Any, table_names: Any) -> None:
    first, second = Copy(dynamodb, rate=0.5), Copy(dynamodb, rate=0.5)
    assert (first.pacer.wait_for("eazycard", 1, 0), second.pacer.wait_for("another", 1, 0)) == (1, 1)
    assert second.at_s == pytest.approx(1 / 0.45, abs=0.001)
    paused, behind = Copy(dynamodb, 1_000, rate=0), Copy(dynamodb, 1_000, rate=0)
    assert (paused.pacer.wait_for("eazycard", 1, 0), behind.pacer.wait_for("another", 1, 0)) == (1, 1)
    assert behind.at_s == 1_010


def test_who_is_overtaken_learns_from_the_refusal_what_is_booked(dynamodb: Any, table_names: Any) -> None:
    late = Copy(dynamodb)
    assert Copy(dynamodb).pacer.wait_for("eazycard", 9, 0)
    calls, units = Counter[str](), Counter[str]()
    late.pacer._client = Metered(dynamodb, calls, units)

    assert late.pacer.wait_for("eazycard", 9, 0)
    assert not calls["get_item"]


def test_when_the_item_is_gone_it_begins_anew(each_dynamodb: Any) -> None:
    copy = Copy(each_dynamodb)
    assert copy.pacer.wait_for("eazycard", 9, 0)
    key = {"transaction_key": {"S": "pacing"}, "holder": {"S": "ses"}}
    each_dynamodb.delete_item(TableName=TABLE, Key=key)

    assert copy.pacer.wait_for("eazycard", 9, 0) == 9
    assert copy.at_s == 0
    stored = each_dynamodb.get_item(TableName=TABLE, Key=key)["Item"]
    assert stored["version"] == {"N": "1"}
    assert stored["booked_until"] == {"N": str(int(NOW.timestamp() * 1000) + 1_000)}


def test_who_is_overtaken_asks_an_engine_that_refuses_without_saying_what_is_booked(
    dynamodb: Any, table_names: Any
) -> None:
    asked: list[dict[str, Any]] = []

    class Taciturn:
        """An engine whose refusals come without the item."""

        def update_item(self, **arguments: Any) -> Any:
            arguments.pop("ReturnValuesOnConditionCheckFailure")
            return dynamodb.update_item(**arguments)

        def get_item(self, **arguments: Any) -> Any:
            asked.append(arguments)
            return dynamodb.get_item(**arguments)

    assert Copy(dynamodb).pacer.wait_for("eazycard", 9, 0)
    late = Copy(Taciturn())
    assert late.pacer.wait_for("eazycard", 9, 0) == 9
    assert late.at_s == 1.0
    assert [one["ConsistentRead"] for one in asked] == [True]
