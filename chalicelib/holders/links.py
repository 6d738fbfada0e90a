"""Links in a holder's e-mails: to the preferences page, to unsubscribe with one click, to answer a security alert, and
to confirm an address. `link_tokens` encrypts them.

A holder has no password: who opens the link is taken for the holder.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from chalicelib.aws.secret_store import CACHE_FOR, SecretStore
from chalicelib.aws.telemetry import count, logger
from chalicelib.holders.address import Address
from chalicelib.holders.confirmation import ASKED_AT_MOST_EACH
from chalicelib.holders.holder import Holder
from chalicelib.holders.link_tokens import InvalidToken, open_sealed, seal
from chalicelib.ledger.email_address import canonical
from chalicelib.ledger.times import format_time

# A link may be made with a newer key than the cached keys, so the keys are read again before a link is refused; but
# not more often than this, because a forged link would cost a read each time.
_REREAD_AFTER = timedelta(seconds=10)
# While the keys can't be read, e-mails go out without links. For this long, no e-mail waits for another try.
_TRY_AGAIN_AFTER = timedelta(minutes=1)


class Purpose(StrEnum):
    """What a link is for. A link of one can't be changed into one of the other."""

    PREFERENCES = "preferences"
    UNSUBSCRIBE = "unsubscribe"
    ANSWER = "answer"
    CONFIRM = "confirm"


# How long a link is valid. The page shows the holder's choices, so an old e-mail in other hands must not open it.
# The link to unsubscribe shows nothing of them, and must work for a long time (RFC 8058).
GOOD_FOR = {
    Purpose.PREFERENCES: timedelta(days=30),
    Purpose.UNSUBSCRIBE: timedelta(days=366),
    Purpose.ANSWER: timedelta(days=7),
    Purpose.CONFIRM: ASKED_AT_MOST_EACH,
}
_OF_PREFERENCES = (Purpose.PREFERENCES, Purpose.UNSUBSCRIBE)


class InvalidLink(Exception):
    """The link was not issued by this stage, is too old, or its holder is gone. The answer doesn't say which."""


class AnswerLinks(NamedTuple):
    """The links with which a holder answers whether a transaction was the holder's, as URLs."""

    was_me: str
    was_not_me: str


@dataclass(frozen=True, slots=True)
class Links:
    """The links of one e-mail, as URLs; None for an e-mail without links.

    `answers` are those of the flagged transactions that a security alert tells of, by transaction id.
    """

    preferences: str | None = None
    unsubscribe: str | None = None
    answers: Mapping[str, AnswerLinks] = field(default_factory=dict)

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers with which mail programs offer to unsubscribe with one click (RFC 2369, RFC 8058)."""
        if self.unsubscribe is None:
            return ()
        return (
            ("List-Unsubscribe", f"<{self.unsubscribe}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        )


class LinksFor(Protocol):
    """Makes the links of an e-mail, as `HolderLinks.links_for` does."""

    def __call__(self, bank: str, account: str, holder: Holder, alerts: Sequence[str] = (), /) -> Links: ...


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a link names: the holder for whom it was issued, and its purpose.

    `address_mark` is a short hash of the address to which it was sent, and of when the holder was first enrolled.
    `about` is, for `ANSWER`, the transaction's id and the button: the field of `AnswerLinks`.
    """

    bank: str
    account: str
    holder: str
    address_mark: str
    purpose: Purpose
    about: tuple[str, ...] = ()

    def is_for(self, holder: Holder) -> bool:
        """Return whether the link was sent to this holder's current address.

        When the bank gives the holder's id another address, old links become invalid. So they do when it erases the
        holder and enrols somebody under the same id, even with the same address. Another spelling of the same address
        changes nothing.
        """
        # Links of earlier releases have the mark of the address alone, of the oldest as it was spelt.
        marks = (_mark_of(holder), _mark(canonical(holder.email)), _mark(holder.email))
        return holder.id == self.holder and self.address_mark in marks


class HolderLinks:
    """Issues and reads links.

    The secret is `{"newest": key, "older": [keys]}`: the newest key makes links, and links of any of them are valid.
    `base_url` is the URL at which the stage's pages are; without it, no links are issued.
    """

    def __init__(
        self, secrets: SecretStore, secret_arn: str, clock: Callable[[], datetime], base_url: str = ""
    ) -> None:
        self._secrets = secrets
        self._secret_arn = secret_arn
        self._clock = clock
        self._base_url = base_url.rstrip("/")
        self._try_again_at: datetime | None = None

    def links_for(self, bank: str, account: str, holder: Holder, alerts: Sequence[str] = ()) -> Links:
        """Return the links for an e-mail to this holder. `alerts` are the ids of flagged transactions in it.

        Returns no links if the stage has no `base_url`, and while the keys can't be read: an e-mail without links is
        better than no e-mail.
        """
        key = self._newest_key()
        if key is None:
            return Links()
        fields = (bank, account, holder.id, _mark_of(holder))

        def link(path: str, purpose: Purpose, *about: str) -> str:
            return self._link(path, (*fields, *about), purpose, key)

        preferences, unsubscribe = (link("preferences", purpose) for purpose in _OF_PREFERENCES)
        answers = {
            transaction: AnswerLinks(
                *(link("alerts", Purpose.ANSWER, transaction, button) for button in AnswerLinks._fields)
            )
            for transaction in alerts
        }
        return Links(preferences, unsubscribe, answers)

    def confirmation_link(self, address: Address) -> str | None:
        """Return the link with which whoever reads the address's e-mails confirms it; None where there are no links."""
        key = self._newest_key()
        return self._link("addresses", address, Purpose.CONFIRM, key) if key else None

    def read_confirmation(self, token: str) -> Address:
        """Return which address a link confirms. Raises InvalidLink, TemporarilyUnavailable."""
        for max_age in (CACHE_FOR, _REREAD_AFTER):
            try:
                fields = open_sealed(
                    token, Purpose.CONFIRM, self._keys(max_age), GOOD_FOR[Purpose.CONFIRM], self._clock()
                )
                return Address(*fields)
            except (InvalidToken, TypeError):
                continue
        raise InvalidLink

    def read(self, token: str, purposes: Sequence[Purpose] = _OF_PREFERENCES) -> Bearer:
        """Return what a link for one of the purposes names. `token` is the last part of the link's path.

        Raises InvalidLink, TemporarilyUnavailable.
        """
        found = self._read_with(self._keys(), token, purposes) or self._read_with(
            self._keys(_REREAD_AFTER), token, purposes
        )
        if found is None:
            raise InvalidLink
        return found

    def _read_with(self, keys: Sequence[str], token: str, purposes: Sequence[Purpose]) -> Bearer | None:
        for purpose in purposes:
            try:
                fields = open_sealed(token, purpose, keys, GOOD_FOR[purpose], self._clock())
                bank, account, holder, address_mark, *about = fields
            except (InvalidToken, ValueError):  # for another purpose, too old, forged, or of another release
                continue
            if len(about) == (2 if purpose is Purpose.ANSWER else 0):
                return Bearer(bank, account, holder, address_mark, purpose, tuple(about))
        return None

    def _newest_key(self) -> str | None:
        """Return the key for new links; None if the stage has no `base_url`, and while the keys can't be read."""
        now = self._clock()
        if not self._base_url or (self._try_again_at is not None and now < self._try_again_at):
            return None
        try:
            return self._keys()[0]
        except Exception as error:
            self._try_again_at = now + _TRY_AGAIN_AFTER
            logger.error("links_unavailable", extra={"error": type(error).__name__})
            count("LinksUnavailable")
            return None

    def _link(self, path: str, fields: Sequence[str], purpose: Purpose, key: str) -> str:
        return f"{self._base_url}/{path}/{seal(fields, purpose, key, self._clock())}"

    def _keys(self, max_age: timedelta = CACHE_FOR) -> list[str]:
        """Return the keys, the newest first: it seals new links."""
        stored = json.loads(self._secrets.get(self._secret_arn, max_age))
        return [stored["newest"], *stored["older"]]


def _mark_of(holder: Holder) -> str:
    """Return a short hash, which differs between a holder's addresses, and between enrolments after an erasure."""
    return _mark(f"{format_time(holder.created_at or holder.enrolled_at)} {canonical(holder.email)}")


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]
