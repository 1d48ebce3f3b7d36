"""The sketch painter: pictures and shot descriptions without weights, a GPU or a network.

It draws with arithmetic. It reads a prompt through a fixed vocabulary and is honest about not understanding
more: words it does not know become an abstract picture that still follows the seed and the colours named.
"""

from .finish import Pixels
from .painter import Painting, paint
from .shot import write_shot
from .styles import STYLES

__all__ = ["STYLES", "Painting", "Pixels", "paint", "write_shot"]
