"""Each code that the service can answer has words in the console, in both languages."""

import ast
import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from chalicelib.audit import entry
from chalicelib.banks.plans import Metered
from chalicelib.banks.thresholds import FLAGS, MODES
from chalicelib.banks.webhook_endpoints import Status
from chalicelib.cases.case import Outcome, What
from chalicelib.cases.case import State as CaseState
from chalicelib.flags.answers import Answer
from chalicelib.holders.confirmation import NOT_CONFIRMED
from chalicelib.ledger.purchase import Role
from chalicelib.ledger.relations import RELATIONS
from chalicelib.ledger.transaction import STATUSES, TYPES
from chalicelib.notifications.email_quota import OVER_QUOTA
from chalicelib.notifications.state import State
from chalicelib.notifications.verdicts import REASONS
from chalicelib.staff.member import Group
from chalicelib.webhooks.records import Standing
from chalicelib.webhooks.webhook import TYPES as WEBHOOK_TYPES
from tests.browser import browser  # noqa: F401
from tests.console.pages import (
    in_module,
    reading,  # noqa: F401
)

FOLDER = Path("chalicelib/api/console_files")
ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
# What adds an entry to the audit trail.
NOTING = {"note_change", "noted_once", "note", "of_bank", "of_holder", "of_transaction", "of_address", "of_member"}
# The ends of actions that are put together: f"case.{what}".
PUT_TOGETHER = {
    "settings": ["put", "patch"],
    "case": ["claim", "release", "note", "close", "reopen"],
    "member": ["disable", "enable"],
}
# What the commands of `operations.banks` change; they keep their actions in a table.
OF_OPERATORS = {"bank", "key", "signing_secret"}
# Strings that look like actions: types of webhooks, the source of events, and files.
NO_ACTIONS = {*WEBHOOK_TYPES, "bank.transactions", "preferences.html", "preferences.css"}


@functools.cache
def code() -> list[ast.AST]:
    """Return all nodes of the code."""
    # Read once, and not at import: that would take a third of the time in which each worker looks for its tests.
    files = [path for top in ("chalicelib", "operations") for path in sorted(Path(top).rglob("*.py"))]
    return [node for path in files for node in ast.walk(ast.parse(path.read_text()))]


def calls() -> Iterator[tuple[str, ast.Call]]:
    for node in code():
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", "")), node


def texts(nodes: list[ast.expr]) -> list[str]:
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def actions() -> set[str]:
    """Return the actions of audit entries, as the code names them."""
    noted = [node for name, node in calls() if name in NOTING]
    found = {text for node in noted for text in texts(node.args) if ACTION.fullmatch(text)}
    begun = {
        text for node in noted for arg in node.args if isinstance(arg, ast.JoinedStr) for text in texts(arg.values)
    }
    assert begun == {f"{name}." for name in PUT_TOGETHER}
    found |= {f"{name}.{end}" for name, ends in PUT_TOGETHER.items() for end in ends}
    kinds = {action.partition(".")[0] for action in found}
    for text in texts([node for node in code() if isinstance(node, ast.expr)]):
        if ACTION.fullmatch(text) and text.partition(".")[0] in {*kinds, *OF_OPERATORS}:
            found.add(text)
    return found - NO_ACTIONS | {"webhook.test"}  # which is both


def outcomes() -> set[str]:
    """Return the codes of what is no HTTP answer of an endpoint."""
    codes = {
        text for _, node in calls() for word in node.keywords if word.arg == "problem" for text in texts([word.value])
    }
    poster = ast.parse(Path("chalicelib/webhooks/poster.py").read_text())
    (problem,) = [node for node in poster.body if isinstance(node, ast.FunctionDef) and node.name == "_problem"]
    return codes | set(texts([node for node in ast.walk(problem) if isinstance(node, ast.expr)]))


def reasons() -> set[str]:
    """Return the codes why a notification is in its state, without those that SES and mail servers say."""
    skipped = {text for name, node in calls() if name in ("Skip", "Wait") for text in texts(node.args)}
    changed = {text for name, node in calls() if name in ("change", "StateChange") for text in texts(node.args)}
    told_before = {"told_as_authorization", "told_as_settlement"}
    put = {"put_off", "refused", "given_up", "hard", "soft", "authorization_first", "digest", "alerts.queued"}
    # A digest alone has nothing to tell: it is no notification of a transaction.
    return {*skipped, *changed, *told_before, *put, *REASONS, NOT_CONFIRMED, OVER_QUOTA} - {"nothing_to_tell"}


def said(language: str) -> dict[str, list[str]]:
    """Return the texts of each key: one, or one for each plural."""
    file = (FOLDER / f"{language}.js").read_text()
    found = re.findall(r'^  "([^"]+)": ("[^"]*"|\{[^}"]*(?:"[^"]*"[^}"]*)+\}),$', file, re.MULTILINE)
    return {key: re.findall(r'"([^"]*)"', texts) for key, texts in found}


def words(language: str) -> dict[str, str]:
    return {key: texts[0] for key, texts in said(language).items()}


IN_CODE = {"action": actions, "outcome": outcomes, "why": reasons}
CODES: dict[str, set[str]] = {
    "role": set(Role),
    "relation": {name for both in RELATIONS.values() for name in both},
    "notification": set(State),
    "attempt": set(Standing),
    "endpoint": set(Status),
    "status": set(STATUSES),
    "type": set(TYPES),
    "flag": set(FLAGS),
    "reason": set(FLAGS),
    "mode": set(MODES),
    "case": {*CaseState, *Outcome},
    "history": set(What),
    "answer": set(Answer),
    "author": {entry.API_KEY, entry.OPERATOR, entry.HOLDER, entry.STAFF},
    "group": set(Group),
    "quota": set(Metered),
    "suppression": set(REASONS),
}


def codes(kind: str) -> set[str]:
    return IN_CODE[kind]() if kind in IN_CODE else CODES[kind]


@pytest.mark.parametrize("kind", [*IN_CODE, *CODES])
def test_each_code_has_words_in_both_languages(kind: str) -> None:
    assert len(codes(kind)) >= 2
    for language in ("en", "fr"):
        assert {f"{kind}.{code}" for code in codes(kind)} - words(language).keys() == set(), language


def test_no_words_are_of_an_action_or_an_outcome_that_nothing_answers() -> None:
    for kind in ("action", "outcome", "role"):
        named = {key.partition(".")[2] for key in words("en") if key.startswith(f"{kind}.")}
        assert named == codes(kind)


@pytest.mark.parametrize(
    ("code", "state", "said"),
    [
        ("alerts", "skipped", "The holder has ended alerts"),
        ("alerts", "queued", "Held back to be told with other alerts"),
        ("soft: MailboxFull", "sent", "Refused for now by the mail server: MailboxFull"),
        ("put_off: authorization_first", "queued", "Put off: the e-mail about the authorization comes first"),
        ("of_a_later_release", "skipped", "of a later release"),
        ("later: code", "skipped", "later: code"),
    ],
)
def test_a_reason_is_said_in_words_also_with_the_code_of_a_mail_server(
    reading: Callable[[str], Page],  # noqa: F811
    code: str,
    state: str,
    said: str,
) -> None:
    assert in_module(reading("en"), "rows.js", "m.why(...x)", [code, state]) == said


def test_the_french_is_set_as_french_is() -> None:
    assert len(said("fr")) > 500
    for name, texts in said("fr").items():
        for text in texts:
            assert "'" not in text, name
            assert not re.search(r"[^\u00a0\u202f][?!;%»]", text), name
            assert not re.search(r"«(?!\u00a0)", text), name
            assert not re.search(r"(?<![\u00a0\d])[:]", text), name
            assert not re.search(r"[?!;](?<=\u00a0.)", text), name  # a narrow one stands before these


def test_words_that_go_with_a_number_have_a_singular_where_they_need_one() -> None:
    for language in ("en", "fr"):
        for name, texts in said(language).items():
            for text in texts:
                plural = re.search(r"\{(?:count|number|minutes|seconds|min_count)\} [a-z’é]+s\b", text)
                # More than so many, and what only comes in numbers.
                if plural and name not in ("reason.velocity",):
                    assert len(texts) == 2, (language, name)
            assert len(texts) == 1 or len(set(texts)) == 2, (language, name)


@pytest.mark.parametrize(
    ("language", "call", "said"),
    [
        ("fr", "i.t('today.flagged', {count: 0, number: 0})", "0 signalée"),
        ("fr", "i.t('today.flagged', {count: 1, number: 1})", "1 signalée"),
        ("fr", "i.t('today.flagged', {count: 2, number: 2})", "2 signalées"),
        (
            "en",
            "f.inWords('velocity', {count: 8, minutes: 1})",
            "when there are more than 8 on an account within 1 minute",
        ),
        ("fr", "f.inWords('velocity', {count: 8, minutes: 1})", "quand il y en a plus de 8 sur un compte en 1 minute"),
        ("fr", "f.inWords('new_country', {min_count: 1})", "dans un pays nouveau pour le compte, dès 1 transaction"),
        (
            "fr",
            "f.inWords('unusual_amount', {times: '2.5', deviations: '1.5', min_count: 20})",
            "d’au moins 2,5 fois la moyenne du compte, et 1,5 fois l’écart type au-dessus, dès 20 transactions",
        ),
        (
            "en",
            "r.reason('new_country', {country: 'FR', known: ['CM'], count: 1})",
            "The account was never used in France. 1 transaction before was in Cameroon.",
        ),
        (
            "fr",
            "r.reason('duplicate_suspect', {seconds: 1})",
            "Le même montant chez le même commerçant, 1 seconde avant.",
        ),
    ],
)
def test_numbers_are_said_as_the_language_says_them(
    reading: Callable[[str], Page],  # noqa: F811
    language: str,
    call: str,
    said: str,
) -> None:
    names = {"i": "i18n.js", "f": "view_flags.js", "r": "rows.js"}
    found = in_module(reading(language), names[call[0]], call.replace(f"{call[0]}.", "m.", 1), None)
    assert found.replace("\u00a0", " ").replace("\u202f", " ") == said
