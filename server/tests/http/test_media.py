"""Links to outputs: whole, in ranges, only their headers, or 304 when nothing changed."""

import hashlib
import struct
from dataclasses import dataclass

import pytest

from support.application import Application
from support.envelope import assert_refused
from support.server import finished
from terrarium_server.app import Services


@dataclass(frozen=True)
class Picture:
    """A picture's path on the server, and its bytes."""

    path: str
    data: bytes


@pytest.fixture(scope="module")
def picture(application: Application) -> Picture:
    account = application.account()
    client = application.client(account.api_key)
    params = {"resolution": "0.5k", "seed": 1, "aspect_ratio": "16:9"}
    body = account.body("a red cube on a table", type="image", params=params)
    run = finished(client, client.post("/generate", json=body).json()["run_id"])
    assert run["status"] == "completed", run
    path = run["outputs"][0]["url"].removeprefix("http://terrarium.test")
    return Picture(path, application.anonymous.get(path).content)


def test_the_whole_picture_without_a_key(application: Application, picture: Picture) -> None:
    answer = application.anonymous.get(picture.path)
    assert answer.status_code == 200
    assert answer.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", answer.content[16:24]) == (680, 384)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == str(len(picture.data))
    assert answer.headers["etag"] == f'"{hashlib.sha256(picture.data).hexdigest()}"'
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["request-id"].startswith("req_")


def test_head_gives_the_same_headers_and_no_bytes(application: Application, picture: Picture) -> None:
    whole, head = application.anonymous.get(picture.path), application.anonymous.head(picture.path)
    assert (head.status_code, head.content) == (200, b"")
    varying = {"request-id", "date"}
    assert {name: value for name, value in head.headers.items() if name not in varying} == {
        name: value for name, value in whole.headers.items() if name not in varying
    }


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-15", 0, 16),
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=0-", 0, None),
        ("bytes=100-", 100, None),
        ("bytes=-7", -7, None),
        ("bytes=5-99999999", 5, None),
        ("bytes=-99999999", 0, None),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_range_is_sent(
    application: Application, picture: Picture, header: str, start: int, end: int | None, method: str
) -> None:
    part = picture.data[start:end]
    first = len(picture.data) - len(part) if end is None else start
    answer = application.anonymous.request(method, picture.path, headers={"range": header})
    assert answer.status_code == 206
    assert answer.headers["content-length"] == str(len(part))
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(part) - 1}/{len(picture.data)}"
    assert answer.content == (part if method == "GET" else b"")


@pytest.mark.parametrize("header", ["bytes=99999999-", "bytes=-0", "bytes=9-3", "bytes=99999999-99999999"])
def test_a_range_outside_is_416(application: Application, picture: Picture, header: str) -> None:
    answer = application.anonymous.get(picture.path, headers={"range": header})
    assert str(len(picture.data)) in assert_refused(answer, 416, "input_validation_error")["message"]
    assert answer.headers["content-range"] == f"bytes */{len(picture.data)}"


@pytest.mark.parametrize("header", ["bytes=-", "lines=0-3", "bytes=0-1,4-5", "bytes=x-y", "bytes", "0-15"])
def test_an_invalid_range_is_ignored(application: Application, picture: Picture, header: str) -> None:
    answer = application.anonymous.get(picture.path, headers={"range": header})
    assert (answer.status_code, answer.content) == (200, picture.data)


def test_an_unchanged_picture_is_304(application: Application, picture: Picture) -> None:
    tag = application.anonymous.head(picture.path).headers["etag"]
    for known_tags in (tag, f'"x", {tag}', f"W/{tag}", "*"):
        answer = application.anonymous.get(
            picture.path, headers={"if-none-match": known_tags, "range": "bytes=0-1"}
        )
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
    answer = application.anonymous.get(picture.path, headers={"if-none-match": '"x"'})
    assert answer.status_code == 200


def test_a_range_of_other_content_is_sent_whole(application: Application, picture: Picture) -> None:
    tag = application.anonymous.head(picture.path).headers["etag"]
    for condition, status in ((tag, 206), ('"x"', 200), ("Wed, 21 Oct 2015 07:28:00 GMT", 200)):
        headers = {"if-range": condition, "range": "bytes=0-3"}
        assert application.anonymous.get(picture.path, headers=headers).status_code == status


@pytest.mark.parametrize("name", ["none.png", "%00", "..%2fterrarium.db", "out_", ".", "%2e%2e", "a" * 3000])
def test_an_unknown_link_is_404(application: Application, name: str) -> None:
    answer = application.anonymous.get(f"/media/{name}")
    assert_refused(answer, 404, "not_found")


def test_a_link_does_not_reveal_the_name_of_the_file(application: Application, picture: Picture) -> None:
    services: Services = application.services
    [file] = [path for path in (services.settings.data_dir / "media").rglob("*") if path.is_file()]
    assert file.read_bytes() == picture.data
    token = picture.path.rpartition("/")[2]
    assert file.suffix == ".png" and file.name != token
    assert application.anonymous.get(f"/media/{file.name}").status_code == 404
    assert application.anonymous.get(f"/media/{file.parent.name}/{file.name}").status_code == 404
