"""Card numbers: whether a text holds what can be a full one."""

import re
from collections.abc import Iterator

from chalicelib.ledger.search_steps import Steps

_MIN_CARD_DIGITS, MAX_CARD_DIGITS = 13, 19
# What may begin a card number, with twelve more digits behind it and no letter in between. All that the steps below can
# find must pass here; most texts cost no more than this.
_CANDIDATE = re.compile(
    r"[2-689](?<![0-9]{2})(?:(?<=[3-6])|(?<=2)(?=[\W_]*+[2-7])|(?<=8)(?=[\W_]*+[126])|(?<=9)(?=[\W_]*+[678]))"
    r"(?:[\W_]*+[0-9]){12}",
    re.ASCII,
)


# What may hold one: from a digit on, so many characters without a letter.
_RUN = re.compile(rf"[0-9][\W_0-9]{{{_MIN_CARD_DIGITS - 1},}}+", re.ASCII)
_ENOUGH_DIGITS = re.compile(rf"[0-9](?:[^0-9]*+[0-9]){{{_MIN_CARD_DIGITS - 1}}}")
_LETTER = re.compile("[A-Za-z]")
# An identifier that has some of a run's digits begins and ends at most so far from the run: an IBAN has 34 characters,
# with three others between two.
_AROUND = 4 * 34
# How many characters the patterns of candidates and of known identifiers look at in one step.
_A_STEP = 8


def holds_card_number(text: str, steps: Steps | None = None) -> bool:
    """Whether `text` has an issuer's prefix with one of its lengths, the check digit, and groups as cards have them.

    The digits may be of any script and form, with anything between their groups but letters and the `, ` or `; ` of a
    list, an expiry date or a code beside them, and text glued to either end. What its own check or form shows to be
    something else (an IBAN, an RF reference, a UUID, a bank's account, a pair of telephone numbers) is no card number.
    Takes time in proportion to the text, and most texts take no steps. Raises TooMuchToSearch when it needs more than
    the `steps`.
    """
    if len(text) < _MIN_CARD_DIGITS:
        return False
    if not text.isascii() and sum(map(str.isnumeric, text)) < _MIN_CARD_DIGITS:
        return False
    steps = steps or Steps()
    plain = text
    if not (text.isascii() and text.isprintable()):
        # Few texts come here: a cold start doesn't wait for what these need.
        from chalicelib.ledger.written_digits import in_plain_characters

        plain = in_plain_characters(text)
    found = _candidates(plain, steps)
    if not found:
        return False
    from chalicelib.ledger.digit_runs import digit_runs
    from chalicelib.ledger.known_identifiers import without_known_identifiers

    for first, end in _regions(plain, found):
        steps.take(1 + (end - first) // _A_STEP)
        left = without_known_identifiers(plain[first:end], steps)
        if any(run.holds_card_number() for run in digit_runs(left, steps)):
            return True
    return False


def _candidates(text: str, steps: Steps) -> list[tuple[int, int]]:
    """Return where the runs are that may hold a card number."""
    found = []
    for run in _RUN.finditer(text):
        if _ENOUGH_DIGITS.match(run[0]) is not None:
            steps.take(1 + len(run[0]) // _A_STEP)
            if _CANDIDATE.search(run[0]) is not None:
                found.append(run.span())
    return found


def _regions(text: str, found: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the parts of the text that have the runs, each with all of any identifier that has digits of them."""
    first, last = 0, -1
    for start, end in found:
        begin = max(0, start - _AROUND)
        if begin > last:
            if last >= 0:
                yield first, last
            # From a letter on: a part of another run could look like a card number that the whole is not.
            letter = _LETTER.search(text, begin, start) if begin else None
            first = letter.start() if letter else start if begin else 0
        last = end + _AROUND
    yield first, last
