"""The members of the banks' staff in a stage's user pool: found, created, disabled, and put into groups."""

import dataclasses
import secrets
from collections.abc import Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.calls import error_code
from chalicelib.ledger.email_address import MAX_ADDRESS, canonical, why_unmailable
from chalicelib.staff.member import Group
from infra.failures import CommandFailed
from infra.sessions import Stage

MAX_NAME = 140
_BANK = "custom:bank"
# One of each kind that the pool's policy wants.
_OF_EACH_KIND = "-aA1"


class StaffRefused(CommandFailed):
    """The member is unknown, or can't be created with these values."""


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """A member as the user pool has it. `status` is Cognito's: FORCE_CHANGE_PASSWORD until the first sign-in."""

    subject: str
    email: str
    name: str
    bank: str
    is_enabled: bool
    status: str
    groups: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class StaffDirectory:
    """A stage's user pool. `cognito` is its client."""

    cognito: Any
    pool: str

    def find(self, email: str) -> Member | None:
        """Return the member with this address, None if there is none."""
        try:
            found = self.cognito.admin_get_user(UserPoolId=self.pool, Username=canonical(email))
        except ClientError as error:
            if error_code(error) == "UserNotFoundException":
                return None
            raise
        pages = self.cognito.get_paginator("admin_list_groups_for_user")
        listed = pages.paginate(UserPoolId=self.pool, Username=found["Username"])
        groups = [group["GroupName"] for page in listed for group in page["Groups"]]
        return _member({**found, "Attributes": found["UserAttributes"]}, groups)

    def known(self, email: str) -> Member:
        """Return the member with this address; raises StaffRefused if there is none."""
        member = self.find(email)
        if member is None:
            raise StaffRefused(f"no member of staff signs in as {email}.")
        return member

    def create(self, email: str, name: str, bank: str, *, is_mailed: bool = True) -> None:
        """Create a member. Cognito mails the temporary password to the address; nobody else sees it."""
        self.cognito.admin_create_user(
            UserPoolId=self.pool,
            Username=canonical(email),
            UserAttributes=[
                {"Name": "email", "Value": canonical(email)},
                {"Name": "email_verified", "Value": "true"},
                {"Name": "name", "Value": name},
                {"Name": _BANK, "Value": bank},
            ],
            TemporaryPassword=new_password(),  # the emulator's own don't keep to the pool's policy
            **({"DesiredDeliveryMediums": ["EMAIL"]} if is_mailed else {"MessageAction": "SUPPRESS"}),
        )

    def set_password(self, member: Member, password: str) -> None:
        """Let a member sign in with this password, for the local cloud: on AWS, members choose their own."""
        self.cognito.admin_set_user_password(
            UserPoolId=self.pool, Username=member.email, Password=password, Permanent=True
        )

    def invite(self, email: str) -> None:
        """Have Cognito mail a new temporary password to a member who has not signed in yet."""
        self.cognito.admin_create_user(
            UserPoolId=self.pool,
            Username=canonical(email),
            TemporaryPassword=new_password(),
            MessageAction="RESEND",
            DesiredDeliveryMediums=["EMAIL"],
        )

    def set_enabled(self, member: Member, is_enabled: bool) -> None:
        """Let a member sign in, or not. A disabled member's sessions end: an ID token within 15 minutes."""
        names = {"UserPoolId": self.pool, "Username": member.email}
        if is_enabled:
            self.cognito.admin_enable_user(**names)
        else:
            self.cognito.admin_disable_user(**names)
            self.cognito.admin_user_global_sign_out(**names)

    def set_groups(self, member: Member, groups: Iterable[str]) -> None:
        """Put a member into these groups and no others."""
        wanted = set(groups)
        names = {"UserPoolId": self.pool, "Username": member.email}
        for group in sorted(wanted - set(member.groups)):
            self.cognito.admin_add_user_to_group(**names, GroupName=group)
        for group in sorted(set(member.groups) - wanted):
            self.cognito.admin_remove_user_from_group(**names, GroupName=group)

    def members(self) -> Iterator[Member]:
        """Yield all members."""
        groups: dict[str, list[str]] = {}
        for group in Group:
            in_group = self.cognito.get_paginator("list_users_in_group")
            for page in in_group.paginate(UserPoolId=self.pool, GroupName=group.value):
                for user in page["Users"]:
                    groups.setdefault(user["Username"], []).append(group.value)
        for page in self.cognito.get_paginator("list_users").paginate(UserPoolId=self.pool):
            for user in page["Users"]:
                yield _member(user, groups.get(user["Username"], []))


def new_password() -> str:
    """Return a random password of 96 bits that the pool takes."""
    return secrets.token_urlsafe(12) + _OF_EACH_KIND


def directory(stage: Stage) -> StaffDirectory:
    """Return the directory of a stage; raises StackFailed when its data stack, of an earlier release, has no pool."""
    return StaffDirectory(stage.session.client("cognito-idp"), stage.output("StaffPool").partition("/")[0])


def check_new(email: str, name: str) -> None:
    """Raise StaffRefused when a member can't have this address or name."""
    if len(email) > MAX_ADDRESS or (why := why_unmailable(email)):
        raise StaffRefused(f"{email} can't be used. {why if len(email) <= MAX_ADDRESS else 'It is too long.'}")
    if not (name.strip() and name.isprintable() and len(name) <= MAX_NAME):
        raise StaffRefused(f"a name is 1 to {MAX_NAME} characters on one line.")


def _member(user: dict[str, Any], groups: Iterable[str]) -> Member:
    attributes = {one["Name"]: one["Value"] for one in user.get("Attributes", ())}
    return Member(
        subject=attributes.get("sub", user["Username"]),
        email=attributes.get("email", user["Username"]),
        name=attributes.get("name", ""),
        bank=attributes.get(_BANK, ""),
        is_enabled=bool(user["Enabled"]),
        status=user["UserStatus"],
        groups=tuple(group.value for group in Group if group.value in set(groups)),
    )
