"""Whose preferences count: the bank's, and in their place, field by field, those that the holder has chosen.

A holder chooses on the preferences page, or with one click in a mail program. From then on, what the bank sends changes
nothing of what was chosen. Pure: records in, records out.
"""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.holders.holder import Holder

_OF_BANK = ("name", "email", "locale", "timezone")


def replaced(before: Holder | None, holder: Holder) -> Holder:
    """Return the holder as the bank enrols it now, with all that `before`, the record until now, has chosen."""
    if before is None:
        return holder
    joined = _joined(before, holder.asked, holder.changed_at)
    own = {name: getattr(holder, name) for name in (*_OF_BANK, "enrolled_at", "suppressed")}
    return dataclasses.replace(joined, **own)


def amended(before: Holder, values: Mapping[str, Any], now: datetime) -> Holder:
    """Return the holder with the values that the bank changes; `preferences` among them are the bank's."""
    joined = _joined(before, values.get("preferences", before.asked), now)
    own = {name: values[name] for name in _OF_BANK if name in values}
    is_moved = own.get("email", before.email) != before.email
    return dataclasses.replace(joined, **own, enrolled_at=now if is_moved else before.enrolled_at)


def choose(before: Holder, values: Mapping[str, Any], now: datetime) -> Holder:
    """Return the holder with these preferences chosen by the holder; None means that one isn't set.

    Returns `before` itself if all of it was chosen already.
    """
    choices = {**before.chosen, **values}
    if choices == before.choices:
        return before
    return _kept_apart(before, before.asked, choices, now, chosen_at=now)


def amendable(holder: Holder) -> dict[str, Any]:
    """Return the fields that a bank may change, with its own preferences: what a merge patch is applied to."""
    return {**{name: getattr(holder, name) for name in _OF_BANK}, "preferences": dict(holder.asked)}


def _joined(before: Holder, asked: Mapping[str, Any], now: datetime) -> Holder:
    """Return the holder with these preferences of the bank, as far as the holder hasn't chosen."""
    is_chosen_before = bool(before.chosen) or asked == before.asked
    chosen_at = before.preferences_chosen_at or before.enrolled_at
    return _kept_apart(before, asked, before.chosen, now, chosen_at if is_chosen_before else now)


def _kept_apart(
    before: Holder, asked: Mapping[str, Any], choices: Mapping[str, Any], now: datetime, chosen_at: datetime
) -> Holder:
    return dataclasses.replace(
        before,
        preferences={name: value for name, value in {**asked, **choices}.items() if value is not None},
        bank_preferences=asked,
        choices=choices,
        preferences_chosen_at=chosen_at,
        created_at=before.created_at or before.enrolled_at,
        updated_at=now,
    )
