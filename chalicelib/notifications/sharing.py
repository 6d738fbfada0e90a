"""Taking turns of banks: one bank that has used up its share of the send rate holds up no other bank's e-mails."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

from chalicelib.aws.batching import grouped
from chalicelib.notifications.sending import Sending

T = TypeVar("T")
# So long does an invocation wait when all of its banks have used up their shares. Longer waits would take the place of
# invocations for other banks: what is left goes back to the queue.
WAITS_AT_MOST_S = 3.0
_ONE_WAIT_S = 1.0


def in_shares(
    sending: Sending,
    turns: Iterable[list[T]],
    bank_of: Callable[[T], str],
    time_left_s: Callable[[], float],
    takes_at_most_s: float,
    send: Callable[[list[T]], None],
    waits_at_most_s: float = WAITS_AT_MOST_S,
) -> list[T]:
    """Send to all in parts of one bank, as the banks' shares allow, and return to whom there was no time to send.

    A bank's addressees keep their order, in `turns`: a part is never of two turns. `send` gets one SES call's, and
    takes at most `takes_at_most_s`. Raises TemporarilyUnavailable.
    """
    of_banks: dict[str, deque[list[T]]] = {}
    for turn in turns:
        for bank, addressees in grouped(turn, bank_of).items():
            of_banks.setdefault(bank, deque()).append(addressees)
    waited_s, wait_s = 0.0, 0.0
    while of_banks:
        sent = 0
        for bank in list(of_banks):
            left_s = time_left_s() - takes_at_most_s
            if left_s < 0:
                return _left(of_banks)
            addressees = of_banks[bank][0]
            granted = sending.wait_for(bank, min(len(addressees), sending.at_once), min(wait_s, left_s))
            wait_s = 0.0
            if granted:
                send(addressees[:granted])
                sent += granted
                _remove(of_banks, bank, granted)
        if sent == 0:
            if waited_s >= waits_at_most_s:
                return _left(of_banks)
            wait_s = _ONE_WAIT_S
            waited_s += wait_s
    return []


def _remove(of_banks: dict[str, deque[list[T]]], bank: str, count: int) -> None:
    first = of_banks[bank].popleft()
    if count < len(first):
        of_banks[bank].appendleft(first[count:])
    elif not of_banks[bank]:
        del of_banks[bank]


def _left(of_banks: dict[str, deque[list[T]]]) -> list[T]:
    return [one for turns in of_banks.values() for turn in turns for one in turn]
