"""A plan's e-mails of a day: over them a holder gets none, but security alerts always come."""

from collections import Counter
from typing import Any

import pytest

from chalicelib.holders.address import Address
from chalicelib.holders.holder import Suppressed
from chalicelib.ledger.keys import TransactionKey
from chalicelib.notifications.notice import Notice, pack, to_payload
from tests.mail_world import World, many, messages
from tests.samples import EVIDENCE, transaction


@pytest.fixture
def world(dynamodb: Any, table_names: dict[str, str]) -> World:
    return World(dynamodb, table_names)


def test_over_the_plan_s_e_mails_a_holder_gets_none_and_the_bank_reads_why(world: World) -> None:
    asked: list[tuple[str, int]] = []

    def allow_two(bank: str, count: int) -> int:
        asked.append((bank, count))
        return min(count, 2)

    world.allowed_emails = allow_two
    for told in many(4):
        world.enrol(told.account, "awa")
    world.tell(messages(*many(4)))
    assert asked == [("eazycard", 4)]
    assert len(world.ses.accepted) == 2
    assert Counter(world.states(one.id)["awa"] for one in many(4)) == {"sent": 2, "skipped": 2}
    skipped = next(one.id for one in many(4) if world.states(one.id)["awa"] == "skipped")
    (noted,) = world.deliveries.of_transaction(TransactionKey("eazycard", skipped))
    assert noted["reason"] == "over_quota"
    world.tell(messages(*many(4)))  # and it stays so
    assert len(world.ses.accepted) == 2


def test_an_alert_comes_over_the_plan_s_e_mails_and_counts_as_none(world: World) -> None:
    world.allowed_emails = lambda _bank, _count: 0
    world.enrol("a0", "awa")
    alarming = Notice(transaction(id="t0", account="a0"), flags={"large_amount": EVIDENCE["large_amount"]})
    world.tell(list(pack([to_payload(alarming)])))
    assert world.states("t0") == {"awa": "sent"}


def test_what_is_not_sent_anyway_and_what_ses_puts_off_counts_once_at_most(world: World) -> None:
    asked: list[int] = []

    def allow(_bank: str, count: int) -> int:
        asked.append(count)
        return count

    world.allowed_emails = allow
    world.enrol("a0", "awa", muted=True)
    world.enrol("a1", "awa")
    world.enrol("a2", "awa")
    address = Address.of("eazycard", "a2.awa@example.com")
    world.suppression().suppress(address, Suppressed("hard_bounce", world.now), world.now)
    world.ses.statuses["a1.awa@example.com"] = "ACCOUNT_THROTTLED"
    world.tell(messages(*many(3)))
    world.ses.statuses.clear()
    world.drain()
    assert world.states("t1") == {"awa": "sent"}
    assert asked == [1]
