"""Every model that ships is kept at work, with more to do than it is at."""

from crash.installation import PATIENCE, Client
from crash.orders import LONG, SHORT, Taken
from crash.world import wait_until

_UNFINISHED = ("pending", "running")


class Workload:
    """Three runs of each model, in the order long, short, short; ``client`` may change with the server."""

    def __init__(self) -> None:
        self._taken: Taken = {}

    def begin(self, client: Client) -> None:
        """Have something small made by each, so that their processes are there, and order the rest."""
        first = {order.model: client.order(order) for order in SHORT if not order.takes}
        client.wait_until_over(*first.values())
        self._taken = first
        second = [client.order(order, self._taken) for order in SHORT if order.takes]
        client.wait_until_over(*second)
        self.add(client)

    def add(self, client: Client) -> None:
        """Order something long and something short of each."""
        for order in (*LONG, *SHORT, *SHORT):
            client.order(order, self._taken)

    def wait_until_all_are_at_work(self, client: Client) -> None:
        """Wait until each model was seen at work here, and has something to do still."""
        seen: set[str] = set()

        def are_at_work() -> bool:
            left = [run for run in client.runs().values() if run["status"] in _UNFINISHED]
            seen.update(run["model"]["model_id"] for run in left if run["progress"] > 0)
            busy = {run["model"]["model_id"] for run in left}
            idle = [order for order in LONG if order.model not in busy]
            for order in idle:
                client.order(order, self._taken)
            return not idle and all(order.model in seen for order in LONG)

        wait_until(are_at_work, "each model should be at work", seconds=PATIENCE)
