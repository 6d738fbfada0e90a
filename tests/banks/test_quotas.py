"""A day's quotas by leases: few calls, never too much, little left unused, and warnings to the bank's operators."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.banks.bank import Bank
from chalicelib.banks.plans import Metered
from chalicelib.banks.quotas import Quotas
from chalicelib.banks.quotas_repository import QuotaRepository
from chalicelib.errors import TemporarilyUnavailable
from tests.fakes import Failing, Refusing, refusal
from tests.metrics import counted, lines
from tests.sizes import size

TRANSACTIONS, EMAILS = Metered
TRIAL = 10_000


def bank(plan: str, emails_per_day: int | None = None, named: str = "eazycard") -> Bank:
    return Bank(named, named, "XAF", plan, emails_per_day=emails_per_day)


class Counted:
    """A client that counts its calls."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        self.calls += 1
        return getattr(self._client, name)


class Office:
    """Functions that share a bank's quotas, and what the bank's operators hear."""

    def __init__(self, dynamodb: Any) -> None:
        self.now = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
        self.dynamodb = Counted(dynamodb)
        self.warnings: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.sns_is_down = False

    def function(self, dynamodb: Any = None) -> Quotas:
        repository = QuotaRepository(dynamodb or self.dynamodb, "DeferralsTable")
        return Quotas(repository, self._warn, lambda: self.now)

    @property
    def used(self) -> int:
        """How much of its transactions the functions have taken for the bank."""
        return QuotaRepository(self.dynamodb, "DeferralsTable").used("eazycard", TRANSACTIONS, self.now.date()).taken

    def _warn(self, bank: str, subject: str, text: str) -> None:
        if self.sns_is_down:
            raise TemporarilyUnavailable
        assert subject.isascii()
        self.warnings.append((bank, subject))
        self.texts.append(text)


@pytest.fixture
def office(each_dynamodb: Any) -> Office:
    return Office(each_dynamodb)


def take_all(function: Quotas, plan: str = "trial", at_once: int = 1, times: int = TRIAL) -> int:
    return sum(function.take(bank(plan), TRANSACTIONS, at_once) for _ in range(times))


def test_a_bank_gets_its_quota_and_no_more_and_tomorrow_again(office: Office) -> None:
    function = office.function()
    assert take_all(function, at_once=70, times=200) == TRIAL
    calls = office.dynamodb.calls
    assert take_all(function, times=100) == 0
    assert office.dynamodb.calls == calls  # what is over is refused without a call
    assert function.seconds_left() == 10 * 3600
    office.now += timedelta(hours=10)
    assert function.take(bank("trial"), TRANSACTIONS, 5) == 5


def test_a_busy_function_makes_a_call_for_many_transactions(office: Office) -> None:
    take_all(office.function(), "standard", times=20_000)
    assert office.dynamodb.calls < 30


def used_after(office: Office, *counts: int, plan: str = "trial") -> list[int]:
    """Take so many each time, in one function; return how much is used after each time."""
    function, used = office.function(), []
    for count in counts:
        assert function.take(bank(plan), TRANSACTIONS, count) == count
        used.append(office.used)
    return used


def test_a_lease_doubles_with_use_up_to_a_thousandth_of_the_quota(office: Office) -> None:
    each_lease_once = list(dict.fromkeys(used_after(office, *[1] * 36)))
    assert each_lease_once == [1, 1 + 2, 1 + 2 + 4, 15, 15 + 10, 15 + 20, 15 + 30]


def test_even_the_first_that_is_asked_for_on_a_day_is_no_more_than_the_quota(office: Office) -> None:
    assert office.function().take(bank("trial"), TRANSACTIONS, TRIAL + 1) == TRIAL
    assert office.used == TRIAL


@pytest.mark.parametrize(("plan", "thousandth"), [("trial", 10), ("standard", 5_000)])
def test_a_busy_functions_lease_is_a_thousandth_of_the_quota(office: Office, plan: str, thousandth: int) -> None:
    large = 3 * thousandth
    assert used_after(office, large, 1, plan=plan) == [large, large + thousandth]


def test_a_lease_is_taken_when_the_last_one_is_used_up_and_has_what_that_lacks(office: Office) -> None:
    # The second lease leaves 1, which is given out before another is taken.
    assert used_after(office, 1, 1, 1, 4) == [1, 3, 3, 7]
    assert used_after(office, 1, 1, 6) == [8, 10, 15]


def test_a_plan_without_a_limit_costs_no_call(office: Office) -> None:
    assert take_all(office.function(), "volume", at_once=500, times=100) == 50_000
    assert office.dynamodb.calls == 0


def test_another_plan_is_obeyed_at_once(office: Office) -> None:
    function = office.function()
    take_all(function, at_once=500, times=21)
    assert function.take(bank("standard"), TRANSACTIONS, 500) == 500


def test_a_banks_own_limit_of_e_mails_counts_where_it_is_lower_than_the_plans(office: Office) -> None:
    function = office.function()
    assert function.take(bank("standard", 300), EMAILS, 500) == 300
    assert function.take(bank("volume", 300, named="other-bank"), EMAILS, 500) == 300
    assert function.take(bank("trial", 1_000_000, named="third-bank"), EMAILS, 2_500) == 2_000
    assert function.take(bank("standard", 300), TRANSACTIONS, 500) == 500


def test_a_lower_limit_counts_at_once_and_a_lifted_one_too(office: Office) -> None:
    function, other = office.function(), office.function()
    for one in (function, other):
        for _ in range(14):  # until each has a lease of a thousand and more
            one.take(bank("standard"), EMAILS, 200)
    assert [one.take(bank("standard", 2_000), EMAILS, 10) for one in (function, other)] == [0, 0]
    assert function.take(bank("standard"), EMAILS, 10) == 10


def test_a_limit_below_what_is_used_gives_out_nothing_although_a_lower_one_was_raised_before(office: Office) -> None:
    function = office.function()
    assert function.take(bank("standard", 2_000), EMAILS, 10) == 10
    for _ in range(14):  # until it has a lease of a thousand and more
        assert function.take(bank("standard"), EMAILS, 300) == 300
    assert function.take(bank("standard", 3_000), EMAILS, 10) == 0


@pytest.mark.parametrize("seed", range(size(5, 50)))
def test_however_a_limit_changes_nothing_is_given_out_over_the_one_that_counts(each_dynamodb: Any, seed: int) -> None:
    office, luck = Office(each_dynamodb), random.Random(seed)
    function, given, limit = office.function(), 0, 2_000
    for _ in range(100):
        if luck.random() < 0.2:
            limit = luck.choice((2_000, 3_000, 10_000, 5_000_000))
        granted = function.take(bank("standard", limit), EMAILS, luck.randint(1, 400))
        given += granted
        assert not granted or given <= limit


@pytest.mark.each_moment
@pytest.mark.parametrize("seed", range(size(2, 20)))
def test_many_functions_give_out_no_more_together_and_leave_little(each_dynamodb: Any, seed: int) -> None:
    office, luck = Office(each_dynamodb), random.Random(seed)
    functions = [office.function() for _ in range(12)]
    given = 0
    for _ in range(3_000):
        if luck.random() < 0.01:  # a function ends, with what it had taken
            functions[luck.randrange(12)] = office.function()
        given += luck.choice(functions).take(bank("trial"), TRANSACTIONS, luck.randint(1, 9))
    # A lease has ten at most, more only for a request that needs more.
    assert TRIAL - 10 * (12 + 30 * 2) <= given <= TRIAL


def test_what_is_given_back_is_given_out_again(office: Office) -> None:
    function = office.function()
    assert function.take(bank("trial"), TRANSACTIONS, TRIAL) == TRIAL
    function.give_back(bank("trial"), TRANSACTIONS, 3)
    assert function.take(bank("trial"), TRANSACTIONS, 5) == 3


def test_the_bank_is_warned_at_80_and_at_100_percent_once_each(office: Office) -> None:
    for _ in range(2):
        take_all(office.function(), at_once=100, times=79)
    assert [subject for _, subject in office.warnings] == [
        "80 % of today's transactions used",
        "100 % of today's transactions used",
    ]
    assert {bank for bank, _ in office.warnings} == {"eazycard"}
    for (_, subject), text, used in zip(office.warnings, office.texts, (f"{TRIAL * 4 // 5}", f"{TRIAL}"), strict=True):
        first, _, second, _, last, _ = text.split("\n")
        assert first == f"{subject}, bank eazycard"
        assert second.endswith(f" of {TRIAL} transactions of 2026-01-10 (UTC) are used.")
        assert int(second.split()[0]) >= int(used)
        assert last == "The service's operator can change the bank's plan or limit."


def test_a_warning_is_of_a_limit_and_comes_again_for_another_one(office: Office) -> None:
    function, other = office.function(), office.function()
    takes = [(5_000_000, 2_500), (2_000, 1), (5_000, 1_600), (2_000, 1), (5_000, 800), (5_000, 800)]
    for one in (function, other):
        for limit, count in takes:
            one.take(bank("standard", limit), EMAILS, count)
    assert [text.split("\n")[2].partition(" e")[0] for text in office.texts] == [
        "2500 of 2000",
        "4100 of 5000",
        "5000 of 5000",
    ]


def test_a_warning_that_can_not_be_sent_is_sent_with_the_next_lease(office: Office) -> None:
    function = office.function()
    office.sns_is_down = True
    assert function.take(bank("trial"), TRANSACTIONS, 8_500) == 8_500
    office.sns_is_down = False
    assert function.take(bank("trial"), TRANSACTIONS, 100) == 100
    assert len(office.warnings) == 1


def test_nothing_is_refused_while_the_table_can_not_be_reached(office: Office) -> None:
    throttled = Refusing(office.dynamodb, refusal("ThrottlingException"), "update_item", "get_item")
    assert take_all(office.function(throttled), at_once=500, times=30) == 15_000


def test_a_warning_that_can_not_be_noted_may_come_twice_and_harms_nothing(office: Office) -> None:
    first = office.function(Failing(office.dynamodb, refusal("ThrottlingException"), 1, "update_item"))
    assert first.take(bank("trial"), TRANSACTIONS, 8_000) == 8_000
    assert office.function().take(bank("trial"), TRANSACTIONS, 1) == 1
    assert len(office.warnings) == 2


@pytest.mark.parametrize(
    ("taken", "warned_of"), [(7_999, []), (8_000, ["80 %"]), (9_999, ["80 %"]), (10_000, ["100 %"])]
)
def test_a_warning_comes_when_its_percentage_is_reached_and_not_before(
    office: Office, taken: int, warned_of: list[str]
) -> None:
    office.function().take(bank("trial"), TRANSACTIONS, taken)
    assert [subject.partition(" of ")[0] for _, subject in office.warnings] == warned_of


@pytest.mark.parametrize(
    ("metered", "quota", "says"),
    [
        (TRANSACTIONS, 10_000, ["answered 429", "posted again the next day"]),
        (EMAILS, 2_000, ["skipped (over_quota)", "Security alerts, digests and statements aren't counted."]),
    ],
)
def test_a_warning_says_what_happens_over_the_quota(
    office: Office, metered: Metered, quota: int, says: list[str]
) -> None:
    office.function().take(bank("trial"), metered, quota)
    (text,) = office.texts
    assert all(part in text for part in says)
    assert f"{quota} of {quota} {metered} of" in text


def test_what_a_bank_asks_for_over_its_quota_is_counted_and_nothing_else(
    dynamodb: Any, table_names: Any, logged: Callable[[], str]
) -> None:
    function = Office(dynamodb).function()
    function.take(bank("trial"), TRANSACTIONS, TRIAL - 2)
    assert "OverQuota" not in logged()
    assert function.take(bank("trial"), TRANSACTIONS, 5) == 2
    assert counted(logged(), "OverQuota_transactions") == 3
    assert function.take(bank("trial"), EMAILS, 2_007) == 2_000
    assert counted(logged(), "OverQuota_emails") == 7


def test_how_much_of_a_quota_is_used_is_measured_to_a_tenth_of_a_percent(
    dynamodb: Any, table_names: Any, logged: Callable[[], str]
) -> None:
    Office(dynamodb).function().take(bank("trial"), TRANSACTIONS, 4_321)
    (line,) = [line for line in lines(logged()) if "QuotaUsed" in line]
    assert line["QuotaUsed"] == [43.2]
    assert line["what"] == "transactions"


def messages(logged: str, bank: str) -> list[str]:
    """Return what is logged of a bank."""
    return [line["message"] for line in lines(logged) if line.get("bank") == bank]


def test_a_quota_that_can_not_be_read_is_logged_and_counted(
    dynamodb: Any, table_names: Any, logged: Callable[[], str]
) -> None:
    throttled = Refusing(dynamodb, refusal("ThrottlingException"), "update_item", "get_item")
    Office(dynamodb).function(throttled).take(bank("trial"), TRANSACTIONS, 1)
    text = logged()
    assert messages(text, "eazycard") == ["quota_unknown"]
    assert counted(text, "QuotaUnknown") == 1


def test_a_warning_that_is_put_off_is_logged(dynamodb: Any, table_names: Any, logged: Callable[[], str]) -> None:
    office = Office(dynamodb)
    office.sns_is_down = True
    office.function().take(bank("trial"), TRANSACTIONS, 8_000)
    assert messages(logged(), "eazycard") == ["quota_warning_delayed"]


@pytest.mark.parametrize("plan", ["volume", "trial"])
def test_nothing_at_all_costs_nothing_and_can_be_given_back(office: Office, plan: str) -> None:
    function = office.function()
    assert function.take(bank(plan), TRANSACTIONS, 0) == 0
    function.give_back(bank("trial"), TRANSACTIONS, 0)
    assert office.dynamodb.calls == 0


@pytest.mark.parametrize(("second", "left"), [(0, 36_000), (36_000 - 1, 1), (35_999.9, 1), (36_000, 86_400)])
def test_the_quotas_begin_anew_when_the_day_ends(dynamodb: Any, table_names: Any, second: float, left: int) -> None:
    office = Office(dynamodb)
    office.now += timedelta(seconds=second)
    assert office.function().seconds_left() == left
