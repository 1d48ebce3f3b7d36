"""Media: their blobs, records and links; the outputs of runs; the input media of runs; the sweep.

A blob is written and flushed before the transaction that records it: a crash between the two leaves a blob
without a row, which the sweep deletes, never a row without its bytes.
"""

from ._inputs import Source, UnknownMedium, find_source, open_source
from ._media import Medium, find_medium
from ._outputs import KeptOutput, keep, outputs_by_id, outputs_of, record_outputs
from ._sweep import Sweep, drop_unlinked
from ._tables import media, media_links, orphaned_blobs, outputs

__all__ = [
    "KeptOutput",
    "Medium",
    "Source",
    "Sweep",
    "UnknownMedium",
    "drop_unlinked",
    "find_medium",
    "find_source",
    "keep",
    "media",
    "media_links",
    "open_source",
    "orphaned_blobs",
    "outputs",
    "outputs_by_id",
    "outputs_of",
    "record_outputs",
]
