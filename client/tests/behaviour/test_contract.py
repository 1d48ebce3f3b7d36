"""Both clients have a method for every operation of the contract."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from terrarium import AsyncFlora, Flora

CONTRACT = Path(__file__).parents[3] / "contract/openapi.json"
RENAMED = {"all": "unavailable"}


def operations() -> dict[str, set[str]]:
    """What each operation takes, except for headers, by its id, which is ``resource_method``."""
    document = json.loads(CONTRACT.read_text("utf-8"))
    found: dict[str, set[str]] = {}
    for operation in [each for path in document["paths"].values() for each in path.values()]:
        taken: set[str] = {each["name"] for each in operation.get("parameters", []) if each["in"] != "header"}
        schema = (
            operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        )
        for reference in [each["$ref"] for each in [schema, *schema.get("anyOf", [])] if "$ref" in each]:
            taken |= {*document["components"]["schemas"][reference.rpartition("/")[2]]["properties"]}
        found[operation["operationId"]] = {RENAMED.get(name, name) for name in taken}
    return found


OPERATIONS = operations()


@pytest.mark.parametrize("client", [Flora, AsyncFlora])
@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_every_operation_has_a_method_with_its_arguments(client: Any, operation_id: str) -> None:
    resource, _, name = operation_id.partition("_")
    method = getattr(getattr(client(), resource), name)
    assert OPERATIONS[operation_id] <= {*inspect.signature(method).parameters}
