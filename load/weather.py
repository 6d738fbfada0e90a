"""A bad day of the local cloud, drawn by a seed: who is killed when, which calls fail, what can't be reached. Pure."""

from collections.abc import Mapping
from random import Random

from local_cloud.gate.faults import Trouble

# The stages on a transaction's way. A killed process loses what it has in hand.
STAGES = ("api_handler", "ingest_worker", "transaction_stream", "mailer", "alert_mailer", "archiver", "analytics_job")
SERVICES = ("dynamodb", "sqs", "sesv2", "s3", "events")
# What is out of reach for a while: SES refuses, secrets and the staff's sign-in don't answer.
OUTAGES = (("throttled", "sesv2"), ("dropped", "secretsmanager"), ("dropped", "cognito-idp"))
_KILL_EVERY_S = 40
_OUTAGE_PART = 0.2
# What AWS delivers at least once, and so now and then again.
_AGAIN = (("sqs", "SendMessageBatch"), ("events", "PutEvents"))
_AGAIN_CHANCE = 0.03
_CHANCES = {"throttled": 0.01, "delayed": 0.01, "dropped": 0.005, "lost": 0.003}


def bad_day(seed: int, seconds: float) -> list[Trouble]:
    """Return the troubles of a day on which is posted for so many seconds: each stage that works dies at least once."""
    chance = Random(seed)
    found = []
    for stage in STAGES:
        for _ in range(max(1, round(seconds / _KILL_EVERY_S))):
            kind = chance.choice(("killed_before", "killed_after"))
            found.append(Trouble(kind, function=stage, from_s=chance.uniform(0, 0.9 * seconds), most=1))
    for kind, service in OUTAGES:
        begins = chance.uniform(0, (1 - _OUTAGE_PART) * seconds)
        found.append(Trouble(kind, service=service, from_s=begins, until_s=begins + _OUTAGE_PART * seconds))
    for service, operation in _AGAIN:
        found.append(Trouble("twice", service=service, operation=operation, chance=_AGAIN_CHANCE))
    for service in SERVICES:
        found += [Trouble(kind, service=service, chance=often) for kind, often in _CHANCES.items()]
    return found


def sending_in_doubt(happened: Mapping[str, int]) -> int:
    """Return how many calls of SES may have been made without their mailer noting it: each may be made again."""
    return sum(
        times
        for name, times in happened.items()
        if name.startswith("lost sesv2 ") or (name.startswith("killed_") and name.endswith("mailer"))
    )
