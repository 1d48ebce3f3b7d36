"""A link whose file is missing or incomplete in the media folder gives a 404 that says so."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.application import Application
from support.envelope import assert_refused
from support.server import Account, finished

_RANGES = ["bytes=0-15", "bytes=-7", "bytes=100-", "bytes=99999999-", "bytes=0-1,4-5", "lines=0-3"]


@dataclass(frozen=True)
class Stored:
    """A picture: its account, its run, its path on the server, its file and the bytes in it."""

    account: Account
    run_id: str
    path: str
    file: Path
    data: bytes

    def damage(self, how: str) -> None:
        """Damage its file."""
        match how:
            case "deleted":
                self.file.unlink()
            case "empty":
                self.file.write_bytes(b"")
            case "one byte short":
                self.file.write_bytes(self.data[:-1])
            case _:
                self.file.write_bytes(self.data[: len(self.data) // 2])

    def restore(self) -> None:
        """Restore its file."""
        self.file.write_bytes(self.data)


def make_picture(application: Application, seed: int) -> Stored:
    """Make a picture in an account of its own."""
    account = application.account()
    client = application.client(account.api_key)
    body = account.body("a red cube", type="image", params={"resolution": "0.5k", "seed": seed})
    run = finished(client, client.post("/generate", json=body).json()["run_id"])
    assert run["status"] == "completed", run
    path = run["outputs"][0]["url"].removeprefix("http://terrarium.test")
    digest = hashlib.sha256(application.anonymous.get(path).content).digest()
    files = [one for one in (application.services.settings.data_dir / "media").rglob("*") if one.is_file()]
    # Another workspace may have the same content in a file of its own.
    file = max((one for one in files if _digest(one) == digest), key=lambda one: one.stat().st_mtime_ns)
    return Stored(account, run["run_id"], path, file, file.read_bytes())


def _digest(file: Path) -> bytes:
    return hashlib.sha256(file.read_bytes()).digest()


@pytest.fixture(scope="module")
def picture(application: Application) -> Stored:
    """The picture whose file is damaged."""
    return make_picture(application, seed=1)


@pytest.fixture(scope="module")
def intact(application: Application) -> Stored:
    """A picture whose file stays intact."""
    return make_picture(application, seed=2)


@pytest.mark.parametrize("how", ["deleted", "empty", "one byte short", "cut in half"])
def test_a_damaged_file_is_404_and_other_links_work(
    application: Application, picture: Stored, intact: Stored, how: str
) -> None:
    picture.damage(how)
    try:
        answers = [application.anonymous.get(picture.path, headers={"range": header}) for header in _RANGES]
        answers.append(application.anonymous.get(picture.path))
        for answer in answers:
            error = assert_refused(answer, 404, "not_found")
            assert len(error["message"].split()) > 3
            # The file may be restored, so the answer must not be cached.
            assert "immutable" not in answer.headers.get("cache-control", "")
        heads = [application.anonymous.head(picture.path, headers={"range": header}) for header in _RANGES]
        heads.append(application.anonymous.head(picture.path))
        for head in heads:
            assert (head.status_code, head.content) == (404, b"")
        assert application.anonymous.get(intact.path).content == intact.data
    finally:
        picture.restore()
    assert application.anonymous.get(picture.path).content == picture.data


@pytest.mark.parametrize("how", ["deleted", "empty", "one byte short", "cut in half"])
def test_a_run_that_starts_from_a_damaged_file_fails_and_names_the_parameter(
    application: Application, picture: Stored, how: str
) -> None:
    client = application.client(picture.account.api_key)
    body = picture.account.body(
        "paint it", type="image", model="i2i-painter", params={"image_url": picture.run_id}
    )
    picture.damage(how)
    try:
        run = finished(client, client.post("/generate", json=body).json()["run_id"])
    finally:
        picture.restore()
    assert (run["status"], run["error_code"]) == ("failed", "GENERATION_INVALID_URL"), run
    assert "image_url" in run["error_message"]
