"""The banks' shares of SES's send rate: a model of 2 to 50 banks with random floods, by what the mailers do.

Each bank has e-mails to send that come at random: a few, or a flood at once. A mailer asks for time at SES as
`notifications.sharing` does. What a bank is promised: the k-th e-mail of a backlog is sent at the latest

    k e-mails at the smallest share (the rate, divided by all banks, and by the lane's part), and `longest_queue_s`, and
    the time in which a mailer asks again

after the backlog has begun. The longest wait beyond the share is what the model measures.
"""

import heapq
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import pytest

from chalicelib.mail.shares import ACTIVE_FOR_S, Booked, Flow, Lane, book, longest_queue_s

# A mailer asks again after one second at most, and is there again a second after it has sent.
ASKS_AGAIN_S = 1.0
SES_CALL = 50


@dataclass
class Sender:
    """What a bank has to send in one lane: the times at which e-mails came, oldest first."""

    bank: str
    lane: Lane
    came: list[float]
    part: float = 1.0
    sent: int = 0
    backlog_from: float = 0.0
    sent_of_backlog: int = 0
    worst_s: float = 0.0  # beyond the share
    times: list[float] = field(default_factory=list)

    def waiting(self, now_s: float) -> int:
        count = 0
        for at_s in self.came[self.sent :]:
            if at_s > now_s or count == SES_CALL:
                break
            count += 1
        return count

    def take(self, count: int, start_s: float, least_share: float) -> None:
        for _ in range(count):
            came_s = self.came[self.sent]
            if not self.times or came_s > self.times[-1]:
                self.backlog_from, self.sent_of_backlog = came_s, 0
            self.sent_of_backlog += 1
            promised_s = self.backlog_from + self.sent_of_backlog / least_share
            self.worst_s = max(self.worst_s, start_s - promised_s)
            self.times.append(start_s)
            self.sent += 1


@dataclass
class Run:
    banks: int
    rate: float
    senders: list[Sender]
    calls: int = 0

    @property
    def bound_s(self) -> float:
        return longest_queue_s(self.banks, self.rate) + 2 * ASKS_AGAIN_S

    def play(self, chance: random.Random) -> None:
        """Let each sender's mailers ask until everything is sent."""
        booked = Booked()
        asking = [
            (sender.came[0] + chance.uniform(0, ASKS_AGAIN_S), number) for number, sender in enumerate(self.senders)
        ]
        heapq.heapify(asking)
        while asking:
            now_s, number = heapq.heappop(asking)
            sender = self.senders[number]
            grant = book(booked, sender.bank, sender.lane, sender.waiting(now_s), self.rate, round(now_s * 1000))
            booked = grant.booked
            self.calls += 1
            sender.take(grant.count, grant.start_ms / 1000, self.rate / self.banks * sender.part)
            if sender.sent < len(sender.came):
                sends_until_s = grant.start_ms / 1000 + 0.02
                next_s = sends_until_s if grant.count else now_s + chance.uniform(0.2, ASKS_AGAIN_S)
                heapq.heappush(asking, (max(next_s, sender.came[sender.sent]), number))


def floods(chance: random.Random, for_s: float, rate: float) -> list[float]:
    """Return when a bank's e-mails come: some floods, each of a thousandth to the whole of what SES could take."""
    came: list[float] = []
    for _ in range(chance.randint(1, 4)):
        at_s, size = chance.uniform(0, for_s), max(1, int(for_s * rate * 10 ** chance.uniform(-3, 0)))
        came += [at_s + chance.expovariate(rate) * chance.choice((0, 1, 5)) for _ in range(min(size, 2_000))]
    return sorted(came)


def runs() -> Iterator[Run]:
    for seed in range(40):
        chance = random.Random(seed)
        banks, rate = chance.randint(2, 50), chance.choice((1.0, 14.0, 50.0, 500.0))
        senders = []
        for number in range(banks):
            lanes = chance.choice(((Lane.ORDINARY,), (Lane.ALERTS,), (Lane.ORDINARY, Lane.ALERTS)))
            for lane in lanes:
                part = lane.part if len(lanes) == 2 else 1.0
                senders.append(
                    Sender(
                        f"bank-{number}",
                        lane,
                        floods(chance, 30, rate * chance.choice((1 / banks, 1 / banks, 1))),
                        part,
                    )
                )
        yield Run(banks, rate, senders)


@cache
def played() -> list[Run]:
    made = list(runs())
    for number, run in enumerate(made):
        run.play(random.Random(number))
    return made


def test_no_bank_waits_longer_than_its_share_by_more_than_the_bound(capsys: pytest.CaptureFixture[str]) -> None:
    for run in played():
        for sender in run.senders:
            assert sender.sent == len(sender.came)
            assert sender.worst_s <= run.bound_s, (run.banks, run.rate, sender.bank, sender.lane)
    closest = max(played(), key=lambda run: max(sender.worst_s for sender in run.senders) / run.bound_s)
    worst_s = max(sender.worst_s for sender in closest.senders)
    with capsys.disabled():
        print(
            f"\nfairness: {len(played())} runs, {sum(run.banks for run in played())} banks, "
            f"{sum(sender.sent for run in played() for sender in run.senders)} e-mails; longest wait beyond a share: "
            f"{worst_s:.2f} s, bound {closest.bound_s:.2f} s ({closest.banks} banks, {closest.rate:g} e-mails a second)"
        )


def test_the_model_sees_unfairness() -> None:
    """With one queue for all, first come, first served, the same floods break the promise."""
    broken = 0
    for run in runs():
        at_s = 0.0
        everything = sorted((came, number) for number, sender in enumerate(run.senders) for came in sender.came)
        for came, number in everything:
            at_s = max(at_s, came) + 1 / run.rate
            run.senders[number].take(1, at_s, run.rate / run.banks * run.senders[number].part)
        broken += any(sender.worst_s > run.bound_s for sender in run.senders)
    assert broken > 10


def test_ses_is_never_asked_for_more_than_its_rate_and_what_a_bank_leaves_the_others_use() -> None:
    for run in played():
        times = sorted(at_s for sender in run.senders for at_s in sender.times)
        for index, start_s in enumerate(times[:: max(1, len(times) // 200)]):
            index = times.index(start_s)
            within = sum(1 for at_s in times[index : index + int(run.rate * 12) + 100] if at_s < start_s + 10)
            assert within <= run.rate * 11 + 1


def ask_all(
    booked: Booked, senders: list[tuple[str, Lane]], seconds: int, rate: float
) -> tuple[Booked, Counter[object]]:
    """Let senders with endless backlogs ask twenty times a second each; return what each was granted."""
    granted = Counter[object]()
    for tick in range(seconds * 20):
        for sender in senders:
            grant = book(booked, *sender, 50, rate, 1_000_000 + tick * 50)
            booked = grant.booked
            granted[sender] += grant.count
    return booked, granted


def test_a_bank_that_makes_everything_an_alert_gets_no_more_than_another() -> None:
    _, granted = ask_all(Booked(), [("all-alerts", Lane.ALERTS), ("ordinary", Lane.ORDINARY)], 60, 14)
    assert 0.9 < granted["all-alerts", Lane.ALERTS] / granted["ordinary", Lane.ORDINARY] < 1.1
    assert granted.total() >= 60 * 14 * 0.9


def test_ordinary_mail_has_a_quarter_of_its_bank_s_share_beside_a_flood_of_alerts() -> None:
    both = [("a", Lane.ALERTS), ("a", Lane.ORDINARY)]
    _, granted = ask_all(Booked(), both, 60, 14)
    assert 0.2 < granted["a", Lane.ORDINARY] / granted.total() < 0.3


def test_a_bank_alone_gets_everything_and_again_when_the_others_have_nothing_left() -> None:
    booked, _ = ask_all(Booked(), [(f"bank-{number}", Lane.ORDINARY) for number in range(50)], 5, 14)
    now_ms, count = 1_000_000 + 5_000 + round(ACTIVE_FOR_S * 1000) + 10_000, 0
    for tick in range(600):
        grant = book(booked, "bank-7", Lane.ORDINARY, 50, 14, now_ms + tick * 50)
        booked, count = grant.booked, count + grant.count
    assert count >= 30 * 14 * 0.95
    assert len(booked.flows) == 1


@pytest.mark.parametrize("banks", [2, 10, 50])
def test_a_newcomer_with_one_email_gets_it_out_within_the_bound_of_the_queue(banks: int) -> None:
    booked, _ = ask_all(Booked(), [(f"bank-{number}", Lane.ORDINARY) for number in range(banks - 1)], 20, 14)
    grant = book(booked, "newcomer", Lane.ORDINARY, 1, 14, 1_000_000 + 20_000)
    assert grant.count == 1
    assert grant.start_ms - 1_020_000 <= longest_queue_s(banks, 14) * 1000


A, B = ("a", Lane.ORDINARY), ("b", Lane.ORDINARY)
AT = 1_000_000


@pytest.mark.parametrize(
    ("until", "flows", "count", "start", "flow_until", "booked_until"),
    [
        pytest.param(0, {}, 10, 0, 1_000, 1_000, id="nothing is booked: a second's share"),
        pytest.param(1_000, {A: (1_000, 0)}, 10, 1_000, 2_000, 2_000, id="a second ahead is little"),
        pytest.param(1_001, {A: (1_000, 0)}, 0, 1_001, 1_000, 1_001, id="in all, a millisecond more is not"),
        pytest.param(1_000, {A: (1_001, 0)}, 0, 1_000, 1_001, 1_000, id="its own, a millisecond more is not"),
        pytest.param(9_000, {B: (9_000, 0)}, 5, 9_000, 1_000, 9_500, id="its floor, whatever the others have booked"),
        pytest.param(
            0, {A: (9_000, 0)}, 10, 0, 2_000, 1_000, id="nobody else wants the time, and it owes no more for it"
        ),
        pytest.param(0, {B: (0, -2_999)}, 5, 0, 1_000, 500, id="who asked three seconds ago shares"),
        pytest.param(0, {B: (0, -3_000)}, 10, 0, 1_000, 1_000, id="who asked before that does not"),
        pytest.param(0, {B: (1, -9_000)}, 5, 0, 1_000, 500, id="who has something booked shares"),
        pytest.param(0, {B: (0, -9_000)}, 10, 0, 1_000, 1_000, id="whose booking ends now does not"),
        pytest.param(0, {("a", Lane.ALERTS): (0, -9_000)}, 10, 0, 1_000, 1_000, id="its own alerts are long sent"),
        pytest.param(0, {("a", Lane.ALERTS): (0, 0)}, 2, 0, 800, 200, id="a quarter beside its own alerts"),
        pytest.param(
            0, {("b", Lane.ALERTS): (0, 0)}, 5, 0, 1_000, 500, id="another bank's alerts are one bank's share"
        ),
    ],
)
def test_what_a_bank_may_book_by_the_rules(
    until: int,
    flows: dict[tuple[str, Lane], tuple[int, int]],
    count: int,
    start: int,
    flow_until: int,
    booked_until: int,
) -> None:
    """Times are in milliseconds from now on; ten e-mails a second go to SES."""
    booked = Booked(AT + until, {key: Flow(AT + ends, AT + asked) for key, (ends, asked) in flows.items()}, 7)
    grant = book(booked, *A, 50, 10, AT)
    assert (grant.count, grant.start_ms - AT) == (count, start)
    assert grant.booked.flows[A] == Flow(AT + flow_until, AT)
    assert (grant.booked.until_ms - AT, grant.booked.version) == (booked_until, 8)
    assert grant.booked.flows.keys() - {A} == {
        key for key, (ends, asked) in flows.items() if key != A and (ends > 0 or asked > -3_000)
    }


def test_a_booking_is_of_one_email_at_least_and_of_no_more_than_there_are() -> None:
    assert book(Booked(), *A, 50, 0.1, AT).count == 1
    assert book(Booked(), *A, 3, 10, AT).count == 3
    assert Booked() == Booked(0, {}, 0)


@pytest.mark.parametrize(("banks", "rate", "bound_s"), [(1, 1.0, 6.0), (2, 10.0, 5.4), (4, 8.0, 2 + 25 / 6 + 1)])
def test_the_bound_is_two_seconds_the_halves_of_halves_in_both_lanes_and_an_email_of_each(
    banks: int, rate: float, bound_s: float
) -> None:
    assert longest_queue_s(banks, rate) == pytest.approx(bound_s)


def test_alerts_have_three_quarters_of_their_bank_s_share_beside_its_ordinary_mail() -> None:
    booked = Booked(0, {A: Flow(AT, AT)})
    assert book(booked, "a", Lane.ALERTS, 50, 20, AT).count == 15
    assert book(booked, "b", Lane.ALERTS, 50, 20, AT).count == 10


def test_the_lanes_are_stored_under_the_same_names_in_every_release() -> None:
    assert [str(lane) for lane in Lane] == ["alerts", "mail"]
