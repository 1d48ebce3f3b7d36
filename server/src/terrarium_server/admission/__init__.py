"""Starting runs, in one transaction: parameters, quote, rate limit, hold, run, node.

The run's row is the queue entry, so a refusal leaves nothing behind: no hold, no node, no run.
"""

from ._admit import Admission, Admitted, Estimate, GenerationRequest

__all__ = ["Admission", "Admitted", "Estimate", "GenerationRequest"]
