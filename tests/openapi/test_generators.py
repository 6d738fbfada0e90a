"""What the description must not have, because generators of clients fail at it. `tests/clients/proof.py` tries them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.notifications.state import State
from infra.package import PROJECT_DIR
from tests.clients.generated import CLIENTS
from tests.described import DESCRIPTION

SCHEMAS: dict[str, Any] = DESCRIPTION["components"]["schemas"]
OPERATIONS = {
    operation["operationId"]: operation for path in DESCRIPTION["paths"].values() for operation in path.values()
}


def nodes(value: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk through all objects within a value, each with where it is."""
    if isinstance(value, dict):
        yield path, value
        for name, inner in value.items():
            if name not in ("example", "examples"):
                yield from nodes(inner, f"{path}/{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from nodes(inner, f"{path}/{index}")


def schemas_of_answers() -> dict[str, Any]:
    """Return the schemas that responses refer to, and those that they refer to, by name."""
    found: dict[str, Any] = {}
    waiting = [node["$ref"] for one in OPERATIONS.values() for _, node in nodes(one["responses"]) if "$ref" in node]
    while waiting:
        kind, name = waiting.pop().removeprefix("#/components/").split("/")
        if kind == "schemas" and name not in found:
            found[name] = SCHEMAS[name]
            waiting += [node["$ref"] for _, node in nodes(SCHEMAS[name]) if "$ref" in node]
    return found


def json_schema(response: dict[str, Any], media_type: str = "application/json") -> Any:
    return response.get("content", {}).get(media_type, {}).get("schema")


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_all_errors_are_one_schema_and_so_are_all_answers_of_success(operation_id: str) -> None:
    responses = OPERATIONS[operation_id]["responses"]
    succeeded = [json_schema(response) for status, response in responses.items() if status.startswith("2")]
    assert all(schema == succeeded[0] for schema in succeeded)
    problems = [json_schema(response, "application/problem+json") for response in responses.values()]
    assert all(schema in (None, {"$ref": "#/components/schemas/Problem"}) for schema in problems)
    assert any(problems)


def test_what_is_answered_is_open_text_and_never_a_closed_list() -> None:
    answers = schemas_of_answers()
    assert {
        "JudgedTransaction",
        "TransactionDetails",
        "BatchReceipt",
        "AllSettings",
        "ChangedNotification",
        "Problem",
    } <= answers.keys()
    for path, node in nodes(answers):
        assert "enum" not in node, path
        assert "const" not in node, path
        assert node.get("additionalProperties") is not False, path
    for name in ("Notification", "ChangedNotification", "NotificationEvent"):
        state = SCHEMAS[name]["properties"]["state"]
        assert state["type"] == "string"
        assert state["x-extensible-enum"] == [one.value for one in State]
        assert all(f"`{one.value}`" in state["description"] for one in State)


def test_no_schema_is_put_together_of_others() -> None:
    for path, node in nodes({"schemas": SCHEMAS, "paths": DESCRIPTION["paths"]}):
        if path.endswith("/properties"):  # its keys are names of fields, of which one is `then`
            continue
        assert not node.keys() & {"allOf", "anyOf", "oneOf", "not", "if", "then", "else"}, path


def test_whatever_has_a_type_of_its_own_has_no_default_beside_it() -> None:
    defaults = [(path, node) for path, node in nodes(SCHEMAS) if "default" in node and not path.endswith("/properties")]
    assert len(defaults) > 5
    for path, node in defaults:
        assert "$ref" not in node, path
        assert isinstance(node["type"], str), path
        assert node["type"] != "object", path


def test_what_must_not_be_left_out_by_a_client_s_own_default_has_one_in_the_description() -> None:
    types = SCHEMAS["Preferences"]["properties"]["types"]
    assert types["minItems"] == 1
    assert types["default"] == ["credit", "debit"]


def test_every_string_that_can_t_be_empty_says_so_by_its_least_length() -> None:
    patterns = [(path, node) for path, node in nodes(SCHEMAS) if isinstance(node.get("pattern"), str)]
    assert len(patterns) > 20
    for path, node in patterns:
        takes_empty = re.search(node["pattern"], "") is not None and not node.get("minLength")
        assert takes_empty or node["minLength"] >= 1, path


def test_times_and_dates_have_no_pattern() -> None:
    for path, node in nodes(DESCRIPTION):
        if node.get("format") in ("date", "date-time"):
            assert "pattern" not in node, path


def test_webhooks_have_a_tag_of_their_own_and_name_the_class_of_their_body() -> None:
    tags = {tag for operation in OPERATIONS.values() for tag in operation["tags"]}
    for webhook in DESCRIPTION["webhooks"].values():
        assert not tags & set(webhook["post"]["tags"])
        body = webhook["post"]["requestBody"]
        assert body["content"]["application/json"]["schema"]["$ref"].endswith(f"/{body['x-py-typing']}")
        assert "parameters" not in webhook["post"]


def test_a_body_has_one_type_of_content() -> None:
    bodies = [operation["requestBody"] for operation in OPERATIONS.values() if "requestBody" in operation]
    assert len(bodies) > 3
    assert all(len(body["content"]) == 1 for body in bodies)


def test_it_says_where_the_service_is_whose_it_is_and_on_which_terms() -> None:
    (server,) = DESCRIPTION["servers"]
    assert server["url"].startswith("https://")
    assert "@" in DESCRIPTION["info"]["contact"]["email"]
    assert DESCRIPTION["info"]["license"]["identifier"].startswith("LicenseRef-")


def test_the_documentation_names_each_generator_and_its_command_and_program() -> None:
    class Named:
        class_path = "…"
        python = "python"

        def script(self, name: str) -> str:
            return name

        node_script = script

    documentation = (PROJECT_DIR / "docs" / "clients.md").read_text()
    for name, client_of in CLIENTS.items():
        client = client_of(Named())
        assert name in documentation
        assert " ".join(client.generate) in " ".join(documentation.replace("\\\n", "").split()), name
        assert f"../tests/clients/programs/{client.program}" in documentation
