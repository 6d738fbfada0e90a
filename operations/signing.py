"""The secrets of banks that sign requests and webhooks, in Secrets Manager: created, and rotated without a gap."""

import dataclasses
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from chalicelib.banks.bank import Bank
from chalicelib.banks.repository import BankRepository
from chalicelib.banks.secret_rotation import first_stored, new_secret, stored_after
from infra.stacks import PROJECT


class Purpose(StrEnum):
    """What a bank's secret signs."""

    REQUESTS = "signing"  # from the bank to this service
    WEBHOOKS = "webhook"  # from this service to the bank


@dataclasses.dataclass(frozen=True)
class SigningSecrets:
    """The secrets of a stage's banks for one purpose. Each bank has its own entry in Secrets Manager."""

    client: Any
    store: BankRepository
    stage: str
    purpose: Purpose = Purpose.REQUESTS

    def issue(self, bank: Bank, grace: timedelta, now: datetime) -> str:
        """Give the bank a new secret and return it; the previous secret stays valid for `grace`.

        Requests: within a minute of its first secret, the bank must sign every write. A later secret is accepted within
        ten seconds, because the functions read the secret again when a signature doesn't fit. An ended secret is
        refused within five minutes. Webhooks: the new secret signs within a minute.
        """
        name = f"{PROJECT}-{self.stage}-{self.purpose}-{bank.id}"
        known_arn = getattr(bank, self._field)
        new = new_secret()
        try:
            arn = self.client.create_secret(Name=name, SecretString=first_stored(new))["ARN"]
        except self.client.exceptions.ResourceExistsException:
            stored = self.client.get_secret_value(SecretId=name)["SecretString"]
            # A bank without a secret now had its signing withdrawn: its earlier secrets have ended.
            value = stored_after(new, stored, grace if known_arn else timedelta(0), now)
            arn = self.client.put_secret_value(SecretId=name, SecretString=value)["ARN"]
        if known_arn != arn:
            self.store.change_bank(bank.id, **{self._field: arn})
        return new

    def withdraw(self, bank: Bank) -> None:
        """End the bank's use of the secret: its writes need no signature, or no webhook is sent to it.

        The entry itself stays, because functions may still use it for a minute.
        """
        self.store.change_bank(bank.id, **{self._field: None})

    @property
    def _field(self) -> str:
        return f"{self.purpose}_secret_arn"
