"""The operations on the holders of an account."""

from chalicelib.holders.holder import MAX_HOLDERS
from openapi import examples
from openapi.json_schema import Json, ref
from openapi.operation import answer, link, operation

_HOLDER_PATH = {"account": "$request.path.account", "holder": "$request.path.holder"}
_OF_HOLDER = {
    "holder": link("getHolder", "The holder.", **_HOLDER_PATH),
    "replacement": link("putHolder", "Replaces the holder.", **_HOLDER_PATH),
    "erasure": link("deleteHolder", "Erases the holder.", **_HOLDER_PATH),
    "lifting": link("liftSuppression", "Ends the suppression of the holder's address.", **_HOLDER_PATH),
    "holders": link("listHolders", "The account's holders.", account="$request.path.account"),
}


def list_holders() -> Json:
    return operation(
        "listHolders",
        "Holders",
        "List an account's holders",
        answers={200: answer("The holders, by id.", ref("Holders"), examples.HOLDERS)},
        parameters=["account"],
    )


def put_holder() -> Json:
    return operation(
        "putHolder",
        "Holders",
        "Enrol or replace a holder",
        f"Replaces the whole holder. An account has at most {MAX_HOLDERS} holders. The holder gets an e-mail about "
        "every transaction that is recorded from now on, unless the preferences say otherwise.",
        answers={
            200: answer("Replaced.", ref("EnrolledHolder"), examples.ENROLLED_HOLDER, links=_OF_HOLDER),
            201: answer("Enrolled.", ref("EnrolledHolder"), examples.ENROLLED_HOLDER, links=_OF_HOLDER),
        },
        parameters=["account", "holder"],
        body=("Holder", {"holder": examples.HOLDER}),
        codes=["too_many_holders"],
        is_write=True,
    )


def get_holder() -> Json:
    return operation(
        "getHolder",
        "Holders",
        "Read a holder",
        answers={200: answer("The holder.", ref("EnrolledHolder"), examples.ENROLLED_HOLDER)},
        parameters=["account", "holder"],
        codes=["holder_not_found"],
    )


def delete_holder() -> Json:
    return operation(
        "deleteHolder",
        "Holders",
        "Erase a holder",
        "Erases the holder's data at once. The table's backups keep it for 35 days.",
        answers={204: {"description": "The holder's data is erased."}},
        parameters=["account", "holder"],
        codes=["holder_not_found"],
        is_write=True,
    )


def delete_suppression() -> Json:
    return operation(
        "liftSuppression",
        "Holders",
        "Send to the holder's address again",
        "Ends the suppression of the holder's address, for all of the bank's holders who have it. What happened "
        "before doesn't begin it again. An address that is suppressed again can be lifted once a day.",
        answers={204: {"description": "E-mails go to the address again."}},
        parameters=["account", "holder"],
        codes=["holder_not_found", "not_suppressed", "lifted_lately"],
        is_write=True,
    )
