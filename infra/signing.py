"""Banks' signing secrets in Secrets Manager: made, and rotated without a gap."""

import base64
import dataclasses
import json
import secrets
from datetime import datetime, timedelta
from typing import Any

from chalicelib.banks import Bank
from chalicelib.banks_repository import BankRepository
from chalicelib.signatures import valid_secrets
from infra.stacks import PROJECT

# 256 bits, as long as the hash that they key.
_SECRET_BYTES = 32


@dataclasses.dataclass(frozen=True)
class SigningSecrets:
    """The signing secrets of a stage's banks: one entry of Secrets Manager for each bank that signs."""

    client: Any
    store: BankRepository
    stage: str

    def issue(self, bank: Bank, grace: timedelta, now: datetime) -> str:
        """Give the bank a new signing secret and return it; the one before is good for another `grace`.

        From its first one on, a bank must sign its writes: the app knows of it within a minute. A newer one is taken
        within ten seconds, because a signature that doesn't fit makes the functions read the secret again. One that
        has ended is refused within five minutes.
        """
        name = f"{PROJECT}-{self.stage}-signing-{bank.id}"
        new = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
        try:
            arn = self.client.create_secret(Name=name, SecretString=_stored(new, {}))["ARN"]
        except self.client.exceptions.ResourceExistsException:
            stored = self.client.get_secret_value(SecretId=name)["SecretString"]
            # What a bank that begins to sign again had before has ended.
            before = valid_secrets(stored, now) if grace and bank.signing_secret_arn else {}
            # One that was rotated earlier keeps its earlier end.
            ends = {secret: min(end or now + grace, now + grace) for secret, end in before.items()}
            arn = self.client.put_secret_value(SecretId=name, SecretString=_stored(new, ends))["ARN"]
        if bank.signing_secret_arn != arn:
            self.store.change_bank(bank.id, signing_secret_arn=arn)
        return new

    def withdraw(self, bank: Bank) -> None:
        """Let the bank write without signing. Its secret stays, for functions that have not heard of it yet."""
        self.store.change_bank(bank.id, signing_secret_arn=None)


def _stored(current: str, ends: dict[str, datetime]) -> str:
    expiring = [{"secret": secret, "expires_at": end.isoformat()} for secret, end in ends.items()]
    return json.dumps({"secrets": [{"secret": current}, *expiring]})
