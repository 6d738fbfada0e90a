"""What the `/staff` routes answer in the tests of the console: samples, and changes that stay."""

import copy
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.console import samples
from tests.console.samples import NOW, Json, at

__all__ = ["NOW", "Answer", "World"]
_ORDER = ["viewer", "analyst", "admin"]


@dataclass
class Answer:
    status: int
    body: Json | None
    headers: dict[str, str] = field(default_factory=dict)


class World:
    """The sample bank's answers. `fails` has the problem that a path answers instead, by the path's beginning."""

    def __init__(self) -> None:
        self.cases = samples.cases()
        self.settings = copy.deepcopy(samples.SETTINGS)
        self.version = 1
        self.suppressed = True
        self.changes: list[tuple[str, str, Any]] = []
        self.fails: dict[str, Answer] = {}
        self.today_changes: Json = {}
        self._routes: list[tuple[str, str, str, Callable[..., Answer]]] = [
            ("GET", r"me", "viewer", self._me),
            ("GET", r"today", "viewer", self._today),
            ("GET", r"transactions", "viewer", self._search),
            ("GET", r"transactions/(.+)", "viewer", self._transaction),
            ("GET", r"accounts/([^/]+)", "viewer", self._account),
            ("GET", r"holders", "viewer", self._holders),
            ("DELETE", r"accounts/[^/]+/holders/[^/]+/suppression", "admin", self._lift),
            ("GET", r"settings", "viewer", self._settings),
            ("PATCH", r"settings", "admin", self._patch),
            ("POST", r"flags/trial", "analyst", self._trial),
            ("GET", r"flags/precision", "viewer", self._precision),
            ("GET", r"cases", "viewer", self._cases),
            ("POST", r"next-case", "analyst", self._next),
            ("GET", r"cases/([^/]+)", "viewer", self._case),
            ("POST", r"cases/([^/]+)/(claim|release|notes|close|reopen)", "analyst", self._work),
            ("GET", r"webhooks/attempts", "viewer", self._attempts),
            ("POST", r"webhooks/test", "admin", self._test),
            ("POST", r"webhooks/resend", "admin", lambda *_: Answer(200, {"resent": 3})),
            ("POST", r"webhooks/secret", "admin", self._secret),
            ("GET", r"webhooks/([^/]+)/body", "viewer", self._body),
            ("POST", r"webhooks/([^/]+)/resend", "admin", self._resend),
            ("GET", r"audit", "admin", self._audit),
            ("GET", r"quota", "viewer", self._quota),
        ]

    def answer(
        self, who: str, method: str, path: str, query: Mapping[str, str], body: Any, headers: Mapping[str, str]
    ) -> Answer:
        """Return what a member of staff gets."""
        self.who, self.query, self.body, self.headers = who, query, body, headers
        for start, answer in self.fails.items():
            if path.startswith(start):
                return answer
        for verb, pattern, group, respond in self._routes:
            match = re.fullmatch(pattern, path)
            if verb == method and match:
                if group not in samples.MEMBERS[who]["groups"]:
                    return self.problem(403, "group_required", f"This needs the group {group}.")
                if method != "GET":
                    self.changes.append((method, path, body))
                return self._conditional(respond(*match.groups()))
        return self.problem(404, "route_not_found", f"No route {method} {path}.")

    def problem(self, status: int, code: str, detail: str, **headers: str) -> Answer:
        body = {"type": f"urn:problem:{code}", "title": code, "status": status, "detail": detail, "code": code}
        return Answer(status, {**body, "request_id": "5f0c3a", "errors": []}, dict(headers))

    def _conditional(self, answer: Answer) -> Answer:
        if answer.status != 200:
            return answer
        answer.headers.setdefault("ETag", f'W/"{hash(json.dumps(answer.body, sort_keys=True))}"')
        return (
            Answer(304, None, answer.headers) if self.headers.get("if-none-match") == answer.headers["ETag"] else answer
        )

    def _me(self) -> Answer:
        member = samples.MEMBERS[self.who]
        email = f"{self.who}@eazycard.example"
        bank = {"bank": "eazycard", "bank_name": "EAZYCard", "currency": "XAF"}
        return Answer(200, {"subject": self.who, "email": email, **member, **bank})

    def _today(self) -> Answer:
        day = {"hour": 24, "day": 24, "month": 720}[self.query["period"]]
        open_cases = [one for one in self.cases if one["state"] == "open"]
        refused = sum(any(a["answer"] == "not_recognized" for a in one["answers"]) for one in open_cases)
        steps = {"hour": 2, "day": 24, "month": 30}[self.query["period"]]
        hours = [_hour(i, 24 if self.query["period"] == "month" else 1) for i in range(steps)]
        kinds = {"cases_not_recognized": refused, "webhooks_unproved": 1, "webhooks_failed": 1}
        answer = {
            "period": self.query["period"],
            "from": at(day * 60),
            "to": at(0),
            "as_of": at(0),
            "totals_from": at(day * 60)[:10] if self.query["period"] == "month" else at(0)[:10],
            "totals_to": at(0)[:10],
            "step": "day" if self.query["period"] == "month" else "hour",
            "totals": [_total("XAF", 8412, "1250340500", "981220750"), _total("EUR", 377, "88210.40", "102934.15")],
            "statuses": {"settled": 8789, "authorized": 1204, "reversed": 41, "declined": 133},
            "flags": {"large_amount": 9, "velocity": 4, "unusual_amount": 11, "duplicate_suspect": 3, "new_country": 0},
            "hours": hours[::-1],
            "emails": {
                **{
                    state: sum(one["emails"][state] for one in hours)
                    for state in ("sent", "delivered", "bounced", "failed")
                },
                "complained": 1,
                "rejected": 0,
                "suppressed": 14,
                "skipped": 702,
            },
            "latency": {"count": 8120, "p50_s": "0.14", "p95_s": "0.46"},
            "alerts": {"sent": 27, "recognized": 15, "not_recognized": 2},
            "webhooks": {"delivered": 212, "failed": 1},
            "cases": {"open": len(open_cases), "claimed": 1, "not_recognized": refused},
            "quota": self._quota().body["quotas"],  # type: ignore[index]
            "attention": [
                {"kind": kind, "count": count, "text": kind, "link": kind} for kind, count in kinds.items() if count
            ],
        }
        answer["days"] = []
        if self.query["period"] == "month":
            answer["days"] = [
                {
                    "date": at(i * 1440)[:10],
                    "currency": "XAF",
                    "count": 8000 + 37 * i % 1900,
                    "credit": "1",
                    "debit": "1",
                }
                for i in range(30)
            ][::-1]
        return Answer(200, {**answer, **self.today_changes})

    def _search(self) -> Answer:
        found = [
            one
            for one in samples.TRANSACTIONS
            if all(
                one.get(name) == self.query[name] for name in ("id", "account", "status", "type") if name in self.query
            )
            and self.query.get("flag", next(iter(one["flags"]), "")) in ("", *one["flags"])
        ]
        return Answer(200, {"transactions": found})

    def _transaction(self, name: str) -> Answer:
        found = next((one for one in samples.TRANSACTIONS if one["id"] == name), None)
        if found is None:
            return self.problem(404, "transaction_not_found", f"The bank has no transaction {name}.")
        is_first = name == samples.DETAILS["id"]
        cases = [one for one in self.cases if one["id"] == name]
        return Answer(
            200,
            {
                "transaction": samples.DETAILS if is_first else {**found, "related": []},
                "usual": samples.USUAL,
                "notifications": samples.NOTIFICATIONS if is_first else [],
                "webhooks": [_of_transaction(one) for one in samples.ATTEMPTS if one["transaction"] == name],
                **({"case": _shown(cases[0])} if cases else {}),
                "seen_by": [{"subject": "adam", "at": at(1)}] if is_first else [],
            },
        )

    def _account(self, account: str) -> Answer:
        holders = [
            {name: value for name, value in one.items() if name != "suppressed" or self.suppressed}
            for one in samples.HOLDERS
        ]
        transactions = [one for one in samples.TRANSACTIONS if one["account"] == account]
        return Answer(
            200,
            {
                "account": account,
                "usual": [samples.USUAL],
                "holders": holders,
                "transactions": transactions,
                "next_cursor": "c",
                "seen_by": [],
            },
        )

    def _holders(self) -> Answer:
        found = [{"account": "237-0041-8823", "holder": one} for one in samples.HOLDERS]
        return Answer(200, {"holders": [one for one in found if one["holder"]["email"] == self.query["email"]]})

    def _lift(self) -> Answer:
        self.suppressed = False
        return Answer(204, None)

    def _settings(self) -> Answer:
        return Answer(200, self.settings, {"ETag": f'"v{self.version}"'})

    def _patch(self) -> Answer:
        if self.headers.get("if-match") != f'"v{self.version}"':
            return self.problem(412, "precondition_failed", "The settings have changed.")
        for rule, changes in self.body["flags"].items():
            self.settings["flags"][rule].update(changes)
        self.version += 1
        return self._settings()

    def _trial(self) -> Answer:
        counts = {"transactions": 18204, "from": at(14 * 1440), "to": at(0), "is_complete": True}
        return Answer(200, {**counts, "rules": samples.TRIAL})

    def _precision(self) -> Answer:
        return Answer(
            200, {"from": self.query["from"], "to": self.query["to"], "is_complete": True, "rules": samples.PRECISION}
        )

    def _cases(self) -> Answer:
        state, is_mine = self.query.get("state", "open"), self.query.get("mine") == "true"
        found = [
            one
            for one in self.cases
            if one["state"] == state and (not is_mine or (one["claimed_by"] or {}).get("subject") == self.who)
        ]
        counts = {name: sum(one["state"] == name for one in self.cases) for name in ("open", "claimed")}
        counts["not_recognized"] = sum(bool(one["answers"]) for one in self.cases if one["state"] == "open")
        # A cursor is the place of the last case that was shown: here its weight.
        if "cursor" in self.query:
            found = [one for one in found if one["weight"] < int(self.query["cursor"])]
        listed = [_shown(one, is_whole=False) for one in found[: int(self.query.get("limit", 50))]]
        following = {"next_cursor": str(listed[-1]["weight"])} if len(listed) < len(found) else {}
        return Answer(200, {"cases": listed, "counts": counts, **following})

    def _case(self, name: str) -> Answer:
        found = next((one for one in self.cases if one["id"] == name), None)
        return (
            Answer(200, {"case": _shown(found)})
            if found
            else self.problem(404, "case_not_found", "There is no such case.")
        )

    def _next(self) -> Answer:
        found = next((one for one in self.cases if one["state"] == "open"), None)
        return self._work(found["id"], "claim") if found else self.problem(404, "no_open_case", "No case waits.")

    def _work(self, name: str, what: str) -> Answer:
        case = next(one for one in self.cases if one["id"] == name)
        author = {"kind": "staff", "id": self.who, "name": samples.MEMBERS[self.who]["name"]}
        by = {"subject": self.who, "name": author["name"]}
        if what == "claim" and case["state"] != "open":
            return self.problem(409, "case_claimed", "The case is claimed.")
        if what in ("close", "notes", "release") and (case["claimed_by"] or {}).get("subject") != self.who:
            return self.problem(409, "case_not_yours", "Claim the case first.")
        case.update(
            {
                "claim": {"state": "claimed", "claimed_by": by, "claimed_at": at(0)},
                "release": {"state": "open", "claimed_by": None, "claimed_at": None},
                "notes": {},
                "close": {"state": "closed", "outcome": (self.body or {}).get("outcome"), "closed_at": at(0)},
                "reopen": {"state": "open", "claimed_by": None, "outcome": None, "closed_at": None},
            }[what]
        )
        told = {"claim": "claimed", "release": "released", "notes": "noted", "close": "closed", "reopen": "reopened"}
        entry = {"at": at(0), "by": author, "what": told[what]}
        note = (self.body or {}).get("note") or (self.body or {}).get("text")
        outcome = (self.body or {}).get("outcome")
        case["history"].append(
            {**entry, **({"note": note} if note else {}), **({"outcome": outcome} if outcome else {})}
        )
        return Answer(200, {"case": _shown(case)})

    def _attempts(self) -> Answer:
        return Answer(200, {"endpoints": samples.ENDPOINTS, "attempts": samples.ATTEMPTS})

    def _test(self) -> Answer:
        tests = [
            {
                "id": f"msg_{i}",
                "endpoint": one["id"],
                "url": one["url"],
                "answer": ["204", "503"][i],
                "accepted": i == 0,
            }
            for i, one in enumerate(samples.ENDPOINTS)
        ]
        return Answer(200, {"tests": tests})

    def _resend(self, name: str) -> Answer:
        return Answer(200, {"id": name, "type": "transaction.flagged", "endpoint": "e", "state": "queued"})

    def _secret(self) -> Answer:
        return Answer(200, {"secret": samples.SECRET, "previous_valid_until": at(-1440)})

    def _body(self, name: str) -> Answer:
        found = next(one for one in samples.ATTEMPTS if one["id"] == name)
        data = {"transaction": found["transaction"]}
        body = json.dumps({"type": found["type"], "timestamp": found["at"], "data": data})
        return Answer(200, {"id": name, "type": found["type"], "endpoint": found["endpoint"], "body": body})

    def _audit(self) -> Answer:
        def entry(i: int, kind: str, who: str, action: str, fields: list[str]) -> Json:
            author = {"kind": kind, "id": who}
            rest = {"subject": f"{i}c5d1e9a77b2f04" if fields else None, "source_ip": "192.0.2.17", "request_id": "r"}
            return {
                "id": f"e{i}",
                "bank": "eazycard",
                "at": at(i * 17),
                "author": author,
                "action": action,
                "fields": fields,
                **rest,
            }

        entries = [
            entry(1, "staff", "ines", "transaction.viewed", []),
            entry(2, "staff", "adam", "settings.patch", ["flags.velocity"]),
            entry(3, "holder", "4f8a01c2", "holder.preferences", ["preferences.muted"]),
            entry(4, "api_key", "b3d07e11", "holder.put", ["email", "name", "preferences"]),
            entry(5, "operator", "arn:aws:sts::123456789012:assumed-role/ops/kim", "bank.plan", ["plan"]),
        ]
        return Answer(200, {"entries": entries})

    def _quota(self) -> Answer:
        quotas = [
            {"what": "transactions", "used": 41230, "limit": 50000},
            {"what": "emails", "used": 30112, "limit": 100000},
        ]
        return Answer(200, {"plan": "standard", "resets_at": "2026-07-01T00:00:00Z", "quotas": quotas})


def _hour(i: int, hours: int) -> Json:
    sent = (260 + (i * 67) % 190 - (120 if 6 < i < 14 else 0)) * hours
    failed = (i * 5) % 4
    emails = {"sent": sent, "delivered": sent - failed - (9 if i == 0 else i % 2), "bounced": failed, "failed": 0}
    hour = at(31 + i * 60 * hours)[:14] + "00:00Z"
    others = dict.fromkeys(("complained", "rejected", "suppressed", "skipped"), 0)
    return {
        "hour": hour,
        "transactions": sent + 40,
        "flagged": i % 3,
        "emails": {**emails, **others},
        "alerts": i % 3,
        "webhooks": {"delivered": 9, "failed": 0},
    }


def _total(currency: str, count: int, credit: str, debit: str) -> Json:
    largest = {"id": "card-88120", "account": "237-0041-8823", "amount": "2400000" if currency == "XAF" else "9100.00"}
    net = {"XAF": "269119750", "EUR": "-14723.75"}[currency]
    return {
        "currency": currency,
        "count": count,
        "credit": {"count": count // 5, "amount": credit},
        "debit": {"count": count - count // 5, "amount": debit},
        "reversed": {"credit": {"count": 0, "amount": "0"}, "debit": {"count": 0, "amount": "0"}},
        "net": net,
        "average": {"XAF": "265284", "EUR": "506.99"}[currency],
        "max_transaction": {**largest, "type": "debit", "timestamp": at(200)},
    }


def _of_transaction(attempt: Json) -> Json:
    return {name: value for name, value in attempt.items() if name not in ("endpoint", "url", "transaction")}


def _shown(case: Json, is_whole: bool = True) -> Json:
    absent = {"claimed_by"} if case["claimed_by"] is None else set()
    return {name: value for name, value in case.items() if name not in absent | (set() if is_whole else {"history"})}
