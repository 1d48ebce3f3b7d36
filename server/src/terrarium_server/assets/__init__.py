"""Bytes in, bytes out: keeping the outputs of runs and handing them to whoever has their link.

A blob is written before the transaction that records it: a crash between the two leaves an unused
blob, never a record without its bytes.
"""

from ._inputs import Source, UnknownMedium, find_source, open_source
from ._outputs import KeptOutput, find_output, keep, outputs_by_id, outputs_of, record_outputs
from ._tables import outputs

__all__ = [
    "KeptOutput",
    "Source",
    "UnknownMedium",
    "find_output",
    "find_source",
    "keep",
    "open_source",
    "outputs",
    "outputs_by_id",
    "outputs_of",
    "record_outputs",
]
