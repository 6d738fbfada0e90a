"""The cast of a purchase: the transactions that tests let happen in every order, and what a holder was told."""

import dataclasses
from decimal import Decimal
from typing import Any

from chalicelib.ledger.transaction import Transaction
from tests.mail_world import NOW, World
from tests.samples import TRANSACTION

_AUTHORIZED = dataclasses.replace(
    TRANSACTION,
    id="A",
    account="a0",
    amount=Decimal(100),
    currency="EUR",
    balance=None,
    status="authorized",
    recorded_at=NOW,
)
KINDS = {
    "Security alert": "alert",
    "Payment of": "authorized",
    "Authorized amount raised": "increment",
    "Part payment": "part",
    "Last part": "last",
    "Final amount": "final",
    "Hold of": "released",
    "Debit of": "debit",
    "Credit of": "credit",
    "Reversal of": "reversed",
    "Declined": "declined",
    "is back on": "back",
    "was taken off": "taken",
}
HOLDERS = ("awa", "ben")
FLAGS = {"velocity": {"count": 9, "limit": 5, "minutes": 10}}


def later(id_: str, **changes: Any) -> Transaction:
    return dataclasses.replace(_AUTHORIZED, **{"id": id_, "status": "settled", "authorization_id": "A", **changes})


# All that the table of sequences speaks of, by one letter each.
CAST = {
    "A": _AUTHORIZED,
    "a": dataclasses.replace(_AUTHORIZED, account="a1"),  # A, as it would be on another account
    "N": dataclasses.replace(_AUTHORIZED, status="declined"),  # A, as it would be if it had been declined
    "O": dataclasses.replace(_AUTHORIZED, status="settled"),  # A, as it would be if it were no authorization
    "S": later("S"),
    "s": later("s"),  # the same amount a second time
    "T": later("T", amount=Decimal(120)),  # with a tip
    "t": later("t", amount=Decimal(60)),
    "U": later("U", currency="USD"),
    "C": later("C", type="credit"),  # a refund
    "R": later("R", status="reversed"),
    "r": later("r", status="reversed", type="credit", amount=Decimal(40)),
    "Z": later("Z", status="reversed", authorization_id="S"),
    "D": later("D", status="declined"),
    "i": later("i", status="authorized", amount=Decimal(20)),
    "I": later("A", authorization_id="A"),  # names itself
    "q": later("q", amount=Decimal(40)),  # what t leaves
    "M": later("M", amount=Decimal(60), notify=False),
    "m": dataclasses.replace(_AUTHORIZED, notify=False),  # A, as it would be if nobody were to hear of it
    "Y": later("Y", status="reversed", authorization_id=None, reversal_of="S"),
    "y": later("y", status="reversed", authorization_id=None, reversal_of="S", amount=Decimal(30)),
}


def told(world: World, holder: str = "awa") -> list[str]:
    """Return what the holder was told of, in order."""
    found = []
    for email in world.ses.accepted:
        if email["tags"]["holder"] == holder:
            kind = next(kind for words, kind in KINDS.items() if words in email["subject"])
            _, _, named = email["text"].partition("The transaction that was reversed")
            of = f" of {named.partition('Reference: ')[2][0]}" if named else ""
            if kind == "final" or "\nSo far\n" in email["text"]:
                of = " of A"
            found.append(f"{kind} {email['tags']['transaction']}{of}")
    return found
