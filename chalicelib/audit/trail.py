"""Adding to the audit trail, before a change is made: a change whose entry can't be stored is not made.

So no change is without an entry. An entry may be without its change, when that was refused or broke off after it: an
API request's `request_id` leads to its answer in the access log.
"""

import hmac
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime

from chalicelib.audit.entry import Author, Entry
from chalicelib.audit.repository import AuditRepository
from chalicelib.ledger.times import sortable

_LENGTH = 32  # characters of a hash in hex: 128 bits
_PURPOSE = b"subject of the audit trail"


class Trail:
    """The audit trail as those who change something see it. `secret` returns what the hashes are keyed with."""

    def __init__(self, repository: AuditRepository, secret: Callable[[], str], clock: Callable[[], datetime]) -> None:
        self._repository = repository
        self._secret = secret
        self._clock = clock

    def by(self, author: Author, bank: str) -> "Changes":
        """Return the trail of what this author changes of the bank's data now."""
        return Changes(self, author, bank)

    def holder(self, bank: str, account: str, holder_id: str) -> str:
        """Return the hash that names an account's holder in the trail. Raises TemporarilyUnavailable."""
        return self.hashed(bank, "holder", account, holder_id)

    def hashed(self, *names: str) -> str:
        """Return a keyed hash of the names: who doesn't have the key can't try out who is meant."""
        key = hmac.digest(self._secret().encode(), _PURPOSE, "sha256")
        return hmac.digest(key, "#".join(names).encode(errors="surrogatepass"), "sha256").hex()[:_LENGTH]

    def add(self, author: Author, bank: str, action: str, subject: str = "", fields: Iterable[str] = ()) -> None:
        """Add an entry for a change that is about to be made. Raises TemporarilyUnavailable."""
        now = self._clock()
        # The random part keeps entries of the same moment apart.
        entry_id = f"{sortable(now)}-{secrets.token_hex(8)}"
        self._repository.append(Entry(entry_id, bank, now, author, action, subject, tuple(fields)))


class Changes:
    """What one author changes in one request. The same change, tried again, has one entry."""

    def __init__(self, trail: Trail, author: Author, bank: str) -> None:
        self._trail = trail
        self._author = author
        self._bank = bank
        self._added: set[tuple[str, str, tuple[str, ...]]] = set()

    def of_bank(self, action: str, fields: Iterable[str] = ()) -> None:
        """Add an entry for a change of the bank itself: its settings, keys or secrets."""
        self._add(action, "", fields)

    def of_holder(self, action: str, account: str, holder_id: str, fields: Iterable[str] = ()) -> None:
        """Add an entry for a change of an account's holder."""
        self._add(action, self._trail.holder(self._bank, account, holder_id), fields)

    def of_transaction(self, action: str, transaction_id: str) -> None:
        """Add an entry for what is done about a transaction: about its case, for one."""
        self._add(action, self._trail.hashed(self._bank, "transaction", transaction_id), ())

    def of_address(self, action: str, digest: str) -> None:
        """Add an entry for a change of an e-mail address, which its hash names (`holders.addresses`)."""
        self._add(action, self._trail.hashed(self._bank, "address", digest), ())

    def of_member(self, action: str, email: str, fields: Iterable[str] = ()) -> None:
        """Add an entry for a change of a member of the bank's staff."""
        self._add(action, self._trail.hashed(self._bank, "staff", email), fields)

    def _add(self, action: str, subject: str, fields: Iterable[str]) -> None:
        change = (action, subject, tuple(fields))
        if change not in self._added:
            self._trail.add(self._author, self._bank, *change)
            self._added.add(change)
