"""What commands say of AWS's failures: for each cause, what to do."""

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)

from infra.aws_failures import advice


def refused(code: str, message: str = "why") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "DescribeStacks")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoCredentialsError(), "there are no complete AWS credentials: set `aws configure`"),
        (ProfileNotFound(profile="work"), "`aws configure list-profiles` lists them"),
        (NoRegionError(), "name one with --region"),
        (UnauthorizedSSOTokenError(), "have expired: log in again"),
        (refused("ExpiredToken"), "have expired: log in again"),
        (refused("ExpiredTokenException"), "have expired: log in again"),
        (refused("InvalidClientTokenId"), "AWS doesn't know these credentials"),
        (refused("SignatureDoesNotMatch"), "doesn't fit the access key id"),
        (refused("OptInRequired"), "this region is not enabled"),
        (refused("AccessDenied", "no\nway."), "may not call DescribeStacks: no way. Use others, or ask"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_failure_says_in_one_line_what_to_do(error: ClientError | BotoCoreError, said: str) -> None:
    assert said in advice(error)
    assert "\n" not in advice(error)


def test_of_any_other_failure_its_own_text_is_told() -> None:
    assert advice(refused("LimitExceeded")) == str(refused("LimitExceeded"))
    assert advice(BotoCoreError()) == str(BotoCoreError())
