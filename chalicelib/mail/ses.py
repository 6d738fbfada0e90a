"""The one exit for e-mail: SES bulk calls, each entry with its own rendered subject, text and HTML."""

import functools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, repeat
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as AwsConnectionError

from chalicelib.aws.batching import batches
from chalicelib.aws.calls import error_code
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.mail.sender import Sender, sender_in
from chalicelib.mail.tags import to_tag

MAX_DESTINATIONS = 50
# How long SES may put an e-mail off before it is given up: an outage, a day's used-up quota, a weekend.
PUT_OFF_AT_MOST = timedelta(days=3)
MAX_CALL_BYTES = 1_000_000

# SES inline templates know plain substitution only, and it is all that they are used for: what is put in was
# rendered and escaped before.
_TEMPLATE = {"Subject": "{{subject}}", "Text": "{{text}}", "Html": "{{html}}"}

_encoded = json.JSONEncoder(ensure_ascii=False).encode

# Answers that are about this one e-mail and will not change. Everything else (throttled, paused, quota,
# identity or configuration set missing, ...) passes, or an operator can mend it: the e-mail is tried again.
# So is a rejection because an address is "not verified": it is SES's word for a missing identity or the sandbox.
_FINAL_STATUSES = frozenset({"MESSAGE_REJECTED", "INVALID_PARAMETER"})
_NOT_VERIFIED = "not verified"
_FINAL_ERRORS = frozenset({"BadRequestException", "MessageRejected"})


@dataclass(frozen=True)
class Email:
    """One rendered e-mail. `tags` come back with SES's feedback on it, as `to_tag` writes them. `headers`
    are its own, beside those that every e-mail has."""

    to: str
    subject: str
    text: str
    html: str
    tags: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...] = ()

    @functools.cached_property
    def data(self) -> str:
        """Subject, text and HTML, as they are put into SES's template."""
        return _encoded({"subject": self.subject, "text": self.text, "html": self.html})

    @property
    def bank(self) -> str:
        """The bank that it is from, empty without one."""
        return dict(self.tags).get("bank", "")


@dataclass(frozen=True, slots=True)
class SendResult:
    """What SES said of one e-mail: accepted with a message id, or a reason, final or to be tried again."""

    message_id: str | None = None
    reason: str | None = None
    final: bool = False

    def verdict(self, put_off_since: datetime, now: datetime) -> tuple[bool, str]:
        """Return whether an e-mail that was not accepted is given up, and why; it may have been put off before."""
        if self.final:
            return True, f"refused: {self.reason}"
        if now - put_off_since >= PUT_OFF_AT_MOST:
            return True, f"given_up: {self.reason}"
        return False, f"put_off: {self.reason}"


def the_stage_s(_bank: str, sender: Sender) -> Sender:
    """Return the stage's sender, for every bank."""
    return sender


class SesOutbox:
    """Sends e-mails. `sender` is the stage's; `sender_of` returns a bank's, by its id and the stage's sender."""

    def __init__(
        self,
        client: Any,
        sender: str,
        configuration_set: str,
        sender_of: Callable[[str, Sender], Sender] = the_stage_s,
    ) -> None:
        self._client = client
        self._sender = sender_in(sender)
        self._configuration_set = configuration_set
        self._sender_of = sender_of

    def send(self, emails: Sequence[Email]) -> Iterator[list[tuple[int, SendResult]]]:
        """Send the e-mails in as few calls as SES allows; yield after each call what became of which, by position.

        A call has one sender. Never raises for what SES, the network or the banks' table answers.
        """
        by_bank: dict[str, list[tuple[int, Email]]] = {}
        for position, email in enumerate(emails):
            by_bank.setdefault(email.bank, []).append((position, email))
        for bank, of_bank in by_bank.items():
            try:
                sender = self._sender_of(bank, self._sender).header
            except TemporarilyUnavailable:
                yield [(position, SendResult(reason="SENDER_UNKNOWN")) for position, _ in of_bank]
                continue
            for part in batches(of_bank, MAX_DESTINATIONS, MAX_CALL_BYTES, lambda pair: _size(pair[1])):
                yield from self._send_part(part, sender)

    def _send_part(self, part: Sequence[tuple[int, Email]], sender: str) -> Iterator[list[tuple[int, SendResult]]]:
        positions = [position for position, _ in part]
        try:
            answer = self._client.send_bulk_email(
                FromEmailAddress=sender,
                ConfigurationSetName=self._configuration_set,
                DefaultContent={"Template": {"TemplateContent": _TEMPLATE, "TemplateData": "{}"}},
                BulkEmailEntries=[_entry(email) for _, email in part],
            )
        except ClientError as error:
            code = error_code(error)
            final = code in _FINAL_ERRORS and _NOT_VERIFIED not in str(error)
            if final and len(part) > 1:
                # One e-mail spoils the call, and the answer doesn't say which: halving finds it.
                middle = len(part) // 2
                yield from self._send_part(part[:middle], sender)
                yield from self._send_part(part[middle:], sender)
            else:
                yield [(position, SendResult(reason=code, final=final)) for position in positions]
        except (AwsConnectionError, HTTPClientError) as error:
            yield [(position, SendResult(reason=type(error).__name__)) for position in positions]
        else:
            results = map(_result, answer["BulkEmailEntryResults"])
            # An entry that SES says nothing of counts as not sent.
            yield list(zip(positions, chain(results, repeat(SendResult(reason="NO_RESULT"))), strict=False))


def _entry(email: Email) -> dict[str, Any]:
    return {
        "Destination": {"ToAddresses": [email.to]},
        "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": email.data}},
        "ReplacementHeaders": [
            {"Name": name, "Value": value} for name, value in (("Auto-Submitted", "auto-generated"), *email.headers)
        ],
        "ReplacementTags": [{"Name": name, "Value": to_tag(value)} for name, value in email.tags],
    }


def _result(result: dict[str, Any]) -> SendResult:
    if result["Status"] == "SUCCESS":
        return SendResult(message_id=result["MessageId"])
    final = result["Status"] in _FINAL_STATUSES and _NOT_VERIFIED not in result.get("Error", "")
    return SendResult(reason=result["Status"], final=final)


def _size(email: Email) -> int:
    # Tags, headers, addresses and JSON around the three parts take under 3 KB; quotes and line ends are escaped twice.
    return 3_000 + len(json.dumps(email.data))
