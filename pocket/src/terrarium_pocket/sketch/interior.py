"""Vocabulary of the indoor scenes: portraits, wares, food, furniture. Data only."""

from .vocabulary import Subject

# Looked up before the subjects of ``vocabulary``.
INTERIOR: tuple[Subject, ...] = (
    # The weight is so low that an animal in a landscape stays a figure there.
    Subject("portrait", "cat", 3, "cat kitten kitty tabby"),
    Subject("portrait", "dog", 3, "dog puppy hound"),
    Subject("portrait", "owl", 3, "owl owlet"),
    Subject("portrait", "fox", 3, "fox vixen"),
    Subject("portrait", "rabbit", 3, "rabbit bunny hare"),
    Subject("product", "ramen", 6.5, "ramen noodle udon pho"),
    Subject("product", "cake", 6.5, "cake birthday-cake gateau cheesecake"),
    Subject("product", "pizza", 6.5, "pizza margherita"),
    Subject("product", "sneaker", 6.5, "sneaker shoe trainer footwear"),
    Subject("product", "camera", 6.5, "photo-camera rangefinder"),
    Subject("product", "book", 6, "book novel paperback"),
    Subject("product", "fruit", 6, "fruit apple orange pear lemon peach food cherry citrus plum lime"),
    Subject("flowers", "bouquet", 6, "tulips"),
    Subject("portrait", "person", 7, "redhead blonde brunette"),
    Subject("room", "window", 6.2, "armchair sofa couch corner nook bookshelf"),
)

# Words for a portrait of any kind; an animal named with them becomes its subject.
GENERIC_PORTRAITS = frozenset(["portrait", "face", "headshot", "head", "character", "self"])

# Vessels that flowers stand in and fruit lies in.
VESSELS = frozenset(
    ["vase", "jug", "pitcher", "urn", "carafe", "jar", "pot", "bottle", "bowl", "basket", "mug"]
)

# Parts by the nouns that name them; a colour before such a noun colours the part.
PARTS: dict[str, str] = {
    "hair": "hair hairstyle curl bob braid ponytail lock bun fringe bangs afro tress mane",
    "beard": "beard moustache mustache goatee stubble",
    "eyes": "eye iris",
    "clothes": "coat jacket dress shirt sweater jumper pullover hoodie blouse suit t-shirt turtleneck "
    "cardigan top robe kimono vest clothes clothing outfit uniform gown",
    "hat": "hat beanie cap beret turban headscarf fedora bonnet",
    "scarf": "scarf shawl",
    "glasses": "glasses spectacles eyeglasses sunglasses",
    "wall": "background backdrop wall sky room light lighting",
    "table": "table tablecloth tabletop surface counter desk floor",
    "vessel": "vase jug pitcher urn carafe pot bowl basket plate dish",
    "lamp": "lamp lampshade lantern",
    "rug": "rug carpet",
    "cushion": "cushion pillow",
    "plant": "plant leaf",
    "icing": "icing frosting glaze",
}

# Nouns that name a colour of hair.
HAIR_NOUNS: dict[str, str] = {
    "redhead": "#a8421c",
    "redheaded": "#a8421c",
    "auburn": "#7c2f1a",
    "blonde": "#deb068",
    "blond": "#deb068",
    "brunette": "#4a2c1a",
    "platinum": "#e6dcc4",
}

# Colours as they look in hair.
HAIR_SHADES: dict[str, str] = {
    "red": "#b23c17",
    "ginger": "#c25a1f",
    "orange": "#c9611c",
    "brown": "#573520",
    "golden": "#cf9a45",
    "gold": "#cf9a45",
    "yellow": "#dcb04c",
    "white": "#e9e6e0",
    "grey": "#a9a7a5",
    "gray": "#a9a7a5",
    "silver": "#c3c2c1",
    "black": "#1d1a1d",
}

# Words for details of a portrait or an interior, by the extra that they add.
INDOOR_EXTRAS: dict[str, str] = {
    "bearded": "beard moustache mustache goatee stubble",
    "glasses": "glasses spectacles eyeglasses",
    "sunglasses": "sunglasses",
    "hat": "hat fedora",
    "beanie": "beanie cap",
    "beret": "beret",
    "scarf": "scarf shawl",
    "turtleneck": "turtleneck",
    "shirt": "shirt blouse suit",
    "curly": "curly curl wavy afro",
    "bun": "bun",
    "braids": "braid",
    "bob": "bob",
    "bald": "bald",
    "old": "old elderly aged grandmother grandfather granny grandpa",
    "freckles": "freckle freckled",
    "flame": "candle birthday",
    "shelf": "bookshelf bookcase book reading library",
    "floorlamp": "lamp reading",
    "rug": "rug carpet",
}

# Adjectives of hair, with the extra that they add.
HAIR_ADJECTIVES: dict[str, str] = {"long": "long-hair", "short": "short-hair", "straight": "straight-hair"}
