"""schemathesis, from the API's description: the app does what it says, whatever is sent, and nothing else."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from chalicelib.ledger.money import ALPHA_2
from infra.package import PROJECT_DIR
from tests.api_server import KEY, serving, staff_token
from tests.described import DESCRIPTION
from tests.sharpened import sharpened
from tests.sizes import IS_LONG

CONFIG = PROJECT_DIR / "tests" / ("schemathesis-long.toml" if IS_LONG else "schemathesis.toml")


@pytest.fixture(scope="module")
def api_url() -> Iterator[str]:
    with serving(is_fuzzed=True) as url:
        yield url


def description() -> dict[str, Any]:
    """Return the sharpened description, with three changes.

    Answers are closed: a field that it doesn't have is a failure. The lists of codes are short, because every value is
    a request: of 600 time zones there are the first, the last, and those that are named elsewhere. And no URI with a
    pattern is said to be one: to look for what has the pattern and is no URI takes long, and there is none.
    """
    document = sharpened(DESCRIPTION)
    schemas = document["components"]["schemas"]
    lists = {name: schemas[name].pop("enum") for name in ("Country", "Currency", "Locale", "TimeZone")}
    named = set(re.findall(r'(?<=")[^"\\]*(?=")', json.dumps(document).replace("\\", "")))
    for name, codes in lists.items():
        shown = [code for code in codes if code in (codes[0], codes[-1]) or code in named]
        # A country's code of three letters is answered as that of two.
        schemas[name]["enum"] = sorted({*shown, *(ALPHA_2[code] for code in shown if name == "Country")})
    for schema in schemas.values():
        if "properties" in schema:
            schema["additionalProperties"] = False
        for field in schema.get("properties", {}).values():
            if field.get("format") == "uri" and "pattern" in field:
                del field["format"]
    return document


def schemathesis(document: dict[str, Any], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    file = folder / "openapi.json"
    file.write_text(json.dumps(document))
    return subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            *("--config-file", CONFIG),
            *("run", file, "--no-color", "--header", f"x-api-key: {KEY}"),
            *("--header", f"Authorization: Bearer {staff_token()}", *arguments),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT_DIR)},
        capture_output=True,
        text=True,
        timeout=1200 if IS_LONG else 600,
    )


def test_the_app_does_what_its_description_says_and_nothing_else(
    api_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = schemathesis(description(), tmp_path, "--url", api_url)
    capsys.readouterr()  # the app's metrics, in which the report would drown
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)
    for phase in ("Examples", "Coverage", "Fuzzing", "Stateful"):
        assert f"✅ {phase}\n" in done.stdout
    ((followed, described),) = re.findall(r"API Links: +(\d+) covered / \d+ selected / (\d+) total", done.stdout)
    assert int(followed) >= int(described) * 2 / 3, f"{followed} of {described} links were followed"


def _limit(document: dict[str, Any], path: str) -> dict[str, Any]:
    parameters = document["paths"][path]["get"]["parameters"]
    schema: dict[str, Any] = next(one["schema"] for one in parameters if one.get("name") == "limit")
    return schema


def test_a_description_that_is_wrong_is_found_out(api_url: str, tmp_path: Path) -> None:
    document = description()
    del document["paths"]["/health"]["get"]["responses"]["200"]
    received = document["components"]["schemas"]["ReceivedTransaction"]
    del received["properties"]["recorded_at"]
    received["required"].remove("recorded_at")
    _limit(document, "/accounts/{account}/transactions")["maximum"] = 1000
    _limit(document, "/notifications")["maximum"] = 10
    lies = {
        "getHealth": "Undocumented status code",
        "recordTransaction": "Response violates schema",
        "listTransactions": "Schema-valid request rejected",
        "followNotifications": "Schema-violating request accepted",
    }
    report = tmp_path / "report.xml"
    operations = [argument for name in lies for argument in ("--include-operation-id", name)]
    done = schemathesis(
        document, tmp_path, "--url", api_url, "--phases", "coverage", "--report-junit-path", str(report), *operations
    )
    assert done.returncode == 1
    paths = {
        operation["operationId"]: f"{method.upper()} {path}"
        for path, of_path in document["paths"].items()
        for method, operation in of_path.items()
        if isinstance(operation, dict) and "operationId" in operation
    }
    told = {
        case.get("name", ""): " ".join(failure.text or "" for failure in case.iter("failure"))
        for case in ElementTree.parse(report).iter("testcase")
    }
    for operation, lie in lies.items():
        assert lie in told[paths[operation]], operation
