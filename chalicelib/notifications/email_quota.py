"""Whose e-mail is over the bank's e-mails of the day: the notification is skipped, and the bank reads why."""

from collections.abc import Callable

from chalicelib.aws.batching import grouped
from chalicelib.notifications.allowances import Division
from chalicelib.notifications.state import NotificationKey, State, StateChange

OVER_QUOTA = "over_quota"


def leave_out(division: Division, allowed: Callable[[str, int], int]) -> list[StateChange]:
    """Take those out of the division whose bank has used up its e-mails of today, and return how that is noted.

    Everybody who is told alone in it gets an e-mail now. `allowed` takes so many of a bank's e-mails, and returns how
    many it may have. Security alerts aren't counted, and neither is an e-mail that was counted before SES put it off.
    """
    counted = [one for one in division.alone if not one.notice.flags and one.notice.counted_until is None]
    over: set[NotificationKey] = set()
    for bank, of_bank in grouped(counted, lambda one: one.key.bank).items():
        over |= {one.key for one in of_bank[allowed(bank, len(of_bank)) :]}
    skipped = [one.change(State.SKIPPED, OVER_QUOTA) for one in division.alone if one.key in over]
    division.alone = [one for one in division.alone if one.key not in over]
    return skipped
