"""Renders one part at a time with the instruments of a sound font."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import tinysoundfont  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray

from .instruments import Instrument
from .perform import PlayedNote

RATE = 44_100
_DRUM_BANK = 128
_CHANNEL = 0
_BLOCK = 4 * RATE


class Synthesizer:
    """A loaded sound font. The same notes give the same sound."""

    def __init__(self, path: Path) -> None:
        """Load a sound font (SF2 or SF3)."""
        self._synth: Any = tinysoundfont.Synth(gain=-12, samplerate=RATE)
        self._font: int = self._synth.sfload(str(path))

    def play(
        self,
        instrument: Instrument,
        notes: Sequence[PlayedNote],
        seconds: float,
        progress: Callable[[float], None],
    ) -> NDArray[np.float32]:
        """Return the sound of a part, (length, 2) at `RATE`; ``progress`` is called every few seconds."""
        bank = _DRUM_BANK if instrument.kit else 0
        self._synth.program_select(_CHANNEL, self._font, bank, instrument.program, instrument.kit)
        total = round(seconds * RATE)
        # At the same moment, notes end before others begin.
        events = sorted(
            [(min(total, round(one.ends * RATE)), 0, one.pitch, 0) for one in notes]
            + [(round(one.begins * RATE), 1, one.pitch, one.velocity) for one in notes]
        )
        sound = np.zeros((total, 2), np.float32)
        position = 0
        for when, is_start, pitch, velocity in [*events, (total, 0, 0, 0)]:
            while position < min(when, total):
                until = min(when, total, position + _BLOCK)
                self._synth.generate_simple(
                    until - position, memoryview(cast(Any, sound[position:until])).cast("B")
                )
                if until // _BLOCK > position // _BLOCK:
                    progress(until / total)
                position = until
            if is_start and when < total:
                self._synth.noteon(_CHANNEL, pitch, velocity)
            elif velocity == 0 and pitch:
                self._synth.noteoff(_CHANNEL, pitch)
        self._silence()
        return sound

    def _silence(self) -> None:
        """End all notes, so that none is heard in the next part."""
        self._synth.sounds_off()
        self._synth.generate_simple(RATE // 2)
