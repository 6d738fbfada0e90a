"""Banks' secrets for signing, in Secrets Manager: made, and rotated without a gap."""

import base64
import dataclasses
import json
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from chalicelib.banks.bank import Bank
from chalicelib.banks.repository import BankRepository
from chalicelib.banks.signatures import valid_secrets
from infra.stacks import PROJECT

# 256 bits, as long as the hash that they key.
_SECRET_BYTES = 32


class Purpose(StrEnum):
    """What a bank's secret signs."""

    REQUESTS = "signing"  # the bank's, to us
    WEBHOOKS = "webhook"  # ours, to the bank


@dataclasses.dataclass(frozen=True)
class SigningSecrets:
    """The secrets of a stage's banks for one purpose: one entry of Secrets Manager for each bank that has one."""

    client: Any
    store: BankRepository
    stage: str
    purpose: Purpose = Purpose.REQUESTS

    def issue(self, bank: Bank, grace: timedelta, now: datetime) -> str:
        """Give the bank a new secret and return it; the one before is good for another `grace`.

        From its first one for requests on, a bank must sign its writes: the app knows of it within a minute. A newer
        one is taken within ten seconds, because a signature that doesn't fit makes the functions read the secret again.
        One that has ended is refused within five minutes. Webhooks are signed with a new one within a minute.
        """
        name = f"{PROJECT}-{self.stage}-{self.purpose}-{bank.id}"
        known_arn = getattr(bank, self._field)
        new = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
        try:
            arn = self.client.create_secret(Name=name, SecretString=_stored(new, {}))["ARN"]
        except self.client.exceptions.ResourceExistsException:
            stored = self.client.get_secret_value(SecretId=name)["SecretString"]
            # What a bank that begins to sign again had before has ended.
            before = valid_secrets(stored, now) if grace and known_arn else {}
            # One that was rotated earlier keeps its earlier end.
            ends = {secret: min(end or now + grace, now + grace) for secret, end in before.items()}
            arn = self.client.put_secret_value(SecretId=name, SecretString=_stored(new, ends))["ARN"]
        if known_arn != arn:
            self.store.change_bank(bank.id, **{self._field: arn})
        return new

    def withdraw(self, bank: Bank) -> None:
        """Let the bank write without signing; have no webhooks sent to it, which wait for another secret. The secret
        itself stays, for functions that have not heard of it yet."""
        self.store.change_bank(bank.id, **{self._field: None})

    @property
    def _field(self) -> str:
        return f"{self.purpose}_secret_arn"


def _stored(current: str, ends: dict[str, datetime]) -> str:
    expiring = [{"secret": secret, "expires_at": end.isoformat()} for secret, end in ends.items()]
    return json.dumps({"secrets": [{"secret": current}, *expiring]})
