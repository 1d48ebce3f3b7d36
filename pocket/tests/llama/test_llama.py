"""Language models in GGUF files: what they write, what they refuse, and what happens to broken ones."""

import importlib.util
import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from support.cases.llama import CASE, MODEL
from support.driver import EngineDriver
from support.pocket import pocket_job
from terrarium_server.catalog import load_cards
from terrarium_server.engines import Failed, Finished, Job, News, Progress, Refused
from terrarium_server.engines.child import JobContext, JobError

OWNERS = """
id = "t2t-mine"
name = "Mine"
type = "text"
provider = "me"
description = "A file of mine."
engine = "llama"
estimated_seconds = 1
params = [{ name = "max_tokens", type = "int", default = 8 }]
options = { file = "models/mine.gguf" }
"""


@pytest.fixture(scope="module")
def llama() -> Iterator[EngineDriver]:
    with CASE.driver() as driver:
        yield driver


@pytest.fixture(scope="module")
def weights() -> Path:
    return pocket_job(MODEL, "").weights["model.gguf"]


def news(llama: EngineDriver, job: Job) -> list[News]:
    """All updates of a job, with its end."""
    return list(llama.follow(llama.submit(job)))


def write(llama: EngineDriver, job: Job) -> str:
    end = llama.run(job)
    assert isinstance(end, Finished), end
    assert [output.content_type for output in end.outputs] == ["text/plain"]
    text = end.outputs[0].data
    assert isinstance(text, str)
    return text


def failure(llama: EngineDriver, job: Job) -> Failed:
    end = llama.run(job)
    assert isinstance(end, Failed), end
    return end


def owners_job(folder: Path, content: bytes, prompt: str = "Name a fern.") -> Job:
    """A job for a card in ``folder`` whose file is next to it."""
    (folder / "models").mkdir(exist_ok=True)
    (folder / "models/mine.gguf").write_bytes(content)
    (folder / "mine.toml").write_text(OWNERS)
    return pocket_job("t2t-mine", prompt, folder=folder)


def processes() -> set[psutil.Process]:
    return set(psutil.Process().children())


def test_a_question_is_answered_and_the_answer_ends_by_itself(llama: EngineDriver) -> None:
    answer = write(llama, pocket_job(MODEL, "What is the capital of France?"))
    assert "Paris" in answer
    assert answer.endswith(".") and len(answer) < 200


def test_it_is_the_default_for_text_where_no_provider_is_set_up() -> None:
    texts = [card for card in load_cards() if card.type == "text" and card.engine in ("llama", "sketch")]
    assert max(texts, key=lambda card: card.default_rank).id == MODEL


def test_same_seed_same_text_in_another_process_and_another_seed_another_text(llama: EngineDriver) -> None:
    job = pocket_job(MODEL, "a red fox in the snow", temperature=1.0, max_tokens=12)
    text = write(llama, job)
    write(llama, pocket_job(MODEL, "Something else between.", max_tokens=3))
    assert write(llama, job) == text
    assert write(llama, replace(job, seed=8)) != text
    with CASE.driver() as another:
        assert write(another, job) == text


def test_the_highest_seed_is_not_random_either(llama: EngineDriver) -> None:
    job = pocket_job(MODEL, "a red fox in the snow", seed=2**32 - 1, temperature=1.5, max_tokens=8)
    assert write(llama, job) == write(llama, job)


def test_at_temperature_0_the_seed_does_not_matter(llama: EngineDriver) -> None:
    jobs = [pocket_job(MODEL, "Name a fern.", seed=seed, temperature=0, max_tokens=8) for seed in (1, 2)]
    assert write(llama, jobs[0]) == write(llama, jobs[1])


def test_system_prompt_and_penalty_change_the_answer(llama: EngineDriver) -> None:
    plain = pocket_job(MODEL, "Describe rain, rain, rain.", temperature=0, max_tokens=16)
    texts = [
        write(llama, replace(plain, params={**plain.params, **change}))
        for change in ({}, {"system_prompt": ""}, {"repetition_penalty": 2.0})
    ]
    assert len(set(texts)) == 3


def test_a_long_answer_does_not_repeat_itself(llama: EngineDriver) -> None:
    prompt = "Describe the forest in as many words as you can."
    words = write(llama, pocket_job(MODEL, prompt, system_prompt="", max_tokens=160)).lower().split()
    phrases = list(zip(words, words[1:], words[2:], words[3:], strict=False))
    assert len(words) > 40
    assert len(set(phrases)) > 0.9 * len(phrases)


def test_the_preview_grows_into_the_answer(llama: EngineDriver) -> None:
    *progress, end = news(llama, pocket_job(MODEL, "Tell a story of a fern.", max_tokens=60))
    assert isinstance(end, Finished)
    shown = [update.preview.data for update in progress if isinstance(update, Progress) and update.preview]
    assert len(set(shown)) > 2
    for shorter, longer in zip(shown, [*shown[1:], end.outputs[0].data], strict=True):
        assert isinstance(shorter, str) and isinstance(longer, str)
        assert longer.startswith(shorter)


def test_a_character_of_several_tokens_is_complete_or_left_out(llama: EngineDriver) -> None:
    params = {"system_prompt": "", "temperature": 0}
    job = replace(pocket_job(MODEL, "Repeat exactly: 🦊🐢🦉🦄日本語", **params), options={})
    cut = [write(llama, replace(job, params={**job.params, "max_tokens": most})) for most in (6, 7, 8)]
    assert cut == ["Repeat exactly: 🦊"] * 3


def test_a_prompt_longer_than_the_context_says_how_long_it_may_be(llama: EngineDriver) -> None:
    too_long = failure(llama, pocket_job(MODEL, "word " * 5000))
    assert too_long.code == "GENERATION_INPUT_VALIDATION"
    assert "4096" in too_long.message and "shorten the prompt" in too_long.message
    no_space = failure(llama, pocket_job(MODEL, "word " * 3900))
    assert no_space.code == "GENERATION_INPUT_VALIDATION"
    assert "at most 173 max_tokens" in no_space.message


def test_after_a_cancelled_answer_the_model_is_still_loaded(llama: EngineDriver) -> None:
    write(llama, pocket_job(MODEL, "Name a fern.", max_tokens=2))
    before = processes()
    ticket = llama.submit(pocket_job(MODEL, "Tell a long story.", max_tokens=2000))
    for update in llama.follow(ticket):
        assert isinstance(update, Progress)
        if update.preview:
            break
    llama.cancel(ticket)
    write(llama, pocket_job(MODEL, "Name a fern.", max_tokens=2))
    assert before and processes() == before


def test_an_owners_file_next_to_the_card_is_used_and_may_be_replaced(
    llama: EngineDriver, weights: Path, tmp_path: Path
) -> None:
    job = owners_job(tmp_path, b"")
    shutil.copyfile(weights, tmp_path / "models/mine.gguf")
    assert llama.engine.problem(job.options) is None
    shipped = pocket_job(MODEL, job.prompt, max_tokens=8)
    before = write(llama, shipped)
    plain = write(llama, job)
    # The file is replaced by one whose model was trained for 96 tokens only.
    key = b"llama.context_length" + (4).to_bytes(4, "little")
    content = bytearray(weights.read_bytes())
    offset = content.index(key) + len(key)
    content[offset : offset + 4] = (96).to_bytes(4, "little")
    (tmp_path / "models/mine.gguf").write_bytes(content)
    assert "context holds 96" in failure(llama, replace(job, prompt="word " * 90)).message
    assert write(llama, job) == plain
    assert write(llama, shipped) == before


def test_a_damaged_file_fails_its_run_and_the_process_goes_on(
    llama: EngineDriver, weights: Path, tmp_path: Path
) -> None:
    write(llama, pocket_job(MODEL, "Name a fern.", max_tokens=2))
    before = processes()
    for keep in (2_000, 50_000_000):
        with weights.open("rb") as file:
            failed = failure(llama, owners_job(tmp_path, file.read(keep)))
        assert failed.code == "GENERATION_FAILED_TO_START"
        assert "mine.gguf cannot be loaded" in failed.message
    assert write(llama, pocket_job(MODEL, "Name a fern.", max_tokens=2))
    assert processes() == before


def test_a_missing_file_or_library_is_a_problem_before_a_run(
    llama: EngineDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = owners_job(tmp_path, b"PK\3\4")
    assert "is not a GGUF file" in str(llama.engine.problem(job.options))
    (tmp_path / "models/mine.gguf").unlink()
    assert "models/mine.gguf cannot be read (No such file" in str(llama.engine.problem(job.options))
    with pytest.raises(Refused, match="t2t-mine cannot be used"):
        llama.submit(job)
    assert "known here: file, context" in str(llama.engine.problem({"fiel": "x.gguf"}))
    assert "context: " in str(llama.engine.problem({"context": 1}))
    with pytest.raises(Refused, match="names no model"):
        llama.submit(replace(job, options={}, weights={}))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install xllamacpp" in str(llama.engine.problem({}))


def test_an_unknown_parameter_is_refused(llama: EngineDriver) -> None:
    job = pocket_job(MODEL, "Name a fern.")
    with pytest.raises(Refused, match="does not know voice; it takes: system_prompt"):
        llama.submit(replace(job, params={**job.params, "voice": "low"}))


def test_an_empty_answer_is_a_failure_that_says_why() -> None:
    from terrarium_pocket.llama.process import Answer

    answer = Answer(JobContext(io.BytesIO(), "run_1"), max_tokens=5, context_size=100)
    with pytest.raises(JobError, match="change the prompt or the seed"):
        answer.finish()
    answer.add({"choices": [{"delta": {"reasoning_content": "Hm."}}]})
    with pytest.raises(JobError, match="allow more max_tokens"):
        answer.finish()
    with pytest.raises(JobError, match="no system role"):
        answer.add({"error": {"type": "invalid_request_error", "message": "no system role"}})
