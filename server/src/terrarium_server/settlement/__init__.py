"""How a run ends: state, credits, the key's cap, outputs and canvas. No other package ends a run.

Each function takes a transaction and writes everything that follows from the end, or nothing. Locks are taken
in the order that holds everywhere: the run, media, the key, the balance, the nodes.
"""

from ._ends import cancel, complete, fail, give_up

__all__ = ["cancel", "complete", "fail", "give_up"]
