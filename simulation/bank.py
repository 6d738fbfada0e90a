"""Banks: what they post, decided by the seed, and what they were answered."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from chalicelib.banks import plans
from chalicelib.banks.bank import ApiKey, Bank, hash_key
from chalicelib.banks.settings import BankSettings, StoredSettings
from chalicelib.banks.webhook_endpoints import CHOICES, EndpointState, NamedEndpoint, Status
from simulation.answers import Answers
from simulation.confirmations import Confirmations
from simulation.holders import Holders
from simulation.requests import request
from simulation.stage import Stage

BANKS = {"first-bank": "XAF", "second-bank": "EUR"}
_TRIES = 60  # of a request that is refused in passing
SETTLED_S = 5  # after their enrolment, when every read sees the banks' keys
_AFTER_S = (0.0, 0.2, 30.0)  # so late a part of a purchase may be posted
_LATE_S = (90_000, 180_000, 400_000)  # what a bank posts a day or some days after it
_REPEATS = 0.1
_CONFIRMING = 0.2  # of the banks have their holders confirm their addresses
_TAKEN = ("created", "replayed")


@dataclass(slots=True)
class Posted:
    """A transaction, and what the bank was answered: `status` is 200 or 201 when it knows that it is stored.

    `purchase` is the id of the authorization, for it and for what settles it; `is_part` says that this settles a part.
    """

    bank: str
    body: dict[str, Any]
    purchase: str | None = None
    is_part: bool = False
    status: int | None = None
    is_queued: bool = False
    answers: list[int] = field(default_factory=list)


class Banks:
    """All banks of a run."""

    def __init__(self, stage: Stage, accounts: int, start: datetime, is_rush: bool = False) -> None:
        self.posted: dict[tuple[str, str], Posted] = {}
        self.taken: list[tuple[str, str]] = []  # what was answered 200 or 201, each time
        self.repeats = 0
        self.conflicts: list[tuple[str, str, int]] = []
        self.holders = Holders(stage, start)
        self.answers = Answers(stage, self.holders)
        self.confirmations = Confirmations(stage, self.holders)
        self.digest_after: dict[str, int] = {}
        self._stage = stage
        self._chance = stage.scheduler.random
        self._accounts = accounts
        self.emails_a_day = None if is_rush else self._chance.choice((None, None, None, 12))  # the quota of each bank
        if is_rush:
            stage.ses.rate = 2.0
        plans.DAILY["standard"] = plans.Daily(None, self.emails_a_day)
        for bank, currency in BANKS.items():
            store = stage.own.bank_store
            store.put_bank(Bank(bank, bank.title(), currency, "standard", webhook_secret_arn="webhooks"))  # noqa: S106
            store.put_api_key(ApiKey(hash_key(f"tn_key-of-{bank}"), bank, "gateway"))
            self.digest_after[bank] = 50 if is_rush else self._chance.choice((20, 3))
            endpoint = NamedEndpoint(f"https://{bank}.example.com/hooks", CHOICES)
            must_confirm = not is_rush and self._chance.random() < _CONFIRMING
            settings = BankSettings(
                digest_after=self.digest_after[bank], webhooks=(endpoint,), confirm_addresses=must_confirm
            )
            states = {endpoint.id: EndpointState(endpoint.url, Status.IN_USE, start)}
            store.put_settings(bank, StoredSettings(settings, {}, 1, states))
            stage.dynamodb.tables["BanksTable"].stale.clear()  # every read sees the bank before it has holders
            for number in range(accounts):
                self.holders.enrol_some(bank, f"A{number}", must_confirm)

    def post_all(self, count: int, over_s: float) -> None:
        """Post so many transactions at random times within that many seconds, some of them together."""
        number = 0
        while number < count:
            bank = self._chance.choice(list(BANKS))
            at = SETTLED_S + self._chance.uniform(0, over_s)
            size = self._chance.choice((1, 1, 1, 1, 6))
            ids = [f"t{one}" for one in range(number, number + size)]
            post = self._batch_of(bank, ids) if size > 1 else self._poster(bank, ids[0])
            self._stage.scheduler.after(at, post)
            number += size

    # Transactions

    def _poster(self, bank: str, transaction_id: str) -> Callable[[], None]:
        def post() -> None:
            body = self._made_up(transaction_id)
            posted = self.posted[bank, transaction_id] = Posted(bank, body)
            if self._chance.random() < 0.2:
                self._make_purchase(posted)
            else:
                self._send(posted, body, 0)
            self._repeat(1, lambda: self._send(posted, body, 0))
            if self._chance.random() < 0.1:
                other = {**body, "amount": str(Decimal(body["amount"]) + 1)}
                self._stage.scheduler.after(self._chance.uniform(0, 60), lambda: self._conflict(posted, other))

        return post

    def _repeat(self, count: int, post: Callable[[], None]) -> None:
        """Let the bank post some of its requests again, by itself."""
        if self._chance.random() < _REPEATS:
            self.repeats += count
            self._stage.scheduler.after(self._chance.uniform(0, 5), post)

    def _make_purchase(self, authorized: Posted) -> None:
        """Make it an authorization. What settles it, whole or in parts, comes before it, with it or after it."""
        body = authorized.body
        parts = self._chance.choice(([1], [2, 1], [4, 3, 2, 1]))
        scale = self._chance.randrange(10, 20)
        body |= {"status": "authorized", "type": "debit", "amount": str(sum(parts) * scale)}
        authorized.purchase = body["id"]
        self._stage.scheduler.after(self._chance.choice(_AFTER_S), partial(self._send, authorized, body, 0))
        together_s = self._chance.choice((None, *_AFTER_S))
        for part in parts:
            settling = {**body, "id": f"{body['id']}-settled{part}", "amount": str(part * scale)}
            settling |= {"status": "settled", "authorization_id": body["id"]}
            settled = Posted(authorized.bank, settling, body["id"], is_part=len(parts) > 1)
            self.posted[authorized.bank, settling["id"]] = settled
            after_s = self._chance.choice(_AFTER_S) if together_s is None else together_s
            self._stage.scheduler.after(after_s, partial(self._send, settled, settling, 0))

    def _made_up(self, transaction_id: str) -> dict[str, Any]:
        amount = self._chance.choice((10, 25, 60, 250, 2_000_000))
        at = self._stage.scheduler.now - timedelta(seconds=self._chance.choice((2, 3, *_LATE_S)))
        return {
            "id": transaction_id,
            "account": f"A{self._chance.randrange(self._accounts)}",
            "amount": str(amount + self._chance.randrange(9)),
            "type": self._chance.choice(("credit", "debit", "debit")),
            "timestamp": at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        }

    def _send(self, posted: Posted, body: dict[str, Any], tries: int) -> None:
        """Post it, and again as long as the bank hasn't heard that it is taken, as a bank does."""

        def answered(result: Any, error: Any) -> None:
            status = result["statusCode"] if error is None else 502
            posted.answers.append(status)
            if status == 202:
                posted.is_queued = True
            elif status in (200, 201):
                posted.status = status
                self.taken.append((posted.bank, str(body["id"])))
            elif status >= 500 and tries < _TRIES:
                self._stage.scheduler.after(self._chance.uniform(0.5, 10), lambda: self._send(posted, body, tries + 1))
            elif status < 500:
                raise AssertionError(f"answered {status}: {result['body']}")

        self._stage.invoke("api_handler", request(posted.bank, "POST", "/transactions", body), answered)

    def _batch_of(self, bank: str, ids: list[str]) -> Callable[[], None]:
        def post() -> None:
            batch = [Posted(bank, self._made_up(one)) for one in ids]
            self.posted |= {(bank, str(one.body["id"])): one for one in batch}
            is_async = self._chance.random() < 0.4
            self._send_batch(bank, batch, 0, is_async)
            self._repeat(len(batch), lambda: self._send_batch(bank, batch, 0, is_async))

        return post

    def _send_batch(self, bank: str, batch: list[Posted], tries: int, is_async: bool) -> None:
        def answered(result: Any, error: Any) -> None:
            status = result["statusCode"] if error is None else 502
            left = batch
            if status in (200, 202):
                left = []
                for posted, outcome in zip(batch, json.loads(result["body"])["results"], strict=True):
                    posted.is_queued |= outcome["status"] == "queued"
                    if outcome["status"] in _TAKEN:
                        posted.status = 201
                        posted.answers.append(201 if outcome["status"] == "created" else 200)
                        self.taken.append((bank, str(posted.body["id"])))
                    elif outcome["status"] == "retry":
                        left.append(posted)
                    elif outcome["status"] != "queued":
                        raise AssertionError(f"answered {outcome}")
            elif status < 500:
                raise AssertionError(f"answered {status}: {result['body']}")
            if left and tries < _TRIES:
                wait_s = self._chance.uniform(0.5, 10)
                self._stage.scheduler.after(wait_s, lambda: self._send_batch(bank, left, tries + 1, is_async))

        body = {"transactions": [posted.body for posted in batch]}
        headers = {"prefer": "respond-async"} if is_async else {}
        sent = request(bank, "POST", "/transactions/batch", body, headers=headers)
        self._stage.invoke("api_handler", sent, answered)

    def _conflict(self, posted: Posted, body: dict[str, Any]) -> None:
        """Post another transaction under an id that is taken: it must be refused, unless it can't be looked at now."""
        if posted.status is None:
            return

        def answered(result: Any, error: Any) -> None:
            status = result["statusCode"] if error is None else 502
            self.conflicts.append((posted.bank, body["id"], status))

        self._stage.invoke("api_handler", request(posted.bank, "POST", "/transactions", body), answered)
