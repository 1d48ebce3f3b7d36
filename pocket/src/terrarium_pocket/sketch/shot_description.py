"""Turns a prompt into a shot description for a photographer or an image model, by fixed rules."""

from .arrays import Array
from .colour import channels, code
from .noise import SeededRandom
from .palette import Palette, choose_palette
from .prompt import ParsedPrompt, parse_prompt
from .styles import resolve_style
from .vocabulary import COLOURS, MOODS

_QUOTED = 4000

# Per scene: a default subject, settings, compositions, cameras, and what to avoid.
_SCENES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...], str]] = {
    "product": (
        "a single object",
        (
            "a table beside a window, plain plastered wall behind",
            "a worn work surface, an empty wall out of focus",
            "a breakfast table before anyone else is up",
        ),
        (
            "one subject, slightly off centre, its shadow for balance; a third of the frame left empty",
            "centred and low in the frame, calm space above",
            "subject on the left third, long shadow leading right",
        ),
        (
            "85 mm, f/2.8, just above table height, tilted down a little",
            "100 mm macro, f/4, at eye level with the rim",
            "50 mm, f/2, three-quarter view from above",
        ),
        "second objects that compete, hard flash, floating or warped shapes, fake brand names",
    ),
    "portrait": (
        "one person",
        (
            "a plain painted backdrop with one large round shape behind the head",
            "a quiet studio corner by a tall window",
        ),
        (
            "head and shoulders, eyes on the upper third, shoulders leaving the frame",
            "frontal and symmetrical, broken by a tilt of the head",
        ),
        ("85 mm, f/2, at eye level", "105 mm, f/2.8, a little above eye level", "65 mm, f/4, straight on"),
        "extra fingers or limbs, waxy skin, crossed eyes, busy backgrounds",
    ),
    "mountains": (
        "a mountain range",
        (
            "a still lake before the range, conifers on the near bank",
            "a high valley with the massif across the water",
        ),
        (
            "low horizon, the peak off centre, its mirror image below",
            "three planes: dark near bank, pale foothills, bright summit",
        ),
        ("35 mm, f/8, tripod low over the water", "70 mm, f/11, distant layers pressed together"),
        "oversharpened rock, doubled suns, reflections that do not match",
    ),
    "meadow": (
        "rolling fields",
        (
            "soft hills in strips of grass and straw, one tree nearer than the rest",
            "open farmland after the mowing",
        ),
        ("one tree on a third, furrows leading to it", "two thirds land, one third sky"),
        ("35 mm, f/8, chest height", "50 mm, f/8, from a low rise"),
        "plastic greens, repeating trees, tilted horizons",
    ),
    "sea": (
        "the open sea",
        ("open water to a clean horizon, high broken clouds", "a wide bay seen from the water's edge"),
        (
            "horizon below the middle, the sun's road leading in",
            "two thirds sky, a single mark on the water for scale",
        ),
        ("35 mm, f/8, close above the water", "50 mm, f/5.6, from the shore"),
        "tilted horizons, two suns, frozen foam",
    ),
    "city": (
        "a city skyline",
        ("towers in layers of haze across dark water", "a river front with wet quays"),
        (
            "skyline on the lower third, the highest tower off centre, mirrored below",
            "frontal and layered, darkest nearest",
        ),
        ("50 mm, f/5.6, tripod, long exposure", "85 mm, f/8, from the opposite bank"),
        "leaning verticals, unreadable signs, impossible perspective",
    ),
    "flowers": (
        "a loose bouquet",
        ("white paper with a faint wash of colour", "a plain ground, nothing else in view"),
        (
            "stems gathered low, heads fanning out, empty paper around them",
            "one large head low, small ones reaching up and out",
        ),
        ("flat view from straight above the paper", "70 mm, f/8, straight on"),
        "hard black outlines, muddy overlaps, a vase nobody asked for",
    ),
    "desert": (
        "desert dunes",
        ("wind-combed sand to the horizon, no road, no fence", "a dune field after a windy night"),
        (
            "one crest as a diagonal, lit on one side",
            "high horizon, ripples near, soft crests far, one figure for scale",
        ),
        ("35 mm, f/11, low over the sand", "135 mm, f/8, crests stacked"),
        "tyre tracks, footprints that lead nowhere, orange oversaturation",
    ),
    "forest": (
        "a stand of trees",
        ("tall trunks in mist, a bare floor, light from one side", "an old plantation early in the day"),
        (
            "dark trunks near, pale trunks far, the brightest gap off centre",
            "verticals throughout, one diagonal of light",
        ),
        ("50 mm, f/5.6, eye level", "85 mm, f/4, through a gap in the first row"),
        "tangled branches in every corner, neon greens, lens flares",
    ),
    "space": (
        "a planet",
        ("deep space, thin gas, few stars", "the edge of a nebula"),
        (
            "one large sphere off centre, lit from one side, room for a title",
            "the sphere low, its shadow side to the edge",
        ),
        ("200 mm equivalent, no depth of field", "wide field, the planet filling half the short side"),
        "stars in front of the planet, several suns, lens flare",
    ),
    "room": (
        "a quiet room",
        (
            "one seat, one plant and a pendant lamp against a bare wall",
            "a corner with timber boards and one picture",
        ),
        (
            "frontal, the seat below a patch of window light",
            "furniture on the lower third, the wall left to the light",
        ),
        ("28 mm, f/8, chest height, verticals kept straight", "35 mm, f/5.6, straight on"),
        "crooked furniture, doors that lead nowhere, clutter",
    ),
    "abstract": (
        "a flowing form",
        ("no place: one folded surface fills the frame", "soft folds of colour without a horizon"),
        ("one long diagonal fold, calm in one corner", "slow curves around an off-centre bright ridge"),
        ("macro view, even focus throughout", "straight on, no perspective"),
        "recognisable objects, text, harsh edges",
    ),
}

_LIGHT: dict[str, str] = {
    "day": "clear daylight from high on one side, blue in the shadows",
    "sunlit": "low sun through a paned window, crisp bars of shadow, warm falloff",
    "golden": "late sun close to the horizon, long shadows, gold on every edge",
    "sunset": "the sun on the horizon, burning sky, everything near in warm half-shade",
    "dawn": "first light, pale and even, the shadows lilac",
    "bluehour": "after sundown: cool sky light, the first lamps warm against it",
    "night": "moonlight from above, deep blue shade, small points of light",
    "foggy": "flat light through mist, contrast falling with distance",
    "moody": "one weak source from the side, most of the frame in shade",
    "neon": "coloured signs as the only light: magenta from one side, cyan from the other",
    "noir": "one hard lamp, black shadows, no colour",
    "studio": "a large soft box to one side, a white card opposite",
    "candle": "a single warm flame, falling off quickly into brown dark",
}

_STYLE: dict[str, str] = {
    "photo": "photograph, fine grain, soft bloom in the highlights",
    "illustration": "flat illustration, clear shapes, few tones",
    "watercolor": "watercolor on toothed paper, transparent washes, white border",
    "neon": "synthwave, saturated darks, strong glow",
    "noir": "black and white film, high contrast, heavy grain",
    "poster": "screen print, a few flat inks, cream border",
}

_EXTRAS: dict[str, str] = {
    "rain": "rain falling",
    "snow": "snow on the ground",
    "fog": "mist in the distance",
    "stars": "stars overhead",
    "aurora": "northern lights",
    "steam": "a thread of steam",
    "wood": "bare timber",
    "marble": "veined marble",
    "stone": "rough stone",
    "linen": "creased linen",
    "boat": "a small boat",
    "birds": "a few birds far off",
    "ring": "a system of rings",
    "autumn": "autumn leaves",
    "waves": "a rough swell",
}


def write_shot_description(prompt: str, *, seed: int) -> str:
    """Write a prompt as a structured shot description in simple Markdown; same arguments, same text.

    The sections are Brief, Subject, Setting, Composition, Camera, Light, Palette, Mood, Style, Avoid, Prompt.
    The prompt's own words are the first section and begin the final prompt.
    """
    parsed = parse_prompt(prompt)
    rng = SeededRandom(f"shot/{seed}/{parsed.text.casefold()}")
    thing, settings, compositions, cameras, avoid = _SCENES[parsed.scene]
    style = resolve_style(parsed.scene, "auto", parsed.style)
    light = style if style in {"neon", "noir"} else parsed.light
    palette = choose_palette(parsed, light, rng.fork("palette"))
    setting = rng.fork("setting").pick(settings)
    composition = rng.fork("composition").pick(compositions)
    camera = rng.fork("camera").pick(cameras)
    colours = _named(parsed, palette)
    extras = [phrase for extra, phrase in _EXTRAS.items() if extra in parsed.extras]
    if extras:
        setting = f"{setting}; {', '.join(extras[:4])}"
    subject = _subject(parsed, thing)
    own = parsed.text[:_QUOTED] + ("…" if len(parsed.text) > _QUOTED else "")
    lead = own if own else subject
    pieces = (
        f"{subject}; {setting}",
        composition,
        camera,
        _LIGHT[light],
        f"palette of {', '.join(name for name, _ in colours)}",
        _STYLE[style],
    )
    final = lead.rstrip(".") + ". " + " ".join(f"{piece[:1].upper()}{piece[1:]}." for piece in pieces)
    parts = [
        "# Shot description",
        "*Written by fixed rules from the words of the brief; no language model was involved.*",
        f"**Brief:** {own or '(no words)'}",
        f"**Subject:** {subject}",
        f"**Setting:** {setting}",
        f"**Composition:** {composition}",
        f"**Camera:** {camera}",
        f"**Light:** {_LIGHT[light]}",
        "**Palette:**\n" + "\n".join(f"- {name} `{hexcode}`" for name, hexcode in colours),
        f"**Mood:** {MOODS[light]}",
        f"**Style:** {_STYLE[style]}",
        f"**Avoid:** {avoid}",
        f"**Prompt:** {final}",
    ]
    return "\n\n".join(parts) + "\n"


def _subject(parsed: ParsedPrompt, thing: str) -> str:
    """The subject in words: the prompt's noun and colours, where it names them."""
    if not parsed.recognised:
        return f"{thing} (the brief names nothing the sketch vocabulary knows, so it stays abstract)"
    tints = " and ".join(colour.name for colour in parsed.colours[:2])
    noun = parsed.subject_word.replace("-", " ")
    named = f"{noun}, in {tints}" if tints else noun
    lettered = f', lettered "{parsed.quotes[0]}"' if parsed.quotes else ""
    return f"{named}{lettered}"


def _named(parsed: ParsedPrompt, palette: Palette) -> list[tuple[str, str]]:
    """Five colours with names and codes: those of the prompt first."""
    result = [(colour.name, colour.code) for colour in (*parsed.colours, *parsed.backdrop)]
    taken = {name for name, _ in result}
    scenic = parsed.scene not in {"product", "portrait", "room", "flowers"}
    rest = (
        (*palette.sky, palette.sun, palette.shade, palette.ground)
        if scenic
        else (palette.subject, palette.second, palette.wall, palette.table, palette.accent, palette.sun)
    )
    for colour in rest:
        hexcode = code(colour)
        name = _nearest(colour)
        if len(result) < 5 and name not in taken:
            result.append((name, hexcode))
            taken.add(name)
    return result[:5]


def _nearest(colour: Array) -> str:
    """The nearest named colour of the vocabulary."""
    shown = channels(code(colour))

    def gap(name: str) -> float:
        return sum((a - b) ** 2 for a, b in zip(shown, channels(COLOURS[name]), strict=True))

    return min(COLOURS, key=gap).split("-")[0]
