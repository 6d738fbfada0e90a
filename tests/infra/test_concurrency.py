"""What the account's limit of concurrent executions means, and what may be reserved of it."""

import re

import pytest

from infra.concurrency import check_reserved, limit_of, limits, meaning, needed
from infra.stacks import StackFailed
from tests.samples import PROJECT_DIR


class FakeLambda:
    def get_account_settings(self) -> dict[str, dict[str, int]]:
        return {"AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}}


def test_the_limit_is_the_account_s() -> None:
    assert limit_of(FakeLambda()) == 10


def test_what_a_stage_needs_grows_with_its_triggers() -> None:
    source = (PROJECT_DIR / "app.py").read_text()
    allowed = map(int, re.findall(r"maximum_concurrency=(\d+)", source))
    streams, jobs = source.count("@app.on_dynamodb_record("), source.count("@app.schedule(")
    assert (streams, jobs) == (4, 4)
    assert needed() == sum(allowed) + 4 * streams + jobs + 10


def test_each_trigger_of_a_queue_has_a_limit_so_that_one_queue_cannot_take_all_functions() -> None:
    source = (PROJECT_DIR / "app.py").read_text()
    assert len(limits()) == source.count("@app.on_sqs_message(")
    assert min(limits().values()) >= 2  # the least that Lambda takes


@pytest.mark.parametrize("number", [1, 4])
def test_less_than_a_trigger_uses_cannot_be_reserved_for_its_function(number: int) -> None:
    with pytest.raises(StackFailed, match="its trigger uses 5 at once"):
        check_reserved({"alert mailer": number}, 1_000)
    check_reserved({"alert mailer": 5}, 1_000)
    check_reserved({"alert mailer": 0, "API": 1}, 1_000)


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
