"""A link whose bytes are gone from the media folder, or are not all there any more, says so."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.envelope import assert_refused
from support.house import Inside
from support.server import Account, finished

_RANGES = ["bytes=0-15", "bytes=-7", "bytes=100-", "bytes=99999999-", "bytes=0-1,4-5", "lines=0-3"]


@dataclass(frozen=True)
class Stored:
    """A picture: whose it is, the run that made it, its path on the server, its file and the bytes in it."""

    account: Account
    run_id: str
    path: str
    file: Path
    data: bytes

    def damage(self, how: str) -> None:
        """Do something to its file."""
        match how:
            case "deleted":
                self.file.unlink()
            case "empty":
                self.file.write_bytes(b"")
            case "one byte short":
                self.file.write_bytes(self.data[:-1])
            case _:
                self.file.write_bytes(self.data[: len(self.data) // 2])

    def mend(self) -> None:
        """Put its file back."""
        self.file.write_bytes(self.data)


def made(inside: Inside, seed: int) -> Stored:
    """Make a picture in an account of its own."""
    account = inside.account()
    client = inside.client(account.api_key)
    body = account.body("a red cube", type="image", params={"resolution": "0.5k", "seed": seed})
    run = finished(client, client.post("/generate", json=body).json()["run_id"])
    assert run["status"] == "completed", run
    path = run["outputs"][0]["url"].removeprefix("http://terrarium.test")
    digest = hashlib.sha256(inside.anonymous.get(path).content).digest()
    files = [one for one in (inside.house.settings.data_dir / "media").rglob("*") if one.is_file()]
    # Another workspace may have made the same, in a file of its own.
    file = max((one for one in files if _digest(one) == digest), key=lambda one: one.stat().st_mtime_ns)
    return Stored(account, run["run_id"], path, file, file.read_bytes())


def _digest(file: Path) -> bytes:
    return hashlib.sha256(file.read_bytes()).digest()


@pytest.fixture(scope="module")
def picture(inside: Inside) -> Stored:
    """One that something happens to."""
    return made(inside, seed=1)


@pytest.fixture(scope="module")
def sound(inside: Inside) -> Stored:
    """One that nobody touches."""
    return made(inside, seed=2)


@pytest.mark.parametrize("how", ["deleted", "empty", "one byte short", "cut in half"])
def test_it_is_404_in_words_and_the_server_goes_on(
    inside: Inside, picture: Stored, sound: Stored, how: str
) -> None:
    picture.damage(how)
    try:
        answers = [inside.anonymous.get(picture.path, headers={"range": asked}) for asked in _RANGES]
        answers.append(inside.anonymous.get(picture.path))
        for answer in answers:
            error = assert_refused(answer, 404, "not_found")
            assert len(error["message"].split()) > 3
            # What is wrong today may be put right tomorrow.
            assert "immutable" not in answer.headers.get("cache-control", "")
        heads = [inside.anonymous.head(picture.path, headers={"range": asked}) for asked in _RANGES]
        heads.append(inside.anonymous.head(picture.path))
        for head in heads:
            assert (head.status_code, head.content) == (404, b"")
        assert inside.anonymous.get(sound.path).content == sound.data
    finally:
        picture.mend()
    assert inside.anonymous.get(picture.path).content == picture.data


@pytest.mark.parametrize("how", ["deleted", "empty", "one byte short", "cut in half"])
def test_a_run_that_starts_from_it_fails_by_the_name_of_its_parameter(
    inside: Inside, picture: Stored, how: str
) -> None:
    client = inside.client(picture.account.api_key)
    body = picture.account.body(
        "paint it", type="image", model="i2i-painter", params={"image_url": picture.run_id}
    )
    picture.damage(how)
    try:
        run = finished(client, client.post("/generate", json=body).json()["run_id"])
    finally:
        picture.mend()
    assert (run["status"], run["error_code"]) == ("failed", "GENERATION_INVALID_URL"), run
    assert "image_url" in run["error_message"]
