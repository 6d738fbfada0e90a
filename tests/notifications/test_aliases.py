"""Holders' aliases: what is kept of notifications names no holder, so that nothing leads to one who was erased.

Whoever is enrolled in an erased holder's place, under the same id too, is somebody else.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from chalicelib.holders.repository import HolderRepository
from tests.flood_world import ACCOUNT, Flood, on_one_account
from tests.mail_world import NOW, messages, ses_event
from tests.purchase_cast import CAST
from tests.samples import transaction

ID = "marie-claire"
ADDRESS = f"{ACCOUNT}.{ID}@example.com"
OVER = 3


@pytest.fixture
def flood(dynamodb: Any, table_names: dict[str, str]) -> Flood:
    flood = Flood(dynamodb, table_names)
    numbers = count()
    flood.make_alias = lambda: f"alias-{next(numbers)}"
    flood.enrol(ACCOUNT, ID)
    return flood


def erase(flood: Flood) -> None:
    flood.suppression().erase("eazycard", ACCOUNT, ID, flood.now)


def kept(flood: Flood) -> Iterator[str]:
    """Yield all that is kept of notifications, and all that waits in queues."""
    for table in ("NotificationsTable", "DeferralsTable"):
        for page in flood.dynamodb.get_paginator("scan").paginate(TableName=flood.names[table]):
            yield from map(json.dumps, page["Items"])
    yield from (*flood.queue.bodies, *flood.alert_queue.bodies, *flood.dead_letters.bodies)


def holders_of(flood: Flood, transaction_id: str) -> list[tuple[str, str]]:
    found = flood.deliveries.of_transaction(transaction(id=transaction_id).key)
    return [(notification["holder"], notification["state"]) for notification in found]


def feedback(name: str, transaction_id: str) -> str:
    return ses_event(name, ADDRESS, transaction=transaction_id, holder="alias-0", bank="eazycard")


def test_nothing_that_is_kept_has_the_id_whatever_becomes_of_a_notification(flood: Flood) -> None:
    flood.flood(on_one_account(20 + OVER))  # told, and waiting for a digest
    flood.ses.refuses_call_with = "TooManyRequestsException"
    flood.alarm(transaction(id="late", account=ACCOUNT))  # put off
    flood.ses.refuses_call_with = None
    flood.enrol("a1", ID)
    flood.ses.statuses = {f"a1.{ID}@example.com": "MESSAGE_REJECTED"}
    flood.flood([transaction(id="refused", account="a1")])  # a dead letter
    flood.ses.statuses = {}
    flood.hear([feedback("delivery", "f0001")])
    assert (flood.entries, len(flood.alert_queue.bodies), len(flood.dead_letters.bodies)) == (OVER, 1, 1)
    assert [one for one in kept(flood) if ID in one] == []
    assert sum("alias-0" in one for one in kept(flood)) > 20 + OVER

    flood.deliver_all()
    flood.pass_time()
    assert flood.mails(ADDRESS)[-1]["tags"]["holder"] == "alias-0"
    assert holders_of(flood, "f0022") == [(ID, "sent")], "with the digest"
    assert [one for one in kept(flood) if ID in one] == []


def test_a_bank_reads_its_own_ids_and_an_alias_where_the_holder_was_erased(flood: Flood) -> None:
    flood.enrol(ACCOUNT, "ben")
    flood.tell(messages(transaction(id="t0", account=ACCOUNT)))
    assert holders_of(flood, "t0") == [("ben", "sent"), (ID, "sent")]
    erase(flood)
    flood.hear([feedback("bounce", "t0")])
    assert holders_of(flood, "t0") == [("alias-0", "bounced"), ("ben", "sent")]
    flood.enrol(ACCOUNT, ID)
    assert holders_of(flood, "t0") == [("alias-0", "bounced"), ("ben", "sent")]


def test_who_is_enrolled_in_an_erased_holder_s_place_is_told_of_what_comes_from_then_on(flood: Flood) -> None:
    before = transaction(id="before", account=ACCOUNT)
    flood.tell(messages(before))
    flood.now += timedelta(minutes=1)
    erase(flood)
    flood.enrol(ACCOUNT, ID)
    flood.tell(messages(before))  # the stream brings it again, or an operator
    assert holders_of(flood, "before") == [("alias-0", "sent")]
    after = transaction(id="after", account=ACCOUNT, recorded_at=flood.now + timedelta(microseconds=1))
    flood.tell(messages(after))
    assert holders_of(flood, "after") == [(ID, "sent")]
    assert [mail["tags"]["transaction"] for mail in flood.ses.accepted] == ["before", "after"]


def test_what_waits_for_an_erased_holder_comes_to_nobody(flood: Flood) -> None:
    over = on_one_account(20 + OVER)[20:]
    flood.flood(on_one_account(20 + OVER))
    flood.ses.refuses_call_with = "TooManyRequestsException"
    flood.alarm(transaction(id="late", account=ACCOUNT))
    flood.ses.refuses_call_with = None
    erase(flood)
    flood.enrol(ACCOUNT, ID)
    flood.deliver_all()
    flood.pass_time()
    assert len(flood.ses.accepted) == 20
    assert (flood.entries, flood.dead_letters.bodies) == (0, [])
    assert {state for one in (*over, transaction(id="late")) for state in holders_of(flood, one.id)} == {
        ("alias-0", "skipped")
    }


@pytest.mark.parametrize("letters", ["A S", "S A", "T A T A"])
def test_a_purchase_is_told_once_to_a_holder_with_an_alias(flood: Flood, letters: str) -> None:
    for account in {one.account for one in CAST.values()} - {ACCOUNT}:
        flood.enrol(account, ID)
    for letter in letters.split():
        flood.record(CAST[letter])
        flood.tell(messages(CAST[letter]))
    assert len(flood.ses.accepted) == 1


def test_a_holder_enrolled_by_a_release_without_aliases_is_notified_under_the_id_and_goes_on_so(flood: Flood) -> None:
    flood.make_alias = str
    flood.enrol("a1", "old")
    flood.make_alias = lambda: "never"
    flood.enrol("a1", "old", locale="en")
    flood.tell(messages(transaction(id="t1", account="a1")))
    flood.tell(messages(transaction(id="t1", account="a1")))
    assert len(flood.ses.accepted) == 1
    (mail,) = flood.ses.accepted
    assert mail["tags"]["holder"] == "old"
    assert holders_of(flood, "t1") == [("old", "sent")]


def test_an_alias_is_random_and_stays_with_the_record(dynamodb: Any, table_names: dict[str, str]) -> None:
    flood = Flood(dynamodb, table_names)
    real = HolderRepository(dynamodb, table_names["AccountsTable"])
    flood.enrol("a1", "awa")
    (plain,) = real.of_account("eazycard", "a1")
    for account in ("a2", "a3"):
        real.put("eazycard", account, plain)
    (first,), (second,) = (real.of_account("eazycard", account) for account in ("a2", "a3"))
    assert first.alias != second.alias
    assert min(len(set(one.alias)) for one in (first, second)) > 4
    real.put("eazycard", "a2", plain)
    assert real.of_account("eazycard", "a2") == [first]
    real.delete("eazycard", "a2", "awa", NOW)
    real.put("eazycard", "a2", plain)
    (again,) = real.of_account("eazycard", "a2")
    assert again.alias not in (first.alias, "")
    assert (first.told_from, again.told_from) == (None, NOW)
    assert [again.hears_of(NOW + timedelta(seconds=late)) for late in (-1, 0, 1)] == [False, False, True]
