"""The AWS emulator, with six things more: the gate around it, e-mails' headers and tags, refreshed tokens' groups,
code that is unpacked once, queries that don't read the whole partition, and batches of more than ten messages.

MiniStack's own SES keeps an e-mail's sender, recipients and parts only. This program, run by MiniStack's own Python,
starts it with a note beside each e-mail: what `SendBulkEmail` brought as `ReplacementHeaders` and `ReplacementTags`.
Its Cognito leaves the groups out of a token that a refresh token brings; AWS doesn't.
It unpacks a function's code for each of the function's processes, which takes longer than to start one.
The gate (`local_cloud.gate`) lets in who has this start's keys, and refuses what AWS refuses.

    .venv-cloud/bin/python -P local_cloud/emulator.py ministack [--no-gate]
"""

import importlib
import json
import os
import sys
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_PARTS = ("ReplacementHeaders", "ReplacementTags")
_BULK = "/outbound-bulk-emails"
LIST = "/_ministack/ses/messages"
_REFRESH = "TokenGeneration_RefreshTokens"
_Handler = Callable[..., Awaitable[Any]]
_Notes = dict[str, dict[str, Any]]  # headers and tags by SES's message id


def noting(handle: _Handler, notes: _Notes) -> _Handler:
    """Return SES's handler of requests, which also notes the headers and tags of the e-mails that it accepts."""

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        answer = await handle(method, path, headers, body, query)
        if method == "POST" and path.rstrip("/").endswith(_BULK) and answer[0] == 200:
            notes.update(_noted(json.loads(body)["BulkEmailEntries"], json.loads(answer[2])["BulkEmailEntryResults"]))
        return answer

    return handle_request


def listing(sent: Callable[[], dict[tuple[str, ...], Any]], notes: _Notes) -> _Handler:
    """Return the handler of the list of e-mails, each with what was noted of it: `Headers` and `Tags`.

    With `?to=` there are only those to an address that begins so: who waits for one asks often, and all of them with
    their contents are megabytes. `sent` returns MiniStack's store, whose keys are account, region, and "entries".
    """

    async def handle_request(method: str, path: str, _headers: Any, query: dict[str, list[str]]) -> Any:
        if (method, path) != ("GET", LIST):
            return None
        to = query.get("to", [""])[0]
        found: dict[str, list[dict[str, Any]]] = {}
        for (account, *_, kind), records in sent().items():
            if kind == "entries":
                wanted = [one for one in records if not to or any(taker.startswith(to) for taker in one["To"])]
                found.setdefault(account, []).extend(_listed(one, notes) for one in wanted)
        return 200, {"Content-Type": "application/json"}, json.dumps({"messages": found}).encode()

    return handle_request


def _listed(record: dict[str, Any], notes: _Notes) -> dict[str, Any]:
    told = {name: record[name] for name in ("MessageId", "Source", "Timestamp", "Type")}
    told |= {name: record.get(name, []) for name in ("To", "CC", "BCC")}
    told |= {name: record.get(f"Rendered{name}") or record.get(name) for name in ("Subject", "BodyText", "BodyHtml")}
    return told | notes.get(record["MessageId"], {})


def in_groups(make_token: Callable[..., str], pool_of: Callable[[str], Any]) -> Callable[..., str]:
    """Return Cognito's maker of tokens, which names the user's groups also in a token that is refreshed.

    `pool_of` returns a pool by its id, None if there is none.
    """

    def made(sub: str, pool_id: str, *arguments: Any, **options: Any) -> str:
        if options.get("trigger_source") == _REFRESH and "username" in options and "groups" not in options:
            users = (pool_of(pool_id) or {}).get("_users", {})
            options["groups"] = users.get(options["username"], {}).get("_groups", [])
        return make_token(sub, pool_id, *arguments, **options)

    return made


def in_full(receive: Callable[[str, int], list[Any]]) -> Callable[[str, int], list[Any]]:
    """Return what receives a trigger's messages from a queue, as many as its batch takes: MiniStack takes ten."""

    def received(queue_url: str, wanted: int) -> list[Any]:
        found: list[Any] = []
        while len(found) < wanted and (more := receive(queue_url, wanted - len(found))):
            found += more
        return found

    return received


def _noted(entries: list[dict[str, Any]], results: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry, result in zip(entries, results, strict=True):
        if "MessageId" in result:
            headers, tags = ([[one["Name"], one["Value"]] for one in entry.get(name, ())] for name in _PARTS)
            yield result["MessageId"], {"Headers": headers, "Tags": tags}


def main() -> None:
    notes: _Notes = {}
    ses: Any = importlib.import_module("ministack.services.ses_v2")
    cognito: Any = importlib.import_module("ministack.services.cognito")
    cognito._fake_token = in_groups(cognito._fake_token, cognito._get_pool_unscoped)
    queues: Any = importlib.import_module("ministack.services.sqs")
    queues._receive_messages_for_esm = in_full(queues._receive_messages_for_esm)
    app: Any = importlib.import_module("ministack.app")
    ses.handle_request = noting(ses.handle_request, notes)
    sent: Any = importlib.import_module("ministack.services.ses")
    app._handle_ses_messages_request = listing(lambda: sent._sent_emails.to_dict(), notes)
    runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
    with _project_on_path():
        code_cache = importlib.import_module("local_cloud.code_cache")
        importlib.import_module("local_cloud.partitions").stand(importlib.import_module("ministack.services.dynamodb"))
    runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": code_cache.UnpackedOnce})
    if "--no-gate" not in sys.argv:
        app.app = _gate(app.app, notes)
    sys.argv = ["ministack"]
    app.main()


def _gate(emulator: Any, notes: _Notes) -> Any:
    """Return the emulator's application with the gate around it, which counts the e-mails that are noted."""
    with _project_on_path():
        control, door, faults, inside, meter, record, rule = (
            importlib.import_module(f"local_cloud.gate.{name}")
            for name in ("control", "door", "faults", "inside", "meter", "record", "rule")
        )
        rule.load()
    written = record.Record(Path(os.environ[record.FOLDER_VARIABLE]))
    inside.stand(written)
    counts = meter.Meter()
    meter.stand(counts)
    return door.Gate(emulator, written, control.Switchboard(counts, faults.Faults(), notes))


@contextmanager
def _project_on_path() -> Iterator[None]:
    """Let this block import the project's modules. Functions must find nothing but what they bring."""
    project = str(Path(__file__).parent.parent)
    sys.path.append(project)
    try:
        yield
    finally:
        sys.path.remove(project)


if __name__ == "__main__":
    main()
