"""Keeps every shipped model busy, with more runs waiting."""

from crash.deployment import wait_until
from crash.generations import LONG, SHORT, Sources
from crash.installation import PATIENCE, Client

_UNFINISHED = ("pending", "running")


class Workload:
    """Three runs of each model, in the order long, short, short; ``client`` may change with the server."""

    def __init__(self) -> None:
        self._sources: Sources = {}

    def begin(self, client: Client) -> None:
        """Complete a small run with each model, so that its process is started, and start the others."""
        first = {generation.model: client.start(generation) for generation in SHORT if not generation.takes}
        client.wait_until_over(*first.values())
        self._sources = first
        second = [client.start(generation, self._sources) for generation in SHORT if generation.takes]
        client.wait_until_over(*second)
        self.add(client)

    def add(self, client: Client) -> None:
        """Start a long run and two short ones with each model."""
        for generation in (*LONG, *SHORT, *SHORT):
            client.start(generation, self._sources)

    def wait_until_all_are_at_work(self, client: Client) -> None:
        """Wait until each model has made progress on a run, and has unfinished runs."""
        with_progress: set[str] = set()

        def are_at_work() -> bool:
            left = [run for run in client.runs().values() if run["status"] in _UNFINISHED]
            with_progress.update(run["model"]["model_id"] for run in left if run["progress"] > 0)
            busy = {run["model"]["model_id"] for run in left}
            idle = [generation for generation in LONG if generation.model not in busy]
            for generation in idle:
                client.start(generation, self._sources)
            return not idle and all(generation.model in with_progress for generation in LONG)

        wait_until(are_at_work, "each model should be busy", seconds=PATIENCE)
