"""Outputs: bytes become a blob with a link, text stays in the record; both are found again."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from terrarium_server import assets
from terrarium_server.assets import KeptOutput
from terrarium_server.problems import NotFound
from terrarium_server.store import Blobs, Database


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "media")


def keep(blobs: Blobs, run_id: str, position: int, data: bytes | str) -> KeptOutput:
    kind, content_type = ("text", "text/plain") if isinstance(data, str) else ("imageUrl", "image/png")
    return assets.keep(
        blobs, run_id, position, type=kind, content_type=content_type, data=data, width=2, height=1, now_ms=7
    )


def test_bytes_are_kept_under_a_name_that_cannot_be_guessed(blobs: Blobs, tmp_path: Path) -> None:
    kept = [keep(blobs, "run_1", 0, b"picture") for _ in range(2)]
    names = {output.blob for output in kept}
    assert len(names) == 2
    assert {path.name for path in (tmp_path / "media").iterdir()} == names
    for output in kept:
        assert output.blob and output.blob.endswith(".png") and output.output_id not in output.blob
        assert (output.text, output.size_bytes) == (None, 7)
        assert output.sha256 == hashlib.sha256(b"picture").hexdigest()
        assert asyncio.run(blobs.get(output.blob, 1, 3)) == b"ic"


def test_a_file_becomes_a_blob_like_bytes(blobs: Blobs, tmp_path: Path) -> None:
    made = tmp_path / "made.mp4"
    made.write_bytes(b"moving")
    kept = assets.keep(blobs, "run_1", 0, type="videoUrl", content_type="video/mp4", data=made, now_ms=7)
    assert not made.exists()
    assert kept.blob and kept.blob.endswith(".mp4")
    assert (kept.text, kept.size_bytes, kept.sha256) == (None, 6, hashlib.sha256(b"moving").hexdigest())
    assert asyncio.run(blobs.get(kept.blob, 0, 6)) == b"moving"


def test_text_stays_in_the_record(blobs: Blobs, tmp_path: Path) -> None:
    kept = keep(blobs, "run_1", 0, "A lighthouse – small")
    assert (kept.text, kept.blob) == ("A lighthouse – small", None)
    assert kept.size_bytes == len("A lighthouse – small".encode())
    assert list((tmp_path / "media").iterdir()) == []


def test_outputs_are_found_by_run_in_order_by_id_and_by_link(blobs: Blobs, database: Database) -> None:
    kept = [keep(blobs, "run_1", position, b"%d" % position) for position in range(3)]
    other = keep(blobs, "run_2", 0, "text")
    with database.transaction() as tx:
        assets.record_outputs(tx, [kept[2], kept[0], other, kept[1]])
    with database.transaction() as tx:
        assert assets.outputs_of(tx, ["run_1", "run_2", "run_3"]) == {"run_1": kept, "run_2": [other]}
        assert assets.outputs_of(tx, []) == {}
        wanted = [kept[1].output_id, other.output_id, "out_none"]
        assert assets.outputs_by_id(tx, wanted) == {kept[1].output_id: kept[1], other.output_id: other}
        assert assets.outputs_by_id(tx, []) == {}
        assert assets.find_output(tx, str(kept[2].blob)) == kept[2]
        with pytest.raises(NotFound):
            assets.find_output(tx, kept[2].output_id)


def test_a_run_has_one_output_at_each_position(blobs: Blobs, database: Database) -> None:
    first, second = keep(blobs, "run_1", 0, "a"), keep(blobs, "run_1", 0, "b")
    with database.transaction() as tx:
        assets.record_outputs(tx, [first])
    with pytest.raises(IntegrityError), database.transaction() as tx:
        assets.record_outputs(tx, [second])
    with database.transaction() as tx:
        assert assets.outputs_of(tx, ["run_1"]) == {"run_1": [first]}
