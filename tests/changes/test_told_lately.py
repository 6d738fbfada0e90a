"""E-mails about changes to one address: the first few always come, and then nobody is flooded."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.changes.change_notice import ChangeNotice
from chalicelib.changes.told_lately import AT_MOST, ToldLately
from chalicelib.holders.change import ADDRESS_CHANGED, ALERTS_ENDED, BANK, HolderChange
from chalicelib.notifications.allowances import HOUR
from chalicelib.notifications.allowances_repository import AllowanceRepository
from tests.change_world import Changes, holder
from tests.mail_world import NOW, Died

VICTIM, OTHER = "victim@example.com", "other@example.com"
SECOND = timedelta(seconds=1)


@pytest.fixture
def changes(dynamodb: Any, table_names: dict[str, str]) -> Changes:
    return Changes(dynamodb, table_names)


def flips(changes: Changes, times: int, holder_id: str = "awa", account: str = "A1") -> None:
    """Change the record to another address and back, so many times: each time the victim is told."""
    for _ in range(times):
        for email in (VICTIM, OTHER):
            changes.now += SECOND
            one = dataclasses.replace(holder(holder_id, email), updated_at=changes.now)
            changes.teller().handle(changes.put(one, account=account))
    changes.mail()


def told(changes: Changes, address: str = VICTIM) -> int:
    return changes.ses.recipients[address]


def skipped(changes: Changes) -> list[str]:
    items = changes.dynamodb.scan(TableName=changes.names["NotificationsTable"])["Items"]
    return [item["reason"]["S"] for item in items if item.get("state", {}).get("S") == "skipped"]


def test_an_address_gets_five_mails_about_changes_in_an_hour_for_all_holders_and_the_bank_is_told_of_each(
    changes: Changes,
) -> None:
    changes.name_endpoint("holder.changed")
    flips(changes, 3)
    assert (told(changes), told(changes, OTHER)) == (3, 2)
    flips(changes, 6, "ben", "A2")
    assert (told(changes), told(changes, OTHER)) == (AT_MOST, AT_MOST)
    assert skipped(changes) == ["told_lately"] * (3 + 6 - AT_MOST + 2 + 5 - AT_MOST)
    assert changes.quota_asked == [("eazycard", 1)] * 2 * AT_MOST
    assert len(changes.events.details) == len(changes.webhook_bodies()) == 3 + 2 + 6 + 5


@pytest.mark.parametrize(("early", "more"), [(timedelta(microseconds=1), 0), (timedelta(0), 1)])
def test_when_the_hour_is_over_an_address_is_told_again(changes: Changes, early: timedelta, more: int) -> None:
    flips(changes, AT_MOST + 2)
    changes.now += HOUR - early - 2 * SECOND
    flips(changes, 1)
    assert told(changes) == AT_MOST + more


def test_the_first_always_come_whatever_is_left_of_the_bank_s_quota(changes: Changes) -> None:
    changes.allowed_emails = lambda *_: 0
    flips(changes, AT_MOST + 1)
    assert told(changes) == AT_MOST


def notice(number: int = 0, bank: str = "eazycard", email: str = VICTIM, **changed: Any) -> ChangeNotice:
    one = HolderChange(bank, "A1", (ADDRESS_CHANGED, ALERTS_ENDED)[number % 2], BANK, NOW, holder(email=email))
    return ChangeNotice(one, **changed)


def test_banks_and_addresses_are_counted_apart_and_all_spellings_of_an_address_together(changes: Changes) -> None:
    lately = ToldLately(AllowanceRepository(changes.dynamodb, changes.names["DeferralsTable"]), changes.take_emails)

    def refused(times: int = 1, **whose: str) -> int:
        return sum(lately.why_not(notice(number, **whose), NOW) is not None for number in range(times))

    assert refused(AT_MOST) == 0
    assert refused(email="Victim@Example.com") == 1
    assert refused(AT_MOST, bank="other-bank") == 0
    assert refused(AT_MOST, email=OTHER) == 0


@pytest.mark.parametrize("was_counted", [{"put_off_since": NOW, "attempt": 1}, {"again": True}])
def test_what_comes_back_was_counted_before(changes: Changes, was_counted: dict[str, Any]) -> None:
    lately = ToldLately(AllowanceRepository(changes.dynamodb, changes.names["DeferralsTable"]), changes.take_emails)
    for number in range(2 * AT_MOST):
        assert lately.why_not(notice(number, **was_counted), NOW) is None
    for number in range(AT_MOST):
        assert lately.why_not(notice(number), NOW) is None
    assert lately.why_not(notice(**was_counted), NOW) is None
    assert len(changes.quota_asked) == AT_MOST


def test_a_message_that_comes_again_is_counted_once_and_once_more_for_each_mailer_that_died_with_it(
    changes: Changes,
) -> None:
    class Dies:
        """SES, before which a mailer dies: the notice is counted, and nothing sent."""

        def __getattr__(self, _: str) -> Any:
            raise Died

    for email in (VICTIM, OTHER):
        changes.now += SECOND
        one = dataclasses.replace(holder(email=email), updated_at=changes.now)
        changes.teller().handle(changes.put(one))
    bodies = changes.taken()
    with pytest.raises(Died):
        changes.change_mailer(ses=Dies()).handle(bodies, lambda: 20)
    assert len(changes.quota_asked) == 1
    changes.now += timedelta(minutes=1)  # the claim's lease is over
    for _ in range(3):
        changes.change_mailer().handle(bodies * 2, lambda: 20)
    assert told(changes) == 1
    assert len(changes.quota_asked) == 2
