"""The links of an e-mail."""

from dataclasses import dataclass


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
