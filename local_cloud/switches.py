"""The switches of the local cloud's gate, as commands use them: the meter, and the faults."""

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import urllib3

from chalicelib.mail.tags import to_tag
from local_cloud.gate.control import PATH
from local_cloud.gate.faults import Trouble
from local_cloud.server import CloudFailed, Keys


@dataclass(frozen=True, slots=True)
class Mails:
    """How many e-mails SES accepted, how many of them are different, and how many of these tell of several alerts."""

    accepted: int = 0
    different: int = 0
    of_several: int = 0


@dataclass(frozen=True, slots=True)
class Switches:
    """The switches of the gate of the cloud at this URL."""

    endpoint_url: str
    keys: Keys

    def meter(self, is_on: bool) -> None:
        """Let the meter count from nothing, or stop."""
        self._ask("PUT", "meter", {"on": is_on})

    def counts(self) -> dict[str, Any]:
        """Return what the meter has counted since it was turned on: `calls` and `functions`."""
        return self._ask("GET", "meter")

    @contextmanager
    def faults(self, seed: int, troubles: Sequence[Trouble]) -> Iterator[None]:
        """Let these troubles happen until the block is left."""
        self._switch(seed, troubles)
        try:
            yield
        finally:
            self._switch(seed, ())

    def happened(self) -> dict[str, int]:
        """Return how often each trouble has happened since the faults were switched on, as `kind service function`."""
        return self._ask("GET", "faults")

    def mails(self, bank: str) -> Mails:
        """Return how many of a bank's e-mails SES has accepted."""
        return Mails(**self._ask("GET", "mails").get(to_tag(bank), {}))

    def _switch(self, seed: int, troubles: Sequence[Trouble]) -> None:
        bounds = {"until_s": math.inf, "most": math.inf}  # JSON has no such number
        listed = [
            {name: value for name, value in dataclasses.asdict(one).items() if bounds.get(name) != value}
            for one in troubles
        ]
        self._ask("PUT", "faults", {"seed": seed, "troubles": listed})

    def _ask(self, method: str, what: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = urllib3.request(
            method,
            f"{self.endpoint_url}{PATH}{what}",
            headers=self.keys.headers,
            body=None if body is None else json.dumps(body).encode(),
            timeout=30,
            retries=False,
        )
        if answer.status != 200:
            raise CloudFailed(f"The gate's switch {what} was answered {answer.status}: {answer.data.decode()}")
        found: dict[str, Any] = answer.json()
        return found
