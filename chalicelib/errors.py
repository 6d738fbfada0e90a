"""The errors that a caller can act on, each with its data as attributes. `api.problems` gives each its HTTP status."""

import math
import re
from datetime import date, timedelta
from typing import ClassVar

# An answer names at most so many errors, and so many characters of a field's name.
MAX_ERRORS = 100
MAX_FIELD = 300
# A media type, or another word of a header, that may be named in a text.
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9.+_*-]{0,40}(/[A-Za-z*][A-Za-z0-9.+_*-]{0,80})?")


class DomainError(Exception):
    """An error with a stable `code`. `str(error)` is a text for people, without any content of the request."""

    code: ClassVar[str]


class MalformedBody(DomainError):
    """The body isn't an acceptable JSON object."""

    code = "malformed_body"


class BodyTooLarge(DomainError):
    """The body has more than `limit_bytes`."""

    code = "body_too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The body is larger than {limit_bytes // 1024} KB.")
        self.limit_bytes = limit_bytes


class UnsupportedMediaType(DomainError):
    """The body is of another type than those `accepted`, or is compressed.

    `sent` and `encoding` are what the headers Content-Type and Content-Encoding say. They are named if they look right.
    """

    code = "unsupported_media_type"

    def __init__(self, sent: str = "", encoding: str = "", accepted: tuple[str, ...] = ("application/json",)) -> None:
        if encoding:
            named = f" {encoding}" if _TOKEN.fullmatch(encoding) else ""
            super().__init__(f"The body must not be compressed: send it without Content-Encoding{named}.")
        else:
            named = f", not {sent}" if _TOKEN.fullmatch(sent) else ""
            super().__init__(
                f"The body must be {' or '.join(accepted)}{named}: the header Content-Type says what it is."
            )


class ValidationFailed(DomainError):
    """Fields break a rule. `errors` has a (field, message) pair for each; an answer names the first of them."""

    code = "validation_failed"

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        self.errors = errors
        fields = sorted({field[:MAX_FIELD] for field, _ in errors[:MAX_ERRORS]})
        super().__init__(f"Invalid: {', '.join(fields)}{' and more' * (len(errors) > MAX_ERRORS)}.")


class CardNumberRefused(DomainError):
    """The value of `field` could be a full card number."""

    code = "card_number_refused"

    def __init__(self, field: str) -> None:
        super().__init__("The body holds what looks like a full card number. Send the last four digits at most.")
        self.field = field[:MAX_FIELD]


class InvalidCursor(DomainError):
    """The cursor is forged, or was issued for another listing."""

    code = "invalid_cursor"

    def __init__(self) -> None:
        super().__init__("This cursor was not issued for this request. Start again without one.")


class RangeTooLarge(DomainError):
    """The range has more than one request adds up or answers. The range to `last` has not.

    `last` is None if already the first day has more; `otherwise` says what to do then.
    """

    code = "range_too_large"

    def __init__(self, too_many: str, last: date | None, otherwise: str = "List its transactions instead") -> None:
        shorter = f"Ask to {last}, and then for the days behind it" if last else otherwise
        super().__init__(f"{too_many} in these days. {shorter}.")
        self.last = last


class UnknownApiKey(DomainError):
    """The API key is missing, unknown, expired, or of a disabled bank."""

    code = "unknown_api_key"

    def __init__(self) -> None:
        super().__init__(
            "Send the bank's API key in the header x-api-key: it is missing, or no active bank has this key."
        )


class InvalidSignature(DomainError):
    """The bank must sign its writes, and this request's signature is missing, wrong or too old."""

    code = "invalid_signature"

    def __init__(self) -> None:
        super().__init__(
            "This bank signs its writes: webhook-id, webhook-timestamp and webhook-signature must fit the body, "
            "one of the bank's secrets, and the time to 5 minutes. An id that was used before, or for another route, "
            "is refused."
        )


class TransactionNotFound(DomainError):
    """The bank has no transaction with this id."""

    code = "transaction_not_found"

    def __init__(self) -> None:
        super().__init__("No transaction has this id.")


class HolderNotFound(DomainError):
    """The account has no holder with this id."""

    code = "holder_not_found"

    def __init__(self) -> None:
        super().__init__("The account has no holder with this id.")


class NotSuppressed(DomainError):
    """E-mails go to the holder's address: there is no suppression to lift."""

    code = "not_suppressed"

    def __init__(self) -> None:
        super().__init__("The holder's address isn't suppressed: e-mails go there.")


class LiftedLately(DomainError):
    """The suppression of this address was lifted already, less than a day ago. It can be lifted again after `wait`."""

    code = "lifted_lately"

    def __init__(self, wait: timedelta) -> None:
        super().__init__(
            "This address is suppressed again, after its suppression was lifted within the last day. Wait as long as "
            "Retry-After says, or enrol another address."
        )
        self.retry_after_s = math.ceil(wait.total_seconds())


class NoEndpoint(DomainError):
    """The bank's settings name no endpoint for webhooks."""

    code = "no_endpoint"

    def __init__(self) -> None:
        super().__init__("The bank's settings name no endpoint: PUT /settings, webhooks.")


class WebhookNotFound(DomainError):
    """No webhook with this id was sent to the bank in the last seven days."""

    code = "webhook_not_found"

    def __init__(self) -> None:
        super().__init__("No webhook with this id was tried in the last seven days.")


class TriedLately(DomainError):
    """A webhook was tried, or an endpoint tested, a moment ago. It is possible again after `wait`."""

    code = "tried_lately"

    def __init__(self, wait: timedelta) -> None:
        super().__init__("It was tried a moment ago. Wait as long as Retry-After says.")
        self.retry_after_s = math.ceil(wait.total_seconds())


class TooManyHolders(DomainError):
    """The account has `limit` holders already."""

    code = "too_many_holders"

    def __init__(self, limit: int) -> None:
        super().__init__(f"An account has at most {limit} holders. Delete one first.")
        self.limit = limit


class PreconditionFailed(DomainError):
    """The request's If-Match names another version than the stored one. Nothing is changed."""

    code = "precondition_failed"

    def __init__(self) -> None:
        super().__init__(
            "It is not as If-Match says: somebody has changed it since, or it isn't there. Nothing is changed. Read it "
            "again, and send the change with the new ETag."
        )


class TransactionConflict(DomainError):
    """A transaction with this id is recorded with other content. `differing` are the names of the fields, sorted."""

    code = "transaction_conflict"

    def __init__(self, transaction_id: str, differing: list[str]) -> None:
        super().__init__(f"A transaction with this id is already recorded with another {', '.join(differing)}.")
        self.transaction_id = transaction_id
        self.differing = differing


class OverQuota(DomainError):
    """The bank's plan allows no more transactions today. Tomorrow, in `retry_after_s` seconds, it does."""

    code = "quota_exceeded"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("The plan's transactions of today are used. Send it again after midnight (UTC).")
        self.retry_after_s = retry_after_s


class TemporarilyUnavailable(DomainError):
    """An AWS service is throttling or out of reach. The same call is safe to repeat, after `retry_after_s` seconds."""

    code = "temporarily_unavailable"

    def __init__(self, retry_after_s: int = 2) -> None:
        super().__init__("The service can't take this request right now. Sending it again is safe.")
        self.retry_after_s = retry_after_s
