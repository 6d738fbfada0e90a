"""E-mail addresses: when two spellings are the same address, and which addresses no e-mail can be sent to.

`canonical` is the only notion of "the same address". Everything that hashes or compares addresses uses it.
"""

import re
import unicodedata

from marshmallow import ValidationError, validate

MAX_ADDRESS = 254  # with its angle brackets, the 256 characters of a path (RFC 5321, 4.5.3.1.3)
MAX_LOCAL_PART = 64  # RFC 5321, 4.5.3.1.1

NO_ADDRESS = "Must be an e-mail address."
NO_ASCII = "Must be an e-mail address in ASCII."
LONG_LOCAL_PART = f"Must have at most {MAX_LOCAL_PART} characters before the @."
QUOTED = "Must have no quotes before the @: leave them out."
IP_ADDRESS = "Must have the name of a domain after the @, not an IP address."
NO_DOMAIN = "Must have a whole domain after the @, like example.com."
RESERVED = "Must have a domain that can get e-mail: this one ends in a name that is reserved for other uses."

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"  # RFC 5322, 3.2.3
_LOCAL_PART = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_TOP_LEVEL = re.compile(r"[A-Za-z]{2,63}|xn--[A-Za-z0-9-]{1,59}", re.IGNORECASE)
_IP_ADDRESS = re.compile(r"\[.*|[0-9.]+", re.DOTALL)
_PUNYCODE = "xn--"
# Top-level domains that the public DNS never has: RFC 6761, 6762, 7686, 9476, 3172, and ICANN for `internal`. `example`
# is not among them: it is for documentation, like `example.com`, and the service's own examples use it.
_RESERVED = frozenset({"alt", "arpa", "internal", "invalid", "local", "localhost", "onion", "test"})
_FULL_STOPS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61", "."))  # IDNA's other full stops


def canonical(address: str) -> str:
    """Return the form of an address that all of its spellings share.

    Before the `@`, upper and lower case make no difference (RFC 5321 lets servers distinguish them, and none that
    matter do), nor does how Unicode composes a letter (NFC). Nothing else is equal there: `ß` is not `ss`, a dotless
    `ı` is not `i`, and a full-width `ａ` is not `a`, because they are other mailboxes.

    After the `@`, the domain is compared as DNS finds it: without case, without the root's dot at the end, with full
    stops and full-width letters of IDNA as ASCII, and labels outside of ASCII as Punycode (UTS 46, where `ß` is not
    `ss` either).

    For an ASCII address without a dot at its end this is `address.lower()`, which earlier releases hashed: what they
    have stored is found. It takes any text, also one that is no address.
    """
    local_part, at, domain = address.rpartition("@")
    return f"{_folded(local_part)}{at}{_domain(domain)}"


def same_address(one: str, other: str) -> bool:
    """Return whether two spellings are the same address."""
    return canonical(one) == canonical(other)


def why_unmailable(address: str) -> str | None:
    """Return why no e-mail can be sent to the address; None if SES takes it. Doesn't check its whole length."""
    if not address.isascii():
        # SES takes no others: it has no SMTPUTF8, and wants a domain in Punycode.
        return NO_ASCII
    local_part, _, domain = address.rpartition("@")
    if len(local_part) > 1 and local_part[0] == local_part[-1] == '"':
        return QUOTED
    if not _LOCAL_PART.fullmatch(local_part):
        return NO_ADDRESS
    if len(local_part) > MAX_LOCAL_PART:
        return LONG_LOCAL_PART
    return _why_unmailable_domain(domain)


class Mailable(validate.Email):
    """The rule for an e-mail address: SES can send to it."""

    # What the API's description says of it: more than this, JSON schemas can't say well.
    pattern = r"[\x21-\x7e]+\Z"

    def __call__(self, value: str) -> str:
        why = why_unmailable(value)
        if why is not None:
            raise ValidationError(why)
        return value


def email_rules() -> list[validate.Validator]:
    """Return the rules for an e-mail address that a bank gives: a holder's, or one of its own."""
    return [validate.Length(max=MAX_ADDRESS), Mailable()]


def _why_unmailable_domain(domain: str) -> str | None:
    if _IP_ADDRESS.fullmatch(domain):
        return IP_ADDRESS
    labels = domain.split(".")
    if not all(_LABEL.fullmatch(label) and _is_decodable(label) for label in labels):
        return NO_ADDRESS
    if len(labels) < 2 or not _TOP_LEVEL.fullmatch(labels[-1]):
        return NO_DOMAIN
    return RESERVED if labels[-1].lower() in _RESERVED else None


def _is_decodable(label: str) -> bool:
    if not label.lower().startswith(_PUNYCODE):
        return True
    try:
        return bool(label[len(_PUNYCODE) :].encode().decode("punycode"))
    except UnicodeError:
        return False


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    # Letter by letter: in a whole text, Python writes a small sigma by its place in a word.
    return unicodedata.normalize("NFC", "".join(map(str.lower, unicodedata.normalize("NFC", text))))


def _domain(domain: str) -> str:
    if not domain.isascii():
        # The width first: a wide full stop is a full stop.
        domain = _folded(unicodedata.normalize("NFKC", domain.translate(_FULL_STOPS)))
        domain = ".".join(map(_a_label, domain.split(".")))
    return domain.lower().rstrip(".")


def _a_label(label: str) -> str:
    return label if label.isascii() else f"{_PUNYCODE}{label.encode('punycode').decode()}"
