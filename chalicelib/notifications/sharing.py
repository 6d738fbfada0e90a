"""Taking turns of banks: one bank that has used up its share of the send rate holds up no other bank's e-mails."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
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
    send: Callable[[list[T]], Sequence[T] | None],
    waits_at_most_s: float = WAITS_AT_MOST_S,
) -> list[T]:
    """Send to all in parts of one bank, as the banks' shares allow, and return to whom there was no time to send.

    A bank's addressees keep their order, in `turns`: a part is never of two turns. `send` gets one SES call's, takes at
    most `takes_at_most_s`, and returns for whom the bank's turn was too short: they come first in its next turn, of
    which no more is asked than this one held. Raises TemporarilyUnavailable.
    """
    of_banks: dict[str, deque[list[T]]] = {}
    for turn in turns:
        for bank, addressees in grouped(turn, bank_of).items():
            of_banks.setdefault(bank, deque()).append(addressees)
    waited_s, wait_s = 0.0, 0.0
    most: dict[str, int] = {}
    while of_banks:
        sent = 0
        for bank in list(of_banks):
            left_s = time_left_s() - takes_at_most_s
            if left_s < 0:
                return _left(of_banks)
            addressees = of_banks[bank][0]
            wanted = min(len(addressees), sending.at_once, most.get(bank, sending.at_once))
            granted = sending.wait_for(bank, wanted, min(wait_s, left_s))
            wait_s = 0.0
            if granted:
                left = send(addressees[:granted]) or ()
                sent += granted
                if left:
                    most[bank] = max(1, granted - len(left))
                elif bank in most:
                    most[bank] *= 2
                _replace(of_banks, bank, [*left, *addressees[granted:]])
        if sent == 0:
            if waited_s >= waits_at_most_s:
                return _left(of_banks)
            wait_s = _ONE_WAIT_S
            waited_s += wait_s
    return []


def _replace(of_banks: dict[str, deque[list[T]]], bank: str, turn: list[T]) -> None:
    """Put what is left of the bank's first turn in its place."""
    of_banks[bank].popleft()
    if turn:
        of_banks[bank].appendleft(turn)
    elif not of_banks[bank]:
        del of_banks[bank]


def _left(of_banks: dict[str, deque[list[T]]]) -> list[T]:
    return [one for turns in of_banks.values() for turn in turns for one in turn]
