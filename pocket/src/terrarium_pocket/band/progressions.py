"""Chord progressions as a small grammar: the openings and the closes of phrases.

A bar is one or two numerals, and ``|`` separates bars. A phrase of four bars is an opening and a close.
``half`` closes end away from the tonic, ``full`` closes on it. ``away`` openings are for contrasting phrases,
and ``last`` is the bar before the final chord.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progressions:
    """Alternatives, separated by ``/``, for each part of a phrase."""

    mode: str
    open: str
    half: str
    full: str
    away: str
    last: str


PROGRESSIONS = {
    "plain": Progressions(
        "major",
        "I | IV / I | vi / I | I/3 IV / I | V/3 / I | ii / I | iii",
        "IV | V / ii | V / vi IV | V / IV I/3 | V / IV | Vsus V",
        "IV V | I / ii V | I / IV | I / IV I/5 V | I / V | I",
        "vi | IV / IV | I/3 / vi | iii / IV | vi / ii | vi",
        "V / IV V / ii V",
    ),
    "warm": Progressions(
        "major",
        "I | I/3 IV / I | vi / I | iii / I | IV/3 / I | bVII",
        "IV | V / ii | Vsus V / vi | IV V / IV iv | V / bVI | bVII",
        "iv | I / IV V | I / ii Vsus V | I / bVII IV | I / IV iv | I",
        "vi | iii / IV | iv / vi | V/3 / bVI | bVII / IV | V/vi vi",
        "V / iv V / Vsus V",
    ),
    "classical": Progressions(
        "major",
        "I | V/3 / I | IV/5 I / I | ii/3 / I vi | IV / I V/3 | vi",
        "ii/3 | V / IV | I/5 V / V/V | V / vi ii/3 | V / I/3 ii/3 | V",
        "ii/3 V | I / IV I/5 V | I / vi ii V | I / V7 | I / I/5 V7 | I",
        "V/vi | vi / V/ii | ii / vi | V/V V / IV | V/ii ii / V | I",
        "I/5 V7 / ii/3 V7 / V7",
    ),
    "jazz": Progressions(
        "major",
        "I vi | ii V / I | V/ii / I | vi / I/3 V/ii | ii V / I | IV",
        "ii | V / iii vi | ii V / V/V | ii V / IV iv | iii V/ii / ii V/ii | ii V",
        "ii V | I / ii V | I vi / iv bVII7 | I / iii V/ii ii V | I",
        "IV | iv / iii | V/ii / V/vi | vi / vi | V/V / IV V/iii | iii V/ii",
        "ii V / V7",
    ),
    "loop": Progressions(
        "major",
        "I | V / vi | IV / I | vi / IV | I / I | iii",
        "vi | IV / IV | V / I | V / ii | V / vi | V",
        "IV V | I / IV | I / V | I / ii V | I",
        "vi | IV / IV | V / ii | vi / IV | iii",
        "V / IV V",
    ),
    "jazz loop": Progressions(
        "major",
        "IV | iii / I | vi / ii | V / IV | V/vi / I | iii",
        "ii | V / ii | iii / vi | ii V / ii | iv / iii vi | ii",
        "ii V | I / IV iv | I / ii | I",
        "vi | iii / IV | iii vi / ii | vi / IV iv | iii",
        "ii V / IV iv / V",
    ),
    "mixolydian": Progressions(
        "mixolydian",
        "I | VII / I | IV / I VII | IV / I | I",
        "IV | VII / v | IV / VII | IV / I | VII",
        "VII IV | I / IV | I / VII | I / v IV | I",
        "IV | I / VII | IV / v | VII / ii | IV",
        "VII / IV VII / IV",
    ),
    "lydian": Progressions(
        "lydian",
        "I | II / I | iii / I II | I / I | V/3",
        "vi | II / V | II / iii | V / vi | V",
        "II | I / V | I / iii II | I / vi V | I",
        "vi | iii / V | vi / iii | II / vi | V",
        "II / V / vi II",
    ),
    "blues": Progressions(
        "mixolydian",
        "I7 | IV7 / I7 | I7 / I7 IV7 | I7",
        "IV7 | V7 / I7 | V7 / V7 IV7 | I7 V7",
        "V7 IV7 | I7 / IV7 | I7 / V7 | I7",
        "IV7 | IV7 / IV7 | I7 / V7 | IV7",
        "V7 / V7 IV7",
    ),
    "aeolian": Progressions(
        "minor",
        "i | VI / i | VII / i | iv / i | III / i | v/3 VI",
        "VI | VII / iv | V / III | VII / VI | V / iv | Vsus V",
        "VI VII | i / iv V | i / iv | i / VII | i / VI V | i",
        "VI | III / III | VII / iv | i/3 / VI | VII / III | iv",
        "V / VII / iv V / Vsus V",
    ),
    "harmonic": Progressions(
        "minor",
        "i | V/3 / i | iv / i | iv/5 i / i VI | iv / i | ii°/3 V / i V/3 | i",
        "iv | V / VI | V / i/3 ii°/3 | V / iv | i/5 V / III | iv V",
        "iv V | i / ii°/3 V | i / iv i/5 V | i / V | i / VI ii°/3 V | i",
        "III | VII / VI | III/3 / V/iv | iv / III | VI / VII | III",
        "i/5 V / ii°/3 V / iv V",
    ),
    "dorian": Progressions(
        "dorian",
        "i | IV / i | VII / i | III / i IV | i / i | v",
        "VII | IV / v | IV / III | VII / i | VII / IV | v",
        "VII | i / IV | i / v | i / III VII | i",
        "III | VII / IV | i / VII | IV / v | III",
        "VII / v / IV VII",
    ),
    "minor jazz": Progressions(
        "minor",
        "i | iiø V / i | iv / i VI | iiø V / i | i/3 V/iv",
        "iiø | V / VI | V / iv | iiø V / III VI | iiø V",
        "iiø V | i / VI V | i / iv V | i",
        "iv | VII / iv VII | III VI / III | VI / V/iv | iv",
        "iiø V / V",
    ),
    "minor jazz loop": Progressions(
        "minor",
        "i | iv / VI | VII / i | VI / iv | i / iv VII | III",
        "VI | V / iiø | V / III | VII / iv | v / VI | v",
        "VI V | i / iv | i / VII | i / iiø V | i",
        "iv | VII / VI | III / iv | v / III | VI",
        "V / iiø V / VII",
    ),
    "minor loop": Progressions(
        "minor",
        "i | VI / i | VII / VI | VII / i | III / VI | III",
        "III | VII / VI | VII / iv | VII / i | VII / iv | v",
        "VI VII | i / VII | i / iv | i / VI V | i",
        "VI | VII / III | VII / iv | VI / VI | III",
        "VII / V / VI VII",
    ),
    "minor blues": Progressions(
        "minor",
        "i | i / i | iv / i iv | i",
        "iv | i / VI | V7 / i | V7",
        "VI V7 | i / V7 iv | i / iv | i",
        "iv | iv / iv | i / VI | V7",
        "V7 / VI V7",
    ),
}
