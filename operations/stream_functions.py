"""The functions of a stage that read a stream, called with records as the stream would bring them."""

import json
from collections.abc import Sequence
from typing import Any

from botocore.config import Config

from infra.sessions import Stage
from infra.stacks import PROJECT

# A function may take its whole time. The call must not be made a second time meanwhile.
_PATIENT = Config(read_timeout=70, retries={"total_max_attempts": 1})


class StreamFunctions:
    """The functions of the stage of this name. `functions` is a client of Lambda."""

    def __init__(self, functions: Any, stage: str) -> None:
        self._functions = functions
        self._prefix = f"{PROJECT}-{stage}-"

    @classmethod
    def of(cls, stage: Stage) -> "StreamFunctions":
        return cls(stage.session.client("lambda", config=_PATIENT), stage.name)

    def name_in(self, arn: str) -> str:
        """Return a function's name in `app.py`; raises IndexError if `arn` is none of a function."""
        return arn.split(":")[6].removeprefix(self._prefix)

    def handles(self, name: str, records: Sequence[dict[str, Any]]) -> bool:
        """Call a function, by its name in `app.py`, with a stream's records; return False if it fails over them."""
        answer = self._functions.invoke(
            FunctionName=f"{self._prefix}{name}",
            InvocationType="RequestResponse",
            Payload=json.dumps({"Records": records}).encode(),
        )
        return "FunctionError" not in answer
