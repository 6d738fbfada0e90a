"""Every route of the API, as a bank's developer is to read of it."""

from openapi import (
    analytics,
    cases,
    endpoints,
    holders,
    notifications,
    preferences,
    service,
    settings,
    staff,
    staff_reads,
    staff_today,
    staff_writes,
    transactions,
)
from openapi.json_schema import Json


def paths() -> dict[str, dict[str, Json]]:
    """Return the operations by path and method."""
    return {
        "/transactions": {"post": transactions.record_transaction()},
        "/transactions/batch": {"post": transactions.record_batch()},
        "/transactions/{transaction_id}": {"get": transactions.get_transaction()},
        "/transactions/{transaction_id}/notifications": {"get": notifications.list_notifications()},
        "/notifications": {"get": notifications.follow_notifications()},
        "/accounts/{account}/transactions": {"get": transactions.list_transactions()},
        "/accounts/{account}/holders": {"get": holders.list_holders()},
        "/accounts/{account}/holders/{holder}": {
            "put": holders.put_holder(),
            "patch": holders.patch_holder(),
            "get": holders.get_holder(),
            "delete": holders.delete_holder(),
        },
        "/accounts/{account}/holders/{holder}/suppression": {"delete": holders.delete_suppression()},
        "/analytics": {"get": analytics.get_analytics()},
        "/accounts/{account}/analytics": {"get": analytics.get_account_analytics()},
        "/settings": {
            "get": settings.get_settings(),
            "put": settings.put_settings(),
            "patch": settings.patch_settings(),
        },
        "/webhooks/attempts": {"get": endpoints.list_attempts()},
        "/webhooks/test": {"post": endpoints.test_endpoints()},
        "/webhooks/{webhook_id}/resend": {"post": endpoints.resend()},
        **_of_staff(),
        "/console/config.json": {"get": staff.get_console_config()},
        "/preferences/{token}": {"get": preferences.get_preferences(), "post": preferences.post_preferences()},
        "/alerts/{token}": {"get": preferences.get_alert(), "post": preferences.post_alert()},
        "/addresses/{token}": {"get": preferences.get_address(), "post": preferences.post_address()},
        "/health": {"get": service.get_health()},
        "/openapi.json": {"get": service.get_description()},
        "/docs": {"get": service.get_docs()},
        "/docs/{asset}": {"get": service.get_docs_asset()},
        "/console": {"get": service.get_console()},
        "/console/{asset}": {"get": service.get_console_asset()},
    }


def _of_staff() -> dict[str, dict[str, Json]]:
    return {
        "/staff/me": {"get": staff.get_me()},
        "/staff/flags/precision": {"get": cases.get_precision()},
        "/staff/flags/trial": {"post": cases.try_settings()},
        "/staff/cases": {"get": cases.list_cases()},
        "/staff/cases/{case_id}": {"get": cases.get_case()},
        "/staff/next-case": {"post": cases.claim_next()},
        "/staff/cases/{case_id}/claim": {"post": cases.claim_case()},
        "/staff/cases/{case_id}/release": {"post": cases.release_case()},
        "/staff/cases/{case_id}/notes": {"post": cases.note_case()},
        "/staff/cases/{case_id}/close": {"post": cases.close_case()},
        "/staff/cases/{case_id}/reopen": {"post": cases.reopen_case()},
        "/staff/today": {"get": staff_today.get_today()},
        "/staff/transactions": {"get": staff_reads.search_transactions()},
        "/staff/transactions/{transaction_id}": {"get": staff_reads.get_transaction()},
        "/staff/accounts/{account}": {"get": staff_reads.get_account()},
        "/staff/accounts/{account}/holders/{holder}/suppression": {"delete": staff_writes.delete_suppression()},
        "/staff/holders": {"get": staff_reads.find_holders()},
        "/staff/settings": {"get": staff_writes.get_settings(), "patch": staff_writes.patch_settings()},
        "/staff/webhooks/attempts": {"get": staff_writes.list_attempts()},
        "/staff/webhooks/test": {"post": staff_writes.test_endpoints()},
        "/staff/webhooks/resend": {"post": staff_writes.resend_span()},
        "/staff/webhooks/secret": {"post": staff_writes.replace_secret()},
        "/staff/webhooks/{webhook_id}/body": {"get": staff_writes.get_webhook_body()},
        "/staff/webhooks/{webhook_id}/resend": {"post": staff_writes.resend()},
        "/staff/audit": {"get": staff_reads.list_entries()},
        "/staff/quota": {"get": staff_reads.get_quota()},
    }
