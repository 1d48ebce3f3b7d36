"""Generate the files derived from the wire shapes, or check that they are up to date.

``contract/openapi.json`` is generated from the server's routes, and ``client/src/terrarium/_wire.py`` from
that. The same sources give the same bytes. ``--check`` compares and lists stale files; ``--wire-only``
generates only the client's types, from the present document.
"""

import argparse
import difflib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = Path("contract/openapi.json")
WIRE = Path("client/src/terrarium/_wire.py")

HEADER = (
    '''"""The shapes on the wire. Generated from contract/openapi.json by `make contract`; do not edit."""'''
)

# A client accepts what the server sends. Only the server checks bounds, and titles only repeat the names.
_SERVER_ONLY = {
    "additionalProperties": lambda value: value is False,
    "exclusiveMaximum": lambda value: True,
    "exclusiveMinimum": lambda value: True,
    "format": lambda value: True,
    "maxLength": lambda value: True,
    "maximum": lambda value: True,
    "maxItems": lambda value: True,
    "minLength": lambda value: True,
    "minimum": lambda value: True,
    "minItems": lambda value: True,
    "pattern": lambda value: True,
    "title": lambda value: isinstance(value, str),
}


def document() -> str:
    """The OpenAPI document of the present server."""
    from terrarium_server.app import openapi_document

    return json.dumps(openapi_document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def wire(openapi: str) -> str:
    """The client's types for a document."""
    schemas: dict[str, Any] = json.loads(openapi)["components"]["schemas"]
    loose = {
        "openapi": "3.1.0",
        "info": {"title": "wire", "version": "0"},
        "paths": {},
        "components": {"schemas": {name: _loosened(schema) for name, schema in schemas.items()}},
    }
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "openapi.json"), Path(folder, "_wire.py")
        source.write_text(json.dumps(loose), encoding="utf-8")
        command = [
            *(sys.executable, "-m", "datamodel_code_generator"),
            *("--input", str(source), "--input-file-type", "openapi", "--openapi-scopes", "schemas"),
            *("--output", str(target), "--output-model-type", "pydantic_v2.BaseModel"),
            *("--base-class", "terrarium._model.FloraModel"),
            *("--target-python-version", "3.11", "--target-pydantic-version", "2.12"),
            *("--enum-field-as-literal", "all"),
            *("--use-standard-collections", "--use-union-operator", "--use-schema-description"),
            *("--use-field-description", "--use-single-line-docstring", "--use-double-quotes"),
            *("--keep-model-order", "--disable-timestamp", "--disable-future-imports"),
            *("--custom-file-header", HEADER, "--formatters", "builtin"),
        ]
        _run(command)
        _run(
            [
                sys.executable,
                "-m",
                "ruff",
                "check",
                "--isolated",
                "--quiet",
                "--fix",
                "--select",
                "I,UP",
                str(target),
            ]
        )
        _run(
            [
                sys.executable,
                "-m",
                "ruff",
                "format",
                "--isolated",
                "--quiet",
                "--line-length",
                "110",
                str(target),
            ]
        )
        return target.read_text(encoding="utf-8")


def _loosened(schema: Any, *, keys_are_fields: bool = False) -> Any:
    if isinstance(schema, list):
        return [_loosened(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        # Under "properties" the keys are names of fields, and a field may be called "title" or "format".
        if not keys_are_fields and key in _SERVER_ONLY and _SERVER_ONLY[key](value):
            continue
        if not keys_are_fields and key in ("default", "enum", "const", "example", "examples"):
            kept[key] = value
        else:
            kept[key] = _loosened(value, keys_are_fields=not keys_are_fields and key == "properties")
    return kept


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command[1:4])} failed:\n{done.stdout}{done.stderr}")


def stale(generated: dict[Path, str]) -> list[str]:
    """A description of each file in the tree that differs from the generated text."""
    descriptions: list[str] = []
    for path, text in generated.items():
        file = ROOT / path
        committed = file.read_text(encoding="utf-8") if file.exists() else ""
        if committed != text:
            changes = difflib.unified_diff(
                committed.splitlines(), text.splitlines(), "committed", "generated", lineterm="", n=1
            )
            descriptions.append("\n".join([f"{path} is stale", *list(changes)[:20]]))
    return descriptions


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is stale")
    parser.add_argument("--wire-only", action="store_true", help="use the present contract/openapi.json")
    arguments = parser.parse_args()

    openapi = (ROOT / DOCUMENT).read_text(encoding="utf-8") if arguments.wire_only else document()
    generated = {DOCUMENT: openapi, WIRE: wire(openapi)}
    if arguments.check:
        if descriptions := stale(generated):
            sys.exit("\n\n".join([*descriptions, "Run `make contract` and commit what it changes."]))
        return
    for path, text in generated.items():
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
