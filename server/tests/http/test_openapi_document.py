"""The application answers as its OpenAPI document describes (Schemathesis)."""

from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from support.application import Application
from support.envelope import error_of
from support.server import Account
from terrarium_server.app import openapi_document

DOCUMENT = openapi_document()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# The same examples each time, each sent twice: as generated, and with ids that exist.
EXACT = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=12,
    phases=[Phase.explicit, Phase.generate],
    # A module's fixtures serve all examples, and some operations have few valid ones.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
OPERATIONS = {f"{method.upper()} {path}" for path in DOCUMENT["paths"] for method in DOCUMENT["paths"][path]}
# Every message has these by HTTP itself.
OF_EVERY_MESSAGE = {"content-length", "content-type", "date", "server"}
# By operation: whether the data was meant to be valid, and whether it was accepted.
tried: dict[str, set[tuple[GenerationMode, bool]]] = {}


@pytest.fixture(scope="module")
def account(api_only: Application) -> Account:
    tried.clear()
    # Streams of events end after their beginning, as when the server stops.
    api_only.services.feed.close()
    return api_only.account(rate_limit=1_000_000, credits=1_000_000)


@pytest.fixture(scope="module")
def run_id(api_only: Application, account: Account) -> str:
    return api_only.client(account.api_key).post("/generate", json=account.body()).json()["run_id"]


@SCHEMA.parametrize()
@EXACT
def test_answers_are_as_described(
    case: schemathesis.Case, api_only: Application, account: Account, run_id: str
) -> None:
    existing = {"workspace_id": account.workspace_id, "project_id": account.project_id, "run_id": run_id}
    send(case, api_only, account)
    for part in (case.path_parameters, case.query, case.body):
        if isinstance(part, dict):
            part.update({name: value for name, value in existing.items() if name in part})
    send(case, api_only, account)


def send(case: schemathesis.Case, api_only: Application, account: Account) -> None:
    # Waiting has tests of its own.
    headers = {name: value for name, value in (case.headers or {}).items() if name.lower() != "prefer"}
    case.headers = {**headers, "Authorization": f"Bearer {account.api_key}"}  # type: ignore[assignment]
    prepared = requests.Request(**case.as_transport_kwargs("http://terrarium.test")).prepare()
    body: Any = prepared.body
    answer: httpx.Response = api_only.anonymous.request(
        str(prepared.method), str(prepared.url), headers=dict(prepared.headers), content=body
    )
    assert case.meta is not None
    tried.setdefault(case.operation.label, set()).add((case.meta.generation.mode, answer.is_success))
    if answer.status_code == 405:  # no operation has it, so the document does not describe it
        error_of(answer)
        return
    case.validate_response(answer, checks=CHECKS)
    assert undeclared_headers(case.operation.label, answer) == set()
    if answer.is_error:
        error_of(answer)


def undeclared_headers(operation: str, answer: httpx.Response) -> set[str]:
    """The headers of an answer that the document does not name for its status."""
    method, path = operation.split(" ")
    response = DOCUMENT["paths"][path][method.lower()]["responses"][str(answer.status_code)]
    return set(answer.headers) - OF_EVERY_MESSAGE - {name.lower() for name in response["headers"]}


def test_every_operation_was_tried_with_valid_and_invalid_data() -> None:
    assert set(tried) == OPERATIONS
    for outcomes in tried.values():
        assert {mode for mode, _success in outcomes} == set(GenerationMode)
        assert {success for _mode, success in outcomes} == {True, False}


def test_the_headers_of_refusals_are_declared(api_only: Application, account: Account) -> None:
    limited = api_only.account(rate_limit=1)

    def start(api_key: str, body: dict[str, Any], **headers: str) -> httpx.Response:
        return api_only.client(api_key).post("/generate", json=body, headers=headers)

    start(account.api_key, account.body(), **{"idempotency-key": "k"})
    start(limited.api_key, limited.body())
    answers = [
        start("sk_live_unknown", account.body()),
        start(account.api_key, account.body(), **{"idempotency-key": "k"}),
        start(account.api_key, account.body("a" * (1 << 20))),
        start(limited.api_key, limited.body()),
    ]
    assert [answer.status_code for answer in answers] == [401, 409, 413, 429]
    for answer in answers:
        assert undeclared_headers("POST /api/v1/generate", answer) == set()
