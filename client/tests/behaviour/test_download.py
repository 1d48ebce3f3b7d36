"""Saving outputs."""

from pathlib import Path
from typing import Any

import pytest

from terrarium import NotFoundError
from terrarium.types import RunOutput

from .scripted import LOST, Clients, Response, ScriptedServer, refusal

PNG = b"\x89PNG" + bytes(200_000)
IMAGE = Response(200, PNG, {"content-type": "image/png"})


def output(url: str, output_type: Any = "imageUrl") -> RunOutput:
    return RunOutput(output_id="output_1", type=output_type, url=url)


def test_an_output_is_saved_to_a_file(flora: Clients, server: ScriptedServer, tmp_path: Path) -> None:
    server.script = [IMAGE]
    target = tmp_path / "new" / "mug.png"
    saved = flora(lambda c: c.download(output(f"{server.origin}/files/abc?sig=1"), to=target))
    assert saved == target
    assert target.read_bytes() == PNG
    assert server.requests[0].query == {"sig": "1"}
    assert [*target.parent.iterdir()] == [target]


def test_an_output_is_saved_in_a_folder_under_a_free_name(
    flora: Clients, server: ScriptedServer, tmp_path: Path
) -> None:
    server.script = [IMAGE, IMAGE, IMAGE, Response(200, b"RIFF", {"content-type": "audio/wav"})]
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


def test_text_is_saved_without_a_request(flora: Clients, server: ScriptedServer, tmp_path: Path) -> None:
    saved = flora(lambda c: c.download(output("Ein Gedicht: äöü", "text"), to=tmp_path))
    assert saved.name == "output.txt"
    assert saved.read_text("utf-8") == "Ein Gedicht: äöü"
    assert server.requests == []


def test_a_file_is_overwritten_only_on_request(
    flora: Clients, server: ScriptedServer, tmp_path: Path
) -> None:
    target = tmp_path / "mug.png"
    target.write_text("mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        flora(lambda c: c.download(output("/files/mug"), to=target))
    assert (server.requests, target.read_text()) == ([], "mine")
    server.script = [IMAGE]
    flora(lambda c: c.download(output("/files/mug"), to=target, overwrite=True))
    assert target.read_bytes() == PNG


def test_a_broken_download_starts_again_and_leaves_no_partial_file(
    flora: Clients, server: ScriptedServer, tmp_path: Path
) -> None:
    short = Response(200, PNG[:5000], {"content-type": "image/png", "content-length": "999999"})
    server.script = [LOST, short, IMAGE]
    saved = flora(lambda c: c.download(output("/files/mug"), to=tmp_path))
    assert saved.read_bytes() == PNG
    assert [*tmp_path.iterdir()] == [saved]


def test_a_refused_download_leaves_no_file(flora: Clients, server: ScriptedServer, tmp_path: Path) -> None:
    server.script = [refusal(404, "not_found", "Not found.")]
    with pytest.raises(NotFoundError, match="Not found"):
        flora(lambda c: c.download(output("/files/mug"), to=tmp_path))
    assert [*tmp_path.iterdir()] == []


def test_the_key_is_not_sent_to_another_server(
    flora: Clients, server: ScriptedServer, tmp_path: Path
) -> None:
    server.script = [IMAGE, IMAGE]
    flora(lambda c: c.download(f"{server.origin}/files/a", to=tmp_path))
    flora(lambda c: c.download(f"{server.origin}/files/b".replace("127.0.0.1", "localhost"), to=tmp_path))
    assert ["authorization" in request.headers for request in server.requests] == [True, False]
