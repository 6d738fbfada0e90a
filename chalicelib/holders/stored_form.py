"""The stored form of holders: the attributes `holder:<id>` of an account's item."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from chalicelib.aws.telemetry import count, logger
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.ledger.times import format_time

_TIMES = (
    "preferences_chosen_at",
    "created_at",
    "updated_at",
    "confirmation_asked_at",
    "address_confirmed_at",
    "told_from",
)


def holder_values(holder: Holder) -> dict[str, Any]:
    """Return the attribute of a holder; `readable` reads it."""
    values = {
        "name": holder.name,
        "email": holder.email,
        "locale": holder.locale,
        "timezone": holder.timezone,
        "preferences": dict(holder.preferences),
        "enrolled_at": format_time(holder.enrolled_at),
        "suppressed": suppressed_values(holder.suppressed) if holder.suppressed else None,
        "bank_preferences": dict(holder.bank_preferences) if holder.bank_preferences is not None else None,
        "choices": dict(holder.choices) if holder.choices is not None else None,
        "alias": holder.alias or None,
        **{name: format_time(at) for name in _TIMES if (at := getattr(holder, name))},
    }
    return {name: value for name, value in values.items() if value is not None}


def suppressed_values(suppressed: Suppressed) -> dict[str, str]:
    """Return the attribute `suppressed` in that of a holder."""
    until = {"until": format_time(suppressed.until)} if suppressed.until else {}
    return {"reason": suppressed.reason, "since": format_time(suppressed.since), **until}


def holders_in(values: Mapping[str, Any]) -> Iterator[Holder]:
    """Yield the holders in an account's item, by id. One that can't be read is left out, logged and counted."""
    for name, value in sorted(values.items()):
        if name.startswith("holder:") and (holder := readable(name.removeprefix("holder:"), value)):
            yield holder


def readable(holder_id: str, values: Any) -> Holder | None:
    """Return the holder in a stored attribute; None for one that can't be read, which is logged and counted."""
    try:
        return _holder(holder_id, values)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # Not written by the API. The account's other holders must be notified all the same.
        # Its id isn't logged: a bank may use names as ids.
        logger.error("malformed_holder", extra={"error": type(error).__name__})
        count("MalformedHolders")
        return None


def _holder(holder_id: str, values: Mapping[str, Any]) -> Holder:
    # Only known fields: another release may have stored more.
    known = {name: values[name] for name in ("name", "email", "locale", "timezone", "preferences")}
    suppressed = None
    if "suppressed" in values:
        stored = values["suppressed"]
        until = datetime.fromisoformat(stored["until"]) if "until" in stored else None
        suppressed = Suppressed(stored["reason"], datetime.fromisoformat(stored["since"]), until)
    times: dict[str, Any] = {name: datetime.fromisoformat(values[name]) for name in _TIMES if name in values}
    return Holder(
        id=holder_id,
        enrolled_at=datetime.fromisoformat(values["enrolled_at"]),
        suppressed=suppressed,
        bank_preferences=values.get("bank_preferences"),
        choices=values.get("choices"),
        alias=str(values.get("alias", "")),
        **times,
        **known,
    )
