"""What a transaction costs downstream of its intake write, at full batches: counted, not estimated.

The budget is the design's: at most 4 write units, 1 read unit and 0.3 API calls for a transaction.
"""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.analytics import SAFETY_MARGIN, AnalyticsJob
from chalicelib.analytics_repository import AnalyticsRepository
from chalicelib.archive import Archiver
from chalicelib.queues import DeadLetters, Queue
from chalicelib.repository import TransactionRepository, transaction_item
from chalicelib.stream import StreamHandler
from tests.fakes import Metered
from tests.test_archive import BUCKET, FakeBucket, records
from tests.test_mailer import NOW, World, many
from tests.test_queues import FakeSqs
from tests.test_stream import record

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
    stream_queue = Queue(Metered(queue, calls, units), "url")
    stream = StreamHandler(stream_queue, DeadLetters(stream_queue, "transaction_stream"))
    stream.handle([record(transaction_item(one)) for one in told])
    assert calls == {"send_message_batch": 1}

    world.tell(queue.bodies, dynamodb=Metered(world.dynamodb, calls, units), ses=Metered(world.ses, calls, units))
    assert len(world.ses.accepted) == BATCH
    assert calls == {
        "send_message_batch": 1,
        "batch_get_item": 1,  # all accounts' holders
        "get_item": 1,  # the bank's name, then remembered for a minute
        "transact_write_items": 2,  # claims, for each SES call
        "send_bulk_email": 2,
        "batch_write_item": 4,  # notes, 25 in a call
    }
    assert sum(calls.values()) / BATCH <= 0.3
    assert units["write"] / BATCH <= 4
    assert (units["read"] - 0.5) / BATCH <= 1  # 0.5: the bank's name, once a minute and not for each batch


def test_archiving_a_full_batch_is_one_call_for_each_bank_and_day() -> None:
    calls, units = Counter[str](), Counter[str]()
    stored = [replace(one, bank=bank) for one in many(500) for bank in ("one", "two")]
    Archiver(Metered(FakeBucket(), calls, units), BUCKET).handle(records(*stored))
    assert calls == {"put_object": 2}
    assert units.total() == 0


def test_folding_adds_next_to_nothing(world: World) -> None:
    for one in many(BATCH):
        world.dynamodb.put_item(TableName=world.names["TransactionsTable"], Item=transaction_item(one))
    clock = NOW + SAFETY_MARGIN + timedelta(seconds=1)

    def run() -> tuple[Counter[str], Counter[str]]:
        calls, units = Counter[str](), Counter[str]()
        client = Metered(world.dynamodb, calls, units)
        roll_ups = AnalyticsRepository(client, world.names["AnalyticsTable"])
        transactions = TransactionRepository(client, world.names["TransactionsTable"])
        AnalyticsJob(roll_ups, transactions, lambda: clock).run(lambda: 60)
        return calls, units

    calls, units = run()
    nothing_new_calls, nothing_new_units = run()
    assert nothing_new_calls == {"get_item": 1, "query": 4}  # the checkpoint, and each shard once
    assert nothing_new_units == {"read": 3, "write": 0}
    units.subtract(nothing_new_units)
    assert units["read"] / BATCH <= 0.2
    assert units["write"] / BATCH <= 0.1
    assert (calls - nothing_new_calls).total() == 2  # a step: the roll-ups are read, and committed
