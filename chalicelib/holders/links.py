"""Links in a holder's e-mails: to the preferences page, and to unsubscribe with one click. `link_tokens` encrypts them.

A holder has no password: who opens the link is taken for the holder.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.aws.secret_store import CACHE_FOR, SecretStore
from chalicelib.aws.telemetry import count, logger
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


# How long a link is valid. The page shows the holder's choices, so an old e-mail in other hands must not open it.
# The link to unsubscribe shows nothing of them, and must work for a long time (RFC 8058).
GOOD_FOR = {Purpose.PREFERENCES: timedelta(days=30), Purpose.UNSUBSCRIBE: timedelta(days=366)}


class InvalidLink(Exception):
    """The link was not issued by this stage, is too old, or its holder is gone. The answer doesn't say which."""


@dataclass(frozen=True, slots=True)
class Links:
    """The links of one e-mail, as URLs; None for an e-mail without links."""

    preferences: str | None = None
    unsubscribe: str | None = None

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers with which mail programs offer to unsubscribe with one click (RFC 2369, RFC 8058)."""
        if self.unsubscribe is None:
            return ()
        return (
            ("List-Unsubscribe", f"<{self.unsubscribe}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        )


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a link names: the holder for whom it was issued, and its purpose.

    `address_mark` is a short hash of the address to which it was sent, and of when the holder was first enrolled.
    """

    bank: str
    account: str
    holder: str
    address_mark: str
    purpose: Purpose

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

    def links_for(self, bank: str, account: str, holder: Holder) -> Links:
        """Return the links for an e-mail to this holder.

        Returns no links if the stage has no `base_url`, and while the keys can't be read: an e-mail without links is
        better than no e-mail.
        """
        now = self._clock()
        if not self._base_url or (self._try_again_at is not None and now < self._try_again_at):
            return Links()
        try:
            keys = self._keys()
        except Exception as error:
            self._try_again_at = now + _TRY_AGAIN_AFTER
            logger.error("links_unavailable", extra={"error": type(error).__name__})
            count("LinksUnavailable")
            return Links()
        fields = (bank, account, holder.id, _mark_of(holder))
        preferences, unsubscribe = (
            f"{self._base_url}/preferences/{seal(fields, purpose, keys[0], now)}"
            for purpose in (Purpose.PREFERENCES, Purpose.UNSUBSCRIBE)
        )
        return Links(preferences, unsubscribe)

    def read(self, token: str) -> Bearer:
        """Return what a link names. `token` is the last part of the link's path.

        Raises InvalidLink, TemporarilyUnavailable.
        """
        found = self._read_with(self._keys(), token) or self._read_with(self._keys(_REREAD_AFTER), token)
        if found is None:
            raise InvalidLink
        return found

    def _read_with(self, keys: Sequence[str], token: str) -> Bearer | None:
        for purpose, good_for in GOOD_FOR.items():
            try:
                bank, account, holder, address_mark = open_sealed(token, purpose, keys, good_for, self._clock())
            except (InvalidToken, ValueError):  # for another purpose, too old, forged, or of another release
                continue
            return Bearer(bank, account, holder, address_mark, purpose)
        return None

    def _keys(self, max_age: timedelta = CACHE_FOR) -> list[str]:
        """Return the keys, the newest first: it seals new links."""
        stored = json.loads(self._secrets.get(self._secret_arn, max_age))
        return [stored["newest"], *stored["older"]]


def _mark_of(holder: Holder) -> str:
    """Return a short hash, which differs between a holder's addresses, and between enrolments after an erasure."""
    return _mark(f"{format_time(holder.created_at or holder.enrolled_at)} {canonical(holder.email)}")


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]
