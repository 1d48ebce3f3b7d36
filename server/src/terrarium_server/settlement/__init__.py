"""How a run ends. The only place where one does: state, credits, the key's cap, outputs and canvas.

Each function takes a transaction and does all that follows from the end, or nothing. Locks are taken in the
order that holds everywhere: the run, media, the key, the balance, the nodes.
"""

from ._ends import cancel, complete, fail, give_up

__all__ = ["cancel", "complete", "fail", "give_up"]
