"""The schema of what a transaction has to do with others."""

from chalicelib.ledger.purchase import Role
from chalicelib.ledger.purchases_repository import MAX_MEMBERS
from chalicelib.ledger.relations import RELATIONS
from openapi.json_schema import IDENTIFIER_SCHEMA, Json

_ROLES = sorted(role.value for role in Role if role is not Role.NAMED)
_WORDS = [word for pair in RELATIONS.values() for word in pair]

RELATED_SCHEMA: Json = {
    "type": "array",
    "maxItems": MAX_MEMBERS + 1,
    "description": "What it settles, adds to, releases, refunds or reverses; then what does that to it, in the order "
    "of their times.",
    "items": {
        "type": "object",
        "required": ["id", "relation", "role"],
        "properties": {
            "id": {**IDENTIFIER_SCHEMA, "description": "The other transaction."},
            "relation": {"type": "string", "description": f"Read: this transaction … that one. {', '.join(_WORDS)}."},
            "role": {
                "type": "string",
                "description": "What the one that names the other is in the story of the purchase, as it is known now: "
                f"{', '.join(_ROLES)}.",
            },
        },
    },
}
