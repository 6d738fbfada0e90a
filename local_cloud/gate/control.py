"""The gate's own paths for commands: `/_gate/meter`, `/_gate/faults`, and `/_gate/mails`, the count of e-mails.

PUT switches meter or faults, with a JSON body; GET returns what was counted. The door has asked for this start's keys.
"""

import json
from base64 import urlsafe_b64decode
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_cloud.gate import faults as fault
from local_cloud.gate.answers import Answer, as_json
from local_cloud.gate.faults import Faults
from local_cloud.gate.meter import Meter

PATH = "/_gate/"
_TAKES = {"meter": ("GET", "PUT"), "faults": ("GET", "PUT"), "mails": ("GET",)}


@dataclass(frozen=True, slots=True)
class Switchboard:
    """What the paths are about. `notes` has the tags of each e-mail that SES accepted, by its message id."""

    meter: Meter
    faults: Faults
    notes: Mapping[str, Mapping[str, Any]]

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Return the answer to a request of one of the paths."""
        what = path.removeprefix(PATH)
        if method not in _TAKES.get(what, ()):
            return as_json(404, "The gate has /_gate/meter and /_gate/faults, with GET and PUT, and GET /_gate/mails.")
        try:
            wanted = json.loads(body or b"{}")
            if method == "PUT" and what == "meter":
                self.meter.turn(wanted["on"] is True)
            elif method == "PUT":
                self.faults.switch(*fault.parsed(wanted))
        except (ValueError, KeyError, TypeError) as error:
            return as_json(400, f"Not understood: {error}")
        found = {"meter": self.meter.read, "faults": self.faults.happened, "mails": self._mails}[what]()
        return 200, {"content-type": "application/json"}, json.dumps(found).encode()

    def _mails(self) -> dict[str, dict[str, int]]:
        """Return for each bank how many e-mails SES accepted, how many of them are different, and tell of several."""
        found: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        for note in list(self.notes.values()):
            tags = dict(note.get("Tags", ()))
            found[tags.get("bank", "")][tags.get("transaction", ""), tags.get("holder", "")] += 1
        return {
            bank: {
                "accepted": pairs.total(),
                "different": len(pairs),
                "of_several": sum(_is_of_several(transaction) for transaction, _ in pairs),
            }
            for bank, pairs in found.items()
        }


def _is_of_several(tag: str) -> bool:
    """Whether an e-mail with this tag tells of several transactions: `chalicelib.mail.tags` writes it."""
    return tag.startswith("--") and b"@" in urlsafe_b64decode(f"{tag[2:]}==")
