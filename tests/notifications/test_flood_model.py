"""Random floods: transactions and alerts come to two mailers at random times, in copies, and mailers are killed at any
call. In the end all are counted: each was told in exactly one e-mail, and nobody got more than was allowed."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.notifications.allowances import HOUR
from chalicelib.notifications.digests_repository import CLOSED_FOR
from chalicelib.notifications.notice import Notice, pack, to_payload
from tests.fakes import Failing
from tests.flood_world import ACCOUNT, ADDRESS, Flood, on_one_account, shops_in
from tests.mail_world import Died
from tests.samples import EVIDENCE
from tests.sizes import size

LIMIT = 5
MAILERS = 2
# What a mailer needn't count, for each but one.
BOUND = 2 * (MAILERS - 1)
FLAGS = {"velocity": EVIDENCE["velocity"]}


@dataclass(frozen=True)
class Arrival:
    """Some transactions that come to one mailer, which may be killed at one of its calls; they may come twice."""

    count: int
    wait_min: int
    mailer: int
    are_alerts: bool
    dies_at: int | None
    is_repeated: bool


ARRIVALS = st.lists(
    st.builds(
        Arrival,
        count=st.integers(1, 9),
        wait_min=st.sampled_from((0, 0, 1, 7, 25, 50)),
        mailer=st.integers(0, MAILERS - 1),
        are_alerts=st.sampled_from((False, False, False, True)),
        dies_at=st.sampled_from((None, None, None, 0, 1, 2, 3, 4, 5, 6, 8)),
        is_repeated=st.booleans(),
    ),
    min_size=1,
    max_size=10,
)


class Run:
    """A flood that keeps the time of each e-mail, and which e-mails may be copies because a mailer died unheard."""

    def __init__(self, dynamodb: Any, names: dict[str, str]) -> None:
        self.flood = Flood(dynamodb, names, MAILERS)
        self.flood.digest_after = LIMIT
        self.flood.enrol(ACCOUNT, "awa", locale="en")
        self.times: list[datetime] = []
        self.told = 0
        self.unheard: set[str] = set()

    def note_times(self) -> None:
        self.times += [self.flood.now] * (len(self.flood.mails()) - len(self.times))

    def come(self, arrival: Arrival) -> None:
        flood = self.flood
        self.pass_time(timedelta(minutes=arrival.wait_min))
        told = on_one_account(arrival.count, self.told)
        self.told += arrival.count
        flags = FLAGS if arrival.are_alerts else {}
        bodies = list(pack(to_payload(Notice(one, flags=flags)) for one in told))
        mailer = flood.alert_mailer if arrival.are_alerts else flood.mailers[arrival.mailer]
        if arrival.dies_at is not None:
            queue = flood.alert_queue if arrival.are_alerts else flood.queue
            before = len(flood.mails())
            doomed = flood.mailer(dynamodb=Failing(flood.dynamodb, Died(), at=arrival.dies_at), queue=queue)
            try:
                doomed.handle(bodies, lambda: 20)
            except Died:
                self.unheard |= {shop for mail in flood.mails()[before:] for shop in shops_in(mail)}
            self.note_times()
            flood.now += timedelta(minutes=2)
        mailer.handle(bodies, lambda: 20)
        if arrival.is_repeated:
            mailer.handle(bodies, lambda: 20)
        self.note_times()

    def pass_time(self, duration: timedelta) -> None:
        """Let time pass a minute at a time, as the release runs; the mailers take turns."""
        until = self.flood.now + duration
        while self.flood.now < until:
            step = min(until - self.flood.now, timedelta(minutes=1))
            mailer = self.flood.mailers[self.flood.now.minute % MAILERS]
            self.flood.pass_time(step, mailer)
            self.note_times()


@settings(max_examples=size(2, 50))
@given(arrivals=ARRIVALS)
@example(arrivals=[Arrival(8, 0, 0, True, None, False)] * 2)  # more alerts than an e-mail names
def test_in_the_end_each_transaction_is_told_once_and_nobody_is_flooded(
    dynamodb: Any, table_names: dict[str, str], arrivals: list[Arrival]
) -> None:
    for table in ("NotificationsTable", "DeferralsTable"):
        for item in dynamodb.scan(TableName=table)["Items"]:
            keys = ("due_hour", "due") if table == "DeferralsTable" else ("transaction_key", "holder")
            dynamodb.delete_item(TableName=table, Key={name: item[name] for name in keys})
    run = Run(dynamodb, table_names)
    for arrival in arrivals:
        run.come(arrival)
    run.flood.pass_time(HOUR + CLOSED_FOR)
    run.flood.pass_time(HOUR + CLOSED_FOR)
    run.note_times()
    flood = run.flood

    assert flood.noted_of(on_one_account(run.told)) == {("sent", None): run.told}
    assert (flood.entries, flood.dead_letters.bodies) == (0, [])
    told = Counter(shop for mail in flood.mails() for shop in set(shops_in(mail)))
    # Of many alerts an e-mail names some, and counts the others.
    unnamed = sum(int(more) for mail in flood.mails() for more in re.findall(r"^And (\d+) more\.$", mail["text"], re.M))
    everyone = {f"{number:04}" for number in range(run.told)}
    assert set(told) <= everyone
    assert len(everyone) - len(told) == unnamed
    # Only where SES had accepted an e-mail and the mailer died before it could note that may there be a second one.
    assert {shop for shop, times in told.items() if times > 1} <= run.unheard
    assert max(flood.ses.recipients.values()) == flood.ses.recipients[ADDRESS]

    ordinary = [
        (at, mail)
        for at, mail in zip(run.times, flood.mails(), strict=True)
        if not mail["subject"].startswith("Security alert") and not set(shops_in(mail)) & run.unheard
    ]
    alone = [at for at, mail in ordinary if "transaction" not in mail["subject"]]
    digests = [at for at, mail in ordinary if "transaction" in mail["subject"]]
    deaths = sum(arrival.dies_at is not None for arrival in arrivals)
    for start in alone:
        # In an hour from any moment on: the end of one of the holder's hours and the beginning of the next.
        assert sum(start <= at < start + HOUR for at in alone) <= 2 * (LIMIT + BOUND) + 2 * deaths
        assert sum(start <= at < start + HOUR for at in digests) <= 2
