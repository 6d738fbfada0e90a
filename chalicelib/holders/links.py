"""Signed links by which a holder proves to be one: to the preferences page, and to unsubscribe with one click."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from chalicelib.aws.secret_store import CACHE_FOR, SecretStore
from chalicelib.aws.telemetry import count, logger
from chalicelib.holders.holder import Holder

# A link that doesn't fit may have been signed with a key that is newer than those remembered. How soon they are read
# again bounds what forged links can cost.
_REREAD_AFTER = timedelta(seconds=10)
# While the keys can't be read, mails go out without links, and none of them waits for another try.
_TRY_AGAIN_AFTER = timedelta(minutes=1)


class Purpose(StrEnum):
    """What a link is good for. Each has signatures of its own, so that one can't be turned into the other."""

    PREFERENCES = "preferences"
    UNSUBSCRIBE = "unsubscribe"


# The page shows what a holder has chosen, so an old e-mail in other hands should not open it. Unsubscribing shows
# nothing and must work however late (RFC 8058).
GOOD_FOR = {Purpose.PREFERENCES: timedelta(days=30), Purpose.UNSUBSCRIBE: timedelta(days=366)}


class InvalidLink(Exception):
    """A link that was not issued here, is too old, or names nobody who is there: which of them is nobody's business."""


@dataclass(frozen=True, slots=True)
class Links:
    """The links of one e-mail, as URLs; None where the stage doesn't know its own URL."""

    preferences: str | None = None
    unsubscribe: str | None = None

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The e-mail's headers by which mail programs offer to unsubscribe with one click (RFC 2369, RFC 8058)."""
        if self.unsubscribe is None:
            return ()
        return (
            ("List-Unsubscribe", f"<{self.unsubscribe}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        )


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a link was issued for, and what for."""

    bank: str
    account: str
    holder: str
    address_mark: str
    purpose: Purpose

    def is_for(self, holder: Holder) -> bool:
        """Whether the link went to the address that this holder has now.

        When the bank gives an id to another address, or to another person, links in the old mailbox end.
        """
        return holder.id == self.holder and _mark(holder.email) == self.address_mark


class HolderLinks:
    """Issues and reads links. The secret holds `{"newest": key, "older": [keys]}`: the newest signs, all are good."""

    def __init__(
        self, secrets: SecretStore, secret_arn: str, clock: Callable[[], datetime], base_url: str = ""
    ) -> None:
        self._secrets = secrets
        self._secret_arn = secret_arn
        self._clock = clock
        self._base_url = base_url.rstrip("/")
        self._try_again_at: datetime | None = None

    def links_for(self, bank: str, account: str, holder: Holder) -> Links:
        """Return the links for an e-mail to this holder: none where the stage doesn't know its own URL.

        There are none either while the keys can't be read: an e-mail without links is better than none.
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
        whom = [bank, account, holder.id, _mark(holder.email)]
        preferences, unsubscribe = (
            f"{self._base_url}/preferences/{self._serializer(keys, purpose).dumps(whom)}"
            for purpose in (Purpose.PREFERENCES, Purpose.UNSUBSCRIBE)
        )
        return Links(preferences, unsubscribe)

    def read(self, token: str) -> Bearer:
        """Return whom the last part of a link's path names; raises InvalidLink, TemporarilyUnavailable."""
        found = self._read_with(self._keys(), token) or self._read_with(self._keys(_REREAD_AFTER), token)
        if found is None:
            raise InvalidLink
        return found

    def _read_with(self, keys: Sequence[str], token: str) -> Bearer | None:
        for purpose, good_for in GOOD_FOR.items():
            try:
                whom = self._serializer(keys, purpose).loads(token, max_age=int(good_for.total_seconds()))
                bank, account, holder, address_mark = whom
            except (BadData, TypeError, ValueError):  # not signed for this purpose, too long ago, or of another release
                continue
            return Bearer(bank, account, holder, address_mark, purpose)
        return None

    def _keys(self, max_age: timedelta = CACHE_FOR) -> list[str]:
        """Return the keys, the one that signs last, as itsdangerous wants them."""
        stored = json.loads(self._secrets.get(self._secret_arn, max_age))
        return [*reversed(stored["older"]), stored["newest"]]

    def _serializer(self, keys: Sequence[str], purpose: Purpose) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            list(keys), salt=f"holder-link.{purpose}", signer=_Signer, signer_kwargs={"clock": self._clock}
        )


class _Signer(TimestampSigner):
    """itsdangerous' own looks at the machine's clock."""

    def __init__(self, *args: Any, clock: Callable[[], datetime], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clock = clock

    def get_timestamp(self) -> int:
        return int(self._clock().astimezone(UTC).timestamp())


def _mark(email: str) -> str:
    """Return what tells a holder's addresses apart, and says nothing of them."""
    return hashlib.sha256(email.encode()).hexdigest()[:12]
