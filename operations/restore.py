"""Restore a table of a stage to a point in time, and let the data stack adopt the restored table.

    python -m operations.restore --stage prod table TransactionsTable --at 2026-01-10T12:00:00Z
    python -m operations.restore --stage prod adopt TransactionsTable --table NAME

docs/restore.md says what to do before and after. The old table stays, outside of the stack.
"""

import argparse
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from infra.capacity import STEADY, is_steady
from infra.command_line import open_stage, run, stage_parser
from infra.protection import allow_replacements, protect, refuse_losses
from infra.provision import PROJECT_DIR
from infra.sessions import Stage
from infra.stacks import deploy, parameters, stack_name
from operations.restored_table import RestoreFailed, literals_of, restore

DATA = PROJECT_DIR / "infra" / "data.yaml"


def main(arguments: list[str] | None = None) -> int:
    parser = stage_parser("operations.restore", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    table = commands.add_parser("table", help="restore a table into a new one, with all that a restore leaves out")
    table.add_argument("name", help="its name in infra/data.yaml, like TransactionsTable")
    table.add_argument("--at", type=_time, help="UTC, like 2026-01-10T12:00:00Z (default: the latest that can be had)")
    adopt = commands.add_parser("adopt", help="put the restored table into the data stack, in the place of the old one")
    adopt.add_argument("name", help="as for `table`")
    adopt.add_argument("--table", required=True, help="the restored table")
    options = parser.parse_args(arguments)
    return run("restore", lambda: _run(open_stage(options), options))


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time like 2026-01-10T12:00:00Z") from None
    return found.replace(tzinfo=found.tzinfo or UTC)


def _run(stage: Stage, options: argparse.Namespace) -> int:
    if not (options.name.endswith("Table") and re.search(rf"^  {options.name}:$", DATA.read_text(), re.MULTILINE)):
        raise RestoreFailed(f"there is no table {options.name} in infra/data.yaml.")
    refuse_steady(stage.session.client("cloudformation"), stage.name, options.name)
    if options.command == "adopt":
        adopt(stage.session, stage.name, options.name, options.table)
        print(f"The data stack has {options.table} as {options.name}.")
        print(f"Next: `make provision STAGE={stage.name}`, then release the app: docs/restore.md.")
        return 0
    source = table_of(stage, options.name)
    target = f"{source.partition('-restored-')[0][:200]}-restored-{datetime.now(UTC):%Y%m%d%H%M%S}"
    print(f"Restoring {source} into {target}. This takes from minutes to hours.")
    restore(stage.session.client("dynamodb"), source, target, options.at)
    print(f"Next: `python -m operations.restore --stage {stage.name} adopt {options.name} --table {target}`.")
    return 0


def refuse_steady(cloudformation: Any, stage: str, name: str) -> None:
    """Raise RestoreFailed if the stage is steady and so the table has capacity: a restored one has no auto scaling."""
    if is_steady(parameters(cloudformation, stack_name(stage, "data"))) and "IsSteady" in _resource(
        DATA.read_text(), name
    ):
        raise RestoreFailed(
            f"{name} isn't on demand. Make it so with `make provision STAGE={stage} SET={STEADY}=0`,"
            " and run this again: docs/restore.md."
        )


def table_of(stage: Stage, name: str) -> str:
    """Return the table that the stage has as the resource `name`. Each has an output with its ARN."""
    return stage.output(f"{name}Arn").rpartition("/")[2]


def adopt(session: Any, stage: str, name: str, table: str, poll_s: float = 2.0) -> None:
    """Make the restored table the data stack's resource `name`, in three steps; the old table stays outside of it.

    1. An update removes the resource, which its deletion policy retains; outputs and other resources name the restored
       table.
    2. An import gives the stack the restored table under the same name. It may change nothing else.
    3. An update makes outputs and other resources depend on the resource again.

    A step that fails changes nothing, and the command can be run again. Raises StackFailed, RestoreFailed.
    """
    cloudformation, stack = session.client("cloudformation"), stack_name(stage, "data")
    template = DATA.read_text()
    literals = literals_of(session.client("dynamodb"), name, table)
    resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    held = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources}.get(name)
    allow_replacements(cloudformation, stack)
    try:
        if held is not None and held != table:
            deploy(
                cloudformation,
                stack,
                {"TemplateBody": without(template, name, literals)},
                {},
                poll_s=poll_s,
                check=lambda changes: refuse_losses(changes, [name]),
            )
        if held != table:
            deploy(
                cloudformation,
                stack,
                {"TemplateBody": with_literals(template, literals)},
                {},
                poll_s=poll_s,
                imports=[
                    {
                        "ResourceType": "AWS::DynamoDB::Table",
                        "LogicalResourceId": name,
                        "ResourceIdentifier": {"TableName": table},
                    }
                ],
            )
        deploy(cloudformation, stack, {"TemplateBody": template}, {}, poll_s=poll_s, check=refuse_losses)
    finally:
        protect(cloudformation, stack)


def without(template: str, name: str, literals: Mapping[str, str]) -> str:
    """Return the template without the resource `name`; what refers to it has the literals instead."""
    return with_literals(template.replace(_resource(template, name), "", 1), literals)


def _resource(template: str, name: str) -> str:
    """Return the part of the template that describes a resource."""
    found = re.search(rf"^  {name}:\n(?:    .*\n|\n)*", template, re.MULTILINE)
    if found is None:
        raise RestoreFailed(f"there is no {name} in the template.")
    return found[0]


def with_literals(text: str, literals: Mapping[str, str]) -> str:
    """Return a template, or a part of it, with the literals in the place of references."""
    for reference, value in literals.items():
        # `${X}` ends by itself; `!Ref X` is also the beginning of another resource's name.
        end = "" if reference.startswith("$") else r"(?![\w.])"
        text = re.sub(re.escape(reference) + end, lambda _, value=value: value, text)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    sys.exit(main())
