"""Why a bank's webhook secret can't be replaced."""

import math
from datetime import timedelta

from chalicelib.errors import DomainError


class NoWebhookSecret(DomainError):
    """The bank has no webhook secret yet: the first one is issued by an operator of the service."""

    code = "no_webhook_secret"

    def __init__(self) -> None:
        super().__init__("The bank has no webhook secret yet. An operator of the service issues the first one.")


class TooManySecrets(DomainError):
    """As many of the bank's secrets as can be are valid. The first of them ends after `wait`."""

    code = "too_many_secrets"

    def __init__(self, most: int, wait: timedelta) -> None:
        super().__init__(
            f"{most} secrets are valid already. Wait as long as Retry-After says, until one ends; an operator of the "
            "service can end them at once."
        )
        self.retry_after_s = max(1, math.ceil(wait.total_seconds()))
