"""Allowances: the first e-mails of an hour come one by one, exactly, and counting costs next to nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.holder import Holder
from chalicelib.notifications import allowances
from chalicelib.notifications.allowances import HOUR, Allowances, Division
from chalicelib.notifications.allowances_repository import AllowanceRepository
from chalicelib.notifications.digest import DigestKind
from chalicelib.notifications.notice import Notice, Recipient
from tests.fakes import Interrupted, Refusing, refusal
from tests.mail_world import NOW
from tests.samples import EVIDENCE, transaction
from tests.tables import TABLES

TABLE = "DeferralsTable"
MAILERS = 4


def recipients(count: int, first: int = 0, holder: str = "awa", **changes: Any) -> list[Recipient]:
    account = changes.pop("account", "a0")
    person = Holder(holder, "Awa", "awa@example.com", "fr", "UTC", {}, NOW)
    return [
        Recipient(Notice(transaction(id=f"t{number}", account=account), **changes), person)
        for number in range(first, first + count)
    ]


def alerts(count: int, first: int = 0) -> list[Recipient]:
    return recipients(count, first, flags={"velocity": EVIDENCE["velocity"]})


class Noted:
    """A client that notes its calls, also those that are refused."""

    def __init__(self, client: Any, calls: list[str]) -> None:
        self._client = client
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        self._calls.append(name)
        return getattr(self._client, name)


@pytest.fixture
def mailer(each_dynamodb: Any) -> Callable[..., Allowances]:
    def new(client: Any = None, limit: int = 20) -> Allowances:
        return Allowances(AllowanceRepository(client or each_dynamodb, TABLE), lambda _bank: limit)

    return new


def sizes(division: Division) -> tuple[int, int]:
    return len(division.alone), len(division.together)


def test_the_21st_e_mail_within_an_hour_is_the_first_that_waits(mailer: Callable[..., Allowances]) -> None:
    counting = mailer()
    found = [counting.divide(recipients(1, number), NOW + timedelta(minutes=number)) for number in range(30)]
    assert [sizes(division) for division in found] == [(1, 0)] * 20 + [(0, 1)] * 10
    digests = {digest for division in found for _, digest in division.together}
    ((kind, account, closes_at),) = {(one.kind, one.account, one.closes_at) for one in digests}
    assert (kind, account, closes_at) == (DigestKind.ORDINARY, "a0", NOW + HOUR)


def test_what_is_over_in_one_batch_waits_in_the_order_in_which_it_came(mailer: Callable[..., Allowances]) -> None:
    division = mailer().divide(recipients(50), NOW)
    assert [one.notice.transaction.id for one in division.alone] == [f"t{number}" for number in range(20)]
    assert [one.notice.transaction.id for one, _ in division.together] == [f"t{number}" for number in range(20, 50)]


def test_each_hour_begins_with_an_e_mail_of_its_own(mailer: Callable[..., Allowances]) -> None:
    counting = mailer()
    assert sizes(counting.divide(recipients(30), NOW)) == (20, 10)
    almost = NOW + HOUR - timedelta(microseconds=1)
    assert sizes(counting.divide(recipients(5, 30), almost)) == (0, 5)
    assert sizes(counting.divide(recipients(30, 40), NOW + HOUR)) == (20, 10)
    assert sizes(mailer().divide(recipients(30, 70), NOW + 2 * HOUR)) == (20, 10)


def test_banks_accounts_and_holders_are_counted_apart(mailer: Callable[..., Allowances]) -> None:
    counting = mailer(limit=2)
    assert sizes(counting.divide([*recipients(2), *recipients(2, 2, "ben")], NOW)) == (4, 0)
    assert sizes(counting.divide(recipients(2, 4, account="a1"), NOW)) == (2, 0)
    assert sizes(counting.divide([*recipients(1, 6), *recipients(1, 7, "ben")], NOW)) == (0, 2)


def test_an_alert_neither_counts_as_another_e_mail_nor_waits_for_one(mailer: Callable[..., Allowances]) -> None:
    counting = mailer(limit=1)
    assert sizes(counting.divide(recipients(3), NOW)) == (1, 2)
    division = counting.divide(alerts(1, 10), NOW)
    assert sizes(division) == (1, 0)
    assert sizes(counting.divide(recipients(1, 20), NOW)) == (0, 1)


def test_an_account_s_alerts_within_15_minutes_of_the_first_wait_for_their_end(
    mailer: Callable[..., Allowances],
) -> None:
    counting = mailer()
    assert sizes(counting.divide(alerts(1), NOW)) == (1, 0)
    division = counting.divide(alerts(12, 1), NOW + timedelta(minutes=14))
    assert sizes(division) == (0, 12)
    assert {(one.kind, one.closes_at) for _, one in division.together} == {
        (DigestKind.ALERTS, NOW + timedelta(minutes=15))
    }
    assert sizes(counting.divide(alerts(1, 20), NOW + timedelta(minutes=15))) == (1, 0)


def test_of_alerts_that_several_mailers_have_at_once_one_comes_at_once(mailer: Callable[..., Allowances]) -> None:
    found = [sizes(mailer().divide(alerts(1, number), NOW)) for number in range(MAILERS)]
    assert found == [(1, 0)] + [(0, 1)] * (MAILERS - 1)


def test_with_several_mailers_each_but_one_lets_two_too_many_through_at_most(mailer: Callable[..., Allowances]) -> None:
    """The worst order: one mailer uses the allowance up, and then each of the others sees its first."""
    counting = [mailer() for _ in range(MAILERS)]
    alone = sizes(counting[0].divide(recipients(25), NOW))[0]
    for one in counting[1:]:
        for number in range(4):
            alone += sizes(one.divide(recipients(1, 100 + number), NOW))[0]
    assert alone == 20 + 2 * (MAILERS - 1)


def test_the_first_e_mails_that_mailers_remember_are_counted_with_their_third(
    mailer: Callable[..., Allowances],
) -> None:
    counting = [mailer(limit=100) for _ in range(MAILERS)]
    for number in range(40):
        counting[number % MAILERS].divide(recipients(1, number), NOW + timedelta(seconds=number))
    assert sizes(mailer(limit=100).divide(recipients(70, 100), NOW + timedelta(minutes=2))) == (60, 10)


def test_never_fewer_come_one_by_one_than_the_bank_chose(mailer: Callable[..., Allowances]) -> None:
    counting = [mailer(limit=7) for _ in range(3)]
    alone = sum(sizes(counting[number % 3].divide(recipients(1, number), NOW))[0] for number in range(30))
    assert 7 <= alone <= 7 + 2 * 2


def test_what_was_put_off_is_not_counted_again_in_its_hour(mailer: Callable[..., Allowances]) -> None:
    counting = mailer(limit=1)
    (first,) = recipients(1)
    division = counting.divide([first], NOW)
    until = division.counted_until[first.key]
    assert until == NOW + HOUR
    again = recipients(1, counted_until=until)
    division = counting.divide([*again, *recipients(1, 1)], NOW + timedelta(minutes=5))
    assert ([one.key for one in division.alone], division.counted_until) == ([first.key], {first.key: until})
    # An hour later it counts like any other: an outage of days doesn't save up e-mails that come all at once.
    assert sizes(counting.divide([*recipients(1, 2), *again], NOW + HOUR)) == (1, 1)


def test_an_ordinary_holder_costs_no_call_and_a_flooded_one_two_an_hour_at_most(
    mailer: Callable[..., Allowances], each_dynamodb: Any
) -> None:
    calls: list[str] = []
    counting = mailer(Noted(each_dynamodb, calls))
    counting.divide([one for number in range(50) for one in recipients(2, account=f"a{number}")], NOW)
    assert calls == []
    for number in range(20):
        counting.divide(recipients(50, 50 * number), NOW + timedelta(seconds=number))
    assert calls == ["update_item"]  # for the first of a thousand: then this mailer knows
    counting.divide(recipients(3), NOW + HOUR)
    assert calls == ["update_item"] * 3  # an hour that is over is found out by a refusal


def test_memory_is_bounded_and_what_is_forgotten_is_in_the_table(
    mailer: Callable[..., Allowances], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowances, "_HOLDERS_REMEMBERED", 3)
    counting = mailer()
    counting.divide(recipients(25), NOW)
    for number in range(1, 9):
        counting.divide(recipients(1, account=f"a{number}"), NOW)
    assert len(counting._remembered) == 3
    assert sizes(counting.divide(recipients(3, 30), NOW)) == (0, 3)


def test_two_mailers_that_begin_an_hour_at_once_share_it(mailer: Callable[..., Allowances], each_dynamodb: Any) -> None:
    mailer().divide(recipients(30), NOW)
    later, other = NOW + HOUR, []
    client = Interrupted(each_dynamodb, lambda: other.append(sizes(mailer().divide(recipients(15, 100), later))), at=1)
    assert sizes(mailer(client).divide(recipients(15, 200), later)) == (5, 10)
    assert other == [(15, 0)]


def test_a_table_that_can_t_be_reached_is_raised(mailer: Callable[..., Allowances], each_dynamodb: Any) -> None:
    client = Refusing(each_dynamodb, refusal("ThrottlingException"), "update_item")
    with pytest.raises(TemporarilyUnavailable):
        mailer(client).divide(recipients(3), NOW)


def test_the_item_of_an_hour_expires(mailer: Callable[..., Allowances], each_dynamodb: Any) -> None:
    assert TABLE in TABLES
    mailer().divide(recipients(3), NOW)
    (item,) = each_dynamodb.scan(TableName=TABLE)["Items"]
    assert int(item["expires_at"]["N"]) == int((NOW + 2 * HOUR).timestamp())
