"""Saving outputs."""

from pathlib import Path
from typing import Any

import pytest

from terrarium import NotFoundError
from terrarium.types import RunOutput

from .scripted import LOST, Answer, Clients, ScriptedServer, refusal

PNG = b"\x89PNG" + bytes(200_000)
PICTURE = Answer(200, PNG, {"content-type": "image/png"})


def output(url: str, kind: Any = "imageUrl") -> RunOutput:
    return RunOutput(output_id="output_1", type=kind, url=url)


def test_to_a_file(flora: Clients, server: ScriptedServer, tmp_path: Path) -> None:
    server.script = [PICTURE]
    target = tmp_path / "new" / "mug.png"
    saved = flora(lambda c: c.download(output(f"{server.origin}/files/abc?sig=1"), to=target))
    assert saved == target
    assert target.read_bytes() == PNG
    assert server.seen[0].query == {"sig": "1"}
    assert [*target.parent.iterdir()] == [target]


def test_to_a_folder_under_a_free_name(flora: Clients, server: ScriptedServer, tmp_path: Path) -> None:
    server.script = [PICTURE, PICTURE, PICTURE, Answer(200, b"RIFF", {"content-type": "audio/wav"})]
    first = flora(lambda c: c.download(f"{server.origin}/files/a%2F..%2Fb%20c.bin", to=tmp_path))
    second = flora(lambda c: c.download(output("/files/mug"), to=tmp_path, name="mug"))
    third = flora(lambda c: c.download(output("/files/mug"), to=str(tmp_path) + "/", name="mug"))
    fourth = flora(lambda c: c.download(output("/files/mug", "audioUrl"), to=tmp_path))
    assert [path.name for path in (first, second, third, fourth)] == [
        "b-c.png",
        "mug.png",
        "mug-2.png",
        "mug.wav",
    ]


def test_text_is_in_the_output_itself(flora: Clients, server: ScriptedServer, tmp_path: Path) -> None:
    saved = flora(lambda c: c.download(output("Ein Gedicht: äöü", "text"), to=tmp_path))
    assert saved.name == "output.txt"
    assert saved.read_text("utf-8") == "Ein Gedicht: äöü"
    assert server.seen == []


def test_nothing_is_overwritten_unasked(flora: Clients, server: ScriptedServer, tmp_path: Path) -> None:
    target = tmp_path / "mug.png"
    target.write_text("mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        flora(lambda c: c.download(output("/files/mug"), to=target))
    assert (server.seen, target.read_text()) == ([], "mine")
    server.script = [PICTURE]
    flora(lambda c: c.download(output("/files/mug"), to=target, overwrite=True))
    assert target.read_bytes() == PNG


def test_a_broken_download_starts_again_and_leaves_nothing_half(
    flora: Clients, server: ScriptedServer, tmp_path: Path
) -> None:
    short = Answer(200, PNG[:5000], {"content-type": "image/png", "content-length": "999999"})
    server.script = [LOST, short, PICTURE]
    saved = flora(lambda c: c.download(output("/files/mug"), to=tmp_path))
    assert saved.read_bytes() == PNG
    assert [*tmp_path.iterdir()] == [saved]


def test_a_refused_download(flora: Clients, server: ScriptedServer, tmp_path: Path) -> None:
    server.script = [refusal(404, "not_found", "Not found.")]
    with pytest.raises(NotFoundError, match="Not found"):
        flora(lambda c: c.download(output("/files/mug"), to=tmp_path))
    assert [*tmp_path.iterdir()] == []


def test_the_key_goes_to_its_own_server_only(flora: Clients, server: ScriptedServer, tmp_path: Path) -> None:
    server.script = [PICTURE, PICTURE]
    flora(lambda c: c.download(f"{server.origin}/files/a", to=tmp_path))
    flora(lambda c: c.download(f"{server.origin}/files/b".replace("127.0.0.1", "localhost"), to=tmp_path))
    assert ["authorization" in seen.headers for seen in server.seen] == [True, False]
