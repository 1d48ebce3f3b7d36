"""The speech of the kinds piper and espeak, measured with a decoder and a loudness meter."""

import io
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest

from support.cases import espeak as espeak_case
from support.cases import piper as piper_case
from support.driver import EngineDriver
from support.pocket import End, in_memory, medium, pocket_job
from support.tree import POCKET, SERVER, python_files
from terrarium_server.engines import Failed, Finished, Refused
from terrarium_server.media import ffmpeg_path

STORY = (
    "Hello there! The old keeper climbed the stairs; at the top, he lit the lamp. Wasn't it bright? "
    "Its beam swept over the dark water, and the ships found home."
)


@pytest.fixture(scope="module")
def piper() -> Iterator[EngineDriver]:
    with piper_case.CASE.driver() as driver:
        yield driver


@pytest.fixture(scope="module")
def espeak() -> Iterator[EngineDriver]:
    with espeak_case.CASE.driver() as driver:
        yield driver


@pytest.fixture(params=["t2a-piper-joe", "t2a-espeak"])
def speaker(request: pytest.FixtureRequest) -> tuple[EngineDriver, str]:
    return request.getfixturevalue("piper" if "piper" in request.param else "espeak"), request.param


def end(driver: EngineDriver, model: str, text: str, **params: Any) -> End:
    return in_memory(driver.run(pocket_job(model, text, **params)))


def speech(driver: EngineDriver, model: str, text: str, **params: Any) -> bytes:
    return medium(end(driver, model, text, **params))


def decode(data: bytes) -> tuple[np.ndarray, int, str]:
    """Samples within ±1, rate and codec."""
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.audio[0]
        parts = [frame.to_ndarray().reshape(-1) for frame in container.decode(stream)]
        samples = np.concatenate(parts)
        scale = 32768 if samples.dtype == np.int16 else 1
        return samples.astype(np.float32) / scale, stream.rate, stream.codec_context.name


def seconds(data: bytes) -> float:
    samples, rate, _ = decode(data)
    return len(samples) / rate


def lufs(path: Path) -> float:
    command = [ffmpeg_path(), "-nostats", "-i", str(path), "-af", "ebur128", "-f", "null", "-"]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", report)[-1])


def test_speech_has_its_loudness_and_neither_clipping_nor_clicks(
    speaker: tuple[EngineDriver, str], tmp_path: Path
) -> None:
    data = speech(*speaker, STORY, format="wav", sentence_pause=0.5)
    (tmp_path / "story.wav").write_bytes(data)
    assert lufs(tmp_path / "story.wav") == pytest.approx(-16, abs=0.5)
    samples, rate, _ = decode(data)
    assert 0.5 < np.abs(samples).max() < 0.85
    # Four sentences: three silences of at least half a second, which begin and end at nearly zero.
    silent = np.flatnonzero(np.convolve(samples != 0, np.ones(rate // 2), "valid") < 0.5)
    starts = silent[np.diff(silent, prepend=-rate) > 1]
    assert len(starts) == 3
    for start in starts:
        around = samples[start - 3 : start + rate // 2 + 3]
        assert np.abs(np.diff(around)).max() < 0.002


def test_the_same_job_gives_the_same_bytes_in_any_process_and_after_any_other_job(
    speaker: tuple[EngineDriver, str],
) -> None:
    driver, model = speaker
    first = speech(driver, model, STORY)
    speech(driver, model, "Something else entirely.")
    assert speech(driver, model, STORY) == first
    with (piper_case if "piper" in model else espeak_case).CASE.driver() as other:
        assert speech(other, model, STORY) == first


def test_the_seed_varies_the_speech(piper: EngineDriver) -> None:
    made = {speech(piper, "t2a-piper-joe", "Hello there.", seed=seed) for seed in (1, 2, 3)}
    assert len(made) == 3


def test_length_follows_the_text_the_rate_and_the_pause(speaker: tuple[EngineDriver, str]) -> None:
    driver, model = speaker
    text = "The ships found home. The lamp was bright."
    plain = seconds(speech(driver, model, text, format="wav"))
    assert seconds(speech(driver, model, text * 2, format="wav")) > plain * 1.7
    assert plain * 0.4 < seconds(speech(driver, model, text, format="wav", rate=2.0)) < plain * 0.75
    assert seconds(speech(driver, model, text, format="wav", rate=0.5)) > plain * 1.5
    longer = seconds(speech(driver, model, text, format="wav", sentence_pause=2.0))
    shortest = seconds(speech(driver, model, text, format="wav", sentence_pause=0.0))
    assert longer - shortest == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize(
    ("format", "content_type", "codec"),
    [("wav", "audio/wav", "pcm_s16le"), ("mp3", "audio/mpeg", "mp3float"), ("m4a", "audio/mp4", "aac")],
)
def test_each_format_is_what_it_says(
    espeak: EngineDriver, format: str, content_type: str, codec: str
) -> None:
    result = end(espeak, "t2a-espeak", STORY, format=format)
    assert isinstance(result, Finished) and result.outputs[0].content_type == content_type
    data = result.outputs[0].data
    assert isinstance(data, bytes)
    assert decode(data)[1:] == (22_050, codec)
    assert seconds(data) == pytest.approx(seconds(speech(espeak, "t2a-espeak", STORY, format="wav")), abs=0.2)


def test_languages_voices_and_pitches_differ(espeak: EngineDriver) -> None:
    options: list[dict[str, Any]] = [
        {},
        {"language": "de"},
        {"language": "French (France)"},
        {"language": "EN_gb"},
        {"voice": "f3"},
        {"pitch": 90},
    ]
    made = [speech(espeak, "t2a-espeak", "Radio, hotel, taxi.", **each) for each in options]
    assert len(set(made)) == len(options)
    assert seconds(speech(espeak, "t2a-espeak", "你好，世界。", language="cmn")) > 0.8


@pytest.mark.parametrize(
    ("wanted", "suggestion"), [("germn", "de (German)"), ("de-AT", "de (German)"), ("qqq", "")]
)
def test_an_unknown_language_is_an_error_that_suggests_similar_ones(
    espeak: EngineDriver, wanted: str, suggestion: str
) -> None:
    result = end(espeak, "t2a-espeak", "Hallo", language=wanted)
    assert isinstance(result, Failed) and result.code == "GENERATION_INVALID_PARAMS"
    assert f"no language {wanted!r}" in result.message and suggestion in result.message


@pytest.mark.parametrize("text", ["... !? —", "***\n\n#"])
def test_a_text_with_nothing_to_speak_fails(speaker: tuple[EngineDriver, str], text: str) -> None:
    result = end(*speaker, text)
    assert isinstance(result, Failed) and result.code == "GENERATION_INPUT_VALIDATION"
    assert "nothing in the prompt" in result.message


@pytest.mark.parametrize(("text", "message"), [(" \n", "empty"), ("word " * 5000, "at most 20000")])
def test_no_text_and_too_long_texts_are_refused(espeak: EngineDriver, text: str, message: str) -> None:
    with pytest.raises(Refused, match=message):
        espeak.submit(pocket_job("t2a-espeak", text))


def owners_card(folder: Path, voice: str) -> None:
    (folder / "mine.toml").write_text(
        'id = "t2a-mine"\nname = "Mine"\ntype = "audio"\nprovider = "me"\ndescription = "Mine."\n'
        f'engine = "piper"\nestimated_seconds = 3\n[options]\nfile = "{voice}"\n'
        '[[params]]\nname = "speaker"\ntype = "string"\n'
    )


def test_an_owners_voice_is_found_next_to_its_card(piper: EngineDriver, tmp_path: Path) -> None:
    owners_card(tmp_path, "mine.onnx")
    with pytest.raises(Refused, match=r"mine\.onnx is missing"):
        piper.submit(pocket_job("t2a-mine", "Hello.", folder=tmp_path))
    weights = pocket_job("t2a-piper-joe", "").weights
    (tmp_path / "mine.onnx").symlink_to(weights["voice.onnx"])
    with pytest.raises(Refused, match=r"no mine\.onnx\.json next to it"):
        piper.submit(pocket_job("t2a-mine", "Hello.", folder=tmp_path))
    (tmp_path / "mine.onnx.json").write_text("[]")
    broken = end(piper, "t2a-mine", "Hello.", folder=tmp_path)
    assert isinstance(broken, Failed) and "mine.onnx.json is not the description" in broken.message
    (tmp_path / "mine.onnx.json").unlink()
    (tmp_path / "mine.onnx.json").symlink_to(weights["voice.onnx.json"])
    assert speech(piper, "t2a-mine", "Hello.", folder=tmp_path) == speech(piper, "t2a-piper-joe", "Hello.")
    unknown = end(piper, "t2a-mine", "Hello.", folder=tmp_path, speaker="ada")
    assert isinstance(unknown, Failed) and "no speaker 'ada'; give a number from 0 to 0" in unknown.message


def test_a_missing_voice_is_a_problem_before_a_run(piper: EngineDriver, tmp_path: Path) -> None:
    assert piper.engine.problem({"file": str(tmp_path / "gone.onnx")}) == (
        "The voice gone.onnx is missing; put it where the card says, next to its gone.onnx.json."
    )
    assert "path" in (piper.engine.problem({"file": 3}) or "")


def test_the_gpl_library_is_loaded_only_in_a_program_of_its_own(piper: EngineDriver) -> None:
    speech(piper, "t2a-piper-joe", "Hello.")
    children = [
        child
        for child in psutil.Process().children()
        if child.cmdline()[-1] == "terrarium_pocket.piper.process"
    ]
    programs = [program for child in children for program in child.children()]
    assert [program.cmdline()[-1] for program in programs] == ["terrarium_pocket.speech.espeak_program"]
    loading = [path.name for path in python_files(SERVER, POCKET) if "ctypes" in path.read_text("utf-8")]
    assert loading == ["espeak_program.py"]
