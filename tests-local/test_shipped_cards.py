"""The parameters of the shipped cards are accepted by tiny models of the same families."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.tiny import tiny_model
from terrarium_server.catalog import check_params, load_cards
from terrarium_server.engines import Finished, Input, Job

CARDS = {card.id: card for card in load_cards() if card.engine in ("diffusers", "transformers")}
LINK = "https://example.com/red.png"
QUICK: dict[str, dict[str, Any]] = {
    "t2i-sd15": {"steps": 1, "negative_prompt": "moss", "num_images": 2},
    "i2i-sdxl-turbo": {"steps": 2, "image_url": LINK},
    "t2v-wan2.1-1.3b": {"steps": 1, "duration": 1, "resolution": "320p", "negative_prompt": "rain"},
    "i2t-smolvlm-256m": {"max_tokens": 4, "image_urls": [LINK], "system_prompt": "Be brief."},
}
# Tiny models that accept the same parameters.
TINY = {"t2i-sd15": "picture", "i2i-sdxl-turbo": "picture", "t2v-wan2.1-1.3b": "video"}


@pytest.mark.parametrize("name", QUICK)
def test_the_parameters_of_a_shipped_card_are_accepted(
    name: str, pictures: Any, texts: Any, tmp_path: Path
) -> None:
    red = tmp_path / "red.png"
    Image.new("RGB", (64, 48), "red").save(red)
    card = CARDS[name]
    params = check_params(card, {"seed": 7, **QUICK[name]})
    if card.type == "image":
        params["resolution"] = "32"  # the tiny model needs much memory for its size of picture
    inputs = {param.name: (Input(red, "image/png"),) for param in card.params if param.media}
    model = tiny_model(TINY.get(name, "vision"))
    options = {**card.options, "model": str(model), "variant": None}
    local = texts if card.type == "text" else pictures
    job = Job(f"run_{name}", card.id, card.type, "a fern", params, 7, inputs, options)
    end = local.end(local.driver.submit(job))
    assert isinstance(end, Finished), end
    assert len(end.outputs) == QUICK[name].get("num_images", 1)


def test_all_other_cards_are_listed() -> None:
    assert CARDS.keys() - QUICK.keys() == {"t2i-sdxl-turbo", "t2i-flux-schnell-local"}
