"""Which files a model process may return."""

from pathlib import Path

import pytest

from support.driver import content
from terrarium_server.engines import Failed, Finished

from .scripted import Open, do, empty


@pytest.mark.parametrize(
    "what",
    [
        "a file outside",
        "a link",
        "a file of a linked folder",
        "a pipe",
        "a folder",
        "nothing",
        "the same file twice",
    ],
)
def test_a_job_fails_with_a_path_that_is_not_a_file_of_its_own(
    open_pool: Open, scratch: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], what: str
) -> None:
    outside = tmp_path / "outside.png"
    outside.write_bytes(b"of somebody else")
    driver = open_pool()
    failed = driver.run(do("return a file", what=what, path=str(outside)))
    assert isinstance(failed, Failed) and failed.code == "GENERATION_INVALID_PROVIDER_RESPONSE"
    assert "not a file of its own" in failed.message and str(tmp_path) not in failed.message
    assert "which is not a regular file in the job's folder" in capfd.readouterr().err
    assert outside.read_bytes() == b"of somebody else"
    assert empty(scratch)
    # The process goes on.
    assert isinstance(driver.run(do("describe", "run_2")), Finished)


def test_a_file_may_be_in_any_folder_of_the_job(open_pool: Open, scratch: Path, tmp_path: Path) -> None:
    # The path of the scratch folder itself may have links.
    scratch.parent.mkdir()
    real = tmp_path / "real"
    real.mkdir()
    scratch.symlink_to(real)
    driver = open_pool()
    made = driver.run(do("return a file", what="a file in a folder", path=""))
    assert isinstance(made, Finished)
    assert [content(output) for output in made.outputs] == [b"a picture"]
    assert empty(scratch)
