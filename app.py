"""The transaction notifier: all routes and triggers of the service. The logic is in `chalicelib`."""

from typing import Any

from chalice import Chalice, Cron, Rate
from chalice.app import CloudWatchEvent, DynamoDBEvent, Request, Response, SQSEvent

import chalicelib.late  # first: it has the modules of `chalicelib.api` loaded late
from chalicelib.api import (
    analytics,
    console,
    console_config,
    documentation,
    holders,
    notifications,
    problems,
    requests,
    settings,
    staff_accounts,
    staff_audit,
    staff_cases,
    staff_flags,
    staff_requests,
    staff_search,
    staff_today,
    staff_transactions,
    staff_webhooks,
    transactions,
    webhooks,
)
from chalicelib.aws import snapshot, stage_command
from chalicelib.banks.bank import Bank
from chalicelib.services import Services
from chalicelib.staff.member import Group, StaffMember

stage = stage_command.load()
services = Services(stage)
app = Chalice(app_name="transaction-notifier")
answered = problems.answered(lambda: app.current_request)
JSON = ["application/json"]
PATCH = ["application/json", "application/merge-patch+json"]
# Mail programs send the one-click form with any type, or none. The page itself looks at what came.
ANY = ["*/*"]
staff_authorizer = staff_requests.authorizer(stage.staff_pool_arn if stage_command.is_deploying() else "")


def renew() -> None:
    """After a restore from a snapshot: make all stores and caches anew, on first use. See `aws.snapshot`."""
    global services
    services = Services(stage)


snapshot.register(chalicelib.late.load, renew)


def calling_bank() -> Bank:
    """Return the bank that sent the current request, by its API key and, if the bank signs, its signature."""
    return requests.calling_bank(app.current_request, services.banks, lambda: services.signatures)


def staff(group: Group, units: int = 1) -> StaffMember:
    """Return the member of a bank's staff who sent the current request, if the member's groups include `group`.

    The request costs so many units of what the member may ask in an hour (`staff.reading`).
    """
    return staff_requests.staff_member(
        app.current_request, lambda: services.staff_tokens, group, lambda: services.read_limits, units
    )


@app.middleware("http")
def complete_answers(request: Request, get_response: Any) -> Response:
    return problems.completed(request, get_response, app.routes)


@app.route("/transactions", methods=["POST"], content_types=JSON, api_key_required=True)
@answered
def post_transaction() -> Response:
    return transactions.record_transaction(
        calling_bank(), app.current_request, intake=services.intake, quotas=services.quotas, now=services.now()
    )


@app.route("/transactions/batch", methods=["POST"], content_types=JSON, api_key_required=True)
@answered
def post_batch() -> Response:
    return transactions.record_batch(
        calling_bank(),
        app.current_request,
        intake=services.intake,
        quotas=services.quotas,
        pace=services.pace,
        now=services.now(),
    )


@app.route("/transactions/batch", methods=["GET"], api_key_required=True)
@answered
def get_transaction_named_batch() -> Response:
    """The transaction with the id `batch`: the router takes this path for `/transactions/batch`, not for an id."""
    return _transaction("batch")


@app.route("/transactions/{transaction_id}", methods=["GET"], api_key_required=True)
@answered
def get_transaction(transaction_id: str) -> Response:
    return _transaction(transaction_id)


def _transaction(transaction_id: str) -> Response:
    return transactions.get_transaction(
        calling_bank(),
        transaction_id,
        app.current_request,
        transactions=services.transactions,
        flags=services.flags,
        purchases=services.purchases,
    )


@app.route("/transactions/batch/notifications", methods=["GET"], api_key_required=True)
@answered
def list_notifications_of_transaction_named_batch() -> Response:
    return notifications.list_of_transaction(
        calling_bank(),
        "batch",
        app.current_request,
        transactions=services.transactions,
        records=services.notification_records,
    )


@app.route("/transactions/{transaction_id}/notifications", methods=["GET"], api_key_required=True)
@answered
def list_notifications_of_transaction(transaction_id: str) -> Response:
    return notifications.list_of_transaction(
        calling_bank(),
        transaction_id,
        app.current_request,
        transactions=services.transactions,
        records=services.notification_records,
    )


@app.route("/notifications", methods=["GET"], api_key_required=True)
@answered
def notification_feed() -> Response:
    return notifications.list_changes(
        calling_bank(),
        app.current_request,
        feed=services.notification_feed,
        records=services.notification_records,
        cursor_secret=services.cursor_secret,
    )


@app.route("/accounts/{account}/transactions", methods=["GET"], api_key_required=True)
@answered
def list_transactions(account: str) -> Response:
    return transactions.list_transactions(
        calling_bank(),
        account,
        app.current_request,
        transactions=services.transactions,
        flags=services.flags,
        cursor_secret=services.cursor_secret,
    )


@app.route("/accounts/{account}/holders", methods=["GET"], api_key_required=True)
@answered
def list_holders(account: str) -> Response:
    return holders.list_holders(
        calling_bank(), account, app.current_request, holders=services.holders, now=services.now()
    )


@app.route("/accounts/{account}/holders/{holder}", methods=["PUT"], content_types=JSON, api_key_required=True)
@answered
def put_holder(account: str, holder: str) -> Response:
    return holders.put_holder(
        calling_bank(),
        account,
        holder,
        app.current_request,
        enrolment=services.enrolment,
        settings=services.bank_settings,
        statement_index=services.statement_index,
        trail=services.trail,
        now=services.now(),
    )


@app.route("/accounts/{account}/holders/{holder}", methods=["PATCH"], content_types=PATCH, api_key_required=True)
@answered
def patch_holder(account: str, holder: str) -> Response:
    return holders.patch_holder(
        calling_bank(),
        account,
        holder,
        app.current_request,
        enrolment=services.enrolment,
        settings=services.bank_settings,
        statement_index=services.statement_index,
        trail=services.trail,
        now=services.now(),
    )


@app.route("/accounts/{account}/holders/{holder}", methods=["GET"], api_key_required=True)
@answered
def get_holder(account: str, holder: str) -> Response:
    return holders.get_holder(
        calling_bank(), account, holder, app.current_request, holders=services.holders, now=services.now()
    )


@app.route("/accounts/{account}/holders/{holder}", methods=["DELETE"], api_key_required=True)
@answered
def delete_holder(account: str, holder: str) -> Response:
    return holders.delete_holder(
        calling_bank(),
        account,
        holder,
        app.current_request,
        enrolment=services.enrolment,
        trail=services.trail,
        now=services.now(),
    )


@app.route("/accounts/{account}/holders/{holder}/suppression", methods=["DELETE"], api_key_required=True)
@answered
def delete_suppression(account: str, holder: str) -> Response:
    return holders.lift_suppression(
        calling_bank(),
        account,
        holder,
        app.current_request,
        enrolment=services.enrolment,
        trail=services.trail,
        now=services.now(),
    )


@app.route("/analytics", methods=["GET"], api_key_required=True)
@answered
def get_analytics() -> Response:
    return analytics.get_analytics(
        calling_bank(), app.current_request, analytics=services.analytics, now=services.now()
    )


@app.route("/accounts/{account}/analytics", methods=["GET"], api_key_required=True)
@answered
def get_account_analytics(account: str) -> Response:
    return analytics.get_account_analytics(
        calling_bank(), account, app.current_request, analytics=services.analytics, now=services.now()
    )


@app.route("/settings", methods=["GET"], api_key_required=True)
@answered
def get_settings() -> Response:
    return settings.get_settings(calling_bank(), app.current_request, store=services.bank_store)


@app.route("/settings", methods=["PUT"], content_types=JSON, api_key_required=True)
@answered
def put_settings() -> Response:
    bank = calling_bank()
    return settings.put_settings(
        bank,
        app.current_request,
        store=services.bank_store,
        topics=services.operator_topics,
        trail=services.trail,
        are_loopback_endpoints_allowed=bool(services.settings.local_endpoints),
        queue_tests=lambda stored: services.queue_tests(bank.id, stored),
    )


@app.route("/settings", methods=["PATCH"], content_types=PATCH, api_key_required=True)
@answered
def patch_settings() -> Response:
    bank = calling_bank()
    return settings.patch_settings(
        bank,
        app.current_request,
        store=services.bank_store,
        topics=services.operator_topics,
        trail=services.trail,
        are_loopback_endpoints_allowed=bool(services.settings.local_endpoints),
        queue_tests=lambda stored: services.queue_tests(bank.id, stored),
    )


@app.route("/webhooks/attempts", methods=["GET"], api_key_required=True)
@answered
def list_webhook_attempts() -> Response:
    return webhooks.list_attempts(
        calling_bank(),
        app.current_request,
        store=services.bank_store,
        log=services.attempt_log,
        cursor_secret=services.cursor_secret,
        now=services.now(),
    )


@app.route("/webhooks/test", methods=["POST"], content_types=JSON, api_key_required=True)
@answered
def post_webhook_test() -> Response:
    return webhooks.test_endpoints(calling_bank(), app.current_request, tester=services.endpoint_tester)


@app.route("/webhooks/{webhook_id}/resend", methods=["POST"], content_types=JSON, api_key_required=True)
@answered
def post_webhook_resend(webhook_id: str) -> Response:
    return webhooks.resend(
        calling_bank(),
        webhook_id,
        app.current_request,
        log=services.attempt_log,
        queue=services.webhook_queue,
        now=services.now(),
    )


@app.route("/staff/me", methods=["GET"], authorizer=staff_authorizer)
@answered
def get_staff_me() -> Response:
    return staff_requests.get_me(staff(Group.VIEWER), app.current_request)


@app.route("/console/config.json", methods=["GET", "HEAD"])
@answered
def console_config_json() -> Response:
    return console_config.get_config(app.current_request, services.settings)


@app.route("/staff/flags/precision", methods=["GET"], authorizer=staff_authorizer)
@answered
def get_precision() -> Response:
    return staff_flags.get_precision(
        staff(Group.VIEWER), app.current_request, labels=services.labels, today=services.now().date()
    )


@app.route("/staff/flags/trial", methods=["POST"], content_types=JSON, authorizer=staff_authorizer)
@answered
def try_staff_settings() -> Response:
    return staff_flags.try_settings(
        staff(Group.ANALYST, staff_requests.SEARCH),
        app.current_request,
        store=services.bank_store,
        search=services.search,
        labels=services.labels,
        are_loopback_endpoints_allowed=bool(services.settings.local_endpoints),
        now=services.now(),
    )


@app.route("/staff/cases", methods=["GET"], authorizer=staff_authorizer)
@answered
def list_cases() -> Response:
    return staff_cases.list_cases(
        staff(Group.VIEWER), app.current_request, queue=services.case_queue, cursor_secret=services.cursor_secret
    )


@app.route("/staff/cases/{case_id}", methods=["GET"], authorizer=staff_authorizer)
@answered
def get_case(case_id: str) -> Response:
    return staff_cases.get_case(
        staff(Group.VIEWER), case_id, app.current_request, cases=services.case_store, looks=services.looks
    )


@app.route("/staff/next-case", methods=["POST"], content_types=JSON, authorizer=staff_authorizer)
@answered
def post_next_case() -> Response:
    return staff_cases.claim_next(
        staff(Group.ANALYST), app.current_request, desk=services.case_desk, trail=services.trail
    )


@app.route("/staff/cases/{case_id}/claim", methods=["POST"], content_types=JSON, authorizer=staff_authorizer)
@answered
def post_case_claim(case_id: str) -> Response:
    return staff_cases.claim_case(
        staff(Group.ANALYST), case_id, app.current_request, desk=services.case_desk, trail=services.trail
    )


@app.route("/staff/cases/{case_id}/release", methods=["POST"], content_types=JSON, authorizer=staff_authorizer)
@answered
def post_case_release(case_id: str) -> Response:
    return staff_cases.release_case(
        staff(Group.ANALYST), case_id, app.current_request, desk=services.case_desk, trail=services.trail
    )


@app.route("/staff/cases/{case_id}/notes", methods=["POST"], content_types=JSON, authorizer=staff_authorizer)
@answered
def post_case_notes(case_id: str) -> Response:
    return staff_cases.note_case(
        staff(Group.ANALYST), case_id, app.current_request, desk=services.case_desk, trail=services.trail
    )


@app.route("/staff/cases/{case_id}/close", methods=["POST"], content_types=JSON, authorizer=staff_authorizer)
@answered
def post_case_close(case_id: str) -> Response:
    return staff_cases.close_case(
        staff(Group.ANALYST), case_id, app.current_request, desk=services.case_desk, trail=services.trail
    )


@app.route("/staff/cases/{case_id}/reopen", methods=["POST"], content_types=JSON, authorizer=staff_authorizer)
@answered
def post_case_reopen(case_id: str) -> Response:
    return staff_cases.reopen_case(
        staff(Group.ANALYST), case_id, app.current_request, desk=services.case_desk, trail=services.trail
    )


@app.route("/staff/today", methods=["GET"], authorizer=staff_authorizer)
@answered
def get_staff_today() -> Response:
    return staff_today.get_today(staff(Group.VIEWER), app.current_request, today=services.today)


@app.route("/staff/transactions", methods=["GET"], authorizer=staff_authorizer)
@answered
def search_transactions() -> Response:
    return staff_search.search_transactions(
        staff(Group.VIEWER, staff_requests.SEARCH),
        app.current_request,
        search=services.search,
        transactions=services.transactions,
        flags=services.flags,
        finder=services.holder_finder,
        trail=services.trail,
        looks=services.looks,
        cursor_secret=services.cursor_secret,
    )


@app.route("/staff/transactions/{transaction_id}", methods=["GET"], authorizer=staff_authorizer)
@answered
def get_staff_transaction(transaction_id: str) -> Response:
    return staff_transactions.get_transaction(
        staff(Group.VIEWER, staff_requests.PAGE),
        transaction_id,
        app.current_request,
        transactions=services.transactions,
        flags=services.flags,
        purchases=services.purchases,
        baselines=services.baselines,
        notifications=services.notification_records,
        webhooks=services.webhook_records,
        looks=services.looks,
        cases=services.case_store,
    )


@app.route("/staff/accounts/{account}", methods=["GET"], authorizer=staff_authorizer)
@answered
def get_staff_account(account: str) -> Response:
    return staff_accounts.get_account(
        staff(Group.VIEWER, staff_requests.PAGE),
        account,
        app.current_request,
        search=services.search,
        flags=services.flags,
        baselines=services.baselines,
        holders=services.holders,
        looks=services.looks,
        cursor_secret=services.cursor_secret,
        now=services.now(),
    )


@app.route("/staff/holders", methods=["GET"], authorizer=staff_authorizer)
@answered
def find_holders() -> Response:
    return staff_search.find_holders(
        staff(Group.VIEWER, staff_requests.SEARCH),
        app.current_request,
        finder=services.holder_finder,
        trail=services.trail,
        cursor_secret=services.cursor_secret,
        now=services.now(),
    )


@app.route("/staff/accounts/{account}/holders/{holder}/suppression", methods=["DELETE"], authorizer=staff_authorizer)
@answered
def delete_staff_suppression(account: str, holder: str) -> Response:
    member = staff(Group.ADMIN)
    return holders.lift_suppression(
        member.bank,
        account,
        holder,
        app.current_request,
        enrolment=services.enrolment,
        trail=services.trail,
        now=services.now(),
        by=staff_requests.author_of_staff(app.current_request, member),
    )


@app.route("/staff/settings", methods=["GET"], authorizer=staff_authorizer)
@answered
def get_staff_settings() -> Response:
    return settings.get_settings(staff(Group.VIEWER).bank, app.current_request, store=services.bank_store)


@app.route("/staff/settings", methods=["PATCH"], content_types=PATCH, authorizer=staff_authorizer)
@answered
def patch_staff_settings() -> Response:
    member = staff(Group.ADMIN)
    return settings.patch_settings(
        member.bank,
        app.current_request,
        store=services.bank_store,
        topics=services.operator_topics,
        trail=services.trail,
        are_loopback_endpoints_allowed=bool(services.settings.local_endpoints),
        queue_tests=lambda stored: services.queue_tests(member.bank.id, stored),
        by=staff_requests.author_of_staff(app.current_request, member),
    )


@app.route("/staff/webhooks/attempts", methods=["GET"], authorizer=staff_authorizer)
@answered
def list_staff_webhook_attempts() -> Response:
    return webhooks.list_attempts(
        staff(Group.VIEWER).bank,
        app.current_request,
        store=services.bank_store,
        log=services.attempt_log,
        cursor_secret=services.cursor_secret,
        now=services.now(),
    )


@app.route("/staff/webhooks/test", methods=["POST"], content_types=JSON, authorizer=staff_authorizer)
@answered
def post_staff_webhook_test() -> Response:
    return staff_webhooks.test_endpoints(
        staff(Group.ADMIN), app.current_request, tester=services.endpoint_tester, trail=services.trail
    )


@app.route("/staff/webhooks/{webhook_id}/resend", methods=["POST"], content_types=JSON, authorizer=staff_authorizer)
@answered
def post_staff_webhook_resend(webhook_id: str) -> Response:
    return staff_webhooks.resend(
        staff(Group.ADMIN),
        webhook_id,
        app.current_request,
        log=services.attempt_log,
        queue=services.webhook_queue,
        trail=services.trail,
        now=services.now(),
    )


@app.route("/staff/webhooks/resend", methods=["POST"], content_types=JSON, authorizer=staff_authorizer)
@answered
def post_staff_webhooks_resend() -> Response:
    return staff_webhooks.resend_span(
        staff(Group.ADMIN),
        app.current_request,
        resender=services.webhook_resender,
        trail=services.trail,
        cursor_secret=services.cursor_secret,
    )


@app.route("/staff/webhooks/{webhook_id}/body", methods=["GET"], authorizer=staff_authorizer)
@answered
def get_staff_webhook_body(webhook_id: str) -> Response:
    return staff_webhooks.get_body(
        staff(Group.VIEWER, staff_requests.PAGE),
        webhook_id,
        app.current_request,
        log=services.attempt_log,
        looks=services.looks,
        now=services.now(),
    )


@app.route("/staff/webhooks/secret", methods=["POST"], content_types=JSON, authorizer=staff_authorizer)
@answered
def post_staff_webhook_secret() -> Response:
    return staff_webhooks.replace_secret(
        staff(Group.ADMIN), app.current_request, replacer=services.secret_replacer, trail=services.trail
    )


@app.route("/staff/audit", methods=["GET"], authorizer=staff_authorizer)
@answered
def list_audit_entries() -> Response:
    return staff_audit.list_entries(
        staff(Group.ADMIN, staff_requests.PAGE),
        app.current_request,
        entries=services.audit_entries,
        cursor_secret=services.cursor_secret,
        now=services.now(),
    )


@app.route("/staff/quota", methods=["GET"], authorizer=staff_authorizer)
@answered
def get_quota() -> Response:
    return staff_audit.get_quota(
        staff(Group.VIEWER), app.current_request, used=services.used_quotas, now=services.now()
    )


@app.route("/preferences/{token}", methods=["GET", "HEAD"])
@answered
def get_preferences(token: str) -> Response:
    return services.preferences_page.show(token, app.current_request)


@app.route("/preferences/{token}", methods=["POST"], content_types=ANY)
@answered
def post_preferences(token: str) -> Response:
    return services.preferences_page.submit(token, app.current_request)


@app.route("/alerts/{token}", methods=["GET", "HEAD"])
@answered
def get_alert(token: str) -> Response:
    return services.alert_page.show(token)


@app.route("/alerts/{token}", methods=["POST"], content_types=ANY)
@answered
def post_alert(token: str) -> Response:
    return services.alert_page.submit(token, app.current_request)


@app.route("/addresses/{token}", methods=["GET", "HEAD"])
@answered
def get_address(token: str) -> Response:
    return services.address_page.show(token)


@app.route("/addresses/{token}", methods=["POST"], content_types=ANY)
@answered
def post_address(token: str) -> Response:
    return services.address_page.submit(token, app.current_request)


@app.route("/health", methods=["GET", "HEAD"])
@answered
def health() -> Response:
    return documentation.health()


@app.route("/openapi.json", methods=["GET", "HEAD"])
@answered
def openapi() -> Response:
    return documentation.description(
        app.current_request, services.settings.public_url, bool(services.settings.local_endpoints)
    )


@app.route("/docs", methods=["GET", "HEAD"])
@answered
def docs() -> Response:
    return documentation.page(app.current_request)


@app.route("/docs/{asset}", methods=["GET", "HEAD"])
@answered
def docs_asset(asset: str) -> Response:
    return documentation.asset(asset, app.current_request)


@app.route("/console", methods=["GET", "HEAD"])
@answered
def console_page() -> Response:
    return console.page(app.current_request, services.sign_in_origins)


@app.route("/console/{asset}", methods=["GET", "HEAD"])
@answered
def console_asset(asset: str) -> Response:
    return console.asset(asset, app.current_request)


@app.on_dynamodb_record(stream_arn=stage.transactions_stream_arn, batch_size=100, starting_position="TRIM_HORIZON")
def transaction_stream(event: DynamoDBEvent) -> None:
    """Stored transactions and answered alerts, in batches: judges, queues notices, tells banks of answers; cases."""
    records = event.to_dict()["Records"]
    for handler in (services.stream_handler, services.answer_teller, services.case_opener):
        handler.handle(records)


@app.on_dynamodb_record(
    stream_arn=stage.transactions_stream_arn,
    batch_size=5000,
    starting_position="TRIM_HORIZON",
    maximum_batching_window_in_seconds=300,
)
def archiver(event: DynamoDBEvent) -> None:
    """Stored transactions, in few and large batches: writes them to the archive in S3."""
    services.archiver.handle(event.to_dict()["Records"])


@app.on_dynamodb_record(stream_arn=stage.accounts_stream_arn, batch_size=100, starting_position="TRIM_HORIZON")
def holder_changes(event: DynamoDBEvent) -> None:
    """Changed records of accounts' holders, in batches: tells holders and banks of alerts that ended and addresses."""
    services.change_teller.handle(event.to_dict()["Records"])


@app.on_sqs_message(queue_arn=stage.ingest_queue_arn, batch_size=10, maximum_concurrency=5)
def ingest_worker(event: SQSEvent) -> dict[str, Any]:
    """Transactions that the API queued instead of recording them at once, in batches: records them."""
    messages = [(record["messageId"], record["body"]) for record in event.to_dict()["Records"]]
    return services.ingest_worker.handle(messages, lambda: requests.seconds_left(event.context))


@app.on_sqs_message(queue_arn=stage.notification_queue_arn, batch_size=10, maximum_concurrency=10)
def mailer(event: SQSEvent) -> None:
    """Notices that the stream handler queued, in batches: notifies the holders by e-mail."""
    services.mailer.handle([record.body for record in event], lambda: requests.seconds_left(event.context))


@app.on_sqs_message(queue_arn=stage.alert_queue_arn, batch_size=10, maximum_concurrency=5)
def alert_mailer(event: SQSEvent) -> None:
    """Notices of flagged transactions and changed holders, in batches: sends what doesn't wait for other e-mails."""
    services.alert_mailer.handle([record.body for record in event], lambda: requests.seconds_left(event.context))


@app.on_sqs_message(
    queue_arn=stage.operator_alerts_queue_arn,
    batch_size=100,
    maximum_batching_window_in_seconds=15,
    maximum_concurrency=2,
)
def operator_alerts(event: SQSEvent) -> None:
    """TransactionFlagged events, in batches: alerts the banks' operators."""
    services.operator_alerts.handle([record.body for record in event])


@app.on_sqs_message(
    queue_arn=stage.feedback_queue_arn,
    batch_size=100,
    maximum_batching_window_in_seconds=5,
    maximum_concurrency=5,
)
def feedback(event: SQSEvent) -> None:
    """SES's events about e-mails that it accepted, in batches: records deliveries, bounces and complaints."""
    services.feedback.handle([record.body for record in event], lambda: requests.seconds_left(event.context))


@app.on_dynamodb_record(
    stream_arn=stage.notifications_stream_arn,
    batch_size=100,
    starting_position="TRIM_HORIZON",
    maximum_batching_window_in_seconds=1,
)
def webhook_feeder(event: DynamoDBEvent) -> None:
    """New pages in the feed of notifications, in batches: queues the banks' webhooks."""
    services.webhook_feeder.handle(event.to_dict()["Records"])


@app.on_sqs_message(queue_arn=stage.webhook_queue_arn, batch_size=10, maximum_concurrency=20)
def webhook_sender(event: SQSEvent) -> None:
    """Queued webhooks, in batches: sends them to the banks' endpoints."""
    services.webhook_sender.handle([record.body for record in event])


@app.schedule(Rate(1, unit=Rate.MINUTES))
def analytics_job(event: CloudWatchEvent) -> None:
    """Every minute: adds new transactions to the roll-ups."""
    services.analytics_job.run(lambda: requests.seconds_left(event.context))


@app.schedule(Rate(1, unit=Rate.MINUTES))
def release_deferred(event: CloudWatchEvent) -> None:
    """Every minute: gives the mailer the notices whose quiet hours are over."""
    services.release.run(lambda: requests.seconds_left(event.context))


@app.schedule(Rate(1, unit=Rate.MINUTES))
def statements(event: CloudWatchEvent) -> None:
    """Every minute: sends the holders' statements that are due."""
    services.statements.run(lambda: requests.seconds_left(event.context))


@app.schedule(Cron(17, 3, "*", "*", "?", "*"))
def nightly_reconciliation(_event: CloudWatchEvent) -> None:
    """Every night at 3:17 UTC: compares the roll-ups of the day before with its transactions."""
    services.reconciliation.of_day_before(services.now())
