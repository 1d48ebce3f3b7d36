"""The players: a sound font's instruments, one part at a time."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import tinysoundfont  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray

from .instruments import Instrument
from .perform import Stroke

RATE = 44_100
_DRUM_BANK = 128
_CHANNEL = 0
_BLOCK = 4 * RATE


class Orchestra:
    """A sound font, loaded once; it plays what it is given, always the same."""

    def __init__(self, path: Path) -> None:
        """Load a sound font (SF2 or SF3)."""
        self._synth: Any = tinysoundfont.Synth(gain=-12, samplerate=RATE)
        self._font: int = self._synth.sfload(str(path))

    def play(
        self,
        instrument: Instrument,
        strokes: Sequence[Stroke],
        seconds: float,
        progress: Callable[[float], None],
    ) -> NDArray[np.float32]:
        """Return the sound of a part, (length, 2) at `RATE`; ``progress`` hears every few seconds."""
        bank = _DRUM_BANK if instrument.kit else 0
        self._synth.program_select(_CHANNEL, self._font, bank, instrument.program, instrument.kit)
        total = round(seconds * RATE)
        # At the same moment keys are let go before they are struck.
        events = sorted(
            [(min(total, round(one.ends * RATE)), 0, one.pitch, 0) for one in strokes]
            + [(round(one.begins * RATE), 1, one.pitch, one.velocity) for one in strokes]
        )
        sound = np.zeros((total, 2), np.float32)
        place = 0
        for when, struck, pitch, velocity in [*events, (total, 0, 0, 0)]:
            while place < min(when, total):
                until = min(when, total, place + _BLOCK)
                self._synth.generate_simple(
                    until - place, memoryview(cast(Any, sound[place:until])).cast("B")
                )
                if until // _BLOCK > place // _BLOCK:
                    progress(until / total)
                place = until
            if struck and when < total:
                self._synth.noteon(_CHANNEL, pitch, velocity)
            elif velocity == 0 and pitch:
                self._synth.noteoff(_CHANNEL, pitch)
        self._quiet()
        return sound

    def _quiet(self) -> None:
        """Let nothing sound into what is played next."""
        self._synth.sounds_off()
        self._synth.generate_simple(RATE // 2)
