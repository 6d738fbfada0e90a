"""What befalls a stage as a whole: services that can't be reached for minutes, records that nobody can read, rows that
expire."""

import json
from datetime import timedelta
from functools import partial

from chalicelib.aws.dynamo import to_item
from chalicelib.notifications.due import DueEntry
from simulation.stage import Stage

SERVICES = ("dynamodb", "sqs", "sesv2", "events", "s3", "sns", "secretsmanager")
_LONGEST_OUTAGE_S = 300
POISON = "poison"
_DUE = ("DeferralsTable", "StatementsTable")
_SWEPT_EVERY_S = 12 * 3600


def let_services_fail(stage: Stage, over_s: float) -> None:
    """Let some services be unreachable for a time, within so many seconds."""
    chance = stage.scheduler.random

    def fail(service: str) -> None:
        stage.caller.down_until[service] = stage.scheduler.now + timedelta(seconds=chance.uniform(1, _LONGEST_OUTAGE_S))

    for service in SERVICES:
        if chance.random() < 0.15:
            stage.scheduler.after(chance.uniform(0, over_s), partial(fail, service))


def let_rows_expire(stage: Stage) -> None:
    """Let DynamoDB delete some rows whose time to live is over, twice a day."""
    chance = stage.scheduler.random

    def sweep() -> None:
        stage.dynamodb.expire(stage.scheduler.now)
        stage.scheduler.after(_SWEPT_EVERY_S, sweep)

    stage.scheduler.after(chance.uniform(0, _SWEPT_EVERY_S), sweep)


def put_poison(stage: Stage, over_s: float) -> None:
    """Put what nobody can read where something comes upon it by itself: every table with a stream or with what is due,
    and every queue with a reader."""
    chance = stage.scheduler.random

    def put(kind: str, name: str) -> None:
        if kind == "queue":
            stage.queues.put(stage.queue(name), json.dumps({POISON: name}))
        elif kind == "due":
            payload = f"no JSON: {json.dumps({POISON: name})}"
            entry = DueEntry(stage.scheduler.now + timedelta(minutes=1), f"first-bank#{POISON}", payload)
            stage.dynamodb.put_item(TableName=name, Item=to_item({**entry.key, "notice": payload}))
        else:
            stage.dynamodb.put_item(TableName=name, Item=_unreadable(stage, name))

    for name, queue in stage.queues.by_name.items():
        if queue.reader and chance.random() < 0.3:
            stage.scheduler.after(chance.uniform(0, over_s), partial(put, "queue", name))
            stage.poisoned.add(name)
    for name in _DUE:
        if chance.random() < 0.3:
            stage.scheduler.after(chance.uniform(0, over_s), partial(put, "due", name))
            stage.poisoned.add(name)
    for name in stage.streams:
        if chance.random() < 0.3:
            stage.scheduler.after(chance.uniform(0, over_s), partial(put, "table", name))
            stage.poisoned.add(name)


def _unreadable(stage: Stage, name: str) -> dict[str, dict[str, str]]:
    """Return an item of the table whose values make no sense."""
    key = {part: {"S": f"first-bank#{POISON}"} for part in stage.dynamodb.key_names(name)}
    if name == "NotificationsTable":
        key["transaction_key"] = {"S": f"feed#first-bank#{POISON}"}  # only pages of the feed come to the feeder
    index = {"recorded_shard": {"S": "0"}, "recorded_key": {"S": f"2026-01-10T14:00:30.000000Z#{POISON}"}}
    recorded = index if name == "TransactionsTable" else {}
    nonsense, no_list = {"S": json.dumps({POISON: name})}, {"N": "1"}
    return {**key, **recorded, "bank": no_list, "changed": no_list, "amount": nonsense, "holder:poison": nonsense}
