"""The styles: their instruments, patterns and progressions."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Style:
    """A style.

    ``words`` in a prompt select it. ``tempo`` is its range in BPM. ``swing`` is how late the second of two
    notes of ``swing_unit`` beats is, as a share of the unit. For ``richness`` see `theory.chord`. ``major``
    and ``minor`` name progressions, and ``minor_share`` is how often minor is chosen. ``busy`` is the density
    of a melody, 0 to 1; ``loose`` the deviation of the players' timing in ms; ``slowing`` how much slower the
    end gets; ``reverb`` the seconds and the level of the reverb; ``dark`` the treble cut in Hz, 0 for none.
    """

    words: str
    tempo: tuple[int, int]
    leads: tuple[str, ...]
    chords: tuple[str, ...]
    pads: tuple[str, ...]
    basses: tuple[str, ...]
    kits: tuple[str, ...]
    chord_patterns: tuple[str, ...]
    bass_patterns: tuple[str, ...]
    grooves: tuple[str, ...]
    major: tuple[str, ...] = ("plain",)
    minor: tuple[str, ...] = ("aeolian",)
    minor_share: float = 0.4
    beats_per_bar: int = 4
    swing: float = 0.0
    swing_unit: float = 0.5
    richness: int = 0
    busy: float = 0.5
    loose: float = 7.0
    slowing: float = 0.25
    reverb: tuple[float, float] = (1.6, 0.16)
    dark: float = 0.0


STYLES = {
    "ambient": Style(
        words="ambient, drone, soundscape, meditation, spa, sleep, new age, space",
        tempo=(60, 76),
        leads=("vibraphone", "flute", "celesta", "electric piano"),
        chords=("crystal", "harp", "electric piano"),
        pads=("warm pad", "space voice", "slow strings"),
        basses=("fretless bass",),
        kits=(),
        chord_patterns=("sparse arpeggio", "arpeggio"),
        bass_patterns=("hold",),
        grooves=(),
        major=("lydian", "warm"),
        minor=("dorian", "aeolian"),
        richness=2,
        busy=0.22,
        loose=12,
        reverb=(3.6, 0.34),
    ),
    "ballad": Style(
        words="ballad, ballads, slow dance, love song, torch song",
        tempo=(62, 78),
        leads=("piano", "cello", "saxophone", "violin"),
        chords=("piano", "electric piano", "guitar"),
        pads=("strings",),
        basses=("bass guitar", "fretless bass"),
        kits=("drums",),
        chord_patterns=("ballad", "arpeggio"),
        bass_patterns=("ballad",),
        grooves=("ballad",),
        major=("warm", "loop", "plain"),
        minor=("minor loop", "aeolian"),
        richness=1,
        busy=0.42,
        loose=10,
        slowing=0.3,
        reverb=(2.2, 0.2),
    ),
    "blues": Style(
        words="blues, bluesy, boogie, shuffle",
        tempo=(84, 116),
        leads=("harmonica", "electric guitar", "saxophone"),
        chords=("piano", "organ", "jazz guitar"),
        pads=(),
        basses=("bass guitar", "double bass"),
        kits=("drums",),
        chord_patterns=("shuffle",),
        bass_patterns=("boogie", "walk"),
        grooves=("shuffle",),
        major=("blues",),
        minor=("minor blues",),
        minor_share=0.25,
        swing=0.33,
        richness=1,
        busy=0.6,
        loose=9,
    ),
    "bossa": Style(
        words="bossa nova, bossa, samba, brazilian, latin",
        tempo=(116, 138),
        leads=("flute", "saxophone", "clarinet"),
        chords=("nylon guitar",),
        pads=("strings",),
        basses=("double bass",),
        kits=("brushes",),
        chord_patterns=("bossa",),
        bass_patterns=("bossa",),
        grooves=("bossa",),
        major=("jazz",),
        minor=("minor jazz",),
        richness=2,
        busy=0.45,
        loose=8,
    ),
    "cinematic": Style(
        words=("cinematic, film, movie, score, trailer, soundtrack, orchestral, orchestra, documentary"),
        tempo=(76, 100),
        leads=("french horn", "cello", "violin", "oboe"),
        chords=("piano", "pizzicato", "harp"),
        pads=("strings", "choir"),
        basses=("double bass", "cello"),
        kits=("orchestra kit",),
        chord_patterns=("ostinato", "arpeggio"),
        bass_patterns=("hold", "halves"),
        grooves=("epic",),
        major=("warm", "plain"),
        minor=("aeolian", "harmonic"),
        minor_share=0.6,
        busy=0.25,
        loose=10,
        reverb=(2.8, 0.28),
    ),
    "classical": Style(
        words="classical, baroque, mozart, bach, sonata, chamber, minuet, romantic era, sonatina",
        tempo=(84, 116),
        leads=("violin", "oboe", "flute", "clarinet"),
        chords=("piano", "harpsichord", "harp"),
        pads=("strings",),
        basses=("cello",),
        kits=(),
        chord_patterns=("ostinato", "ballad"),
        bass_patterns=("halves", "ballad"),
        grooves=(),
        major=("classical",),
        minor=("harmonic",),
        busy=0.6,
        slowing=0.4,
        reverb=(2.0, 0.2),
    ),
    "electronic": Style(
        words="electronic, edm, house, techno, synthwave, dance, club, trance, chiptune, disco",
        tempo=(112, 128),
        leads=("synth lead", "square lead", "crystal"),
        chords=("synth", "electric piano"),
        pads=("warm pad", "synth strings"),
        basses=("synth bass",),
        kits=("808", "electric drums"),
        chord_patterns=("sixteenths", "offbeats"),
        bass_patterns=("offbeat", "eighths"),
        grooves=("house",),
        major=("loop",),
        minor=("minor loop",),
        minor_share=0.6,
        richness=1,
        loose=2,
        slowing=0.0,
    ),
    "folk": Style(
        words="folk, country, celtic, irish, acoustic, campfire, bluegrass, singer-songwriter",
        tempo=(88, 112),
        leads=("fiddle", "whistle", "accordion", "harmonica"),
        chords=("guitar", "banjo"),
        pads=(),
        basses=("double bass",),
        kits=("brushes",),
        chord_patterns=("soft strum", "fingerpicking", "strum"),
        bass_patterns=("halves", "root fifth"),
        grooves=("folk",),
        major=("plain", "mixolydian"),
        minor=("dorian", "aeolian"),
        busy=0.65,
        loose=9,
        reverb=(1.2, 0.13),
    ),
    "jazz": Style(
        words="jazz, jazzy, swing, bebop, big band, noir, lounge, smoky",
        tempo=(108, 152),
        leads=("saxophone", "muted trumpet", "vibraphone", "trumpet"),
        chords=("piano", "jazz guitar"),
        pads=(),
        basses=("double bass",),
        kits=("brushes", "jazz drums"),
        chord_patterns=("charleston",),
        bass_patterns=("walk",),
        grooves=("jazz",),
        major=("jazz",),
        minor=("minor jazz",),
        swing=0.33,
        richness=2,
        busy=0.6,
        loose=9,
        reverb=(1.3, 0.14),
    ),
    "lo-fi": Style(
        words="lo-fi, lofi, lo fi, chillhop, hip hop, hip-hop, study, chill beats, chill",
        tempo=(70, 84),
        leads=("electric piano", "vibraphone", "muted trumpet", "nylon guitar"),
        chords=("electric piano", "piano", "jazz guitar"),
        pads=("warm pad",),
        basses=("bass guitar", "fretless bass"),
        kits=("drums",),
        chord_patterns=("stabs",),
        bass_patterns=("lazy",),
        grooves=("lazy",),
        major=("jazz loop",),
        minor=("minor jazz loop",),
        swing=0.22,
        swing_unit=0.25,
        richness=2,
        busy=0.3,
        loose=14,
        dark=5200,
    ),
    "pop": Style(
        words="pop, radio, catchy, jingle, commercial, advert, corporate, podcast",
        tempo=(92, 118),
        leads=("synth lead", "electric guitar", "flute", "piano"),
        chords=("piano", "guitar", "electric piano"),
        pads=("strings", "warm pad"),
        basses=("bass guitar",),
        kits=("drums",),
        chord_patterns=("pop piano", "strum"),
        bass_patterns=("pop",),
        grooves=("pop",),
        major=("loop", "plain"),
        minor=("minor loop",),
        minor_share=0.3,
        busy=0.55,
        slowing=0.12,
    ),
    "rock": Style(
        words="rock, punk, indie, grunge, metal, garage",
        tempo=(108, 136),
        leads=("overdriven guitar", "electric guitar"),
        chords=("electric guitar", "organ"),
        pads=("organ",),
        basses=("bass guitar",),
        kits=("drums",),
        chord_patterns=("eighths", "strum"),
        bass_patterns=("eighths", "drive"),
        grooves=("rock",),
        major=("mixolydian", "loop"),
        minor=("minor loop", "aeolian"),
        busy=0.6,
        slowing=0.1,
        reverb=(1.2, 0.12),
    ),
    "waltz": Style(
        words="waltz, waltzes, ballroom, carousel, musette",
        tempo=(92, 138),
        leads=("violin", "accordion", "clarinet", "piano"),
        chords=("piano", "guitar"),
        pads=("strings",),
        basses=("double bass",),
        kits=(),
        chord_patterns=("waltz",),
        bass_patterns=("waltz",),
        grooves=("soft waltz",),
        major=("classical", "warm"),
        minor=("harmonic",),
        minor_share=0.5,
        beats_per_bar=3,
        busy=0.4,
        slowing=0.4,
        reverb=(1.9, 0.19),
    ),
}
