"""What closed an authorization: kept once, on both engines."""

from typing import Any

import pytest

from chalicelib.notifications.closings import Closing, Closings, How, Other
from chalicelib.notifications.feed import NotificationFeed
from chalicelib.notifications.log import NotificationLog
from chalicelib.notifications.state import NotificationKey, State, StateChange
from tests.fakes import Failing, refusal
from tests.mail_world import NOW

KEY = NotificationKey("eazycard", "A", "awa")
SUBJECT = "a0#debit"


def by_itself(closed_by: str, key: NotificationKey = KEY) -> Closing:
    return Closing(key, closed_by, How.BY_ITSELF)


def as_authorization(closed_by: str) -> Closing:
    return Closing(KEY, closed_by, How.AS_AUTHORIZATION)


def instead(closed_by: str) -> Closing:
    return Closing(KEY, closed_by, How.BY_ITSELF, frozenset({SUBJECT}), "told_as_settlement")


def closings(client: Any) -> Closings:
    return Closings(client, "NotificationsTable", sleep=lambda _: None)


def log(client: Any) -> NotificationLog:
    feed = NotificationFeed(client, "NotificationsTable", lambda: NOW)
    return NotificationLog(client, "NotificationsTable", feed, sleep=lambda _: None)


def claim(client: Any, subject: str) -> bool:
    return KEY in log(client).claim([KEY], NOW, NOW, subjects={KEY: subject}).claimed


def test_who_comes_first_closes_and_may_come_again(each_dynamodb: Any) -> None:
    kept = closings(each_dynamodb)
    assert kept.close([as_authorization("S")], NOW) == [How.AS_AUTHORIZATION]
    assert kept.close([as_authorization("S"), by_itself("T")], NOW) == [How.AS_AUTHORIZATION, Other.CLOSED_BEFORE]
    assert kept.close([by_itself("S")], NOW) == [How.AS_AUTHORIZATION]  # what was decided stays so
    assert kept.close([instead("S")], NOW) == [How.AS_AUTHORIZATION]


def test_one_that_comes_before_its_authorization_is_told_in_its_place(each_dynamodb: Any) -> None:
    kept = closings(each_dynamodb)
    assert kept.close([instead("S")], NOW) == [How.BY_ITSELF]
    assert kept.close([instead("S")], NOW) == [How.BY_ITSELF]
    assert kept.close([instead("T")], NOW) == [Other.CLOSED_BEFORE]
    assert kept.close([as_authorization("S")], NOW) == [How.BY_ITSELF]
    assert not claim(each_dynamodb, SUBJECT)


@pytest.mark.parametrize("subject", ["", "a1#debit", "a0#credit", "a0"])
def test_what_was_not_meant_is_claimed_all_the_same(each_dynamodb: Any, subject: str) -> None:
    closings(each_dynamodb).close([instead("S")], NOW)
    assert claim(each_dynamodb, subject)


def test_an_authorization_that_is_told_by_itself_is_found_out_and_nothing_is_kept(each_dynamodb: Any) -> None:
    kept = closings(each_dynamodb)
    log(each_dynamodb).record([StateChange(KEY, State.SENT, message_id="m")], NOW)
    assert kept.close([instead("S")], NOW) == [Other.IS_TOLD]
    assert kept.close([as_authorization("T")], NOW) == [How.AS_AUTHORIZATION]


def test_one_that_is_held_back_by_another_s_refusal_is_tried_again(each_dynamodb: Any) -> None:
    kept = closings(each_dynamodb)
    kept.close([by_itself("S")], NOW)
    others = [by_itself("T", NotificationKey("eazycard", "A", f"h{number}")) for number in range(8)]
    assert kept.close([by_itself("U"), *others], NOW) == [Other.CLOSED_BEFORE, *[How.BY_ITSELF] * 8]


def test_of_two_in_one_call_one_closes(each_dynamodb: Any) -> None:
    standings = closings(each_dynamodb).close([by_itself("S"), by_itself("T")], NOW)
    assert standings == [How.BY_ITSELF, Other.CLOSED_BEFORE]


def test_more_than_fit_a_dynamodb_transaction_are_cut(dynamodb: Any, table_names: dict[str, str]) -> None:
    sizes = []

    class Watched:
        def transact_write_items(self, **arguments: Any) -> Any:
            sizes.append(len(arguments["TransactItems"]))
            return dynamodb.transact_write_items(**arguments)

    many = [
        Closing(NotificationKey("eazycard", "A", f"h{number}"), "S", How.BY_ITSELF, frozenset({SUBJECT}), "told")
        for number in range(70)
    ]
    assert closings(Watched()).close(many, NOW) == [How.BY_ITSELF] * 70
    assert sizes == [100, 40]


def test_contention_to_the_last_leaves_it_to_a_later_time(dynamodb: Any, table_names: dict[str, str]) -> None:
    conflict = refusal("TransactionCanceledException")
    conflict.response["CancellationReasons"] = [{"Code": "TransactionConflict"}]

    class Contended:
        def transact_write_items(self, **_: Any) -> None:
            raise conflict

    assert closings(Contended()).close([by_itself("S")], NOW) == [Other.BUSY]


def test_a_refusal_that_is_a_defect_is_raised(dynamodb: Any, table_names: dict[str, str]) -> None:
    defect = refusal("ValidationException")
    with pytest.raises(type(defect)):
        closings(Failing(dynamodb, defect)).close([by_itself("S")], NOW)
