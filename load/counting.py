"""What became of the transactions of a run: posted, stored, told, added up. All is read through the bank's own API."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bank_simulator import verify
from bank_simulator.bank_api import BankApi
from bank_simulator.counted import Counted, NotCounted, counted, to_be_counted
from bank_simulator.postings import Answer
from bank_simulator.progress import Progress
from bank_simulator.report import percentile
from chalicelib.api.json_body import read_json
from infra.failures import CommandFailed
from load.banks import CURRENCY, HOLDER, LoadedBank
from load.running import Answered

# Longer than a message waits that a function could not handle, and than the job's margin of a minute.
PATIENCE_S = 240.0
_LOOK_AGAIN_S = 1.0
_PAGE = 100
_MAX_DAYS = timedelta(days=365)
_UNFINISHED = frozenset({"queued"})


class NotReadable(CommandFailed):
    """A bank's notifications can't be read; the message names the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"GET /notifications was answered {answer}.")


@dataclass(slots=True)
class Told:
    """What became of each notification by its id and holder, and the seconds from the POST to SES's acceptance."""

    states: dict[tuple[str, str], str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def is_final(self, pair: tuple[str, str]) -> bool:
        return self.states.get(pair, "queued") not in _UNFINISHED


@dataclass(frozen=True, slots=True)
class Account:
    """What became of what one bank posted: the counts of a run's end.

    `told` are the states of the notifications that are due, by number; `missing` how many of them have no final state.
    `mail_s` are the seconds from POST to SES, `post_ms` the milliseconds of each POST's last try.
    """

    bank: str
    posted: int
    recorded: int
    stored: int
    differences: Sequence[str]
    told: Mapping[str, int]
    missing: int
    is_added_up: bool
    answers: Mapping[str, int]
    mail_s: Sequence[float]
    post_ms: Sequence[float]

    @property
    def is_right(self) -> bool:
        """Whether nothing is lost, doubled or counted wrong, and every holder's notification has come to an end."""
        is_stored = self.posted == self.recorded == self.stored and not self.differences
        return is_stored and not self.missing and self.is_added_up

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        return {
            "bank": self.bank,
            "posted": self.posted,
            "recorded": self.recorded,
            "stored": self.stored,
            "differences": list(self.differences)[:20],
            "told": dict(self.told),
            "missing": self.missing,
            "added_up": self.is_added_up,
            "answers": dict(self.answers),
            "post_ms": _spread(self.post_ms),
            "post_to_ses_s": _spread(self.mail_s),
            "right": self.is_right,
        }


def account_of(
    bank: LoadedBank, answered: Iterable[Answered], extra: Sequence[str], progress: Progress, patience_s: float
) -> Account:
    """Count what became of a bank's transactions; `extra` are ids of notifications besides theirs.

    One that was posted several times counts once. Waits until all is there that should be, or until nothing has come
    for `patience_s` seconds.
    """
    own = [one for one in answered if one.bank == bank.load.bank]
    posted = [read_json(body)["id"] for body in bank.bodies]
    latest_first = sorted(own, key=lambda one: one.posted_at, reverse=True)
    recorded = list({posted[one.index]: one for one in latest_first if one.is_recorded}.values())  # the first of each
    bodies = [read_json(bank.bodies[one.index]) for one in recorded]
    checked = verify.verify(bodies, bank.target, 4, progress, patience_s=_patience_s(own, patience_s))
    with BankApi(bank.target, clients=1) as api:
        posted_at = {body["id"]: one.posted_at for body, one in zip(bodies, recorded, strict=True)}
        has_holder = set(bank.accounts)
        due = {(body["id"], HOLDER) for body in bodies if body["account"] in has_holder and body.get("notify", True)}
        due |= {(one, HOLDER) for one in extra}
        told = _told(api, due, posted_at, patience_s)
        expected = to_be_counted((bank.bodies[one.index] for one in recorded), CURRENCY)
        is_added_up = _is_added_up(api, expected, list(_days(body["timestamp"] for body in bodies)), patience_s)
    return Account(
        bank=bank.load.bank,
        posted=len(set(posted)),
        recorded=len(recorded),
        stored=sum(sums.count for sums in checked.stored.values()),
        differences=checked.differences,
        told=Counter(told.states[pair] for pair in due if pair in told.states),
        missing=sum(not told.is_final(pair) for pair in due),
        is_added_up=is_added_up,
        answers=Counter(one.answer for one in own),
        mail_s=told.seconds,
        post_ms=[one.taken_ms for one in own],
    )


def _patience_s(answered: Iterable[Answered], at_most_s: float) -> float:
    # What was recorded at once is in its account's listing after a moment.
    return at_most_s if any(one.answer == "queued" for one in answered) else min(at_most_s, verify.INDEX_PATIENCE_S)


def _told(api: BankApi, due: set[tuple[str, str]], posted_at: Mapping[str, datetime], patience_s: float) -> Told:
    """Follow the bank's feed until every due notification has a final state, or nothing new has come for a while."""
    told, since, last_news = Told(), "", time.monotonic()
    sent: set[tuple[str, str]] = set()
    while not all(map(told.is_final, due)) and time.monotonic() - last_news < patience_s:
        reply = api.request("GET", f"/notifications?limit={_PAGE}{since}")
        if reply.answer.status != 200:
            raise NotReadable(reply.answer)
        page = json.loads(reply.data)
        since = f"&since={page['next_cursor']}"
        for one in page["notifications"]:
            pair = one["transaction"], one["holder"]
            if told.states.get(pair) != one["state"]:
                told.states[pair] = one["state"]
                last_news = time.monotonic()
            if "sent_at" in one and pair not in sent and pair[0] in posted_at:
                sent.add(pair)
                told.seconds.append((datetime.fromisoformat(one["sent_at"]) - posted_at[pair[0]]).total_seconds())
        if not page["notifications"]:
            time.sleep(_LOOK_AGAIN_S)
    return told


def _is_added_up(
    api: BankApi, expected: Mapping[str, Counted], ranges: Sequence[tuple[date, date]], patience_s: float
) -> bool:
    """Whether `GET /analytics` comes to count exactly what was posted."""
    deadline = time.monotonic() + patience_s
    while True:
        found: dict[str, Counted] = {}
        try:
            for first, last in ranges:
                for currency, sums in counted(api, **{"from": first.isoformat(), "to": last.isoformat()}).items():
                    before = found.get(currency, Counted())
                    found[currency] = Counted(
                        before.count + sums.count, before.credit + sums.credit, before.debit + sums.debit
                    )
        except NotCounted as error:
            raise CommandFailed(str(error)) from None
        if found == expected:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_AGAIN_S)


def _days(timestamps: Iterable[str]) -> Iterator[tuple[date, date]]:
    """Yield the ranges of UTC days with these times, each as long as one question may be, without a gap or overlap."""
    days = sorted({datetime.fromisoformat(one).astimezone(UTC).date() for one in timestamps})
    while days:
        first = days[0]
        last = max(day for day in days if day <= first + _MAX_DAYS)
        yield first, last
        days = [day for day in days if day > last]


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    counts = Counter(values)
    names = {"p50": 50, "p95": 95, "p99": 99, "max": 100}
    return {name: round(percentile(counts, percent), 3) for name, percent in names.items()}
