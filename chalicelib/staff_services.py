"""The composition root of what only the routes of banks' staff need, made on first use.

PyJWT and `cryptography` are imported where a token is verified: a bank's request doesn't load them.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.case_services import CaseServices
from chalicelib.staff.refusals import NotSignedIn

if TYPE_CHECKING:
    from chalicelib.staff.pool import StaffPool
    from chalicelib.staff.tokens import StaffTokens


class StaffServices(CaseServices):
    """The stage's stores, mailers and cases, and what the routes under `/staff` need besides."""

    @cached_property
    def staff_pool(self) -> "StaffPool":
        """The staff's user pool; raises NotSignedIn where there is none: in a stage of an earlier release."""
        from chalicelib.staff.pool import read_pool

        if not self.settings.staff_pool:
            raise NotSignedIn
        return read_pool(self.settings.staff_pool, self.settings.staff_url)

    @cached_property
    def sign_in_origins(self) -> list[str]:
        """The origins besides the API's that the console asks: none where nobody can sign in."""
        return [self.staff_pool.sign_in_origin] if self.settings.staff_pool else []

    @cached_property
    def staff_tokens(self) -> "StaffTokens":
        from chalicelib.staff.keys import PoolKeys, fetch
        from chalicelib.staff.tokens import StaffTokens

        pool = self.staff_pool
        return StaffTokens(pool, PoolKeys(lambda: fetch(pool.keys_url), self.now), self.banks, self.now)
