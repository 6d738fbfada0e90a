"""A bank of the local cloud whose transactions are counted: it posts, and waits until all is done about them.

It looks through the operator's eyes at SES and the tables: a question of the API would be counted.
"""

import functools
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from bank_simulator.bank_api import BankApi, Target
from bank_simulator.holders import put_holder
from chalicelib.banks.bank import Bank
from chalicelib.ledger.times import format_time
from infra.failures import CommandFailed
from infra.sessions import Stage
from local_cloud import mailbox_simulator
from local_cloud.deploy import STAGE
from local_cloud.server import Cloud
from operations.bank_registry import registry
from operations.stage_stores import stores_of

BATCH = 100
_WAITS_S = 240
_AT_ONCE = 4


class UnitsBank:
    """The bank. Each of its transactions is of another account, which has one holder."""

    def __init__(self, cloud: Cloud, stage: Stage, api_url: str) -> None:
        self._cloud, self._registry = cloud, registry(stage)
        self._lambda = stage.session.client("lambda")
        self._stores = stores_of(stage, "AnalyticsTable")
        self._began = datetime.now(UTC)
        self.id = f"units-{self._began:%m%d-%H%M%S}"
        key = self._registry.create(Bank(self.id, "Counted bank", "EUR", "volume"))
        self._api = BankApi(Target(api_url, key), _AT_ONCE)
        self._posted = 0

    def enrol(self, number: int) -> None:
        """Enrol a holder in so many accounts."""

        def put(account: int) -> None:
            email = f"success+{self.id}-{account}@simulator.amazonses.com"
            put_holder(self._api, f"U{account}", "h", {"name": "Awa Ndiaye", "email": email, "locale": "fr"})

        with ThreadPoolExecutor(_AT_ONCE) as executor:
            list(executor.map(put, range(number)))

    def post_alone(self, number: int) -> None:
        """Post one transaction at a time: each is told, and its delivery is known, before the next one."""
        for body in self._bodies(number):
            self._post("/transactions", body, 201)
            self._wait_until_delivered(1)

    def post_full(self, number: int) -> None:
        """Post batches, and wait until all are told and their deliveries are known."""
        bodies = list(self._bodies(number))
        for start in range(0, number, BATCH):
            self._post("/transactions/batch", {"transactions": bodies[start : start + BATCH]}, 200)
        self._wait_until_delivered(number)

    def wait_until_folded(self) -> None:
        """Wait until the analytics job has counted all that was posted."""
        _eventually(lambda: self._folded() >= self._posted, "the analytics have counted all")

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def leave(self) -> None:
        """Disable the bank."""
        self._registry.set_disabled(self.id, disabled=True)

    def _bodies(self, number: int) -> Iterator[dict[str, Any]]:
        now = format_time(datetime.now(UTC))
        for index in range(self._posted, self._posted + number):
            self._posted += 1
            yield {
                "id": f"{self.id}.{index}",
                "account": f"U{index}",
                "amount": f"{10 + index % 90}.50",
                "type": "debit",
                "timestamp": now,
                "description": "Card payment",
                "merchant": {"name": "Marché Mokolo", "city": "Yaoundé", "country": "CM", "mcc": "5411"},
            }

    def _post(self, path: str, body: dict[str, Any], expected: int) -> None:
        reply = self._api.request("POST", path, json.dumps(body).encode())
        if reply.answer.status != expected or reply.tries > 1:
            raise CommandFailed(f"POST {path} was answered {reply.answer} at try {reply.tries}.")

    def _wait_until_delivered(self, number: int) -> None:
        """Wait for the notes of so many e-mails that SES accepted, publish their feedback, wait until it is stored."""
        waiting = functools.partial(mailbox_simulator.waiting, self._cloud, self.id)
        _eventually(lambda: waiting() == number, "all e-mails are accepted and noted")
        with self._feedback_held():
            mailbox_simulator.play(self._cloud, self.id)
        _eventually(lambda: waiting() == 0, "all feedback is stored")

    @contextmanager
    def _feedback_held(self) -> Iterator[None]:
        """Hold the feedback function's trigger: on AWS its batching window collects what comes within some seconds."""
        function = f"transaction-notifier-{STAGE}-feedback"
        (trigger,) = self._lambda.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
        self._lambda.update_event_source_mapping(UUID=trigger["UUID"], Enabled=False)
        try:
            yield
        finally:
            self._lambda.update_event_source_mapping(UUID=trigger["UUID"], Enabled=True)

    def _folded(self) -> int:
        first, last = (f"{self._began + timedelta(days=days):%Y-%m-%d}" for days in (-1, 1))
        roll_ups = self._stores.roll_ups
        days = roll_ups.days(self.id, first, last, roll_ups.checkpoint())
        return sum(sums.debit_count for sums in days.values())


def _eventually(is_true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _WAITS_S
    while not is_true():
        if time.monotonic() > deadline:
            raise CommandFailed(f"It was waited {_WAITS_S} s in vain until {what}.")
        time.sleep(0.2)
