"""The light and the colours of a picture, from the prompt and the seed."""

from dataclasses import dataclass
from typing import NamedTuple

from .arrays import Array
from .colour import chroma, mix, rgb, turn
from .noise import SeededRandom
from .prompt import ParsedPrompt


class Light(NamedTuple):
    """A time of day or a lighting set-up: sky from top to horizon, sun, shade, ground, brightness."""

    top: str
    middle: str
    low: str
    sun: str
    shade: str
    ground: str
    height: float  # of the sun, in picture units above the horizon
    level: float  # exposure target for the mean, linear light
    dark: bool = False


LIGHTS: dict[str, tuple[Light, ...]] = {
    "day": (
        Light("#3f78b8", "#86b4da", "#dcebf0", "#fff3dc", "#5f7fa3", "#7f8a58", 0.9, 0.24),
        Light("#4d8fb8", "#a3cfd6", "#f1ecd8", "#fff0d0", "#64889a", "#8a9160", 0.8, 0.25),
    ),
    "sunlit": (
        Light("#5b93c6", "#a7cbe0", "#f8e6c4", "#ffe0a6", "#7d84a0", "#9a8f55", 0.7, 0.29),
        Light("#6aa0c0", "#c4d6cf", "#fbe3b4", "#ffd992", "#8c8494", "#a59556", 0.6, 0.29),
    ),
    "golden": (
        Light("#6a6ea4", "#d9a58c", "#ffb969", "#ffb862", "#76586c", "#a0783c", 0.34, 0.2),
        Light("#8a6a86", "#e8a673", "#ffc47a", "#ffc06a", "#7c5450", "#a87c3a", 0.3, 0.2),
    ),
    "sunset": (
        Light("#33235f", "#c8487a", "#ff9a52", "#ffbe62", "#4a2a66", "#7a4a4e", 0.3, 0.14),
        Light("#28305e", "#d0645c", "#ffb25e", "#ffc56a", "#43345e", "#7c5a44", 0.26, 0.15),
        Light("#54265e", "#e0525c", "#ffb457", "#ffd27a", "#5a2c58", "#84504a", 0.34, 0.15),
    ),
    "dawn": (
        Light("#9a9ade", "#d8b8e0", "#ffdccb", "#ffe8cc", "#8b86b8", "#8f93a4", 0.4, 0.3),
        Light("#8fb6d8", "#d6cfe6", "#ffe0d2", "#fff0d8", "#8794b8", "#93a093", 0.45, 0.31),
    ),
    "bluehour": (
        Light("#142550", "#4c69a8", "#c9a9b4", "#ffc99c", "#2c3f70", "#46546c", 0.12, 0.11, True),
        Light("#10284a", "#3f7098", "#a9c2c4", "#f6e0b8", "#25466a", "#3f5a66", 0.12, 0.11, True),
    ),
    "night": (
        Light("#050916", "#101d42", "#2b3f72", "#d5e0ff", "#0e1630", "#1a2438", 0.75, 0.055, True),
        Light("#040a14", "#0d2438", "#22506a", "#dff0ff", "#0a1a2a", "#15262c", 0.7, 0.055, True),
    ),
    "foggy": (
        Light("#a9b6bf", "#c6cfd2", "#e3e6e3", "#fdf8ec", "#75848e", "#84898a", 0.6, 0.34),
        Light("#9fb0b4", "#bfcac6", "#e6e5da", "#fff6e2", "#6f8485", "#848b7e", 0.6, 0.33),
    ),
    "moody": (
        Light("#1a242e", "#46545c", "#98998c", "#f0d3a4", "#27323a", "#3c413c", 0.4, 0.1),
        Light("#20222c", "#50505e", "#a08c86", "#f4c8a0", "#2c2c38", "#433e3c", 0.4, 0.1),
    ),
    "neon": (
        Light("#080318", "#2b0a52", "#7d1c86", "#ff58c8", "#12083a", "#140a2c", 0.4, 0.085, True),
        Light("#030916", "#0a2350", "#5a2a9c", "#ff6ab4", "#081434", "#0a1028", 0.4, 0.085, True),
    ),
    "noir": (Light("#0c0d10", "#33353a", "#8d8f93", "#f4f2ec", "#17181b", "#2a2b2e", 0.5, 0.1, True),),
    "studio": (
        Light("#c9ccd0", "#dcdedf", "#eeedea", "#ffffff", "#9aa0a8", "#cfcfcb", 0.9, 0.4),
        Light("#d6cdc4", "#e4dcd3", "#f2ede6", "#fffaf2", "#a89f98", "#d6cfc6", 0.9, 0.4),
    ),
    "candle": (Light("#0c0705", "#2c160b", "#7a4018", "#ffae5c", "#24120a", "#3a2212", 0.3, 0.08, True),),
}

# Colours for prompts that name none: subject, second, accent, wall, table.
COLOUR_SETS: tuple[tuple[str, str, str, str, str], ...] = (
    ("#efe6d6", "#c08a5a", "#a4502f", "#c9b79c", "#c79a62"),
    ("#e9ddd0", "#8f9d84", "#c98a5a", "#a9b3a0", "#b98d5c"),
    ("#d9805c", "#f0e2cf", "#5f7470", "#d8b59c", "#b7855a"),
    ("#8fa596", "#efe7d8", "#c77b4a", "#cfc6b0", "#c59a66"),
    ("#4f6f8f", "#e6dccb", "#d59a5a", "#b8bcbc", "#b58a5e"),
    ("#e6b8ae", "#f5ece2", "#a4524c", "#c98474", "#e0cbb8"),
    ("#e0b25a", "#f4ead6", "#4f6660", "#7f958c", "#c8a273"),
    ("#f2ece0", "#a9784e", "#7c8a78", "#d9cbb6", "#bf8f5c"),
    ("#dfe3dc", "#b98a62", "#9a5f44", "#b9c2bc", "#c79a66"),
    ("#3f4a52", "#d9c3a0", "#b8774a", "#c9bca8", "#b07f4e"),
)


@dataclass(frozen=True)
class Palette:
    """Linear colours, shape (3,), by their use."""

    light: Light
    top: Array
    middle: Array
    low: Array
    sun: Array
    shade: Array
    ground: Array
    subject: Array
    second: Array
    accent: Array
    wall: Array
    table: Array
    named: tuple[Array, ...]
    name: str

    @property
    def sky(self) -> tuple[Array, Array, Array]:
        """Top, middle and low."""
        return self.top, self.middle, self.low


def choose_palette(prompt: ParsedPrompt, light_name: str, rng: SeededRandom) -> Palette:
    """Choose a palette: the light decides sky and shade, the prompt's colours replace the parts they name."""
    light = rng.fork("light").pick(LIGHTS[light_name])
    drift = rng.fork("drift").between(-0.012, 0.012)
    top, middle, low, shade, ground = (
        turn(rgb(part), hue=drift) for part in (light.top, light.middle, light.low, light.shade, light.ground)
    )
    sun = rgb(light.sun)
    subject, second, accent, wall, table = (rgb(part) for part in rng.fork("set").pick(COLOUR_SETS))
    if light.dark or light_name == "moody":
        wall, table = (mix(turn(part, value=0.5), shade, 0.35) for part in (wall, table))
    if light_name == "neon":
        subject, second, accent = rgb("#35c4ff"), rgb("#ff4fc3"), rgb("#ffe25a")
    named = tuple(rgb(colour.code) for colour in prompt.colours)
    backdrop = tuple(rgb(colour.code) for colour in prompt.backdrop)
    if named:
        subject = named[0]
        second = (
            named[1] if len(named) > 1 else mix(turn(subject, hue=0.04, value=1.25), rgb("#f4ecdf"), 0.35)
        )
        accent = named[2] if len(named) > 2 else turn(subject, hue=0.5, saturation=0.8)
        # A neutral wall takes on a little of the subject's colour, so that the two match.
        wall, table = mix(wall, subject, 0.34), mix(table, subject, 0.1)
        top, middle, low, shade, ground = _tinted((top, middle, low, shade, ground), named)
    if backdrop:
        around, under = prompt.tint("wall"), prompt.tint("table")
        wall = rgb(around) if around else mix(wall, backdrop[0], 0.12)
        table = rgb(under) if under else mix(table, wall, 0.5)
        top, middle, low, shade, ground = _tinted((top, middle, low, shade, ground), backdrop)
    return Palette(light, top, middle, low, sun, shade, ground, subject, second, accent, wall, table,
                   named + backdrop, light_name)  # fmt: skip


def _tinted(parts: tuple[Array, ...], colours: tuple[Array, ...]) -> list[Array]:
    """Sky and ground moved toward named colours, keeping each part's own lightness."""
    result: list[Array] = []
    for position, part in enumerate(parts):
        target = colours[min(position, len(colours) - 1)]
        bright = float(part.max()) / max(0.02, float(target.max()))
        strength = 0.8 if chroma(target) > 0.25 else 0.35
        result.append(mix(part, target * bright, strength * (0.75 if position == 2 else 1.0)))
    return result
