"""Senders: what an operator writes, like `EAZYCard <alerts@example.com>`, and the header From that is made of it.

Provisioning, the commands and the outbox read it by the same function.
"""

from dataclasses import dataclass
from email.header import Header
from email.utils import formataddr

from marshmallow import ValidationError

from chalicelib.ledger.email_address import email_rules

# SES refuses a longer address, its name included.
MAX_HEADER = 320
_ENCODED_WORD = 75
WRITE = "write an address, or a name with the address in angle brackets, like 'EAZYCard <alerts@example.com>'"


class InvalidSender(ValueError):
    """No e-mail can be sent from this. The message says why, and what to write."""


@dataclass(frozen=True, slots=True)
class Sender:
    address: str
    name: str = ""

    @property
    def header(self) -> str:
        """The header From, in ASCII.

        A name in ASCII is quoted where it has to be. Any other one becomes encoded words of at most 75 characters
        (RFC 2047, 2). A name is cut where SES would refuse the whole.
        """
        name = " ".join("".join(one if one.isprintable() else " " for one in self.name).split())
        while len(header := _written(name, self.address)) > MAX_HEADER and name:
            name = name[:-1].rstrip()
        return header


def read_sender(text: str) -> Sender:
    """Return the sender that is written; raises InvalidSender if no e-mail could be sent from it."""
    sender = sender_in(text)
    if not text.strip().isprintable():
        raise InvalidSender(f"The sender must be on one line, without control characters: {WRITE}.")
    if text.count("<") > 1 and not text.strip().startswith('"'):
        raise InvalidSender(f"There is one sender, and its name has no angle brackets: {WRITE}.")
    try:
        for rule in email_rules():
            rule(sender.address)
    except ValidationError:
        raise InvalidSender(f"{sender.address or 'Nothing'!r} is no address in ASCII to send from: {WRITE}.") from None
    return sender


def sender_in(text: str) -> Sender:
    """Return the sender that is written, unchecked. All before the last bracket is the name, commas included."""
    name, bracket, address = text.strip().rpartition("<")
    if not bracket:
        return Sender(text.strip())
    name = name.strip()
    if len(name) >= 2 and name[0] == name[-1] == '"':
        name = name[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return Sender(address.removesuffix(">").strip(), name)


def _written(name: str, address: str) -> str:
    # What looks like an encoded word would be decoded by the reader's program.
    if name.isascii() and "=?" not in name:
        return formataddr((name, address))
    words = Header(name, "utf-8", maxlinelen=_ENCODED_WORD).encode().split()
    return f"{' '.join(words)} <{address}>"
