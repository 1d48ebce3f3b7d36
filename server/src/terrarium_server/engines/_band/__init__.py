"""The band: a composer by rules, and players of sampled instruments.

`read_brief` and `compose` are pure Python and quick; what sounds (`play`, `mix`) is imported by the band's
process alone.
"""

from .brief import Brief, Unplayable, read_brief
from .compose import compose
from .perform import Stroke, perform
from .score import Score

__all__ = ["Brief", "Score", "Stroke", "Unplayable", "compose", "perform", "read_brief"]
