"""The change teller: tells the bank of changes of holders' records, and asks the mailers to tell the holders.

It reads the stream of the accounts table. So nothing is lost when the function that wrote a record dies right after:
what is in the table is in the stream.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from chalicelib.aws.dead_letters import DeadLetters, Letter, SetAside
from chalicelib.aws.dynamo import from_item
from chalicelib.aws.queues import Queue
from chalicelib.aws.telemetry import count, logger
from chalicelib.banks import webhook_endpoints
from chalicelib.changes.change_notice import ChangeNotice, pack
from chalicelib.flags.events import EventBus
from chalicelib.holders.change import CONFIRM_ADDRESS, HolderChange, changes_of
from chalicelib.holders.stored_form import holders_in
from chalicelib.ledger.times import format_time
from chalicelib.webhooks import webhook
from chalicelib.webhooks.outbox import Outbox

HOLDER_CHANGED = "HolderChanged"


def changed_detail(change: HolderChange) -> dict[str, Any]:
    """Return the detail of a HolderChanged event, without anybody's name or address."""
    return {
        "version": "1",
        "bank": change.bank,
        "account": change.account,
        "holder": change.holder.id,
        "change": change.kind,
        "changed_by": change.by,
        "changed_at": format_time(change.at),
    }


def webhook_of(change: HolderChange, now: datetime) -> webhook.Webhook:
    """Return the webhook about a change: it says what the event says."""
    data = {name: value for name, value in changed_detail(change).items() if name not in ("version", "bank")}
    key = ChangeNotice(change).key
    return webhook.webhook_about(key, webhook_endpoints.HOLDER_CHANGED, data["changed_at"], data, now)


class ChangeTeller:
    """Tells of the changes in a batch of the stream's records."""

    def __init__(
        self,
        mails: Queue,
        events: EventBus,
        webhooks: Outbox,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
    ) -> None:
        self._mails = mails
        self._events = events
        self._webhooks = webhooks
        self._dead_letters = dead_letters
        self._clock = clock

    def handle(self, stream_records: Sequence[Mapping[str, Any]]) -> None:
        """Queue the holders' e-mails, put the banks' events, and queue their webhooks, for each change in the records.

        Of an address that is to be confirmed, only the holder is told.

        A record that can't be read becomes a dead letter. Raises only when a queue, a table or EventBridge can't be
        reached: the stream then brings the batch again. The e-mails and webhooks are sent once all the same, and the
        events come again with the same content.
        """
        letters: list[Letter] = []
        changes = list(_read(stream_records, letters))
        self._dead_letters.put(letters)
        self._dead_letters.send(self._mails, (pack(ChangeNotice(change)) for change in changes))
        told = [change for change in changes if change.kind != CONFIRM_ADDRESS]
        self._events.put(HOLDER_CHANGED, map(changed_detail, told))
        now = self._clock()
        webhooks = self._webhooks.put(webhook_of(change, now) for change in told)
        if changes:
            asked = len(changes) - len(told)
            logger.info("holders_changed", extra={"changes": len(told), "webhooks": webhooks, "to_confirm": asked})
            count("HoldersChanged", len(told))
            count("AddressesToConfirm", asked)


def _read(records: Sequence[Mapping[str, Any]], letters: list[Letter]) -> Iterable[HolderChange]:
    for record in records:
        with SetAside(letters, record, "malformed_record"):
            yield from list(changes_in(record["dynamodb"]))


def changes_in(images: Mapping[str, Any]) -> Iterable[HolderChange]:
    """Yield what has changed for the holders of an account's record; nothing for one that was deleted.

    `images` are a stream record's. Raises KeyError, TypeError, ValueError or AttributeError if one can't be read.
    """
    if "NewImage" not in images:
        return
    after = from_item(images["NewImage"])
    before = {holder.id: holder for holder in holders_in(from_item(images.get("OldImage", {})))}
    bank, _, account = after["account_key"].partition("#")
    for holder in holders_in(after):
        yield from changes_of(bank, account, before.get(holder.id), holder)
