"""The numbers of other accounts, as they are kept: an IBAN in one piece, any other as it was sent."""

MAX_ACCOUNT = 34


def as_account_number(text: str) -> str:
    """Return a normalised text, or the IBAN that it is without what stands between its groups."""
    return text if text.isalnum() else _iban_of(text) or text


def is_same_account(one: str, other: str) -> bool:
    """Whether two texts are the number of the same account.

    Earlier releases kept an IBAN as it was printed, and cut a longer one.
    """
    return one == other or _is_as_kept_before(one, other) or _is_as_kept_before(other, one)


def _is_as_kept_before(now: str, before: str) -> bool:
    from chalicelib.ledger.known_identifiers import undivided

    if _iban_of(now) != now:
        return False
    plain = undivided(before)
    # A cut leaves out a space at its end.
    return plain == now or (MAX_ACCOUNT - 1 <= len(before) <= MAX_ACCOUNT and now.startswith(plain))


def _iban_of(text: str) -> str | None:
    # Few accounts come here: a cold start doesn't wait for what they need.
    from chalicelib.ledger.known_identifiers import iban_of

    return iban_of(text)
