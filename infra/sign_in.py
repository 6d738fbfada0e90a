"""The console's URLs at the client of the staff's user pool: where staff come back to from signing in and out.

API Gateway makes an API's URL when the app is deployed, and the user pool is of the data stack before it. So the URLs
are entered afterwards: by a release, by `infra.gateway` after `chalice deploy`, and by `make provision`, because an
update of the data stack may put the template's own in their place. Entering them again changes nothing.
"""

from collections.abc import Iterable
from typing import Any

PAGE = "/console"


def console_urls(*bases: str) -> list[str]:
    """Return the console's URLs below these URLs of the API, as far as they are known: each once."""
    return list(dict.fromkeys(base.rstrip("/") + PAGE for base in bases if base))


def enter_console(cognito: Any, staff_pool: str, urls: Iterable[str]) -> bool:
    """Let staff come back to these URLs and to no others; return whether that was a change.

    `staff_pool` is the data stack's output, empty in a stack of an earlier release. Without URLs nothing is done.
    """
    wanted = list(urls)
    if not (staff_pool and wanted):
        return False
    pool_id, client_id, _ = staff_pool.split("/")
    client = cognito.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)["UserPoolClient"]
    if client.get("CallbackURLs") == wanted and client.get("LogoutURLs") == wanted:
        return False
    # What an update leaves out, Cognito sets to its default. The emulator describes what isn't set as empty.
    accepted = cognito.meta.service_model.operation_model("UpdateUserPoolClient").input_shape.members
    kept = {name: value for name, value in client.items() if name in accepted and value != ""}
    cognito.update_user_pool_client(**{**kept, "CallbackURLs": wanted, "LogoutURLs": wanted})
    return True
