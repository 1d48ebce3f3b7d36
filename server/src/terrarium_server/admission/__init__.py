"""Starting runs, in one transaction: idempotency key, rate limit, parameters, quote, hold, run, node.

The run's row is the queue entry, so a refusal leaves nothing behind: no key, no hold, no node, no run.
"""

from ._admit import Admission, Estimate, GenerationRequest
from ._idempotency import idempotency_keys
from ._rate import RateLimits, RateState

__all__ = [
    "Admission",
    "Estimate",
    "GenerationRequest",
    "RateLimits",
    "RateState",
    "idempotency_keys",
]
