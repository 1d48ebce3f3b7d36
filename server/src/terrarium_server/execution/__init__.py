"""Who does the work: workers under leases, the coroutine of a run, and what is left when a worker dies.

A pending run is the queue. A worker claims it, hands it to an engine and settles it. Its lease is one row,
by the database's clock; every write names the worker and its claim, so that whoever lost a run cannot change
it.
"""

from ._context import Context
from ._launch import Workers
from ._tables import submissions, workers

__all__ = ["Context", "Workers", "submissions", "workers"]
