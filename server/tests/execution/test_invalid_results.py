"""Results, codes and tickets that break the contract of engines: the run fails, and nothing is charged."""

import asyncio
import math
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from support.scripted_engine import Script, ScriptedEngine, echo
from support.server import CARDS
from support.workspace import GRANT_USD, PRICE_MICROS, OpenWorkspace, Workspace
from terrarium_server.engines import (
    CODES,
    Failed,
    Finished,
    Job,
    Mark,
    News,
    Output,
    Progress,
    Refused,
    Ticket,
    Unknown,
)
from terrarium_server.engines.registry import Engines

GRANT = round(GRANT_USD * 1_000_000)
MODELS = {"text": "t2t-rehearsal", "image": "i2i-rehearsal", "audio": "t2a-rehearsal"}
INVALID = "GENERATION_INVALID_PROVIDER_RESPONSE"

Open = Callable[[ScriptedEngine], Any]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The folder for the files of the engine."""
    folder = tmp_path / "made"
    folder.mkdir()
    return folder


@pytest.fixture
def open_rehearsal(open_workspace: OpenWorkspace, tmp_path: Path) -> Open:
    """Opens a workspace with an engine and a model of each type."""
    cards = tmp_path / "cards"
    shutil.copytree(CARDS, cards)
    text = (cards / "t2t-rehearsal.toml").read_text()
    audio = text.replace("t2t-rehearsal", MODELS["audio"]).replace('type = "text"', 'type = "audio"', 1)
    (cards / "t2a-rehearsal.toml").write_text(audio)
    return lambda engine: open_workspace(engine, cards_dir=cards)


def finishing(outputs: Any) -> Script:
    async def script(job: Job) -> AsyncIterator[News]:
        yield Finished(outputs)

    return script


def wav(data: Any = b"RIFF", content_type: Any = "audio/wav", **more: Any) -> Output:
    return Output(content_type, data, **more)


def png(data: Any = b"\x89PNG", **more: Any) -> Output:
    return Output("image/png", data, **more)


def text(data: Any = "a fern", content_type: Any = "text/plain") -> Output:
    return Output(content_type, data)


# Each: the type of the run, the outputs, and what the log says about them.
IN_MEMORY: dict[str, tuple[str, Any, str]] = {
    "text for a medium": ("audio", (wav("/tmp/made.wav"),), "must be bytes or Path, not str"),
    "bytes for text": ("text", (text(b"a fern"),), "must be str, not bytes"),
    "another kind of medium": ("audio", (png(),), "'image/png' is not a plain audio/subtype"),
    "a video for audio": ("audio", (wav(content_type="video/mp4"),), "'video/mp4'"),
    "a medium for text": ("text", (text(content_type="image/png"),), "'image/png'"),
    "a header in the type": ("audio", (wav(content_type="audio/wav\r\nX-Evil: 1"),), "X-Evil"),
    "a line after the type": ("audio", (wav(content_type="audio/wav\n"),), "is not a plain"),
    "a page": ("audio", (wav(content_type="text/html; <script>"),), "text/html"),
    "a parameter of the type": ("text", (text(content_type="text/plain; charset=utf-8"),), "charset"),
    "a type that is no str": ("image", (Output(cast(Any, None), b"x"),), "content type None"),
    "no bytes": ("image", (png(b""),), "has no bytes"),
    "an empty text": ("text", (text(""),), "0 characters"),
    "a NUL character": ("text", (text("a\x00b"),), "NUL"),
    "a lone surrogate": ("text", (text("\ud800"),), "surrogates"),
    "a negative width": ("image", (png(width=-5, height=8),), "-5 by 8"),
    "a height that is text": ("image", (png(width=8, height="x"),), "8 by 'x'"),
    "a width of True": ("image", (png(width=True, height=8),), "True by 8"),
    "a huge width": ("image", (png(width=1 << 31, height=8),), "2147483648 by 8"),
    "an endless duration": ("audio", (wav(duration_seconds=math.inf),), "inf is no duration"),
    "a duration of NaN": ("audio", (wav(duration_seconds=math.nan),), "nan is no duration"),
    "a duration that is text": ("audio", (wav(duration_seconds="1"),), "'1' is no duration"),
    "a duration of weeks": ("audio", (wav(duration_seconds=1e7),), "10000000.0 is no duration"),
    "300 outputs": ("image", (png(),) * 300, "300 outputs; from 1 to 64"),
    "one that is wrong among others": ("image", (png(), png(), wav()), "output 2: "),
    "no output at all": ("text", ("a fern",), "not a tuple of Output"),
    "no tuple": ("text", None, "not a tuple of Output"),
}


@pytest.mark.parametrize("case", IN_MEMORY)
def test_a_run_fails_with_outputs_that_break_the_contract(
    open_rehearsal: Open, caplog: pytest.LogCaptureFixture, tmp_path: Path, case: str
) -> None:
    run_type, outputs, reason = IN_MEMORY[case]
    with open_rehearsal(ScriptedEngine(finishing(outputs), repeatable=False)) as workspace:
        run = workspace.ended(workspace.start(MODELS[run_type], type=run_type))
        check_failure(workspace, run.run_id, INVALID)
        assert workspace.submission(run.run_id).state == "over"
    assert f"{run.run_id}: engine rehearsal returned a result" in caplog.text and reason in caplog.text
    assert not [path for path in (tmp_path / "media").rglob("*") if path.is_file()]


def linked(folder: Path) -> Path:
    target = folder / "target.wav"
    target.write_bytes(b"RIFF")
    (folder / "link.wav").symlink_to(target)
    return folder / "link.wav"


def fifo(folder: Path) -> Path:
    os.mkfifo(folder / "fifo.wav")
    return folder / "fifo.wav"


def directory(folder: Path) -> Path:
    (folder / "folder.wav").mkdir()
    return folder / "folder.wav"


def empty(folder: Path) -> Path:
    (folder / "empty.wav").touch()
    return folder / "empty.wav"


def missing(folder: Path) -> Path:
    return folder / "missing.wav"


@pytest.mark.parametrize(
    ("make", "reason", "left"),
    [
        (linked, "is not a regular file", {"target.wav", "link.wav"}),
        (fifo, "is not a regular file", {"fifo.wav"}),
        (directory, "is not a regular file", {"folder.wav"}),
        (missing, "No such file", set[str]()),
        (empty, "is empty", set[str]()),
    ],
)
def test_a_run_fails_with_what_is_not_a_file_of_its_own_and_only_files_are_deleted(
    open_rehearsal: Open,
    caplog: pytest.LogCaptureFixture,
    made: Path,
    make: Callable[[Path], Path],
    reason: str,
    left: set[str],
) -> None:
    good = made / "good.wav"
    good.write_bytes(b"RIFF")
    outputs = (wav(good), wav(make(made)))
    with open_rehearsal(ScriptedEngine(finishing(outputs))) as workspace:
        run_id = workspace.start(MODELS["audio"], type="audio")
        workspace.ended(run_id)
        check_failure(workspace, run_id, INVALID)
    assert reason in caplog.text
    assert {path.name for path in made.iterdir()} == left


def test_two_outputs_cannot_be_the_same_file(
    open_rehearsal: Open, caplog: pytest.LogCaptureFixture, made: Path
) -> None:
    file = made / "made.wav"
    file.write_bytes(b"RIFF")
    outputs = (wav(file), wav(made / ".." / "made" / "made.wav"))
    with open_rehearsal(ScriptedEngine(finishing(outputs))) as workspace:
        run_id = workspace.start(MODELS["audio"], type="audio")
        workspace.ended(run_id)
        check_failure(workspace, run_id, INVALID)
    assert "the same file" in caplog.text


def test_a_run_without_outputs_has_no_result(open_rehearsal: Open) -> None:
    with open_rehearsal(ScriptedEngine(finishing(()))) as workspace:
        run = workspace.ended(workspace.start())
        check_failure(workspace, run.run_id, "GENERATION_NO_RESULT")


async def nothing(job: Job) -> AsyncIterator[News]:
    yield Progress(0.5)


async def no_news(job: Job) -> AsyncIterator[News]:
    yield cast(News, {"outputs": []})


@pytest.mark.parametrize(
    ("script", "reason"), [(nothing, "ended without a result"), (no_news, "which is no news")]
)
def test_following_that_ends_without_a_result_fails_the_run(
    open_rehearsal: Open, caplog: pytest.LogCaptureFixture, script: Script, reason: str
) -> None:
    with open_rehearsal(ScriptedEngine(script)) as workspace:
        run = workspace.ended(workspace.start())
        check_failure(workspace, run.run_id, INVALID)
    assert "engine rehearsal: follow" in caplog.text and reason in caplog.text


class Refusing(ScriptedEngine):
    """Refuses jobs in one of its methods, with a code of its own."""

    def __init__(self, method: str) -> None:
        super().__init__(repeatable=False)
        self.method = method

    async def prepare(self, job: Job) -> Mark:
        if self.method == "prepare":
            raise Refused("WHAT", "no")
        return await super().prepare(job)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        if self.method == "submit":
            raise Refused("WHAT", "no", retry_after=math.nan)
        return await super().submit(job, mark)


async def fails(job: Job) -> AsyncIterator[News]:
    yield Failed("WHAT", "no", retry_after=-1)


@pytest.mark.parametrize(
    "engine", [lambda: Refusing("prepare"), lambda: Refusing("submit"), lambda: ScriptedEngine(fails)]
)
def test_a_code_that_callers_do_not_know_becomes_a_generic_error(
    open_rehearsal: Open, caplog: pytest.LogCaptureFixture, engine: Callable[[], ScriptedEngine]
) -> None:
    assert "WHAT" not in CODES
    with open_rehearsal(engine()) as workspace:
        run = workspace.ended(workspace.start())
        check_failure(workspace, run.run_id, "GENERATION_GENERIC_ERROR")
        assert run.error_message == "no"
    assert "engine rehearsal: a job failed with the code 'WHAT'" in caplog.text


@pytest.mark.parametrize(
    ("fraction", "percent"), [(math.nan, 0), (-3.0, 0), (math.inf, 99), (-math.inf, 0), (7.5, 99)]
)
def test_progress_is_brought_into_its_range(open_rehearsal: Open, fraction: float, percent: int) -> None:
    async def script(job: Job) -> AsyncIterator[News]:
        yield Progress(fraction, Output("text/plain", "half"))
        while not is_shown:
            yield Progress(fraction, cast(Any, "no output"))
            yield Progress(fraction, Output("text/html; <script>", b"no picture"))
            yield Progress(fraction, Output("text/plain", "\x00"))
            await asyncio.sleep(0.02)
        async for news in echo(job):
            yield news

    is_shown: list[bool] = []
    with open_rehearsal(ScriptedEngine(script)) as workspace:
        run_id = workspace.start()
        workspace.wait_until(lambda: workspace.run(run_id).preview is not None, "no progress was written")
        run = workspace.run(run_id)
        assert (run.progress, run.preview) == (percent, "half")
        is_shown.append(True)
        assert workspace.ended(run_id).state == "completed"


class Ticketless(ScriptedEngine):
    """Returns something else instead of marks or tickets."""

    def __init__(self, method: str, answer: Any, *, repeatable: bool) -> None:
        super().__init__(repeatable=repeatable)
        self.method = method
        self.answer = answer

    async def prepare(self, job: Job) -> Mark:
        return self.answer if self.method == "prepare" else await super().prepare(job)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        ticket = await super().submit(job, mark)
        return self.answer if self.method == "submit" else ticket


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize("method", ["prepare", "submit"])
@pytest.mark.parametrize("answer", [None, "", 7])
def test_a_run_fails_at_once_without_a_mark_or_a_ticket(
    open_rehearsal: Open, caplog: pytest.LogCaptureFixture, method: str, answer: Any, repeatable: bool
) -> None:
    engine = Ticketless(method, answer, repeatable=repeatable)
    with open_rehearsal(engine) as workspace:
        run = workspace.ended(workspace.start())
        check_failure(workspace, run.run_id, "SERVER_ERROR")
        # It may have started, so it is not submitted again.
        assert len(engine.submitted) == (method == "submit")
    assert f"engine rehearsal: {method} returned {answer!r}" in caplog.text


@pytest.mark.parametrize("answer", ["", False, 7])
def test_a_search_that_returns_no_ticket_has_an_unknown_outcome(answer: Any) -> None:
    class Confused(ScriptedEngine):
        async def find(self, mark: Mark) -> Ticket | Unknown | None:
            return answer

    (engine,) = Engines([Confused()])
    assert asyncio.run(engine.find(Mark("a mark"))) == Unknown()


def test_all_engines_are_closed_even_if_one_cannot_be(caplog: pytest.LogCaptureFixture) -> None:
    closed: list[str] = []

    class Closing(ScriptedEngine):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        async def close(self) -> None:
            closed.append(self.name)
            raise ConnectionResetError("the connection is gone")

    asyncio.run(Engines([Closing("first"), Closing("second")]).close())
    assert closed == ["first", "second"]
    assert "engine first could not be closed" in caplog.text and "the connection is gone" in caplog.text


def check_failure(workspace: Workspace, run_id: str, code: str) -> None:
    """Check that a run failed with a code and a message, and that nothing was charged."""
    run = workspace.run(run_id)
    assert (run.state, run.error_code, run.cost_micros) == ("failed", code, 0)
    assert run.error_message
    assert workspace.balance == GRANT


class Raising(ScriptedEngine):
    """Raises an exception in one of its methods, for the first job only."""

    def __init__(self, method: str, error: BaseException) -> None:
        async def script(job: Job) -> AsyncIterator[News]:
            self.raise_in("follow")
            async for news in echo(job):
                yield news

        super().__init__(script, repeatable=False)
        self.method = method
        self.errors = [error]

    def raise_in(self, method: str) -> None:
        if method == self.method and self.errors:
            raise self.errors.pop()

    async def prepare(self, job: Job) -> Mark:
        self.raise_in("prepare")
        return await super().prepare(job)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        ticket = await super().submit(job, mark)
        self.raise_in("submit")
        return ticket


@pytest.mark.parametrize("method", ["prepare", "submit", "follow"])
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError, StopIteration])
def test_an_exception_that_would_end_a_worker_fails_one_run(
    open_rehearsal: Open, method: str, error: type[BaseException]
) -> None:
    with open_rehearsal(Raising(method, error("enough"))) as workspace:
        assert workspace.ended(workspace.start()).state == "failed"
        assert workspace.ended(workspace.start()).state == "completed"
        assert workspace.balance == GRANT - PRICE_MICROS


@pytest.mark.parametrize("message", [None, "", b"x", "\x00", "\ud800", "x" * 5000, 7])
def test_a_message_that_cannot_be_shown_is_replaced(open_rehearsal: Open, message: Any) -> None:
    async def script(job: Job) -> AsyncIterator[News]:
        yield Failed("GENERATION_PROMPT_MODERATED", message)

    with open_rehearsal(ScriptedEngine(script)) as workspace:
        run = workspace.ended(workspace.start())
        check_failure(workspace, run.run_id, "GENERATION_PROMPT_MODERATED")
        assert "without saying why" in (run.error_message or "")


def test_an_engine_that_does_not_close_delays_the_others_for_a_while_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("terrarium_server.engines.registry._CLOSE_SECONDS", 0.1)

    class Hanging(ScriptedEngine):
        async def close(self) -> None:
            await asyncio.sleep(1000)

    asyncio.run(Engines([Hanging()]).close())
    assert "engine rehearsal could not be closed" in caplog.text
