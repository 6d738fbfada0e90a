"""The documents are true to the tree: all that they name exists, and one `POST` goes the way that they describe."""

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app_bench import Bench
from tests.walk import Walk, functions_called
from tests.webhook_endpoint import Endpoint, endpoint  # noqa: F401

PROJECT = Path(__file__).parent.parent
DOCUMENTS = {
    path.relative_to(PROJECT).as_posix(): path.read_text("utf-8")
    for path in (PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md")))
}
MAKEFILE = (PROJECT / "Makefile").read_text("utf-8")
FOLDERS = (
    "bank_simulator|bench|chalicelib|docs|infra|local_cloud|mail_gallery|mutants|openapi|operations|tests|vendoring"
)
PACKAGES = [path.parent.name for path in (PROJECT / "chalicelib").glob("*/__init__.py")]
PATH = rf"(?<![\w./-])(?:{FOLDERS}|\.ci)/[\w./*-]*[\w*]"
MODULE = re.compile(rf"`((?:{'|'.join(PACKAGES)})\.\w+)(?::[\w.]+)?`|`((?:{FOLDERS})\.\w+)\b")
STEP = re.compile(r"`([a-z_.]+:[\w.]+)`")


def named(pattern: str | re.Pattern[str], text: str) -> list[str]:
    return sorted({match if isinstance(match, str) else "".join(match) for match in re.findall(pattern, text)})


def code_in(text: str) -> str:
    """Return what a document shows as code: its blocks and, outside of them, what stands in backticks."""
    blocks = re.findall(r"^```.*?^```", text, re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return "\n".join([*blocks, *spans])


def is_there(path: str) -> bool:
    return bool(list(PROJECT.glob(path))) if "*" in path else (PROJECT / path).exists()


def is_command(module: str) -> bool:
    spec = importlib.util.find_spec(module)
    if spec is None:
        return False
    return not spec.submodule_search_locations or importlib.util.find_spec(f"{module}.__main__") is not None


def is_module(name: str) -> bool:
    folder = "chalicelib" if name.partition(".")[0] in PACKAGES else ""
    return (PROJECT / folder / f"{name.replace('.', '/')}.py").exists()


def is_target(name: str) -> bool:
    return re.search(rf"^{name}:", MAKEFILE, re.MULTILINE) is not None


def heading_marks(text: str) -> set[str]:
    """Return what a link may name after `#`, as GitHub makes it of the headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize(
    ("pattern", "exists"),
    [
        pytest.param(PATH, is_there, id="path"),
        pytest.param(r"python3? -m ([\w.]+\b)(?!\.?<)", is_command, id="command"),
        pytest.param(r"\bmake (?:-s )?([a-z][a-z-]*)", is_target, id="make target"),
        pytest.param(MODULE, is_module, id="module"),
    ],
)
def test_what_a_document_names_exists(
    document: str, pattern: str | re.Pattern[str], exists: Callable[[str], bool]
) -> None:
    text = DOCUMENTS[document]
    code = text if pattern is MODULE else code_in(text)
    assert not [name for name in named(pattern, code) if not exists(name)]


def test_what_make_runs_exists() -> None:
    assert not [path for path in named(PATH, MAKEFILE) if not is_there(path)]
    commands = named(r"\$\(PY\) -m ([\w.]+)", MAKEFILE)
    assert "local_cloud" in commands
    assert not [module for module in commands if not is_command(module)]


def test_the_tests_of_names_can_fail() -> None:
    assert named(MODULE, "`ledger.intake:Intake.record`, `operations.banks create`") == [
        "ledger.intake",
        "operations.banks",
    ]
    assert is_module("ledger.intake")
    assert is_module("operations.banks")
    assert not is_module("ledger.nothing")
    assert not is_there("chalicelib/intake.py")
    assert not is_command("infra.banks")
    assert not is_target("nothing")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_link_leads_to_a_file_and_a_heading(document: str) -> None:
    for target, mark in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", DOCUMENTS[document]):
        path = PROJECT / document
        path = (path.parent / target).resolve() if target else path
        assert path.exists(), target
        assert not mark or mark in heading_marks(path.read_text("utf-8")), f"{target}#{mark}"


def test_a_folder_of_the_tree_is_in_the_readme() -> None:
    folders = {path.parent.name for path in PROJECT.glob("*/__init__.py")} | {"docs", ".chalice"}
    packages = {f"chalicelib/{name}" for name in PACKAGES}
    rows = set(re.findall(r"^\| `([\w./]+)/` \|", DOCUMENTS["README.md"], re.MULTILINE))
    assert rows == folders - {"chalicelib"} | packages


def test_every_document_is_linked_in_the_readme() -> None:
    assert [name for name in DOCUMENTS if name != "README.md" and f"]({name})" not in DOCUMENTS["README.md"]] == []


def test_one_post_goes_through_the_functions_in_the_order_that_the_architecture_lists(
    bench: Bench,
    endpoint: Endpoint,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    section = DOCUMENTS["docs/architecture.md"].split("## One POST", 1)[1].split("**How many", 1)[0]
    by_function = [STEP.findall(part) for part in re.split(r"^\*\*.+\*\*$", section, flags=re.MULTILINE)[1:]]
    walk = Walk(bench, endpoint, monkeypatch)
    assert len(by_function) == len(walk.steps)
    for listed, step in zip(by_function, walk.steps, strict=True):
        with functions_called() as called:
            step()
        assert len(listed) >= 4
        assert not [name for name in listed if name not in called]
        assert [name for name in called if name in listed] == listed
    webhook, test = endpoint.received()  # newest first
    assert test["type"] == "webhook.test"
    assert (webhook["type"], webhook["is_signature_valid"]) == ("notification.delivered", True)
