"""A digest's e-mail: what is still wanted, what can be told, and in which order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.links import AnswerLinks, Links
from chalicelib.notifications.digest import Digest, DigestKind, DigestNotice, Entry
from chalicelib.notifications.digest_composing import Choice, DigestComposer, choose
from chalicelib.notifications.notice import Notice
from chalicelib.notifications.state import State
from tests.samples import EVIDENCE, transaction

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
HOLDER = Holder("awa", "Awa", "awa@example.com", "en", "UTC", {}, NOW)
ORDINARY = Digest(DigestKind.ORDINARY, "eazycard", "A1", "awa", NOW)
ALERTS = replace(ORDINARY, kind=DigestKind.ALERTS)
ONE_REASON = {"large_amount": EVIDENCE["large_amount"]}
BROKEN = Decimal("NaN")  # which no e-mail can tell


class Banks:
    def name_of(self, bank: str) -> str:
        return f"Bank of {bank}"


def entry(number: int, digest: Digest = ORDINARY, flags: Any = None, minute: int = 0, **changes: Any) -> Entry:
    told = transaction(
        id=f"t{number}", account="A1", timestamp=NOW + timedelta(minutes=minute), merchant=None, **changes
    )
    described = replace(told, description=f"purchase {number}")
    return Entry(digest, Notice(described, flags=flags or (ONE_REASON if digest is ALERTS else {})))


def composed(entries: list[Entry], part: int = 1) -> tuple[Any, list[tuple[Entry, str]], list[tuple[Any, ...]]]:
    asked: list[tuple[Any, ...]] = []

    def links_for(*about: Any) -> Links:
        asked.append(about)
        answers = {id_: AnswerLinks(f"https://x.example/me/{id_}", f"https://x.example/not/{id_}") for id_ in about[3]}
        return Links("https://x.example/page", "https://x.example/end", answers)

    composer = DigestComposer(Banks(), links_for)  # type: ignore[arg-type]
    email, failed = composer.compose(DigestNotice(entries[0].digest, part), entries, HOLDER)
    return email, failed, asked


def told(text: str, count: int) -> list[int]:
    """Return the numbers of the purchases that a text tells, in its order."""
    return sorted((n for n in range(count) if f"purchase {n}" in text), key=lambda n: text.index(f"purchase {n}"))


def test_an_ordinary_digest_lists_its_transactions_newest_first_with_links_to_end_it() -> None:
    email, failed, asked = composed([entry(number, minute=minute) for number, minute in enumerate((1, 3, 2))])

    assert failed == []
    assert asked == [("eazycard", "A1", HOLDER, [])]
    assert told(email.text, 3) == [1, 2, 0]
    assert "Bank of eazycard" in email.text
    assert "https://x.example/page" in email.text


def test_more_alerts_are_one_in_full_the_newest_with_the_most_reasons_and_the_others_newest_first() -> None:
    two_reasons = {**ONE_REASON, "velocity": EVIDENCE["velocity"]}
    entries = [
        entry(0, ALERTS, minute=9),
        entry(1, ALERTS, two_reasons, minute=1),
        entry(2, ALERTS, two_reasons, minute=3),
        entry(3, ALERTS, minute=5),
        entry(4, ALERTS, minute=5),
    ]
    for order in (entries, entries[::-1]):
        email, failed, asked = composed(order)
        assert failed == []
        assert told(email.text, 5) == [2, 0, 4, 3, 1]  # of one moment the greater id first
        ((bank, account, holder, ids),) = asked
        assert (bank, account, holder, set(ids)) == ("eazycard", "A1", HOLDER, {f"t{number}" for number in range(5)})
        assert "https://x.example/not/t2" in email.text


def test_of_more_alerts_the_one_in_full_has_its_own_reasons_and_stands_nowhere_else() -> None:
    two_reasons = {**ONE_REASON, "velocity": EVIDENCE["velocity"]}
    email, _, _ = composed([entry(0, ALERTS), entry(1, ALERTS, two_reasons), entry(2, ALERTS)])

    assert "is unusually large" in email.text
    assert "transactions on your account within" in email.text
    assert [email.text.count(f"purchase {number}") for number in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("digest", [ORDINARY, ALERTS])
def test_one_that_cannot_be_told_holds_up_no_other_and_is_named(digest: Digest) -> None:
    entries = [entry(0, digest), entry(1, digest, amount=BROKEN, currency="XAF"), entry(2, digest)]
    email, failed, _ = composed(entries)

    assert set(told(email.text, 3)) == {0, 2}
    ((one, reason),) = failed
    assert one == entries[1]
    assert reason.startswith("not_rendered: ")


@pytest.mark.parametrize("count", [1, 2])
def test_if_none_can_be_told_the_error_is_raised(count: int) -> None:
    with pytest.raises(Exception, match=r"InvalidOperation|decimal"):
        composed([entry(number, amount=BROKEN) for number in range(count)])


def test_what_breaks_for_all_together_only_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def together(_self: Any, _notice: Any, entries: list[Entry], *_: Any) -> Any:
        if len(entries) > 1:
            raise ZeroDivisionError

    monkeypatch.setattr(DigestComposer, "_mail", together)
    with pytest.raises(ZeroDivisionError):
        composed([entry(0), entry(1)])


def chosen(*entries: Entry, **changes: Any) -> Choice:
    return choose(entries, replace(HOLDER, **changes), NOW)


def test_what_is_wanted_is_told_in_the_order_in_which_it_came() -> None:
    entries = [entry(2), entry(0), entry(1)]
    assert chosen(*entries) == Choice(wanted=entries)
    assert chosen() == Choice()


def test_an_erased_holder_is_told_of_nothing() -> None:
    entries = [entry(0), entry(1)]
    assert choose(entries, None, NOW) == Choice(skipped=[one.change(State.SKIPPED, "erased") for one in entries])


def test_who_came_after_an_erased_holder_is_told_of_nothing_that_was_recorded_before() -> None:
    times = [NOW + timedelta(minutes=minute) for minute in (-1, 0, 1)]
    before, just_before, after = (entry(number, recorded_at=at) for number, at in enumerate(times))
    skipped = [one.change(State.SKIPPED, "erased") for one in (before, just_before)]
    assert chosen(before, just_before, after, told_from=NOW) == Choice(wanted=[after], skipped=skipped)
    assert chosen(before, just_before, after).wanted == [before, just_before, after]


def test_to_a_suppressed_address_goes_nothing_until_that_has_lapsed() -> None:
    until = NOW + timedelta(hours=1)
    suppressed = Suppressed("soft_bounces", NOW - timedelta(hours=1), until)
    one, other = entry(0), entry(1)
    skipped = [each.change(State.SUPPRESSED, "soft_bounces") for each in (one, other)]
    assert chosen(one, other, suppressed=suppressed) == Choice(skipped=skipped)
    assert choose([one], replace(HOLDER, suppressed=suppressed), until) == Choice(wanted=[one])


def test_each_is_looked_at_by_itself() -> None:
    small, large = entry(0, amount=Decimal(5)), entry(1, amount=Decimal(50_000))
    found = chosen(small, large, preferences={"min_amount": {small.notice.transaction.currency: "100"}})
    assert found == Choice(wanted=[large], skipped=[small.change(State.SKIPPED, "min_amount")])


def test_in_quiet_hours_all_wait_until_they_are_over() -> None:
    entries = [entry(0), entry(1)]
    found = chosen(*entries, preferences={"quiet_hours": {"from": "13:00", "to": "15:30"}})
    assert found == Choice(wanted=entries, until=NOW.replace(hour=15, minute=30))


def test_what_a_preference_cannot_be_compared_with_is_given_up_and_holds_up_no_other() -> None:
    broken, other = entry(0, amount="no number"), entry(1)
    currency = other.notice.transaction.currency
    found = chosen(broken, other, preferences={"min_amount": {currency: "1"}})

    assert found.wanted == [other]
    ((one, reason),) = found.failed
    assert (one, reason.partition(": ")[0], found.skipped) == (broken, "not_rendered", [])
