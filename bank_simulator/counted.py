"""What `GET /analytics` should count of a run's transactions, and what it answers."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import urlencode

from bank_simulator.bank_api import BankApi
from bank_simulator.postings import Answer


class NotCounted(Exception):
    """`GET /analytics` gave no figures; the message names the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"GET /analytics was answered {answer}.")


@dataclass(frozen=True, slots=True)
class Counted:
    """The count and sums of settled transactions in a currency, as `GET /analytics` answers them."""

    count: int = 0
    credit: Decimal = Decimal(0)
    debit: Decimal = Decimal(0)


def to_be_counted(bodies: Iterable[bytes], default_currency: str) -> dict[str, Counted]:
    """Return the counts of the settled transactions among these bodies, by currency."""
    counts: dict[str, Counted] = {}
    for body in bodies:
        transaction = json.loads(body, parse_float=Decimal, parse_int=Decimal)
        if transaction.get("status", "settled") == "settled":
            currency, amount = transaction.get("currency", default_currency), Decimal(transaction["amount"])
            before = counts.get(currency, Counted())
            sums = {transaction["type"]: getattr(before, transaction["type"]) + amount}
            counts[currency] = replace(before, count=before.count + 1, **sums)
    return counts


def counted(bank: BankApi, **days: str) -> dict[str, Counted]:
    """Return what `GET /analytics` counts, by currency; `days` are its parameters. Raises NotCounted.

    Without parameters, it counts the last 31 days.
    """
    reply = bank.request("GET", f"/analytics?{urlencode(days)}" if days else "/analytics")
    if reply.answer.status != 200:
        raise NotCounted(reply.answer)
    return {
        total["currency"]: Counted(
            total["count"], Decimal(total["credit"]["amount"]), Decimal(total["debit"]["amount"])
        )
        for total in json.loads(reply.data)["totals"]
    }


def counted_since(before: Mapping[str, Counted], after: Mapping[str, Counted]) -> dict[str, Counted]:
    """Return the differences, by currency; currencies without a difference are left out."""
    added = {}
    for currency, sums in after.items():
        then = before.get(currency, Counted())
        if sums != then:
            added[currency] = Counted(sums.count - then.count, sums.credit - then.credit, sums.debit - then.debit)
    return added
