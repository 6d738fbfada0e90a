"""The stores of a stage for operators' commands, made from the outputs of its data stack."""

import functools

from botocore.config import Config

from chalicelib.aws.stage import Settings, variables
from chalicelib.stores import Stores
from infra.sessions import Stage

# For commands that read whole megabytes of an index: they may wait longer than a function.
PATIENT = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 5})


def stores_of(stage: Stage, *needed: str, config: Config | None = None) -> Stores:
    """Return a stage's stores. A command may use those that depend on no other output than the `needed` ones.

    Raises StackFailed when the data stack, of an older release, lacks one of them. `config` is for the AWS clients.
    """
    for output in needed:
        stage.output(output)
    settings = {variable.lower(): stage.outputs.get(output, "") for output, variable in variables().items()}
    return Stores(Settings(**settings), functools.cache(lambda service: stage.session.client(service, config=config)))
