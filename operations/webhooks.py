"""Webhooks of a stage's banks: issue the secret that signs them, list them, show those of a transaction, resend them.

    python -m operations.webhooks --stage prod secret eazycard
    python -m operations.webhooks --stage prod list eazycard --hours 48 --undelivered
    python -m operations.webhooks --stage prod show eazycard T-2026-000123
    python -m operations.webhooks --stage prod resend eazycard --hours 48

A webhook that is sent again keeps its id, so the endpoint can recognise it. `resend` sends the webhooks that were not
delivered; for transactions that are named, also the delivered webhooks. Webhooks about flags, answers to alerts and
changed holders are known from their first try on, for seven days.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from tqdm import tqdm

from chalicelib.banks.bank import Bank
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.times import format_time
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.records import Record
from infra.command_line import open_stage, run, stage_parser
from infra.sessions import Stage
from operations.auditing import note_change, noted_once
from operations.bank_registry import known_bank
from operations.banks import add_grace_hours
from operations.listing import add_json_option, print_list
from operations.signing import Purpose, SigningSecrets
from operations.stage_webhooks import Delivery, StageWebhooks, stage_webhooks

NEVER_TRIED = "never_tried"
_Row = tuple[str | int | None, ...]
MAX_HOURS = 366 * 24
_NOTHING = "there is no webhook for a transaction"
COLUMNS = ("id", "transaction", "holder", "type", "status", "answer", "tries", "last_try", "next_try")


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    now = datetime.now(UTC)
    return run("webhooks", lambda: _run(open_stage(options), options, now))


def _parser() -> argparse.ArgumentParser:
    parser = stage_parser("operations.webhooks", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    secret = commands.add_parser("secret", help="give a bank a new webhook secret and print it, once")
    secret.add_argument("bank")
    add_grace_hours(secret, "how long the previous secret signs too")
    listing = commands.add_parser("list", help="list the webhooks of recent changes, flags and answers")
    listing.add_argument("bank")
    listing.add_argument("--undelivered", action="store_true", help="only webhooks that were not delivered")
    show = commands.add_parser("show", help="show the webhooks of a transaction: delivery status and content")
    show.add_argument("bank")
    show.add_argument("transaction")
    resend = commands.add_parser(
        "resend", help="send again what was not delivered, or all webhooks of the named transactions"
    )
    resend.add_argument("bank")
    resend.add_argument("transaction", nargs="*")
    for command in (listing, show):
        add_json_option(command)
    for command in (listing, resend):
        command.add_argument("--hours", type=_hours, default=24, help="how far back to look (default: 24)")
    return parser


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = 0
    if not 0 < hours <= MAX_HOURS:
        raise argparse.ArgumentTypeError(f"must be over 0 and at most {MAX_HOURS} hours")
    return hours


def _run(stage: Stage, options: argparse.Namespace, now: datetime) -> int:
    webhooks = stage_webhooks(stage)
    bank = known_bank(webhooks.banks, options.bank)
    if options.command == "secret":
        note_change(stage, bank.id, "webhook_secret.issue", ["webhook_secret"])
        client = stage.session.client("secretsmanager")
        return _secret(SigningSecrets(client, webhooks.banks, stage.name, Purpose.WEBHOOKS), bank, options, now)
    if options.command == "resend":
        return _resend(webhooks, bank, options, now, noted_once(stage, bank.id, "webhook.resend"))
    work = {"list": _list, "show": _show}[options.command]
    return work(webhooks, bank, options, now)


def _secret(secrets: SigningSecrets, bank: Bank, options: argparse.Namespace, now: datetime) -> int:
    secret = secrets.issue(bank, timedelta(hours=options.grace_hours), now)
    print(f"New webhook secret of {bank.id}, shown only now: {secret}")
    if bank.webhook_secret_arn is None:
        print("In a minute, the bank can name its endpoint: PUT /settings, webhook_url.")
    elif options.grace_hours:
        print(
            f"It signs within a minute; the previous secret signs too, for another {options.grace_hours:g} h. In that"
        )
        print("time the bank changes to the new secret; a webhook is valid with either.")
    else:
        print("Within a minute, the previous secret signs nothing any more.")
    return 0


def _list(webhooks: StageWebhooks, bank: Bank, options: argparse.Namespace, now: datetime) -> int:
    statuses = Counter[str]()
    print(webhooks.state_of_endpoint(bank), file=sys.stderr)

    def rows() -> Iterator[_Row]:
        for page in webhooks.since(bank.id, now - timedelta(hours=options.hours), now):
            for delivery in page:
                statuses[delivery.record.standing.value if delivery.record else NEVER_TRIED] += 1
                if not (options.undelivered and delivery.is_delivered):
                    yield _row(delivery)

    print_list(COLUMNS, rows(), options.json)
    for status, number in sorted(statuses.items()):
        print(f"{number:>6} {status}", file=sys.stderr)
    print(f"{statuses.total():>6} in all", file=sys.stderr)
    return 0


def _show(webhooks: StageWebhooks, bank: Bank, options: argparse.Namespace, now: datetime) -> int:
    present = {found.webhook.id: found for found in webhooks.of_transaction(bank.id, options.transaction, now)}
    # There are records of the notification's earlier states, too. Their webhooks can't be sent again.
    records = webhooks.records.of_transaction(TransactionKey(bank.id, options.transaction))
    earlier = [one for one in records if one.id not in present]
    ids = {delivery.webhook.key: delivery.holder for delivery in present.values()}
    rows = [(*_told(one.id, one.key, ids.get(one.key, one.key.holder), one.type, one), None) for one in earlier]
    rows += [(*_row(delivery), delivery.webhook.body) for delivery in present.values()]
    if not rows:
        print(f"webhooks: {_NOTHING} {options.transaction!r}.", file=sys.stderr)
        return 1
    print_list((*COLUMNS, "content"), rows, options.json)
    return 0


def _resend(
    webhooks: StageWebhooks, bank: Bank, options: argparse.Namespace, now: datetime, note: Callable[[], object]
) -> int:
    if not webhooks.takes_webhooks(bank):
        print(f"webhooks: nothing is sent. {webhooks.state_of_endpoint(bank)}", file=sys.stderr)
        return 1
    number = status = 0
    with tqdm(desc="resending", unit="webhook", delay=2) as progress:
        for transaction in dict.fromkeys(options.transaction):
            found = webhooks.of_transaction(bank.id, transaction, now)
            if not found:
                print(f"webhooks: {_NOTHING} {transaction!r}.", file=sys.stderr)
                status = 1
                continue
            note()
            number += webhooks.resend(found)
        if not options.transaction:
            for page in webhooks.since(bank.id, now - timedelta(hours=options.hours), now):
                if wanted := [delivery for delivery in page if not delivery.is_delivered]:
                    note()
                    number += webhooks.resend(wanted)
                    progress.update(len(wanted))
    print(f"{number} queued; `list` shows their delivery status." if number else "There is nothing to send.")
    return status


def _row(delivery: Delivery) -> _Row:
    webhook = delivery.webhook
    return _told(webhook.id, webhook.key, delivery.holder, webhook.type, delivery.record)


def _told(webhook_id: str, key: NotificationKey, holder: str, type_: str, record: Record | None) -> _Row:
    names = (webhook_id, key.transaction, holder, type_)
    if record is None:
        return (*names, NEVER_TRIED, None, 0, None, None)
    next_at = format_time(record.next_at) if record.next_at else None
    return (*names, record.standing.value, record.answer, record.attempts, format_time(record.updated_at), next_at)


if __name__ == "__main__":
    sys.exit(main())
