"""Every wrong field of a request is named, with what would be accepted."""

import json
from typing import Any

import pytest

from support.application import Application, Client
from support.envelope import assert_refused, rejected_fields
from support.server import Account

STARTS = ["/runs/generation", "/generate", "/runs/estimate"]
TYPES = "Must be one of: image, video, audio, text"


@pytest.fixture(scope="module")
def account(api_only: Application) -> Account:
    return api_only.account()


@pytest.fixture
def client(api_only: Application, account: Account) -> Client:
    return api_only.client(account.api_key)


@pytest.mark.parametrize("path", STARTS)
def test_every_missing_field_is_named(client: Client, path: str) -> None:
    required = ["workspace_id", "project_id", "type", "prompt"]
    assert rejected_fields(client.post(path, json={})) == dict.fromkeys(required, "Required")


@pytest.mark.parametrize("path", STARTS)
def test_every_null_field_is_named(client: Client, path: str) -> None:
    body = dict.fromkeys(["workspace_id", "project_id", "type", "prompt"])
    assert set(rejected_fields(client.post(path, json=body))) == set(body)


@pytest.mark.parametrize("path", STARTS)
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"prompt": ""}, {"prompt": "Must not be empty"}),
        ({"prompt": 7}, {"prompt": "Must be a string"}),
        ({"prompt": None}, {"prompt": "Required"}),
        ({"prompt": "a\0b"}, {"prompt": "Must not contain NUL characters"}),
        ({"type": "smell"}, {"type": TYPES}),
        ({"type": 1}, {"type": TYPES}),
        ({"workspace_id": "prj_1"}, {"workspace_id": "Must start with ws_"}),
        ({"workspace_id": "ws_"}, {"workspace_id": "Must start with ws_"}),
        ({"workspace_id": "ws_a b"}, {"workspace_id": "Must start with ws_"}),
        ({"project_id": "nope"}, {"project_id": "Must start with prj_"}),
        ({"params": []}, {"params": "Must be an object"}),
        ({"params": "seed"}, {"params": "Must be an object"}),
        ({"model": ""}, {"model": "Must not be empty"}),
        ({"model": 3}, {"model": "Must be a string"}),
        ({"image_url": "x", "parameters": {}}, {"image_url": "Unknown field", "parameters": "Unknown field"}),
        ({"prompt": "", "type": "", "params": 1}, {"prompt": None, "type": None, "params": None}),
    ],
)
def test_a_wrong_field_is_named(
    client: Client, account: Account, path: str, change: dict[str, Any], expected: dict[str, str | None]
) -> None:
    rejected = rejected_fields(client.post(path, json={**account.body(), **change}))
    assert set(rejected) == set(expected)
    assert {name: rejected[name] for name, message in expected.items() if message} == {
        name: message for name, message in expected.items() if message
    }


@pytest.mark.parametrize("path", STARTS)
def test_every_wrong_parameter_is_named(client: Client, account: Account, path: str) -> None:
    params = {"aspect_ratio": "7:1", "num_images": 5, "seed": "x", "resolution": None, "image_url": "y"}
    rejected = rejected_fields(client.post(path, json=account.body(type="image", params=params)))
    assert set(rejected) == {"params.aspect_ratio", "params.num_images", "params.seed", "params.image_url"}
    assert "16:9" in rejected["params.aspect_ratio"]
    assert "between 1 and 4" in rejected["params.num_images"]
    assert "aspect_ratio, resolution, seed, num_images, style" in rejected["params.image_url"]


def test_for_an_unknown_model_the_usable_ones_are_named(client: Client, account: Account) -> None:
    rejected = rejected_fields(client.post("/generate", json=account.body(model="t2t-none")))
    assert rejected["model"].startswith("Unknown model; models of type text: ")
    assert {"t2t-rehearsal", "t2t-sketch"} <= set(rejected["model"].split(": ")[1].split(", "))


def test_for_a_model_of_another_type_the_usable_ones_are_named(client: Client, account: Account) -> None:
    rejected = rejected_fields(client.post("/generate", json=account.body(model="t2i-sketch")))
    assert rejected["model"].startswith("t2i-sketch makes image; models of type text: ")
    assert "t2i-sketch" not in rejected["model"].split(": ")[1]


def test_for_a_model_that_is_not_set_up_the_missing_part_is_named(client: Client, account: Account) -> None:
    body = account.body(type="image", model="t2i-flux-schnell-fal")
    rejected = rejected_fields(client.post("/generate", json=body))
    assert rejected["model"].startswith("t2i-flux-schnell-fal cannot be used here now: no engine named fal")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/projects", {"workspace_id": "Required"}),
        ("/projects?workspace_id=", {"workspace_id": "Must not be empty"}),
        ("/projects?workspace_id=nope", {"workspace_id": "Must start with ws_"}),
        ("/projects?workspace_id=ws_x&limit=0", {"limit": None}),
        ("/projects?workspace_id=ws_x&limit=101", {"limit": None}),
        ("/projects?workspace_id=ws_x&limit=1.5", {"limit": "Must be a whole number"}),
        ("/projects/nope", {"project_id": "Must start with prj_"}),
        ("/projects/nope/nodes", {"project_id": "Must start with prj_"}),
        ("/projects/prj_x/nodes?limit=many", {"limit": "Must be a whole number"}),
        ("/runs/nope", {"run_id": "Must start with run_"}),
        ("/generations?workspace_id=nope", {"workspace_id": "Must start with ws_"}),
        ("/generations?project_id=nope", {"project_id": "Must start with prj_"}),
        ("/generations?limit=-1&status=lost", {"limit": None, "status": None}),
        ("/models?type=smell", {"type": TYPES}),
    ],
)
def test_a_wrong_path_or_query_is_named(client: Client, path: str, expected: dict[str, str | None]) -> None:
    rejected = rejected_fields(client.get(path))
    assert set(rejected) == set(expected)
    assert all(message is None or rejected[name] == message for name, message in expected.items())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"name": "Required", "workspace_id": "Required"}),
        (
            {"name": "", "workspace_id": "x"},
            {"name": "Must not be empty", "workspace_id": "Must start with ws_"},
        ),
        ({"name": "a", "workspace_id": "ws_1", "colour": 1}, {"colour": "Unknown field"}),
        ({"name": "\0", "workspace_id": "ws_1"}, {"name": "Must not contain NUL characters"}),
    ],
)
def test_a_wrong_project_is_refused(client: Client, body: dict[str, Any], expected: dict[str, str]) -> None:
    assert rejected_fields(client.post("/projects", json=body)) == expected


def test_a_name_and_a_part_of_it_have_at_most_1000_characters(client: Client, account: Account) -> None:
    too_long = "Must have at most 1000 characters"
    body = {"name": "\u6f22" * 1_000, "workspace_id": account.workspace_id}
    assert client.post("/projects", json=body).status_code == 201
    body["name"] += "a"
    assert rejected_fields(client.post("/projects", json=body)) == {"name": too_long}
    query = {"query": "%" * 1_000, "workspace_id": account.workspace_id}
    assert client.get("/projects", params=query).status_code == 200
    query["query"] += "%"
    assert rejected_fields(client.get("/projects", params=query)) == {"query": too_long}


@pytest.mark.parametrize("field", ["workspace_id", "project_id"])
def test_an_identifier_has_at_most_100_characters(client: Client, account: Account, field: str) -> None:
    prefix = account.body()[field].partition("_")[0]
    body = account.body(**{field: f"{prefix}_{'x' * 100}"})
    assert rejected_fields(client.post("/generate", json=body)) == {field: "Must have at most 100 characters"}


@pytest.mark.parametrize("key", ["", " ", "\x7f", "k" * 256, "caf\xad"])
def test_a_wrong_idempotency_key_is_refused(client: Client, account: Account, key: str) -> None:
    answer = client.post("/generate", json=account.body(), headers={"idempotency-key": key.encode("latin-1")})
    assert set(rejected_fields(answer)) == {"Idempotency-Key"}


def test_a_body_that_is_no_object_is_refused(client: Client) -> None:
    for body in (None, [], "x", 1, 1.5, True):
        answer = client.post(
            "/generate", content=json.dumps(body), headers={"content-type": "application/json"}
        )
        assert_refused(answer, 400, "input_validation_error")


@pytest.mark.parametrize("place", ["body", "params"])
def test_of_many_rejected_fields_the_first_hundred_are_listed_and_all_are_counted(
    client: Client, account: Account, place: str
) -> None:
    unknown: dict[str, Any] = {f"unknown{number}": number for number in range(500)}
    body = {**account.body(), **(unknown if place == "body" else {"params": unknown})}
    answer = client.post("/generate", json=body)
    error = assert_refused(answer, 400, "input_validation_error")
    assert len(error["fields"]) == 100
    assert error["message"].endswith("(500 fields were rejected, the first 100 are listed)")
    assert len(answer.content) < 64 * 1024


@pytest.mark.parametrize("path", ["/generate", "/runs/estimate", "/projects"])
def test_far_too_many_fields_are_not_looked_at_one_by_one(
    client: Client, account: Account, path: str
) -> None:
    unknown: dict[str, Any] = {f"k{number}": 1 for number in range(80_000)}
    answer = client.post(path, json={**account.body(), **unknown})
    assert rejected_fields(answer) == {"body": "Must have at most 1,000 fields, not 80,004"}
    answer = client.post("/generate", json=account.body(params=unknown))
    assert rejected_fields(answer) == {"params": "Must have at most 1,000 fields, not 80,000"}


@pytest.mark.parametrize("name", [" ", "\n", "\u3000"])
def test_a_blank_name_is_refused(client: Client, account: Account, name: str) -> None:
    answer = client.post("/projects", json={"workspace_id": account.workspace_id, "name": name})
    assert rejected_fields(answer) == {"name": "Must not be blank"}


@pytest.mark.parametrize("limit", ["1_0", "+5", " 5", "1.0", "\u0661", "five"])
def test_a_limit_is_written_in_digits(client: Client, limit: str) -> None:
    assert set(rejected_fields(client.get("/generations", params={"limit": limit}))) == {"limit"}


def test_a_very_long_name_is_shortened_in_the_answer(client: Client, account: Account) -> None:
    answer = client.post("/generate", json={**account.body(), "x" * 500_000: 1})
    [field] = assert_refused(answer, 400, "input_validation_error")["fields"]
    assert (len(field["field"]), field["field"][-1]) == (100, "…")
    assert len(answer.content) < 4 * 1024
