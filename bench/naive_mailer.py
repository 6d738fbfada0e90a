"""A first, simple version of the mailer with boto3, Jinja2 and Babel. The service's mailer is compared with it.

It notifies holders of debits in English, one record after the other: it reads the holder, loads the templates, renders,
sends the e-mail with its own call, and stores that. It has no claims, deferrals, other kinds of e-mail, dark mode,
protection against hostile names, or authorizations.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_currency
from jinja2 import Environment, FileSystemLoader

from chalicelib.aws.dynamo import from_item, to_item
from chalicelib.ledger.transaction import Transaction

FOLDER = Path(__file__).parent


def handle(transactions: list[Transaction], dynamodb: Any, ses: Any) -> None:
    for transaction in transactions:
        account = f"{transaction.bank}#{transaction.account}"
        holder = from_item(dynamodb.get_item(TableName="bench", Key=to_item({"account_key": account}))["Item"])[
            "holder:h"
        ]
        subject, text, html = render(transaction, holder)
        answer = ses.send_email(
            FromEmailAddress="alerts@example.com",
            Destination={"ToAddresses": [holder["email"]]},
            Content={
                "Simple": {
                    "Subject": {"Data": subject, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": text, "Charset": "UTF-8"}, "Html": {"Data": html, "Charset": "UTF-8"}},
                }
            },
        )
        note = {"transaction_key": f"{transaction.bank}#{transaction.id}", "message_id": answer["MessageId"]}
        dynamodb.put_item(TableName="bench", Item=to_item(note))


def render(transaction: Transaction, holder: dict[str, Any]) -> tuple[str, str, str]:
    """Return subject, text and HTML."""
    locale = holder["locale"]
    amount = format_currency(transaction.amount, transaction.currency, locale=locale)
    balance = format_currency(transaction.balance or Decimal(0), transaction.currency, locale=locale)
    when = format_datetime(transaction.timestamp, "long", tzinfo=ZoneInfo(holder["timezone"]), locale=locale)
    context = {
        "locale": locale,
        "subject": f"Debit of {amount}",
        "greeting": f"Hello {holder['name']},",
        "lead": f"{amount} went out of your account.",
        "rows": [
            ("Amount", amount),
            ("Merchant", (transaction.merchant or {}).get("name")),
            ("Description", transaction.description),
            ("Date", when),
            ("Available balance", balance),
            ("Reference", transaction.id),
        ],
    }
    environment = Environment(loader=FileSystemLoader(FOLDER), autoescape=True)
    text = environment.get_template("naive_mail.txt").render(context)
    return context["subject"], text, environment.get_template("naive_mail.html").render(context)
