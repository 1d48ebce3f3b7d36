"""Executes runs: workers under leases, the coroutine of a run, and recovery after a worker has died.

The pending runs are the queue. A worker claims a run, submits it to an engine and settles it. Its lease is
one row, timed by the database's clock. Every write names the worker and its claim, so a worker that lost a
run cannot change it.
"""

from ._context import Context
from ._launch import Workers
from ._tables import submissions, workers

__all__ = ["Context", "Workers", "submissions", "workers"]
