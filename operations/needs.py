"""What a day's transactions need of AWS's quotas and of the stage: on average, and twenty times as many on payday."""

from dataclasses import dataclass
from decimal import Decimal

from operations.steady import TABLES_AND_INDEXES, to_set
from operations.units import DAY_S, Line, lines, shards

# A payday: twenty times the average, within a minute.
PEAK = 20
# Most functions have 512 MB: so many GB-seconds a second are a function that runs.
_GB_OF_A_FUNCTION = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Need:
    """What is needed in each second, on average and at the peak, and what there is without asking."""

    name: str
    average: Decimal
    peak: Decimal
    there_is: str


def needs(per_day: Decimal, holders: Decimal, batch: int = 1, percent: int | None = None) -> list[Need]:
    """Return what is needed at so many transactions a day, posted in batches of this size.

    In a steady stage, so many `percent` of the capacity are used; None is a stage on demand.
    """
    at = [_of(per_day * times, holders, batch, percent or 100) for times in (1, PEAK)]
    there_are = THERE_IS if percent is None else THERE_IS | IN_A_STEADY_STAGE
    return [Need(name, at[0][name], at[1][name], there_is) for name, there_is in there_are.items()]


def _of(per_day: Decimal, holders: Decimal, batch: int, percent: int) -> dict[str, Decimal]:
    by_name = {line.name: line for line in lines(per_day, batch, holders)}

    def a_second(line: Line) -> Decimal:
        return (line.a_transaction + line.an_email * holders) * per_day / DAY_S

    return {
        "requests a second": per_day / DAY_S / batch,
        "e-mails a second": per_day / DAY_S * holders,
        "write units a second": a_second(by_name["DynamoDB, write units"]),
        "functions side by side": a_second(by_name["Lambda, GB-seconds"]) / _GB_OF_A_FUNCTION,
        "RecordedShards": Decimal(shards(per_day)),
        "SteadyTransactions": to_set(per_day, percent),
    }


THERE_IS = {
    "requests a second": "2,000 by infra/app.json, 10,000 by account and region",
    "e-mails a second": "1 in SES's sandbox, 14 at first outside of it",
    "write units a second": "40,000 of each table; 4,000 at once of a new one, then twice the last peak",
    "functions side by side": "1,000 by account and region, fewer in a new account",
    "RecordedShards": "4, up to 64",
}
# The most capacity of an account in a region, for writes as for reads, that AWS gives without asking.
OF_AN_ACCOUNT = 80_000
IN_A_STEADY_STAGE = {
    "write units a second": f"{TABLES_AND_INDEXES} times SteadyTransactions, and more within minutes",
    "SteadyTransactions": f"0, up to {OF_AN_ACCOUNT // TABLES_AND_INDEXES:,} by account and region",
}


def printed(per_day: Decimal, holders: Decimal, batch: int = 1, percent: int | None = None) -> str:
    """Return the table as text."""
    header = f"{'':26}{'on average':>16}{'on payday':>16}   there is without asking"
    rows = [
        f"{one.name:26}{_written(one.average):>16}{_written(one.peak):>16}   {one.there_is}"
        for one in needs(per_day, holders, batch, percent)
    ]
    return "\n".join([header, *rows])


def _written(number: Decimal) -> str:
    """Return a number with its first digits: nobody orders by the hundredth."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"
