"""The check of a request's key before its body is read."""

import hashlib
import time

from terrarium_server import accounts
from terrarium_server.accounts import Caller
from terrarium_server.store import Database

_SECONDS = 5.0
_MOST = 10_000


class Callers:
    """Finds the caller with a key, and remembers it for seconds, so that most requests need no extra read.

    It only decides whether a request is read any further: the transaction that does the work checks the key
    again.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        # By the digest of the key: the caller, and until when it is remembered.
        self._known: dict[bytes, tuple[Caller, float]] = {}

    async def find(self, secret: str) -> Caller:
        """Return the caller with this key. Raises Unauthorized if it is unknown, expired or revoked."""
        digest = hashlib.sha256(secret.encode()).digest()
        known = self._known.get(digest)
        if known is not None and time.monotonic() < known[1]:
            return known[0]
        caller = await self._database.read(lambda tx: accounts.authenticate(tx, secret))
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[digest] = (caller, time.monotonic() + _SECONDS)
        return caller
