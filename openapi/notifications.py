"""The operations on notifications: of one transaction, and the feed."""

from openapi import examples
from openapi.json_schema import Json, ref
from openapi.operation import LIMIT, answer, operation, parameter


def list_notifications() -> Json:
    return operation(
        "listNotifications",
        "Notifications",
        "What became of the e-mails about a transaction",
        "For each holder who was to be told: the state, and how it came to it. Nobody is told of a transaction "
        "within the same instant: for some seconds there may be none.",
        answers={200: answer("Each holder's, by id.", ref("Notifications"), examples.NOTIFICATIONS)},
        parameters=["transaction_id"],
        codes=["transaction_not_found"],
    )


def follow_notifications() -> Json:
    return operation(
        "followNotifications",
        "Notifications",
        "What has become of all e-mails, in order of change",
        "Each notification that changed, as it is now, in the order in which the last changes were written down; some "
        "five seconds behind now. Each change is shown at least once. The feed has no end: ask again from "
        "`next_cursor`, sooner if there was something, later if not.",
        answers={200: answer("What changed.", ref("NotificationFeed"), examples.NOTIFICATION_FEED)},
        parameters=[
            parameter(
                "query", "since", "`next_cursor` of the answer before; from the beginning without.", {"type": "string"}
            ),
            LIMIT,
        ],
        codes=["invalid_cursor"],
    )
