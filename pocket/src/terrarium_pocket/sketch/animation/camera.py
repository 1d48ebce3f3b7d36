"""Camera moves: slow, smooth, and never past the border of the picture."""

import math
from dataclasses import dataclass

from .planes import Box

MOVES = ("push-in", "pull-out", "pan-left", "pan-right", "drift", "orbit", "still")


@dataclass(frozen=True)
class View:
    """The visible part of a layer: enlarged ``zoom`` times about a point at (``x``, ``y``) from the centre.

    Offsets are fractions of the picture's width and height.
    """

    zoom: float
    x: float = 0.0
    y: float = 0.0

    def box(self, width: int, height: int) -> Box:
        """The visible part of a plate of this size, kept inside it."""
        half = 0.5 / self.zoom
        x = min(max(0.5 + self.x, half), 1.0 - half)
        y = min(max(0.5 + self.y, half), 1.0 - half)
        return (x - half) * width, (y - half) * height, (x + half) * width, (y + half) * height


@dataclass(frozen=True)
class Camera:
    """A move of ``seconds``; ``depth``, 0 to 1, is the strength of the parallax between layers."""

    move: str
    seconds: float
    depth: float = 1.0

    def at(self, moment: float, near: float) -> View:
        """The view of a layer at ``moment``, 0..1; ``near`` is 0 for the sky, 1 for the foreground."""
        # Even speed with a gentle start and stop.
        eased = moment - 0.45 * math.sin(2 * math.pi * moment) / (2 * math.pi)
        pull = 1.0 + (near - 1.0) * 0.62 * self.depth
        travel = min(0.17, 0.045 + 0.017 * self.seconds)
        match self.move:
            case "push-in":
                return View(1.0 + travel * eased * pull)
            case "pull-out":
                return View(1.0 + travel * (1.0 - eased) * pull)
            case "pan-left" | "pan-right":
                side = 1.0 if self.move == "pan-right" else -1.0
                reach = min(0.075, 0.02 + 0.011 * self.seconds)
                return View(1.0 / (1.0 - 2.0 * reach), side * reach * (2.0 * eased - 1.0) * pull)
            case "orbit":
                swing = math.sin((eased - 0.5) * math.pi) * min(0.03, 0.012 + 0.0045 * self.seconds)
                apart = 1.0 + (near * 1.7 - 1.0) * self.depth
                return View(1.12 + 0.02 * eased * pull, swing * (apart if near > 0.5 else apart - 0.45))
            case "drift":
                x = 0.018 * math.sin(2 * math.pi * (0.12 + 0.5 * eased)) * pull
                y = 0.012 * math.cos(2 * math.pi * (0.05 + 0.4 * eased)) * pull
                return View(1.055 + travel * 0.35 * eased * pull, x, y)
            case _:
                return View(1.0)
