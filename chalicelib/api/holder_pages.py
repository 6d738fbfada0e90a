"""Answers that are pages for a holder: their headers, and the page of a service that is busy."""

from chalice.app import Response

from chalicelib.api import preferences_html as html
from chalicelib.errors import TemporarilyUnavailable


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
