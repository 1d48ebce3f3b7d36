"""The OpenAI API: recorded conversations, and llama.cpp's own server."""

import importlib
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from support.cases.openai_compatible import PNG, SSE, engine_for, image_job, streamed_text, text_job
from support.driver import content, drive_engine
from support.loopback import Reply, Request, loopback
from support.pocket import pocket_job
from support.replay import replay
from terrarium_server.catalog import load_cards
from terrarium_server.engines import Engine, Failed, Finished, Input, Job, Lost, Output, Progress, Refused
from terrarium_server.engines.openai_compatible import engine as openai_compatible
from terrarium_server.engines.openai_compatible.engine import OpenAICompatibleEngine
from terrarium_server.engines.setup import Setup

CONVERSATIONS = Path(__file__).parent / "conversations" / "openai"
KEY = "sk-test-0123456789"


def open_engine(url: str, key: str | None = KEY, **options: Any) -> OpenAICompatibleEngine:
    checked = openai_compatible.OPTIONS.model_validate({"url": f"{url}/v1", **options})
    secret = SecretStr(key) if key else None
    return openai_compatible.build(Setup("openai", 1, checked, secret, "OPENAI_API_KEY"))


def run(engine: Engine, job: Job) -> tuple[Finished | Failed | Lost, list[Progress]]:
    """Submit and follow until the end; progress never goes back."""
    with drive_engine(engine) as driver:
        *before, end = driver.follow(driver.submit(job))
    progress = [news for news in before if isinstance(news, Progress)]
    assert isinstance(end, Finished | Failed | Lost) and len(progress) == len(before)
    assert [news.fraction for news in progress] == sorted(news.fraction for news in progress)
    return end, progress


def outputs(end: Finished | Failed | Lost) -> tuple[Output, ...]:
    """The outputs of a job that succeeded; their files are read and deleted."""
    assert isinstance(end, Finished), end
    return tuple(replace(output, data=content(output)) for output in end.outputs)


def hosted(model_id: str, **params: Any) -> Job:
    """A job for a card that ships."""
    return pocket_job(model_id, "a fern", **params)


def test_pictures_are_requested_with_the_providers_names() -> None:
    with replay(CONVERSATIONS / "image.json") as server:
        job = hosted("t2i-gpt-image-2.5-flare", aspect_ratio="3:2", quality="low", num_images=2)
        end, _ = run(open_engine(server.url), job)
    assert [(o.content_type, o.width, o.height) for o in outputs(end)] == [("image/png", 3, 2)] * 2


def test_a_streamed_picture_has_a_preview_before_it_is_done() -> None:
    job = image_job("run_1")
    fixed = {"stream": True, "partial_images": 1}
    job = Job(job.key, "t2i", "image", "a fern", {}, 7, options={**job.options, "fixed": fixed})
    with replay(CONVERSATIONS / "image_stream.json") as server:
        end, _ = run(open_engine(server.url), job)
    assert [(output.width, output.height) for output in outputs(end)] == [(4, 4)]


def test_pictures_to_start_from_are_sent_as_files_and_the_result_is_fetched(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.png", "b.png", "mask.png")]
    for file in files:
        file.write_bytes(PNG)
    a, b, mask = (Input(file, "image/png") for file in files)
    params = {"image_urls": ["asset_1", "asset_2"], "mask_url": "asset_3", "aspect_ratio": "1:1"}
    options = {"endpoint": "images", "model": "gpt-image-2.5-flare"}
    inputs = {"image_urls": (a, b), "mask_url": (mask,)}
    job = Job("run_1", "i2i", "image", "make it night", params, 7, inputs, options)
    with replay(CONVERSATIONS / "edit.json") as server:
        end, _ = run(open_engine(server.url), job)
    assert [(output.width, output.height) for output in outputs(end)] == [(5, 5)]


def test_a_prompt_is_spoken() -> None:
    params = {"voice": "coral", "format": "mp3", "speed": 1.25, "instructions": "warm"}
    options = {"endpoint": "speech", "model": "speaker"}
    with replay(CONVERSATIONS / "speech.json") as server:
        job = Job("run_1", "t2a", "audio", "Good morning.", params, 7, options=options)
        end, _ = run(open_engine(server.url), job)
    assert [output.content_type for output in outputs(end)] == ["audio/mpeg"]


def test_a_text_is_streamed_and_a_picture_is_sent_with_the_prompt(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    inputs = {"image_urls": (Input(tmp_path / "a.png", "image/png"),)}
    params = {"system_prompt": "Be brief.", "temperature": 0.5, "max_tokens": 10, "image_urls": ["asset_1"]}
    job = Job("run_1", "t2t", "text", "What is it?", params, 7, inputs, text_job("run_1").options)
    with loopback(
        lambda request: Reply(streamed_text("It", "is", "a fern."), headers=SSE, pause=0.1)
    ) as server:
        end, progress = run(open_engine(server.url), job)
    body = server.requests[0].json()
    assert outputs(end)[0] == Output("text/plain", "It is a fern. ")
    previews = [str(news.preview.data) for news in progress if news.preview is not None]
    assert previews[0] == "It " and all(
        later.startswith(sooner) for sooner, later in itertools.pairwise(previews)
    )
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert body["messages"][1]["content"][0] == {"type": "text", "text": "What is it?"}
    assert body["messages"][1]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,")
    assert (body["temperature"], body["max_tokens"], body["stream"]) == (0.5, 10, True)
    assert "seed" not in body and "image_urls" not in body


def _answers(reply: Reply) -> Callable[[Request], Reply]:
    return lambda request: reply


def _event(text: str) -> Reply:
    return Reply((f"data: {text}\n\n".encode(),), headers=SSE)


FAILURES = {
    "content filter": (
        _event('{"choices": [{"delta": {}, "finish_reason": "content_filter"}]}'),
        "LLM_REFUSAL",
    ),
    "refusal": (_event('{"choices": [{"delta": {"refusal": "I cannot."}}]}'), "LLM_REFUSAL"),
    "policy": (Reply({"error": {"code": "content_policy_violation"}}, 400), "LLM_REFUSAL"),
    "late error": (
        _event('{"error": {"message": "overloaded", "code": 503}}'),
        "GENERATION_DOWNSTREAM_SERVICE_ERROR",
    ),
    "stopped early": (_event('{"choices": [{"delta": {"content": "It is"}}]}'), "GPU_PROVIDER_ERROR"),
    "empty": (_event('{"choices": [{"delta": {}, "finish_reason": "length"}]}'), "GENERATION_NO_RESULT"),
    "no choices": (Reply({"choices": "none"}), "GENERATION_INVALID_PROVIDER_RESPONSE"),
    "not json": (_event("{nonsense"), "GENERATION_INVALID_PROVIDER_RESPONSE"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_each_failure_of_a_text_has_its_code(name: str) -> None:
    reply, code = FAILURES[name]
    with loopback(_answers(reply)) as server:
        end, _ = run(open_engine(server.url), text_job("run_1"))
    assert isinstance(end, Failed) and end.code == code, end


def test_a_wrong_card_or_a_missing_key_is_reported_with_the_remedy() -> None:
    card = {"endpoint": "chat", "model": "m"}
    engine = open_engine("http://127.0.0.1:9", None)
    assert "OPENAI_API_KEY" in str(engine.problem(card))
    assert engine_for("http://127.0.0.1:9").problem(card) is None
    assert "key_env" in str(
        openai_compatible.build(Setup("openai", 1, openai_compatible.OPTIONS())).problem(card)
    )
    assert "endpoint" in str(engine.problem({"model": "m"}))
    with drive_engine(engine) as driver, pytest.raises(Refused, match="owner of this server"):
        driver.submit(Job("run_1", "t2t", "text", "a", {}, 7, options={"endpoint": "chatter", "model": "m"}))


def test_media_that_a_message_cannot_contain_are_refused_before_anything_is_sent(tmp_path: Path) -> None:
    inputs = {"video_url": (Input(tmp_path / "a.mp4", "video/mp4"),)}
    with drive_engine(open_engine("http://127.0.0.1:9")) as driver, pytest.raises(Refused) as refused:
        driver.submit(replace(text_job("run_1"), inputs=inputs))
    assert refused.value.failure.code == "GENERATION_INPUT_VALIDATION"


def test_a_size_is_computed_where_the_card_has_none() -> None:
    options = {"endpoint": "images", "model": "m"}
    with loopback(_answers(Reply({"data": []}))) as server:
        job = Job(
            "run_1", "t2i", "image", "a", {"aspect_ratio": "16:9", "seed": 2**40}, 2**40 + 3, options=options
        )
        end, _ = run(open_engine(server.url), job)
    assert isinstance(end, Failed) and end.code == "GENERATION_NO_RESULT"
    assert server.requests[0].json()["size"] == "1360x768"
    assert server.requests[0].json()["seed"] == 3


def test_the_cards_in_the_docs_can_be_used(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs/engines/openai_compatible.md"
    blocks = re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    cards = [block for block in blocks if block.startswith("id =")]
    for number, block in enumerate(cards):
        (tmp_path / f"{number}.toml").write_text(block)
    engine = engine_for("http://127.0.0.1:9")
    usable = [card for card in load_cards(tmp_path) if card.provider in ("ollama", "localai", "openai")]
    assert len(usable) >= len(cards) + 3
    assert [engine.problem(card.options) for card in usable] == [None] * len(usable)


@pytest.fixture(scope="module")
def llama() -> Iterator[str]:
    """llama.cpp's server with a small model; its address."""
    xllamacpp: Any = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(hosted("t2t-smollm2-135m").weights["model.gguf"])
    params.n_ctx, params.n_parallel, params.warmup, params.verbosity = 512, 1, False, 0
    # One thread: several would wait for each other on a machine that has other work.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.api_keys = [KEY]
    server = xllamacpp.Server(params)
    yield server.listening_address
    del server


def _small(key: str, prompt: str, **params: Any) -> Job:
    options = {"endpoint": "chat", "model": "smollm2"}
    return Job(key, "t2t-llama", "text", prompt, params, 7, options=options)


def test_llama_cpp_writes_with_previews(llama: str) -> None:
    engine = open_engine(llama)
    job = _small("run_1", "Say hello.", max_tokens=6, temperature=0.0, seed=7)
    end, progress = run(engine, job)
    written = outputs(end)[0]
    assert written.content_type == "text/plain" and str(written.data).strip()
    previews = [str(news.preview.data) for news in progress if news.preview is not None]
    assert previews and all(str(written.data).startswith(preview) for preview in previews)


def test_refusals_of_llama_cpp_have_our_codes(llama: str) -> None:
    wrong_key, _ = run(open_engine(llama, "sk-wrong-0123456789"), _small("run_1", "Hello"))
    assert isinstance(wrong_key, Failed) and wrong_key.code == "ACCESS_DENIED"
    assert "OPENAI_API_KEY" in wrong_key.message and "sk-wrong" not in wrong_key.message
    too_long, _ = run(open_engine(llama), _small("run_2", "word " * 600))
    assert isinstance(too_long, Failed) and too_long.code == "GENERATION_INPUT_VALIDATION"
    assert "context size" in too_long.message
    no_such, _ = run(
        open_engine(llama),
        Job("run_3", "t2a", "audio", "Hello", {}, 7, options={"endpoint": "speech", "model": "m"}),
    )
    assert isinstance(no_such, Failed) and no_such.code == "GENERATION_ENDPOINT_NOT_FOUND"
