"""What only informs of a transaction, read leniently: no detail costs a holder the news of their money.

A field's own `deserialize` takes what is right as it is, which nearly all input is. `mended` reads all other: what
can't be understood is left out, what is too long is cut, and each is named in warnings.
"""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from chalicelib.errors import CardNumberRefused
from chalicelib.ledger.account_numbers import as_account_number
from chalicelib.ledger.card_numbers import holds_card_number
from chalicelib.ledger.fields import Pairs, Text, is_absent
from chalicelib.ledger.messages import unknowns
from chalicelib.ledger.money import ALPHA_2
from chalicelib.ledger.wording import UNREADABLE, cut, is_normal, is_readable, normalised

Warnings = list[tuple[str, str]]  # field and message
MAX_PAIRS = 20
MAX_PAIR = 256
# Stands for what was sent, where that could not be searched for card numbers within the steps that a field has.
UNSEARCHED = object()
_UNSEARCHED = "Holds more values, or more digits, than can be searched for card numbers: left out."
_NO_TEXT = "Is no text: left out."
_NO_OBJECT = "Is no object: left out."
_TWICE = "Another pair has this name: left out."
_NO_NAME = "Has no name: left out."


class Wording(Text):
    """Text for people to read, of at most `most` characters: normalised, and cut if it is longer."""

    def __init__(self, most: int) -> None:
        super().__init__(validate=validate.Length(1, most))
        self.most = most

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if type(value) is not str:
            return super().deserialize(value, *args, **kwargs)
        if not 0 < len(value) <= self.most or not is_normal(value):
            raise ValidationError("Is not as it is kept.")
        return value

    def mend(self, text: str, path: str, warnings: Warnings) -> str | None:
        """Return what is kept of a normalised text, None if nothing is."""
        if len(text) > self.most:
            warnings.append((path, f"Longer than {self.most} characters: cut."))
        return cut(text, self.most)


class AccountNumber(Wording):
    """An account's number. An IBAN is kept without what stands between its groups: printed, it may be too long."""

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        found = super().deserialize(value, *args, **kwargs)
        return as_account_number(found) if type(found) is str else found  # marshmallow also asks for what is absent

    def mend(self, text: str, path: str, warnings: Warnings) -> str | None:
        return super().mend(as_account_number(text), path, warnings)


class Code(Text):
    """A code of a list or of a certain form. Any other is left out."""

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return self.known(value) if type(value) is str else super().deserialize(value, *args, **kwargs)

    def known(self, text: str) -> str:
        """Return a code in its one form; raises ValidationError."""
        for rule in self.validators:
            rule(text)
        return text

    def mend(self, text: str, path: str, warnings: Warnings) -> str | None:
        """Return the code that a normalised text is, None if it is none."""
        try:
            return self.known(text)
        except ValidationError as error:
            warnings.append((path, f"{error.messages[0]} Left out."))
            return None


class Country(Code):
    """A country, written as alpha-2 or alpha-3 (ISO 3166-1) and kept as alpha-2."""

    def known(self, text: str) -> str:
        if text not in ALPHA_2:
            right = f", in capital letters: {text.upper()}" if text.upper() in ALPHA_2 else ""
            raise ValidationError(f"Must be an ISO 3166-1 code, alpha-2 or alpha-3, or XK{right}.")
        return ALPHA_2[text]


class Notes(Pairs):
    """The bank's own names and values: at most 20 pairs, of at most 256 characters each."""

    def __init__(self) -> None:
        super().__init__(
            keys=Text(validate=validate.Length(1, MAX_PAIR)),
            values=Text(validate=validate.Length(max=MAX_PAIR)),
            validate=validate.Length(max=MAX_PAIRS),
        )

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict):
            return super().deserialize(value, *args, **kwargs)
        if len(value) > MAX_PAIRS or not all(map(_is_pair, value.items())):
            raise ValidationError("Is not as it is kept.")
        return value


def mended(field: fields.Field[Any], value: Any, path: str, warnings: Warnings) -> Any:
    """Return what can be understood of a field's value, None if nothing can.

    What is left out or cut is added to `warnings`. Raises CardNumberRefused if what is kept looks like a card number,
    which what was sent need not have done.
    """
    if is_absent(value):
        return None
    if value is UNSEARCHED:
        warnings.append((path, _UNSEARCHED))
        return None
    match field:
        case fields.Nested():
            return _mended_object(field.schema.fields, value, path, warnings)
        case Notes():
            return _mended_pairs(value, path, warnings)
        case Wording() | Code():
            text = _mended_text(value, path, warnings)
            kept = field.mend(text, path, warnings) if text else None
            return _without_card(kept, path) if kept else None
    raise TypeError(type(field).__name__)


def _is_pair(pair: tuple[str, Any]) -> bool:
    name, value = pair
    return (
        type(value) is str
        and 0 < len(name) <= MAX_PAIR
        and len(value) <= MAX_PAIR
        and is_normal(name)
        and is_normal(value)
    )


def _mended_object(known: Mapping[str, fields.Field[Any]], value: Any, path: str, warnings: Warnings) -> Any:
    if not isinstance(value, dict):
        warnings.append((path, _NO_OBJECT))
        return None
    found = {}
    for name, left_out in unknowns("field, left out", (name for name in value if name not in known), known):
        warnings.append((f"{path}.{_without_card(normalised(name), path)}", left_out))
    for name, one in value.items():
        if name not in known:
            continue
        if (kept := mended(known[name], one, f"{path}.{name}", warnings)) is not None:
            found[name] = kept
    return found or None


def _mended_pairs(value: Any, path: str, warnings: Warnings) -> Any:
    if not isinstance(value, dict):
        warnings.append((path, _NO_OBJECT))
        return None
    found: dict[str, str] = {}
    for sent, one in value.items():
        if one is None or one == {}:
            continue
        if len(found) == MAX_PAIRS:
            warnings.append((path, f"Has more than {MAX_PAIRS} pairs: the first {MAX_PAIRS} are kept."))
            break
        name = _mended_name(sent, path, warnings)
        if not name or name in found:
            warnings.append((f"{path}.{name}", _TWICE if name else _NO_NAME))
        elif (text := _mended_text(one, f"{path}.{name}", warnings)) is not None:
            found[name] = _shortened(text, f"{path}.{name}", warnings)
    return found or None


def _mended_name(sent: str, path: str, warnings: Warnings) -> str:
    name = normalised(sent)
    kept = _without_card(cut(name, MAX_PAIR), path)
    if not is_readable(sent):
        warnings.append((f"{path}.{kept}", UNREADABLE))
    if kept != name:
        warnings.append((f"{path}.{kept}", f"Has a name longer than {MAX_PAIR} characters: cut."))
    return kept


def _shortened(text: str, path: str, warnings: Warnings) -> str:
    if len(text) > MAX_PAIR:
        warnings.append((path, f"Longer than {MAX_PAIR} characters: cut."))
    return _without_card(cut(text, MAX_PAIR), path)


def _mended_text(value: Any, path: str, warnings: Warnings) -> str | None:
    if not isinstance(value, str):
        warnings.append((path, _NO_TEXT))
        return None
    if not is_readable(value):
        warnings.append((path, UNREADABLE))
    return normalised(value)


def _without_card(text: str, path: str) -> str:
    # Without what stood between its digits, or cut, it can be a card number that it was not before.
    if holds_card_number(text):
        raise CardNumberRefused(path)
    return text
