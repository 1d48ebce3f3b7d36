"""Hostile input is refused in the error envelope: never a 5xx, never a stack trace."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from support.application import Application, Client
from support.envelope import assert_refused, error_of, rejected_fields
from support.server import Account

JSON = {"content-type": "application/json"}
LONE_SURROGATE = "\ud800"
BODIES = ["/generate", "/runs/generation", "/runs/batch", "/runs/estimate", "/projects"]


@pytest.fixture(scope="module")
def account(api_only: Application) -> Account:
    return api_only.account()


@pytest.fixture
def client(api_only: Application, account: Account) -> Client:
    return api_only.client(account.api_key)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"\xff\xfe{}",
        b'{"prompt": "\xc3"}',
        b"\x00",
        b"NaN",
        b"{'a': 1}",
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        json.dumps({"prompt": "x"}).encode("utf-16"),
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_body_that_is_no_json_object_is_refused(client: Client, path: str, body: bytes) -> None:
    answer = client.post(path, content=body, headers=JSON)
    assert answer.status_code == 400
    error_of(answer)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
def test_another_content_type_is_refused_with_the_right_one(
    client: Client, path: str, content_type: str
) -> None:
    answer = client.post(path, content=b'{"a": 1}', headers={"content-type": content_type})
    assert "application/json" in assert_refused(answer, 400, "invalid_json")["message"]


def test_json_with_a_charset_is_json(client: Client, account: Account) -> None:
    headers = {"content-type": "application/json; charset=utf-8"}
    answer = client.post("/generate", content=json.dumps(account.body()), headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize("path", ["/generate", "/runs/generation", "/runs/estimate"])
@pytest.mark.parametrize("bad", ["\0", LONE_SURROGATE, f"a{LONE_SURROGATE}b", "\0" * 100])
def test_text_that_cannot_be_stored_is_refused_in_every_field(
    client: Client, account: Account, path: str, bad: str
) -> None:
    changes: list[dict[str, Any]] = [
        {"prompt": bad},
        {"model": bad},
        {"type": bad},
        {"workspace_id": f"ws_{bad}"},
        {"project_id": f"prj_{bad}"},
        {"params": {"style": bad}},
        {"params": {bad: 1}},
        {"params": {"seed": bad}},
        {bad: bad},
    ]
    for change in changes:
        body = json.dumps({**account.body(type="image"), **change})
        assert rejected_fields(client.post(path, content=body, headers=JSON))


@pytest.mark.parametrize("bad", ["\0", LONE_SURROGATE])
def test_a_name_that_cannot_be_stored_is_refused(client: Client, account: Account, bad: str) -> None:
    body = json.dumps({"name": bad, "workspace_id": account.workspace_id})
    assert set(rejected_fields(client.post("/projects", content=body, headers=JSON))) == {"name"}


@pytest.mark.parametrize(
    "path",
    [
        "/runs/run_%00",
        "/runs/run_%ED%A0%80",
        "/runs/run_%FF",
        "/runs/run_" + "x" * 5000,
        "/projects/prj_%00",
        "/projects/prj_%00/nodes",
        "/projects/prj_%ED%A0%80",
        "/generations?project_id=prj_%00",
        "/generations?workspace_id=ws_%00",
        "/generations?cursor=%00",
        "/generations?status=%00",
        "/projects?workspace_id=ws_%00",
        "/projects?workspace_id=ws_%ED%A0%80",
        "/models?type=%00",
        "/models?type=%FF",
    ],
)
def test_an_impossible_id_is_refused(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in (400, 404)
    error_of(answer)


@pytest.mark.parametrize("text", ["\0", "a\0b", LONE_SURROGATE, "%", "_", "\\", "'", '"; --', "x" * 10_000])
def test_any_text_may_be_searched_for(client: Client, account: Account, text: str) -> None:
    query = quote(text, errors="surrogatepass")
    answer = client.get(f"/projects?workspace_id={account.workspace_id}&query={query}")
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        assert answer.json()["projects"] == []
    else:
        assert set(rejected_fields(answer)) == {"query"}


@pytest.mark.parametrize(
    "name", ["authorization", "idempotency-key", "prefer", "if-none-match", "range", "accept"]
)
@pytest.mark.parametrize("value", [b"\xff\xfe", b"\xed\xa0\x80", b"x" * 8000, b"a,b;c=d", b'"'])
def test_any_header_is_answered(client: Client, account: Account, name: str, value: bytes) -> None:
    for method, path in (("POST", "/generate"), ("GET", "/runs/run_x"), ("GET", "/workspaces")):
        body = {"json": account.body()} if method == "POST" else {}
        answer = client.request(method, path, headers={name: value}, **body)
        assert answer.status_code < 500
        if not answer.is_success:
            error_of(answer)


@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "9" * 400, "-" + "9" * 4000, "NaN", "Infinity", "1e-400"]
)
@pytest.mark.parametrize("field", ["seed", "num_images"])
def test_numbers_out_of_range_are_refused(client: Client, account: Account, field: str, number: str) -> None:
    body = json.dumps(account.body(type="image", params={field: 0})).replace(": 0}", f": {number}}}")
    answer = client.post("/generate", content=body, headers=JSON)
    if (field, number) == ("seed", "1e-400"):  # reads as 0, which is a seed
        assert answer.status_code == 201
        return
    assert answer.status_code == 400
    error_of(answer)


@pytest.mark.parametrize("depth", [10, 100, 500, 900, 990, 10_000])
def test_deeply_nested_params_are_refused(client: Client, account: Account, depth: int) -> None:
    nested = '{"a":' * depth + "1" + "}" * depth
    for params in (f'{{"seed":{nested}}}', nested):
        body = json.dumps(account.body(type="image"))[:-1] + f', "params": {params}}}'
        answer = client.post("/generate", content=body, headers=JSON)
        assert answer.status_code == 400
        error_of(answer)


@pytest.mark.parametrize(
    "path", ["/api/v1/none", "/api/v2/models", "/api", "/nothing", "/api/v1/runs", "/media/x.png"]
)
def test_an_unknown_path_is_404(client: Client, path: str) -> None:
    answer = client.anonymous.get(path, headers={"authorization": f"Bearer {client.api_key}"})
    assert assert_refused(answer, 404, "not_found")["message"] == "Not found."


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/generate"),
        ("DELETE", "/projects"),
        ("PUT", "/runs/run_x"),
        ("PATCH", "/models"),
        ("HEAD", "/generate"),
    ],
)
def test_another_method_is_refused(client: Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"]
    assert answer.headers["request-id"].startswith("req_")
    if method != "HEAD":
        assert_refused(answer, 405, "not_found")


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 1024):
        yield b" " * 1024


@pytest.mark.parametrize("path", BODIES)
def test_a_body_that_is_too_large_is_refused(client: Client, path: str) -> None:
    limit = 1 << 20
    for content in (b" " * (limit + 1), chunks(limit + 4096)):
        answer = client.post(path, content=content, headers=JSON)
        assert str(limit) in assert_refused(answer, 413, "input_validation_error")["message"]


def test_a_chunked_body_within_the_limit_is_read(client: Client, account: Account) -> None:
    parts = iter([json.dumps(account.body()).encode(), *chunks(8192)])
    assert client.post("/generate", content=parts, headers=JSON).status_code == 201


@pytest.mark.parametrize("declared", ["-1", "x", "1e3", "", "1, 2", "9" * 5000])
def test_a_length_that_is_no_number_is_refused(client: Client, declared: str) -> None:
    headers = {**JSON, "content-length": declared}
    answer = client.post("/generate", content=b"{}", headers=headers)
    assert answer.status_code in (400, 413)
    error_of(answer)
