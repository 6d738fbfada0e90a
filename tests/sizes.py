"""How many cases a test tries that could try any number: some at every change, far more by `make test-long`."""

import os

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "project")
IS_LONG = PROFILE == "long"
# On which engines a test of `each_dynamodb` runs; one that is marked `each_moment` runs on the first, but for the long
# run. botocore's client on DynamoDB Local is the long run's: its two halves are each in one of the other two.
ENGINES = {"long": ("moto", "direct", "dynamodb-local"), "versions": ("moto",)}.get(PROFILE, ("moto", "direct"))


def size(short: int, long: int) -> int:
    """Return the number of cases: `short` in `make test` and CI, `long` in `make test-long`, few on newer Pythons."""
    return {"long": long, "versions": max(1, short // 10)}.get(PROFILE, short)
