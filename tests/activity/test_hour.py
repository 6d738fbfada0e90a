"""An hour of activity: what a reader gets of it, and its stored numbers."""

from datetime import UTC, datetime, timedelta, timezone

from chalicelib.activity.histogram import Histogram
from chalicelib.activity.hour import EMAILS, Counted, HourOfActivity, from_values, hour_of, to_increments
from chalicelib.flags.answers import Answer
from chalicelib.notifications.state import State

TEN = datetime(2026, 11, 28, 10, tzinfo=UTC)
COUNTS = {counted: number for number, counted in enumerate(Counted, start=1)}


def test_an_hour_comes_back_as_it_was_stored() -> None:
    latency = Histogram.of([0.1, 0.1, 4000])
    stored = to_increments(COUNTS, latency)
    assert from_values(TEN, {**stored, "due": "x", "of_another_release": 7}) == HourOfActivity(TEN, COUNTS, latency)
    assert to_increments({Counted.SENT: 0}, Histogram()) == {}


def test_each_figure_is_where_a_reader_looks_for_it() -> None:
    hour = HourOfActivity(TEN, COUNTS)
    assert (hour.transactions, hour.flagged, hour.alerts) == (
        COUNTS[Counted.TRANSACTIONS],
        COUNTS[Counted.FLAGGED],
        COUNTS[Counted.ALERTS],
    )
    assert hour.emails == {state.value: COUNTS[state] for state in EMAILS}
    assert hour.answers == {name: COUNTS[Counted(name)] for name in ("recognized", "not_recognized")}
    assert hour.webhooks == {
        "delivered": COUNTS[Counted.WEBHOOKS_DELIVERED],
        "failed": COUNTS[Counted.WEBHOOKS_FAILED],
    }


def test_an_hour_without_anything_names_all_its_figures() -> None:
    empty = HourOfActivity(TEN)
    assert set(empty.emails) == set(State) - {State.QUEUED}
    assert set(empty.answers) == set(Answer)
    assert not any([*empty.emails.values(), *empty.answers.values(), *empty.webhooks.values(), empty.latency.count])


def test_an_hour_begins_in_utc() -> None:
    nepal = timezone(timedelta(hours=5, minutes=45))
    assert hour_of(datetime(2026, 11, 28, 16, 0, 59, 7, tzinfo=nepal)) == TEN


def test_a_row_with_all_that_is_counted_stays_below_a_write_unit() -> None:
    stored = to_increments(dict.fromkeys(Counted, 10**9), Histogram((10**9,) * len(Histogram().counts)))
    # A number takes a byte for two digits, and one or two more; the key and the end of its time have 120 at most.
    assert sum(len(name) + 7 for name in stored) + 120 < 1024
