"""Outputs: bytes become a medium with a link, text stays in the record, and both can be read again."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from terrarium_server import assets
from terrarium_server.assets import KeptOutput, Medium
from terrarium_server.problems import NotFound
from terrarium_server.store import Blobs, Database


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "media")


def keep(blobs: Blobs, run_id: str, position: int, data: bytes | str, workspace: str = "ws_1") -> KeptOutput:
    kind, content_type = ("text", "text/plain") if isinstance(data, str) else ("image", "image/png")
    return assets.keep(
        blobs,
        run_id,
        workspace,
        position,
        type=kind,
        content_type=content_type,
        data=data,
        width=2,
        height=1,
        now_ms=7,
    )


def medium(output: KeptOutput) -> Medium:
    assert output.medium is not None
    return output.medium


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_bytes_are_stored_under_a_unique_name_and_get_a_link_that_cannot_be_guessed(
    blobs: Blobs, tmp_path: Path
) -> None:
    kept = [keep(blobs, "run_1", 0, b"picture") for _ in range(2)]
    names = {medium(output).blob for output in kept}
    assert len(names) == 2
    assert files(tmp_path / "media") == names
    links = {str(output.link) for output in kept}
    assert len(links) == 2
    for output in kept:
        assert output.link and output.link.endswith(".png")
        # Neither the output's id nor the blob's name reveals the link.
        body = output.link.removeprefix("lnk_").removesuffix(".png")
        assert body not in output.output_id and body not in medium(output).blob
        assert (output.text, medium(output).size_bytes) == (None, 7)
        assert medium(output).sha256 == hashlib.sha256(b"picture").hexdigest()
        assert asyncio.run(blobs.get(medium(output).blob, 1, 3)) == b"ic"


def test_a_file_becomes_a_blob_like_bytes(blobs: Blobs, tmp_path: Path) -> None:
    made = tmp_path / "made.mp4"
    made.write_bytes(b"moving")
    kept = assets.keep(
        blobs,
        "run_1",
        "ws_1",
        0,
        type="video",
        content_type="video/mp4",
        data=made,
        duration_seconds=4.04,
        now_ms=7,
    )
    assert not made.exists()
    video = medium(kept)
    assert video.blob.startswith("ws_1/") and video.blob.endswith(".mp4")
    assert (video.size_bytes, video.sha256) == (6, hashlib.sha256(b"moving").hexdigest())
    assert (video.width, video.height, video.duration_ms) == (None, None, 4040)
    assert asyncio.run(blobs.get(video.blob, 0, 6)) == b"moving"


def test_text_stays_in_the_record(blobs: Blobs, tmp_path: Path) -> None:
    kept = keep(blobs, "run_1", 0, "A lighthouse – small")
    assert (kept.text, kept.link, kept.medium) == ("A lighthouse – small", None, None)
    assert files(tmp_path / "media") == set()


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
        assert assets.find_medium(tx, str(kept[2].link)) == kept[2].medium
        for unknown in (kept[2].output_id, medium(kept[2]).blob, medium(kept[2]).media_id):
            with pytest.raises(NotFound):
                assets.find_medium(tx, unknown)


def test_a_run_has_one_output_at_each_position(blobs: Blobs, database: Database) -> None:
    first, second = keep(blobs, "run_1", 0, "a"), keep(blobs, "run_1", 0, "b")
    with database.transaction() as tx:
        assets.record_outputs(tx, [first])
    with pytest.raises(IntegrityError), database.transaction() as tx:
        assets.record_outputs(tx, [second])
    with database.transaction() as tx:
        assert assets.outputs_of(tx, ["run_1"]) == {"run_1": [first]}


def test_equal_content_of_a_workspace_is_one_medium_with_a_link_for_each(
    blobs: Blobs, database: Database
) -> None:
    first, second = keep(blobs, "run_1", 0, b"same"), keep(blobs, "run_2", 0, b"same")
    with database.transaction() as tx:
        assets.record_outputs(tx, [first])
    with database.transaction() as tx:
        assets.record_outputs(tx, [second])
    with database.transaction() as tx:
        media = [assets.find_medium(tx, str(output.link)) for output in (first, second)]
    assert first.link != second.link
    assert media[0] == media[1]
    # The newer file is used, because the older one may be damaged.
    assert media[0].media_id == medium(first).media_id and media[0].blob == medium(second).blob


def test_another_workspace_shares_nothing(blobs: Blobs, database: Database) -> None:
    mine, other = keep(blobs, "run_1", 0, b"same"), keep(blobs, "run_2", 0, b"same", workspace="ws_2")
    with database.transaction() as tx:
        assets.record_outputs(tx, [mine, other])
    with database.transaction() as tx:
        assert assets.find_medium(tx, str(mine.link)) == mine.medium
        assert assets.find_medium(tx, str(other.link)) == other.medium


def test_a_record_without_a_size_does_not_erase_the_known_size(blobs: Blobs, database: Database) -> None:
    described = keep(blobs, "run_1", 0, b"same")
    bare = assets.keep(
        blobs, "run_2", "ws_1", 0, type="image", content_type="image/png", data=b"same", now_ms=8
    )
    with database.transaction() as tx:
        assets.record_outputs(tx, [described, bare])
    with database.transaction() as tx:
        merged = assets.find_medium(tx, str(bare.link))
    assert (merged.width, merged.height) == (2, 1)
