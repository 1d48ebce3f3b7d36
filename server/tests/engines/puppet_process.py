"""A model process that does what the test says, run by its pool as ``python -m puppet_process``."""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from terrarium_server.engines._child import Talk, serve
from terrarium_server.engines._contract import Output
from terrarium_server.media import VideoWriter, run_ffmpeg


def _make(request: dict[str, Any], talk: Talk) -> list[Output]:
    talk.report(0.5, Output("image/png", b"small", 1, 1))
    mine = Path(request["folder"]) / "mine.mp4"
    mine.write_bytes(b"a film")
    return [
        Output("image/png", b"a picture", 4, 3),
        Output("video/mp4", mine, 8, 6, 2.5),
        Output("text/plain", f"words of {os.getpid()} with {os.environ['OMP_NUM_THREADS']} threads"),
    ]


def _stay(request: dict[str, Any], talk: Talk, *, obedient: bool) -> list[Output]:
    """Be at work until it is cancelled, or killed, with something in the folder."""
    (Path(request["folder"]) / "half.png").write_bytes(b"half")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    while True:
        talk.report(0.5, Output("text/plain", str(child.pid)))
        time.sleep(0.02 if obedient else 1000)


def _fail(request: dict[str, Any], talk: Talk) -> list[Output]:
    """Note the attempt, and be lost in one of the first ``times``; make something afterwards."""
    with Path(request["attempts"]).open("a") as noted:
        noted.write(f"{os.getpid()}\n")
    if len(Path(request["attempts"]).read_text().split()) > request["times"]:
        return _make(request, talk)
    talk.report(0.75, Output("text/plain", "half"))
    match request["how"]:
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exits":
            os._exit(3)
        case _:
            return _stay(request, talk, obedient=False)
    return []


def _work_until(request: dict[str, Any], talk: Talk) -> list[Output]:
    """Be at work, with a program of its own at work too, until a file is there."""
    with VideoWriter(64, 64, 24) as writer:
        frame = np.zeros((64, 64, 3), np.uint8)
        while not Path(request["file"]).exists():
            talk.report(0.5)
            writer.write(frame)
            time.sleep(0.01)
        return [Output("video/mp4", writer.finish(), 64, 64, writer.seconds)]


def _look(request: dict[str, Any]) -> list[Output]:
    """Tell what this process, and a program that it starts, has of the server."""
    asked = [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]
    started = subprocess.run(asked, capture_output=True, text=True, check=True)
    limits = {name: resource.getrlimit(getattr(resource, name))[0] for name in _LIMITS}
    seen = {
        "environment": dict(os.environ),
        "of a program": json.loads(started.stdout),
        "limits": limits,
        "open": [_opened(number) for number in os.listdir("/dev/fd")],
        "temporary": tempfile.gettempdir(),
        "folder": request["folder"],
        "pid": os.getpid(),
    }
    return [Output("text/plain", json.dumps(seen))]


_LIMITS = ("RLIMIT_CORE", "RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_NOFILE")


def _opened(number: str) -> str:
    try:
        return os.readlink(f"/dev/fd/{number}")
    except OSError:
        return ""


def _use_up(request: dict[str, Any], talk: Talk) -> list[Output]:
    """Use more of something than there is, here or in ffmpeg."""
    if "attempts" in request:
        with Path(request["attempts"]).open("a") as noted:
            noted.write(f"{os.getpid()}\n")
    folder = Path(request["folder"])
    source = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30"]
    match request["resource"]:
        case "memory":
            return [Output("text/plain", str(len(bytearray(16 << 30))))]
        case "file size":
            return [Output("application/x-zeros", bytes(64 << 20))]
        case "disk":
            Path("/dev/full").write_bytes(bytes(1 << 20))
        case "processor time":
            while True:
                talk.report(0.5)
        case "ffmpeg's file size":
            run_ffmpeg([*source, "-c:v", "rawvideo", "-t", "60", str(folder / "made.avi")])
        case "ffmpeg's disk":
            run_ffmpeg([*source, "-c:v", "rawvideo", "-t", "60", "-f", "avi", "/dev/full"])
        case "ffmpeg's processor time":
            run_ffmpeg([*source, "-c:v", "libx264", "-t", "3600", "-f", "null", "-"])
        case _:
            noise = np.random.default_rng(7)
            with VideoWriter(320, 180, 30, crf=0, preset="realtime") as writer:
                while True:
                    writer.write(noise.integers(0, 255, (180, 320, 3), np.uint8))
                    talk.report(0.5)
    return []


def _litter(request: dict[str, Any], talk: Talk) -> list[Output]:
    """Leave files wherever temporary files go by default, as libraries and programs do."""
    made = [tempfile.mkdtemp(), tempfile.mkstemp()[1]]
    asked = [sys.executable, "-c", "import tempfile; print(tempfile.mkstemp()[1])"]
    made.append(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())
    return [Output("text/plain", "\n".join(made))]


def _handle(request: dict[str, Any], talk: Talk) -> list[Output]:
    match request["do"]:
        case "make":
            return _make(request, talk)
        case "stay":
            return _stay(request, talk, obedient=True)
        case "fall silent":
            return _stay(request, talk, obedient=False)
        case "fail":
            return _fail(request, talk)
        case "work until":
            return _work_until(request, talk)
        case "look":
            return _look(request)
        case "use up":
            return _use_up(request, talk)
        case "litter":
            return _litter(request, talk)
        case "say rubbish":
            out: Any = talk._out  # pyright: ignore[reportPrivateUsage]
            out.write(bytes.fromhex(request["rubbish"]))
            out.flush()
            time.sleep(1000)
        case _:
            os._exit(3)
    return []


if __name__ == "__main__":
    serve(_handle)
