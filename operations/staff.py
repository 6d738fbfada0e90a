"""The banks' staff of a stage: add, invite, disable and enable members, list them, and put them into groups.

    python -m operations.staff --stage prod add awa@eazycard.example --bank eazycard --name 'Awa Ndiaye' --group analyst
    python -m operations.staff --stage prod groups awa@eazycard.example analyst admin
    python -m operations.staff --stage prod disable awa@eazycard.example
    python -m operations.staff --stage prod list --bank eazycard

Cognito mails a new member's temporary password to the address; it is valid for 3 days, and no command shows it. A group
includes those before it: viewer, analyst, admin. What a command changes takes effect with the member's next ID token:
within 15 minutes. Running a command again changes nothing.
"""

import argparse
import sys
from collections.abc import Sequence

from chalicelib.staff.member import Group
from infra.command_line import open_stage, run, stage_parser
from infra.sessions import Stage
from operations.auditing import operators_changes
from operations.bank_registry import known_bank
from operations.listing import add_json_option, print_list
from operations.staff_directory import Member, StaffDirectory, StaffRefused, check_new, directory
from operations.stage_stores import stores_of

COLUMNS = ("email", "name", "bank", "groups", "state", "subject")
_GROUPS = [group.value for group in Group]
# As Cognito says of a member who has a temporary password still.
_NEVER_SIGNED_IN = "FORCE_CHANGE_PASSWORD"


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    return run("staff", lambda: _run(open_stage(options), options))


def _parser() -> argparse.ArgumentParser:
    parser = stage_parser("operations.staff", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add", help="create a member, whom Cognito mails a temporary password")
    add.add_argument("email", help="the address with which the member signs in")
    add.add_argument("--bank", required=True, help="the bank's id; it can't be changed later")
    add.add_argument("--name", required=True, help="the name that colleagues see")
    add.add_argument(
        "--group", action="append", choices=_GROUPS, help="a group; can be given again (default: viewer)", default=None
    )
    for name, text in (
        ("invite", "mail a new temporary password to a member who has not signed in yet"),
        ("disable", "let a member sign in no more, and end the member's sessions"),
        ("enable", "let a disabled member sign in again"),
    ):
        commands.add_parser(name, help=text).add_argument("email")
    groups = commands.add_parser("groups", help="put a member into these groups and no others, or show the groups")
    groups.add_argument("email")
    groups.add_argument("group", nargs="*", help=f"{', '.join(_GROUPS)}, or `none`; without one, they are shown")
    listing = commands.add_parser("list", help="list the members")
    listing.add_argument("--bank", help="only this bank's; default: all banks'")
    add_json_option(listing)
    return parser


def _run(stage: Stage, options: argparse.Namespace) -> int:
    staff = directory(stage)
    match options.command:
        case "add":
            _add(stage, staff, options)
        case "invite":
            _invite(stage, staff, staff.known(options.email))
        case "disable" | "enable":
            _set_enabled(stage, staff, staff.known(options.email), options.command)
        case "groups":
            _groups(stage, staff, staff.known(options.email), options.group)
        case _:
            if options.bank is not None:
                known_bank(stores_of(stage, "BanksTable").bank_store, options.bank)
            members = (one for one in staff.members() if options.bank in (None, one.bank))
            rows = (_row(one) for one in members)
            print_list(COLUMNS, rows, options.json)
    return 0


def _add(stage: Stage, staff: StaffDirectory, options: argparse.Namespace) -> None:
    check_new(options.email, options.name)
    bank = known_bank(stores_of(stage, "BanksTable").bank_store, options.bank)
    member = staff.find(options.email)
    if member is not None and member.bank != bank.id:
        raise StaffRefused(f"{member.email} is a member of {member.bank} already: use another address for {bank.id}.")
    wanted = options.group or [Group.VIEWER.value]
    if member is None:
        operators_changes(stage, bank.id).of_member("member.add", options.email.lower(), ("bank", "name", "groups"))
        staff.create(options.email, options.name, bank.id)
        member = staff.known(options.email)
        print(f"{member.email} is a member of {bank.id}. Cognito mails a temporary password, valid for 3 days.")
    else:
        print(f"{member.email} is a member of {bank.id} already.")
    _set_groups(stage, staff, member, wanted)


def _invite(stage: Stage, staff: StaffDirectory, member: Member) -> None:
    if member.status != _NEVER_SIGNED_IN:
        raise StaffRefused(f"{member.email} has signed in before: the sign-in page helps with a forgotten password.")
    operators_changes(stage, member.bank).of_member("member.invite", member.email, ("password",))
    staff.invite(member.email)
    print(f"Cognito mails a new temporary password to {member.email}, valid for 3 days.")


def _set_enabled(stage: Stage, staff: StaffDirectory, member: Member, command: str) -> None:
    if member.is_enabled != (command == "enable"):
        operators_changes(stage, member.bank).of_member(f"member.{command}", member.email, ("enabled",))
        staff.set_enabled(member, command == "enable")
    print(f"{member.email} is {command}d.")


def _groups(stage: Stage, staff: StaffDirectory, member: Member, wanted: Sequence[str]) -> None:
    unknown = sorted(set(wanted) - {*_GROUPS, "none"})
    if unknown or ("none" in wanted and len(wanted) > 1):
        raise StaffRefused(f"the groups are {', '.join(_GROUPS)}; or `none`, alone.")
    if wanted:
        _set_groups(stage, staff, member, [group for group in wanted if group != "none"])
    else:
        print(_said(member.email, member.groups))


def _set_groups(stage: Stage, staff: StaffDirectory, member: Member, wanted: Sequence[str]) -> None:
    if set(member.groups) != set(wanted):
        operators_changes(stage, member.bank).of_member("member.groups", member.email, ("groups",))
        staff.set_groups(member, wanted)
    print(_said(member.email, [group for group in _GROUPS if group in wanted]))


def _said(email: str, groups: Sequence[str]) -> str:
    return f"{email} is in {', '.join(groups) if groups else 'no group, and may see nothing'}."


def _row(member: Member) -> tuple[str, ...]:
    of_enabled = "invited" if member.status == _NEVER_SIGNED_IN else "active"
    state = of_enabled if member.is_enabled else "disabled"
    return member.email, member.name, member.bank, ",".join(member.groups), state, member.subject


if __name__ == "__main__":
    sys.exit(main())
