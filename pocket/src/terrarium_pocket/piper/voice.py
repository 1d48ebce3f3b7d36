"""A Piper voice: its description, its phoneme ids, and its network."""

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

from terrarium_server.engines.child import shortage_of

from .noise import NotAModel, noise_as_inputs

_START, _END, _PAD = "^", "$", "_"
# Twelve seconds of speech. Then the noise repeats, which is not audible.
_NOISE = 1 << 18
# eSpeak NG marks words that it pronounces in another language: (en)…(de).
_SWITCH = re.compile(r"\([a-z][\w-]*\)")


class BadVoice(Exception):
    """A voice cannot be used; the message names the file and its error."""


class NoSuchSpeaker(Exception):
    """The voice has no such speaker; the message names those it has."""


@dataclass(frozen=True, slots=True)
class Description:
    """The ``.onnx.json`` next to a voice; ``espeak_voice`` is None for a voice that reads letters."""

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
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        kind = content.get("phoneme_type", "espeak")
        if kind not in ("espeak", "text"):
            raise BadVoice(
                f"{path.name}: its phonemes are of the type {kind!r}; espeak and text are supported"
            )
        tuning = content.get("inference", {})
        description = Description(
            ids={
                str(symbol): [int(number) for number in ids]
                for symbol, ids in content["phoneme_id_map"].items()
            },
            replaced=content.get("phoneme_map", {}),
            rate=int(content["audio"]["sample_rate"]),
            noise=float(tuning.get("noise_scale", 0.667)),
            length=float(tuning.get("length_scale", 1.0)),
            noise_of_lengths=float(tuning.get("noise_w", 0.8)),
            espeak_voice=str(content["espeak"]["voice"]) if kind == "espeak" else None,
            speakers=int(content.get("num_speakers", 1)),
            speaker_names={
                str(name): int(number) for name, number in content.get("speaker_id_map", {}).items()
            },
        )
    except OSError as error:
        raise BadVoice(f"{path.name} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadVoice(f"{path.name} is not the description of a Piper voice ({error!r})") from error
    if missing := [symbol for symbol in (_START, _END, _PAD) if symbol not in description.ids]:
        raise BadVoice(f"{path.name}: its phoneme_id_map lacks {', '.join(missing)}")
    return description


def phoneme_ids(description: Description, phonemes: str) -> list[int]:
    """Return the network's input, ``^ _ p _ p _ … $``; empty if the voice has none of the phonemes."""
    symbols: list[Sequence[int]] = []
    for phoneme in unicodedata.normalize("NFD", _SWITCH.sub("", phonemes)):
        for symbol in description.replaced.get(phoneme, [phoneme]):
            if symbol in description.ids:
                symbols.append(description.ids[symbol])
    if not symbols:
        return []
    pad = description.ids[_PAD]
    return [*description.ids[_START], *pad, *_padded(symbols, pad), *description.ids[_END]]


def _padded(symbols: Iterable[Sequence[int]], pad: Sequence[int]) -> Iterable[int]:
    for ids in symbols:
        yield from ids
        yield from pad


def speaker_number(description: Description, wanted: str | int | None) -> int:
    """Return the number of a speaker, given by name or number; 0 by default. Raises NoSuchSpeaker."""
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
    """The loaded network of a voice. The same ids, seed and settings give the same sound."""

    def __init__(self, path: Path, *, threads: int) -> None:
        """Load it, which takes some seconds. Raises BadVoice."""
        onnx: Any = ort
        options = onnx.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Waiting threads must not use the cores that other processes need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Further optimisations make loading slower, and speaking no faster.
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
        samples: NDArray[np.float32] = self._session.run(None, feeds)[0]
        return np.clip(samples.reshape(-1), -1.0, 1.0)
