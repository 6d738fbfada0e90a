"""What several files about the infrastructure share."""

from collections.abc import Iterator

import boto3
import pytest

from tests import moto_server
from tests.aws_tours import Tours, toured
from tests.released import Stacks, both_stacks


@pytest.fixture(scope="session")
def tours() -> Tours:
    """All functions on their tours, run once: that takes as long as hundreds of tests."""
    return toured()


@pytest.fixture(scope="module")
def session() -> Iterator[boto3.session.Session]:
    """A session on a moto server, for commands that provision and release."""
    with moto_server.running() as url, pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", url)
        yield boto3.session.Session(region_name="us-east-2")


@pytest.fixture(scope="session")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """The resources of both stacks."""
    return both_stacks(tmp_path_factory.mktemp("released"))
