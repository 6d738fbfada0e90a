"""What the account's limit of concurrent executions means, and what may be reserved of it."""

import re

import pytest

from infra.concurrency import check_reserved, limit_of, meaning, needed
from infra.stacks import StackFailed
from tests.samples import PROJECT_DIR


class FakeLambda:
    def get_account_settings(self) -> dict[str, dict[str, int]]:
        return {"AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}}


def test_the_limit_is_the_account_s() -> None:
    assert limit_of(FakeLambda()) == 10


def test_what_a_stage_needs_grows_with_the_limits_of_its_triggers() -> None:
    limits = map(int, re.findall(r"maximum_concurrency=(\d+)", (PROJECT_DIR / "app.py").read_text()))
    assert needed() == sum(limits) + 20


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        (10, "Lambda runs at most 10 functions of this account at once; .*Ask AWS for more before banks use it"),
        (100, "None can be reserved"),
        (1_000, "at most 1,000 functions .* Up to 900 can be reserved"),
    ],
)
def test_a_limit_is_told_with_what_it_means(limit: int, says: str) -> None:
    assert re.search(says, meaning(limit))


def test_what_leaves_lambda_too_little_is_refused_with_what_is_possible() -> None:
    check_reserved({"API": 50, "alert mailer": 5}, 155)
    check_reserved({}, 10)
    with pytest.raises(StackFailed, match=r"^50 for the API and 5 for the alert mailer can't be .* 54 at most"):
        check_reserved({"API": 50, "alert mailer": 5}, 154)
    with pytest.raises(StackFailed, match="or reserve 0 at most"):
        check_reserved({"API": 1}, 10)
