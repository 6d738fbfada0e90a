"""Links: good for whom, what and as long as they were issued for, whatever is done to them or to the keys."""

import base64
import dataclasses
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from chalicelib.aws.secret_store import SecretStore
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.address import Address
from chalicelib.holders.confirmation import ASKED_AT_MOST_EACH
from chalicelib.holders.holder import Holder
from chalicelib.holders.link_tokens import InvalidToken, open_sealed, seal
from chalicelib.holders.links import GOOD_FOR, Bearer, HolderLinks, InvalidLink, Links, Purpose
from operations.links import KEPT, rotate
from tests.fakes import Refusing, refusal

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
AWA = Holder("h1", "Awa Ndiaye", "awa@example.com", "fr", "Africa/Douala", {}, NOW)
URL = "https://alerts.example.com"


class FakeSecrets:
    """A Secrets Manager with one secret; counts how often it is read."""

    def __init__(self) -> None:
        self.stored = json.dumps({"older": [], "newest": "first key"})
        self.reads = 0
        self.is_down = False

    def get_secret_value(self, **_: Any) -> dict[str, str]:
        self.reads += 1
        if self.is_down:
            raise refusal("InternalServiceError")
        return {"SecretString": self.stored}

    def put_secret_value(self, SecretString: str, **_: Any) -> None:  # noqa: N803
        self.stored = SecretString


# A link that confirms an address names no holder.
OF_HOLDER = [purpose for purpose in Purpose if purpose is not Purpose.CONFIRM]


class World:
    """A stage's functions: each has links of its own, and all have one secret and one time."""

    def __init__(self) -> None:
        self.now = NOW
        self.secrets = FakeSecrets()
        self.links = self.function()

    def function(self, client: Any = None, url: str = URL) -> HolderLinks:
        return HolderLinks(SecretStore(lambda: client or self.secrets, lambda: self.now), "arn", lambda: self.now, url)

    def tokens(self, holder: Holder = AWA) -> dict[Purpose, str]:
        links = self.links.links_for("eazycard", "A123", holder, ["t1"])
        assert links.preferences is not None
        assert links.unsubscribe is not None
        found = {Purpose.PREFERENCES: links.preferences, Purpose.UNSUBSCRIBE: links.unsubscribe}
        assert all(url.startswith(f"{URL}/preferences/") for url in found.values())
        found[Purpose.ANSWER], was_not_me = links.answers["t1"]
        assert found[Purpose.ANSWER].startswith(f"{URL}/alerts/")
        assert was_not_me != found[Purpose.ANSWER]
        return {purpose: url.rpartition("/")[2] for purpose, url in found.items()}

    def read(self, token: str) -> Bearer:
        """Return what a link names, whatever it is for."""
        return self.links.read(token, tuple(Purpose))


@pytest.fixture
def world() -> World:
    return World()


def test_a_link_names_its_holder_and_its_purpose(world: World) -> None:
    for purpose, token in world.tokens().items():
        bearer = world.read(token)
        assert (bearer.bank, bearer.account, bearer.holder, bearer.purpose) == ("eazycard", "A123", "h1", purpose)
        assert bearer.is_for(AWA)


def test_a_link_has_the_mark_that_earlier_links_have(world: World) -> None:
    """The mark is in links that were sent a year ago: its length and what it is made of can't change."""
    golden = hashlib.sha256(b"2026-01-10T14:00:00Z awa@example.com").hexdigest()[:12]
    assert golden == "13e7abf7a931"
    for token in world.tokens().values():
        assert world.read(token).address_mark == golden


def test_a_holder_stored_with_half_a_character_has_links(world: World) -> None:
    odd = dataclasses.replace(AWA, email="a\ud800@example.com")
    for token in world.tokens(odd).values():
        assert world.read(token).is_for(odd)


def test_a_link_is_fit_for_a_path_and_shows_nothing_to_who_reads_it(world: World) -> None:
    for token in world.tokens().values():
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,160}", token)
        read = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        for content in (b"eazycard", b"A123", b"h1/", b"awa", b"example.com"):
            assert content not in read


def test_two_links_of_one_holder_have_nothing_in_common(world: World) -> None:
    first, second = world.tokens()[Purpose.PREFERENCES], world.tokens()[Purpose.PREFERENCES]
    assert first[:8] != second[:8]


def test_a_link_ends_when_the_bank_gives_the_id_to_another_address(world: World) -> None:
    bearer = world.read(world.tokens()[Purpose.PREFERENCES])
    assert bearer.is_for(dataclasses.replace(AWA, name="Awa N.", preferences={"muted": True}))
    assert not bearer.is_for(dataclasses.replace(AWA, email="ben@example.com"))
    assert not bearer.is_for(dataclasses.replace(AWA, id="h2"))


def test_a_link_stays_ended_when_the_erased_holder_s_id_and_address_are_enrolled_again(world: World) -> None:
    enrolled = dataclasses.replace(AWA, created_at=NOW)
    bearer = world.links.read(world.tokens(enrolled)[Purpose.PREFERENCES])
    assert bearer.is_for(dataclasses.replace(enrolled, enrolled_at=NOW + timedelta(days=1)))  # replaced by its bank
    again = NOW + timedelta(days=1)
    assert not bearer.is_for(dataclasses.replace(enrolled, enrolled_at=again, created_at=again))


def test_a_link_of_an_earlier_release_names_the_address_alone(world: World) -> None:
    mark = hashlib.sha256(b"awa@example.com").hexdigest()[:12]
    assert Bearer("eazycard", "A123", AWA.id, mark, Purpose.PREFERENCES).is_for(AWA)


def test_a_link_stays_valid_when_the_bank_spells_the_address_otherwise(world: World) -> None:
    first = dataclasses.replace(AWA, email="Awa.Case@Example.com")
    for token in world.tokens(first).values():
        assert world.read(token).is_for(dataclasses.replace(AWA, email="awa.case@example.com"))


@pytest.mark.parametrize("purpose", OF_HOLDER)
def test_a_link_is_valid_to_its_last_second(world: World, purpose: Purpose) -> None:
    token = world.tokens()[purpose]
    world.now = NOW + GOOD_FOR[purpose]
    assert world.read(token).purpose == purpose
    world.now += timedelta(seconds=1)
    with pytest.raises(InvalidLink):
        world.read(token)


def test_unsubscribing_works_for_a_year_the_page_for_a_month_and_an_answer_for_a_week() -> None:
    assert {purpose: for_.days for purpose, for_ in GOOD_FOR.items()} == {
        Purpose.UNSUBSCRIBE: 366,
        Purpose.PREFERENCES: 30,
        Purpose.ANSWER: 7,
        Purpose.CONFIRM: ASKED_AT_MOST_EACH.days,
    }


@pytest.mark.parametrize("purpose", OF_HOLDER)
@given(data=st.data())
def test_a_link_that_was_changed_anywhere_is_refused(purpose: Purpose, data: st.DataObject) -> None:
    world = World()
    token = world.tokens()[purpose]
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("Aa0-_.é"))
    forged = token[:place] + other + token[place + 1 :]
    # Base64 has bits at its end that mean nothing.
    is_the_same_signature = token[:-1] == forged[:-1]
    if not is_the_same_signature:
        with pytest.raises(InvalidLink):
            world.read(forged)


@pytest.mark.parametrize("token", ["", ".", "..", "a", "é", "\x00", "x" * 10_000, "WyJlIl0.aVW5AA.x", "%", "null"])
def test_a_malformed_link_is_refused(world: World, token: str) -> None:
    with pytest.raises(InvalidLink):
        world.read(token)


def test_another_stage_s_link_is_refused(world: World) -> None:
    other = World()
    other.secrets.stored = json.dumps({"older": [], "newest": "another key"})
    with pytest.raises(InvalidLink):
        world.read(other.tokens()[Purpose.PREFERENCES])


def test_links_from_before_a_rotation_stay_valid_and_new_links_are_accepted_at_once(world: World) -> None:
    before = world.tokens()
    page = world.function()  # remembers the first key
    page.read(before[Purpose.PREFERENCES])
    rotate(world.secrets, "arn")
    world.now += timedelta(seconds=11)
    world.links = world.function()  # a mailer that starts now uses the new one
    for token in (*world.tokens().values(), *before.values()):
        assert page.read(token, tuple(Purpose)).is_for(AWA)


def test_the_newest_key_makes_links(world: World) -> None:
    rotate(world.secrets, "arn")
    token = world.tokens()[Purpose.UNSUBSCRIBE]
    newest = json.loads(world.secrets.stored)["newest"]
    world.secrets.stored = json.dumps({"older": [], "newest": newest})
    assert world.function().read(token).is_for(AWA)


def test_after_a_rotation_that_forgets_older_keys_earlier_links_are_invalid(world: World) -> None:
    token = world.tokens()[Purpose.UNSUBSCRIBE]
    assert rotate(world.secrets, "arn", forget_older=True) == 0
    world.now += timedelta(minutes=5)
    with pytest.raises(InvalidLink):
        world.read(token)


def test_a_year_of_monthly_rotations_keeps_a_year_s_links(world: World) -> None:
    token = world.tokens()[Purpose.UNSUBSCRIBE]
    for _ in range(12):
        rotate(world.secrets, "arn")
    assert world.function().read(token).is_for(AWA)
    for _ in range(5):
        assert rotate(world.secrets, "arn") == KEPT


def test_rotation_works_on_secrets_manager_itself() -> None:
    with mock_aws():
        client = boto3.client("secretsmanager")
        arn = client.create_secret(Name="links", SecretString='{"older": [], "newest": "a"}')["ARN"]
        assert [rotate(client, arn), rotate(client, arn)] == [1, 2]
        stored = json.loads(client.get_secret_value(SecretId=arn)["SecretString"])
        assert stored["older"][-1] == "a"
        assert len({stored["newest"], *stored["older"]}) == 3


def test_forged_links_read_the_secret_every_ten_seconds_at_most(world: World) -> None:
    read_at = []
    for second in range(35):
        before = world.secrets.reads
        with pytest.raises(InvalidLink):
            world.read("forged")
        read_at += [second] * (world.secrets.reads - before)
        world.now += timedelta(seconds=1)
    assert read_at == [0, 10, 20, 30]


def test_links_of_a_known_key_read_the_secret_every_five_minutes(world: World) -> None:
    token = world.tokens()[Purpose.PREFERENCES]
    for _ in range(10):
        world.now += timedelta(seconds=29)
        assert world.read(token).is_for(AWA)
    assert world.secrets.reads == 1
    world.now += timedelta(seconds=11)
    assert world.read(token).is_for(AWA)
    assert world.secrets.reads == 2


@pytest.mark.parametrize(
    ("purpose", "fields"),
    [
        (Purpose.PREFERENCES, 3),
        (Purpose.PREFERENCES, 5),
        (Purpose.UNSUBSCRIBE, 6),
        (Purpose.ANSWER, 4),
        (Purpose.ANSWER, 5),
        (Purpose.ANSWER, 7),
    ],
)
def test_a_link_of_another_release_with_fewer_or_more_fields_is_refused(
    world: World, purpose: Purpose, fields: int
) -> None:
    with pytest.raises(InvalidLink):
        world.read(seal(["x"] * fields, purpose, "first key", NOW))


def test_an_answer_s_link_names_the_transaction_and_the_button(world: World) -> None:
    answers = world.links.links_for("eazycard", "A123", AWA, ["t1", "t2"]).answers
    read = {id_: [world.read(url.rpartition("/")[2]).about for url in links] for id_, links in answers.items()}
    assert read == {id_: [(id_, "was_me"), (id_, "was_not_me")] for id_ in ("t1", "t2")}
    assert world.read(world.tokens()[Purpose.PREFERENCES]).about == ()


def test_a_stage_that_knows_no_url_of_its_own_issues_no_links_and_reads_no_secret(world: World) -> None:
    assert world.function(url="").links_for("eazycard", "A123", AWA) == Links(None, None)
    assert world.secrets.reads == 0


@pytest.mark.parametrize("base", [URL, f"{URL}/", "https://x.example/prod/"])
def test_the_url_may_end_in_a_slash(world: World, base: str) -> None:
    links = world.function(url=base).links_for("eazycard", "A123", AWA)
    assert links.preferences is not None
    assert links.preferences.startswith(f"{base.rstrip('/')}/preferences/")


@pytest.mark.parametrize("stored", ["", "text", "{}", "[]", '{"older": []}'])
def test_without_readable_keys_e_mails_go_out_without_links(world: World, stored: str) -> None:
    world.secrets.stored = stored
    assert world.links.links_for("eazycard", "A123", AWA) == Links()


def test_while_the_keys_can_t_be_read_no_e_mail_waits_for_another_try_and_then_there_are_links_again(
    world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    world.secrets.is_down = True
    for _ in range(50):
        assert world.links.links_for("eazycard", "A123", AWA) == Links()
    assert world.secrets.reads == 1
    (line,) = [line for line in caplog.records if line.message == "links_unavailable"]
    assert line.__dict__["error"] == "ClientError"
    assert '"LinksUnavailable":[1.0]' in capsys.readouterr().out  # once, however many e-mails
    world.secrets.is_down = False
    world.now += timedelta(minutes=1)
    assert world.tokens()


def test_a_link_can_t_be_judged_while_the_keys_can_t_be_read(world: World) -> None:
    down = world.function(Refusing(world.secrets, refusal("ThrottlingException"), "get_secret_value"))
    with pytest.raises(TemporarilyUnavailable):
        down.read(world.tokens()[Purpose.PREFERENCES])


def test_links_that_were_sent_are_for_the_purposes_by_these_names(world: World) -> None:
    """A purpose's name is sealed into its links: with another name, no link that was ever sent would be read."""
    tokens = {**world.tokens(), Purpose.CONFIRM: confirmation(world)}
    names = {"preferences", "unsubscribe", "answer", "confirm"}
    for purpose, token in tokens.items():
        read = {name for name in names if is_sealed_for(token, name)}
        assert read == {purpose.name.lower()}


def is_sealed_for(token: str, purpose: str) -> bool:
    try:
        return bool(open_sealed(token, purpose, ["first key"], timedelta(days=1), NOW))
    except InvalidToken:
        return False


def test_the_headers_let_mail_programs_unsubscribe_with_one_click() -> None:
    assert Links("https://a/p", "https://a/u").headers == (
        ("List-Unsubscribe", "<https://a/u>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )
    assert Links().headers == ()


def confirmation(world: World, bank: str = "eazycard", email: str = AWA.email) -> str:
    link = world.links.confirmation_link(Address.of(bank, email))
    assert link is not None
    assert link.startswith(f"{URL}/addresses/")
    return link.rpartition("/")[2]


def test_a_link_that_confirms_an_address_names_the_bank_and_the_address_by_its_hash(world: World) -> None:
    assert world.links.read_confirmation(confirmation(world)) == Address.of("eazycard", AWA.email)
    assert world.links.read_confirmation(confirmation(world, email=AWA.email.upper())).digest == (
        Address.of("eazycard", AWA.email).digest
    )


def test_a_link_that_confirms_an_address_is_valid_for_14_days_and_for_nothing_else(world: World) -> None:
    token = confirmation(world)
    with pytest.raises(InvalidLink):
        world.read(token)
    for other in world.tokens().values():
        with pytest.raises(InvalidLink):
            world.links.read_confirmation(other)
    world.now = NOW + timedelta(days=14)
    assert world.links.read_confirmation(token).bank == "eazycard"
    world.now += timedelta(seconds=1)
    with pytest.raises(InvalidLink):
        world.links.read_confirmation(token)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "A" * 64, "A" * 2000, "%00"])
def test_a_forged_link_confirms_nothing(world: World, token: str) -> None:
    with pytest.raises(InvalidLink):
        world.links.read_confirmation(token)


def test_a_link_of_a_key_that_a_function_has_not_read_yet_confirms(world: World) -> None:
    confirmation(world)  # it remembers the first key
    other = world.function()
    rotate(world.secrets, "arn")
    world.now += timedelta(seconds=11)
    link = str(other.confirmation_link(Address.of("eazycard", AWA.email)))
    assert world.links.read_confirmation(link.rpartition("/")[2]).bank == "eazycard"


def test_without_a_url_there_is_no_link_that_confirms(world: World) -> None:
    assert world.function(url="").confirmation_link(Address.of("eazycard", AWA.email)) is None


def test_a_stage_without_pages_issues_no_links_and_asks_for_no_key() -> None:
    secrets = FakeSecrets()
    links = HolderLinks(SecretStore(lambda: secrets, lambda: NOW), "arn", lambda: NOW)
    assert links.links_for("eazycard", "A123", AWA, ["t1"]) == Links()
    assert links.confirmation_link(Address.of("eazycard", AWA.email)) is None
    assert secrets.reads == 0
    assert Links().headers == ()
