"""What runs in a model process: it reads requests, reports progress and returns outputs.

A kind's ``process.py`` ends with ``serve(handle)``; a `ProcessPool` runs it through ``child/__main__.py``.
Every model process imports this package, so it imports neither pydantic nor asyncio.
"""

from ._serve import Cancelled, Handler, JobContext, JobError, serve
from .shortage import shortage_of

__all__ = ["Cancelled", "Handler", "JobContext", "JobError", "serve", "shortage_of"]
