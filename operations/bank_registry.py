"""The banks of a stage: their entries in the banks table, and their API keys there and at API Gateway."""

import contextlib
import dataclasses
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.banks.bank import BANK_ID, ApiKey, Bank, hash_key
from chalicelib.banks.plans import Metered, daily_of
from chalicelib.banks.quotas_repository import QuotaRepository
from chalicelib.banks.repository import BankRepository
from chalicelib.ledger.money import CURRENCY_DECIMALS, currency_error
from chalicelib.mail.sender import InvalidSender, Sender, read_sender, sender_in
from infra.failures import CommandFailed
from infra.gateway import ensure_plan, put_on_plan
from infra.sessions import Stage
from infra.stacks import PROJECT
from operations.sender_identities import SenderIdentities
from operations.stage_stores import stores_of

MAX_NAME = 140


class BankRefused(CommandFailed):
    """The bank is unknown, or can't be created with these values."""


def known_bank(banks: BankRepository, bank_id: str) -> Bank:
    """Return the bank with this id; raises BankRefused when there is none."""
    bank = banks.bank(bank_id)
    if bank is None:
        raise BankRefused(f"there is no bank {bank_id}. `python -m operations.banks list` shows those that there are.")
    return bank


@dataclasses.dataclass(frozen=True)
class Registry:
    """Creates, disables and lists the banks of a stage, and rotates their keys."""

    store: BankRepository
    gateway: Any
    dynamodb: Any
    table: str
    stage: str
    mail_from: str
    identities: SenderIdentities
    quotas: QuotaRepository

    def used(self, bank_id: str, metered: Metered) -> int:
        """Return how much of a quota functions have taken today (UTC)."""
        return self.quotas.used(bank_id, metered, datetime.now(UTC).date()).taken

    def check_new(self, bank: Bank) -> None:
        """Raise BankRefused unless a bank can be created with these values."""
        if not BANK_ID.fullmatch(bank.id):
            raise BankRefused("a bank's id is 2 to 40 of a-z 0-9 and -, like eazycard.")
        if not (bank.name.strip() and bank.name.isprintable() and len(bank.name) <= MAX_NAME):
            raise BankRefused(f"a bank's name is 1 to {MAX_NAME} characters on one line.")
        if bank.default_currency not in CURRENCY_DECIMALS:
            raise BankRefused(f"the currency {bank.default_currency}: {currency_error(bank.default_currency)}")
        if self.store.bank(bank.id) is not None:
            raise BankRefused(f"there is a bank {bank.id} already; `rotate` gives it a new key.")

    def create(self, bank: Bank) -> str:
        """Create a bank and return its API key. Only API Gateway keeps the key itself; the table keeps its hash.

        Raises BankRefused.
        """
        self.check_new(bank)
        key = self._issue_key(bank)
        self.store.put_bank(bank)
        return key

    def rotate(self, bank_id: str, grace: timedelta) -> str:
        """Give the bank a new key and return it; the old keys stay valid for `grace`.

        When that time is over, the app refuses an old key; the next rotation removes it from API Gateway too.
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
        """Disable all of the bank's keys, or enable them: at API Gateway at once, in the app within a minute."""
        # The app first: if API Gateway then fails, a disabled bank is refused all the same.
        self.store.change_bank(self.bank(bank_id).id, disabled=disabled)
        for key in self.keys(bank_id):
            with contextlib.suppress(self.gateway.exceptions.NotFoundException):
                self.gateway.update_api_key(
                    apiKey=key.gateway_key_id,
                    patchOperations=[{"op": "replace", "path": "/enabled", "value": str(not disabled).lower()}],
                )

    def set_sender(self, bank_id: str, name: str | None, address: str | None) -> str:
        """Set the name and address of the bank's e-mails, None for the default; return the header From.

        An address of the stage's domain, or below it, needs nothing more. Any other one needs an SES identity of its
        domain, which is the bank's and verified. Raises BankRefused, IdentityRefused.
        """
        bank, stage = self.bank(bank_id), sender_in(self.mail_from)
        _check_sender_name(name)
        sender = Sender(address or stage.address, name or bank.name)
        if address is not None and (domain := self.own_domain(address)):
            self.identities.check_usable(bank_id, domain)
        self.store.change_bank(bank.id, sender_name=name, sender_address=address)
        return sender.header

    def check_sender(self, bank_id: str, name: str | None, address: str | None, bounce_domain: str | None) -> None:
        """Raise BankRefused or IdentityRefused unless the sender can be the bank's when SES has verified its domain."""
        bank = self.bank(bank_id)
        _check_sender_name(name)
        if address is not None and (domain := self.own_domain(address)):
            self.identities.check_free(bank.id, domain, bounce_domain)
        elif bounce_domain:
            raise BankRefused("--bounce-domain is for an address of the bank's own domain.")

    def own_domain(self, address: str) -> str | None:
        """Return the domain of an address that is not of the stage's domain; None for one that is.

        Raises BankRefused for what is no address.
        """
        try:
            if read_sender(address).name:
                raise InvalidSender("the address stands alone; the name is an option of its own.")
        except InvalidSender as error:
            raise BankRefused(str(error)) from None
        domain = address.rpartition("@")[2].lower()
        stage_domain = sender_in(self.mail_from).address.rpartition("@")[2].lower()
        return None if f".{domain}".endswith(f".{stage_domain}") else domain

    def set_plan(self, bank_id: str, plan: str) -> None:
        """Put all of the bank's keys on the usage plan of this name; doing it again does what is left to do."""
        bank = self.bank(bank_id)
        for key in self.keys(bank_id):
            with contextlib.suppress(self.gateway.exceptions.NotFoundException):
                put_on_plan(self.gateway, self.stage, key.gateway_key_id, plan)
        # The entry last: a new key is put on the plan that the entry names.
        self.store.change_bank(bank.id, plan=plan)

    def check_emails_per_day(self, bank_id: str, limit: int | None) -> None:
        """Raise BankRefused unless the bank's e-mails of a day can be limited so, None for as its plan says."""
        bank = self.bank(bank_id)
        allowed = daily_of(bank.plan).emails
        if limit is not None and allowed is not None and limit >= allowed:
            raise BankRefused(f"the plan {bank.plan} allows {allowed} e-mails a day: a limit of its own must be lower.")

    def set_emails_per_day(self, bank_id: str, limit: int | None) -> None:
        """Limit the bank's e-mails of a day, None for as many as its plan allows; raises BankRefused."""
        self.check_emails_per_day(bank_id, limit)
        self.store.change_bank(bank_id, emails_per_day=limit)

    def banks(self) -> list[Bank]:
        """Return all banks, by id."""
        ids = [entry.removeprefix("bank#") for entry in self._entries("bank#")]
        return [bank for bank_id in sorted(ids) if (bank := self.store.bank(bank_id)) is not None]

    def keys(self, bank_id: str) -> list[ApiKey]:
        """Return the bank's keys, rotated ones included."""
        found = (self.store.api_key(entry.removeprefix("key#")) for entry in self._entries("key#"))
        return [key for key in found if key is not None and key.bank == bank_id]

    def revoke_keys(self, bank_id: str) -> None:
        """Revoke all of the bank's keys."""
        for key in self.keys(bank_id):
            self._revoke(key)

    def bank(self, bank_id: str) -> Bank:
        """Return the bank with this id; raises BankRefused when there is none."""
        return known_bank(self.store, bank_id)

    def _entries(self, prefix: str) -> list[str]:
        # A scan is right here: the table has a few rows for each bank, and only operators' commands do it.
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.table, ProjectionExpression="entry")
        entries = [item["entry"]["S"] for page in pages for item in page["Items"]]
        return [entry for entry in entries if entry.startswith(prefix)]

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


def _check_sender_name(name: str | None) -> None:
    if name is not None and not (name.strip() and name.isprintable() and len(name) <= MAX_NAME):
        raise BankRefused(f"a sender's name is 1 to {MAX_NAME} characters on one line.")


def registry(stage: Stage) -> Registry:
    """Return the registry of a provisioned stage."""
    stores = stores_of(stage, "BanksTable")
    gateway, dynamodb = stage.session.client("apigateway"), stores.client("dynamodb")
    settings = stores.settings
    ses = stage.session.client("sesv2")
    identities = SenderIdentities(ses, stage.name, ses.meta.region_name)
    return Registry(
        stores.bank_store,
        gateway,
        dynamodb,
        settings.banks_table,
        stage.name,
        settings.mail_from,
        identities,
        stores.used_quotas,
    )
