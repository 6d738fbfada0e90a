"""Why a case can't be changed as somebody asks."""

from datetime import datetime

from chalicelib.errors import DomainError
from chalicelib.ledger.times import format_time


class CaseNotFound(DomainError):
    """The bank has no case with this id."""

    code = "case_not_found"

    def __init__(self) -> None:
        super().__init__("No case has this id.")


class NoOpenCase(DomainError):
    """No case waits to be claimed."""

    code = "no_open_case"

    def __init__(self) -> None:
        super().__init__("No case is open.")


class CaseClaimed(DomainError):
    """A colleague (`name`) works on the case, since the time `since`."""

    code = "case_claimed"

    def __init__(self, name: str, since: datetime) -> None:
        super().__init__(f"{name} works on this case, since {format_time(since)}.")
        self.name = name
        self.since = since


class CaseNotYours(DomainError):
    """Only the member who has claimed the case may do this."""

    code = "case_not_yours"

    def __init__(self) -> None:
        super().__init__("You don't work on this case: claim it first.")


class CaseClosed(DomainError):
    """The case is closed."""

    code = "case_closed"

    def __init__(self) -> None:
        super().__init__("This case is closed: reopen it first.")


class CaseFull(DomainError):
    """The case holds as many notes as it can."""

    code = "case_full"

    def __init__(self) -> None:
        super().__init__("This case holds as many notes as it can.")
