"""Posting with signatures: with every valid secret, and what keeps a webhook from being posted."""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from chalicelib.aws.secret_store import SecretStore
from chalicelib.banks.bank import Bank, BankDirectory
from chalicelib.banks.endpoints import EndpointDirectory
from chalicelib.banks.repository import BankRepository
from chalicelib.banks.settings import BankSettings, SettingsDirectory, StoredSettings
from chalicelib.banks.webhook_endpoints import MAX_ENDPOINTS, WEBHOOK_TEST, NamedEndpoint
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.attempt import BANK_DISABLED, NO_ENDPOINT, NO_SECRET, PACED, RESTING
from chalicelib.webhooks.host_rate import AT_ONCE
from chalicelib.webhooks.poster import Answer
from chalicelib.webhooks.signed_poster import SignedPoster
from chalicelib.webhooks.webhook import Webhook
from tests.fakes import Failing, refusal
from tests.mail_world import NOW
from tests.webhook_desk import NEW, OLD, TAKEN, URL, Desk, FakeEndpoints, FakeSecrets

OTHER_URL = "https://hooks.other.example/"


class Postroom:
    """A signed poster, two banks with endpoints, and a clock that endpoints move when they take their time."""

    def __init__(self, dynamodb: Any, names: dict[str, str]) -> None:
        self.now = NOW
        self.endpoints, self.secrets = FakeEndpoints(), FakeSecrets()
        self.endpoints.tick = self.pass_time
        self.banks = BankRepository(dynamodb, names["BanksTable"])
        self.enter("eazycard", URL)
        self.enter("other-bank", OTHER_URL)
        self.poster = self.process()

    def pass_time(self, time: timedelta) -> None:
        self.now += time

    def pass_at_once(self, began: datetime, time: timedelta) -> None:
        """Let the time pass of one of several that take theirs at the same time."""
        self.now = max(self.now, began + time)

    def enter(self, bank: str, url: str | None, **changes: Any) -> None:
        arn = f"secret-of-{bank}"
        self.secrets.store(arn, OLD)
        self.banks.put_bank(Bank(bank, bank, "EUR", "standard", **{"webhook_secret_arn": arn, **changes}))
        version = self.banks.settings(bank).version + 1
        self.banks.put_settings(bank, StoredSettings(BankSettings(webhook_url=url), {}, version))

    def enter_all(self, bank: str, endpoints: Sequence[NamedEndpoint]) -> None:
        version = self.banks.settings(bank).version + 1
        self.banks.put_settings(bank, StoredSettings(BankSettings(webhooks=tuple(endpoints)), {}, version))

    def process(self, secrets: Any = None) -> SignedPoster:
        clock = lambda: self.now  # noqa: E731
        directory = EndpointDirectory(
            SettingsDirectory(self.banks, clock), BankDirectory(self.banks, clock), self.banks
        )
        return SignedPoster(directory, SecretStore(lambda: secrets or self.secrets, clock), self.endpoints, clock)

    def answers(self, *banks: str, poster: SignedPoster | None = None, endpoints: Sequence[str] = ()) -> list[Answer]:
        kind = WEBHOOK_TEST if endpoints else "notification.delivered"
        webhooks = [
            Webhook(f"msg_{number}", NotificationKey(bank, "t1", "awa"), kind, "{}", NOW)
            for number, bank in enumerate(banks)
        ]
        if endpoints:
            webhooks = [one.to(endpoint) for one, endpoint in zip(webhooks, endpoints, strict=True)]
        attempts = (poster or self.poster).post(webhooks, self.now)
        assert [attempt.webhook for attempt in attempts] == webhooks
        return [attempt.answer for attempt in attempts]


@pytest.fixture
def postroom(dynamodb: Any, table_names: dict[str, str]) -> Postroom:
    return Postroom(dynamodb, table_names)


@pytest.fixture
def desk(dynamodb: Any, table_names: dict[str, str]) -> Desk:
    return Desk(dynamodb, table_names)


def test_what_is_posted_is_signed_with_every_secret_that_is_valid(desk: Desk) -> None:
    desk.now = datetime.now(NOW.tzinfo)  # the library's own clock is the machine's
    desk.secrets.store("webhook-secret-of-eazycard", NEW, OLD)
    desk.change("t1")
    desk.feed_webhooks()
    desk.send()
    (posted,) = desk.endpoints.posted
    assert posted.url == URL
    assert posted.headers["content-type"].startswith("application/json")
    for secret in (OLD, NEW):
        content = Verifier(secret).verify(posted.body, posted.headers)
        assert content["type"] == "notification.delivered"
    assert set(content["data"]) == {"transaction", "holder", "state", "message_id"}  # and nobody's name or address


def test_a_new_secret_signs_within_a_minute(desk: Desk) -> None:
    desk.now = datetime.now(NOW.tzinfo)
    desk.change("t1")
    desk.feed_webhooks()
    desk.send()
    desk.secrets.store("webhook-secret-of-eazycard", NEW)
    desk.now += timedelta(minutes=1)
    desk.change("t2", account="a2")
    desk.feed_webhooks()
    desk.send()
    posted = desk.endpoints.posted[-1]
    assert Verifier(NEW).verify(posted.body, posted.headers)["data"]["transaction"] == "t2"


def test_each_webhook_gets_the_answer_of_its_own_bank_s_endpoint(postroom: Postroom) -> None:
    postroom.endpoints.answers = {URL: [Answer(500)], OTHER_URL: [TAKEN]}
    assert postroom.answers("other-bank", "eazycard", "other-bank") == [TAKEN, Answer(500), TAKEN]
    assert postroom.answers() == []


@pytest.mark.parametrize(
    ("url", "changes", "answer"),
    [
        (None, {}, NO_ENDPOINT),
        (URL, {"disabled": True}, BANK_DISABLED),
        (URL, {"webhook_secret_arn": None}, NO_SECRET),
        (URL, {"webhook_secret_arn": "deleted"}, NO_SECRET),
    ],
    ids=["no endpoint", "bank disabled", "no secret", "secret deleted"],
)
def test_what_is_not_posted_says_why_and_another_bank_s_webhook_is_posted(
    postroom: Postroom, url: str | None, changes: dict[str, Any], answer: Answer
) -> None:
    postroom.enter("eazycard", url, **changes)
    assert postroom.answers("eazycard", "other-bank", poster=postroom.process()) == [answer, TAKEN]
    assert [posted.url for posted in postroom.endpoints.posted] == [OTHER_URL]


def test_an_endpoint_that_the_cache_does_not_have_yet_is_looked_for_in_the_table(postroom: Postroom) -> None:
    postroom.enter("eazycard", None)
    assert postroom.answers("eazycard") == [NO_ENDPOINT]
    postroom.enter("eazycard", URL)
    assert postroom.answers("eazycard") == [TAKEN]


@pytest.mark.parametrize(("takes_s", "rests_s"), [(2.1, 6.3), (9, 27), (15, 30)])
def test_a_slow_endpoint_rests_three_times_as_long_as_it_took_and_half_a_minute_at_most(
    postroom: Postroom, takes_s: float, rests_s: float
) -> None:
    postroom.endpoints.takes = {URL: timedelta(seconds=takes_s)}
    postroom.answers("eazycard")
    postroom.endpoints.takes = {}
    postroom.now += timedelta(seconds=rests_s - 0.001)
    assert postroom.answers("eazycard", "other-bank") == [RESTING, TAKEN]
    postroom.now += timedelta(seconds=0.001)
    assert postroom.answers("eazycard") == [TAKEN]


def test_an_endpoint_that_answers_within_two_seconds_does_not_rest(postroom: Postroom) -> None:
    postroom.endpoints.takes = {URL: timedelta(seconds=2)}
    assert postroom.answers("eazycard") == [TAKEN]
    assert postroom.answers("eazycard") == [TAKEN]


@pytest.mark.parametrize("at_once", [1, 5])
@pytest.mark.parametrize("takes_s", [0.51, 1.99, 2.5, 9.9, 10])
def test_however_slow_a_bank_s_endpoints_are_at_least_half_of_a_copy_s_time_is_left_to_others(
    postroom: Postroom, takes_s: float, at_once: int
) -> None:
    slow = [NamedEndpoint(f"https://slow{number}.bank.example/", (WEBHOOK_TEST,)) for number in range(MAX_ENDPOINTS)]
    postroom.enter_all("eazycard", slow)
    postroom.endpoints.takes = {one.url: timedelta(seconds=takes_s) for one in slow}
    waited: list[tuple[datetime, timedelta]] = []
    ends = NOW + timedelta(minutes=5)
    for number in itertools.count():
        if postroom.now >= ends:
            break
        began = postroom.now
        postroom.endpoints.tick = partial(postroom.pass_at_once, began)
        chosen = [slow[(number + other) % len(slow)].id for other in range(at_once)]
        assert postroom.answers("other-bank") == [TAKEN]
        postroom.answers(*["eazycard"] * at_once, endpoints=chosen)
        waited.append((began, postroom.now - began))
        postroom.now += timedelta(milliseconds=250)  # for the others
    for begins in range(5):
        minute = [took for at, took in waited if begins <= (at - NOW) / timedelta(minutes=1) < begins + 1]
        assert timedelta(0) < sum(minute, timedelta(0)) <= timedelta(seconds=30)


def test_when_a_bank_was_waited_for_too_long_all_of_its_endpoints_rest_until_the_minute_is_over(
    postroom: Postroom,
) -> None:
    slow, quick = (NamedEndpoint(f"https://{name}.bank.example/", (WEBHOOK_TEST,)) for name in ("slow", "quick"))
    postroom.enter_all("eazycard", [slow, quick])
    postroom.endpoints.takes = {slow.url: timedelta(seconds=1.5)}
    for _ in range(14):
        assert postroom.answers("eazycard", endpoints=[slow.id]) == [TAKEN]
    assert postroom.answers("eazycard", "other-bank", endpoints=[quick.id, "default"]) == [RESTING, TAKEN]
    postroom.now = NOW + timedelta(minutes=1, seconds=1.5) - timedelta(microseconds=1)
    assert postroom.answers("eazycard", endpoints=[quick.id]) == [RESTING]
    postroom.now += timedelta(microseconds=1)
    assert postroom.answers("eazycard", endpoints=[quick.id]) == [TAKEN]


def test_quick_answers_make_no_endpoint_rest_however_many_there_are(postroom: Postroom) -> None:
    postroom.endpoints.takes = {URL: timedelta(seconds=0.5)}
    for _ in range(200):
        assert postroom.answers("eazycard") == [TAKEN]


def test_a_secrets_manager_that_is_down_raises_and_nothing_is_posted(postroom: Postroom) -> None:
    down = postroom.process(Failing(postroom.secrets, refusal("ThrottlingException"), at=1))
    with pytest.raises(TemporarilyUnavailable):
        postroom.answers("eazycard", "other-bank", poster=down)
    assert postroom.endpoints.posted == []


def test_what_one_host_gets_in_a_moment_is_shared_in_turns_of_banks(postroom: Postroom) -> None:
    postroom.enter("other-bank", URL)
    own, others = int(AT_ONCE) + 10, int(AT_ONCE) // 2
    answers = postroom.answers(*["eazycard"] * own, *["other-bank"] * others, poster=postroom.process())
    assert answers[own:] == [TAKEN] * others
    assert answers[:own].count(TAKEN) == AT_ONCE - others
    assert set(answers) == {TAKEN, PACED}
