"""What a command's options select by name: a name that fits nothing is an error, which says what there is."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable

from infra.failures import CommandFailed

_NAMED = 12  # values in a message


class NothingSelected(CommandFailed):
    """An option names something that there isn't. The message has the names that there are."""


def begins_with(value: str, wanted: str) -> bool:
    """Return whether a value is what was typed, or goes on after it."""
    return value.startswith(wanted)


def is_same(value: str, wanted: str) -> bool:
    """Return whether a value is what was typed."""
    return value == wanted


def is_same_function(value: str, wanted: str) -> bool:
    """Return whether both name one function, in app.py's spelling or in the alarms': transaction_stream and
    TransactionStream."""
    return value.replace("_", "").lower() == wanted.replace("_", "").lower()


@dataclasses.dataclass(frozen=True, slots=True)
class Option:
    """An option that selects by a name: what was typed, None if nothing was, and when a value fits it."""

    name: str
    wanted: str | None
    fits: Callable[[str, str], bool] = is_same


class Selection:
    """Selects by several options. It takes note of what there is, so that it can say so when nothing is selected."""

    def __init__(self, what: str, *options: Option) -> None:
        self._what = what
        self._options = options
        self._there = {option.name: Counter[str]() for option in options}
        self._taken = 0

    def takes(self, *values: str) -> bool:
        """Return whether something is selected whose values, in the options' order, are these."""
        is_taken = True
        for option, value in zip(self._options, values, strict=True):
            self._there[option.name][value] += 1
            is_taken &= option.wanted is None or option.fits(value, option.wanted)
        self._taken += is_taken
        return is_taken

    def check(self) -> None:
        """Raise NothingSelected when options name something, and nothing of what there is fits them."""
        if not self._taken and any(option.wanted is not None for option in self._options):
            raise self.nothing()

    def nothing(self) -> NothingSelected:
        """Return the error that says what was named, and what there is."""
        named = [option for option in self._options if option.wanted is not None]
        typed = " ".join(f"{option.name} '{option.wanted}'" for option in named)
        there = "; ".join(f"{option.name} can be {_listed(self._there[option.name])}" for option in named)
        is_empty = not any(self._there.values())
        return NothingSelected(f"no {self._what} is selected by {typed}: {'there is none' if is_empty else there}.")


def check_named(what: str, wanted: str | None, there: Iterable[str]) -> None:
    """Raise NothingSelected when something is named that isn't among what there is. `there` is read only if needed."""
    if wanted is not None:
        known = list(there)
        if wanted not in known:
            has = f"there are {_listed(known)}." if known else "there is none at all."
            raise NothingSelected(f"there is no {what} {wanted}: {has}")


def _listed(values: Iterable[str]) -> str:
    found = sorted(dict.fromkeys(values))
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(f"'{value}'" for value in found[:_NAMED]) + more
