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
from support.driving import Driven
from support.pocket import pocket_job
from terrarium_server.catalog import load_cards
from terrarium_server.engines import Failed, Finished, Job, News, Progress, Refused
from terrarium_server.engines._child import Talk, Unfit

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
def llama() -> Iterator[Driven]:
    with CASE.driven() as driven:
        yield driven


@pytest.fixture(scope="module")
def weights() -> Path:
    return pocket_job(MODEL, "").weights["model.gguf"]


def news(llama: Driven, job: Job) -> list[News]:
    """Everything told of a job until its end."""
    return list(llama.follow(llama.submit(job)))


def write(llama: Driven, job: Job) -> str:
    end = llama.made(job)
    assert isinstance(end, Finished), end
    assert [output.content_type for output in end.outputs] == ["text/plain"]
    text = end.outputs[0].data
    assert isinstance(text, str)
    return text


def failure(llama: Driven, job: Job) -> Failed:
    end = llama.made(job)
    assert isinstance(end, Failed), end
    return end


def owners_job(folder: Path, content: bytes, prompt: str = "Name a fern.") -> Job:
    """A job for a card in ``folder`` whose file lies beside it."""
    (folder / "models").mkdir(exist_ok=True)
    (folder / "models/mine.gguf").write_bytes(content)
    (folder / "mine.toml").write_text(OWNERS)
    return pocket_job("t2t-mine", prompt, folder=folder)


def processes() -> set[psutil.Process]:
    return set(psutil.Process().children())


def test_a_question_is_answered_and_the_answer_ends_by_itself(llama: Driven) -> None:
    answer = write(llama, pocket_job(MODEL, "What is the capital of France?"))
    assert "Paris" in answer
    assert answer.endswith(".") and len(answer) < 200


def test_it_is_the_default_for_text_where_no_provider_is_set_up() -> None:
    texts = [card for card in load_cards() if card.type == "text" and card.engine in ("llama", "sketch")]
    assert max(texts, key=lambda card: card.default_rank).id == MODEL


def test_same_seed_same_text_in_another_process_and_another_seed_another_text(llama: Driven) -> None:
    job = pocket_job(MODEL, "a red fox in the snow", temperature=1.0, max_tokens=12)
    text = write(llama, job)
    write(llama, pocket_job(MODEL, "Something else between.", max_tokens=3))
    assert write(llama, job) == text
    assert write(llama, replace(job, seed=8)) != text
    with CASE.driven() as another:
        assert write(another, job) == text


def test_no_seed_means_roll_one(llama: Driven) -> None:
    job = pocket_job(MODEL, "a red fox in the snow", seed=2**32 - 1, temperature=1.5, max_tokens=8)
    assert write(llama, job) == write(llama, job)


def test_at_temperature_0_the_seed_does_not_matter(llama: Driven) -> None:
    jobs = [pocket_job(MODEL, "Name a fern.", seed=seed, temperature=0, max_tokens=8) for seed in (1, 2)]
    assert write(llama, jobs[0]) == write(llama, jobs[1])


def test_system_prompt_and_penalty_change_the_answer(llama: Driven) -> None:
    plain = pocket_job(MODEL, "Describe rain, rain, rain.", temperature=0, max_tokens=16)
    texts = [
        write(llama, replace(plain, params={**plain.params, **change}))
        for change in ({}, {"system_prompt": ""}, {"repetition_penalty": 2.0})
    ]
    assert len(set(texts)) == 3


def test_a_long_answer_does_not_turn_in_circles(llama: Driven) -> None:
    prompt = "Describe the forest in as many words as you can."
    words = write(llama, pocket_job(MODEL, prompt, system_prompt="", max_tokens=160)).lower().split()
    phrases = list(zip(words, words[1:], words[2:], words[3:], strict=False))
    assert len(words) > 40
    assert len(set(phrases)) > 0.9 * len(phrases)


def test_the_preview_grows_into_the_answer(llama: Driven) -> None:
    *progress, end = news(llama, pocket_job(MODEL, "Tell a story of a fern.", max_tokens=60))
    assert isinstance(end, Finished)
    shown = [heard.preview.data for heard in progress if isinstance(heard, Progress) and heard.preview]
    assert len(set(shown)) > 2
    for shorter, longer in zip(shown, [*shown[1:], end.outputs[0].data], strict=True):
        assert isinstance(shorter, str) and isinstance(longer, str)
        assert longer.startswith(shorter)


def test_a_character_of_several_tokens_is_whole_or_not_there(llama: Driven) -> None:
    wishes = {"system_prompt": "", "temperature": 0}
    job = replace(pocket_job(MODEL, "Repeat exactly: 🦊🐢🦉🦄日本語", **wishes), options={})
    cut = [write(llama, replace(job, params={**job.params, "max_tokens": most})) for most in (6, 7, 8)]
    assert cut == ["Repeat exactly: 🦊"] * 3


def test_a_prompt_longer_than_the_context_says_how_long_it_may_be(llama: Driven) -> None:
    too_long = failure(llama, pocket_job(MODEL, "word " * 5000))
    assert too_long.code == "GENERATION_INPUT_VALIDATION"
    assert "4096" in too_long.message and "shorten the prompt" in too_long.message
    no_room = failure(llama, pocket_job(MODEL, "word " * 3900))
    assert no_room.code == "GENERATION_INPUT_VALIDATION"
    assert "at most 173 max_tokens" in no_room.message


def test_after_a_cancelled_answer_the_model_is_still_loaded(llama: Driven) -> None:
    write(llama, pocket_job(MODEL, "Name a fern.", max_tokens=2))
    before = processes()
    ticket = llama.submit(pocket_job(MODEL, "Tell a long story.", max_tokens=2000))
    for heard in llama.follow(ticket):
        assert isinstance(heard, Progress)
        if heard.preview:
            break
    llama.cancel(ticket)
    write(llama, pocket_job(MODEL, "Name a fern.", max_tokens=2))
    assert before and processes() == before


def test_an_owners_file_beside_the_card_is_used_and_takes_the_place_of_another(
    llama: Driven, weights: Path, tmp_path: Path
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
    place = content.index(key) + len(key)
    content[place : place + 4] = (96).to_bytes(4, "little")
    (tmp_path / "models/mine.gguf").write_bytes(content)
    assert "context holds 96" in failure(llama, replace(job, prompt="word " * 90)).message
    assert write(llama, job) == plain
    assert write(llama, shipped) == before


def test_a_damaged_file_fails_its_run_and_the_process_goes_on(
    llama: Driven, weights: Path, tmp_path: Path
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


def test_what_is_missing_is_told_before_a_run(
    llama: Driven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = owners_job(tmp_path, b"PK\3\4")
    assert "is not a GGUF file" in str(llama.engine.problem(job.options))
    (tmp_path / "models/mine.gguf").unlink()
    assert "models/mine.gguf cannot be read (No such file" in str(llama.engine.problem(job.options))
    with pytest.raises(Refused, match="t2t-mine cannot be used"):
        llama.submit(job)
    assert "it takes: file, context" in str(llama.engine.problem({"fiel": "x.gguf"}))
    assert "options.context" in str(llama.engine.problem({"context": 1}))
    with pytest.raises(Refused, match="names no model"):
        llama.submit(replace(job, options={}, weights={}))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install xllamacpp" in str(llama.engine.problem({}))


def test_a_parameter_that_llama_cpp_does_not_have_is_refused(llama: Driven) -> None:
    job = pocket_job(MODEL, "Name a fern.")
    with pytest.raises(Refused, match="does not know voice; it takes: system_prompt"):
        llama.submit(replace(job, params={**job.params, "voice": "low"}))


def test_an_answer_without_words_is_a_failure_that_says_why() -> None:
    from terrarium_server.engines._llama_process import Hearer

    hearer = Hearer(Talk(io.BytesIO(), "run_1"), max_tokens=5, context=100)
    with pytest.raises(Unfit, match="change the prompt or the seed"):
        hearer.finish()
    hearer.hear({"choices": [{"delta": {"reasoning_content": "Hm."}}]})
    with pytest.raises(Unfit, match="allow more max_tokens"):
        hearer.finish()
    with pytest.raises(Unfit, match="no system role"):
        hearer.hear({"error": {"type": "invalid_request_error", "message": "no system role"}})
