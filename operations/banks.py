"""Banks of a stage: create, list and show them, rotate keys, change plans and signing secrets, disable, enable, delete.

    python -m operations.banks --stage prod create --id eazycard --name EAZYCard --currency XAF --plan standard

A new key is printed once and can't be shown again: only its hash is stored, and API Gateway's copy, which checks it.
"""

import argparse
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.banks.bank import ApiKey, Bank
from chalicelib.banks.plans import Metered, limit_of
from chalicelib.banks.webhook_endpoints import status_of
from chalicelib.ledger.times import format_time
from infra.command_line import at_least_one, open_stage, run, stage_parser
from infra.gateway import PLANS
from infra.sessions import Stage
from operations.auditing import note_change
from operations.bank_leaving import BankData, leave
from operations.bank_registry import Registry, registry
from operations.listing import add_json_option, print_list
from operations.signing import SigningSecrets

COLUMNS = ("id", "name", "currency", "plan", "state", "signing")
MAX_GRACE_HOURS = 90 * 24
# What the commands change, for the audit trail: the action, and the names of what is changed.
_CHANGES = {
    "create": ("bank.create", ("name", "default_currency", "plan", "keys")),
    "rotate": ("key.rotate", ("keys",)),
    "sign": ("signing_secret.issue", ("signing_secret",)),
    "unsign": ("signing_secret.withdraw", ("signing_secret",)),
    "sender": ("bank.sender", ("sender_name", "sender_address")),
    "disable": ("bank.disable", ("disabled",)),
    "enable": ("bank.enable", ("disabled",)),
    "plan": ("bank.plan", ("plan",)),
    "emails": ("bank.emails", ("emails_per_day",)),
}
_WAIT_HELP = "let functions that know the bank still end what they do, the archiver after its five minutes"
WAIT_S = 450


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    return run("banks", lambda: _run(open_stage(options), options))


def _parser() -> argparse.ArgumentParser:
    parser = stage_parser("operations.banks", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="create a bank and print its API key, once")
    create.add_argument("--id", required=True, help="2 to 40 of a-z 0-9 -")
    create.add_argument("--name", required=True, help="the name that holders know")
    create.add_argument("--currency", required=True, help="default currency, ISO 4217, like XAF")
    plans = "; ".join(f"{name}: {rate:g}/s, burst {burst}" for name, (rate, burst, _) in PLANS.items())
    create.add_argument("--plan", default="standard", help=f"usage plan, default: standard ({plans})")
    rotate = commands.add_parser("rotate", help="give a bank a new API key and print it, once")
    rotate.add_argument("id")
    add_grace_hours(rotate, "how long old keys stay valid")
    sign = commands.add_parser(
        "sign", help="give a bank a signing secret and print it, once: its writes must be signed"
    )
    sign.add_argument("id")
    add_grace_hours(sign, "how long the previous secret stays valid")
    commands.add_parser("unsign", help="accept a bank's writes without a signature").add_argument("id")
    sender = commands.add_parser("sender", help="set the sender of a bank's e-mails, or its default again")
    sender.add_argument("id")
    sender.add_argument("--name", help="the name in From (default: the bank's name)")
    sender.add_argument("--address", help="the address in From (default: the stage's MAIL_FROM)")
    sender.add_argument(
        "--bounce-domain", help="for an address of the bank's own domain: its MAIL FROM, below the domain"
    )
    for name, text in (("disable", "refuse all of a bank's keys"), ("enable", "accept a bank's keys again")):
        commands.add_parser(name, help=text).add_argument("id")
    change = commands.add_parser("plan", help="put a bank's keys on another usage plan")
    change.add_argument("id")
    change.add_argument("plan", choices=PLANS, help=plans)
    emails = commands.add_parser("emails", help="limit the e-mails of a bank alone, below what its plan allows")
    emails.add_argument("id")
    limit = emails.add_mutually_exclusive_group(required=True)
    limit.add_argument("--per-day", type=at_least_one, metavar="N", help="so many a day (UTC); not security alerts")
    limit.add_argument("--as-planned", action="store_true", help="lift the limit: the plan's counts again")
    leave = commands.add_parser("delete", help="delete a bank that leaves, with all of its data, and prove it")
    leave.add_argument("id")
    leave.add_argument("--confirm", metavar="ID", help="the bank's id again; without it, only count what there is")
    leave.add_argument("--wait", type=_seconds, default=WAIT_S, metavar="S", help=f"{_WAIT_HELP} (default: {WAIT_S})")
    show = commands.add_parser("show", help="show a bank, its keys and its webhook endpoint")
    show.add_argument("id")
    listing = commands.add_parser("list", help="list the banks")
    for command in (show, listing):
        add_json_option(command)
    return parser


def add_grace_hours(parser: argparse.ArgumentParser, meaning: str) -> None:
    """Add the option --grace-hours, for the time in which old and new are both valid."""
    parser.add_argument("--grace-hours", type=_grace_hours, default=24, help=f"{meaning} (default: 24; 0: not at all)")


def _grace_hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = -1
    if not 0 <= hours <= MAX_GRACE_HOURS:
        raise argparse.ArgumentTypeError(f"must be from 0 to {MAX_GRACE_HOURS} hours")
    return hours


def _run(stage: Stage, options: argparse.Namespace) -> int:
    banks = registry(stage)
    _note(stage, banks, options)
    match options.command:
        case "create":
            print(f"API key of {options.id}, shown only now: {banks.create(_new(options))}")
        case "rotate":
            key = banks.rotate(options.id, timedelta(hours=options.grace_hours))
            print(f"New API key of {options.id}, shown only now: {key}")
            if options.grace_hours:
                print(f"The old keys stay valid for another {options.grace_hours:g} h.")
        case "sign" | "unsign":
            signing = SigningSecrets(stage.session.client("secretsmanager"), banks.store, stage.name)
            _change_signing(banks.bank(options.id), signing, options)
        case "sender":
            _set_sender(banks, options)
        case "disable" | "enable":
            banks.set_disabled(options.id, options.command == "disable")
            print(f"{options.id} is {options.command}d.")
        case "plan":
            banks.set_plan(options.id, options.plan)
            print(f"{options.id} is on the plan {options.plan}.")
        case "emails":
            banks.set_emails_per_day(options.id, options.per_day)
            limit = f"at most {options.per_day} a day" if options.per_day else "as its plan says"
            print(f"Within a minute, the e-mails of {options.id} are limited: {limit}.")
        case "delete":
            return leave(BankData(stage, options.id), banks, options.confirm, options.wait)
        case "show":
            _show(banks, options)
        case _:
            print_list(COLUMNS, map(_row, banks.banks()), options.json)
    return 0


def _seconds(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("must be a whole number of seconds")
    return int(text)


def _set_sender(banks: Registry, options: argparse.Namespace) -> None:
    address, domain = options.address, None
    if address and (domain := banks.own_domain(address)):
        for line in banks.identities.prepare(banks.bank(options.id).id, domain, options.bounce_domain):
            print(line)
    header = banks.set_sender(options.id, options.name, address)
    print(f"Within a minute, the e-mails of {options.id} come from: {header}")
    if address and not domain and not banks.identities.sends_from(address):
        print("SES does not send from it yet: it has no verified identity of the address, its domain, or one above.")


def _note(stage: Stage, banks: Registry, options: argparse.Namespace) -> None:
    """Add the change to the audit trail, if the command makes one; raises what the change would be refused with."""
    if options.command not in _CHANGES:
        return
    match options.command:
        case "create":
            banks.check_new(_new(options))
        case "emails":
            banks.check_emails_per_day(options.id, options.per_day)
        case "sender":
            banks.check_sender(options.id, options.name, options.address, options.bounce_domain)
        case _:
            banks.bank(options.id)
    note_change(stage, options.id, *_CHANGES[options.command])


def _new(options: argparse.Namespace) -> Bank:
    return Bank(options.id, options.name, options.currency, options.plan)


def _change_signing(bank: Bank, signing: SigningSecrets, options: argparse.Namespace) -> None:
    if options.command == "unsign":
        signing.withdraw(bank)
        print(f"Within a minute, {bank.id} need not sign its writes any more.")
        return
    secret = signing.issue(bank, timedelta(hours=options.grace_hours), datetime.now(UTC))
    print(f"New signing secret of {bank.id}, shown only now: {secret}")
    if bank.signing_secret_arn is None:
        print("Within a minute, every write of this bank must be signed with it.")
    elif options.grace_hours:
        print(f"The previous secret stays valid for another {options.grace_hours:g} h.")
    else:
        print("Previous secrets end within five minutes.")


def _row(bank: Bank) -> list[str]:
    state = "disabled" if bank.disabled else "active"
    signs = "signs" if bank.signing_secret_arn else "does not sign"
    return [bank.id, bank.name, bank.default_currency, bank.plan, state, signs]


def _show(banks: Registry, options: argparse.Namespace) -> None:
    """Print what is known of a bank. Keys are told by the beginnings of their hashes: nobody knows the keys."""
    bank = banks.bank(options.id)
    stored = banks.store.settings(bank.id)
    disabled_at = stored.webhooks_disabled_at
    endpoints = stored.settings.endpoints
    shown: dict[str, Any] = {
        **dict(zip(COLUMNS, _row(bank), strict=True)),
        "emails_per_day": bank.emails_per_day,
        "keys": [_told(key) for key in banks.keys(bank.id)],
        "webhook_url": stored.settings.webhook_url,
        "webhooks": {one.url: status_of(stored.states, key, one).value for key, one in endpoints.items()},
        "webhooks_disabled_at": format_time(disabled_at) if disabled_at else None,
        "has_webhook_secret": bank.webhook_secret_arn is not None,
        "today": {metered.value: _used(banks, bank, metered) for metered in Metered},
    }
    if options.json:
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    for name, value in shown.items():
        if name == "keys":
            value = "; ".join(f"{key['hash']}… {key['valid_until'] or 'without an end'}" for key in value) or "none"
        if name == "webhooks":
            value = ", ".join(f"{url} ({status})" for url, status in value.items()) or None
        if name == "today":
            value = ", ".join(
                f"{of}: {used['used']} of {used['limit']}" if used["limit"] else f"{of}: no limit"
                for of, used in value.items()
            )
        print(f"{name}\t{'none' if value is None else value}")


def _used(banks: Registry, bank: Bank, metered: Metered) -> dict[str, int | None]:
    """Return what functions have taken of a quota today (UTC), and its limit. What has no limit isn't counted."""
    limit = limit_of(bank, metered)
    used = banks.used(bank.id, metered) if limit is not None else None
    return {"used": used, "limit": limit}


def _told(key: ApiKey) -> dict[str, str | None]:
    return {"hash": key.hash[:8], "valid_until": format_time(key.expires_at) if key.expires_at else None}


if __name__ == "__main__":
    sys.exit(main())
