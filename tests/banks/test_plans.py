"""The plans: what they allow in a day, beside the gateway's rates."""

from chalicelib.banks.plans import DAILY, Metered, limit_of
from infra.gateway import PLANS


def test_the_plans_are_those_of_the_gateway() -> None:
    assert DAILY.keys() == PLANS.keys()


def test_an_unknown_plan_has_the_limits_of_the_standard_one() -> None:
    for metered in Metered:
        assert limit_of("of long ago", metered) == limit_of("standard", metered) is not None
        assert limit_of("volume", metered) is None


def test_a_banks_own_limit_is_of_e_mails_alone_and_only_a_lower_one_counts() -> None:
    assert limit_of("standard", Metered.EMAILS, 300) == limit_of("volume", Metered.EMAILS, 300) == 300
    assert limit_of("trial", Metered.EMAILS, 3_000) == limit_of("trial", Metered.EMAILS)
    assert limit_of("standard", Metered.TRANSACTIONS, 300) == limit_of("standard", Metered.TRANSACTIONS)
