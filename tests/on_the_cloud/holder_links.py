"""The links in an e-mail to a holder, as the deployed mailer makes them."""

from datetime import UTC, datetime

from chalicelib.aws.secret_store import SecretStore
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import HolderLinks, Links
from chalicelib.holders.repository import HolderRepository
from local_cloud.deploy import STAGE
from tests.cloud import CloudUnderTest


def links_of(cloud: CloudUnderTest, bank: str, account: str) -> Links:
    """Return the links to the account's only holder, made from the mailer's own environment."""
    mailer = cloud.client("lambda").get_function(FunctionName=f"transaction-notifier-{STAGE}-mailer")
    environment = mailer["Configuration"]["Environment"]["Variables"]

    def now() -> datetime:
        return datetime.now(UTC)

    links = HolderLinks(
        SecretStore(lambda: cloud.client("secretsmanager"), now),
        environment["PREFERENCES_SECRET_ARN"],
        now,
        environment["API_URL"],
    )
    return links.links_for(bank, account, only_holder(cloud, bank, account))


def only_holder(cloud: CloudUnderTest, bank: str, account: str) -> Holder:
    """Return the account's only holder, as stored."""
    table = cloud.deployed.environment["ACCOUNTS_TABLE"]
    (holder,) = HolderRepository(cloud.client("dynamodb"), table).of_account(bank, account)
    return holder
