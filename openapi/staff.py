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


def get_me() -> Json:
    return operation(
        "getMe",
        "Staff",
        "Get who is signed in",
        answers={200: answer("The member of staff who is signed in.", ref("SignedIn"), _ME)},
        group=Group.VIEWER,
    )
