"""`make demo`: start a server with default settings and make one picture through its public API."""

import json
import os
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_TERRARIUM = str(Path(sys.executable).parent / "terrarium")
_PROMPT = "A cinematic product photo of a ceramic mug on a sunlit table"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _admin(*arguments: str) -> Any:
    done = subprocess.run(
        [_TERRARIUM, "admin", *arguments, "--json"], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def main() -> int:
    # 8787 is the default port; if it is taken, any free port will do.
    port = "8787" if _is_free(8787) else "0"
    environment = {**os.environ, "TERRARIUM_LOG_LEVEL": "WARNING"}
    command = [_TERRARIUM, "serve", "--port", port]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert server.stdout is not None
        address = None
        for line in server.stdout:
            address = re.search(r"http://\S+?:\d+", line)
            if address:
                break
        if address is None:
            print("The demo's server did not start; see its message above.", file=sys.stderr)
            return 1
        print(f"Server:  {address[0]}")
        print(f"Prompt:  {_PROMPT}")
        workspace = _admin("workspaces", "list")[0]["workspace_id"]
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d")
        key = _admin("keys", "create", "--workspace", workspace, "--name", "demo", "--expires", tomorrow)
        client = {**os.environ, "FLORA_API_KEY": key["api_key"], "FLORA_BASE_URL": f"{address[0]}/api/v1"}
        result = subprocess.run([_TERRARIUM, "generate", _PROMPT, "--type", "image"], check=False, env=client)
        if result.returncode == 0:
            print("\nNow make your own: run `.venv/bin/terrarium serve` in one terminal. In another one, set")
            print("FLORA_API_KEY to the key that it prints, and run")
            print('`.venv/bin/terrarium generate "your words" --type image`.')
        return result.returncode
    finally:
        server.terminate()
        server.wait(timeout=20)


if __name__ == "__main__":
    sys.exit(main())
