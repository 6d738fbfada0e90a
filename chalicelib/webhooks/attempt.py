"""An attempt to deliver a webhook, and what follows from its answer. Pure: time and randomness come in."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.aws.queues import MAX_DELAY_S
from chalicelib.banks.endpoints import Endpoint
from chalicelib.webhooks.poster import Answer
from chalicelib.webhooks.records import Record, Standing
from chalicelib.webhooks.webhook import LONGEST_WAIT, Webhook

# Why a webhook was not posted.
NO_ENDPOINT = Answer(problem="no_endpoint")
BANK_DISABLED = Answer(problem="bank_disabled")
NO_SECRET = Answer(problem="no_secret")
UNPROVED = Answer(problem="unproved")
RESTING = Answer(problem="resting")
PACED = Answer(problem="paced")
_NOT_POSTED = (NO_ENDPOINT, BANK_DISABLED, NO_SECRET, UNPROVED, RESTING, PACED)
# It wasn't the bank's fault that it was not posted: it isn't given up for that.
_NOT_ITS_FAULT = (RESTING, PACED)
# A webhook that was not posted is tried again soon: the endpoint itself hasn't failed.
_LONGEST_WAIT_NOT_POSTED = timedelta(seconds=MAX_DELAY_S)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A webhook, its bank's endpoint (None if the bank has none), and the endpoint's answer.

    If the webhook was not posted, `answer` says why: it is one of this module's.
    """

    webhook: Webhook
    endpoint: Endpoint | None
    answer: Answer

    @property
    def is_posted(self) -> bool:
        return self.answer not in _NOT_POSTED


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What follows from an attempt: its record, and the webhook as it is tried next (None if it isn't)."""

    record: Record
    next_try: Webhook | None


def follow_up(attempt: Attempt, before: Record | None, now: datetime, jitter: float) -> FollowUp:
    """Return what follows from an attempt. `before` is the record of the webhook's last attempt.

    | the answer                                           | standing  | the next try                              |
    |------------------------------------------------------|-----------|-------------------------------------------|
    | 2xx                                                  | delivered | none                                      |
    | 410, or the bank doesn't name the endpoint any more  | not_sent  | none                                      |
    | any other status (500, 302), or none (timeout)       | waiting   | in 5 s, 15 s, 1 min, … at most 6 h; or    |
    |                                                      |           | when the endpoint asks for (Retry-After)  |
    | the bank is disabled or has no secret, or the        | waiting   | the same, but at most 15 min              |
    | endpoint has not answered a test yet                 |           |                                           |
    | one of the last two rows, 3 days after the first try | given_up  | none                                      |
    | the endpoint rests after a slow answer, or its host  | waiting   | at most 15 min, also after the 3 days     |
    | has got as much as it gets in a moment               |           |                                           |

    `jitter`, from 0 to 1, makes the wait up to a quarter longer.
    """
    webhook, answer = attempt.webhook, attempt.answer
    standing = _standing(attempt, now)
    next_try = None
    if standing is Standing.WAITING:
        longest = LONGEST_WAIT if attempt.is_posted else _LONGEST_WAIT_NOT_POSTED
        next_try = webhook.next_try(now, jitter, timedelta(seconds=answer.retry_after_s), longest)
    record = Record(
        webhook.key,
        webhook.id,
        webhook.type,
        standing,
        str(answer),
        attempts=(before.attempts if before else 0) + attempt.is_posted,
        updated_at=now,
        next_at=next_try.not_before if next_try else None,
    )
    return FollowUp(record, next_try)


def _standing(attempt: Attempt, now: datetime) -> Standing:
    answer = attempt.answer
    if answer.is_accepted:
        return Standing.DELIVERED
    if answer.is_gone or answer == NO_ENDPOINT:
        return Standing.NOT_SENT
    if attempt.webhook.is_given_up(now) and answer not in _NOT_ITS_FAULT:
        return Standing.GIVEN_UP
    return Standing.WAITING
