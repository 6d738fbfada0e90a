"""What the contract promises, looked at when the faults are over and the queues and streams are read.

Each broken promise is a text: which one, and of what.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from simulation.answer_promises import AnswerPromises
from simulation.bad_days import POISON
from simulation.bank import BANKS
from simulation.email_promises import EmailPromises
from simulation.expressions import Item
from simulation.notes import is_delivered
from simulation.record_promises import RecordPromises
from simulation.rest import Rest
from simulation.statement_promises import StatementPromises
from simulation.tables import value_at

_FEED_KEPT_FOR = timedelta(days=88)  # pages expire after 90


def broken(rest: Rest, start: datetime) -> list[str]:
    """Return the promises that are broken."""
    promises = Promises(rest)
    others = (EmailPromises(rest), StatementPromises(rest, start), AnswerPromises(rest), RecordPromises(rest))
    return [*promises.broken(), *(text for one in others for text in one.broken())]


class Promises:
    """The promises of what isn't an e-mail."""

    def __init__(self, rest: Rest) -> None:
        self._rest, self._stage, self._banks = rest, rest.stage, rest.banks

    def broken(self) -> Iterator[str]:
        """Yield the promises that are broken."""
        yield from self._stored_once()
        yield from self._nothing_dropped()
        yield from self._archived()
        yield from self._added_up()
        yield from self._in_the_feed()
        yield from self._webhooks_sent()
        yield from self._cases_opened()
        yield from self._operators_told()
        yield from self._nothing_private_logged()

    def _stored_once(self) -> Iterator[str]:
        for key, posted in self._banks.posted.items():
            item = self._rest.stored.get(key)
            if item is None:
                if posted.status or posted.is_queued:
                    yield f"what was answered {posted.answers} is stored: {key[1]}"
            elif Decimal(str(value_at(item, "amount"))) != Decimal(posted.body["amount"]):
                yield f"what is stored is what was posted: {key[1]}"
            if posted.answers.count(201) > 1:
                yield f"a transaction is created once: {key[1]} was answered {posted.answers}"
        for bank, transaction_id, status in self._banks.conflicts:
            # While the table can't be reached, it is queued: then the refusal is a dead letter.
            if status not in (202, 409) and status < 500:
                yield f"another transaction under the same id is refused: {bank} {transaction_id}: {status}"

    def _nothing_dropped(self) -> Iterator[str]:
        is_late = any(status == 202 for _, _, status in self._banks.conflicts)
        for name, queue in self._stage.queues.by_name.items():
            if queue.reader is None:
                for message in queue.messages.values():
                    if POISON in message.body or (is_late and '"transaction_conflict: ' in message.body):
                        continue
                    yield f"what can be processed is no dead letter: {name} has {message.body[:200]}"
            elif queue.messages:
                yield f"every message is processed: {name} has {len(queue.messages)}"
        letters = "".join(
            message.body
            for queue in self._stage.queues.by_name.values()
            if queue.reader is None
            for message in queue.messages.values()
        ).replace("\\", "")
        for name in self._stage.poisoned:
            if name == "AccountsTable":
                if '"malformed_holder"' not in self._rest.log:
                    yield "a holder that nobody can read is logged, and the account's others are told"
            elif json.dumps({POISON: name}) not in letters:
                yield f"what nobody can read is a dead letter: {name}"
        for name, stream in self._stage.streams.items():
            if not stream.is_read():
                yield f"every record is processed: {name}"

    def _archived(self) -> Iterator[str]:
        archived = Counter(line["id"] for line in self._stage.s3.lines())
        for _, transaction_id in self._rest.stored:
            if not archived[transaction_id]:
                yield f"every transaction is in the archive: {transaction_id}"

    def _added_up(self) -> Iterator[str]:
        for bank, currency in BANKS.items():
            sums = {"credit": Decimal(0), "debit": Decimal(0)}
            count = 0
            for (of, _), item in self._rest.stored.items():
                if of == bank and value_at(item, "status") in (None, "settled"):
                    sums[str(value_at(item, "type"))] += Decimal(str(value_at(item, "amount")))
                    count += 1
            totals = [one for one in self._stage.analytics_of(bank)["totals"] if one["currency"] == currency]
            found: Any = totals[0] if totals else {"count": 0, "credit": {"amount": "0"}, "debit": {"amount": "0"}}
            if found["count"] != count or any(Decimal(found[type_]["amount"]) != sums[type_] for type_ in sums):
                yield f"the analytics are the sums: {bank} has {count} {sums}, not {found}"
        if "roll_up_differs" in self._rest.log:
            yield "the nightly reconciliation finds nothing"
        days = {str(value_at(item, "timestamp"))[:10] for item in self._rest.stored.values()}
        for day in sorted(days):
            for one in self._stage.own.reconciliation.of_day(date.fromisoformat(day)).differences:
                yield f"the analytics are what they are counted anew: {one}"

    def _in_the_feed(self) -> Iterator[str]:
        rows = self._stage.dynamodb.items("NotificationsTable")
        pages = [item for item in rows if "L" in item.get("changed", {})]
        named = set[str]()
        oldest = (self._stage.scheduler.now - _FEED_KEPT_FOR).isoformat()
        for entry in (entry["S"] for page in pages for entry in page["changed"]["L"]):
            transaction_id, _, alias = entry.partition("#")
            named.add(f"{transaction_id}#{self._rest.id_of(alias)}")
        for (key, holder), item in self._rest.notes.items():
            if "state" in item and "@" not in key and value_at(item, "state") != "queued":
                if str(value_at(item, "updated_at")) < oldest:
                    continue  # its page may have expired
                entry = f"{key.partition('#')[2]}#{holder}"
                if entry not in named:
                    yield f"every notification is in the feed: {entry}"

    def _cases_opened(self) -> Iterator[str]:
        """A flagged transaction is a case, and nothing else is."""
        opened = {
            (str(value_at(one, "bank")), str(value_at(one, "id"))) for one in self._stage.dynamodb.items("CasesTable")
        }
        for _, transaction_id in self._rest.flagged - opened:
            yield f"a flagged transaction is a case: {transaction_id}"
        for _, transaction_id in opened - self._rest.flagged:
            yield f"only a flagged transaction is a case: {transaction_id}"

    def _webhooks_sent(self) -> Iterator[str]:
        """The banks' systems hear of each delivery and bounce, and of each flagged transaction."""
        heard = {
            (one["type"], one["data"]["transaction"], one["data"].get("holder"))
            for one in self._stage.endpoint.heard.values()
            if "transaction" in one["data"] and isinstance(one["data"]["transaction"], str)
        }
        flagged = json.dumps([one for one in self._stage.endpoint.heard.values() if "flagged" in one["type"]])
        notes = list(self._stage.dynamodb.items("NotificationsTable"))
        # It outweighs a delivery: of an e-mail that went out twice, the first may bounce at the address from before.
        bounced = {item_name(one) for one in notes if any("#hard_bounce#" in name for name in one)}
        for item in notes:
            alias, _, kept = str(value_at(item, "holder")).partition("#")
            holder = self._rest.id_of(alias)
            key = str(value_at(item, "transaction_key"))
            transaction_id = key.partition("#")[2]
            is_told = kept == "feedback" or (alias and not kept and is_delivered(self._stage.dynamodb, key, alias))
            if is_told and "@" not in transaction_id:
                state = "bounced" if item_name(item) in bounced else "delivered"
                if (f"notification.{state}", transaction_id, holder) not in heard:
                    yield f"a bank's system hears what became of an e-mail: {transaction_id} to {holder} is {state}"
        for _, transaction_id in self._rest.flagged:
            if f'"{transaction_id}"' not in flagged:
                yield f"a bank's system hears of a flagged transaction: {transaction_id}"

    def _operators_told(self) -> Iterator[str]:
        events = [one for one in self._stage.events.events if one["DetailType"] == "TransactionFlagged"]
        told = {json.loads(event["Detail"])["transaction"]["id"] for event in events}
        for _, transaction_id in self._rest.flagged:
            if transaction_id not in told:
                yield f"a flagged transaction is an event: {transaction_id}"

    def _nothing_private_logged(self) -> Iterator[str]:
        for text in ("Holder-of-", "@first-bank", "@second-bank", "tn_key"):
            if text in self._rest.log:
                yield f"no name, address or key is logged: {text}"


def item_name(item: Item) -> tuple[str, str]:
    """Return the notification that an item of the table of notifications is of."""
    return str(value_at(item, "transaction_key")), str(value_at(item, "holder")).partition("#")[0]
