"""The operations on the holder's pages: of preferences, of a security alert, and of an address to confirm."""

from openapi import examples
from openapi.json_schema import Json, ref
from openapi.operation import operation, parameter

_TOKEN = parameter(
    "path",
    "token",
    "The end of the link in an e-mail.",
    {"type": "string", "pattern": r"^[A-Za-z0-9_.-]+$"},
    "Zm9yZ2VkLCBvZiBjb3Vyc2U6IHdobyByZWFkcyBhIHRva2VuIGxlYXJucyBub3RoaW5nIG9mIHRoZSBob2xkZXIuIQ",
)


def _page(description: str) -> Json:
    return {"description": description, "content": {"text/html": {"schema": {"type": "string"}}}}


_BUSY = _page("A page that asks the holder to try again.")


def get_preferences() -> Json:
    return operation(
        "getPreferences",
        "Preferences",
        "Show the holder's page",
        "A form in the holder's language. A link to unsubscribe shows a question instead. Nothing is changed.",
        answers={
            200: _page("The page."),
            400: _page(
                "The link is forged or old, or its holder is erased or has another address. The page says what to do."
            ),
            503: _BUSY,
        },
        parameters=[_TOKEN],
        is_open=True,
    )


def post_preferences() -> Json:
    form = {
        "schema": ref("PreferencesForm"),
        "examples": {
            "oneClick": {"value": {"List-Unsubscribe": "One-Click"}},
            "form": {"value": examples.PREFERENCES_FORM},
        },
    }
    return operation(
        "postPreferences",
        "Preferences",
        "Save the holder's form, or unsubscribe with one click (RFC 8058)",
        "Fields that the form doesn't have are ignored. `multipart/form-data` is accepted, too. At a link to "
        "unsubscribe, any "
        "request unsubscribes, whatever its content type and body are, but for the button that takes it back. "
        "Security alerts "
        "end only with `do=alerts_off`, which is answered with a page to confirm, and then with that page's "
        "`confirmed`.",
        answers={
            200: _page("Saved; or unsubscribed from all e-mails except security alerts; or a question to confirm."),
            400: _page("As for `GET`; or the form again, with a message beside each wrong field. Nothing is saved."),
            409: _page("The form again, because the preferences were changed meanwhile. Nothing is saved."),
            503: _BUSY,
        },
        parameters=[_TOKEN],
        # One type of content: generators confuse the bodies of several.
        form={"application/x-www-form-urlencoded": form},
        is_open=True,
    )


_DEAD_LINK = _page("The link is forged or older than 7 days, or its holder is erased. The page says what to do.")


def get_alert() -> Json:
    return operation(
        "getAlert",
        "Preferences",
        "Ask the holder whether a transaction was the holder's",
        "A page in the holder's language with one button: the answer that the link is for. Nothing is answered by it. "
        "If the holder has answered, the page says so, and until when the answer can be corrected.",
        answers={200: _page("The page."), 400: _DEAD_LINK, 503: _BUSY},
        parameters=[_TOKEN],
        is_open=True,
    )


def post_alert() -> Json:
    form = {"schema": ref("AlertForm"), "examples": {"answer": {"value": {"answer": "not_recognized"}}}}
    return operation(
        "postAlert",
        "Preferences",
        "Answer a security alert",
        "The answer must be the link's own. The bank is told within seconds (`alert.answered`). The other link "
        "corrects the "
        "answer, for an hour.",
        answers={200: _page("The answer, and what happens now."), 400: _DEAD_LINK, 503: _BUSY},
        parameters=[_TOKEN],
        form={"application/x-www-form-urlencoded": form},
        is_open=True,
    )


_DEAD_CONFIRMATION = _page("The link is forged or older than 14 days, or no holder has its address. The page says so.")


def get_address() -> Json:
    return operation(
        "getAddress",
        "Preferences",
        "Ask whether an e-mail address is the holder's",
        "A page in the holder's language with one button. It names the bank and nothing of the holder's record. "
        "Nothing is confirmed by it.",
        answers={200: _page("The page."), 400: _DEAD_CONFIRMATION, 503: _BUSY},
        parameters=[_TOKEN],
        is_open=True,
    )


def post_address() -> Json:
    form = {"schema": ref("AddressForm"), "examples": {"confirm": {"value": {"confirm": "address"}}}}
    return operation(
        "postAddress",
        "Preferences",
        "Confirm an e-mail address",
        "All of the bank's holders who have the address get e-mails from then on. What was skipped before isn't sent.",
        answers={200: _page("The address is confirmed."), 400: _DEAD_CONFIRMATION, 503: _BUSY},
        parameters=[_TOKEN],
        form={"application/x-www-form-urlencoded": form},
        is_open=True,
    )
