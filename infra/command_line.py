"""What every command on a stage shares: the options that name the stage, and how a failure is reported."""

import argparse
import os
import sys
import textwrap
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import DomainError, TemporarilyUnavailable
from infra.aws_failures import advice
from infra.failures import CommandFailed
from infra.patience import sign_of_life
from infra.sessions import Stage, session_for
from infra.stacks import DEFAULT_REGION

FAILED = 1
INTERRUPTED = 130  # what a shell reports after Ctrl-C
_UNAVAILABLE = "AWS can't be reached or refuses requests for now. Run the command again."
_INTERRUPTED = "interrupted. What was done is kept: run the command again to do the rest."


def stage_parser(module: str, documentation: str, required_stage: str | None = None) -> argparse.ArgumentParser:
    """Return a parser with the options --stage and --region, for `python -m <module>`.

    `documentation` is the module's docstring. Its first paragraph becomes the description; the second, which shows
    examples, and the rest become the epilog. `required_stage` is the help text of --stage for a
    command that has no default stage.
    """
    description, *rest = documentation.strip().split("\n\n")
    examples = [f"examples:\n{textwrap.indent(textwrap.dedent(text), '  ')}" for text in rest[:1]]
    explained = [textwrap.fill(" ".join(paragraph.split()), 100) for paragraph in rest[1:]]
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        epilog="\n\n".join([*examples, *explained]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if required_stage is None:
        parser.add_argument("--stage", default="local", help="default: local, the running local cloud")
    else:
        parser.add_argument("--stage", required=True, help=required_stage)
    parser.add_argument("--region", help=f"default: AWS_DEFAULT_REGION, the profile's region, or {DEFAULT_REGION}")
    return parser


def at_least_one(text: str) -> int:
    """Return a whole number of 1 or more, for argparse."""
    if not text.isdecimal() or (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def open_stage(options: argparse.Namespace) -> Stage:
    """Return the stage that the options name; raises StackFailed when the local cloud is needed but not running."""
    return Stage(options.stage, session_for(options.stage, options.region))


def run(
    name: str,
    work: Callable[[], int],
    *,
    failures: tuple[type[Exception], ...] = (),
    unavailable: str = _UNAVAILABLE,
    interrupted: str = _INTERRUPTED,
) -> int:
    """Do a command's work and return its exit status: that of `work`, 1 for a failure, 130 for Ctrl-C.

    A failure is one line on standard error that begins with `name`. Failures are CommandFailed, every error of the
    domain or of AWS, and what `failures` adds. The last two arguments are what is printed when a service is temporarily
    unavailable, and when the operator presses Ctrl-C.
    """
    known: tuple[type[Exception], ...] = (CommandFailed, DomainError, *failures)
    try:
        with sign_of_life(name):
            status = work()
        sys.stdout.flush()  # A closed pipe shows up here at the latest.
    except TemporarilyUnavailable:
        print(f"{name}: {unavailable}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # The reader of the output has gone. When Python ends it flushes again, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (ClientError, BotoCoreError) as error:
        print(f"{name}: {advice(error)}", file=sys.stderr)
        return FAILED
    except known as error:
        print(f"{name}: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"{name}: {interrupted}", file=sys.stderr)
        return INTERRUPTED
    return status
