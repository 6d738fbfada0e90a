"""What the pages at links in e-mails share: whose link it is, their headers, the page of a service that is busy."""

from chalice.app import Response

from chalicelib.api import preferences_html as html
from chalicelib.banks.bank import Bank, BankDirectory
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import Bearer, InvalidLink
from chalicelib.holders.repository import HolderRepository


def whose(bearer: Bearer, banks: BankDirectory, holders: HolderRepository) -> tuple[Holder, Bank]:
    """Return the holder of a link and the bank, as they are now.

    Raises InvalidLink if the holder is gone or has another address, and TemporarilyUnavailable.
    """
    bank = banks.by_id(bearer.bank) or Bank(bearer.bank, bearer.bank, "", "")
    for holder in holders.of_account(bearer.bank, bearer.account):
        if bearer.is_for(holder):
            return holder, bank
    raise InvalidLink


def page(body: str, status: int = 200) -> Response:
    """Return the page. Nothing keeps it, frames it, or learns its URL, which is the link."""
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        # The page's URL is the link: other sites must not get it as a referrer.
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": (
            f"default-src 'none'; style-src {html.style_hash()}; img-src data:; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'none'"
        ),
    }
    return Response(body, headers, status)


def busy(error: TemporarilyUnavailable) -> Response:
    """Return the page that asks the visitor to try again."""
    response = page(html.general_page("busy"), 503)
    response.headers["Retry-After"] = str(error.retry_after_s)
    return response
