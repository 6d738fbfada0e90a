"""What the tables of a steady stage cost: capacity that is there all the time, in the place of each read and write.

The parameter SteadyTransactions gives the tables of transactions, notifications and analytics, and the indexes of the
first, capacity (infra/data.yaml). The units are counted by function and not by table, so what is of the other tables,
and so on demand, is told apart by what the functions do:
- Each call of the stream handler, of the mailer and of the feedback function writes the bank's activity: one unit.
- The stream handler, the feedback function and the analytics job read the tables that have capacity; the stream
  handler the bank's settings too, once a minute. All others are taken to read the other tables: accounts and banks.
- The three indexes are hardly read, and kept for as many reads as the others: one for each transaction.
- Six tables and indexes never have less than the parameter says, a whole number: a small stage pays for that.
"""

import math
from dataclasses import replace
from decimal import Decimal

from operations import units
from operations.units import DAY_S, PRICES, Line, Price, by_function, found_by, line_of

_HOUR_S, _MILLION = 3_600, Decimal(10**6)
WRITES, READS = (next(one for one in PRICES if one.figure == figure) for figure in ("write_units", "read_units"))
# An hour of a unit of capacity, in USD (aws.amazon.com/dynamodb/pricing/provisioned).
USD_AN_HOUR = {WRITES: Decimal("0.00065"), READS: Decimal("0.00013")}
NOTE_ACTIVITY = ("transaction_stream", "mailer", "feedback")
READ_THE_STEADY_TABLES = ("transaction_stream", "feedback", "analytics_job")
HARDLY_READ = ("by_account", "by_bank", "by_recorded")
TABLES_AND_INDEXES = 6
PERCENT = 70  # of the capacity are used at most: auto scaling adds above it, and takes away below 50


def lines(per_day: Decimal, batch: int, holders: Decimal, percent: int = PERCENT) -> list[Line]:
    """Return what each line's units are in a steady stage, so many percent of whose capacity are used."""
    found = []
    for line in units.lines(per_day, batch, holders):
        if line.name == WRITES.name:
            found += _of_dynamodb(per_day, batch, holders, percent)
        elif line.name != READS.name:
            found.append(line)
    return found


def _of_dynamodb(per_day: Decimal, batch: int, holders: Decimal, percent: int) -> list[Line]:
    writes, reads = (by_function(price, per_day, batch, holders) for price in (WRITES, READS))
    noted = {one: min(writes[one], 1 / found_by(one, per_day, holders)) for one in NOTE_ACTIVITY if one in writes}
    kept = {function: one - noted.get(function, Decimal(0)) for function, one in writes.items()}
    steady = {one: reads[one] for one in READ_THE_STEADY_TABLES if one in reads}
    others = {function: one for function, one in reads.items() if function not in steady}
    steady |= dict.fromkeys(HARDLY_READ, Decimal(1))
    rate = per_day / DAY_S
    least = TABLES_AND_INDEXES * to_set(per_day, percent) * percent / 100 / rate  # used units of a transaction
    return [
        _at_least(least, holders, line_of("DynamoDB, write capacity", kept, usd_a_million(WRITES, percent))),
        _at_least(least, holders, line_of("DynamoDB, read capacity", steady, usd_a_million(READS, percent))),
        line_of("DynamoDB, writes on demand", noted, Decimal(WRITES.usd_a_million)),
        line_of("DynamoDB, reads on demand", others, Decimal(READS.usd_a_million)),
    ]


def to_set(per_day: Decimal, percent: int) -> Decimal:
    """Return the number for SteadyTransactions, of which so many percent are used."""
    return Decimal(math.ceil(per_day / DAY_S * 100 / percent))


def _at_least(least: Decimal, holders: Decimal, line: Line) -> Line:
    """Return a line with at least so many units of a transaction, with those of its e-mails."""
    missing = least - line.units(Decimal(1), holders)
    return line if missing <= 0 else replace(line, a_transaction=line.a_transaction + missing)


def usd_a_million(price: Price, percent: int) -> Decimal:
    """Return what a million units cost of a capacity of which so many percent are used."""
    return USD_AN_HOUR[price] / _HOUR_S * _MILLION * 100 / percent
