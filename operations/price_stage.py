"""What a stage costs in a month without a single transaction, line by line. `operations.price` adds it up."""

from dataclasses import dataclass
from decimal import Decimal

_MINUTES = 60 * 24 * 30
_MILLION = Decimal(10**6)
# Lambda begins to read a queue with five readers, each of which waits 20 seconds for messages.
_LOOKS_AT_A_QUEUE = 5 * 3 * _MINUTES


@dataclass(frozen=True, slots=True)
class OfAStage:
    """Something that a stage has, and what each costs in USD a month."""

    name: str
    number: int
    usd: Decimal
    source: str

    @property
    def usd_a_month(self) -> Decimal:
        return self.number * self.usd


# A function that finds nothing to do: a tenth of a second of 512 MB, and some reads.
_IDLE_RUN = (Decimal("0.20") + Decimal("0.05") * Decimal("13.3334") + 20 * Decimal("0.125")) / _MILLION
OF_A_STAGE = (
    OfAStage("metrics that alarms look at", 104, Decimal("0.10"), "aws.amazon.com/cloudwatch/pricing"),
    OfAStage("metrics of our own", 100, Decimal("0.30"), "the same: with those by kind, code and job"),
    OfAStage("dashboards", 1, Decimal(3), "the same"),
    OfAStage("keys", 1, Decimal(1), "aws.amazon.com/kms/pricing"),
    OfAStage("secrets", 2, Decimal("0.40"), "aws.amazon.com/secrets-manager/pricing"),
    OfAStage(
        "queues that functions read", 6, _LOOKS_AT_A_QUEUE * Decimal("0.50") / _MILLION, "aws.amazon.com/sqs/pricing"
    ),
    OfAStage("functions of each minute", 3, _MINUTES * _IDLE_RUN, "aws.amazon.com/lambda/pricing"),
)
# Four for each policy ("Managing throughput capacity automatically with DynamoDB auto scaling").
OF_A_STEADY_STAGE = (
    *OF_A_STAGE,
    OfAStage("alarms of auto scaling", 48, Decimal("0.10"), "aws.amazon.com/cloudwatch/pricing"),
)


def usd_a_month(is_steady: bool = False) -> Decimal:
    """Return what a stage costs by itself."""
    return sum((one.usd_a_month for one in (OF_A_STEADY_STAGE if is_steady else OF_A_STAGE)), Decimal(0))
