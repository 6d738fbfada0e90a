"""SES, EventBridge, S3, SNS and Secrets Manager, as far as the app calls them."""

import base64
import gzip
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.mail.tags import from_tag
from simulation.faults import Caller
from simulation.scheduler import Killed, Scheduler

MAX_RECIPIENTS = 50


@dataclass(frozen=True, slots=True)
class SentEmail:
    """An e-mail that SES accepted; `call` is the number of the call that brought it, and `mailer` the process."""

    to: str
    bank: str
    transaction: str
    holder: str
    at: datetime
    call: int
    mailer: object
    text: str = ""  # of statements only


class Ses:
    """Accepts e-mails, and tells later what became of them. Addresses that begin with `bounce` have no mailbox."""

    def __init__(self, scheduler: Scheduler, caller: Caller, tell: Callable[[str], None]) -> None:
        self.rate = scheduler.random.choice((50.0, 14.0, 2.0))  # e-mails a second
        self.accepted: list[SentEmail] = []
        self.readers: list[Callable[[SentEmail], None]] = []
        self.bounced: list[Callable[[SentEmail], None]] = []
        self.in_doubt: set[int] = set()  # calls of which nobody noted that they were made
        self._scheduler = scheduler
        self._caller = caller
        self._tell = tell
        self._calls = itertools.count(1)
        self._last_calls: dict[object, int] = {}  # by the process that made it: while it waits, others make theirs

    def get_account(self) -> dict[str, Any]:
        return {"SendQuota": {"MaxSendRate": self.rate}}

    def send_bulk_email(self, **call: Any) -> dict[str, Any]:
        entries = call["BulkEmailEntries"]
        if len(entries) > MAX_RECIPIENTS:
            raise AssertionError("SES would refuse this call")
        call_number = self._last_calls[self._scheduler.running] = next(self._calls)
        results: list[dict[str, Any]] = []
        for entry in entries:
            if self._caller.happens("partly"):
                results.append({"Status": "TRANSIENT_FAILURE", "Error": "by the simulation"})
                continue
            tags = {tag["Name"]: from_tag(tag["Value"]) for tag in entry["ReplacementTags"]}
            to = entry["Destination"]["ToAddresses"][0]
            email = SentEmail(
                to,
                tags["bank"],
                tags["transaction"],
                tags["holder"],
                self._scheduler.now,
                call_number,
                self._scheduler.running,
                _text_of(entry) if tags["transaction"].startswith("statement@") else "",
            )
            self.accepted.append(email)
            for read in self.readers:
                read(email)
            message_id = f"ses-{len(self.accepted)}"
            results.append({"Status": "SUCCESS", "MessageId": message_id})
            self._tell_later(email, message_id, entry["ReplacementTags"])
        return {"BulkEmailEntryResults": results}

    def doubt(self) -> None:
        """Note that the mailer that runs never heard of its last call."""
        self.in_doubt.add(self._last_calls[self._scheduler.running])

    def died(self, mailer: object, is_noted: Callable[[SentEmail], bool]) -> None:
        """Note that a mailer died, or ended because the table took no note: nobody knows of these e-mails."""
        unnoted = (email for email in self.accepted if email.mailer is mailer and not is_noted(email))
        self.in_doubt.update(email.call for email in unnoted)

    def _tell_later(self, email: SentEmail, message_id: str, tags: list[dict[str, str]]) -> None:
        chance = self._scheduler.random
        for _ in range(2 if self._caller.happens("twice") else 1):
            self._scheduler.after(chance.uniform(0.2, 30), lambda: self._tell_now(email, message_id, tags))

    def _tell_now(self, email: SentEmail, message_id: str, tags: list[dict[str, str]]) -> None:
        self._tell(_feedback(email, message_id, tags, self._scheduler.now))
        if email.to.startswith("bounce"):
            for hear in self.bounced:
                hear(email)


def _text_of(entry: Mapping[str, Any]) -> str:
    data = entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"]
    return str(json.loads(data)["text"])


def _feedback(email: SentEmail, message_id: str, tags: list[dict[str, str]], now: datetime) -> str:
    at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    mail = {
        "timestamp": at,
        "messageId": message_id,
        "destination": [email.to],
        "tags": {tag["Name"]: [tag["Value"]] for tag in tags},
    }
    if email.to.startswith("bounce"):
        bounce = {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [{"emailAddress": email.to, "status": "5.1.1"}],
            "timestamp": at,
            "feedbackId": message_id,
        }
        return json.dumps({"eventType": "Bounce", "mail": mail, "bounce": bounce})
    delivery = {"timestamp": at, "processingTimeMillis": 500, "recipients": [email.to]}
    return json.dumps({"eventType": "Delivery", "mail": mail, "delivery": delivery})


class EventBridge:
    """Takes events, and hands flagged transactions to the rule's target."""

    def __init__(self, caller: Caller, target: Callable[[str], None]) -> None:
        self.events: list[dict[str, Any]] = []
        self._caller = caller
        self._target = target

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        results: list[dict[str, str]] = []
        for entry in Entries:
            if self._caller.happens("partly"):
                results.append({"ErrorCode": "ThrottlingException", "ErrorMessage": "by the simulation"})
                continue
            self.events.append(entry)
            results.append({"EventId": f"event-{len(self.events)}"})
            if entry["DetailType"] == "TransactionFlagged":
                event = {"source": entry["Source"], "detail-type": entry["DetailType"]}
                self._target(json.dumps({**event, "detail": json.loads(entry["Detail"])}))
        return {"FailedEntryCount": sum("ErrorCode" in one for one in results), "Entries": results}


class S3:
    """A bucket: objects by key."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, *, Key: str, Body: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803
        self.objects[Key] = Body
        return {}

    def lines(self) -> list[dict[str, Any]]:
        """Return what all objects hold, a value for each line."""
        texts = (gzip.decompress(body).decode() for body in self.objects.values())
        return [json.loads(line) for text in texts for line in text.splitlines()]


class Sns:
    """Topics of the banks' operators."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []

    def publish(self, **message: Any) -> dict[str, Any]:
        self.published.append(message)
        return {"MessageId": str(len(self.published))}


class SecretsManager:
    """Secrets, which never change in a run."""

    _VALUES = {  # noqa: RUF012
        "links": json.dumps({"newest": "a key", "older": []}),
        "webhooks": json.dumps({"secrets": [{"secret": f"whsec_{base64.b64encode(bytes(32)).decode()}"}]}),
    }

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803
        return {"SecretString": self._VALUES.get(SecretId, f"the secret {SecretId}")}


class Endpoint:
    """A bank's own system, which takes webhooks, refuses some, and is slow at times."""

    def __init__(self, scheduler: Scheduler, caller: Caller) -> None:
        self.heard: dict[str, dict[str, Any]] = {}  # by the webhook's id
        self._scheduler = scheduler
        self._caller = caller

    def post(self, headers: Mapping[str, str], body: bytes) -> int | None:
        """Answer a webhook with a status; None if the answer is lost."""
        self._scheduler.sleep(self._scheduler.random.uniform(0.01, 0.5))
        if self._caller.happens("killed"):
            raise Killed
        if self._caller.happens("throttled"):
            return 503
        heard = self.heard.setdefault(headers["webhook-id"], json.loads(body))
        if heard != json.loads(body):
            raise AssertionError("a webhook is the same at each try")
        return None if self._caller.happens("lost") else 204
