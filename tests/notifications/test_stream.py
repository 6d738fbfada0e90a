"""The stream handler: what was stored is judged and becomes notices; one bad record harms no other."""

import json
import threading
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chalicelib.activity.reader import ActivityReader
from chalicelib.activity.repository import ActivityRepository
from chalicelib.banks.thresholds import DEFAULT_THRESHOLDS
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flags.baselines import Baseline
from chalicelib.flags.baselines_repository import BaselineRepository
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.purchases_repository import PurchaseRepository
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.ledger.transaction import Transaction
from chalicelib.notifications.digest import unpack
from tests.fakes import Failing, FakeSqs, refusal
from tests.metrics import counted, lines_saying
from tests.samples import TRANSACTION, transaction
from tests.stream_world import LARGE, NOW, Stream, record, records

EVENT = Path(__file__).parents[1] / "events" / "transactions_stream.json"


def told(sqs: FakeSqs) -> list[str]:
    return [notice.transaction.id for body in sqs.bodies for notice in unpack(body, [])]


@pytest.fixture
def stream(dynamodb: Any, table_names: dict[str, str]) -> Stream:
    return Stream(dynamodb, table_names)


def test_a_batch_of_100_is_handed_on_in_one_call(stream: Stream) -> None:
    stream.handle(records(*(transaction(id=f"t{number}", account=f"a{number}") for number in range(100))))
    assert told(stream.notifications) == [f"t{number}" for number in range(100)]
    assert (stream.notifications.calls, stream.alerts.calls, stream.dead_letters.calls) == (1, 0, 0)


def test_the_event_that_lambda_gets_is_understood(stream: Stream) -> None:
    stream.handle(json.loads(EVENT.read_text())["Records"])
    (notice,) = [notice for body in stream.notifications.bodies for notice in unpack(body, [])]
    assert notice.transaction == TRANSACTION
    assert notice.holders is None


def test_changes_and_removals_are_no_news(stream: Stream) -> None:
    item = transaction_item(TRANSACTION)
    stream.handle([record(item, "MODIFY"), {"eventName": "REMOVE", "dynamodb": {}}])
    assert (stream.notifications.calls, stream.dead_letters.calls) == (0, 0)
    stream.handle([record(item, "MODIFY"), record(item)])
    assert told(stream.notifications) == [TRANSACTION.id]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda item: item.pop("amount"),
        lambda item: item.update(amount={"S": "12"}),
        lambda item: item.update(amount={"N": "twelve"}),
        lambda item: item.update(timestamp={"S": "yesterday"}),
        lambda item: item.update(timestamp={"N": "1"}),
        lambda item: item.pop("bank"),
        lambda item: item.clear(),
        lambda item: item.update(merchant={"X": "?"}),
        lambda item: item.update(currency={"S": "ZZZ"}),
    ],
)
def test_a_malformed_record_is_dead_lettered_whole_and_the_others_are_told(spoil: Any, stream: Stream) -> None:
    bad = transaction_item(transaction(id="bad"))
    spoil(bad)
    a, b = records(transaction(id="a"), transaction(id="b", timestamp=TRANSACTION.timestamp - timedelta(days=1)))
    stream.handle([a, record(bad), b])
    assert told(stream.notifications) == ["a", "b"]
    (letter,) = map(json.loads, stream.dead_letters.bodies)
    assert letter["payload"] == record(bad)
    assert letter["reason"].startswith("malformed_record: ")


def test_when_the_queue_is_down_the_batch_raises_and_comes_again(stream: Stream) -> None:
    broken = Failing(stream.notifications, refusal("ThrottlingException"))
    with pytest.raises(TemporarilyUnavailable):
        stream.handle(records(TRANSACTION), notifications=broken)
    stream.handle(records(TRANSACTION), notifications=broken)
    assert told(stream.notifications) == [TRANSACTION.id]


def test_nothing_of_the_transaction_is_logged(stream: Stream, caplog: pytest.LogCaptureFixture) -> None:
    large = transaction(id="large", amount=LARGE)
    stream.handle([*records(TRANSACTION, large), record({"amount": {"N": "250500"}})])
    assert told(stream.alerts) == ["large"]
    logged = " ".join(str(line.__dict__) for line in caplog.records)
    assert "stream_batch" in logged
    for secret in ("250500", "1000001", "Mokolo", TRANSACTION.account, "4242"):
        assert secret not in logged


def test_a_stored_character_that_sqs_refuses_holds_up_nobody(stream: Stream) -> None:
    hostile = transaction(id="t1", account="a1", description="x\uffff\ufffe", merchant={"name": "\uffff"})
    stream.handle(records(transaction(id="t0", account="a0"), hostile, transaction(id="t2", account="a2")))
    assert told(stream.notifications) == ["t0", "t1", "t2"]
    assert stream.dead_letters.bodies == []


def test_a_message_that_sqs_refuses_for_good_is_dead_lettered_and_the_shard_goes_on(stream: Stream) -> None:
    class Refusing(FakeSqs):
        """A queue that refuses the first message for good."""

        def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
            super().send_message_batch(QueueUrl, Entries[1:])
            return {"Failed": [{"Id": Entries[0]["Id"], "Code": "InvalidParameterValue", "SenderFault": True}]}

    notifications = Refusing()
    stream.handle(
        records(*(transaction(id=f"t{number}", account=f"a{number}") for number in range(25))),
        notifications=notifications,
    )
    assert told(notifications) == [f"t{number}" for number in range(10, 25)]
    (letter,) = map(json.loads, stream.dead_letters.bodies)
    assert letter["reason"] == "refused_by_queue"
    assert [notice.transaction.id for notice in unpack(letter["payload"], [])] == [f"t{n}" for n in range(10)]


def test_a_flagged_transaction_goes_to_the_alerts_and_to_eventbridge_with_its_evidence(stream: Stream) -> None:
    stream.handle(records(transaction(id="large", amount=LARGE), transaction(id="usual", account="a1")))
    assert (told(stream.alerts), told(stream.notifications)) == (["large"], ["usual"])
    evidence = {"amount": "1000001", "currency": "XAF", "threshold": "1000000"}
    ((notice,),) = [unpack(body, []) for body in stream.alerts.bodies]
    assert notice.flags == {"large_amount": evidence}
    (detail,) = stream.events.details
    assert detail["flags"] == {"large_amount": evidence}
    assert (detail["bank"], detail["transaction"]["id"]) == ("eazycard", "large")
    assert stream.flags("large") == {"large_amount": evidence}
    assert stream.flags("usual") == {}


def test_a_flag_in_shadow_is_recorded_and_told_to_nobody(stream: Stream) -> None:
    stream.set(modes={**DEFAULT_THRESHOLDS.modes, "large_amount": "shadow"})
    stream.handle(records(transaction(id="large", amount=LARGE)))
    assert (told(stream.alerts), told(stream.notifications)) == ([], ["large"])
    assert stream.events.accepted == []
    (row,) = flag_rows(stream)
    assert (set(row["flags"]["M"]), row["shadow"]) == ({"large_amount"}, {"L": [{"S": "large_amount"}]})
    assert stream.flags("large") == {}


def test_a_batch_that_comes_again_is_flagged_as_it_was_whatever_the_thresholds_are_now(stream: Stream) -> None:
    batch = records(transaction(id="large", amount=LARGE))
    stream.handle(batch)
    stream.now += timedelta(minutes=5)
    stream.set(large_amounts={})
    stream.handle(batch)
    stream.set(large_amounts={"XAF": Decimal(5)})
    stream.handle(batch)
    assert (told(stream.alerts), told(stream.notifications)) == (["large"] * 3, [])
    assert [detail["flags"]["large_amount"]["threshold"] for detail in stream.events.details] == ["1000000"] * 3
    assert len(flag_rows(stream)) == 1


def test_who_was_flagged_is_alerted_though_the_handler_failed_before_and_it_would_not_be_flagged_now(
    stream: Stream,
) -> None:
    batch = records(transaction(id="large", amount=LARGE), transaction(id="small", account="a1"))
    with pytest.raises(TemporarilyUnavailable):
        stream.handle(batch, alerts=Failing(stream.alerts, refusal("ThrottlingException")))
    stream.now += timedelta(minutes=5)
    stream.set(large_amounts={})
    stream.handle(batch)
    assert (told(stream.alerts), told(stream.notifications)) == (["large"], ["small"])
    assert [detail["transaction"]["id"] for detail in stream.events.details] == ["large"]


def test_the_row_of_a_flag_is_no_transaction_to_be_told(stream: Stream) -> None:
    stream.handle(records(transaction(id="large", amount=LARGE)))
    (row,) = flag_rows(stream)
    stream.handle([record(row)])
    assert (told(stream.notifications), stream.dead_letters.bodies) == ([], [])


def flag_rows(stream: Stream) -> list[dict[str, Any]]:
    items = stream.dynamodb.scan(TableName=stream.names["TransactionsTable"])["Items"]
    return [item for item in items if "flags" in item]


@pytest.mark.parametrize("operation", ["get_item", "batch_get_item", "transact_write_items"])
def test_a_throttled_table_brings_the_batch_again_and_then_all_is_as_if_nothing_had_been(
    operation: str, stream: Stream
) -> None:
    large = transaction(id="large", amount=LARGE)
    stream.store(large)
    batch = records(large)
    broken = Failing(stream.dynamodb, refusal("ProvisionedThroughputExceededException"), operation=operation)
    with pytest.raises(TemporarilyUnavailable):
        stream.handle(batch, dynamodb=broken)
    assert (stream.alerts.bodies, stream.notifications.bodies) == ([], [])
    stream.handle(batch, dynamodb=broken)
    assert told(stream.alerts) == ["large"]
    assert len(flag_rows(stream)) == len(stream.events.accepted) == 1


def test_nobodys_email_waits_for_eventbridge(stream: Stream) -> None:
    batch = records(transaction(id="large", amount=LARGE))
    stream.events.refuses = 100
    with pytest.raises(TemporarilyUnavailable):
        stream.handle(batch)
    assert told(stream.alerts) == ["large"]
    stream.events.refuses = 0
    stream.handle(batch)
    assert len(stream.events.accepted) == 1


def test_events_that_eventbridge_puts_off_go_alone_and_once(stream: Stream) -> None:
    stream.events.refuses = 3
    stream.handle(records(*(transaction(id=f"t{n:02}", account=f"a{n}", amount=LARGE) for n in range(12))))
    assert sorted(detail["transaction"]["id"] for detail in stream.events.details) == [f"t{n:02}" for n in range(12)]


def test_attempts_in_several_batches_are_counted_together_before_the_job_has_seen_any(stream: Stream) -> None:
    attempts = [
        transaction(
            id=f"t{n}",
            merchant={"name": f"Shop {n}"},
            timestamp=TRANSACTION.timestamp + timedelta(seconds=n),
            recorded_at=NOW + timedelta(seconds=n),
        )
        for n in range(7)
    ]
    for one in attempts:
        stream.store(one)
        stream.handle(records(one))
    assert told(stream.notifications) == [f"t{n}" for n in range(5)]
    assert told(stream.alerts) == ["t5", "t6"]
    assert stream.flags("t5") == {"velocity": {"count": 6, "limit": 5, "minutes": 10}}
    assert stream.flags("t6")["velocity"]["count"] == 7


def test_the_second_of_two_alike_is_the_suspect_whichever_batch_is_handled_first(stream: Stream) -> None:
    first = transaction(id="first")
    second = transaction(
        id="second", timestamp=first.timestamp + timedelta(minutes=1), recorded_at=NOW + timedelta(minutes=1)
    )
    stream.store(first, second)
    stream.handle(records(second))
    stream.handle(records(first))
    assert stream.flags("second") == {
        "duplicate_suspect": {"amount": "250500", "currency": "XAF", "seconds": 60, "minutes": 5}
    }
    assert stream.flags("first") == {}


def test_two_alike_in_one_batch_make_one_suspect(stream: Stream) -> None:
    first = transaction(id="first")
    second = transaction(id="second", recorded_at=NOW + timedelta(seconds=1))
    stream.store(first, second)
    stream.handle(records(second, first))
    assert (told(stream.alerts), told(stream.notifications)) == (["second"], ["first"])


def test_a_settlement_like_its_authorization_is_not_judged_again_and_one_over_it_is(stream: Stream) -> None:
    authorization = transaction(id="auth", status="authorized", amount=LARGE)
    later = {"authorization_id": "auth", "recorded_at": NOW + timedelta(hours=1)}
    alike = transaction(id="alike", amount=LARGE, **later)
    over = transaction(id="over", amount=LARGE + 1, **later)
    unknown = transaction(id="unknown", amount=LARGE, **{**later, "authorization_id": "never-posted"})
    refund = transaction(id="refund", amount=LARGE, type="credit", **later)
    assert authorization.type == "debit"
    stream.store(authorization, alike, over, unknown, refund)
    for one in (authorization, alike, over, unknown, refund):
        stream.handle(records(one))
    assert told(stream.alerts) == ["auth", "over", "unknown"]


def test_parts_of_what_was_authorized_and_its_release_are_not_judged_again_and_what_goes_beyond_is(
    stream: Stream,
) -> None:
    def later(id_: str, amount: Decimal, **changes: Any) -> Transaction:
        return transaction(**{"id": id_, "amount": amount, "authorization_id": "auth", "recorded_at": NOW, **changes})

    half, more = LARGE * 2, LARGE
    batch = [
        transaction(id="auth", status="authorized", amount=half + LARGE),
        later("more", more, status="authorized"),
        later("part", half),
        later("rest", LARGE + more),
        later("beyond", LARGE),
        later("freed", LARGE, status="reversed"),
    ]
    for one in batch:
        stream.store(one)
        stream.handle(records(one))
    assert told(stream.alerts) == ["auth", "more", "beyond"]


def test_what_nobody_is_to_hear_of_is_collected_and_neither_flagged_nor_told(stream: Stream) -> None:
    silent = {"notify": False, "recorded_at": NOW}
    authorization = transaction(id="auth", status="authorized", amount=LARGE, **silent)
    settled = transaction(id="silent", amount=LARGE, authorization_id="auth", **silent)
    heard = transaction(id="heard", amount=LARGE, authorization_id="auth", recorded_at=NOW)
    stream.store(authorization, settled, heard)
    stream.handle(records(authorization, settled))
    assert (stream.alerts.bodies, stream.notifications.bodies, stream.events.accepted) == ([], [], [])
    assert stream.flags("auth") == stream.flags("silent") == {}
    stream.handle(records(heard))
    assert told(stream.alerts) == ["heard"]  # after the end: what was silent counts
    key = TransactionKey("eazycard", "auth")
    members = PurchaseRepository(stream.dynamodb, stream.names["NotificationsTable"]).of([key])[key]
    assert [member.id for member in members] == ["silent", "heard"]


def test_a_rule_that_fails_on_one_transaction_costs_nobody_the_email(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiled(one: Transaction, _history: object, _thresholds: object) -> dict[str, Any]:
        if one.id == "bad":
            raise ArithmeticError("a defect")
        return {"amount": "1", "currency": "XAF", "threshold": "0"}

    monkeypatch.setattr("chalicelib.flags.rules.RULES", {"large_amount": spoiled})
    stream.handle(records(transaction(id="bad", account="a1"), transaction(id="good", account="a2")))
    assert (told(stream.alerts), told(stream.notifications)) == (["good"], ["bad"])


def test_the_accounts_with_most_going_on_are_looked_at_when_a_batch_has_many(stream: Stream) -> None:
    busy = [
        transaction(id=f"b{n}", account="busy", merchant=None, recorded_at=NOW + timedelta(seconds=n)) for n in (0, 9)
    ]
    earlier = [transaction(id=f"e{n}", account="busy", merchant=None) for n in range(4)]
    quiet = [transaction(id=f"q{n}", account=f"quiet{n}") for n in range(50)]
    stream.store(*earlier, *busy)
    stream.handle(records(*quiet, *busy))
    assert told(stream.alerts) == ["b9"]


def test_what_the_job_has_learnt_of_an_account_tells_the_unusual_from_the_usual(stream: Stream) -> None:
    history = Baseline()
    for number in range(30):
        history.add(
            transaction(
                id=f"h{number}",
                amount=Decimal(10_000 + number),
                timestamp=TRANSACTION.timestamp - timedelta(days=1),
            )
        )
    baselines = BaselineRepository(stream.dynamodb, stream.names["AnalyticsTable"])
    baselines.put({f"eazycard#{TRANSACTION.account}": history})
    abroad = {"name": "Loja", "country": "BR"}
    stream.handle(
        records(
            transaction(id="usual", amount=Decimal(10_010), merchant=None),
            transaction(id="unusual", amount=Decimal(32_043), merchant=None),
            transaction(id="abroad", amount=Decimal(10_000), merchant=abroad),
            transaction(id="other-account", account="a2", amount=Decimal(32_043), merchant=abroad),
        )
    )
    assert told(stream.notifications) == ["usual", "other-account"]
    assert stream.flags("unusual") == {
        "unusual_amount": {"amount": "32043", "currency": "XAF", "usual": "10014", "times": "3.1", "count": 31}
    }
    assert stream.flags("abroad") == {"new_country": {"country": "BR", "known": ["CM"], "count": 30}}


def test_another_banks_history_and_thresholds_are_none_of_ours(stream: Stream) -> None:
    stream.set(large_amounts={"XAF": Decimal(1)})
    ours, theirs = transaction(id="t1"), transaction(id="t1", bank="other-bank", merchant=None)
    stream.handle(records(ours, theirs))
    assert [detail["bank"] for detail in stream.events.details] == ["eazycard"]
    ((notice,),) = [unpack(body, []) for body in stream.notifications.bodies]
    assert notice.transaction.bank == "other-bank"


def test_what_the_look_at_the_account_finds_of_the_batch_itself_is_judged_once(stream: Stream) -> None:
    large = transaction(id="large", amount=LARGE)
    small = transaction(id="small", merchant=None, recorded_at=NOW + timedelta(seconds=1))
    stream.store(large, small)
    stream.handle(records(large, small))
    assert (told(stream.alerts), told(stream.notifications)) == (["large"], ["small"])


def test_what_a_payment_repeats_is_looked_for_around_the_whole_batch(stream: Stream) -> None:
    """A batch may have payments of hours: each may repeat what is before it, behind it, or recorded between the two."""

    def paid(id_: str, at: timedelta, recorded: int) -> Transaction:
        when = {"timestamp": TRANSACTION.timestamp + at, "recorded_at": NOW + timedelta(seconds=recorded)}
        return transaction(id=id_, **when)

    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    before = paid("before the first", -10 * hour - minute, 0)
    first = paid("first", -10 * hour, 1)
    between = paid("between, and behind the last", 4 * minute, 2)
    last = paid("last", timedelta(0), 3)
    after = paid("recorded after", minute, 4)
    stream.store(before, first, between, last, after)
    stream.handle(records(first, last))
    assert {one: set(stream.flags(one)) for one in ("first", "last")} == {
        "first": {"duplicate_suspect"},
        "last": {"duplicate_suspect"},
    }
    assert (
        stream.flags("first")["duplicate_suspect"]["seconds"],
        stream.flags("last")["duplicate_suspect"]["seconds"],
    ) == (
        60,
        240,
    )


def test_accounts_are_looked_up_side_by_side(stream: Stream) -> None:
    class Meeting:
        """A client whose queries of the index wait for one another."""

        def __init__(self, parties: int) -> None:
            self._barrier = threading.Barrier(parties, timeout=20)

        def __getattr__(self, name: str) -> Any:
            return getattr(stream.dynamodb, name)

        def query(self, **arguments: Any) -> Any:
            self._barrier.wait()
            return stream.dynamodb.query(**arguments)

    stream.handle(records(*(transaction(id=f"t{n}", account=f"a{n}") for n in range(3))), dynamodb=Meeting(3))
    assert told(stream.notifications) == ["t0", "t1", "t2"]


def test_a_transaction_over_which_judging_fails_is_logged_and_counted(
    stream: Stream, monkeypatch: pytest.MonkeyPatch, logged: Any
) -> None:
    def spoiled(_one: Transaction, _history: object, _thresholds: object) -> dict[str, Any]:
        raise ArithmeticError("a defect")

    monkeypatch.setattr("chalicelib.flags.rules.RULES", {"large_amount": spoiled})
    stream.handle(records(transaction(id="bad")))
    text = logged()
    assert (counted(text, "NotJudged"), counted(text, "RecordsSkipped")) == (1, 1)
    (line,) = lines_saying(text, "not_judged")
    assert (line["level"], line["bank"], line["transaction"], line["error"]) == (
        *("ERROR", "eazycard", "bad", "ArithmeticError"),
    )


def test_ten_accounts_of_a_batch_are_looked_up_and_no_more(stream: Stream) -> None:
    asked: list[str] = []

    class Asked:
        def __getattr__(self, name: str) -> Any:
            return getattr(stream.dynamodb, name)

        def query(self, **arguments: Any) -> Any:
            asked.append(arguments["TableName"])
            return stream.dynamodb.query(**arguments)

    stream.handle(records(*(transaction(id=f"t{n}", account=f"a{n}") for n in range(12))), dynamodb=Asked())
    assert asked.count(stream.names["TransactionsTable"]) == 10
    assert len(told(stream.notifications)) == 12


def test_a_batch_says_what_became_of_its_records_and_of_which_transactions(stream: Stream, logged: Any) -> None:
    usual = [transaction(id=f"usual{number}", account=f"a{number}") for number in range(2)]
    batch = records(transaction(id="large", account="a9", amount=LARGE), *usual)
    stream.handle([*batch, record({}), record({}), record({})])
    (line,) = lines_saying(logged(), "stream_batch")
    assert (line["told"], line["alerts"], line["dead_lettered"]) == (3, 1, 3)
    assert line["transactions"] == ["eazycard#large", "eazycard#usual0", "eazycard#usual1"]


def test_an_hour_counts_each_banks_transactions_and_those_of_them_that_were_flagged(stream: Stream) -> None:
    ours = [transaction(id=f"t{number}", account=f"a{number}") for number in range(3)]
    theirs = transaction(id="t9", bank="other-bank")
    stream.handle(records(*ours, transaction(id="large", account="a9", amount=LARGE), theirs))
    reader = ActivityReader(ActivityRepository(stream.dynamodb, stream.names["DeferralsTable"]))
    hours = [hour for bank in ("eazycard", "other-bank") for hour in reader.between(bank, NOW, NOW)]
    assert [(hour.transactions, hour.flagged) for hour in hours] == [(4, 1), (1, 0)]
