"""Banks of a stage: create one, rotate its key, let it sign, disable or enable it, list them.

    python -m operations.banks --stage prod create --id eazycard --name EAZYCard --currency XAF --plan standard

A new key is printed once. What is stored of it is its hash, and the copy that API Gateway keeps to check it.
"""

import argparse
import contextlib
import dataclasses
import secrets
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.banks.bank import BANK_ID, ApiKey, Bank, hash_key
from chalicelib.banks.repository import BankRepository
from chalicelib.errors import DomainError
from chalicelib.ledger.money import CURRENCY_DECIMALS
from infra.gateway import PLANS, GatewayRefused, ensure_plan
from infra.sessions import gave_up, session_for
from infra.stacks import DEFAULT_REGION, PROJECT, StackFailed, outputs, stack_name
from operations.signing import SigningSecrets

MAX_GRACE_HOURS = 90 * 24


class BankRefused(Exception):
    """The command can't be carried out; the message says why."""


@dataclasses.dataclass(frozen=True)
class Registry:
    """A stage's banks: their entries in the banks table and their keys at API Gateway."""

    store: BankRepository
    gateway: Any
    dynamodb: Any
    table: str
    stage: str

    def create(self, bank: Bank) -> str:
        """Create a bank and return its API key, which is kept nowhere else in the clear but at API Gateway."""
        if not BANK_ID.fullmatch(bank.id):
            raise BankRefused("a bank's id is 2 to 40 of a-z 0-9 and -, like eazycard.")
        if not (bank.name.strip() and bank.name.isprintable() and len(bank.name) <= 140):
            raise BankRefused("a bank's name is 1 to 140 characters on one line.")
        if bank.default_currency not in CURRENCY_DECIMALS:
            raise BankRefused(f"{bank.default_currency} is no active ISO 4217 currency code.")
        if self.store.bank(bank.id) is not None:
            raise BankRefused(f"there is a bank {bank.id} already; `rotate` gives it a new key.")
        key = self._issue_key(bank)
        self.store.put_bank(bank)
        return key

    def rotate(self, bank_id: str, grace: timedelta) -> str:
        """Give the bank a new key and return it; the old ones work on for `grace`.

        The app refuses an old key when its time is over; the next rotation takes it out of API Gateway too.
        """
        bank = self.bank(bank_id)
        now = datetime.now(UTC)
        old_keys = self.keys(bank_id)
        new_key = self._issue_key(bank)
        for old in old_keys:
            if grace and (old.expires_at is None or old.expires_at > now):
                expires_at = min(old.expires_at or now + grace, now + grace)
                self.store.put_api_key(dataclasses.replace(old, expires_at=expires_at))
            else:
                self._revoke(old)
        return new_key

    def set_disabled(self, bank_id: str, disabled: bool) -> None:
        """Refuse all of the bank's keys, at API Gateway at once and in the app within a minute; or accept them."""
        # The app first: whatever becomes of the gateway's copies, a disabled bank is refused.
        self.store.change_bank(self.bank(bank_id).id, disabled=disabled)
        for key in self.keys(bank_id):
            with contextlib.suppress(self.gateway.exceptions.NotFoundException):
                self.gateway.update_api_key(
                    apiKey=key.gateway_key_id,
                    patchOperations=[{"op": "replace", "path": "/enabled", "value": str(not disabled).lower()}],
                )

    def banks(self) -> list[Bank]:
        """Return all banks, by id."""
        ids = [entry.removeprefix("bank#") for entry in self._entries("bank#")]
        return [bank for bank_id in sorted(ids) if (bank := self.store.bank(bank_id)) is not None]

    def keys(self, bank_id: str) -> list[ApiKey]:
        """Return the bank's keys, rotated ones included."""
        found = (self.store.api_key(entry.removeprefix("key#")) for entry in self._entries("key#"))
        return [key for key in found if key is not None and key.bank == bank_id]

    def _entries(self, prefix: str) -> list[str]:
        # A scan is right here: a maintenance command over a table of a few rows for each bank.
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.table, ProjectionExpression="entry")
        entries = [item["entry"]["S"] for page in pages for item in page["Items"]]
        return [entry for entry in entries if entry.startswith(prefix)]

    def bank(self, bank_id: str) -> Bank:
        """Return the bank with this id; raises BankRefused when there is none."""
        bank = self.store.bank(bank_id)
        if bank is None:
            raise BankRefused(f"there is no bank {bank_id}.")
        return bank

    def _issue_key(self, bank: Bank) -> str:
        key = f"tn_{secrets.token_urlsafe(32)}"
        plan_id = ensure_plan(self.gateway, self.stage, bank.plan)
        created = self.gateway.create_api_key(
            name=f"{PROJECT}-{self.stage}-{bank.id}-{hash_key(key)[:8]}", enabled=not bank.disabled, value=key
        )
        self.gateway.create_usage_plan_key(usagePlanId=plan_id, keyId=created["id"], keyType="API_KEY")
        self.store.put_api_key(ApiKey(hash=hash_key(key), bank=bank.id, gateway_key_id=created["id"]))
        return key

    def _revoke(self, key: ApiKey) -> None:
        with contextlib.suppress(self.gateway.exceptions.NotFoundException):
            self.gateway.delete_api_key(apiKey=key.gateway_key_id)
        self.store.delete_api_key(key.hash)


def registry(session: Any, stage: str) -> Registry:
    """Return the registry of a provisioned stage."""
    table = outputs(session.client("cloudformation"), stack_name(stage, "data"))["BanksTable"]
    dynamodb = session.client("dynamodb")
    return Registry(BankRepository(dynamodb, table), session.client("apigateway"), dynamodb, table, stage)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m operations.banks", description=__doc__.splitlines()[0])
    parser.add_argument("--stage", default="local", help="default: local, the running local cloud")
    parser.add_argument("--region", help=f"default: AWS_DEFAULT_REGION, the profile's, or {DEFAULT_REGION}")
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="create a bank and print its API key, once")
    create.add_argument("--id", required=True, help="2 to 40 of a-z 0-9 -")
    create.add_argument("--name", required=True, help="as holders know it")
    create.add_argument("--currency", required=True, help="default currency, ISO 4217, like XAF")
    plans = "; ".join(f"{name}: {rate:g}/s, burst {burst}" for name, (rate, burst, _) in PLANS.items())
    create.add_argument("--plan", default="standard", help=f"usage plan, default: standard ({plans})")
    rotate = commands.add_parser("rotate", help="give a bank a new API key and print it, once")
    rotate.add_argument("id")
    rotate.add_argument(
        "--grace-hours", type=grace_hours, default=24, help="how long old keys work on (default: 24; 0: not)"
    )
    sign = commands.add_parser("sign", help="give a bank a new signing secret and print it, once: it must sign then")
    sign.add_argument("id")
    sign.add_argument(
        "--grace-hours", type=grace_hours, default=24, help="how long the secret before works on (default: 24; 0: not)"
    )
    commands.add_parser("unsign", help="let a bank write without signing").add_argument("id")
    for name, text in (("disable", "refuse all of a bank's keys"), ("enable", "accept a bank's keys again")):
        commands.add_parser(name, help=text).add_argument("id")
    commands.add_parser("list", help="list the banks")
    options = parser.parse_args(arguments)
    try:
        session = session_for(options.stage, options.region)
        banks = registry(session, options.stage)
        _run(banks, SigningSecrets(session.client("secretsmanager"), banks.store, options.stage), options)
    except (BankRefused, GatewayRefused, StackFailed, DomainError, ClientError, BotoCoreError) as error:
        print(f"banks: {error}", file=sys.stderr)
        return 1
    except (BrokenPipeError, KeyboardInterrupt):
        return gave_up("banks")
    return 0


def grace_hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = -1
    if not 0 <= hours <= MAX_GRACE_HOURS:
        raise argparse.ArgumentTypeError(f"from 0 to {MAX_GRACE_HOURS} hours")
    return hours


def _run(banks: Registry, signing: SigningSecrets, options: argparse.Namespace) -> None:
    if options.command == "create":
        bank = Bank(options.id, options.name, options.currency, options.plan)
        print(f"API key of {bank.id}, shown only now: {banks.create(bank)}")
    elif options.command == "rotate":
        key = banks.rotate(options.id, timedelta(hours=options.grace_hours))
        print(f"New API key of {options.id}, shown only now: {key}")
        if options.grace_hours:
            print(f"The old ones work for another {options.grace_hours:g} h.")
    elif options.command == "sign":
        bank = banks.bank(options.id)
        secret = signing.issue(bank, timedelta(hours=options.grace_hours), datetime.now(UTC))
        print(f"New signing secret of {bank.id}, shown only now: {secret}")
        if bank.signing_secret_arn is None:
            print("Within a minute, every write of this bank must be signed with it.")
        elif options.grace_hours:
            print(f"The one before works for another {options.grace_hours:g} h.")
        else:
            print("Those before end within five minutes.")
    elif options.command == "unsign":
        signing.withdraw(banks.bank(options.id))
        print(f"Within a minute, {options.id} need not sign any more.")
    elif options.command in ("disable", "enable"):
        banks.set_disabled(options.id, options.command == "disable")
        print(f"{options.id} is {options.command}d.")
    else:
        for bank in banks.banks():
            state = "disabled" if bank.disabled else "active"
            signs = "signs" if bank.signing_secret_arn else "does not sign"
            print(f"{bank.id}\t{bank.name}\t{bank.default_currency}\t{bank.plan}\t{state}\t{signs}")


if __name__ == "__main__":
    sys.exit(main())
