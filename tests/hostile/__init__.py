"""The corpus of hostile requests: what the files beside this one hold, as cases.

A file has families; a family says what its cases share, a case what is sent: a text, or [text, times] pieces of one,
or bytes in hex. With `field`, the text is the JSON literal that stands for that field of the smallest transaction (in
holders.toml, of the smallest enrolment); with `header`, that header's value; with `request`, what stands in its path;
else the whole body. `answer` is the status and code, `fields` what is named, `stored` how a field is answered where
that differs from what was sent, `cut` to how many characters its text is cut, `absent` that it isn't answered at all,
and `warned` what warnings name. In a batch the same text is an item between two others; `batch = "whole"` says that
such a batch can't even be read.
"""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

# The smallest bodies, as JSON literals by field. Their values are the corpus's own, to be told from all others.
TRANSACTION = {
    "id": '"canary-id"',
    "account": '"canary-account"',
    "amount": "7313.31",
    "type": '"credit"',
    "timestamp": '"2026-01-09T08:07:06Z"',
}
ENROLMENT = {"name": '"Canary Ndiaye"', "email": '"canary@example.com"'}
_BASES = {"holders": ENROLMENT}


@dataclass(frozen=True)
class Case:
    file: str
    name: str
    rules: dict[str, Any]  # the family's, with the case's own over them

    @property
    def status(self) -> int:
        return int(self.rules["answer"].split()[0])

    @property
    def code(self) -> str:
        return str(self.rules["answer"].split()[1])

    @property
    def fields(self) -> list[str]:
        return sorted(self.rules.get("fields", []))

    @property
    def warned(self) -> list[str]:
        return sorted(self.rules.get("warned", []))

    @property
    def is_absent(self) -> bool:
        return bool(self.rules.get("absent"))

    @property
    def field(self) -> str | None:
        return self.rules.get("field")

    @property
    def is_whole(self) -> bool:
        return self.rules.get("batch") == "whole"

    @property
    def text(self) -> str:
        sent = self.rules.get("send", "")
        return sent if isinstance(sent, str) else "".join(piece * times for piece, times in sent)

    @property
    def body(self) -> bytes:
        if "hex" in self.rules:
            return bytes.fromhex(self.rules["hex"])
        base = _BASES.get(self.file, TRANSACTION) | self.rules.get("with", {})
        if self.field is not None:
            return written(base | {self.field: self.text})
        if "header" in self.rules or "request" in self.rules:
            return written(base)
        batch = batch_of(written(base)).decode()
        return self.text.replace("<base>", written(base).decode()).replace("<batch>", batch).encode()

    @property
    def headers(self) -> dict[str, str]:
        return {self.rules["header"].replace("-", "_"): self.text} if "header" in self.rules else {}

    @property
    def request(self) -> tuple[str, str]:
        method, path = self.rules["request"].split()
        return method, path.replace("{}", self.text)

    @property
    def stored(self) -> dict[str, Any]:
        """What is answered of the body when it is accepted: as it was sent, but for what `stored` says."""
        base = _BASES.get(self.file, TRANSACTION) | self.rules.get("with", {})
        values = {name: json.loads(literal) for name, literal in base.items()}
        if "amount" in values:
            values["amount"] = base["amount"]
        if self.field is not None and not self.is_absent:
            values[self.field] = self.rules.get("stored", self._sent)
        return values

    @property
    def _sent(self) -> Any:
        """The field's value as it was sent, its text cut."""
        sent, most = json.loads(self.text), self.rules.get("cut")
        return (
            {name: text[:most] if isinstance(text, str) else text for name, text in sent.items()}
            if isinstance(sent, dict)
            else sent[:most]
            if most
            else sent
        )


def written(literals: dict[str, str]) -> bytes:
    """Return the JSON object of these literals by field."""
    return ("{" + ", ".join(f"{json.dumps(name)}: {literal}" for name, literal in literals.items()) + "}").encode()


def batch_of(*items: bytes) -> bytes:
    """Return the body of a batch of these items, whatever they are."""
    return b'{"transactions": [' + b", ".join(items) + b"]}"


def cases(*files: str, accepted: bool) -> pytest.MarkDecorator:
    """Return the decorator that gives a test each case of the files that is accepted, or each that is refused."""
    found = [case for file in files for case in _read(file) if (case.status < 300) == accepted]
    return pytest.mark.parametrize("case", found, ids=[f"{case.file}: {case.name}" for case in found])


def _read(file: str) -> list[Case]:
    families = tomllib.loads((Path(__file__).parent / f"{file}.toml").read_text("utf-8"))["family"]
    found = []
    for family in families:
        for name, own in family["cases"].items():
            rules = {key: value for key, value in family.items() if key not in ("about", "cases")}
            found.append(Case(file, name, rules | (own if isinstance(own, dict) else {"send": own})))
    assert len({case.name for case in found}) == len(found), f"{file}.toml has two cases of one name"
    return found
