"""Runs of digits in groups, as people and machines write numbers, and the card numbers in them."""

import re
from array import array
from collections.abc import Iterator

from chalicelib.ledger.search_steps import Steps

# The first digits that issuers have, with the lengths of their numbers (ISO/IEC 7812; the ranges as published by the
# schemes and collected in Wikipedia's "Payment card number" and in Braintree's `credit-card-type`). Maestro shares its
# ranges with Discover, UnionPay, RuPay, Verve, Elo, Hipercard, Dankort, Troy, Laser and others.
_SCHEMES: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("Visa", "4", (13, 16, 19)),
    ("Mastercard", "5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),
    ("American Express", "3[47]", (15,)),
    ("Diners Club", "30[0-5]|3095|3[689]", (14, 15, 16, 17, 18, 19)),
    ("JCB", "352[89]|35[3-8]", (16, 17, 18, 19)),
    # Mastercard allows 12 to 19 digits. Fewer than 16 are not known to be issued, and a tenth of SIRETs would match.
    ("Maestro and those within its ranges", "50|5[678]|6", (16, 17, 18, 19)),
    ("Mir", "220[0-4]", (16, 17, 18, 19)),
    ("BORICA, PayPak", "2205", (16,)),
    ("RuPay, UnionPay", "8[12]", (16,)),
    ("Troy", "9792", (16,)),
    ("Napas", "9704", (16, 19)),
    ("UzCard, Humo", "8600|9860", (16,)),
    ("mada", "9682", (16,)),
)
_MIN_CARD_DIGITS, _MAX_CARD_DIGITS = 13, 19
_ISSUED = re.compile(
    "|".join(
        rf"(?=(?:{'|'.join(f'[0-9]{{{length}}}' for length in lengths)})\Z)(?:{prefix})"
        for _, prefix, lengths in _SCHEMES
    )
)
_GROUP = re.compile(r"[0-9]+")
# What may stand between two groups of one number: anything without a letter, but not the comma of a list.
_JOINT = re.compile(r"(?!\s*[,;]\s)[\W_]+", re.ASCII)

# A run's shape is the sizes of its groups, one character each: `4444` is four groups of four, `6d` is 6 and 13 digits.
_SIZES = "0123456789abcdefghij~"
# The shapes of card numbers, wherever they are in a run. Groups of four have rules of their own, below.
_WITHIN = re.compile(
    "(?=([d-j]|46[45]|6[ad]|5545|6445|4c|c4|448|484|844|664|(?<!8)88(?!8)|(?<!1)1{13,19}(?!1)|(?<!2)2{6,9}1?(?!2)))"
)
_FOURS = re.compile("(?=(4444[123]?|444[123]))")
_MAX_FOURS = 18
# More shapes, for a number that is alone in its run. Most cards have 16 digits: then any groups of up to six count.
_ALONE = re.compile(
    "2{6,9}1?|3{4,5}[12]?|5{2,3}[1-5]?|6{2,3}[1-5]?|77[1-5]?|8[5-8]|88[123]"
    "|67|78|87|9a|a9|69|6[bc]|4[bcf]|[bcf]4|6[ad]|474|654|4333|445|4447|4445"
)
_MOST_CARDS_SIZE = 16
_SMALL_GROUPS = re.compile("[1-6]+")
# Two telephone numbers of eight digits (Tunisia, Mali, Togo …), if they are joined otherwise than their groups are.
_TWO_PHONES = ("22222222", "233233", "332332")
# Printed accounts of Morocco and Tunisia: one group is as long as a card number, and the key makes all divisible by 97.
_ACCOUNTS = ("33g2", "23d2")
# `1228`, `2812`, `2028`. Of any four digits, six in a hundred look like these: more would refuse printed references.
_EXPIRY_OR_YEAR = re.compile("(?:0[1-9]|1[0-2])[23][0-9]|[23][0-9](?:0[1-9]|1[0-2])|20[0-9]{2}")


def digit_runs(text: str, steps: Steps) -> Iterator["DigitRun"]:
    """Yield the runs of groups of digits without a letter in between that have enough digits for a card number.

    Each group takes a step; raises TooMuchToSearch.
    """
    run, digits = DigitRun(text, steps), 0
    for group in _GROUP.finditer(text):
        steps.take()
        if run.ends and _JOINT.fullmatch(text, run.ends[-1], group.start()) is None:
            if digits >= _MIN_CARD_DIGITS:
                yield run
            run, digits = DigitRun(text, steps), 0
        run.starts.append(group.start())
        run.ends.append(group.end())
        digits += group.end() - group.start()
    if digits >= _MIN_CARD_DIGITS:
        yield run


class DigitRun:
    """Groups of digits that may be written as one number, or as several."""

    def __init__(self, text: str, steps: Steps) -> None:
        self.text = text
        self._steps = steps
        # Arrays, not lists of groups: a body full of digits must leave room for everything else.
        self.starts, self.ends = array("I"), array("I")
        self.shape: str  # the groups' sizes, once all are known

    def holds_card_number(self) -> bool:
        sizes = (end - start for start, end in zip(self.starts, self.ends, strict=True))
        self.shape = "".join([_SIZES[min(size, _MAX_CARD_DIGITS + 1)] for size in sizes])
        return not self._is_phones_or_account() and (
            self._is_card_by_itself()
            or self._holds_card_within()
            or self._holds_card_in_fours()
            or self._holds_card_in_a_row()
        )

    def _is_card_by_itself(self) -> bool:
        size = sum(self.ends) - sum(self.starts)
        small = size == _MOST_CARDS_SIZE and _SMALL_GROUPS.fullmatch(self.shape)
        return bool(small or _ALONE.fullmatch(self.shape)) and self._is_card(0, len(self.shape))

    def _holds_card_within(self) -> bool:
        return any(self._is_card(*found.span(1)) for found in _WITHIN.finditer(self.shape))

    def _holds_card_in_fours(self) -> bool:
        cards_ends = set[int]()
        for found in _FOURS.finditer(self.shape):
            first, end = found.span(1)
            for last in {first + 4, end}:  # the fifth group is a part of the number, or its code
                if self._is_card(first, last):
                    if first in cards_ends or self._is_a_row_by_itself(first, last):
                        return True
                    cards_ends.add(last)
        return False

    def _holds_card_in_a_row(self) -> bool:
        """Look at groups that are joined alike, with and without the first and the last: these may belong elsewhere."""
        return any(
            _ALONE.fullmatch(self.shape, start, stop) is not None and self._is_card(start, stop)
            for first, end in self._rows()
            for start in {first, first + (first > 0)}
            for stop in {end, end - (end < len(self.shape))}
        )

    def _rows(self) -> Iterator[tuple[int, int]]:
        first, joint = 0, None
        for place in range(len(self.shape) - 1):
            next_joint = self._joint(place, 1)
            if joint is not None and next_joint != joint:
                self._steps.take()
                yield first, place + 1
                first = place
            joint = next_joint
        yield first, len(self.shape)

    def _is_a_row_by_itself(self, first: int, end: int) -> bool:
        """Whether the row of groups of four is no longer than a card's: accounts and references have longer rows.

        Not counted: an expiry date or a year beside the number, and another card number.
        """
        before, behind = self._fours(first, -1), self._fours(end - 1, 1)
        return (before % 4 == 0 or self._is_expiry_or_year(first - 1)) and (
            behind % 4 == 0 or self._is_expiry_or_year(end)
        )

    def _fours(self, place: int, step: int) -> int:
        """Count the groups of four that follow `place` and are joined like the groups of the number itself."""
        joint, count = self._joint(place, -step), 0
        while (
            count < _MAX_FOURS
            and 0 <= place + step < len(self.shape)
            and self.shape[place + step] == "4"
            and self._joint(place, step) == joint
        ):
            place, count = place + step, count + 1
        return count

    def _is_expiry_or_year(self, place: int) -> bool:
        return _EXPIRY_OR_YEAR.fullmatch(self._digits(place, place + 1)) is not None

    def _is_phones_or_account(self) -> bool:
        """Whether the run is two telephone numbers of eight digits, or an account of 20 or 24 with its key."""
        if self.shape in _TWO_PHONES:
            joints = [self._joint(place, 1) for place in range(len(self.shape) - 1)]
            return joints.pop(len(joints) // 2) not in joints
        return self.shape in _ACCOUNTS and int(self._digits(0, len(self.shape))) % 97 == 0

    def _is_card(self, first: int, end: int) -> bool:
        self._steps.take(2)
        digits = self._digits(first, end)
        if _ISSUED.match(digits) is None or not _passes_luhn(digits):
            return False
        start = self.starts[first]
        return not (len(digits) == _MIN_CARD_DIGITS and self.text[start - 1 : start] == "+")  # a telephone number

    def _joint(self, place: int, step: int) -> str:
        left = min(place, place + step)
        return self.text[self.ends[left] : self.starts[left + 1]]

    def _digits(self, first: int, end: int) -> str:
        return "".join([self.text[self.starts[place] : self.ends[place]] for place in range(first, end)])


def _passes_luhn(digits: str) -> bool:
    # ISO/IEC 7812-1, annex B: every second digit from the right is doubled, and the digits of that are added.
    doubled = sum(int(digit) * 2 - 9 * (digit > "4") for digit in digits[-2::-2])
    return (sum(map(int, digits[::-2])) + doubled) % 10 == 0
