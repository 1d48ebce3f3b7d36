"""The parts of speech: sentences, phoneme ids, noise as an input, and the programs of eSpeak NG."""

import stat
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terrarium_pocket.piper.noise import NotAModel, noise_as_inputs
from terrarium_pocket.piper.voice import (
    BadVoice,
    Description,
    Network,
    NoSuchSpeaker,
    phoneme_ids,
    read_description,
    speaker_number,
)
from terrarium_pocket.speech.espeak import EspeakError, LibraryEspeak, ProgramEspeak, Voice, open_espeak
from terrarium_pocket.speech.language import find_language
from terrarium_pocket.speech.sound import joined
from terrarium_pocket.speech.text import clauses, sentences


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        (
            "Dr. A. Smith paid 3.14 e.g. for pie. Then he left.",
            ["Dr. A. Smith paid 3.14 e.g. for pie.", "Then he left."],
        ),
        ("“Stop!” he said. So?", ["“Stop!” he said.", "So?"]),
        ("A title\n\nand its text\nin lines", ["A title", "and its text in lines"]),
        ("你好。世界！", ["你好。", "世界！"]),
        ("Well... yes. *** \n\n --", ["Well... yes."]),
        ("", []),
    ],
)
def test_a_text_is_split_into_sentences(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab .,!?—\n你。", max_size=900))
def test_no_word_is_lost_and_no_sentence_is_too_long(text: str) -> None:
    parts = sentences(text)
    letters = [sign for sign in text if sign.isalpha()]
    assert [sign for part in parts for sign in part if sign.isalpha()] == letters
    assert all(len(part) <= 300 for part in parts)
    assert [s for part in parts for clause in clauses(part) for s in clause.text if s.isalpha()] == letters


def test_clauses_keep_their_marks() -> None:
    parts = clauses("At 3,000 m, said she — “really?” — he rested; then: down")
    assert [clause.mark for clause in parts] == [",", ",", "?", ";", ":", "."]
    assert parts[0].text == "At 3,000 m," and parts[-1].text == "down"


VOICES = [
    Voice("English (Great Britain)", "gmw/en", (("en-gb", 2), ("en", 2))),
    Voice("English (America)", "gmw/en-US", (("en-us", 2), ("en", 3))),
    Voice("German", "gmw/de", (("de", 5),)),
]


@pytest.mark.parametrize(
    ("wanted", "handle"), [("en", "gmw/en"), ("EN_us", "gmw/en-US"), ("german", "gmw/de"), (" de ", "gmw/de")]
)
def test_a_language_is_found_in_any_spelling(wanted: str, handle: str) -> None:
    assert find_language(wanted, VOICES) == handle


PROGRAM = r"""#!/bin/sh
case "$*" in
  --voices)
    echo "Pty Language       Age/Gender VoiceName          File                 Other Languages"
    echo " 2  en-us           --/M      English_(America)  gmw/en-US            (en 3)"
    echo " 5  nb              --/M      Norwegian_Bokmål  gmq/nb               (no 5)(x 9)" ;;
  *nope*) echo "Error: The specified espeak-ng voice does not exist." >&2; exit 1 ;;
  *--ipa*) read -r text; printf ' həlˈoʊ\n %s\n' "$text" ;;
  *--stdout*) printf 'RIFF\044\360\377\177WAVEfmt \020\0\0\0\001\0\001\0\042\126\0\0\104\254\0\0\002\0\020\0'
    printf 'data\0\360\377\177\001\0\002\0\003' ;;
esac
"""


def test_the_systems_program_is_preferred_and_its_output_is_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "espeak-ng"
    program.write_text(PROGRAM)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    espeak = open_espeak()
    assert isinstance(espeak, ProgramEspeak)
    assert espeak.voices() == [
        Voice("English (America)", "gmw/en-US", (("en-us", 2), ("en", 3))),
        Voice("Norwegian Bokmål", "gmq/nb", (("nb", 5), ("no", 5), ("x", 9))),
    ]
    assert espeak.phonemes("gmw/en-US", ["one [[t]]", "two"]) == ["həlˈoʊ one [ [t]]", "həlˈoʊ two"]
    spoken = espeak.speak("gmw/en-US", "one", words_per_minute=175, pitch=50)
    assert (spoken.samples, spoken.rate) == (b"\1\0\2\0", 22_050)
    with pytest.raises(EspeakError, match="does not exist"):
        espeak.phonemes("nope", ["one"])


def test_the_librarys_program_gives_the_same_result_each_time_and_restarts() -> None:
    espeak = LibraryEspeak()
    try:
        voices = espeak.voices()
        assert len(voices) > 100
        voice = find_language("en-us", voices)
        assert espeak.phonemes(voice, ["Hello, Dr. Smith.", "..."]) == ["həlˈoʊ dˈɑːktɚ smˈɪθ", ""]
        first = espeak.speak(voice, "Sixty seas.", words_per_minute=175, pitch=50)
        assert espeak.speak(voice, "Sixty seas.", words_per_minute=175, pitch=50) == first
        with pytest.raises(EspeakError, match="no voice 'nope'"):
            espeak.phonemes("nope", ["one"])
        espeak.close()
        assert espeak.speak(voice, "Sixty seas.", words_per_minute=175, pitch=50) == first
    finally:
        espeak.close()


IDS = {"_": [0], "^": [1], "$": [2], "a": [5], "̃": [6], "o": [7], ".": [8], " ": [9]}


def description(**changes: Any) -> Description:
    fields: dict[str, Any] = {"ids": IDS, "replaced": {}, "rate": 16_000, "noise": 0.6, "length": 1.0}
    fields |= {"noise_of_lengths": 0.8, "espeak_voice": "en", "speakers": 2, "speaker_names": {"ada": 1}}
    return Description(**fields | changes)


def test_phonemes_become_the_ids_that_piper_voices_read() -> None:
    # Characters are decomposed, language marks and unknown signs left out, and a pad follows each phoneme.
    assert phoneme_ids(description(), "(fr)ã(en)§.") == [1, 0, 5, 0, 6, 0, 8, 0, 2]
    assert phoneme_ids(description(replaced={"u": ["o", "a"]}), "u") == [1, 0, 7, 0, 5, 0, 2]
    assert phoneme_ids(description(), "§") == []


def test_speakers_have_names_and_numbers() -> None:
    assert [speaker_number(description(), who) for who in (None, "", "ada", "1", 0)] == [0, 0, 1, 1, 0]
    with pytest.raises(NoSuchSpeaker, match=r"no speaker '2'; give a number from 0 to 1 or one of: ada"):
        speaker_number(description(), "2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not the description"),
        ('{"phoneme_type": "pinyin"}', "'pinyin'"),
        ("null", "not the description"),
    ],
)
def test_an_invalid_description_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "v.onnx.json").write_text(text)
    with pytest.raises(BadVoice, match=message):
        read_description(tmp_path / "v.onnx.json")


def message(*fields: tuple[int, bytes | int]) -> bytes:
    """A protocol buffer of short fields."""
    parts = [
        bytes([number << 3 & 127 | 128, number >> 4, value])
        if isinstance(value, int)
        else bytes([number << 3 | 2]) + bytes([len(value) & 127 | 128, len(value) >> 7]) + value
        for number, value in fields
    ]
    return b"".join(parts)


def tiny_voice() -> bytes:
    """A network whose output is three samples of its noise, times the speaker's number."""

    def value(name: bytes, kind: int, *sides: int) -> bytes:
        shape = message(*[(1, message((1, side))) for side in sides])
        return message((1, name), (2, message((1, message((1, kind), (2, shape))))))

    cast = message((1, b"sid"), (2, b"who"), (4, b"Cast"), (5, message((1, b"to"), (3, 1), (20, 2))))
    random = message((1, b"scales"), (2, b"noise"), (4, b"RandomNormalLike"))
    times = message((1, b"noise"), (1, b"who"), (2, b"output"), (4, b"Mul"))
    inputs = [
        value(b"input", 7, 1, 4),
        value(b"input_lengths", 7, 1),
        value(b"scales", 1, 3),
        value(b"sid", 7, 1),
    ]
    graph = [(1, cast), (1, random), (1, times), (2, b"g"), *[(11, one) for one in inputs]]
    graph.append((12, value(b"output", 1, 3)))
    return message((1, 8), (7, message(*graph)), (8, message((1, b""), (2, 15))))


def test_noise_comes_from_the_seed_and_the_speaker_is_an_input(tmp_path: Path) -> None:
    (tmp_path / "v.onnx").write_bytes(tiny_voice())
    network = Network(tmp_path / "v.onnx", threads=1)
    outputs = [
        network.speak(description(), [1, 0, 5, 2], seed=seed, rate=1.0, speaker=who)
        for seed, who in [((7,), 1), ((7,), 0), ((8,), 1)]
    ]
    expected = np.random.default_rng((7,)).standard_normal(3, dtype=np.float32)
    assert np.allclose(outputs[0], np.clip(expected, -1, 1))
    assert not outputs[1].any() and not np.array_equal(outputs[0], outputs[2])


def test_noise_that_is_too_short_is_read_from_its_start_again() -> None:
    model, names = noise_as_inputs(tiny_voice())
    assert names == ["terrarium_noise_0"]
    session: Any = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    whole = np.ones(1, np.int64)
    feeds = {"input": np.ones((1, 4), np.int64), "input_lengths": whole, "sid": whole}
    feeds |= {"scales": np.ones(3, np.float32), names[0]: np.array([3, 4], np.float32)}
    assert session.run(None, feeds)[0].tolist() == [3, 4, 3]


def test_a_breathy_voice_sounds_the_same_at_any_time() -> None:
    espeak = LibraryEspeak()
    started, sounds = int(time.time()), set[bytes]()
    try:
        # By default the library takes its seed from the clock, in seconds.
        while int(time.time()) == started or not sounds:
            sounds.add(espeak.speak("gmw/en-US+f3", "Sea.", words_per_minute=175, pitch=50).samples)
            espeak.close()
        sounds.add(espeak.speak("gmw/en-US+f3", "Sea.", words_per_minute=175, pitch=50).samples)
    finally:
        espeak.close()
    assert len(sounds) == 1


@pytest.mark.parametrize("broken", [b"\x3a\xff\x01abc", b"not a model"])
def test_a_file_that_is_no_model_is_an_error(broken: bytes, tmp_path: Path) -> None:
    with pytest.raises(NotAModel):
        noise_as_inputs(broken)
    (tmp_path / "v.onnx").write_bytes(broken)
    with pytest.raises(BadVoice, match=r"v\.onnx is not an ONNX model"):
        Network(tmp_path / "v.onnx", threads=1)


def tone(seconds: float, *, level: float, rate: int = 22_050) -> np.ndarray:
    return (level * np.cos(2 * np.pi * 997 * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def test_joins_have_no_clicks() -> None:
    parts = [tone(0.2, level=0.9), tone(0.3, level=0.9)]
    sound = joined(parts, 22_050, 0.1)
    assert len(sound) == round(0.6 * 22_050)
    assert sound[0] == sound[-1] == 0
    # Nowhere steeper than the tone itself.
    assert np.abs(np.diff(sound)).max() <= np.abs(np.diff(parts[0])).max() * 1.05
