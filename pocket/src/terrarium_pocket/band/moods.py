"""The moods: their modes, energies and tempi, and the styles and instruments that suit them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mood:
    """A mood. ``words`` in a prompt select it; ``minor`` sets the mode unless it is None.

    ``energy`` is 0 to 1; ``tempo`` scales the style's tempo; ``styles`` are those to choose from if none is
    given, and ``leads`` the preferred instruments for the melody.
    """

    words: str
    minor: bool | None
    energy: float
    tempo: float
    styles: tuple[str, ...]
    leads: tuple[str, ...] = ()


NEUTRAL = Mood("", None, 0.55, 1.0, ("pop", "lo-fi", "folk", "cinematic"))
MOODS = {
    "happy": Mood(
        words=(
            "happy, joyful, joy, cheerful, sunny, fun, playful, bright, smile, celebration, "
            "birthday, summer, cute"
        ),
        minor=False,
        energy=0.7,
        tempo=1.08,
        styles=("pop", "folk", "bossa"),
    ),
    "sad": Mood(
        words=(
            "sad, melancholic, melancholy, sorrow, sorrowful, lonely, grief, mournful, rainy, "
            "rain, tears, lament, loss"
        ),
        minor=True,
        energy=0.3,
        tempo=0.82,
        styles=("ballad", "classical", "waltz"),
        leads=("cello", "oboe", "violin"),
    ),
    "calm": Mood(
        words=(
            "calm, peaceful, relaxing, relaxed, gentle, soft, quiet, serene, tranquil, soothing, "
            "morning, lullaby, zen"
        ),
        minor=False,
        energy=0.25,
        tempo=0.9,
        styles=("ambient", "lo-fi", "classical"),
    ),
    "epic": Mood(
        words="epic, heroic, triumphant, battle, powerful, majestic, grand, victory, adventure",
        minor=True,
        energy=0.95,
        tempo=1.08,
        styles=("cinematic",),
        leads=("french horn", "trumpet"),
    ),
    "dark": Mood(
        words=(
            "dark, tense, suspense, suspenseful, ominous, scary, horror, sinister, haunted, "
            "thriller, danger, gloomy"
        ),
        minor=True,
        energy=0.5,
        tempo=0.9,
        styles=("cinematic", "ambient"),
        leads=("cello", "bassoon"),
    ),
    "romantic": Mood(
        words="romantic, love, tender, intimate, wedding, warm, sensual, passionate",
        minor=False,
        energy=0.4,
        tempo=0.88,
        styles=("ballad", "bossa", "classical"),
        leads=("violin", "saxophone"),
    ),
    "dreamy": Mood(
        words=(
            "dreamy, dream, ethereal, floating, magical, magic, hazy, fairy, underwater, stars, night sky"
        ),
        minor=False,
        energy=0.3,
        tempo=0.9,
        styles=("ambient", "lo-fi"),
        leads=("celesta", "flute", "vibraphone"),
    ),
    "energetic": Mood(
        words=(
            "energetic, upbeat, driving, exciting, workout, sport, party, action, intense, lively, groovy"
        ),
        minor=None,
        energy=0.9,
        tempo=1.12,
        styles=("electronic", "rock", "pop"),
    ),
    "mysterious": Mood(
        words="mysterious, mystery, enigmatic, secret, eerie, strange, exotic, investigation",
        minor=True,
        energy=0.35,
        tempo=0.9,
        styles=("cinematic", "ambient"),
        leads=("clarinet", "celesta"),
    ),
    "hopeful": Mood(
        words=(
            "hopeful, hope, uplifting, inspiring, inspirational, motivational, optimistic, sunrise, journey"
        ),
        minor=False,
        energy=0.6,
        tempo=1.0,
        styles=("cinematic", "pop", "folk"),
    ),
    "nostalgic": Mood(
        words=("nostalgic, nostalgia, wistful, bittersweet, memories, vintage, autumn, childhood, old"),
        minor=None,
        energy=0.4,
        tempo=0.92,
        styles=("lo-fi", "folk", "waltz"),
    ),
}
