"""Ids of accounts and transactions in the API's form, made of what is stable in a file."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass

from bank_simulator.files.entries import Entry, NotMapped
from chalicelib.ledger.card_numbers import holds_card_number
from chalicelib.ledger.keys import IDENTIFIER

_IBAN_AND_CURRENCY = re.compile(r"([A-Z]{2}\d{2}[A-Z0-9]{10,30}?)([A-Z]{3})")
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9._-]+")
# A hash in letters alone can't be taken for a card number.
_LETTERS = str.maketrans("0123456789", "ghijklmnop")
_HASH_BYTES = 14
_SEPARATOR = "\x1f"  # no text of a file has it between two of these


def account_id(account: str) -> str:
    """Return the account's id in the API: its IBAN without spaces, or a local number with `-` for what ids can't have.

    `/10020030/1234567` is 10020030-1234567; a currency behind an IBAN (`DE…EUR`) is left out. An account that would be
    too long or empty is `account-` and a hash. Raises NotMapped for what could be a card number: the API refuses it.
    """
    plain = "".join(account.split())
    with_currency = _IBAN_AND_CURRENCY.fullmatch(plain)
    if with_currency and is_iban(with_currency[1]):
        plain = with_currency[1]
    made = _NOT_IN_IDS.sub("-", plain).strip("-")
    if any(map(holds_card_number, (account, plain, made))) and not is_iban(plain):
        raise NotMapped("the number of its account could be a card number, which the API refuses in every field")
    is_id = IDENTIFIER.fullmatch(made) and any(map(str.isalnum, made))
    return made if is_id else f"account-{_hashed(plain)}"


def is_iban(text: str) -> bool:
    """Whether the text is an IBAN whose check digits are right (ISO 13616)."""
    moved = text[4:] + text[:4]
    return (
        len(text) >= 15
        and moved.isascii()
        and moved.isalnum()
        and int("".join(str(int(c, 36)) for c in moved)) % 97 == 1
    )


@dataclass(frozen=True, slots=True)
class Given:
    """An entry's transaction id, and whether an earlier statement, which may overlap, has an entry like it."""

    id: str
    is_in_both: bool


class TransactionIds:
    """Gives each entry of a file its transaction's id: the same on each replay, and in each file that has the entry.

    An id is the day and a hash of the account, the amount, the mark and the bank's reference; without a reference, of
    all that the entry says. The second of two entries that are equal in all of this gets `.2` behind it: files list
    the entries of a day in the same order.

    Statements of one file may overlap. An entry with a bank's reference has the same id in all of them. Without one,
    each is an entry of its own.
    """

    def __init__(self) -> None:
        self._given: Counter[str] = Counter()
        self._in_statement: dict[str, Counter[str]] = {}

    def begin(self, account: str) -> None:
        """Begin a statement that can have entries of the account's earlier ones."""
        self._in_statement[account] = Counter()

    def of(self, account: str, entry: Entry) -> Given:
        """Return the id of the next entry of the account's statement."""
        amount = f"{entry.amount.normalize():f}"
        known_by = f"reference {entry.bank_reference}"
        if not entry.bank_reference:
            known_by = f"text {entry.value_date} {entry.fingerprint}"
        stable = (account, str(entry.day), amount, entry.currency, entry.mark, known_by, entry.part)
        base = f"{entry.day:%Y%m%d}-{_hashed(_SEPARATOR.join(stable))}"
        in_statement = self._in_statement.setdefault(account, Counter())
        in_statement[base] += 1
        is_in_both = in_statement[base] <= self._given[base]
        number = in_statement[base] if entry.bank_reference else self._given[base] + 1
        self._given[base] = max(number, self._given[base])
        return Given(base if number == 1 else f"{base}.{number}", is_in_both)


def _hashed(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=_HASH_BYTES).hexdigest().translate(_LETTERS)
