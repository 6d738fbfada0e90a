"""What the runbook tells an operator to do has its command, and each command is one that exists."""

import contextlib
import importlib
import io
import re
import shlex

import botocore.session
import pytest
from botocore import xform_name

from tests.samples import PROJECT_DIR

RUNBOOK = (PROJECT_DIR / "docs" / "runbook.md").read_text()
HOW, ENTRIES = RUNBOOK.partition("\n## What is late\n")[::2]
# A command line may be broken nowhere: what stands between two backticks is one.
COMMANDS = sorted(
    {one for one in re.findall(r"`([^`\n]+)`", RUNBOOK) if re.match(r"(aws|operations\.\w|infra\.\w)", one)}
)
# Commands of the AWS CLI itself, which are no operation of the service.
OF_THE_CLI = {("logs", "tail"): {"--since", "--filter-pattern"}}
EVERYWHERE = {"--query", "--output"}
# What an entry says in a word, and how it is said: each is explained once.
STEPS = {
    r"\b(?:[Gg]o|going) back\b": "Go back",
    r"\brelease again\b": "release again",
    r"\benable\b": "Enable the (?:rule|trigger)",
    r"\bdelete the item\b": "Delete the item `checkpoint`",
    r"\bask AWS\b": "Ask AWS for",
    r"\bthe log of\b": "The log of",
    r"\boutput\b": "An output of the data stack",
    r"[Qq]uery \*": "A saved query",
}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_an_entry_names_is_explained_with_its_command(step: str) -> None:
    assert re.search(step, ENTRIES)
    (explained,) = [
        line for line in HOW.split("\n- ") if re.match(rf"\*\*{STEPS[step]}|.*\*\*{STEPS[step]}\*\*", line)
    ][:1]
    assert re.search(r"`(?:aws|operations\.|infra\.|make|infra/)[^`]*`", explained)


def test_nothing_is_to_be_done_in_other_words() -> None:
    assert not re.search(r"[Rr]elease back[,.]|[Ee]nable it|delete its item|[Rr]eboot|[Rr]estart it", ENTRIES)
    assert not re.search(r"\b[Ee]nable(?! the rule| the trigger|d\b|`)", re.sub(r"`[^`]*`", "", ENTRIES))


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.startswith("aws ")])
def test_a_command_of_aws_is_one_of_the_service_with_its_options(command: str) -> None:
    _, service, operation, *words = shlex.split(command)
    options = {word for word in words if word.startswith("--")} - EVERYWHERE
    if (service, operation) in OF_THE_CLI:
        assert options <= OF_THE_CLI[service, operation]
        return
    model = botocore.session.get_session().get_service_model(service)
    (name,) = [name for name in model.operation_names if xform_name(name, "-") == operation]
    given = model.operation_model(name).input_shape
    assert options <= {f"--{xform_name(member, '-')}" for member in (given.members if given else ())}
    required = {f"--{xform_name(member, '-')}" for member in (given.required_members if given else ())}
    assert required <= options


@pytest.mark.parametrize("command", [one for one in COMMANDS if not one.startswith("aws ") and "…" not in one])
def test_a_command_of_the_project_has_the_part_and_the_options_that_are_named(command: str) -> None:
    name, *words = shlex.split(command)
    module = importlib.import_module(name)
    if not words:
        return
    parts = [word for word in words if not word.startswith("-") and word.islower() and word not in ("prod", "standard")]
    helped = io.StringIO()
    with contextlib.redirect_stdout(helped), pytest.raises(SystemExit) as ended:
        module.main([*(["--stage", "prod"] if parts else []), *parts[:1], "--help"])
    assert ended.value.code == 0, "there is no such part"
    assert {word for word in words if word.startswith("--")} <= {*re.findall(r"--[\w-]+", helped.getvalue()), "--stage"}
