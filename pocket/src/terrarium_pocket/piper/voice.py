"""A Piper voice: its description, the ids it reads, and its network."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray

from .._shortage import shortage_of
from .noise import NotAModel, noise_as_inputs

_START, _END, _PAD = "^", "$", "_"
# Twelve seconds of speech, then noise that was heard already: nobody notices.
_NOISE = 1 << 18
# eSpeak NG marks words that it reads as another language's: (en)…(de).
_SWITCH = re.compile(r"\([a-z][\w-]*\)")


class BadVoice(Exception):
    """A voice cannot be used; the message names the file and what is wrong with it."""


class NoSuchSpeaker(Exception):
    """The voice has no such speaker; the message names those it has."""


@dataclass(frozen=True, slots=True)
class Description:
    """What the ``.onnx.json`` beside a voice says; ``espeak_voice`` is None for one that reads letters."""

    ids: Mapping[str, Sequence[int]]
    replaced: Mapping[str, Sequence[str]]
    rate: int
    noise: float
    length: float
    noise_of_lengths: float
    espeak_voice: str | None
    speakers: int
    speaker_names: Mapping[str, int]


def read_description(path: Path) -> Description:
    """Read a voice's description. Raises BadVoice."""
    try:
        said: dict[str, Any] = json.loads(path.read_text("utf-8"))
        kind = said.get("phoneme_type", "espeak")
        if kind not in ("espeak", "text"):
            raise BadVoice(
                f"{path.name}: its phonemes are of the type {kind!r}; espeak and text are understood"
            )
        tuning = said.get("inference", {})
        described = Description(
            ids={
                str(symbol): [int(number) for number in ids] for symbol, ids in said["phoneme_id_map"].items()
            },
            replaced=said.get("phoneme_map", {}),
            rate=int(said["audio"]["sample_rate"]),
            noise=float(tuning.get("noise_scale", 0.667)),
            length=float(tuning.get("length_scale", 1.0)),
            noise_of_lengths=float(tuning.get("noise_w", 0.8)),
            espeak_voice=str(said["espeak"]["voice"]) if kind == "espeak" else None,
            speakers=int(said.get("num_speakers", 1)),
            speaker_names={str(name): int(number) for name, number in said.get("speaker_id_map", {}).items()},
        )
    except OSError as error:
        raise BadVoice(f"{path.name} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadVoice(f"{path.name} is not the description of a Piper voice ({error!r})") from error
    if missing := [symbol for symbol in (_START, _END, _PAD) if symbol not in described.ids]:
        raise BadVoice(f"{path.name}: its phoneme_id_map lacks {', '.join(missing)}")
    return described


def phoneme_ids(description: Description, phonemes: str) -> list[int]:
    """Return what the network reads: ``^ _ p _ p _ … $``; empty if the voice knows none of the phonemes."""
    known: list[Sequence[int]] = []
    for phoneme in unicodedata.normalize("NFD", _SWITCH.sub("", phonemes)):
        for symbol in description.replaced.get(phoneme, [phoneme]):
            if symbol in description.ids:
                known.append(description.ids[symbol])
    if not known:
        return []
    pad = description.ids[_PAD]
    return [*description.ids[_START], *pad, *_padded(known, pad), *description.ids[_END]]


def _padded(known: Iterable[Sequence[int]], pad: Sequence[int]) -> Iterable[int]:
    for ids in known:
        yield from ids
        yield from pad


def speaker_number(description: Description, wanted: str | int | None) -> int:
    """Return the number of a speaker given by name or number; the first if none is. Raises NoSuchSpeaker."""
    if wanted is None or wanted == "":
        return 0
    number = description.speaker_names.get(str(wanted))
    if number is None and str(wanted).isdecimal():
        number = int(wanted)
    if number is None or number >= description.speakers:
        names = ", ".join(list(description.speaker_names)[:20])
        also = f" or one of: {names}" if names else ""
        raise NoSuchSpeaker(
            f"This voice has no speaker {str(wanted)[:40]!r}; "
            f"give a number from 0 to {description.speakers - 1}{also}"
        )
    return number


class Network:
    """The opened network of a voice. The same ids, seed and settings give the same sound."""

    def __init__(self, path: Path, *, threads: int) -> None:
        """Open it, which takes a second or a few. Raises BadVoice."""
        onnx: Any = ort
        options = onnx.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Waiting threads must not burn the cores that the other processes need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Beyond this, opening takes longer and speaking is no faster.
        options.graph_optimization_level = onnx.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        try:
            model, self._noises = noise_as_inputs(path.read_bytes())
            self._session = onnx.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except OSError as error:
            raise BadVoice(f"{path.name} cannot be read: {error.strerror}") from error
        except (NotAModel, RuntimeError, ValueError) as error:
            if shortage_of(error) is not None:
                raise
            raise BadVoice(f"{path.name} is not an ONNX model that onnxruntime can open") from error
        self._takes_speaker = "sid" in {node.name for node in self._session.get_inputs()}

    def speak(
        self, voice: Description, ids: Sequence[int], *, seed: Sequence[int], rate: float, speaker: int
    ) -> NDArray[np.float32]:
        """Return the sound of one sentence, (length,) within ±1; ``rate`` 2 is twice as fast."""
        random = np.random.default_rng(seed)
        feeds: dict[str, Any] = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([voice.noise, voice.length / rate, voice.noise_of_lengths], np.float32),
        }
        feeds |= {name: random.standard_normal(_NOISE, dtype=np.float32) for name in self._noises}
        if self._takes_speaker:
            feeds["sid"] = np.array([speaker], np.int64)
        made: NDArray[np.float32] = self._session.run(None, feeds)[0]
        return np.clip(made.reshape(-1), -1.0, 1.0)
