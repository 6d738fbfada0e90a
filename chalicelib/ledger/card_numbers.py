"""Card numbers: whether a text holds what can be a full one."""

import re

_MIN_CARD_DIGITS, MAX_CARD_DIGITS = 13, 19
# What may begin a card number, with twelve more digits behind it and no letter in between. All that the steps below can
# find must pass here; most texts cost no more than this.
_CANDIDATE = re.compile(
    r"[2-689](?<![0-9]{2})(?:(?<=[3-6])|(?<=2)(?=[\W_]*+[2-7])|(?<=8)(?=[\W_]*+[126])|(?<=9)(?=[\W_]*+[678]))"
    r"(?:[\W_]*+[0-9]){12}",
    re.ASCII,
)


def holds_card_number(text: str) -> bool:
    """Whether `text` has an issuer's prefix with one of its lengths, the check digit, and groups as cards have them.

    The digits may be of any script and form, with anything but letters between their groups, an expiry date or a code
    beside them, and text glued to either end. What its own check or form shows to be something else (an IBAN, an RF
    reference, a UUID, a bank's account, a pair of telephone numbers) is no card number. Takes time in proportion to the
    text.
    """
    if len(text) < _MIN_CARD_DIGITS:
        return False
    if text.isascii():
        if _CANDIDATE.search(text) is None:
            return False
    elif sum(map(str.isnumeric, text)) < _MIN_CARD_DIGITS:
        return False
    # Few texts come here: a cold start doesn't wait for what these need.
    from chalicelib.ledger.digit_runs import digit_runs
    from chalicelib.ledger.known_identifiers import without_known_identifiers
    from chalicelib.ledger.written_digits import in_plain_characters

    if not (text.isascii() and text.isprintable()):
        text = in_plain_characters(text)
        if _CANDIDATE.search(text) is None:
            return False
    return any(run.holds_card_number() for run in digit_runs(without_known_identifiers(text)))
