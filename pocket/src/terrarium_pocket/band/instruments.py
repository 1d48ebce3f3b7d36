"""The instruments by their names, with their General MIDI programs."""

from dataclasses import dataclass

DRUMS = "drums"


@dataclass(frozen=True, slots=True)
class Instrument:
    """``role`` is its preferred role; ``low`` to ``high`` is its range, in MIDI pitches.

    ``sustains``: its tone lasts as long as it is played. ``left_hand``: it can play a bass line.
    """

    name: str
    program: int
    role: str
    low: int
    high: int
    sustains: bool = False
    left_hand: bool = False
    kit: bool = False


# name, program, role, range, properties (s: sustains, l: left hand), other names
_TABLE = """
piano             0   chords 36 88 l  grand piano, pianos, pianist
electric piano    4   chords 38 84 l  rhodes, e-piano, epiano, wurlitzer, ep
harpsichord       6   chords 38 80 l  cembalo
clavinet          7   chords 40 80 -
celesta           8   lead   60 96 -  celeste
glockenspiel      9   lead   67 96 -
music box         10  lead   60 92 -  musicbox
vibraphone        11  chords 53 84 -  vibes
marimba           12  chords 45 84 -
xylophone         13  lead   60 92 -
bells             14  lead   60 84 -  tubular bells, church bells
dulcimer          15  chords 48 84 -
organ             16  chords 40 84 sl hammond
church organ      19  chords 36 84 sl pipe organ
accordion         21  lead   55 84 s
harmonica         22  lead   60 84 s
bandoneon         23  lead   55 84 s
nylon guitar      24  chords 40 76 l  classical guitar, spanish guitar, classical guitars
guitar            25  chords 40 79 l  acoustic guitar, steel guitar, guitars, acoustic guitars, folk guitar
jazz guitar       26  chords 40 79 l
electric guitar   27  chords 40 81 l  clean guitar, electric guitars
muted guitar      28  chords 40 76 -  palm muted guitar
overdriven guitar 29  lead   45 81 s  rock guitar, overdrive guitar, distorted guitar
double bass       32  bass   28 55 -  upright bass, acoustic bass, contrabass
bass guitar       33  bass   28 55 -  electric bass, fingered bass, bass
fretless bass     35  bass   28 55 s
slap bass         36  bass   28 55 -
synth bass        38  bass   28 52 s
violin            40  lead   57 91 s  violins
viola             41  lead   50 81 s  violas
cello             42  lead   40 72 sl cellos, violoncello
tremolo strings   44  pad    43 84 s
pizzicato         45  chords 43 84 -  pizzicato strings
harp              46  chords 40 88 l  harps
strings           48  pad    40 84 s  string section, string orchestra, orchestra, string ensemble
slow strings      49  pad    40 84 s
synth strings     50  pad    40 84 s
choir             52  pad    46 79 s  choral, choirs
voices            53  pad    46 79 s  voice, vocals, oohs
trumpet           56  lead   55 82 s  trumpets
trombone          57  lead   41 70 s  trombones
tuba              58  bass   28 55 s
muted trumpet     59  lead   55 80 s
french horn       60  lead   43 74 s  horn, horns, french horns
brass             61  pad    43 77 s  brass section
soprano sax       64  lead   56 84 s  soprano saxophone
alto sax          65  lead   50 79 s  alto saxophone
saxophone         66  lead   46 75 s  sax, tenor sax, tenor saxophone
baritone sax      67  lead   38 67 s
oboe              68  lead   59 86 s
english horn      69  lead   53 79 s  cor anglais
bassoon           70  lead   36 67 sl
clarinet          71  lead   52 86 s
piccolo           72  lead   74 98 s
flute             73  lead   60 93 s  flutes
recorder          74  lead   65 91 s
pan flute         75  lead   60 88 s  panpipes, pan pipes
shakuhachi        77  lead   57 84 s
whistle           78  lead   67 93 s  whistling
ocarina           79  lead   62 88 s
square lead       80  lead   52 86 s  chiptune, square wave, 8-bit
synth lead        81  lead   52 86 s  saw lead, lead synth
warm pad          89  pad    43 84 s  pad, pads, synth pad, synth pads
synth             90  chords 43 84 s  synthesizer, synthesiser, polysynth, synths
space voice       91  pad    43 84 s
halo pad          94  pad    43 84 s
crystal           98  chords 48 88 -
sitar             104 lead   48 79 -
banjo             105 chords 48 79 -
koto              107 lead   48 84 -
kalimba           108 chords 53 84 -  thumb piano, mbira
bagpipe           109 lead   55 79 s  bagpipes
fiddle            110 lead   57 88 s
steel drums       114 lead   53 84 -  steel drum, steelpan, steel pan
"""
# Drum kits are in another bank, by their programs.
_KITS = """
drums          0   drum kit, percussion, drum, beat, beats
jazz drums     32  jazz kit
brushes        40  brush drums, brushed drums, brush kit
electric drums 24  electronic drums, drum machine
808            25  tr-808, 808 drums
orchestra kit  48  orchestral percussion
"""


def _columns(line: str, count: int) -> tuple[str, list[str], list[str]]:
    """Split a row into its name (everything before the first number), its fields and the other names."""
    words = line.split()
    first = next(index for index, word in enumerate(words) if index > 0 and word.isdigit())
    others = " ".join(words[first + count :])
    return (
        " ".join(words[:first]),
        words[first : first + count],
        [name for name in others.split(", ") if name],
    )


def _read() -> tuple[dict[str, Instrument], dict[str, Instrument]]:
    known: dict[str, Instrument] = {}
    aliases: dict[str, Instrument] = {}
    for line in filter(None, _TABLE.splitlines()):
        name, (program, role, low, high, flags), others = _columns(line, 5)
        known[name] = Instrument(
            name, int(program), role, int(low), int(high), sustains="s" in flags, left_hand="l" in flags
        )
        aliases |= dict.fromkeys([name, *others], known[name])
    for line in filter(None, _KITS.splitlines()):
        name, (program,), others = _columns(line, 1)
        known[name] = Instrument(name, int(program), DRUMS, 0, 127, kit=True)
        aliases |= dict.fromkeys([name, *others], known[name])
    return known, aliases


KNOWN, BY_NAME = _read()
