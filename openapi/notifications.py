"""The operations on notifications: of one transaction, and the feed."""

from openapi import examples
from openapi.json_schema import Json, ref
from openapi.operation import LIMIT, answer, operation, parameter


def list_notifications() -> Json:
    return operation(
        "listNotifications",
        "Notifications",
        "Read the delivery status of a transaction's e-mails",
        "The status of each holder's e-mail, with its history. In the first seconds after the transaction is recorded, "
        "there may be no notification yet.",
        answers={200: answer("The notifications, by holder.", ref("Notifications"), examples.NOTIFICATIONS)},
        parameters=["transaction_id"],
        codes=["transaction_not_found"],
    )


def follow_notifications() -> Json:
    return operation(
        "followNotifications",
        "Notifications",
        "Follow the delivery status of all e-mails",
        "The notifications that changed, with their status now, in the order of their last changes. The feed is about "
        "five seconds behind. Each change is shown at least once. The feed has no end: ask again with `next_cursor` as "
        "`since`, soon if there was something, later if there was nothing.",
        answers={200: answer("The notifications that changed.", ref("NotificationFeed"), examples.NOTIFICATION_FEED)},
        parameters=[
            parameter(
                "query",
                "since",
                "`next_cursor` of the previous answer. Without it, the feed starts at its beginning.",
                {"type": "string"},
            ),
            LIMIT,
        ],
        codes=["invalid_cursor"],
    )
