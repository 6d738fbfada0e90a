"""Which entry of the file a reversal gives back."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from bank_simulator.files.entries import CREDIT, DEBIT, REVERSED_DEBIT, Entry

# A shorter reference is no name: many entries could have it. In a text, it must look like a reference, too.
_MIN_REFERENCE = 4
_REFERENCE_IN_TEXT = re.compile(r"(?=[^\s,;:()]*\d)[^\s,;:()]{6,}")


class NoOriginal(Exception):
    """The file doesn't say which entry is reversed; the message is the reason."""


@dataclass(frozen=True, slots=True)
class _Booked:
    place: int
    entry: Entry
    id: str


class Originals:
    """The entries of a file that a reversal can give back, by account and reference."""

    def __init__(self, entries: Iterable[tuple[str, Entry, str]]) -> None:
        """Take each entry with its account's and its transaction's id."""
        self._booked: dict[tuple[str, str], list[_Booked]] = defaultdict(list)
        for place, (account, entry, transaction_id) in enumerate(entries):
            if not entry.is_reversal:
                for reference in entry.references:
                    self._booked[account, reference].append(_Booked(place, entry, transaction_id))

    def id_of(self, account: str, reversal: Entry) -> str:
        """Return the id of the one entry that the reversal names, by a common reference or in its text.

        It is of the same account and currency, goes the other way, and is not booked later. Of several, it is the one
        with the same amount. Raises NoOriginal.
        """
        named = self._named(account, reversal, reversal.references)
        if not named:
            named = self._named(account, reversal, _REFERENCE_IN_TEXT.findall(reversal.text))
        if not named:
            raise NoOriginal("it names no entry of this file")
        if len(named) > 1:
            named = [booked for booked in named if booked.entry.amount == reversal.amount]
        if len(named) != 1:
            raise NoOriginal("several entries of this file have the reference that it names")
        return named[0].id

    def _named(self, account: str, reversal: Entry, references: Iterable[str]) -> list[_Booked]:
        mark = DEBIT if reversal.mark == REVERSED_DEBIT else CREDIT
        found = {
            booked.place: booked
            for reference in references
            if len(reference) >= _MIN_REFERENCE
            for booked in self._booked.get((account, reference), ())
            if booked.entry.mark == mark
            and booked.entry.currency == reversal.currency
            and booked.entry.day <= reversal.day
        }
        return list(found.values())
