"""The thresholds that a bank has by default, and which of its rules run."""

import dataclasses

from chalicelib.banks.thresholds import DEFAULT_THRESHOLDS, FLAGS
from chalicelib.ledger.money import CURRENCY_DECIMALS, excess_decimals


def test_every_rule_is_on_by_default_and_knows_likely_currencies() -> None:
    assert DEFAULT_THRESHOLDS.in_mode("on") == FLAGS
    large = DEFAULT_THRESHOLDS.large_amounts
    assert {"EUR", "USD", "XAF", "XOF"} <= large.keys() <= CURRENCY_DECIMALS.keys()
    assert not any(excess_decimals(amount, currency) for currency, amount in large.items())


def test_rules_are_listed_by_their_mode() -> None:
    modes = {**DEFAULT_THRESHOLDS.modes, "velocity": "shadow", "new_country": "off", "large_amount": "shadow"}
    thresholds = dataclasses.replace(DEFAULT_THRESHOLDS, modes=modes)
    assert thresholds.in_mode("on") == ("unusual_amount", "duplicate_suspect")
    assert thresholds.in_mode("shadow") == ("large_amount", "velocity")
    assert thresholds.in_mode("off") == ("new_country",)
