"""The band: the score follows the request, and the sound is correct."""

import io
import itertools
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from support.cases.band import CASE
from support.driver import EngineDriver
from support.pocket import medium, pocket_job
from terrarium_pocket.band.brief import BriefError, read_brief
from terrarium_pocket.band.compose import compose
from terrarium_pocket.band.instruments import KNOWN
from terrarium_pocket.band.mix import TARGET_LUFS
from terrarium_pocket.band.moods import MOODS
from terrarium_pocket.band.score import Note, Part, Score
from terrarium_pocket.band.styles import STYLES
from terrarium_server.engines import Refused
from terrarium_server.media import loudness, read_audio, run_ffmpeg


def written(prompt: str, seed: int = 7, **params: Any) -> Score:
    return compose(read_brief(prompt, params, seed))


def test_a_long_number_in_a_prompt_is_read_in_one_pass() -> None:
    # In time that grows with the square of its length this would take minutes.
    assert read_brief("1" * 60_000, {}, 7).seconds == 30


def names(score: Score) -> set[str]:
    return {part.instrument.name for part in score.parts}


def notes(score: Score, role: str) -> list[Note]:
    return sorted(
        (note for part in score.parts if part.role == role for note in part.notes), key=lambda n: n.start
    )


ANY_PIECE = {
    "seed": st.integers(0, 2**53 - 1),
    "style": st.sampled_from(sorted(STYLES)),
    "mood": st.sampled_from(sorted(MOODS)),
    "duration": st.floats(5, 120),
    "tempo": st.none() | st.integers(40, 200),
    "key": st.sampled_from(["auto", "C", "F#m", "Bb", "g minor"]),
    "more": st.sampled_from(["", "in 3/4", "solo violin", "with flute, oboe, harp and choir", "no drums"]),
}


@settings(max_examples=60, deadline=None, derandomize=True, phases=[Phase.generate])
@given(**ANY_PIECE)
def test_any_piece_stays_in_its_key_and_range_and_ends_on_the_tonic_in_time(
    seed: int, style: str, mood: str, duration: float, tempo: int | None, key: str, more: str
) -> None:
    params = {"style": style, "mood": mood, "duration": duration, "tempo": tempo, "key": key}
    score = written(more, seed, **params)
    final = score.chords[-1]
    for note in notes(score, "lead"):
        over = next(span for span in reversed(score.chords) if span.start <= note.start + 1e-6)
        assert note.pitch % 12 in score.key.scale | over.chord.scale | set(over.chord.tones)
    assert all(span.start % 1 == 0 for span in score.chords)
    for part in score.parts:
        for note in part.notes:
            assert note.length > 0 and 0 < note.velocity <= 1
            assert 0 <= score.clock.seconds(note.start) < score.seconds
            assert part.role == "drums" or 24 <= note.pitch <= 100
        if part.role == "lead":
            assert all(part.instrument.low <= note.pitch <= part.instrument.high for note in part.notes)
    # The tonic in the bass of the last chord, and as the melody's last note, which is long enough.
    assert final.chord.root == final.chord.bass == score.key.tonic
    last = [note for note in notes(score, "lead") if note.start >= score.ending]
    assert score.key.tonic in {note.pitch % 12 for note in last}
    assert score.seconds - score.clock.seconds(score.ending) >= min(1.1, 0.3 * duration)
    if tempo:
        assert score.clock.tempo == tempo


@settings(max_examples=30, deadline=None, derandomize=True, phases=[Phase.generate])
@given(seed=st.integers(0, 2**53 - 1), style=st.sampled_from(sorted(STYLES)))
def test_a_melody_moves_mostly_by_step_and_has_rests_and_a_motif(seed: int, style: str) -> None:
    score = written("", seed, style=style, duration=60.0)
    # The instrument with the most notes, because lines below another melody are no melodies.
    part = max((one for one in score.parts if one.role == "lead"), key=lambda one: len(one.notes))
    moves = [abs(after.pitch - note.pitch) for note, after in itertools.pairwise(part.notes)]
    assert sum(move <= 4 for move in moves) >= 0.6 * len(moves)
    assert max(moves, default=0) <= 16
    sung = sum(note.length for note in part.notes)
    assert sung < part.notes[-1].start + part.notes[-1].length - part.notes[0].start
    bars: dict[int, list[float]] = {}
    for note in part.notes:
        bars.setdefault(int(note.start // score.beats_per_bar), []).append(note.start % score.beats_per_bar)
    rhythms = [tuple(bar) for bar in bars.values()]
    assert max(map(rhythms.count, rhythms)) >= 3


def test_chords_change_with_little_motion() -> None:
    for seed in range(8):
        score = written("a calm piano piece with strings", seed, duration=60.0)
        pad = next(part for part in score.parts if part.role == "pad")
        tops = [
            max(n.pitch for n in pad.notes if n.start <= at.start < n.start + n.length) for at in score.chords
        ]
        moves = [abs(after - top) for top, after in itertools.pairwise(tops)]
        assert np.mean(moves) < 2.6, moves


def test_the_prompt_is_followed() -> None:
    waltz = written("a slow melancholic piano waltz in A minor at 80 bpm with strings, 45 seconds")
    assert (waltz.key.name, waltz.clock.tempo, waltz.beats_per_bar, waltz.seconds) == ("Am", 80, 3, 45)
    assert {"piano", "strings"} <= names(waltz)
    # A waltz: the bass on the first beat, the chords on the others.
    chords = [note.start % 3 for note in notes(waltz, "chords") if note.start < waltz.ending]
    assert {round(beat) for beat in chords} == {1, 2}
    bossa = written("Bossa nova in Bb with flute and nylon guitar, no drums")
    assert bossa.key.name == "Bb" and {"flute", "nylon guitar"} <= names(bossa)
    assert not notes(bossa, "drums") and notes(written("bossa nova"), "drums")
    assert names(written("solo harp, dreamy")) == {"harp"}
    fast, slow = written("a fast happy folk tune"), written("a very slow happy folk tune")
    assert fast.clock.tempo > 1.5 * slow.clock.tempo


@pytest.mark.parametrize(
    ("prompt", "key"),
    [
        ("in F# minor", "F#m"),
        ("Eb major fanfare", "Eb"),
        ("a song in the key of D", "D"),
        ("a riff in Gm", "Gm"),
        ("a ballad in c sharp minor", "C#m"),
        ("a waltz in a minor, slow", "Am"),
        ("A café in a major city, happy", None),
    ],
)
def test_keys_in_words(prompt: str, key: str | None) -> None:
    found = {written(prompt, seed, duration=10.0).key.name for seed in range(6)}
    assert found == {key} if key else len(found) > 1


def test_parameters_override_words_and_only_named_instruments_play() -> None:
    score = written(
        "a fast rock song in E with drums", style="jazz", key="Dm", tempo=60, instruments=["Cello", "rhodes"]
    )
    assert (score.key.name, score.clock.tempo, names(score)) == ("Dm", 60, {"cello", "electric piano"})
    instruments = ["violin", "flute", "oboe", "harp", "piano", "choir", "strings", "double bass"]
    for seconds in (6.0, 40.0):
        assert names(written("", instruments=instruments, duration=seconds)) == set(instruments)


def test_an_unknown_instrument_is_an_error_that_lists_all() -> None:
    with pytest.raises(BriefError, match=r"theremin.*piano.*kalimba"):
        written("", instruments=["theremin"])
    with pytest.raises(BriefError, match="F#m"):
        written("", key="H")
    with pytest.raises(BriefError, match="8"):
        written("", instruments=list(KNOWN)[:9])


def test_prompts_and_seeds_make_different_pieces() -> None:
    prompts = (
        "lofi beats to study",
        "epic trailer",
        "happy folk dance",
        "dark ambient",
        "smoky jazz trio",
        "rock",
    )
    scores = [written(prompt) for prompt in prompts]
    assert len({frozenset(names(score)) for score in scores}) == len(scores)
    assert len({round(score.clock.tempo) for score in scores}) >= 5
    assert len({score.key.minor for score in scores}) == 2
    tunes = {tuple(note.pitch for note in notes(written("piano", seed), "lead")) for seed in range(10)}
    assert len(tunes) == 10


@pytest.fixture(scope="module")
def band() -> Iterator[EngineDriver]:
    with CASE.driver() as driver:
        yield driver


def play(band: EngineDriver, prompt: str, **params: Any) -> bytes:
    return medium(band.run(pocket_job("t2a-band", prompt, **params)))


def samples(data: bytes) -> Any:
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 44_100)
        return (
            np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).astype(np.float32) / 32768
        )


def test_a_piece_has_its_length_and_loudness_and_a_clean_sound(band: EngineDriver, tmp_path: Path) -> None:
    piece: dict[str, Any] = {"duration": 8.5, "format": "wav"}
    data = play(band, "an upbeat pop tune with violin", **piece)
    other = play(band, "dark ambient in C minor", duration=5, format="wav")
    assert play(band, "an upbeat pop tune with violin", **piece) == data != other
    sound = samples(data)
    assert len(sound) == 8.5 * 44_100
    assert 0.1 < np.abs(sound).max() < 0.9
    assert np.abs(sound[-2000:]).max() == 0
    assert np.abs(sound[:44_100]).max() > 0.02
    assert 0.1 < np.corrcoef(sound.T)[0, 1] < 0.999
    # Most of the power is in the range of music, with some bass and some treble.
    power = np.abs(np.fft.rfft(sound.mean(axis=1))) ** 2
    bands = np.add.reduceat(power, [int(edge * 8.5) for edge in (30, 250, 4000, 16000)])[:3] / power.sum()
    assert bands.sum() > 0.98 and bands.min() > 0.002, bands
    # Our loudness agrees with ffmpeg's.
    (tmp_path / "piece.wav").write_bytes(data)
    arguments = ["-i", str(tmp_path / "piece.wav"), "-af", "ebur128=metadata=1,ametadata=print:file=-"]
    report = run_ffmpeg([*arguments, "-f", "null", "-"]).decode()
    theirs = float(report.rpartition("lavfi.r128.I=")[2].split()[0])
    assert theirs == pytest.approx(TARGET_LUFS, abs=0.2)
    assert loudness(sound, 44_100) == pytest.approx(theirs, abs=0.1)


@pytest.mark.parametrize("format", ["mp3", "m4a"])
def test_other_formats_hold_the_same_length(band: EngineDriver, tmp_path: Path, format: str) -> None:
    path = tmp_path / f"piece.{format}"
    path.write_bytes(play(band, "solo guitar", duration=6, format=format))
    sound = read_audio(path, 44_100)
    assert len(sound) / 44_100 == pytest.approx(6.0, abs=0.1)
    assert loudness(sound, 44_100) == pytest.approx(TARGET_LUFS, abs=1.0)


def test_a_job_that_cannot_be_played_is_refused(band: EngineDriver) -> None:
    with pytest.raises(Refused, match="kazoo") as refused:
        band.submit(pocket_job("t2a-band", "", instruments=["kazoo"]))
    assert refused.value.failure.code == "GENERATION_INVALID_PARAMS"


def test_all_instruments_of_the_styles_exist() -> None:
    for style in STYLES.values():
        for name in (*style.leads, *style.chords, *style.pads, *style.basses, *style.kits):
            assert isinstance(Part("lead", KNOWN[name]), Part)
