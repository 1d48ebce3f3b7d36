"""The links to outputs: whole, in parts, only their headers, or not at all when nothing changed."""

import hashlib
import struct
from dataclasses import dataclass

import pytest

from support.envelope import assert_refused
from support.house import Inside
from support.server import finished
from terrarium_server.app import House


@dataclass(frozen=True)
class Picture:
    """A picture's path on the server, and its bytes."""

    path: str
    data: bytes


@pytest.fixture(scope="module")
def picture(inside: Inside) -> Picture:
    account = inside.account()
    client = inside.client(account.api_key)
    params = {"resolution": "0.5k", "seed": 1, "aspect_ratio": "16:9"}
    body = account.body("a red cube on a table", type="image", params=params)
    run = finished(client, client.post("/generate", json=body).json()["run_id"])
    assert run["status"] == "completed", run
    path = run["outputs"][0]["url"].removeprefix("http://terrarium.test")
    return Picture(path, inside.anonymous.get(path).content)


def test_the_whole_picture_without_a_key(inside: Inside, picture: Picture) -> None:
    answer = inside.anonymous.get(picture.path)
    assert answer.status_code == 200
    assert answer.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", answer.content[16:24]) == (680, 384)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == str(len(picture.data))
    assert answer.headers["etag"] == f'"{hashlib.sha256(picture.data).hexdigest()}"'
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["request-id"].startswith("req_")


def test_head_gives_the_same_headers_and_no_bytes(inside: Inside, picture: Picture) -> None:
    whole, head = inside.anonymous.get(picture.path), inside.anonymous.head(picture.path)
    assert (head.status_code, head.content) == (200, b"")
    varying = {"request-id", "date"}
    assert {name: value for name, value in head.headers.items() if name not in varying} == {
        name: value for name, value in whole.headers.items() if name not in varying
    }


@pytest.mark.parametrize(
    ("asked", "start", "end"),
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
def test_a_part_is_a_part(
    inside: Inside, picture: Picture, asked: str, start: int, end: int | None, method: str
) -> None:
    part = picture.data[start:end]
    first = len(picture.data) - len(part) if end is None else start
    answer = inside.anonymous.request(method, picture.path, headers={"range": asked})
    assert answer.status_code == 206
    assert answer.headers["content-length"] == str(len(part))
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(part) - 1}/{len(picture.data)}"
    assert answer.content == (part if method == "GET" else b"")


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0", "bytes=9-3", "bytes=99999999-99999999"])
def test_a_part_outside_is_416(inside: Inside, picture: Picture, asked: str) -> None:
    answer = inside.anonymous.get(picture.path, headers={"range": asked})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(picture.data)}"


@pytest.mark.parametrize("asked", ["bytes=-", "lines=0-3", "bytes=0-1,4-5", "bytes=x-y", "bytes", "0-15"])
def test_a_range_that_is_not_understood_is_ignored(inside: Inside, picture: Picture, asked: str) -> None:
    answer = inside.anonymous.get(picture.path, headers={"range": asked})
    assert (answer.status_code, answer.content) == (200, picture.data)


def test_what_is_known_already_is_304(inside: Inside, picture: Picture) -> None:
    tag = inside.anonymous.head(picture.path).headers["etag"]
    for known in (tag, f'"x", {tag}', f"W/{tag}", "*"):
        answer = inside.anonymous.get(picture.path, headers={"if-none-match": known, "range": "bytes=0-1"})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
    answer = inside.anonymous.get(picture.path, headers={"if-none-match": '"x"'})
    assert answer.status_code == 200


def test_a_part_of_something_else_is_sent_whole(inside: Inside, picture: Picture) -> None:
    tag = inside.anonymous.head(picture.path).headers["etag"]
    for condition, status in ((tag, 206), ('"x"', 200), ("Wed, 21 Oct 2015 07:28:00 GMT", 200)):
        headers = {"if-range": condition, "range": "bytes=0-3"}
        assert inside.anonymous.get(picture.path, headers=headers).status_code == status


@pytest.mark.parametrize("name", ["none.png", "%00", "..%2fterrarium.db", "out_", ".", "%2e%2e", "a" * 3000])
def test_there_is_nothing_behind_another_name(inside: Inside, name: str) -> None:
    answer = inside.anonymous.get(f"/media/{name}")
    assert_refused(answer, 404, "not_found")


def test_a_link_tells_nothing_of_where_the_file_lies(inside: Inside, picture: Picture) -> None:
    house: House = inside.house
    [kept] = [path for path in (house.settings.data_dir / "media").rglob("*") if path.is_file()]
    assert kept.read_bytes() == picture.data
    token = picture.path.rpartition("/")[2]
    assert kept.suffix == ".png" and kept.name != token
    assert inside.anonymous.get(f"/media/{kept.name}").status_code == 404
    assert inside.anonymous.get(f"/media/{kept.parent.name}/{kept.name}").status_code == 404
