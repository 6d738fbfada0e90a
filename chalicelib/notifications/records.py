"""What became of notifications, stored: SES's feedback beside the mailer's notes, and both read as one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.aws.calls import call
from chalicelib.aws.dead_letters import Letter, SetAside
from chalicelib.aws.dynamo import batch_get, from_item, queried, to_item
from chalicelib.aws.retention import KEPT, Clock, expiry, is_kept
from chalicelib.aws.telemetry import skipped, without_account
from chalicelib.ledger.keys import TransactionKey, account_key
from chalicelib.ledger.times import format_time, sortable
from chalicelib.notifications.digest_members import DigestMembers
from chalicelib.notifications.sent_together import Delivery, Notes, SentTogether
from chalicelib.notifications.state import DIGEST_ID, Feedback, Kind, NotificationKey, superfluous, to_json

# Feedback has an item of its own beside the note, which the mailer puts whole, whatever was there.
_FEEDBACK = "#feedback"
_ATTRIBUTE = "feedback:"
# So many are shown of a transaction: an account has 20 holders at a time.
MOST_OF_A_TRANSACTION = 100
MALFORMED = "malformed_notification"


def _no_ids(_account_keys: Iterable[str]) -> Mapping[str, str]:
    return {}


class NotificationRecords:
    """Notifications in a table, each kept for so many days. With a `clock`, an expired one is gone, deleted or not.

    `ids_by_alias` returns the ids of accounts' holders, each by what the holder is `notified_as`; it gets the accounts'
    keys. A notification is read with the holder's id, with the alias when the holder has been erased.
    """

    def __init__(
        self,
        client: Any,
        table: str,
        clock: Clock | None = None,
        kept_days: int = KEPT.notifications,
        ids_by_alias: Callable[[Iterable[str]], Mapping[str, str]] = _no_ids,
    ) -> None:
        self._client = client
        self._table = table
        self._members = DigestMembers(client, table)
        self._together = SentTogether(client, table, kept_days=kept_days)
        self._clock = clock
        self._kept_days = kept_days
        self._ids_by_alias = ids_by_alias

    def note_feedback(self, key: NotificationKey, feedback: Feedback) -> None:
        """Keep what SES told of a notification's e-mail. The same again, and another order, make no difference."""
        item_key = to_item(key.item_key(_FEEDBACK))
        answer = call(
            self._client.update_item,
            TableName=self._table,
            Key=item_key,
            UpdateExpression="SET #one = :one, expires_at = :expires_at",
            ExpressionAttributeNames={"#one": _attribute(feedback)},
            ExpressionAttributeValues=to_item(
                {":one": _feedback_values(feedback), ":expires_at": expiry(feedback.at, self._kept_days)}
            ),
            ReturnValues="ALL_NEW",
        )
        too_many = superfluous(_feedback_in(from_item(answer["Attributes"])))
        if too_many:
            names = {f"#old{number}": _attribute(one) for number, one in enumerate(too_many)}
            call(
                self._client.update_item,
                TableName=self._table,
                Key=item_key,
                UpdateExpression=f"REMOVE {', '.join(names)}",
                ExpressionAttributeNames=names,
            )

    def note_deliveries(self, deliveries: Iterable[Delivery], notes: Notes) -> set[Delivery]:
        """Keep the deliveries of e-mails that were sent together, a few writes for all; return which these are.

        `notes` are the notes of their notifications, as `known` returns them.
        """
        of_mails = (one for one in deliveries if not DIGEST_ID.fullmatch(one[0].transaction))
        return self._together.put_delivered(of_mails, notes)

    def known(self, keys: Iterable[NotificationKey]) -> Notes:
        """Return the notes of those of the keys that are notifications, read consistently, 100 in a call."""
        items = (to_item(key.item_key()) for key in dict.fromkeys(keys))
        return {NotificationKey.of_item(one): one for one in batch_get(self._client, self._table, items)}

    def of_transaction(self, key: TransactionKey) -> list[dict[str, Any]]:
        """Return a transaction's notifications as the API answers them, ordered by holder, read consistently."""
        return list(self.of_transaction_by_key(key).values())

    def of_transaction_by_key(self, key: TransactionKey) -> dict[NotificationKey, dict[str, Any]]:
        """Return the same, each by its key."""
        stored = queried(
            self._client,
            TableName=self._table,
            KeyConditionExpression="transaction_key = :key",
            ExpressionAttributeValues=to_item({":key": key.stored}),
            ConsistentRead=True,
        )
        letters: list[Letter] = []
        found = self._merged(stored, letters)
        _report(letters)
        by_holder = sorted(found.items(), key=lambda pair: str(pair[1]["holder"]))
        return dict(by_holder[:MOST_OF_A_TRANSACTION])

    def of_keys(
        self, keys: Iterable[NotificationKey], letters: list[Letter] | None = None
    ) -> dict[NotificationKey, dict[str, Any]]:
        """Return those of the notifications that there are, as the API answers them, 50 in a call.

        A record that can't be read is added to `letters`, or is logged and counted where the caller has none.
        """
        items = (to_item(key.item_key(suffix)) for key in keys for suffix in ("", _FEEDBACK))
        unreadable: list[Letter] = [] if letters is None else letters
        found = self._merged(batch_get(self._client, self._table, items), unreadable)
        if letters is None:
            _report(unreadable)
        return found

    def concerned(self, keys: Iterable[NotificationKey]) -> list[NotificationKey]:
        """Return the notifications whose e-mails these are: of a digest's all that it told."""
        found: dict[NotificationKey, None] = {}
        for key in dict.fromkeys(keys):
            found |= dict.fromkeys(self._members.of(key) if DIGEST_ID.fullmatch(key.transaction) else [key])
        return list(found)

    def _merged(
        self, stored: Iterable[Mapping[str, Any]], letters: list[Letter]
    ) -> dict[NotificationKey, dict[str, Any]]:
        notes: dict[NotificationKey, Mapping[str, Any]] = {}
        feedback: dict[NotificationKey, list[Feedback]] = {}
        for values in stored:
            if not is_kept(values, self._clock):
                continue
            key = NotificationKey.of_item(values, _FEEDBACK)
            if values["holder"].endswith(_FEEDBACK):
                _read_feedback(key, values, feedback, letters)
            elif "#" not in values["holder"]:  # all else beside a note is marked
                notes[key] = values
        completed, deliveries = self._together.completed_and_delivered(notes)
        for key, noted in deliveries.items():
            # One of them may also have come before the note that its e-mail was sent.
            apart = {_attribute(one) for one in feedback.get(key, ())}
            told = [*feedback.get(key, ()), *(one for one in noted if _attribute(one) not in apart)]
            dropped = superfluous(told)  # each of the two may have as many as are kept
            feedback[key] = [one for one in told if one not in dropped]
        notes |= completed
        mails = {key: _mail_of(key, note) for key, note in notes.items()}
        # What SES told of a digest's e-mail is kept once, beside the digest's own note.
        digests = dict.fromkeys(mail for key, mail in mails.items() if mail != key)
        items = (to_item(mail.item_key(_FEEDBACK)) for mail in digests)
        for values in batch_get(self._client, self._table, items):
            _read_feedback(NotificationKey.of_item(values, _FEEDBACK), values, feedback, letters)
        accounts = {account_key(key.bank, key.account) for key in notes if key.account}
        ids = self._ids_by_alias(accounts) if accounts else {}
        found: dict[NotificationKey, dict[str, Any]] = {}
        for key, note in notes.items():
            with SetAside(letters, key.item_key(), MALFORMED):
                found[key] = to_json(ids.get(key.holder, key.holder), note, feedback.get(mails[key], ()))
        return found


def _mail_of(key: NotificationKey, note: Mapping[str, Any]) -> NotificationKey:
    """Return under which key SES's feedback on the notification's e-mail is: the digest's that told it, or its own."""
    is_told_in_digest = "digest" in note and "message_id" in note
    return replace(key, transaction=note["digest"]) if is_told_in_digest else key


def _read_feedback(
    key: NotificationKey,
    values: Mapping[str, Any],
    feedback: dict[NotificationKey, list[Feedback]],
    letters: list[Letter],
) -> None:
    with SetAside(letters, key.item_key(_FEEDBACK), MALFORMED):
        feedback[key] = _feedback_in(values)


def _report(letters: Iterable[Letter]) -> None:
    for payload, reason in letters:
        key = without_account(*TransactionKey.of_stored(payload["transaction_key"]))
        skipped(MALFORMED, "MalformedNotifications", key=key, reason=reason)


def _attribute(feedback: Feedback) -> str:
    return f"{_ATTRIBUTE}{sortable(feedback.at)}#{feedback.kind}#{feedback.message_id}"


def _feedback_values(feedback: Feedback) -> dict[str, str]:
    reason = {"reason": feedback.reason} if feedback.reason else {}
    return {"accepted_at": format_time(feedback.accepted_at), **reason}


def _feedback_in(values: Mapping[str, Any]) -> list[Feedback]:
    found = []
    for name, value in values.items():
        if name.startswith(_ATTRIBUTE):
            at, kind, message_id = name.removeprefix(_ATTRIBUTE).split("#")
            accepted_at = datetime.fromisoformat(value["accepted_at"])
            found.append(Feedback(datetime.fromisoformat(at), Kind(kind), message_id, accepted_at, value.get("reason")))
    return found
