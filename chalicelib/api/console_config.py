"""What the console needs to know before anybody is signed in: `/console/config.json`. Nothing in it is secret."""

from chalice.app import Request, Response

from chalicelib.api import problems
from chalicelib.api.documentation import url_of
from chalicelib.api.requests import json_answer, only_parameters
from chalicelib.aws.stage import Settings
from chalicelib.staff.pool import read_pool

PATH = "/console/config.json"
_HEADERS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def get_config(request: Request, settings: Settings) -> Response:
    """Answer `GET /console/config.json`; 404 on a stage without a user pool, where nobody can sign in.

    `api_url` is where the request went, so the console of each of the API's domains calls its own.
    """
    only_parameters(request)
    if not settings.staff_pool:
        return problems.route_not_found(request)
    pool = read_pool(settings.staff_pool, settings.staff_url)
    body = {
        "issuer": pool.issuer,
        "metadata_url": pool.metadata_url,
        "client_id": pool.client_id,
        "login_url": pool.login_url,
        "logout_url": pool.logout_url,
        "api_url": url_of(request, PATH, bool(settings.local_endpoints)),
    }
    return json_answer(body, headers=_HEADERS)
