"""Events: what changed, numbered per stream in the order of the commits, and told to whoever watches.

A stream is a project, or the root of a graph of runs that belongs to no project. Writers record events as the
last thing in their transaction. After the commit every process is notified, and its `Feed` reads what is new
for the requests that listen or wait.
"""

from ._expiry import Expiry
from ._feed import Encoding, Feed
from ._listener import Listener
from ._reads import Event, Kept, Selection, kept, last_numbers, read
from ._record import Change, publish, record, record_at_once, record_values
from ._runs import of_run
from ._tables import event_streams, events

__all__ = [
    "Change",
    "Encoding",
    "Event",
    "Expiry",
    "Feed",
    "Kept",
    "Listener",
    "Selection",
    "event_streams",
    "events",
    "kept",
    "last_numbers",
    "of_run",
    "publish",
    "read",
    "record",
    "record_at_once",
    "record_values",
]
