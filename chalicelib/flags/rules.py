"""The flag rules: what makes a transaction suspicious, each a comparison of the transaction with its account's history.

A rule returns its evidence, numbers and codes from which an explanation is made, or None. It never compares a
transaction with itself, nor an authorization with its settlement: the history may hold them already.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any

from chalicelib.banks.thresholds import Thresholds
from chalicelib.flags.baselines import (
    MAX_COUNTRIES,
    Amounts,
    Baseline,
    Recent,
    amounts_key,
    is_attempt,
    recent_of,
    reference_of,
)
from chalicelib.ledger.money import format_amount
from chalicelib.ledger.stored_form import place_of
from chalicelib.ledger.times import shifted
from chalicelib.ledger.transaction import Transaction

JUDGED = ("settled", "authorized")

Evidence = dict[str, Any]  # JSON values; amounts are exact decimal strings

_EXACT = Context(prec=60)


def judge(transaction: Transaction, history: Baseline, thresholds: Thresholds) -> dict[str, Evidence]:
    """Return the evidence of each rule, on or in shadow, that flags the transaction; {} for most.

    Only what is settled or authorized is judged: declined and reversed ones have moved no money.
    """
    if transaction.status not in JUDGED:
        return {}
    found = {}
    for name, rule in RULES.items():
        if thresholds.modes[name] != "off":
            evidence = rule(transaction, history, thresholds)
            if evidence is not None:
                found[name] = evidence
    return found


def large_amount(transaction: Transaction, _history: Baseline, thresholds: Thresholds) -> Evidence | None:
    """Flag an amount over the bank's threshold for its currency."""
    threshold = thresholds.large_amounts.get(transaction.currency)
    if threshold is None or transaction.amount <= threshold:
        return None
    return {**_amount(transaction), "threshold": format_amount(threshold, transaction.currency)}


def velocity(transaction: Transaction, history: Baseline, thresholds: Thresholds) -> Evidence | None:
    """Flag one of too many attempts within minutes, declined ones included, whichever of them comes in first."""
    if not is_attempt(transaction):
        return None
    this, within = transaction.timestamp, timedelta(minutes=thresholds.velocity_minutes)
    times = sorted([this, *(one.at for one in _others(transaction, history) if abs(one.at - this) < within)])
    # Of the windows with this attempt in them, one that begins with an attempt has the most. One that begins later has
    # fewer than the one that begins with this.
    count = max(bisect_left(times, shifted(at, within)) - n for n, at in enumerate(times))
    if count <= thresholds.velocity_count:
        return None
    return {"count": count, "limit": thresholds.velocity_count, "minutes": thresholds.velocity_minutes}


def unusual_amount(transaction: Transaction, history: Baseline, thresholds: Thresholds) -> Evidence | None:
    """Flag an amount far above the account's usual ones of its currency and type, once it has enough of them."""
    usual = _usual(transaction, history)
    if usual.count < thresholds.unusual_min_count:
        return None
    enough = max(
        _EXACT.multiply(thresholds.unusual_times, usual.mean),
        _EXACT.fma(thresholds.unusual_deviations, usual.deviation, usual.mean),
    )
    if transaction.amount <= enough:
        return None
    # Rounded down, so that nobody is told of more than it was.
    times = _EXACT.divide(transaction.amount, usual.mean).quantize(Decimal("0.1"), ROUND_DOWN)
    usually = format_amount(usual.mean, transaction.currency)
    return {**_amount(transaction), "usual": usually, "times": f"{times:f}", "count": usual.count}


def duplicate_suspect(transaction: Transaction, history: Baseline, thresholds: Thresholds) -> Evidence | None:
    """Flag a second payment of one amount at one merchant within minutes, whichever of the two comes in first."""
    if not is_attempt(transaction):
        return None
    this = recent_of(transaction)
    apart = [
        abs(transaction.timestamp - one.at)
        for one in _others(transaction, history)
        if this.merchant and (one.amount, one.currency, one.merchant) == (this.amount, this.currency, this.merchant)
    ]
    if not apart or min(apart) > timedelta(minutes=thresholds.duplicate_minutes):
        return None
    seconds = int(min(apart).total_seconds())
    return {**_amount(transaction), "seconds": seconds, "minutes": thresholds.duplicate_minutes}


def new_country(transaction: Transaction, history: Baseline, thresholds: Thresholds) -> Evidence | None:
    """Flag a merchant's country that the account hasn't used, once it has a history and has used any other.

    An account that has been in 16 countries travels; one more tells nothing.
    """
    country = (transaction.merchant or {}).get("country")
    own = reference_of(transaction)
    known = sorted(code for code, reference in history.countries.items() if reference != own)
    count = sum(amounts.count for amounts in history.amounts.values()) - _is_counted(transaction, history)
    if not country or not known or country in known or len(known) >= MAX_COUNTRIES:
        return None
    if count < thresholds.new_country_min_count:
        return None
    return {"country": country, "known": known, "count": count}


RULES: Mapping[str, Callable[[Transaction, Baseline, Thresholds], Evidence | None]] = {
    "large_amount": large_amount,
    "velocity": velocity,
    "unusual_amount": unusual_amount,
    "duplicate_suspect": duplicate_suspect,
    "new_country": new_country,
}


def _amount(transaction: Transaction) -> Evidence:
    return {"amount": format_amount(transaction.amount, transaction.currency), "currency": transaction.currency}


def _others(transaction: Transaction, history: Baseline) -> Iterator[Recent]:
    own = reference_of(transaction)
    return (one for one in history.attempts if one.reference != own)


def _usual(transaction: Transaction, history: Baseline) -> Amounts:
    amounts = history.amounts.get(amounts_key(transaction), Amounts())
    return amounts.without(transaction.amount) if _is_counted(transaction, history) else amounts


def _is_counted(transaction: Transaction, history: Baseline) -> bool:
    """Whether the history's amounts hold the transaction itself."""
    return transaction.status == "settled" and history.is_in(*place_of(transaction))
