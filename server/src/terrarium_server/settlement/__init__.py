"""How a run ends: state, graph, credits, the key's cap, outputs, canvas, events. No other package ends a run.

Each function takes a transaction and writes everything that follows from the end, or nothing. Locks are taken
in the order that holds everywhere: the root of the graph, the runs, media, the key, the balance, the project,
the nodes, the queue, the streams of events.
"""

from ._ends import cancel, complete, fail, give_up

__all__ = ["cancel", "complete", "fail", "give_up"]
