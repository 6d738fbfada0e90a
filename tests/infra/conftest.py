"""What several files about the infrastructure share."""

import pytest

from tests.aws_tours import Tours, toured


@pytest.fixture(scope="session")
def tours() -> Tours:
    """All functions on their tours, run once: that takes as long as hundreds of tests."""
    return toured()
