"""The demo bank's staff on the local cloud: a member in each group, whose password only `.local/stack.json` has."""

from collections.abc import Iterable, Mapping

from chalicelib.staff.member import Group
from local_cloud.deploy import Deployed
from operations.staff_directory import directory, new_password

_PEOPLE = {Group.VIEWER: "Grace Tanyi", Group.ANALYST: "Jean-Paul Mbarga", Group.ADMIN: "Awa Ndiaye"}


def ensure_staff(deployed: Deployed, bank: str, known: Iterable[Mapping[str, str]] = ()) -> list[dict[str, str]]:
    """Return the demo bank's staff: each member's group, address and password.

    `known` are those of an earlier run. A member who is not among them gets a new password. Nobody is sent an e-mail.
    """
    staff = directory(deployed.stage)
    passwords = {one["email"]: one["password"] for one in known}
    found = []
    for group, name in _PEOPLE.items():
        email = f"{group}@{bank}.example"
        member = staff.find(email)
        if member is None:
            staff.create(email, name, bank, is_mailed=False)
            member = staff.known(email)
        staff.set_groups(member, [group])
        password = passwords.get(email) or new_password()
        if email not in passwords or member.status != "CONFIRMED":
            staff.set_password(member, password)
        found.append({"group": str(group), "email": email, "password": password})
    return found
