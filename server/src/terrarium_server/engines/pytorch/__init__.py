"""What the kinds on PyTorch share: their options, and in the child the weights, the GPU and the waiting.

Nothing is imported from torch before a job needs it, so that the server and its tests do without.
"""

from ._engine import LocalEngine
from ._options import LocalCard, LocalOptions, Place

__all__ = ["LocalCard", "LocalEngine", "LocalOptions", "Place"]
