"""Dead letters of a stage: list them, show one, send them through again.

    python -m operations.dead_letters --stage prod list
    python -m operations.dead_letters --stage prod show 3f2c…
    python -m operations.dead_letters --stage prod redrive --reason 'refused: MESSAGE_REJECTED'

However often a letter is sent through again, its transaction is recorded once, its holder is notified once, and its
case is opened once. The letter goes to its function's queue, a statement to the index of statements that are due, and a
case is opened, or gets its holder's answer, at once. A record of a stream goes to its function at once. A letter that
can't be read stays, and so does one over which its function fails.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from tqdm import tqdm

from infra.command_line import open_stage, run, stage_parser
from infra.sessions import Stage
from operations.auditing import noted_once
from operations.dead_letter_queues import dead_letter_queues
from operations.listing import add_json_option, print_list
from operations.selecting import Option, Selection, begins_with

_UNAVAILABLE = "a table takes nothing for now. Run the command again to do the rest."


def main(arguments: list[str] | None = None) -> int:
    parser = stage_parser("operations.dead_letters", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add_json_option(commands.add_parser("list", help="list the letters without their content"))
    commands.add_parser("show", help="print one letter whole").add_argument("id", help="its id, or the beginning of it")
    redrive = commands.add_parser("redrive", help="send letters through again")
    redrive.add_argument("--id", help="only the letter whose id begins with this")
    redrive.add_argument("--reason", help="only letters whose reason begins with this")
    options = parser.parse_args(arguments)
    work = {"list": _list, "show": _show, "redrive": _redrive}[options.command]
    return run("dead letters", lambda: work(open_stage(options), options), unavailable=_UNAVAILABLE)


def _list(stage: Stage, options: argparse.Namespace) -> int:
    queues, reasons = dead_letter_queues(stage), Counter[tuple[str, str]]()

    def rows() -> Iterator[tuple[str, str, str]]:
        for letter in queues.letters(datetime.now(UTC)):
            reasons[letter.queue, letter.reason] += 1
            yield letter.id, letter.queue, letter.reason

    print_list(("id", "queue", "reason"), rows(), options.json)
    for (queue, reason), number in sorted(reasons.items()):
        print(f"{number:>6} {queue}: {reason}", file=sys.stderr)
    print(f"{reasons.total():>6} in all", file=sys.stderr)
    return 0


def _show(stage: Stage, options: argparse.Namespace) -> int:
    selection = Selection("letter", Option("id", options.id, begins_with))
    for letter in dead_letter_queues(stage).letters(datetime.now(UTC)):
        if selection.takes(letter.id):
            print(json.dumps({"queue": letter.queue, "reason": letter.reason, "payload": letter.payload}, indent=2))
            return 0
    raise selection.nothing()


def _redrive(stage: Stage, options: argparse.Namespace) -> int:
    queues, note = dead_letter_queues(stage), noted_once(stage, None, "dead_letters.redrive")
    sent, kept = 0, 0
    selection = Selection(
        "letter", Option("--id", options.id, begins_with), Option("--reason", options.reason, begins_with)
    )
    with tqdm(total=queues.count(), desc="redriving", unit="letter", delay=2) as progress:
        for letter in queues.letters(datetime.now(UTC)):
            if selection.takes(letter.id, letter.reason):
                if queues.redrive(letter, datetime.now(UTC), note):
                    sent += 1
                else:
                    kept += 1
            progress.update()
    selection.check()
    why = ": they can't be read, or their functions fail over them" if kept else ""
    print(f"{sent} sent through again, {kept} kept{why}.")
    return 0 if kept == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
