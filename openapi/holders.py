"""The operations on the holders of an account."""

from collections.abc import Mapping

from chalicelib.holders.holder import MAX_HOLDERS
from openapi import examples
from openapi.json_schema import Json, ref
from openapi.operation import answer, link, operation

_HOLDER_PATH = {"account": "$request.path.account", "holder": "$request.path.holder"}
_OF_HOLDER = {
    "holder": link("getHolder", "The holder.", **_HOLDER_PATH),
    "change": link("patchHolder", "Changes the holder.", **_HOLDER_PATH),
    "replacement": link("putHolder", "Replaces the holder.", **_HOLDER_PATH),
    "erasure": link("deleteHolder", "Erases the holder.", **_HOLDER_PATH),
    "lifting": link("liftSuppression", "Ends the suppression of the holder's address.", **_HOLDER_PATH),
    "holders": link("listHolders", "The account's holders.", account="$request.path.account"),
}


def _holder(description: str, links: Mapping[str, Json] | None = None) -> Json:
    return answer(description, ref("EnrolledHolder"), examples.ENROLLED_HOLDER, headers=["ETag"], links=links)


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
        "Replaces the whole holder, except what the holder has chosen on the page or with one click: that stands, "
        "whatever "
        f"`preferences` says, and `preferences_chosen_by` is `holder` then. An account has at most {MAX_HOLDERS} "
        "holders. The holder gets an e-mail about "
        "every transaction that is recorded from now on, unless the preferences say otherwise.",
        answers={
            200: _holder("Replaced.", links=_OF_HOLDER),
            201: _holder("Enrolled.", links=_OF_HOLDER),
        },
        parameters=["account", "holder", "if_match"],
        body=("Holder", {"holder": examples.HOLDER}),
        codes=["too_many_holders", "precondition_failed"],
        is_write=True,
    )


def patch_holder() -> Json:
    return operation(
        "patchHolder",
        "Holders",
        "Change a holder",
        "Changes what the body names (a merge patch, RFC 7396), and nothing else. A patch of `preferences` is "
        "applied to the "
        "bank's own; what the holder has chosen stands. The content type `application/merge-patch+json` is accepted, "
        "too.",
        answers={200: _holder("Changed.")},
        parameters=["account", "holder", "if_match"],
        body=("HolderPatch", {"address": {"email": "awa@example.org"}, "language": examples.HOLDER_PATCH}),
        codes=["holder_not_found", "precondition_failed"],
        is_write=True,
    )


def get_holder() -> Json:
    return operation(
        "getHolder",
        "Holders",
        "Read a holder",
        answers={200: _holder("The holder.")},
        parameters=["account", "holder"],
        codes=["holder_not_found", "precondition_failed"],
    )


def delete_holder() -> Json:
    return operation(
        "deleteHolder",
        "Holders",
        "Erase a holder",
        "Erases the holder's data at once. Backups of the table keep it for 35 days. E-mails that wait are not sent, "
        "also if the same id is enrolled again: to change a holder, send a PUT or PATCH.",
        answers={204: {"description": "The holder's data is erased."}},
        parameters=["account", "holder", "if_match"],
        codes=["holder_not_found", "precondition_failed"],
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
