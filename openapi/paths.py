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
        "/staff/me": {"get": staff.get_me()},
        "/console/config.json": {"get": staff.get_console_config()},
        "/staff/cases": {"get": cases.list_cases()},
        "/staff/cases/{case_id}": {"get": cases.get_case()},
        "/staff/next-case": {"post": cases.claim_next()},
        "/staff/cases/{case_id}/claim": {"post": cases.claim_case()},
        "/staff/cases/{case_id}/release": {"post": cases.release_case()},
        "/staff/cases/{case_id}/notes": {"post": cases.note_case()},
        "/staff/cases/{case_id}/close": {"post": cases.close_case()},
        "/staff/cases/{case_id}/reopen": {"post": cases.reopen_case()},
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
