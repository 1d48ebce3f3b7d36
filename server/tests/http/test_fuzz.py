"""Thousands of hostile requests to every route: each is answered, or refused in the closed envelope."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from support.application import Application
from support.envelope import rejected_fields
from terrarium_server import wire
from terrarium_server.http import api, unversioned

from . import corpus, corpus_headers, mutations
from .exchange import Operation, Request, operations
from .fuzz_target import Target, new_target

OPERATIONS = list(operations([*api.routes, *unversioned.routes]))
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
each_with_body = pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.body], ids=str)
each_with_query = pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.query], ids=str)
each_with_path = pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.path_params], ids=str
)


@pytest.fixture(scope="module")
def target(api_only: Application) -> Target:
    return new_target(api_only)


def test_every_route_of_the_application_is_tried(api_only: Application) -> None:
    others = {str(operation) for operation in operations(api_only.app.routes)} - set(map(str, OPERATIONS))
    assert others == {"GET /openapi.json", "HEAD /openapi.json"}


@each_operation
def test_the_good_request_succeeds(target: Target, operation: Operation) -> None:
    answer = target.send(target.good(operation))
    assert answer.is_success, answer.text


@each_with_body
def test_hostile_values_in_a_body(target: Target, operation: Operation) -> None:
    good, body = target.good(operation), target.body(operation)
    changed = [*mutations.bodies(body), *mutations.large_bodies(body)]
    # Operations with the same body as another one share its values. So do these, with the fields of a start.
    bodies = (wire.StartBatch, wire.Rerun)
    if operation.body not in bodies:
        bodies = (operation.body,)
    alike = [each for each in OPERATIONS if each.body in bodies]
    changed = changed[alike.index(operation) :: len(alike)]
    assert target.send_all(operation, (replace(good, body=each) for each in changed)) >= {400}


def test_hostile_parameters_of_models(api_only: Application, target: Target) -> None:
    """One parameter of each kind that the models have: type, links, options and bounds."""
    kinds: dict[tuple[object, ...], tuple[dict[str, Any], dict[str, Any]]] = {}
    for model in api_only.client(target.account.api_key).get("/models").json()["models"]:
        for param in model["params"]:
            kind = (param["type"], "_url" in param["name"], "options" in param, "min" in param)
            kinds.setdefault(kind, (model, param))
    [estimate] = [each for each in OPERATIONS if each.path.endswith("/runs/estimate")]
    good = target.good(estimate)

    def requests() -> Iterator[Request]:
        for model, param in kinds.values():
            body = {**target.body(estimate), "type": model["type"], "model": model["model_id"]}
            changed = mutations.parameters(body, param["name"], is_list=param["type"] == "string[]")
            yield from (replace(good, body=each) for each in changed)

    assert target.send_all(estimate, requests()) >= {200, 400}


@each_with_body
def test_bodies_that_are_no_object(target: Target, operation: Operation) -> None:
    good = target.good(operation)
    requests = (replace(good, body=body) for body in corpus.BODIES)
    # A body that may be left out may be empty or null.
    expected = {201, 400} if operation.is_body_optional else {400}
    assert target.send_all(operation, requests) == expected


@each_operation
def test_bodies_of_other_types(target: Target, operation: Operation) -> None:
    good = target.good(operation)
    contents = (good.body, b"", b"a", *corpus.BODIES[-2:]) if operation.body else (b"a",)

    def requests() -> Iterator[Request]:
        for content in contents:
            for value in corpus_headers.CONTENT_TYPES:
                yield replace(good, body=content, headers=(*target.headers, ("content-type", value)))
            for value in corpus_headers.CONTENT_ENCODINGS:
                yield replace(good, body=content, headers=(*good.headers, ("content-encoding", value)))

    target.send_all(operation, requests())


@each_with_query
def test_hostile_values_in_a_query(target: Target, operation: Operation) -> None:
    good = target.good(operation)
    path, _, query = good.target.partition("?")

    def requests() -> Iterator[Request]:
        for part in query.split("&"):
            name, _, value = part.partition("=")
            for changed in mutations.query_values(value):
                yield replace(good, target=f"{path}?{query.replace(part, f'{name}={changed}')}")
        for whole in corpus.QUERIES:
            yield replace(good, target=f"{path}?{whole}")
            yield replace(good, target=f"{path}?{query}&{whole}")

    target.send_all(operation, requests())


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if "cursor" in each.query], ids=str)
def test_forged_cursors(target: Target, operation: Operation) -> None:
    good = target.good(operation)

    def requests() -> Iterator[Request]:
        for cursor in mutations.cursors():
            yield replace(good, target=good.target.replace("cursor=", f"cursor={quote(cursor)}"))

    target.send_all(operation, requests())


@each_with_path
def test_hostile_parts_of_a_path(target: Target, operation: Operation) -> None:
    good = target.good(operation)

    def requests() -> Iterator[Request]:
        for name in operation.path_params:
            value = str(target.values[name])
            for part in mutations.path_parts(value):
                yield replace(good, target=good.target.replace(f"/{value}", f"/{part}"))

    target.send_all(operation, requests())


@each_operation
def test_hostile_headers(target: Target, operation: Operation) -> None:
    good = target.good(operation)
    # The same code reads most headers of all operations, so that they share the values.
    first, step = OPERATIONS.index(operation) % 3, 3
    for name in dict.fromkeys([*corpus_headers.HEADERS, *(name.lower() for name in operation.headers)]):
        others = tuple(header for header in good.headers if header[0] != name)
        values = [*corpus_headers.VALUES, *corpus_headers.HEADERS.get(name, ())]
        for value in values[first::step]:
            target.send(replace(good, headers=(*others, (name, value))))
        target.send(replace(good, headers=(*good.headers, (name, values[0]), (name, values[-1]))))
    for name in corpus_headers.OTHERS[first::step]:
        for value in corpus_headers.OTHER_VALUES:
            target.send(replace(good, headers=(*good.headers, (name, value))))


@each_operation
def test_other_methods_and_paths(target: Target, operation: Operation) -> None:
    good = target.good(operation)
    path, _, query = good.target.partition("?")
    for method in corpus_headers.METHODS:
        target.send(replace(good, method=method))
    for changed in (
        f"{path}/",
        f"/{path}",
        f"{path}//",
        f"{path}/%00",
        f"{path}/..",
        path.upper(),
        f"{path};a=b",
        f"{path}%20",
    ):
        target.send(replace(good, target=f"{changed}?{query}"))


@each_with_body
def test_an_unknown_name_is_refused(target: Target, operation: Operation) -> None:
    good, body = target.good(operation), target.body(operation)
    answer = target.send(replace(good, body=json.dumps({**body, "unknown_name": 1}).encode()))
    assert rejected_fields(answer) == {"unknown_name": "Unknown field"}


@each_with_query
def test_a_wrong_value_in_a_query_is_named(target: Target, operation: Operation) -> None:
    good = target.good(operation)
    for name in operation.query:
        value = quote(str(target.values[name]))
        wrong = good.target.replace(f"{name}={value}", f"{name}=%00")
        assert set(rejected_fields(target.send(replace(good, target=wrong)))) == {name}
