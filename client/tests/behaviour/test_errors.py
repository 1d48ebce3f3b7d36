"""The exceptions for the server's refusals."""

import pytest

import terrarium
from terrarium import APIError, APIResponseValidationError, APIStatusError, FloraError, MissingAPIKeyError

from .scripted import START, Clients, Response, ScriptedServer, refusal


@pytest.mark.parametrize(
    ("status", "code", "class_name"),
    [
        (400, "input_validation_error", "BadRequestError"),
        (401, "unauthorized", "AuthenticationError"),
        (402, "insufficient_credits", "InsufficientCreditsError"),
        (403, "forbidden", "PermissionDeniedError"),
        (404, "not_found", "NotFoundError"),
        (409, "idempotency_duplicate", "ConflictError"),
        (429, "rate_limited", "RateLimitError"),
        (500, "unknown_error", "InternalServerError"),
        (422, "idempotency_conflict", "UnprocessableEntityError"),
        (503, "service_unavailable", "InternalServerError"),
        (418, "teapot", "APIStatusError"),
    ],
)
def test_every_status_has_its_class(
    flora: Clients, server: ScriptedServer, status: int, code: str, class_name: str
) -> None:
    response = refusal(status, code, "The server's message.")
    server.script = [response]
    with pytest.raises(APIStatusError) as caught:
        flora(lambda client: client.runs.retrieve("run_1"), max_retries=0)
    error = caught.value
    assert type(error).__name__ == class_name
    assert isinstance(error, APIError)
    assert isinstance(error, FloraError)
    assert (error.status_code, error.code, error.request_id) == (status, code, "req_1")
    assert error.message == "The server's message."
    assert error.body == response.body
    assert error.response.status_code == status
    assert str(error) == f"The server's message. ({status} {code}, request req_1)"


def test_the_text_lists_every_rejected_field(flora: Clients, server: ScriptedServer) -> None:
    fields = (("prompt", "Required"), ("params.seed", "Must be at least 0"))
    server.script = [refusal(400, "input_validation_error", "prompt: Required", *fields)]
    with pytest.raises(terrarium.BadRequestError) as caught:
        flora(lambda client: client.runs.start_generation(**START))
    assert caught.value.fields == [*fields]
    assert caught.value.fields[1].field == "params.seed"
    assert str(caught.value).splitlines() == [
        "prompt: Required",
        "  prompt: Required",
        "  params.seed: Must be at least 0 (400 input_validation_error, request req_1)",
    ]


def test_x_request_id_is_read_too(flora: Clients, server: ScriptedServer) -> None:
    server.script = [Response(404, {"error": {"message": "Gone."}}, {"x-request-id": "req_x"})]
    with pytest.raises(terrarium.NotFoundError) as caught:
        flora(lambda client: client.runs.retrieve("run_1"))
    assert caught.value.request_id == "req_x"


@pytest.mark.parametrize(
    "body", [b"<html>nginx</html>", [1, 2], {"error": "text"}, {"error": {"fields": 3}}, b""]
)
def test_unexpected_error_bodies_are_tolerated(flora: Clients, server: ScriptedServer, body: object) -> None:
    server.script = [Response(404, body)]
    with pytest.raises(terrarium.NotFoundError, match="The server answered 404") as caught:
        flora(lambda client: client.runs.retrieve("run_1"))
    assert caught.value.code is None
    assert caught.value.fields == []


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (Response(200, b"<html>", {"content-type": "text/html"}), "text/html instead of JSON"),
        (Response(200, b"{", {"content-type": "application/json"}), "broken JSON"),
        (Response(200, {"status": "running"}), "another shape"),
        (Response(200, [1]), "another shape"),
        (Response(200, b""), "an empty body"),
    ],
)
def test_an_unusable_response_is_an_error(
    flora: Clients, server: ScriptedServer, response: Response, message: str
) -> None:
    server.script = [response]
    with pytest.raises(APIResponseValidationError, match=message):
        flora(lambda client: client.runs.retrieve("run_1"))


def test_an_unusable_page_is_an_error(flora: Clients, server: ScriptedServer) -> None:
    server.script = [Response(200, {"projects": [{"name": "x"}], "meta": {"next_cursor": None}})]
    with pytest.raises(APIResponseValidationError, match="projects"):
        flora.all(lambda client: client.projects.list(workspace_id="ws_1"))


def test_no_key_fails_at_the_first_request_and_says_what_to_do(
    flora: Clients, server: ScriptedServer
) -> None:
    with pytest.raises(MissingAPIKeyError, match=r"FLORA_API_KEY.*terrarium serve"):
        flora(lambda client: client.workspaces.list(), api_key=None)
    assert server.requests == []
