"""The cost of a function's first answer from the release zip, beside first, simple handlers that are packaged equally.

python -m bench.cold                      packages the release, and measures it
python -m bench.cold --before other.zip   also beside an earlier release's zip
"""

import argparse
import dataclasses
import importlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import aws_lambda_powertools
from tqdm import tqdm

from bench import environment, events, report, stub_server, timing
from bench.own_process import PROJECT
from bench.report import Line
from infra.bytecode import compile_folder
from infra.package import copy_project, package
from infra.provision import record, with_arns

# The limits (docs/performance.md): of a POST, beside each handler; of each other function, beside its earlier release.
LIMITS = {"naive handler": 0.90, "Powertools": 0.50}
OF_BEFORE = 0.6
FUNCTIONS = ("app", "transaction_stream", "mailer", "analytics_job")
_NAMES = {"app": "POST", "transaction_stream": "stream handler", "mailer": "mailer", "analytics_job": "analytics job"}
_CONTENDERS = {"floor": "naive_floor.handle", "naive handler": "naive.app", "Powertools": "naive_powertools.handle"}
# Runs in a new process, in which nothing but Python is loaded, as in Lambda before a function's first event.
PROGRAM = """
import sys, time, json, importlib
folder, handler, event = sys.argv[1:]
sys.path.insert(0, folder)
class Context:
    aws_request_id, function_name, memory_limit_in_mb = "6bc28136-xmpl-4365-b021-0ce6b2e64ab0", "bench", 512
    invoked_function_arn = "arn:aws:lambda:us-east-2:123456789012:function:bench"
    def get_remaining_time_in_millis(self): return 28_000
event = json.loads(event)
began = time.process_time()
module, _, name = handler.rpartition(".")
answer = getattr(importlib.import_module(module), name)(event, Context())
took = time.process_time() - began
if "httpMethod" in event and answer["statusCode"] != 201:
    sys.exit(str(answer))
print(took)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its status: 0, or 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.cold", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds, for a first impression")
    parser.add_argument("--rounds", type=int, metavar="N", help="how often each is started (default: 9)")
    parser.add_argument("--before", type=Path, metavar="ZIP", help="the zip of an earlier release")
    options = parser.parse_args(arguments)
    environment.enter()
    with tempfile.TemporaryDirectory() as folder, stub_server.running() as url:
        os.environ |= {"AWS_ENDPOINT_URL": url, "AWS_LAMBDA_FUNCTION_NAME": "bench", "PYTHONDONTWRITEBYTECODE": "1"}
        works = _works(Path(folder), options.before)
        rounds = list(
            tqdm(_rounds(works, options.rounds or (3 if options.quick else 9)), desc="cold", unit="round", delay=2)
        )
    lines = list(_lines({name: [found[name] for found in rounds] for name in works}))
    print(report.as_text(lines))
    return 0 if all(line.is_met for line in lines) else 1


def _works(folder: Path, before: Path | None) -> dict[str, tuple[Path, str, str]]:
    """Return for each work: the folder of its zip, its handler, its event."""
    release = packaged()
    task, contenders = folder / "release", folder / "contenders"
    with zipfile.ZipFile(release) as archive:
        archive.extractall(task)
        archive.extractall(contenders)
    added = folder / "added"
    powertools = Path(aws_lambda_powertools.__file__).parent
    shutil.copytree(powertools / "event_handler", added / "aws_lambda_powertools" / "event_handler")
    for handler in _CONTENDERS.values():
        shutil.copy(PROJECT / "bench" / f"{handler.partition('.')[0]}.py", added)
    compile_folder(added)
    shutil.copytree(added, contenders, dirs_exist_ok=True)
    post = events_by_function()["app"]
    works = {name: (contenders, handler, post) for name, handler in _CONTENDERS.items()}
    works |= {name: (task, f"app.{name}", event) for name, event in events_by_function().items()}
    if before is not None:
        with zipfile.ZipFile(before) as archive:
            archive.extractall(folder / "before")
        works |= {
            f"{name} before": (folder / "before", f"app.{name}", event) for name, event in events_by_function().items()
        }
    return works


def packaged() -> Path:
    """Package the release as it goes to a stage, and return its zip."""
    build = PROJECT / ".local" / "build" / "bench"
    copy_project(build)
    outputs = dict.fromkeys(importlib.import_module("tests.tables").template_outputs(), "")
    arn, url = "arn:aws:dynamodb:us-east-2:123456789012:table/example/stream/2026", "https://sqs.us-east-2/1/example"
    outputs = {name: url if name.endswith("QueueUrl") else arn for name in outputs}
    outputs |= {"Stage": "local", "MailFrom": "A <a@example.com>", "KeepDays": "400 90 90", "RecordedShards": "4"}
    record(build, "local", with_arns(outputs))
    return package(build, "local", "us-east-2") / "deployment.zip"


def events_by_function() -> dict[str, str]:
    """Return each function's event: one transaction that is posted, stored, notified; a minute with nothing new."""
    samples = importlib.import_module("mail_gallery.samples")
    notice = importlib.import_module("chalicelib.notifications.notice")
    transaction = dataclasses.replace(samples.TRANSACTION, bank="bench")
    stored = importlib.import_module("chalicelib.ledger.stored_form").transaction_item(transaction)
    (body,) = notice.pack([notice.to_payload(notice.Notice(transaction))])
    event = {
        "app": events.post(events.smallest(0)),
        "transaction_stream": {"Records": [{"eventName": "INSERT", "dynamodb": {"NewImage": stored}}]},
        "mailer": {"Records": [{"messageId": "1", "receiptHandle": "1", "body": body}]},
        "analytics_job": json.loads((PROJECT / "tests" / "events" / "schedule.json").read_text()),
    }
    return {name: json.dumps(event[name]) for name in FUNCTIONS}


def _rounds(works: dict[str, tuple[Path, str, str]], count: int) -> Iterator[dict[str, float]]:
    for index in range(count):
        yield {name: _first_answer(*works[name]) for name in list(works)[:: -1 if index % 2 else 1]}


def _first_answer(folder: Path, handler: str, event: str) -> float:
    """Return the processor time that a new process takes for imports and its first answer, in seconds."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", PROGRAM, str(folder), handler, event],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{handler}: {done.stderr}")
    return float(done.stdout.splitlines()[-1])


def _lines(seconds: dict[str, list[float]]) -> Iterator[Line]:
    for beside in _CONTENDERS:
        yield _line("cold: POST", seconds["app"], beside, seconds[beside], LIMITS.get(beside))
    for name in FUNCTIONS:
        earlier = seconds.get(f"{name} before")
        if earlier is None:
            yield _line(f"cold: {_NAMES[name]}", seconds[name], "floor", seconds["floor"], None)
        else:
            yield _line(f"cold: {_NAMES[name]}", seconds[name], "before", earlier, OF_BEFORE)


def _line(name: str, seconds: list[float], beside: str, others: list[float], target: float | None) -> Line:
    ratio = timing.ratio(seconds, others)
    return Line(name, report.duration, statistics.median(seconds), beside, statistics.median(others), ratio, target)


if __name__ == "__main__":
    sys.exit(main())
