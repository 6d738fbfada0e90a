"""Why a request of staff is refused, whatever it is about."""

from chalicelib.errors import DomainError


class NotSignedIn(DomainError):
    """The ID token of a member of staff is missing, wrong, expired, or of no active bank."""

    code = "not_signed_in"

    def __init__(self) -> None:
        super().__init__(
            "Sign in, and send the ID token in the header Authorization, as Bearer: it is missing, not valid, expired, "
            "or of no active bank."
        )


class GroupRequired(DomainError):
    """The member of staff is not in `group`, nor in a group that includes it."""

    code = "group_required"

    def __init__(self, group: str) -> None:
        super().__init__(f"This needs the group {group}. An operator of the service puts a member into a group.")
        self.group = group


class ReadLimitReached(DomainError):
    """The member has asked as much as one may in an hour. In `retry_after_s` seconds the next hour begins."""

    code = "read_limit_reached"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("You have asked as much as one member may in an hour. Go on when the next hour begins.")
        self.retry_after_s = max(1, retry_after_s)
