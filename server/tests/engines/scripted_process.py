"""A model process that does what a request says."""

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

from terrarium_server.engines import Output
from terrarium_server.engines.child import JobContext, serve
from terrarium_server.media import VideoWriter, run_ffmpeg

# Libraries greet, and programs that they start too.
print("imported")
os.system("echo imported")


def _make(request: dict[str, Any], context: JobContext) -> list[Output]:
    context.report(0.5, Output("image/png", b"small", 1, 1))
    video = Path(request["folder"]) / "any name.mp4"
    video.write_bytes(b"a video")
    return [
        Output("image/png", b"a picture", 4, 3),
        Output("video/mp4", video, 8, 6, 2.5),
        Output("text/plain", f"text of {os.getpid()} with {os.environ['OMP_NUM_THREADS']} threads"),
    ]


def _wait(request: dict[str, Any], context: JobContext, *, silent: bool) -> list[Output]:
    """Wait until the job is cancelled or the process killed, with a file in the folder and a program."""
    (Path(request["folder"]) / "half.png").write_bytes(b"half")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    while True:
        context.report(0.5, Output("text/plain", str(child.pid)))
        time.sleep(1000 if silent else 0.02)


def _record_attempt(request: dict[str, Any]) -> None:
    with Path(request["attempts"]).open("a") as file:
        file.write(f"{os.getpid()}\n")


def _fail(request: dict[str, Any], context: JobContext) -> list[Output]:
    """Record the attempt; die or hang in each of the first ``times`` attempts, and succeed afterwards."""
    _record_attempt(request)
    if len(Path(request["attempts"]).read_text().split()) > request["times"]:
        return _make(request, context)
    context.report(0.75, Output("text/plain", "half"))
    match request["how"]:
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exits":
            os._exit(3)
        case _:
            return _wait(request, context, silent=True)
    return []


def _encode_until(request: dict[str, Any], context: JobContext) -> list[Output]:
    """Encode a video, in a program of its own, until a file exists."""
    with VideoWriter(64, 64, 24) as writer:
        frame = np.zeros((64, 64, 3), np.uint8)
        while not Path(request["file"]).exists():
            context.report(0.5)
            writer.write(frame)
            time.sleep(0.01)
        return [Output("video/mp4", writer.finish(), 64, 64, writer.seconds)]


def _describe(request: dict[str, Any]) -> list[Output]:
    """Describe this process and a program that it starts: what they have of the server."""
    command = [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]
    program = subprocess.run(command, capture_output=True, text=True, check=True)
    limits = {name: resource.getrlimit(getattr(resource, name))[0] for name in _LIMITS}
    description = {
        "environment": dict(os.environ),
        "of a program": json.loads(program.stdout),
        "limits": limits,
        "open": [_open_file(number) for number in os.listdir("/dev/fd")],
        "temporary": tempfile.gettempdir(),
        "folder": request["folder"],
        "pid": os.getpid(),
    }
    return [Output("text/plain", json.dumps(description))]


_LIMITS = ("RLIMIT_CORE", "RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_NOFILE")


def _open_file(number: str) -> str:
    try:
        return os.readlink(f"/dev/fd/{number}")
    except OSError:
        return ""


def _use_up(request: dict[str, Any], context: JobContext) -> list[Output]:
    """Use up a resource, here or in ffmpeg."""
    if "attempts" in request:
        _record_attempt(request)
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
                context.report(0.5)
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
                    context.report(0.5)
    return []


def _leave_files(request: dict[str, Any], context: JobContext) -> list[Output]:
    """Leave temporary files in the default place, as libraries and programs do."""
    paths = [tempfile.mkdtemp(), tempfile.mkstemp()[1]]
    command = [sys.executable, "-c", "import tempfile; print(tempfile.mkstemp()[1])"]
    paths.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    return [Output("text/plain", "\n".join(paths))]


def _return_file(request: dict[str, Any]) -> list[Output]:
    """Return a path, of a good file or of something that the job may not return."""
    folder, path = Path(request["folder"]), Path(request["path"])
    match request["what"]:
        case "a file in a folder":
            path = folder / "inner" / "made.png"
            path.parent.mkdir()
            path.write_bytes(b"a picture")
        case "a link":
            path, target = folder / "link.png", path
            path.symlink_to(target)
        case "a file of a linked folder":
            (folder / "linked").symlink_to(path.parent)
            path = folder / "linked" / path.name
        case "a pipe":
            path = folder / "pipe.png"
            os.mkfifo(path)
        case "a folder":
            path = folder
        case "nothing":
            path = folder / "missing.png"
        case "the same file twice":
            path = folder / "made.png"
            path.write_bytes(b"a picture")
            return [Output("image/png", path), Output("image/png", path)]
        case _:
            pass
    return [Output("image/png", path)]


def _handle(request: dict[str, Any], context: JobContext) -> list[Output]:
    match request["do"]:
        case "make":
            return _make(request, context)
        case "wait":
            return _wait(request, context, silent=False)
        case "hang":
            return _wait(request, context, silent=True)
        case "fail":
            return _fail(request, context)
        case "encode until":
            return _encode_until(request, context)
        case "describe":
            return _describe(request)
        case "use up":
            return _use_up(request, context)
        case "leave files":
            return _leave_files(request, context)
        case "return a file":
            return _return_file(request)
        case "leave a program":
            # It holds the pipe to the server, out of reach of whoever kills this session.
            out: Any = context._out  # pyright: ignore[reportPrivateUsage]
            code = f"import os, time; os.setsid(); time.sleep({request['seconds']})"
            subprocess.Popen([sys.executable, "-c", code], pass_fds=[out.fileno()])
            context.report(0.5)
            time.sleep(1)
            os._exit(1)
        case "follow a link":
            link = Path(request["folder"]) / ".terrarium-output-0"
            link.symlink_to(request["target"])
            return [Output("audio/wav", b"overwritten")]
        case "print":
            print("working")
            os.system("echo working")
            left = sys.stdin.read()
            return [Output("text/plain", f"{left!r} was left to read")]
        case "exit":
            sys.exit("enough")
        case "return much":
            return [Output("text/plain", "x" * (17 << 20))]
        case "send bytes":
            out: Any = context._out  # pyright: ignore[reportPrivateUsage]
            out.write(bytes.fromhex(request["bytes"]))
            out.flush()
            time.sleep(1000)
        case _:
            os._exit(3)
    return []


if __name__ == "__main__":
    serve(_handle)
