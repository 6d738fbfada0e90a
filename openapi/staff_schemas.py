"""Schemas of what is answered to a bank's staff."""

from chalicelib.banks.bank import BANK_ID
from chalicelib.staff.member import Group
from openapi.json_schema import Json, object_schema, open_text, ref, string


def staff_schemas() -> Json:
    """Return the schemas by name."""
    return {
        "SignedIn": object_schema(
            "A member of a bank's staff who is signed in.",
            {
                "subject": {
                    "type": "string",
                    "minLength": 1,
                    "description": "The member's id: the audit trail and the cases name it.",
                },
                "name": {"type": "string", "description": "The member's name."},
                "email": {"type": "string", "description": "The address with which the member signs in."},
                "bank": string(f"^{BANK_ID.pattern}$", "The bank's id."),
                "bank_name": {"type": "string", "description": "The bank's name."},
                "groups": {
                    "type": "array",
                    "maxItems": len(Group),
                    "items": open_text(Group, "A group."),
                    "description": "The member's groups, with those that they include.",
                },
                "currency": ref("Currency", "The bank's default currency."),
            },
        ),
        "ConsoleConfig": object_schema(
            "Where staff sign in, and where the API is.",
            {
                "issuer": _url("The issuer of the ID tokens: the service's user pool."),
                "metadata_url": _url("The pool's OpenID configuration. It isn't below `issuer` on the local cloud."),
                "client_id": {"type": "string", "minLength": 1, "description": "The console, as the pool knows it."},
                "login_url": _url("The authorization endpoint: code with PKCE (S256), scopes `openid email profile`."),
                "logout_url": _url("Where the session of the sign-in pages ends."),
                "api_url": _url("The API that this was asked of, below which the console is at `/console`."),
            },
        ),
    }


def _url(description: str) -> Json:
    return {"type": "string", "format": "uri", "description": description}
