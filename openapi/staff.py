"""The operations of a bank's staff who are signed in."""

from chalicelib.staff.member import Group
from openapi.json_schema import Json, ref
from openapi.operation import answer, operation

_ME: Json = {
    "subject": "5a1c2f0e-8d3b-4c55-9b1e-2f6f0a7d9c11",
    "name": "Awa Ndiaye",
    "email": "awa@eazycard.example",
    "bank": "eazycard",
    "bank_name": "EAZYCard",
    "groups": ["viewer", "analyst"],
    "currency": "XAF",
}
_POOL = "https://cognito-idp.eu-west-3.amazonaws.com/eu-west-3_AbCdEf123"
_PAGES = "https://tn-prod-1a2b3c4d.auth.eu-west-3.amazoncognito.com"
_CONFIG: Json = {
    "issuer": _POOL,
    "metadata_url": f"{_POOL}/.well-known/openid-configuration",
    "client_id": "1h57kf5cpq17m0eml12example",
    "login_url": f"{_PAGES}/oauth2/authorize",
    "logout_url": f"{_PAGES}/logout",
    "api_url": "https://api.transaction-notifier.example",
}


def get_me() -> Json:
    return operation(
        "getMe",
        "Staff",
        "Get who is signed in",
        answers={200: answer("The member of staff who is signed in.", ref("SignedIn"), _ME)},
        group=Group.VIEWER,
    )


def get_console_config() -> Json:
    return operation(
        "getConsoleConfig",
        "Staff",
        "Get where staff sign in",
        "For the console. It needs no token, and nothing in it is secret.",
        answers={200: answer("Where staff sign in, and where the API is.", ref("ConsoleConfig"), _CONFIG)},
        codes=["route_not_found", "validation_failed"],
        is_open=True,
    )
