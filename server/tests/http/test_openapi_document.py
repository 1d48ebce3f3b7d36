"""The application answers as its OpenAPI document describes (Schemathesis)."""

from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
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

SCHEMA = schemathesis.openapi.from_dict(openapi_document())
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
tried: dict[str, set[bool]] = {}


@pytest.fixture(scope="module")
def account(api_only: Application) -> Account:
    tried.clear()
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
    tried.setdefault(case.operation.label, set()).add(answer.is_success)
    if answer.status_code == 405:  # no operation has it, so the document does not describe it
        error_of(answer)
        return
    case.validate_response(answer, checks=CHECKS)
    if answer.is_error:
        error_of(answer)


def test_every_operation_succeeded_at_least_once() -> None:
    assert [label for label, outcomes in tried.items() if True not in outcomes] == []
