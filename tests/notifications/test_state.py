"""What became of an e-mail: the state from the note and from all that SES told, in whatever order it came."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.ledger.times import format_time
from chalicelib.notifications.state import (
    MAX_FEEDBACK,
    Feedback,
    Kind,
    NotificationKey,
    State,
    StateChange,
    superfluous,
    to_json,
)

START = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
CLAIMED = {"state": "queued", "updated_at": "2026-01-10T14:00:00Z"}
SENT = {
    "state": "sent",
    "message_id": "m1",
    "queued_at": "2026-01-10T14:00:00Z",
    "updated_at": "2026-01-10T14:00:01Z",
}
# From the least to the most, as the documentation tells banks.
KINDS = tuple(Kind)
KINDS_TOLD = st.builds(
    lambda kind, minute, mail: Feedback(START + timedelta(minutes=minute), kind, f"m{mail}", START),
    st.sampled_from(KINDS),
    st.integers(0, 30),
    st.integers(1, 2),
)
WEIGHTS = {
    State.QUEUED: [0],
    State.SENT: [1],
    State.SUPPRESSED: [2],
    State.SKIPPED: [2],
    State.FAILED: [2, 3],
    State.REJECTED: [4],
    State.BOUNCED: [5, 7],
    State.DELIVERED: [6],
    State.COMPLAINED: [8],
}


def told(kind: Kind, minute: int = 5, message_id: str = "m1", reason: str | None = None) -> Feedback:
    return Feedback(START + timedelta(minutes=minute), kind, message_id, START + timedelta(seconds=1), reason)


def state(note: dict[str, Any], *feedback: Feedback) -> str:
    found: str = to_json("awa", note, feedback)["state"]
    return found


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([], "sent"),
        ([Kind.DELIVERY], "delivered"),
        ([Kind.DELAY], "sent"),
        ([Kind.DELAY, Kind.DELIVERY], "delivered"),
        ([Kind.SOFT_BOUNCE], "bounced"),
        ([Kind.HARD_BOUNCE], "bounced"),
        ([Kind.REJECT], "rejected"),
        ([Kind.RENDERING_FAILURE], "failed"),
        ([Kind.COMPLAINT], "complained"),
        ([Kind.DELIVERY, Kind.SOFT_BOUNCE], "delivered"),  # an out-of-office answer
        ([Kind.SOFT_BOUNCE, Kind.DELIVERY], "delivered"),
        ([Kind.DELIVERY, Kind.HARD_BOUNCE], "bounced"),
        ([Kind.DELIVERY, Kind.COMPLAINT], "complained"),
        ([Kind.COMPLAINT, Kind.DELIVERY], "complained"),
        ([Kind.HARD_BOUNCE, Kind.COMPLAINT], "complained"),
        ([Kind.DELIVERY, Kind.DELAY], "delivered"),
        ([Kind.REJECT, Kind.DELIVERY], "delivered"),  # one copy of two
    ],
)
def test_what_ses_tells_makes_the_state(kinds: list[Kind], expected: str) -> None:
    feedback = [told(kind, minute) for minute, kind in enumerate(kinds)]
    assert state(SENT, *feedback) == state(SENT, *feedback[::-1]) == expected


@pytest.mark.parametrize(("lighter", "heavier"), list(itertools.combinations(KINDS, 2)))
def test_of_two_kinds_the_heavier_one_makes_the_state_whichever_came_first(lighter: Kind, heavier: Kind) -> None:
    alone = state(SENT, told(heavier))
    assert state(SENT, told(lighter, 1), told(heavier, 2)) == state(SENT, told(lighter, 2), told(heavier, 1)) == alone


def test_what_ses_told_is_stored_under_the_same_names_in_every_release() -> None:
    names = "delay rendering_failure reject soft_bounce delivery hard_bounce complaint"
    assert " ".join(KINDS) == names


@pytest.mark.parametrize("noted", ["skipped", "suppressed", "failed"])
def test_what_was_not_sent_stays_so_unless_ses_tells_that_it_was(noted: str) -> None:
    note = {"state": noted, "reason": "why", "updated_at": "2026-01-10T14:00:01Z"}
    assert state(note) == noted
    assert state(note, told(Kind.DELAY)) == noted
    for kind in KINDS[1:]:
        assert state(note, told(kind)) == state(SENT, told(kind))


def test_feedback_before_the_mailers_note_says_all_that_the_note_will() -> None:
    found = to_json("awa", CLAIMED, [told(Kind.DELIVERY)])
    assert (found["state"], found["message_id"]) == ("delivered", "m1")
    assert found["sent_at"] == "2026-01-10T14:00:01Z"
    assert found["updated_at"] == "2026-01-10T14:05:00Z"


def test_of_two_emails_the_one_whose_fate_the_state_is_is_named() -> None:
    found = to_json("awa", {**SENT, "message_id": "m2"}, [told(Kind.DELIVERY, 2, "m1"), told(Kind.DELIVERY, 5, "m2")])
    assert found["message_id"] == "m1"
    skipped = {"state": "skipped", "updated_at": "2026-01-10T14:00:01Z"}
    assert "message_id" not in to_json("awa", skipped, [told(Kind.DELAY)])


def test_a_notification_is_told_whole_with_times_and_reasons_in_order() -> None:
    delay = told(Kind.DELAY, 2, reason="delayed: MailboxFull")
    assert to_json("awa", SENT, [told(Kind.HARD_BOUNCE, 9, reason="hard: NoEmail"), delay]) == {
        "holder": "awa",
        "state": "bounced",
        "reason": "hard: NoEmail",
        "queued_at": "2026-01-10T14:00:00Z",
        "sent_at": "2026-01-10T14:00:01Z",
        "updated_at": "2026-01-10T14:09:00Z",
        "message_id": "m1",
        "history": [
            {"state": "queued", "at": "2026-01-10T14:00:00Z"},
            {"state": "sent", "at": "2026-01-10T14:00:01Z"},
            {"state": "sent", "at": "2026-01-10T14:02:00Z", "reason": "delayed: MailboxFull"},
            {"state": "bounced", "at": "2026-01-10T14:09:00Z", "reason": "hard: NoEmail"},
        ],
    }


def test_a_delay_is_the_reason_until_something_comes_of_it() -> None:
    delay = told(Kind.DELAY, reason="delayed: MailboxFull")
    assert to_json("awa", SENT, [delay])["reason"] == "delayed: MailboxFull"
    assert "reason" not in to_json("awa", SENT, [delay, told(Kind.DELIVERY, 9)])


def test_what_the_mailer_noted_is_told_whole_while_ses_has_told_nothing() -> None:
    at = "2026-01-10T14:00:01Z"
    skipped = {"state": "skipped", "reason": "muted", "updated_at": at}
    history = [{"state": "skipped", "reason": "muted", "at": at}]
    assert to_json("awa", skipped, []) == {"holder": "awa", **skipped, "history": history}
    sent = to_json("awa", {**SENT, "digest": "digest@A1@x"}, [])
    assert (sent["sent_at"], sent["message_id"], sent["digest"]) == (at, "m1", "digest@A1@x")


def test_an_e_mail_was_sent_when_the_mailer_noted_it_and_without_that_when_ses_first_accepted_one() -> None:
    accepted = [START + timedelta(seconds=second) for second in (3, 2)]
    feedback = [Feedback(START + timedelta(minutes=1), Kind.DELIVERY, f"m{at.second}", at) for at in accepted]
    assert to_json("awa", SENT, feedback)["sent_at"] == "2026-01-10T14:00:01Z"
    assert to_json("awa", CLAIMED, feedback)["sent_at"] == "2026-01-10T14:00:02Z"


def test_it_was_updated_last_when_the_latest_came_to_a_fraction_of_a_second() -> None:
    delivered = Feedback(START + timedelta(seconds=1.5), Kind.DELIVERY, "m1", START)
    found = to_json("awa", SENT, [delivered])
    assert (found["updated_at"], found["history"][-1]["state"]) == (format_time(delivered.at), "delivered")


def test_a_claim_alone_is_queued_and_has_no_other_times() -> None:
    assert to_json("awa", CLAIMED, []) == {
        "holder": "awa",
        "state": "queued",
        "updated_at": "2026-01-10T14:00:00Z",
        "history": [{"state": "queued", "at": "2026-01-10T14:00:00Z"}],
    }


@given(st.lists(KINDS_TOLD, max_size=15), st.data())
def test_no_order_and_no_repetition_makes_a_difference_and_no_state_goes_back(
    feedback: list[Feedback], data: st.DataObject
) -> None:
    arriving = data.draw(st.permutations(feedback + feedback[:3]))
    noted_after = data.draw(st.integers(0, len(arriving)))
    weights = []
    for count in range(len(arriving) + 1):
        note = SENT if count >= noted_after else CLAIMED
        possible = WEIGHTS[State(state(note, *set(arriving[:count])))]
        weights.append(next((weight for weight in possible if weight >= max(weights, default=0)), -1))
    assert weights == sorted(weights)
    assert to_json("awa", SENT, set(arriving)) == to_json("awa", SENT, sorted(set(feedback), reverse=True))


@given(st.lists(KINDS_TOLD, max_size=40, unique=True), st.data())
def test_what_is_kept_of_much_feedback_hangs_on_no_order_and_holds_the_state(
    feedback: list[Feedback], data: st.DataObject
) -> None:
    kept: set[Feedback] = set()
    for one in data.draw(st.permutations(feedback)):
        kept.add(one)
        kept -= set(superfluous(kept))
    assert len(kept) == min(len(feedback), MAX_FEEDBACK)
    assert MAX_FEEDBACK == 10
    assert kept == set(feedback) - set(superfluous(feedback))
    assert state(SENT, *kept) == state(SENT, *feedback)


def test_a_notification_s_item_has_the_holder_as_its_key_and_items_beside_it_a_suffix() -> None:
    key = NotificationKey("eazycard", "t0", "awa")
    assert key.item_key() == {"transaction_key": "eazycard#t0", "holder": "awa"}
    assert key.item_key("#feedback") == {"transaction_key": "eazycard#t0", "holder": "awa#feedback"}
    assert key.account == ""
    assert StateChange(key, State.SENT).kind == ""
    assert key == NotificationKey("eazycard", "t0", "awa", "A1")


@pytest.mark.parametrize(
    ("holder", "suffix", "account", "found"),
    [
        ("awa", "", {"account": "A1"}, ("awa", "A1")),
        ("awa", "", {}, ("awa", "")),  # as a release without accounts has stored it
        ("awa#feedback", "#feedback", {}, ("awa", "")),
        ("awa", "#feedback", {}, ("awa", "")),
    ],
)
def test_a_stored_item_s_key_is_what_it_was_stored_under(
    holder: str, suffix: str, account: dict[str, str], found: tuple[str, str]
) -> None:
    key = NotificationKey.of_item({"transaction_key": "eazycard#t0", "holder": holder, **account}, suffix)
    assert (key.bank, key.transaction, key.holder, key.account) == ("eazycard", "t0", *found)


@pytest.mark.parametrize("values", [{}, {"holder": "awa"}, {"transaction_key": "eazycard#t0"}])
def test_what_is_no_notification_s_item_has_no_key(values: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        NotificationKey.of_item(values)


@pytest.mark.parametrize("holder", ["awa", "awa#feedback", "mutant"])
def test_without_a_suffix_a_holder_s_name_is_whole(holder: str) -> None:
    assert NotificationKey.of_item({"transaction_key": "eazycard#t0", "holder": holder}).holder == holder
    assert NotificationKey("eazycard", "t0", holder).item_key()["holder"] == holder
