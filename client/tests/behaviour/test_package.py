"""The client works without its extras and without the server."""

import subprocess
import sys

EXTRAS = ("typer", "rich", "terrarium_server")


def test_importing_the_client_needs_no_extra_and_no_server() -> None:
    script = f"import sys, terrarium; print([name for name in {EXTRAS} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
