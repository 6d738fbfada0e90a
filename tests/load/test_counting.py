"""The count at a run's end, against an honest small API over HTTP that can be told to misbehave."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest

from bank_simulator import generate
from bank_simulator.bank_api import BankApi, Target
from load.banks import HOLDER, LoadedBank
from load.counting import Account, NotReadable, account_of
from load.running import Answered
from load.scenarios import Load
from tests.fake_api import KEY, FakeBankApi, problem, served
from tests.fakes import NoProgress

COUNT = 12


@pytest.fixture
def api() -> FakeBankApi:
    return FakeBankApi()


@pytest.fixture
def bank(api: FakeBankApi) -> Iterator[LoadedBank]:
    made = generate.transactions(Random(1), datetime.now(UTC), COUNT, accounts=("L1", "L2"))
    with served(api) as url:
        yield LoadedBank(
            Load("one", 1, count=COUNT), Target(url, KEY), ("L1", "L2"), [posting.body for posting in made]
        )


def posted(api: FakeBankApi, bank: LoadedBank) -> list[Answered]:
    """Post all, tell each holder, and return the answers."""
    now = datetime.now(UTC)
    with BankApi(bank.target, 1) as client:
        for body in bank.bodies:
            assert client.request("POST", "/transactions", body).answer.status == 201
    api.told = [
        {"transaction": one, "holder": HOLDER, "state": "sent", "sent_at": now.isoformat()} for one in api.stored
    ]
    return [Answered("one", index, "created", now, 5.0) for index in range(COUNT)]


def count(bank: LoadedBank, answered: list[Answered]) -> Account:
    return account_of(bank, answered, [], NoProgress(), patience_s=0.3)


def test_what_is_posted_is_stored_told_and_added_up(api: FakeBankApi, bank: LoadedBank) -> None:
    counted = count(bank, posted(api, bank))
    assert counted.is_right
    assert counted.to_json() | {"post_to_ses_s": None} == {
        "bank": "one",
        "posted": COUNT,
        "recorded": COUNT,
        "stored": COUNT,
        "differences": [],
        "told": {"sent": COUNT},
        "missing": 0,
        "added_up": True,
        "answers": {"created": COUNT},
        "post_ms": {"p50": 5, "p95": 5, "p99": 5, "max": 5},
        "post_to_ses_s": None,
        "right": True,
    }


def test_what_was_recorded_and_is_gone_is_found(api: FakeBankApi, bank: LoadedBank) -> None:
    answered = posted(api, bank)
    del api.stored[next(iter(api.stored))]
    counted = count(bank, answered)
    assert (counted.stored, len(counted.differences), counted.is_right) == (COUNT - 1, 1, False)


def test_a_holder_who_was_not_told_is_missing(api: FakeBankApi, bank: LoadedBank) -> None:
    answered = posted(api, bank)
    api.told = [*api.told[2:], api.told[0] | {"state": "queued"}]
    counted = count(bank, answered)
    assert (counted.missing, counted.told, counted.is_right) == (2, {"sent": COUNT - 2, "queued": 1}, False)


def test_a_skipped_notification_is_an_end_too(api: FakeBankApi, bank: LoadedBank) -> None:
    answered = posted(api, bank)
    api.told[0] = {"transaction": api.told[0]["transaction"], "holder": HOLDER, "state": "skipped"}
    counted = count(bank, answered)
    assert (counted.told, counted.is_right) == ({"sent": COUNT - 1, "skipped": 1}, True)
    assert len(counted.mail_s) == COUNT - 1


def test_analytics_that_count_wrong_are_found(api: FakeBankApi, bank: LoadedBank) -> None:
    answered = posted(api, bank)
    api.miscounts = 1
    assert not count(bank, answered).is_added_up


def test_what_was_refused_is_posted_and_not_recorded(api: FakeBankApi, bank: LoadedBank) -> None:
    *answered, last = posted(api, bank)
    refused = Answered(last.bank, last.index, "refused with 400", last.posted_at, last.taken_ms)
    counted = count(bank, [*answered, refused])
    assert (counted.posted, counted.recorded, counted.is_right) == (COUNT, COUNT - 1, False)


def test_a_feed_that_can_not_be_read_is_said(api: FakeBankApi, bank: LoadedBank) -> None:
    answered = posted(api, bank)
    api.feed = lambda: problem(403, "forbidden")
    with pytest.raises(NotReadable, match="403 forbidden"):
        count(bank, answered)


def test_what_is_posted_twice_counts_once(api: FakeBankApi, bank: LoadedBank) -> None:
    answered = posted(api, bank)
    again = replace(bank, bodies=[*bank.bodies, *bank.bodies[:3]])
    repeats = [replace(answered[index], index=COUNT + index, answer="replayed") for index in range(3)]
    counted = count(again, [*answered, *repeats])
    assert (counted.posted, counted.recorded, counted.stored, counted.is_right) == (COUNT, COUNT, COUNT, True)
    assert counted.answers == {"created": COUNT, "replayed": 3}
