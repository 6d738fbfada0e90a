"""Webhooks of a stage's banks: issue the secret that signs them, list them, show one transaction's, send some again.

    python -m operations.webhooks --stage prod secret eazycard
    python -m operations.webhooks --stage prod list eazycard --hours 48 --undelivered
    python -m operations.webhooks --stage prod show eazycard T-2026-000123
    python -m operations.webhooks --stage prod resend eazycard --hours 48

What is sent again has the id that it had, so that an endpoint can know it. `resend` takes what was not delivered; a
transaction that is named, whether it was or not.
"""

import argparse
import dataclasses
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm

from chalicelib.aws.queues import Queue
from chalicelib.banks.bank import Bank
from chalicelib.banks.repository import BankRepository
from chalicelib.errors import DomainError
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.times import format_time
from chalicelib.notifications.feed import NotificationFeed, position_at
from chalicelib.notifications.records import NotificationRecords
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.records import Record, Standing, WebhookRecords
from chalicelib.webhooks.webhook import Webhook, pack, webhook_of
from infra.sessions import gave_up, session_for
from infra.stacks import StackFailed, outputs, stack_name
from operations.banks import BankRefused, grace_hours
from operations.signing import Purpose, SigningSecrets

_PAGE = 100
MAX_HOURS = 366 * 24
_NOTHING = "nothing is to be told of a transaction"
_COLUMNS = "Columns: id, transaction, holder, type, what became of it, the last answer, tries, when, the next try."


@dataclasses.dataclass(frozen=True, slots=True)
class Sent:
    """A webhook as it would be sent now, and the record of its last try, None if it was never tried."""

    webhook: Webhook
    record: Record | None

    @property
    def is_delivered(self) -> bool:
        return self.record is not None and self.record.standing is Standing.DELIVERED


@dataclasses.dataclass(frozen=True)
class WebhookOffice:
    """A stage's webhooks, as its operators see them."""

    banks: BankRepository
    feed: NotificationFeed
    deliveries: NotificationRecords
    records: WebhookRecords
    queue: Queue

    def changed_since(self, bank: str, since: datetime, now: datetime) -> Iterator[list[Sent]]:
        """Yield the webhooks of what has changed since then, in pages, each once."""
        position, seen = position_at(since), set[str]()
        while True:
            changes = self.feed.read(bank, position, _PAGE)
            if not changes.keys:
                return
            position = changes.position
            page = [one for one in self._sent(changes.keys, now) if one.webhook.id not in seen]
            seen.update(one.webhook.id for one in page)
            yield page

    def of_transaction(self, bank: str, transaction_id: str, now: datetime) -> list[Sent]:
        """Return the webhooks of a transaction's notifications as they are now."""
        found = self.deliveries.of_transaction(TransactionKey(bank, transaction_id))
        keys = [NotificationKey(bank, transaction_id, notification["holder"]) for notification in found]
        return self._sent(keys, now)

    def resend(self, sent: list[Sent]) -> int:
        """Queue the webhooks to be sent at once, for as long as if for the first time; return how many."""
        self.queue.send(pack(dataclasses.replace(one.webhook, again=True)) for one in sent)
        return len(sent)

    def _sent(self, keys: list[NotificationKey], now: datetime) -> list[Sent]:
        found = self.deliveries.of_keys(keys)
        webhooks = [webhook for key in keys if key in found and (webhook := webhook_of(key, found[key], now))]
        records = self.records.of(webhooks)
        return [Sent(webhook, records.get(webhook.id)) for webhook in webhooks]


def office(session: Any, stage: str) -> WebhookOffice:
    """Return the webhook office of a provisioned stage."""
    data = outputs(session.client("cloudformation"), stack_name(stage, "data"))
    if "WebhookQueueUrl" not in data:
        raise StackFailed(f"the data stack of stage {stage} has no WebhookQueueUrl: provision the stage again.")
    dynamodb, table = session.client("dynamodb"), data["NotificationsTable"]
    return WebhookOffice(
        BankRepository(dynamodb, data["BanksTable"]),
        NotificationFeed(dynamodb, table, lambda: datetime.now(UTC)),
        NotificationRecords(dynamodb, table),
        WebhookRecords(dynamodb, table),
        Queue(session.client("sqs"), data["WebhookQueueUrl"]),
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m operations.webhooks", description=__doc__.splitlines()[0])
    parser.add_argument("--stage", default="local", help="default: local, the running local cloud")
    parser.add_argument("--region", help="default: AWS_DEFAULT_REGION, the profile's, or us-east-2")
    commands = parser.add_subparsers(dest="command", required=True)
    secret = commands.add_parser("secret", help="give a bank a new webhook secret and print it, once")
    secret.add_argument("bank")
    secret.add_argument(
        "--grace-hours", type=grace_hours, default=24, help="how long the one before signs, too (default: 24; 0: not)"
    )
    listing = commands.add_parser("list", help="list the webhooks of what has changed lately", epilog=_COLUMNS)
    listing.add_argument("bank")
    listing.add_argument("--undelivered", action="store_true", help="only those that were not delivered")
    show = commands.add_parser("show", help="show what became of one transaction's webhooks, and what they say")
    show.add_argument("bank")
    show.add_argument("transaction")
    resend = commands.add_parser("resend", help="send what was not delivered again, or all of the named transactions")
    resend.add_argument("bank")
    resend.add_argument("transaction", nargs="*")
    for command in (listing, resend):
        command.add_argument("--hours", type=_hours, default=24, help="how far back to look (default: 24)")
    options = parser.parse_args(arguments)
    now = datetime.now(UTC)
    try:
        session = session_for(options.stage, options.region)
        stage_office = office(session, options.stage)
        bank = stage_office.banks.bank(options.bank)
        if bank is None:
            raise BankRefused(f"there is no bank {options.bank!r}.")
        if options.command == "secret":
            secrets = SigningSecrets(
                session.client("secretsmanager"), stage_office.banks, options.stage, Purpose.WEBHOOKS
            )
            return _secret(secrets, bank, options, now)
        return {"list": _list, "show": _show, "resend": _resend}[options.command](stage_office, bank, options, now)
    except (BankRefused, StackFailed, DomainError, ClientError, BotoCoreError) as error:
        print(f"webhooks: {error}", file=sys.stderr)
        return 1
    except (BrokenPipeError, KeyboardInterrupt):
        return gave_up("webhooks")


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = 0
    if not 0 < hours <= MAX_HOURS:
        raise argparse.ArgumentTypeError(f"over 0, at most {MAX_HOURS} hours")
    return hours


def _secret(secrets: SigningSecrets, bank: Bank, options: argparse.Namespace, now: datetime) -> int:
    secret = secrets.issue(bank, timedelta(hours=options.grace_hours), now)
    print(f"New webhook secret of {bank.id}, shown only now: {secret}")
    if bank.webhook_secret_arn is None:
        print("A minute from now, the bank can name its endpoint: PUT /settings, webhook_url.")
    elif options.grace_hours:
        print(f"It signs within a minute; the one before signs, too, for another {options.grace_hours:g} h. The bank")
        print("changes over between the two, or takes either meanwhile.")
    else:
        print("Within a minute, nothing is signed with the one before.")
    return 0


def _list(stage_office: WebhookOffice, bank: Bank, options: argparse.Namespace, now: datetime) -> int:
    standings = Counter[str]()
    print(_state_of_endpoint(stage_office, bank), file=sys.stderr)
    for page in stage_office.changed_since(bank.id, now - timedelta(hours=options.hours), now):
        for sent in page:
            if not (options.undelivered and sent.is_delivered):
                print(_line(sent))
            standings[_standing(sent)] += 1
    for standing, number in sorted(standings.items()):
        print(f"{number:>6} {standing}", file=sys.stderr)
    print(f"{standings.total():>6} in all", file=sys.stderr)
    return 0


def _show(stage_office: WebhookOffice, bank: Bank, options: argparse.Namespace, now: datetime) -> int:
    now_told = {sent.webhook.id: sent for sent in stage_office.of_transaction(bank.id, options.transaction, now)}
    # Of states that a notification has left since, there is a record, but nothing that could be sent.
    before = stage_office.records.of_transaction(TransactionKey(bank.id, options.transaction))
    for record in before:
        if record.id not in now_told:
            print(_row(record.id, record.key, record.type, record))
    for sent in now_told.values():
        print(_line(sent))
        print(f"    {sent.webhook.body}")
    if not (before or now_told):
        print(f"webhooks: {_NOTHING} {options.transaction!r}.", file=sys.stderr)
        return 1
    return 0


def _resend(stage_office: WebhookOffice, bank: Bank, options: argparse.Namespace, now: datetime) -> int:
    state = _state_of_endpoint(stage_office, bank)
    if not _takes(stage_office, bank):
        print(f"webhooks: nothing is sent. {state}", file=sys.stderr)
        return 1
    number = status = 0
    with tqdm(desc="resending", unit="webhook", delay=2) as progress:
        if options.transaction:
            for transaction in dict.fromkeys(options.transaction):
                found = stage_office.of_transaction(bank.id, transaction, now)
                if not found:
                    print(f"webhooks: {_NOTHING} {transaction!r}.", file=sys.stderr)
                    status = 1
                number += stage_office.resend(found)
        else:
            for page in stage_office.changed_since(bank.id, now - timedelta(hours=options.hours), now):
                wanted = [sent for sent in page if not sent.is_delivered]
                number += stage_office.resend(wanted)
                progress.update(len(wanted))
    print(f"{number} queued; `list` shows what becomes of them." if number else "There is nothing to send.")
    return status


def _takes(stage_office: WebhookOffice, bank: Bank) -> bool:
    stored = stage_office.banks.settings(bank.id)
    is_complete = bool(stored.settings.webhook_url and bank.webhook_secret_arn)
    return is_complete and stored.webhooks_disabled_at is None and not bank.disabled


def _state_of_endpoint(stage_office: WebhookOffice, bank: Bank) -> str:
    stored = stage_office.banks.settings(bank.id)
    url, disabled_at = stored.settings.webhook_url, stored.webhooks_disabled_at
    if bank.disabled:
        return f"{bank.id} is disabled."
    if bank.webhook_secret_arn is None:
        return f"{bank.id} has no webhook secret: `secret {bank.id}` issues one."
    if not url:
        return f"{bank.id} has named no endpoint: PUT /settings, webhook_url."
    if disabled_at is not None:
        return f"{url} said that it is gone (410) at {format_time(disabled_at)}: PUT /settings enables it again."
    return f"{url} takes webhooks."


def _standing(sent: Sent) -> str:
    return sent.record.standing.value if sent.record else "never_tried"


def _line(sent: Sent) -> str:
    return _row(sent.webhook.id, sent.webhook.key, sent.webhook.type, sent.record)


def _row(webhook_id: str, key: NotificationKey, type_: str, record: Record | None) -> str:
    columns = [webhook_id, key.transaction, key.holder, type_]
    if record is None:
        return "\t".join([*columns, "never_tried"])
    tries = "1 try" if record.attempts == 1 else f"{record.attempts} tries"
    next_at = [f"next {format_time(record.next_at)}"] if record.next_at else []
    told = [record.standing.value, record.answer, tries, format_time(record.updated_at), *next_at]
    return "\t".join([*columns, *told])


if __name__ == "__main__":
    sys.exit(main())
