"""What the commands draw on a terminal."""

import os
import pty
import re
import subprocess
import sys

from .scripted import Response, ScriptedServer
from .test_batches import batch, step
from .test_cli import outputs
from .test_events import event, position, streamed

DONE = {"status": "completed", "progress": 100}


def on_terminal(*args: str, locale: str = "C.UTF-8") -> tuple[int, str]:
    """The exit code of a command, and what it writes to a terminal of 80 columns, without colours."""
    settings = {"COLUMNS": "80", "LINES": "24", "LC_ALL": locale, "TERM": "xterm-256color"}
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "terrarium.cli", *args]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env={**os.environ, **settings}) as process:
        os.close(theirs)
        written = b""
        try:
            while chunk := os.read(ours, 65536):
                written += chunk
        except OSError:  # how the end of a terminal shows on Linux
            pass
    os.close(ours)
    return process.returncode, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode())


def test_a_batch_has_a_bar_and_those_of_its_running_runs(configured_server: ScriptedServer) -> None:
    ended = batch(step(0, **DONE), step(1, **DONE), **DONE, completed_at=9)
    running = Response(200, batch(step(0, progress=35), step(1, **DONE)))
    # The command looks what it waits for, then polls. The second poll takes long enough for what the first
    # one shows to be drawn.
    shown = [running, running, Response(200, ended, delay=1.0)]
    configured_server.routes = {
        "GET /runs/run_9": lambda _: shown.pop(0),
        "GET /runs/run_0": Response(200, outputs()),
        "GET /runs/run_1": Response(200, outputs()),
    }
    code, text = on_terminal("runs", "wait", "run_9")
    assert code == 0
    lines = re.split(r"[\r\n]+", text)
    assert "1 completed, 1 running" in lines
    assert any(re.fullmatch(r"  starts\[0\]  t2t-sketch ━+╺━+ +35%", line) for line in lines)
    assert not any(line.startswith("  starts[1]") for line in lines)
    assert lines[-2] == "run_9: $0.50, 2 completed"
    assert max(map(len, lines)) <= 80


def test_events_move_the_bar_also_on_a_terminal_without_unicode(configured_server: ScriptedServer) -> None:
    half_done = batch(step(0, status="pending", progress=0), step(1, **DONE))
    shown = [half_done, half_done, batch(step(0, **DONE), step(1, **DONE), **DONE, completed_at=9)]
    configured_server.routes = {
        "GET /runs/run_9": lambda _: Response(200, shown.pop(0)),
        "GET /runs/run_9/events": streamed(
            position("open", None),
            event(4, run_id="run_0", status="running"),
            event(5, "run.completed", "run_0", status="completed"),
            event(6, "run.completed", "run_9", status="completed"),
        ),
    }
    code, text = on_terminal("runs", "watch", "run_9", locale="C")
    assert code == 0
    assert re.search(r"Done -+ +100%", text)
    assert "\n2 completed" in text
    assert text.isascii()
