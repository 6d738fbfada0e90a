"""The plans: what they allow in a day, beside the gateway's rates."""

from chalicelib.banks.bank import Bank
from chalicelib.banks.plans import DAILY, Metered, daily_of, limit_of
from infra.gateway import PLANS


def test_the_plans_are_those_of_the_gateway() -> None:
    assert DAILY.keys() == PLANS.keys()


def bank(plan: str, emails_per_day: int | None = None) -> Bank:
    return Bank("eazycard", "EAZYCard", "XAF", plan, emails_per_day=emails_per_day)


def test_an_unknown_plan_has_the_limits_of_the_standard_one() -> None:
    assert daily_of("of long ago") == daily_of("standard") == DAILY["standard"]
    for metered in Metered:
        assert limit_of(bank("of long ago"), metered) == limit_of(bank("standard"), metered) is not None
        assert limit_of(bank("volume"), metered) is None


def test_a_banks_own_limit_is_of_e_mails_alone_and_only_a_lower_one_counts() -> None:
    assert limit_of(bank("standard", 300), Metered.EMAILS) == limit_of(bank("volume", 300), Metered.EMAILS) == 300
    assert limit_of(bank("trial", 3_000), Metered.EMAILS) == limit_of(bank("trial"), Metered.EMAILS)
    assert limit_of(bank("standard", 300), Metered.TRANSACTIONS) == limit_of(bank("standard"), Metered.TRANSACTIONS)
