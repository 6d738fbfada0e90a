"""The life of a purchase: whatever order its events come in, and whatever fails, the right things are told."""

import contextlib
import dataclasses
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.keys import TransactionKey
from chalicelib.notifications.notice import Notice, pack, to_payload
from tests.dynamodb_local import empty
from tests.fakes import Failing, Interrupted, Refusing, refusal
from tests.mail_world import NOW, Died, World, messages
from tests.purchase_cast import CAST, FLAGS, HOLDERS, told
from tests.tables import create_tables

# Letters arrive in their order; one in brackets is recorded, and its notice comes late: when the letter comes again.
# Another letter again is a notice that is delivered once more. What is expected: the e-mails, each with its transaction
# and, after "of", what it names besides.
SEQUENCES = {
    # the plain ones
    "A": "authorized A",
    "S": "debit S",
    "A S": "authorized A",
    "A T": "authorized A, final T of A",
    "A t": "authorized A, part t of A",
    "A U": "authorized A, final U of A",
    "A R": "authorized A, released R of A",
    "A r": "authorized A, released r of A",
    "A C": "authorized A, credit C",
    "A D": "authorized A, declined D",
    "I": "debit A",
    # the settlement or the reversal first
    "S A": "debit S",
    "T A": "debit T",
    "R A": "released R",
    "r A": "released r, authorized A",
    "C A": "credit C, authorized A",  # a refund tells nothing of an authorization
    "D A": "declined D, authorized A",
    # late notices: recorded in order, and told out of order
    "(A) S A": "authorized A",
    "(A) T A": "final T of A, authorized A",
    "(A) R A": "released R of A, authorized A",
    "(A) (S) S A": "authorized A",
    "(S) A S": "authorized A",
    "(S) (A) S A": "debit S",
    "(S) (A) A S": "authorized A",
    "(T) A T": "authorized A, final T of A",
    # repeats
    "A A S S A S": "authorized A",
    "S S A A S": "debit S",
    "T A T A": "debit T",
    "A T A T T": "authorized A, final T of A",
    "R R A R": "released R",
    # charged twice: what comes after the end, or goes beyond, is another transaction
    "A S s": "authorized A, debit s",
    "A s S": "authorized A, debit S",
    "S s A": "debit S, debit s",
    "S A s": "debit S, debit s",
    "A S T": "authorized A, debit T",
    "A t T": "authorized A, part t of A, debit T",
    "A T S": "authorized A, final T of A, debit S",
    "A S s S s A": "authorized A, debit s",
    # reversed before, and after it was settled
    "A R S": "authorized A, released R of A, debit S",
    "A r t": "authorized A, released r of A",
    "R S A": "released R, debit S",
    "S R A": "debit S, released R",
    "R A S": "released R, debit S",
    "A S R": "authorized A, reversed R of A",
    "A T R": "authorized A, final T of A, reversed R of A",
    "A S R s": "authorized A, reversed R of A, debit s",
    "A S Z": "authorized A, reversed Z of S",
    "S Z": "debit S, reversed Z of S",
    "Z S": "released Z, debit S",  # what was settled is told, whatever came before
    "A R r": "authorized A, released R of A, reversed r of A",
    # more is authorized
    "A i": "authorized A, increment i of A",
    "A i T": "authorized A, increment i of A",
    "A i T i A T": "authorized A, increment i of A",
    "A T i": "authorized A, final T of A",
    "A i S": "authorized A, increment i of A, part S of A",
    "A S i": "authorized A, increment i of A",
    "A i S s": "authorized A, increment i of A, part S of A, debit s",
    "i A": "increment i, authorized A",
    "i A T": "increment i, authorized A",
    "T A i": "debit T",
    "A (i) T i": "authorized A, increment i of A",
    "a i": "authorized A, authorized i",
    "N i": "declined A, authorized i",
    # less is authorized
    "A r S": "authorized A, released r of A, final S of A",
    "A t R": "authorized A, part t of A, released R of A",
    "A t r q": "authorized A, part t of A, released r of A, debit q",
    "r A t": "released r, authorized A",
    "R A t": "released R, debit t",
    "r t A": "released r, debit t",
    "t r A": "debit t, released r",
    "A i r T": "authorized A, increment i of A, released r of A, final T of A",
    # less is authorized than was until then
    "A R r i": "authorized A, released R of A, reversed r of A, increment i of A",
    "A R r i q": "authorized A, released R of A, reversed r of A, increment i of A, debit q",
    "A S r i": "authorized A, reversed r of A, increment i of A",
    "A T r i": "authorized A, final T of A, reversed r of A",
    # in parts
    "A t q": "authorized A, part t of A, last q of A",
    "A q t": "authorized A, part q of A, last t of A",
    "A t q S": "authorized A, part t of A, last q of A, debit S",
    "A t t q q t A": "authorized A, part t of A, last q of A",
    "A (t) q t": "authorized A, last q of A, part t of A",
    "t A q": "debit t, last q of A",
    "t q A": "debit t, debit q",
    "A t C q": "authorized A, part t of A, credit C, last q of A",
    "A t U": "authorized A, part t of A, debit U",
    "A U S": "authorized A, final U of A, debit S",
    # money comes back
    "S Y": "debit S, back Y of S",
    "Y S": "back Y, debit S",
    "A S Y": "authorized A, back Y of S",
    "S y Y": "debit S, back y of S, back Y of S",
    "A t q Y": "authorized A, part t of A, last q of A, back Y",
    "Y": "back Y",
    # nobody is to hear of it, and it counts
    "m S": "debit S",
    "m t": "part t of A",
    "A M q": "authorized A, last q of A",
    "A M S": "authorized A, debit S",
    "M A q": "authorized A, last q of A",
    # refunds
    "A S C": "authorized A, credit C",
    "A C S": "authorized A, credit C",
    # what was declined, or no authorization, is told by itself
    "N": "declined A",
    "N S": "declined A, debit S",
    "S N": "debit S, declined A",
    "N R": "declined A, reversed R of A",
    "O S": "debit A, debit S",
    "S O": "debit S, debit A",
    "R O": "released R, debit A",
    # one of another account is none of this account's: neither told of, nor told for
    "a S": "authorized A, debit S",
    "S a": "debit S, authorized A",
    "a R": "authorized A, reversed R",
    "R a": "released R, authorized A",
    "S a S a": "debit S, authorized A",
}


@pytest.fixture(scope="module")
def enrolled() -> Iterator[tuple[World, list[dict[str, Any]]]]:
    """A world with holders and their accounts' items, made once: that takes longer than most of the tests."""
    with mock_aws():
        client = boto3.client("dynamodb")
        world = World(client, create_tables(client))
        for account in ("a0", "a1"):
            world.enrol(account, *HOLDERS, locale="en", enrolled_at=NOW - timedelta(days=1))
        yield world, client.scan(TableName=world.names["AccountsTable"])["Items"]


@pytest.fixture
def world(enrolled: tuple[World, list[dict[str, Any]]]) -> World:
    before, accounts = enrolled
    empty(before.dynamodb, ("TransactionsTable", "NotificationsTable", "AccountsTable", "DeferralsTable"))
    for item in accounts:
        before.dynamodb.put_item(TableName=before.names["AccountsTable"], Item=item)
    return World(before.dynamodb, before.names)


def play(world: World, sequence: str) -> list[str]:
    """Let the events of a sequence happen; return the messages that were delivered."""
    bodies = []
    for word in sequence.split():
        letter = word.strip("()")
        world.record(CAST[letter])
        if letter == word and CAST[letter].notify:
            bodies += messages(CAST[letter])
            world.tell(messages(CAST[letter]))
            world.now += timedelta(seconds=3)
    world.drain()
    return bodies


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_each_sequence_is_told_as_the_table_says(world: World, sequence: str) -> None:
    bodies = play(world, sequence)
    expected = SEQUENCES[sequence].split(", ")
    for holder in HOLDERS:
        assert told(world, holder) == expected
    # All of it once more, in another order and as one batch: nothing is told again.
    world.now += timedelta(hours=1)
    world.tell([*reversed(bodies), *bodies])
    world.drain()
    assert told(world) == expected
    assert world.dead_letters.bodies == []


@pytest.mark.parametrize("sequence", [one for one in SEQUENCES if not set("(amM") & set(one)])
def test_in_one_batch_the_same_is_told_as_if_it_had_come_in_order(world: World, sequence: str) -> None:
    """All are recorded before any is told, so that every closing finds its authorization."""
    letters = list(dict.fromkeys(sequence.split()))
    world.record(*(CAST[letter] for letter in letters))
    world.tell(messages(*(CAST[letter] for letter in letters)))
    world.drain()
    mails = told(world)
    assert len(set(mails)) == len(mails)
    about = Counter(mail.split(" ")[1] for mail in mails)
    assert max(about.values()) == 1
    if "A" in letters or "N" in letters:
        assert "A" in about  # it was there, so it is told by itself
    if "A" not in letters:
        assert set(about) == {CAST[letter].id for letter in letters}
    states = {letter: world.deliveries.of_transaction(CAST[letter].key)[0] for letter in letters}
    for letter, state in states.items():
        if CAST[letter].id not in about:
            assert state["reason"] in ("told_as_authorization", "told_as_settlement")
            assert letter in "SsTti"


def test_what_is_not_told_again_is_noted_with_the_reason(world: World) -> None:
    play(world, "A S")
    (noted, _) = world.deliveries.of_transaction(TransactionKey("eazycard", "S"))
    assert (noted["state"], noted["reason"]) == ("skipped", "told_as_authorization")


@pytest.mark.parametrize(("sequence", "reason"), [("S A", "told_as_settlement"), ("R A", "told_as_reversal")])
def test_an_authorization_that_was_told_before_it_came_is_noted_with_the_reason(
    world: World, sequence: str, reason: str
) -> None:
    play(world, sequence)
    for noted in world.deliveries.of_transaction(TransactionKey("eazycard", "A")):
        assert (noted["state"], noted["reason"]) == ("skipped", reason)


def test_what_names_no_authorization_makes_no_call_for_one(world: World) -> None:
    calls = []

    class Watched:
        def __getattr__(self, name: str) -> Any:
            calls.append(name)
            return getattr(world.dynamodb, name)

    world.tell(messages(dataclasses.replace(CAST["S"], authorization_id=None)), dynamodb=Watched())
    assert Counter(calls)["batch_get_item"] == 1
    assert Counter(calls)["put_item"] == 2  # a claim for each holder


def test_a_holder_who_was_enrolled_after_the_authorization_is_told_of_the_settlement(world: World) -> None:
    play(world, "A")
    world.now = NOW + timedelta(minutes=1)
    world.enrol("a0", "new", locale="en", enrolled_at=world.now)
    play(world, "S s")
    assert told(world, "awa") == ["authorized A", "debit s"]
    assert told(world, "new") == ["debit S", "debit s"]


@pytest.mark.parametrize(
    ("preferences", "sequence", "expected"),
    [
        ({"min_amount": {"EUR": "110"}}, "A S", []),
        ({"min_amount": {"EUR": "110"}}, "A T", ["final T of A"]),
        ({"min_amount": {"EUR": "110"}}, "S A", []),
        ({"min_amount": {"EUR": "110"}}, "T A", ["debit T"]),
        ({"min_amount": {"EUR": "80"}}, "A t", ["authorized A"]),
        ({"min_amount": {"EUR": "80"}}, "t A", ["authorized A"]),  # t told nothing in its place
        ({"min_amount": {"EUR": "110"}}, "A i T", ["debit T"]),  # neither of the two that it settles was told
        ({"min_amount": {"EUR": "50"}}, "A r t", ["authorized A"]),
        ({"types": ["credit"]}, "A S C", ["credit C"]),
        ({"muted": True}, "A T R", []),
    ],
)
def test_a_holder_s_preferences_come_before_all_of_it(
    world: World, preferences: dict[str, Any], sequence: str, expected: list[str]
) -> None:
    world.enrol("a0", "awa", locale="en", **preferences)
    play(world, sequence)
    assert told(world, "awa") == expected


@pytest.mark.parametrize(
    ("sequence", "flagged", "expected"),
    [
        ("A", "A", ["alert A"]),
        ("A S", "A", ["alert A"]),
        ("A S", "S", ["authorized A", "alert S"]),
        ("A T", "T", ["authorized A", "alert T"]),
        ("S A", "A", ["debit S", "alert A"]),
        ("S A", "S", ["alert S"]),
        ("A S s", "S", ["authorized A", "alert S", "debit s"]),
    ],
)
def test_what_is_flagged_is_told_as_an_alert_whatever_was_told_before(
    world: World, sequence: str, flagged: str, expected: list[str]
) -> None:
    for letter in sequence.split() * 2:
        world.record(CAST[letter])
        world.tell(list(pack([to_payload(Notice(CAST[letter], flags=FLAGS if letter == flagged else {}))])))
    world.drain()
    assert told(world) == expected


def test_a_settlement_that_ses_puts_off_still_stands_for_its_authorization(world: World) -> None:
    world.ses.refuses_call_with = "TooManyRequestsException"
    world.record(CAST["S"])
    world.tell(messages(CAST["S"]))
    world.ses.refuses_call_with = None
    world.record(CAST["A"])
    world.tell(messages(CAST["A"]))
    assert told(world) == []
    world.drain()
    assert told(world) == ["debit S"]


def test_an_authorization_that_ses_puts_off_is_told_later_and_its_settlement_is_not(world: World) -> None:
    world.ses.refuses_call_with = "TooManyRequestsException"
    world.record(CAST["A"])
    world.tell(messages(CAST["A"]))
    world.ses.refuses_call_with = None
    world.record(CAST["S"])
    world.tell(messages(CAST["S"]))
    assert told(world) == []
    world.drain()
    assert told(world) == ["authorized A"]


def test_a_settlement_that_is_refused_for_good_is_told_when_its_dead_letter_is_put_back(world: World) -> None:
    world.ses.statuses["a0.awa@example.com"] = "MESSAGE_REJECTED"
    play(world, "S A")
    world.ses.statuses.clear()
    letters, world.dead_letters.bodies = world.letters(), []
    world.tell([json.dumps({"notices": [letter["payload"]]}) for letter in letters])
    assert told(world) == ["debit S"]


@pytest.mark.parametrize("spoilt", ["amount", "timestamp", "type"])
def test_an_authorization_that_cannot_be_read_holds_up_nobody(world: World, spoilt: str) -> None:
    world.record(CAST["A"])
    world.dynamodb.update_item(
        TableName=world.names["TransactionsTable"],
        Key={"transaction_key": {"S": "eazycard#A"}},
        UpdateExpression="REMOVE #spoilt",
        ExpressionAttributeNames={"#spoilt": spoilt},
    )
    other = dataclasses.replace(CAST["S"], id="other", authorization_id="B")
    world.record(dataclasses.replace(CAST["A"], id="B"))
    world.tell(messages(CAST["S"], other))
    assert told(world) == ["debit S"]
    assert world.states("other") == {"awa": "skipped", "ben": "skipped"}


def test_many_settlements_of_one_batch_fit_dynamodb_s_transactions(world: World) -> None:
    settlements = [
        dataclasses.replace(CAST["S"], id=f"s{number}", authorization_id=f"x{number}") for number in range(30)
    ]
    twice = [dataclasses.replace(one, id=f"{one.id}-again") for one in settlements[:5]]
    world.digest_after = 1_000
    world.tell(messages(*settlements, *twice))
    world.drain()
    assert len(told(world)) == len(set(told(world))) == 35


# What came before, whose mailer dies, and all the sets of what may then have been told, whatever comes in what order
# afterwards: an authorization that comes late is told by itself, or by what closed it, and never by both.
DEATHS = {
    ("", "S"): ["S", "A"],
    ("", "T"): ["T", "AT"],
    ("", "R"): ["R", "AR"],
    ("(A)", "S"): ["A"],
    ("(A)", "T"): ["AT"],
    ("A", "S"): ["A"],
    ("A", "T"): ["AT"],
    ("A", "R"): ["AR"],
    ("S", "A"): ["S"],
    ("A S", "s"): ["As"],
    ("", "i"): ["Ai"],
    ("", "r"): ["Ar"],
    ("A i", "T"): ["Ai"],
    ("A t", "q"): ["Aqt"],
    ("A T", "i"): ["AT"],
    ("S", "Y"): ["SY"],
}


@pytest.mark.parametrize("is_authorization_first", [True, False])
@pytest.mark.parametrize("at", range(9))
@pytest.mark.parametrize(("before", "dying"), DEATHS)
def test_a_mailer_that_dies_at_any_call_leaves_each_told_once(
    world: World, before: str, dying: str, at: int, is_authorization_first: bool
) -> None:
    play(world, before)
    already = len(told(world))
    world.record(CAST[dying])
    body = messages(CAST[dying])
    with contextlib.suppress(Died):
        world.tell(body, dynamodb=Failing(world.dynamodb, Died(), at=at))
    # Between SES's yes and the note of it lies the only way to be told twice.
    most = 2 if len(told(world)) > already and "queued" in world.states(dying).values() else 1
    world.now += timedelta(minutes=2)
    world.record(CAST["A"])
    last = [messages(CAST["A"]), body] if is_authorization_first else [body, messages(CAST["A"])]
    for bodies in last:
        world.tell(bodies)
        world.now += timedelta(minutes=2)
    world.drain()
    for holder in HOLDERS:
        mails = Counter(mail.split(" ")[1] for mail in told(world, holder))
        assert "".join(sorted(mails)) in DEATHS[before, dying]
        assert max(mails.values()) <= most
        assert "queued" not in {*world.states("A").values(), *world.states(dying).values()}


@pytest.mark.parametrize("settlement", ["S", "T", "R"])
@pytest.mark.parametrize("at", range(8))
def test_an_authorization_that_comes_between_any_two_calls_is_told_by_one_of_the_two(
    world: World, at: int, settlement: str
) -> None:
    def authorization_comes() -> None:
        world.record(CAST["A"])
        world.tell(messages(CAST["A"]))

    world.record(CAST[settlement])
    interrupted = Interrupted(world.dynamodb, authorization_comes, at)
    world.tell(messages(CAST[settlement]), dynamodb=interrupted)
    if not interrupted.has_happened:
        authorization_comes()
    world.drain()
    expected = {
        "S": [["debit S"], ["authorized A"]],
        "T": [["debit T"], ["authorized A", "final T of A"]],
        "R": [["released R"], ["authorized A", "released R of A"]],
    }
    for holder in HOLDERS:
        assert told(world, holder) in expected[settlement]


@pytest.mark.parametrize("at", range(8))
def test_a_copy_that_finds_the_authorization_between_any_two_calls_of_one_that_did_not_loses_nothing(
    world: World, at: int
) -> None:
    def copy_comes() -> None:
        world.record(CAST["A"])
        world.tell(messages(CAST["S"]))

    world.record(CAST["S"])
    interrupted = Interrupted(world.dynamodb, copy_comes, at)
    world.tell(messages(CAST["S"]), dynamodb=interrupted)
    world.now += timedelta(minutes=2)
    world.tell(messages(CAST["A"]))
    world.drain()
    for holder in HOLDERS:
        assert told(world, holder) in (["debit S"], ["authorized A"])


@pytest.mark.parametrize("at", range(8))
def test_two_settlements_side_by_side_are_never_both_told_by_their_authorization(world: World, at: int) -> None:
    world.record(CAST["A"], CAST["S"], CAST["s"])
    world.tell(messages(CAST["A"]))
    interrupted = Interrupted(world.dynamodb, lambda: world.tell(messages(CAST["s"])), at)
    world.tell(messages(CAST["S"]), dynamodb=interrupted)
    if not interrupted.has_happened:
        world.tell(messages(CAST["s"]))
    world.drain()
    for holder in HOLDERS:
        assert told(world, holder) in (["authorized A", "debit S"], ["authorized A", "debit s"])


@pytest.mark.parametrize(
    "failing",
    [
        lambda client: Failing(client, refusal("ThrottlingException"), at=0, operation="batch_get_item"),
        lambda client: Failing(client, refusal("ThrottlingException"), at=1, operation="batch_get_item"),
        lambda client: Refusing(client, refusal("InternalServerError"), "update_item"),
        lambda client: Refusing(client, refusal("InternalServerError"), "put_item"),
    ],
    ids=["holders", "the authorization", "standing for it", "the claim"],
)
def test_a_table_that_cannot_be_reached_raises_and_the_next_delivery_tells(
    world: World, failing: Callable[[Any], Any]
) -> None:
    world.record(CAST["S"])
    with pytest.raises(TemporarilyUnavailable):
        world.tell(messages(CAST["S"]), dynamodb=failing(world.dynamodb))
    world.now += timedelta(minutes=2)
    world.record(CAST["A"])
    world.tell(messages(CAST["A"]))
    world.tell(messages(CAST["S"]))
    world.drain()
    assert told(world) in (["debit S"], ["authorized A"])


@pytest.mark.parametrize("order", list(itertools.permutations("ASsR")), ids="".join)
def test_every_order_of_an_authorization_two_charges_and_a_reversal_tells_of_each(
    world: World, order: tuple[str, ...]
) -> None:
    play(world, " ".join(order))
    about = "".join(sorted(mail.split(" ")[1] for mail in told(world)))
    if order[0] != "A":
        assert about == "RSs"  # one of the three told the authorization, too
    elif order[1] == "R":
        assert about == "ARSs"  # nothing was to be charged any more, and was
    else:
        assert about == f"AR{order[2] if order[2] != 'R' else order[3]}"


@pytest.mark.parametrize("seed", range(24))
def test_in_any_order_each_is_told_once_or_was_told_before(world: World, seed: int) -> None:
    random = Random(seed)
    letters = ["A", *random.sample("irtqSTYC", 5)]
    random.shuffle(letters)
    play(world, " ".join([*letters, *random.choices(letters, k=2)]))
    about = Counter(mail.split(" ")[1] for mail in told(world))
    assert set(about.values()) <= {1}
    for letter in set(letters) - set(about):
        (noted, _) = world.deliveries.of_transaction(CAST[letter].key)
        assert noted["state"] == "skipped", letters
        assert noted["reason"] in ("told_as_authorization", "told_as_settlement")
    if "A" not in about:  # a payment came first, and stood for it
        assert set(letters[: letters.index("A")]) & set("tqST")
    payments = [letter for letter in letters if letter in "tqST"]
    assert len(set(payments) - set(about)) <= 1  # at most one settles all in one part
    if set(payments) - set(about):
        assert "A" in about
