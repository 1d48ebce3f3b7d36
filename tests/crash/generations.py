"""Generations with the shipped models: for each of them a long one and a short one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from support.server import Account

# The runs whose outputs other runs start from, by their models.
Sources = Mapping[str, str]

_SENTENCE = "The fern stands on the windowsill and looks at the rain. "
_SMALL_CLIP = {"resolution": "480p", "duration": 1, "fps": 12}


@dataclass(frozen=True)
class Generation:
    """A model, a prompt and parameters; ``takes`` maps a parameter to the model whose output it is."""

    model: str
    type: str
    prompt: str
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    takes: Mapping[str, str] = field(default_factory=dict[str, str])

    def body(self, account: Account, sources: Sources) -> dict[str, Any]:
        """Return the body of the request that starts it."""
        inputs = {name: sources[model] for name, model in self.takes.items()}
        return account.body(self.prompt, type=self.type, model=self.model, params={**self.params, **inputs})


PICTURE = Generation("t2i-sketch", "image", "a lighthouse", {"resolution": "0.5k"})
CLIP = Generation("t2v-sketch", "video", "a lighthouse", _SMALL_CLIP)
SPEECH = Generation("t2a-espeak", "audio", _SENTENCE)
LONG_CLIP = Generation("t2v-sketch", "video", "a harbour", {"resolution": "480p", "duration": 10, "fps": 24})
LONG_SPEECH = Generation("t2a-espeak", "audio", _SENTENCE * 30)

# One or two seconds each on an idle processor core.
LONG = (
    Generation("t2i-sketch", "image", "a harbour", {"resolution": "1k", "num_images": 4}),
    Generation("t2v-sketch", "video", "a harbour", {"resolution": "480p", "duration": 5, "fps": 24}),
    Generation("t2a-band", "audio", "a calm tune", {"duration": 30}),
    Generation("t2a-piper-joe", "audio", _SENTENCE * 8),
    LONG_SPEECH,
    Generation("t2t-smollm2-135m", "text", "Tell a long scenario about a fern.", {"max_tokens": 60}),
    Generation("i2i-painter", "image", "paint it", takes={"image_url": "t2i-sketch"}),
    Generation("v2v-painter", "video", "paint it", takes={"video_url": "t2v-sketch"}),
)
# The first ones come first because the last ones start from their outputs.
SHORT = (
    PICTURE,
    CLIP,
    Generation("t2a-band", "audio", "a calm tune", {"duration": 5}),
    Generation("t2a-piper-joe", "audio", _SENTENCE),
    SPEECH,
    Generation("t2t-smollm2-135m", "text", "Name a fern.", {"max_tokens": 8}),
    Generation("i2i-painter", "image", "paint it", {"brush": "broad"}, {"image_url": "t2i-sketch"}),
    Generation("v2v-painter", "video", "paint it", {"brush": "broad"}, {"video_url": "t2v-sketch"}),
)
