"""Turns of banks: a bank without time at SES holds up no other bank, and what is left keeps its order."""

from typing import Any

from chalicelib.notifications.sharing import WAITS_AT_MOST_S, in_shares

One = tuple[str, int]


class FakeSending:
    """Time at SES: so many e-mails for each bank in all, at most `at_once` at a time."""

    at_once = 4

    def __init__(self, **allowed: int) -> None:
        self.allowed = allowed
        self.waited_s = 0.0
        self.asked: list[str] = []

    def wait_for(self, bank: str, count: int, at_most_s: float) -> int:
        self.asked.append(bank)
        granted = min(count, self.allowed.get(bank, 0))
        self.allowed[bank] = self.allowed.get(bank, 0) - granted
        self.waited_s += 0 if granted else at_most_s
        return granted


def shared(sending: Any, *turns: list[One], left_s: float = 60) -> tuple[list[list[One]], list[One]]:
    sent: list[list[One]] = []
    left = in_shares(sending, turns, lambda one: one[0], lambda: left_s - sending.waited_s, 10, sent.append)
    return sent, left


def of(bank: str, *numbers: int) -> list[One]:
    return [(bank, number) for number in numbers]


def test_banks_take_turns_and_a_part_is_of_one_bank() -> None:
    sent, left = shared(FakeSending(a=100, b=100), of("a", *range(6)) + of("b", *range(3)))
    assert sent == [of("a", 0, 1, 2, 3), of("b", 0, 1, 2), of("a", 4, 5)]
    assert left == []


def test_a_bank_without_time_holds_up_no_other_and_goes_back_soon() -> None:
    sending = FakeSending(b=100)
    sent, left = shared(sending, of("a", *range(100)) + of("b", 0))
    assert sent == [of("b", 0)]
    assert left == of("a", *range(100))
    assert sending.waited_s == WAITS_AT_MOST_S


def test_as_many_are_sent_as_are_granted_and_the_others_keep_their_order() -> None:
    sent, left = shared(FakeSending(a=3, b=100), of("a", 0, 1, 2, 3, 4) + of("b", 0), of("a", 5))
    assert sent == [of("a", 0, 1, 2), of("b", 0)]
    assert left == of("a", 3, 4, 5)


def test_a_part_is_never_of_two_turns() -> None:
    sent, _ = shared(FakeSending(a=100), of("a", 0, 1), of("a", 2))
    assert sent == [of("a", 0, 1), of("a", 2)]


def test_nothing_is_begun_that_could_not_be_finished() -> None:
    sending = FakeSending(a=100)
    assert shared(sending, of("a", 0), left_s=9) == ([], of("a", 0))
    assert sending.asked == []


def test_what_a_turn_was_too_short_for_comes_first_in_the_next_of_which_no_more_is_asked() -> None:
    sending = FakeSending(a=100, b=100)
    sent: list[list[One]] = []
    fit = iter([2, 2, 1, 9, 9, 9])  # of bank a, in its turns

    def send(part: list[One]) -> list[One]:
        sent.append(part)
        return part[next(fit) :] if part[0][0] == "a" else []

    turns = of("a", *range(9)) + of("b", *range(5))
    assert in_shares(sending, [turns], lambda one: one[0], lambda: 60, 10, send) == []
    numbers = [[number for _, number in part] for part in sent if part[0][0] == "a"]
    assert numbers == [[0, 1, 2, 3], [2, 3], [4, 5, 6, 7], [5], [6, 7], [8]]
    assert [part for part in sent if part[0][0] == "b"] == [of("b", 0, 1, 2, 3), of("b", 4)]
