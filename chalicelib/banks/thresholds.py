"""A bank's thresholds: the numbers of its flag rules, and which rules run."""

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

# How many of an account's latest transactions its baseline keeps.
MAX_RECENT = 16

FLAGS = ("large_amount", "velocity", "unusual_amount", "duplicate_suspect", "new_country")
MODES = ("on", "shadow", "off")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The numbers of a bank's flag rules, and the mode of each rule. A rule flags what is over its number.

    The modes: the flags of a rule that is `on` are notified; those of a rule in `shadow` are only counted; a rule that
    is `off` doesn't run. `large_amounts` are amounts by currency; in any other currency no amount is large.
    An unusual amount is more than `unusual_times` the account's mean, and more than `unusual_deviations` standard
    deviations above it.
    """

    modes: Mapping[str, str]
    large_amounts: Mapping[str, Decimal]
    velocity_count: int
    velocity_minutes: int
    unusual_times: Decimal
    unusual_deviations: Decimal
    unusual_min_count: int
    duplicate_minutes: int
    new_country_min_count: int

    def in_mode(self, mode: str) -> tuple[str, ...]:
        """Return the names of the rules in this mode (`on`, `shadow` or `off`), in the order of `FLAGS`."""
        return tuple(name for name in FLAGS if self.modes[name] == mode)


DEFAULT_THRESHOLDS = Thresholds(
    modes=dict.fromkeys(FLAGS, "on"),
    large_amounts={
        "CAD": Decimal("3000.00"),
        "CHF": Decimal("2000.00"),
        "EUR": Decimal("2000.00"),
        "GBP": Decimal("2000.00"),
        "MAD": Decimal("20000.00"),
        "TND": Decimal("6000.000"),
        "USD": Decimal("2000.00"),
        "XAF": Decimal("1000000"),
        "XOF": Decimal("1000000"),
    },
    velocity_count=5,
    velocity_minutes=10,
    unusual_times=Decimal(3),
    unusual_deviations=Decimal(3),
    unusual_min_count=20,
    duplicate_minutes=5,
    new_country_min_count=10,
)


def thresholds_of(flags: Mapping[str, Mapping[str, Any]]) -> Thresholds:
    """Return the thresholds in the loaded values of `flags`; what is absent has its default."""
    default = DEFAULT_THRESHOLDS

    def given(flag: str, name: str, otherwise: Any) -> Any:
        return flags.get(flag, {}).get(name, otherwise)

    return Thresholds(
        modes={name: given(name, "mode", default.modes[name]) for name in FLAGS},
        large_amounts=given("large_amount", "thresholds", default.large_amounts),
        velocity_count=given("velocity", "count", default.velocity_count),
        velocity_minutes=given("velocity", "minutes", default.velocity_minutes),
        unusual_times=given("unusual_amount", "times", default.unusual_times),
        unusual_deviations=given("unusual_amount", "deviations", default.unusual_deviations),
        unusual_min_count=given("unusual_amount", "min_count", default.unusual_min_count),
        duplicate_minutes=given("duplicate_suspect", "minutes", default.duplicate_minutes),
        new_country_min_count=given("new_country", "min_count", default.new_country_min_count),
    )
