"""A stage that has come to rest, and what its banks know: what the promises are looked at in."""

from collections import defaultdict
from typing import Any

from simulation.bad_days import POISON
from simulation.bank import Banks
from simulation.expressions import Item
from simulation.notes import note_of
from simulation.services import SentEmail
from simulation.stage import Stage
from simulation.tables import value_at
from simulation.watch import is_flags

Key = tuple[str, str]
Sent = dict[tuple[str, str, str], list[SentEmail]]


class Rest:
    """What is stored, flagged, sent and noted at the end of a run; `log` is all that was logged."""

    def __init__(self, stage: Stage, banks: Banks, log: str) -> None:
        self.stage, self.banks, self.log = stage, banks, log
        rows = [one for one in stage.dynamodb.items("TransactionsTable") if POISON not in str(one["transaction_key"])]
        self.stored: dict[Key, Item] = {_key(item): item for item in rows if not is_flags(item)}
        self.flagged = {_key(item) for item in rows if is_flags(item) and _told_flags(item)}
        # What is kept of notifications, and what SES is told, has a holder's alias; promises are to holders.
        self.ids = {
            str(value_at(record["M"], "alias")): name.removeprefix("holder:")
            for item in stage.dynamodb.items("AccountsTable")
            for name, record in item.items()
            if name.startswith("holder:") and "M" in record and "alias" in record["M"]
        }
        self.sent: Sent = defaultdict(list)
        for email in stage.ses.accepted:
            self.sent[email.bank, email.transaction, self.id_of(email.holder)].append(email)
        keys = (
            (str(value_at(item, "transaction_key")), str(value_at(item, "holder")))
            for item in stage.dynamodb.items("NotificationsTable")
        )
        self.notes = {
            (key, self.id_of(holder)): note
            for key, holder in keys
            if "#" not in holder  # what is kept beside a notification, like its webhooks
            and (note := note_of(stage.dynamodb, key, holder))
        }

    def id_of(self, alias: str) -> str:
        return self.ids.get(alias, alias)


def _key(item: Item) -> Key:
    return str(value_at(item, "bank")), str(value_at(item, "id"))


def _told_flags(item: Item) -> set[Any]:
    return set(item["flags"]["M"]) - {one["S"] for one in item["shadow"]["L"]}
