"""The rhythms of chords, basses and drums, as text.

A hit is ``beat:length:what``, and a bar is a list of hits. ``|`` separates bars, and ``/`` separates
alternatives. Chords: ``a`` all tones, ``u`` without the lowest, ``d`` and ``s`` strummed down and up, digits
single tones counted from the lowest. Basses: ``r`` root, ``f`` fifth, ``t`` third, ``o`` octave, ``n`` a step
before the next root. ``!`` is louder, ``-`` softer.
"""

CHORDS = {
    "block": "0:9:a",
    "halves": "0:2:a! 2:2:a",
    "quarters": "0:.9:a! 1:.9:a 2:.9:a 3:.9:a",
    "eighths": "0:.5:a! .5:.5:a- 1:.5:a 1.5:.5:a- 2:.5:a! 2.5:.5:a- 3:.5:a 3.5:.5:a-",
    "ostinato": "0:.5:0! .5:.5:2- 1:.5:1 1.5:.5:2- 2:.5:0! 2.5:.5:2- 3:.5:1 3.5:.5:2-",
    "ballad": "0:4:0! .5:3.5:1 1:3:2 1.5:2.5:1- 2:2:u 3:1:1- 3.5:.5:2-"
    " | 0:4:0! .5:3.5:1 1:3:u 2:2:1 2.5:1.5:2 3:1:1-",
    "arpeggio": "0:4:0! .5:3.5:1 1:3:2 1.5:2.5:3 2:2:4! 2.5:1.5:3 3:1:2 3.5:.5:1",
    "sparse arpeggio": "0:4:0! 1:3:1 2:2:3 3:1:2- | 0:4:0! 1.5:2.5:2 2.5:1.5:4-",
    "sixteenths": "0:.5:0! .25:.5:2- .75:.5:1 1:.5:3 1.5:.5:2- 1.75:.5:4"
    " 2:.5:0! 2.25:.5:2- 2.75:.5:1 3:.5:3 3.5:.5:4",
    "fingerpicking": "0:2:0! .5:1.5:2- 1:1:1 1.5:2.5:3- 2:2:0 2.5:1.5:2- 3:1:1 3.5:.5:4-",
    "strum": "0:1:d! 1:.5:d 1.5:.5:s- 2.5:.5:s- 3:.5:d 3.5:.5:s-",
    "soft strum": "0:1.5:d! 1.5:.5:s- 2:1:d 3:.5:d- 3.5:.5:s-",
    "charleston": "0:1.2:a! 1.5:.8:a / .5:.4:a- 1.5:1.2:a / 0:.4:a 2.5:1.2:a!"
    " / 1:.4:a- 3.5:.5:a! / 0:1.4:a 3.5:.5:a-",
    "bossa": "0:.8:a! 1:.4:u- 1.5:1:u 3:.8:u | .5:.8:a 1.5:.4:u- 2:.9:a! 3.5:.5:u",
    "stabs": "0:1.5:a! 2.5:1.2:a- / 0:1.7:a! 1.75:1.5:u- / .5:1.3:a 2:1.8:u-",
    "offbeats": ".5:.35:a 1.5:.35:a 2.5:.35:a 3.5:.35:a!",
    "pop piano": "0:1:a! 1:.9:u 1.5:.5:0- 2:1:a 3:.9:u 3.5:.5:0- / 0:1.5:a! 1.5:1.5:a 3:1:u-",
    "shuffle": "0:.8:a! 1:.4:u- 1.5:.4:u 2:.8:a 3:.4:u- 3.5:.4:u",
    "waltz": "1:.8:a 2:.7:a-",
    "waltz arpeggio": "0:3:0! .5:2.5:1- 1:2:2 1.5:1.5:3- 2:1:2 2.5:.5:1-",
    "jazz waltz": "0:.8:a- 1.5:1.2:a / 1:.5:a 2.5:.5:a-",
}

BASSES = {
    "hold": "0:9:r",
    "halves": "0:1.9:r! 2:1.9:f",
    "root fifth": "0:1.5:r! 1.5:.5:r- 2:1.5:f 3.5:.5:n-",
    "ballad": "0:2.5:r! 2.5:.5:f- 3:1:n- / 0:3:r! 3:1:f-",
    "eighths": "0:.5:r! .5:.5:r- 1:.5:r 1.5:.5:r- 2:.5:r! 2.5:.5:r- 3:.5:r 3.5:.5:n-",
    "drive": "0:.75:r! .75:.75:r- 1.5:.5:r 2:.75:r! 2.75:.75:f- 3.5:.5:n",
    "pop": "0:1.4:r! 1.5:.9:r- 2.5:.5:f- 3:.9:r / 0:1.4:r! 1.5:.4:r- 2:1.4:r 3.5:.5:n-",
    "offbeat": ".5:.4:r .75:.2:r- 1.5:.4:r 2.5:.4:o 2.75:.2:r- 3.5:.4:r!",
    "lazy": "0:1.4:r! 2.5:.4:o- 3:.7:f / 0:1.7:r! 1.75:.7:r- 3:.4:f- 3.5:.5:n-",
    "bossa": "0:1.4:r! 1.5:.5:f 2:1.4:f! 3.5:.5:r-",
    "boogie": "0:.5:r! .5:.5:r- 1:.5:t 1.5:.5:t- 2:.5:f! 2.5:.5:f- 3:.5:6 3.5:.5:f-",
    "waltz": "0:2.6:r! | 0:2.6:f",
    "jazz waltz": "0:1.4:r! 1.5:.5:f- 2:.9:t / 0:1.9:r! 2:.9:n",
}

# The patterns for triple time that replace others, by part; the entry "" replaces all that are not listed.
IN_THREE = {
    "chords": {
        "charleston": "jazz waltz",
        "stabs": "jazz waltz",
        "block": "block",
        "sparse arpeggio": "waltz arpeggio",
        "arpeggio": "waltz arpeggio",
        "ballad": "waltz arpeggio",
        "fingerpicking": "waltz arpeggio",
        "": "waltz",
    },
    "bass": {"hold": "hold", "walk": "jazz waltz", "": "waltz"},
    "groove": {"jazz": "jazz waltz", "ballad": "soft waltz", "": "waltz"},
}

PIECES = {
    "kick": 36, "rim": 37, "snare": 38, "clap": 39, "swirl": 40, "floor": 41, "hat": 42, "pedal": 44,
    "low": 45,
    "open": 46, "mid": 47, "crash": 57, "high": 50, "ride": 51, "bell": 53, "tambourine": 54, "cabasa": 69,
    "claves": 75, "triangle": 81, "shaker": 82,
}  # fmt: skip

# Sixteenths of a bar: X loud, x normal, o soft, - a ghost note. A line plays from the energy of its number.
GROOVES = {
    "pop": """
        kick 0 X......xX.x.....
        snare .3 ....X.......X...
        snare .6 .......-.-.....-
        hat 0 x.o.x.o.x.o.x.o.
        open .75 ..............o.
        tambourine .8 ..o...o...o...o.""",
    "rock": """
        kick 0 X.....x.X.x.....
        snare .2 ....X.......X...
        snare .6 .-.....-.-.....-
        hat 0 x.o.x.o.x.o.x.o.
        crash .95 o...............""",
    "house": """
        kick .3 X...X...X...X...
        clap .5 ....x.......x...
        hat 0 --o---o---o---o-
        open .6 ..x...x...x...x.
        shaker .7 o-oxo-oxo-oxo-ox""",
    "lazy": """
        kick 0 X......o..x.....
        snare .2 ....x.......x...
        snare .4 .......-......-.
        hat 0 x.o.x.o-x.o.x-o.
        shaker .75 -.o.-.o.-.o.-.o.""",
    "jazz": """
        ride 0 x...x..ox...x..o
        pedal .2 ....x.......x...
        kick .4 -.......-.......
        snare .5 ......-.......-.
        rim .75 ............-...""",
    "shuffle": """
        kick 0 X.......X.o.....
        snare .2 ....X.......X...
        snare .6 ......-.......-.
        ride 0 x.o.x.o.x.o.x.o.
        pedal .5 ....o.......o...""",
    "bossa": """
        kick 0 x.....o.x.....o.
        rim .2 x.....x.....x...|....x.....x.....
        shaker 0 o-o-x-o-o-o-x-o-""",
    "folk": """
        kick .3 x.......x.o.....
        shaker 0 o-x-o-x-o-x-o-x-
        tambourine .55 ....x.......x...
        rim .75 ......-...-...-.""",
    "ballad": """
        kick .3 x.........o.....
        rim .4 ........x.......
        hat 0 o.-.o.-.o.-.o.-.
        snare .7 ........x.......""",
    "epic": """
        kick .2 X...............
        kick .4 ......x.....x...
        snare .55 ........-...-.-.
        snare .75 --------o-o-oxox
        crash .85 o...............""",
    "waltz": """
        kick 0 x...........
        hat .2 ....o...o...
        rim .5 ....-...o...
        ride .75 x...o...o.-.""",
    "soft waltz": """
        kick .3 o...........
        swirl .2 o...........
        hat .3 ....-...-...""",
    "jazz waltz": """
        ride 0 x...x.o.x...
        pedal .2 ....x.......
        snare .4 ..........-.
        kick .3 o.......-...""",
}  # fmt: skip

# The last two beats before a new phrase.
FILLS = (
    "snare ....x.xx kick x.......",
    "snare x.x.-xxX kick x...x...",
    "high x.x..... mid ....x.x. floor ......XX",
    "snare ..-.x-x- open ......x.",
    "mid ....xx.. floor ......Xx snare x-......",
)
MARCH_FILLS = ("snare ----ooxX", "snare -.-.oxxX kick x.......", "kick x...x.xx")
SOFT_FILLS = ("rim ....o.o.", "snare ....-.-o", "shaker o-o-oxox", "hat o.o.oooo")
LOUDNESS = {"X": 1.0, "x": 0.8, "o": 0.55, "-": 0.32}
