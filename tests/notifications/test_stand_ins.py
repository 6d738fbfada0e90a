"""What is told in the place of an authorization that comes later: kept once, on both engines."""

from collections import Counter
from typing import Any

import pytest

from chalicelib.notifications.feed import NotificationFeed
from chalicelib.notifications.log import NotificationLog
from chalicelib.notifications.stand_ins import StandIn, Standing, StandIns
from chalicelib.notifications.state import NotificationKey, State, StateChange
from tests.fakes import Failing, Metered, refusal
from tests.mail_world import NOW

KEY = NotificationKey("eazycard", "A", "awa", "a0")
SUBJECTS = frozenset({"a0#debit"})


def stand_in(key: NotificationKey = KEY, told_for: frozenset[str] = SUBJECTS) -> StandIn:
    return StandIn(key, told_for)


def stand_ins(client: Any) -> StandIns:
    return StandIns(client, "NotificationsTable", sleep=lambda _: None)


def log(client: Any) -> NotificationLog:
    feed = NotificationFeed(client, "NotificationsTable", lambda: NOW)
    return NotificationLog(client, "NotificationsTable", feed, sleep=lambda _: None)


def claim(client: Any, *subjects: str) -> bool:
    return KEY in log(client).claim([KEY], NOW, NOW, subjects={KEY: subjects}).claimed


def test_what_comes_before_its_authorization_is_told_in_its_place_and_may_come_again(each_dynamodb: Any) -> None:
    kept = stand_ins(each_dynamodb)
    assert kept.ask([stand_in()], NOW) == [Standing.STANDS]
    assert kept.ask([stand_in(), stand_in()], NOW) == [Standing.STANDS] * 2
    assert not claim(each_dynamodb, "a0#debit", "a0#debit#100#EUR")


@pytest.mark.parametrize("subjects", [(), ("a1#debit", "a1#debit#100#EUR"), ("a0#credit", "a0")])
def test_what_was_not_meant_is_claimed_all_the_same(each_dynamodb: Any, subjects: tuple[str, ...]) -> None:
    stand_ins(each_dynamodb).ask([stand_in()], NOW)
    assert claim(each_dynamodb, *subjects)
    assert stand_ins(each_dynamodb).ask([stand_in()], NOW) == [Standing.IS_TOLD]


def test_a_second_one_adds_what_it_stands_for(each_dynamodb: Any) -> None:
    kept = stand_ins(each_dynamodb)
    kept.ask([stand_in(told_for=frozenset({"a0#debit#40#EUR"}))], NOW)
    assert kept.ask([stand_in()], NOW) == [Standing.STANDS]
    assert not claim(each_dynamodb, "a0#debit", "a0#debit#100#EUR")


def test_a_release_stands_for_the_authorization_of_the_same_amount_alone(each_dynamodb: Any) -> None:
    told_for = frozenset({"a0#debit#40#EUR", "a0#credit#40#EUR"})
    stand_ins(each_dynamodb).ask([stand_in(told_for=told_for)], NOW)
    assert not claim(each_dynamodb, "a0#debit", "a0#debit#40#EUR")
    assert claim(each_dynamodb, "a0#debit", "a0#debit#100#EUR")


def test_an_authorization_that_is_told_by_itself_is_found_out_and_nothing_is_noted(each_dynamodb: Any) -> None:
    log(each_dynamodb).record([StateChange(KEY, State.SENT, message_id="m")], NOW)
    assert stand_ins(each_dynamodb).ask([stand_in()], NOW) == [Standing.IS_TOLD]
    assert not claim(each_dynamodb)


def test_one_that_is_held_back_by_another_s_refusal_is_tried_again(each_dynamodb: Any) -> None:
    log(each_dynamodb).record([StateChange(KEY, State.SENT, message_id="m")], NOW)
    others = [stand_in(NotificationKey("eazycard", "A", f"h{number}", "a0")) for number in range(8)]
    expected = [Standing.IS_TOLD, *[Standing.STANDS] * 8]
    assert stand_ins(each_dynamodb).ask([stand_in(), *others], NOW) == expected


def test_each_authorization_is_asked_for_by_one_write(dynamodb: Any, table_names: dict[str, str]) -> None:
    calls, units = Counter[str](), Counter[str]()
    many = [stand_in(NotificationKey("eazycard", "A", f"h{number}", "a0")) for number in range(140)]
    assert stand_ins(Metered(dynamodb, calls, units)).ask([*many, many[0]], NOW) == [Standing.STANDS] * 141
    assert calls == {"update_item": 140}
    assert stand_ins(dynamodb).ask([], NOW) == []


def test_contention_to_the_last_leaves_it_to_a_later_time(dynamodb: Any, table_names: dict[str, str]) -> None:
    class Contended:
        def update_item(self, **arguments: Any) -> Any:
            if arguments["Key"]["holder"]["S"] == "h1":
                raise refusal("TransactionConflictException")
            return dynamodb.update_item(**arguments)

    two = [stand_in(NotificationKey("eazycard", "A", f"h{number}", "a0")) for number in range(2)]
    assert stand_ins(Contended()).ask(two, NOW) == [Standing.STANDS, Standing.BUSY]
    assert stand_ins(Contended()).ask(two[1:], NOW) == [Standing.BUSY]


def test_a_refusal_that_is_a_defect_is_raised(dynamodb: Any, table_names: dict[str, str]) -> None:
    defect = refusal("ValidationException")
    with pytest.raises(type(defect)):
        stand_ins(Failing(dynamodb, defect)).ask([stand_in()], NOW)
