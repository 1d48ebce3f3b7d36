"""Idempotency keys: what a request with a key made, so that the same request does nothing twice."""

from ._keys import Scope, claim, forget_expired
from ._tables import idempotency_keys

__all__ = ["Scope", "claim", "forget_expired", "idempotency_keys"]
