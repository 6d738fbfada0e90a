"""How many cases a test tries that could try any number: some at every change, far more by `make test-long`."""

import os

IS_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def size(short: int, long: int) -> int:
    """Return the number of cases: `short` in `make test` and CI, `long` in `make test-long`."""
    return long if IS_LONG else short
