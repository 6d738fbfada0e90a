"""What a transaction costs downstream of its intake write, at full batches: counted, not estimated.

The budget is the design's, at most 4 write units and 0.3 API calls for a transaction, and a call for each conditional
write, which by itself costs half of what it costs in a transaction; and of read units, of which it has 1, what judging
needs besides.
"""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.analytics.job import AnalyticsJob
from chalicelib.analytics.repository import SAFETY_MARGIN, AnalyticsRepository
from chalicelib.flags.answers import Answer
from chalicelib.flags.baselines_repository import BaselineRepository
from chalicelib.flags.judge import LOOKED_UP
from chalicelib.flags.repository import Flagging, FlagRepository
from chalicelib.ledger.archive import Archiver
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.ledger.transaction import Transaction
from chalicelib.notifications.digest import unpack
from chalicelib.notifications.due import SHARDS, DueRepository
from chalicelib.notifications.feed import MARGIN
from chalicelib.notifications.records import NotificationRecords
from chalicelib.webhooks.host_rate import A_SECOND
from tests.archive_bucket import BUCKET, FakeBucket, records
from tests.case_world import Cases
from tests.fakes import FakeSqs, Metered
from tests.index_costs import index_writes
from tests.mail_world import NOW, World, many, messages, ses_event
from tests.quiet_night import END, QUIET, Night
from tests.rows import ONE
from tests.samples import EVIDENCE
from tests.stream_world import Stream, record
from tests.webhook_desk import URL, Desk

BATCH = 100


@pytest.fixture
def world(dynamodb: Any, table_names: dict[str, str]) -> World:
    return World(dynamodb, table_names)


def test_telling_a_full_batch_stays_within_the_budget(world: World) -> None:
    told = many(BATCH)  # each of another account: nothing is saved by accounts that repeat
    for one in told:
        world.enrol(one.account, "awa")
    calls, units = Counter[str](), Counter[str]()
    queue = FakeSqs()
    stream = Stream(world.dynamodb, world.names)
    metered = Metered(stream.dynamodb, calls, units)
    batch = [record(transaction_item(one)) for one in told]
    stream.handle(batch, notifications=Metered(queue, calls, units), dynamodb=metered)
    assert calls == {
        "get_item": 1,  # the bank's settings, then remembered for a minute
        "batch_get_item": 1 + 1,  # all accounts' histories; what was flagged before
        "query": LOOKED_UP,  # what came meanwhile, of a few accounts
        "send_message_batch": 1,
        "update_item": 1,  # the bank's activity
    }
    assert units["write"] == 1
    assert (units["read"] - 1) / BATCH == 0.55 + 1

    world.tell(queue.bodies, dynamodb=Metered(world.dynamodb, calls, units), ses=Metered(world.ses, calls, units))
    assert len(world.ses.accepted) == BATCH
    assert calls == {
        "query": LOOKED_UP,
        "send_message_batch": 1,
        "batch_get_item": 2 + 1,  # all accounts' holders
        "get_item": 1 + 1,  # the bank's name, then remembered for a minute
        "put_item": BATCH,  # claims
        "update_item": 1 + 2 * 2 + 1,  # time at SES is booked, and its yes is noted, for each SES call; activity
        "send_bulk_email": 2,
        "batch_write_item": 2,  # a page of the feed for each SES call
    }
    assert (calls.total() - calls["put_item"]) / BATCH <= 0.3
    assert units["write"] / BATCH <= 1.2  # 1 for the claim; the note of fifty, and the page of the feed
    # Over the design's 1, which didn't know of histories: docs/decisions.md says why, and what it costs.
    assert (units["read"] - 1.5) / BATCH <= 2.55  # 1.5: the bank's settings and name, not for each batch


def test_waiting_for_quiet_hours_to_end_costs_what_the_documentation_says(dynamodb: Any, table_names: Any) -> None:
    night = Night(dynamodb, table_names)
    told = many(BATCH)
    for one in told:
        night.enrol(one.account, "awa", quiet_hours=QUIET)
    calls, units = Counter[str](), Counter[str]()
    client, queue = Metered(dynamodb, calls, units), Metered(night.queue, calls, units)
    night.tell(messages(*told), dynamodb=client, queue=queue)
    hour = END.replace(minute=0)
    DueRepository(dynamodb, table_names["DeferralsTable"]).move_checkpoint(hour)
    night.release(dynamodb=client, queue=queue)
    night.tell(night.queue.bodies, dynamodb=client, queue=queue, ses=Metered(night.ses, calls, units))
    assert len(night.ses.accepted) == BATCH
    assert 1 + 4 <= units["write"] / BATCH <= 1 + 4.2  # for each SES call: time, a note, and a page of the feed
    assert 2 < units["read"] / BATCH < 2.5
    # A shard's page is sent and deleted by itself: full pages are ten times as large as these.
    assert calls["send_message_batch"] == SHARDS
    assert (calls.total() - calls["put_item"]) / BATCH <= 0.15 + 0.5


def test_what_ses_tells_back_is_kept_for_a_tenth_of_a_write_unit_each(world: World) -> None:
    told = many(BATCH)
    for one in told:
        world.enrol(one.account, "awa")
    world.tell(messages(*told))
    calls, units = Counter[str](), Counter[str]()
    mails = ((one.id, world.ses.id_of(one.id)) for one in told)
    bodies = [ses_event("delivery", message_id=mail, transaction=id_) for id_, mail in mails]
    world.hear(bodies, dynamodb=Metered(world.dynamodb, calls, units))
    assert set(world.states(told[-1].id).values()) == {"delivered"}
    # The notes, and those of the two SES calls; their deliveries, and the bank's activity; a page of the feed.
    assert calls == {"batch_get_item": 2, "update_item": 3, "batch_write_item": 1}
    assert units["write"] / BATCH <= 0.1
    assert units["read"] / BATCH <= 1.2


def test_following_the_feed_costs_two_reads_for_what_it_shows(world: World) -> None:
    told = many(BATCH)
    for one in told:
        world.enrol(one.account, "awa")
    world.tell(messages(*told))
    mails = ((one.id, world.ses.id_of(one.id)) for one in told)
    world.hear([ses_event("delivery", message_id=mail, transaction=id_) for id_, mail in mails])
    world.now += MARGIN + timedelta(seconds=1)
    calls, units = Counter[str](), Counter[str]()
    client = Metered(world.dynamodb, calls, units)
    changes = world.feed(client).read("eazycard", "", 50)
    assert len(NotificationRecords(client, world.names["NotificationsTable"]).of_keys(changes.keys)) == 50
    assert calls == {"query": 4, "batch_get_item": 1 + 1}  # and what SES accepted of their e-mails
    assert units["read"] <= 4 + 2 * 50 + 4 + 2


def test_telling_a_banks_endpoint_costs_two_writes_a_log_and_three_reads(
    dynamodb: Any, table_names: dict[str, str]
) -> None:
    desk = Desk(dynamodb, table_names)
    told = many(BATCH)
    for one in told:
        desk.enrol(one.account, "awa")
    desk.tell(messages(*told))
    desk.hear([ses_event("delivery", transaction=one.id) for one in told])
    calls, units = Counter[str](), Counter[str]()
    desk.restart(Metered(dynamodb, calls, units), Metered(desk.webhook_queue, calls, units))
    desk.endpoints.takes[URL] = timedelta(seconds=1 / A_SECOND)  # or the host would get too much in a moment
    desk.feed_webhooks()
    desk.send()
    assert set(desk.told().values()) == {1}
    assert len(desk.told()) == BATCH
    assert calls == {
        "get_item": 2,  # the bank and its settings, then remembered for a minute
        "batch_get_item": 2 + 1 + 10,  # what became of 50 notifications, of two SES calls; the records of 10 webhooks
        "send_message_batch": 10,
        "batch_write_item": 2 * 10,  # the records; the log of attempts
        "update_item": 10,  # activity
    }
    # The record, the message for another try, a tenth of the log's page and of the bank's activity.
    assert units["write"] / BATCH <= 2.5
    assert (units["read"] - 1.5) / BATCH <= 3.1


def test_a_case_costs_a_read_and_its_write_and_a_batch_of_them_a_few_calls(world: World) -> None:
    cases = Cases(world.dynamodb)
    records = cases.flag(*(Flagging(one, {"velocity": EVIDENCE["velocity"]}, frozenset(), NOW) for one in many(BATCH)))
    calls, units = Counter[str](), Counter[str]()
    cases.opener(Metered(cases.dynamodb, calls, units)).handle(records)
    assert calls == {"batch_get_item": 1, "transact_write_items": 2}
    assert units["read"] / BATCH == 1  # the transaction
    assert units["write"] / BATCH == 2
    ordinary = [record(transaction_item(one)) for one in many(BATCH)]
    cases.opener(object()).handle(ordinary)  # no call at all


@pytest.mark.parametrize("one", [ONE, replace(many(1)[0], description="x" * 280)], ids=["smallest", "usual"])
def test_recording_a_transaction_costs_a_write_for_the_table_and_one_for_each_index(one: Transaction) -> None:
    assert index_writes("TransactionsTable", {}, transaction_item(one)) == {
        "by_account": 1,
        "by_bank": 1,
        "by_recorded": 1,
    }


def test_an_answer_to_an_alert_writes_nothing_to_the_index_that_is_searched(dynamodb: Any, table_names: Any) -> None:
    flags = FlagRepository(dynamodb, "TransactionsTable")
    flags.record([Flagging(ONE, {"velocity": {"count": 6, "limit": 5, "minutes": 10}}, frozenset(), NOW)])
    (before,) = dynamodb.scan(TableName="TransactionsTable")["Items"]
    flags.answer(ONE.bank, ONE.id, "awa", Answer.RECOGNIZED, NOW)
    (after,) = dynamodb.scan(TableName="TransactionsTable")["Items"]
    assert index_writes("TransactionsTable", {}, before).keys() == {"by_account", "by_bank", "by_recorded"}
    assert index_writes("TransactionsTable", before, after) == {"by_account": 1}


def test_archiving_a_full_batch_is_one_call_for_each_bank_and_day() -> None:
    calls, units = Counter[str](), Counter[str]()
    stored = [replace(one, bank=bank) for one in many(500) for bank in ("one", "two")]
    Archiver(Metered(FakeBucket(), calls, units), BUCKET).handle(records(*stored))
    assert calls == {"put_object": 2}
    assert units.total() == 0


def test_folding_adds_a_write_and_a_read_for_the_baseline_and_next_to_nothing_else(world: World) -> None:
    for one in many(BATCH):
        world.dynamodb.put_item(TableName=world.names["TransactionsTable"], Item=transaction_item(one))
    clock = NOW + SAFETY_MARGIN + timedelta(seconds=1)

    def run() -> tuple[Counter[str], Counter[str]]:
        calls, units = Counter[str](), Counter[str]()
        client = Metered(world.dynamodb, calls, units)
        roll_ups = AnalyticsRepository(client, world.names["AnalyticsTable"])
        baselines = BaselineRepository(client, world.names["AnalyticsTable"])
        transactions = TransactionRepository(client, world.names["TransactionsTable"])
        AnalyticsJob(roll_ups, baselines, transactions, lambda: clock).run(lambda: 60)
        return calls, units

    calls, units = run()
    nothing_new_calls, nothing_new_units = run()
    assert nothing_new_calls == {"get_item": 1, "query": 4}  # the checkpoint, and each shard once
    assert nothing_new_units == {"read": 3, "write": 0}
    units.subtract(nothing_new_units)
    # Each of another account, whose baseline is one unit to be read and one to be written.
    assert 1 <= units["read"] / BATCH <= 1.2
    assert 1 <= units["write"] / BATCH <= 1.1
    assert calls - nothing_new_calls == {
        "batch_get_item": 2,  # roll-ups, baselines
        "update_item": 1,  # the lease
        "batch_write_item": 4,  # baselines, 25 in a call
        "transact_write_items": 1,
    }


def test_collecting_a_batch_costs_a_write_and_a_read_for_what_names_another_one(world: World) -> None:
    authorized = [replace(one, status="authorized") for one in many(BATCH)]
    settled = [replace(one, id=f"s{one.id}", status="settled", authorization_id=one.id) for one in authorized]
    stream = Stream(world.dynamodb, world.names)
    stream.store(*authorized)
    calls, units = Counter[str](), Counter[str]()
    stream.handle([record(transaction_item(one)) for one in settled], dynamodb=Metered(stream.dynamodb, calls, units))
    assert calls == {
        "get_item": 1,
        "batch_get_item": 1 + 2,  # accounts' histories; what is named, and who names it
        "put_item": BATCH,  # the purchases
        "query": LOOKED_UP,
        "update_item": 1,  # the bank's activity
    }
    assert (units["write"] - 1) / BATCH == 1
    assert (units["read"] - 1) / BATCH == 0.55 + 1


@pytest.mark.parametrize(
    ("amount", "is_recorded", "write_units", "read_units"),
    [
        (Decimal(250500), True, 1, 2),  # the note
        (Decimal(300000), True, 1, 3),  # the claim; and a look whether the authorization's e-mail is on its way
        (Decimal(250500), False, 2, 2),  # and the note that the authorization is told
    ],
)
def test_a_settlement_costs_more_only_where_it_is_told(
    world: World, amount: Decimal, is_recorded: bool, write_units: int, read_units: int
) -> None:
    is_told = read_units > 2 or not is_recorded
    told = [replace(one, id=f"s{one.id}", authorization_id=one.id, amount=amount) for one in many(50)]
    for one in told:
        world.enrol(one.account, "awa", enrolled_at=NOW - timedelta(days=1))
        if is_recorded:
            authorization = replace(one, id=str(one.authorization_id), status="authorized", authorization_id=None)
            world.record(replace(authorization, amount=Decimal(250500)))
    world.record(*told)
    calls, units = Counter[str](), Counter[str]()
    world.tell(messages(*told), dynamodb=Metered(world.dynamodb, calls, units), ses=Metered(world.ses, calls, units))
    assert len(world.ses.accepted) == (50 if is_told else 0)
    assert write_units <= units["write"] / 50 <= write_units + 0.2  # time at SES, its yes, and a page of the feed
    # The account, the authorization, and who else names it.
    assert (units["read"] - 0.5) / 50 == read_units
    assert calls["batch_get_item"] == read_units + 1
    assert (calls.total() - calls["put_item"] - 50 * (not is_recorded)) / 50 <= 0.3


def test_an_authorization_and_its_reversal_in_one_batch_are_told_in_two_calls_of_ses(world: World) -> None:
    authorized = [replace(one, status="authorized") for one in many(25)]
    reversed_ = [replace(one, id=f"r{one.id}", status="reversed", authorization_id=one.id) for one in many(25)]
    for one in authorized:
        world.enrol(one.account, "awa", enrolled_at=NOW - timedelta(days=1))
    world.record(*authorized, *reversed_)
    calls, units = Counter[str](), Counter[str]()
    world.tell(
        messages(*reversed_, *authorized),
        dynamodb=Metered(world.dynamodb, calls, units),
        ses=Metered(world.ses, calls, units),
    )
    assert [email["tags"]["transaction"][0] for email in world.ses.accepted] == ["t"] * 25 + ["r"] * 25
    assert world.queue.bodies == []
    assert calls["send_bulk_email"] == 2
    # Holders, authorizations, who names them, and whether their e-mails are on their way: what SES accepted too.
    assert calls["batch_get_item"] == 4 + 1
    assert (
        calls.total() - calls["put_item"] - 1
    ) / 50 <= 0.3  # 1: the bank's activity, once for a batch, which this is half of


def test_waiting_for_an_authorization_costs_what_the_documentation_says(world: World) -> None:
    authorized = [replace(one, status="authorized") for one in many(50)]
    reversed_ = [replace(one, id=f"r{one.id}", status="reversed", authorization_id=one.id) for one in many(50)]
    for one in authorized:
        world.enrol(one.account, "awa", enrolled_at=NOW - timedelta(days=1))
    world.record(*authorized, *reversed_)
    world.ses.refuses_call_with = "TooManyRequestsException"
    world.tell(messages(*authorized))
    for waited in range(3):
        calls, units = Counter[str](), Counter[str]()
        client, queue = Metered(world.dynamodb, calls, units), FakeSqs()
        world.tell(messages(*reversed_), dynamodb=client, queue=Metered(queue, calls, units))
        assert sum(len(unpack(body, [])) for body in queue.bodies) == 50, waited
        assert 2 <= units["write"] / 50 <= 2.1  # the claim, and its return; and time at SES
        assert (units["read"] - 0.5) / 50 == 3  # the account, the authorization and who names it, its notification
        assert (calls.total() - calls["put_item"]) / 50 <= 0.3
