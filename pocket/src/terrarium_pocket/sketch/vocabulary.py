"""The words that prompts are searched for. Data only: ``prompt`` parses them."""

from typing import NamedTuple


class Subject(NamedTuple):
    """A subject that can be painted: its scene, the variant of the scene, and its words.

    Where a prompt names several subjects, the one of the highest ``weight`` is painted: a portrait in a
    forest is a portrait.
    """

    scene: str
    variant: str
    weight: float
    words: str


SUBJECTS: tuple[Subject, ...] = (
    Subject("product", "mug", 6, "mug cup teacup coffee espresso latte cappuccino tea cocoa"),
    Subject(
        "product",
        "bottle",
        6,
        "bottle perfume fragrance cologne shampoo lotion serum skincare cosmetic wine gin "
        "whisky whiskey flask dropper",
    ),
    Subject("product", "jar", 6, "jar honey jam balm pot canister"),
    Subject("product", "vase", 6, "vase pitcher jug amphora urn pottery carafe"),
    Subject("product", "can", 6, "tin soda beer drink beverage"),
    # "can" is also a verb, so it weighs little.
    Subject("product", "can", -3, "can"),
    Subject("product", "bowl", 6, "bowl dish soup salad plate"),
    Subject("product", "candle", 6, "candle"),
    Subject("product", "mug", 2, "product packshot tableware still-life still"),
    Subject(
        "portrait",
        "person",
        7,
        "portrait face woman man girl boy person headshot lady selfie queen king "
        "prince princess actor actress singer dancer musician character hero heroine child people human self "
        "grandmother grandfather mother father friend artist chef astronaut doctor",
    ),
    Subject(
        "mountains",
        "lake",
        5,
        "mountain lake peak alp alps fjord summit himalaya matterhorn range valley glacier "
        "cliff volcano ridge landscape hiking",
    ),
    Subject(
        "meadow",
        "hills",
        4,
        "hill grass pasture vineyard tuscany park steppe savanna lavender road nature",
    ),
    Subject(
        "sea",
        "sea",
        5,
        "sea ocean wave beach coast shore seascape seaside surf horizon bay island",
    ),
    # These weigh more than the flowers that grow in a meadow.
    Subject("meadow", "hills", 6.4, "meadow field prairie countryside"),
    Subject("sea", "sea", 0.5, "sunset sunrise water"),
    Subject(
        "city",
        "city",
        5,
        "city skyline cyberpunk skyscraper tower bridge street downtown metropolis manhattan tokyo "
        "york london paris shanghai urban building cityscape megacity alley rooftop architecture",
    ),
    Subject(
        "flowers",
        "bouquet",
        6,
        "flower bouquet botanical floral blossom rose tulip daisy peony poppy petal "
        "wildflower bloom sunflower lily orchid",
    ),
    Subject("flowers", "bouquet", 4, "plant leaf garden herb fern"),
    Subject("desert", "dunes", 5, "desert dune sand sahara oasis arid gobi namib"),
    Subject(
        "forest",
        "trees",
        5,
        "forest wood woods tree woodland jungle grove pine birch taiga redwood rainforest",
    ),
    Subject(
        "space",
        "planet",
        5,
        "planet space galaxy nebula cosmos cosmic universe saturn jupiter mars orbit astronomy "
        "satellite rocket spaceship exoplanet interstellar",
    ),
    Subject("space", "planet", 0.8, "moon lunar earth star stars"),
    Subject(
        "room",
        "window",
        5,
        "room interior living bedroom kitchen chair armchair sofa couch lamp furniture "
        "loft apartment studio-flat office desk cafe library",
    ),
    Subject("abstract", "liquid", 1, "texture pattern background wallpaper"),
    Subject(
        "abstract",
        "liquid",
        4,
        "abstract liquid fluid marble-ink gradient swirl "
        "silk wave-art geometry holographic iridescent shapes",
    ),
)

# Two words in a row that mean one thing; the value replaces them before subjects are looked up.
PHRASES: dict[str, str] = {
    "golden hour": "goldenhour",
    "magic hour": "goldenhour",
    "blue hour": "bluehour",
    "still life": "still-life",
    "new york": "york",
    "face cream": "jar",
    "fashion model": "woman",
    "lone tree": "meadow",
    "single tree": "meadow",
    "coffee shop": "cafe",
    "coffee table": "table",
    "palm trees": "beach",
    "hong kong": "city",
    "studio light": "studiolit",
    "studio lighting": "studiolit",
    "soft light": "softlit",
    "film noir": "noir",
    "black and": "black",
    "northern lights": "aurora",
    "milky way": "stars",
    "outer space": "space",
    "candle light": "candlelit",
    "candle lit": "candlelit",
    "water colour": "watercolor",
    "water color": "watercolor",
    "deep space": "space",
    "sun lit": "sunlit",
    "full moon": "moonlit",
    "day light": "daylight",
    "living room": "room",
    "self portrait": "portrait",
    "pine trees": "forest",
    "ice cream": "bowl",
    "hot chocolate": "cocoa",
    "sci fi": "cyberpunk",
    "rowing boat": "rowboat",
    "rowing boats": "rowboats",
}

COLOURS: dict[str, str] = {
    "red": "#c8322b",
    "crimson": "#a5182f",
    "scarlet": "#d6301f",
    "burgundy": "#5e1224",
    "maroon": "#5c1a1b",
    "coral": "#f2785c",
    "salmon": "#f29483",
    "rose": "#d9778a",
    "pink": "#ec9cb4",
    "blush": "#edc3bd",
    "magenta": "#c8238f",
    "fuchsia": "#d42fa0",
    "orange": "#e8792b",
    "tangerine": "#f08a24",
    "amber": "#e39a1f",
    "apricot": "#f4b183",
    "peach": "#f6c1a0",
    "terracotta": "#bf6a45",
    "rust": "#9c4a25",
    "copper": "#b46a3c",
    "bronze": "#8c6a3a",
    "brown": "#6d4a30",
    "chocolate": "#4c2d1c",
    "coffee-brown": "#4b3324",
    "tan": "#c9a77c",
    "beige": "#ddcdb2",
    "sand-beige": "#d8c19a",
    "cream": "#f3ead7",
    "ivory": "#f4eedf",
    "gold": "#d7a63a",
    "golden": "#d9a441",
    "yellow": "#f0c92e",
    "mustard": "#cf9b27",
    "lemon-yellow": "#f4e04d",
    "ochre": "#c08a32",
    "lime": "#a6cf3a",
    "olive": "#7c7a3a",
    "green": "#4c8f4a",
    "emerald": "#1f8a5b",
    "forest-green": "#2c5a3a",
    "sage": "#a3b296",
    "mint": "#a9dcc3",
    "moss": "#66753d",
    "jade": "#3e9c7a",
    "teal": "#1f7f80",
    "turquoise": "#2fb9b4",
    "cyan": "#35c4dd",
    "aqua": "#5fd3d2",
    "sky-blue": "#86bde6",
    "azure": "#3f8fd9",
    "blue": "#2f62b8",
    "cobalt": "#2348a8",
    "navy": "#1a2748",
    "indigo": "#3b2f87",
    "ultramarine": "#2a2fa0",
    "violet": "#6f48b5",
    "purple": "#6d3a9c",
    "plum-purple": "#5f2c54",
    "lilac": "#c2a5dd",
    "lavender": "#b6a3dd",
    "mauve": "#b48aa8",
    "white": "#f2f1ec",
    "black": "#1b1b1d",
    "grey": "#86888b",
    "gray": "#86888b",
    "silver": "#bfc3c7",
    "charcoal": "#333538",
    "slate": "#596673",
}

# Words that set the light; `palette.LIGHTS` has the colours of each light.
LIGHT_WORDS: dict[str, str] = {
    "sunlit": "sunlit sunny sunlight sunshine sun-drenched daylight bright morning afternoon summer window",
    "golden": "goldenhour golden-hour warm cozy cosy autumn late-afternoon honeyed",
    "sunset": "sunset dusk evening sundown fiery",
    "dawn": "dawn sunrise pastel dreamy ethereal soft softlit spring airy tender",
    "bluehour": "bluehour twilight cold winter icy frozen",
    "night": "night midnight moonlit moonlight starry dark stars aurora nocturnal",
    "foggy": "foggy fog misty mist haze hazy overcast cloudy muted minimal minimalist",
    "moody": "moody dramatic storm stormy gloomy brooding somber rainy rain thunder gothic",
    "neon": "neon cyberpunk synthwave vaporwave retrowave glowing electric futuristic rave club",
    "noir": "noir monochrome grayscale greyscale b&w detective",
    "studio": "studio studiolit clean commercial catalogue catalog packshot",
    "candle": "candlelit candlelight firelight fireside lantern",
}

EXTRA_WORDS: dict[str, str] = {
    "rain": "rain rainy raining drizzle storm stormy downpour",
    "snow": "snow snowy winter snowfall frozen icy blizzard snowing",
    "embers": "fire campfire bonfire ember embers spark sparks fireplace fireside lava volcano candle "
    "candlelit",
    "petals": "petal petals blossom sakura",
    "fireflies": "firefly fireflies magical enchanted fairy",
    "dust": "dust dusty sunbeam sunlit motes",
    "fog": "fog foggy mist misty haze hazy",
    "stars": "star stars starry",
    "aurora": "aurora",
    "moon": "moon moonlit lunar",
    "lake": "lake reflection reflections mirror pond river fjord",
    "steam": "steam steaming hot coffee tea espresso",
    "wood": "wood wooden oak walnut table",
    "marble": "marble",
    "stone": "stone concrete slate granite travertine",
    "linen": "linen cloth fabric tablecloth",
    "speckled": "speckled stoneware rustic handmade",
    "glass": "glass transparent",
    "boat": "boat sailboat sail ship",
    "birds": "bird birds gull gulls seagull",
    "ring": "ring rings saturn",
    "tree": "tree trees pine pines",
    "poster": "poster cover flyer",
    "beard": "beard bearded man father grandfather king",
    "short": "man boy father grandfather king prince",
    "sunflower": "sunflower",
    "tulip": "tulip tulips",
    "lavender": "lavender",
    "autumn": "autumn fall october",
    "leaves": "leaf leaves fern plant botanical herb",
    "waves": "wave waves surf stormy",
    "sofa": "sofa couch",
    "poppy": "poppy",
    "flowers": "flower wildflower bloom daisy blossom",
    "empty": "minimal minimalist empty simple",
}

STYLE_WORDS: dict[str, str] = {
    "photo": "photo photograph photography photographic cinematic photorealistic realistic 35mm dslr bokeh",
    "illustration": "illustration illustrated vector flat drawing cartoon storybook graphic",
    "watercolor": "watercolor watercolour aquarelle gouache painterly painted wash",
    "neon": "neon synthwave vaporwave retrowave",
    "noir": "noir monochrome grayscale greyscale",
    "poster": "risograph riso screenprint silkscreen halftone lithograph linocut retro vintage",
}

MOODS: dict[str, str] = {
    "sunlit": "warm, unhurried, open",
    "golden": "nostalgic, generous, calm",
    "sunset": "romantic, burning, expansive",
    "dawn": "tender, quiet, hopeful",
    "bluehour": "cool, still, contemplative",
    "night": "hushed, vast, a little lonely",
    "foggy": "muted, quiet, mysterious",
    "moody": "tense, heavy, dramatic",
    "neon": "electric, restless, nocturnal",
    "noir": "stark, suspicious, elegant",
    "studio": "clean, precise, confident",
    "candle": "intimate, warm, sheltered",
    "day": "clear, fresh, straightforward",
}

NEGATIONS = frozenset(["no", "without", "not", "never", "minus"])
