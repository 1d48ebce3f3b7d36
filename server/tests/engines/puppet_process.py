"""A model process that does what the test says, run by its pool as ``python -m puppet_process``."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from terrarium_server.engines._child import Talk, serve
from terrarium_server.engines._contract import Output


def _make(request: dict[str, Any], talk: Talk) -> list[Output]:
    talk.report(0.5, Output("image/png", b"small", 1, 1))
    mine = Path(request["folder"]) / "mine.mp4"
    mine.write_bytes(b"a film")
    return [
        Output("image/png", b"a picture", 4, 3),
        Output("video/mp4", mine, 8, 6),
        Output("text/plain", f"words of {os.getpid()} with {os.environ['OMP_NUM_THREADS']} threads"),
    ]


def _stay(request: dict[str, Any], talk: Talk, *, obedient: bool) -> list[Output]:
    """Be at work until it is cancelled, or killed, with something in the folder."""
    (Path(request["folder"]) / "half.png").write_bytes(b"half")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    while True:
        talk.report(0.5, Output("text/plain", str(child.pid)))
        time.sleep(0.02 if obedient else 1000)


def _handle(request: dict[str, Any], talk: Talk) -> list[Output]:
    match request["do"]:
        case "make":
            return _make(request, talk)
        case "stay":
            return _stay(request, talk, obedient=True)
        case "fall silent":
            return _stay(request, talk, obedient=False)
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
