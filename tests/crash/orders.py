"""What is ordered from the models that ship: of each of them something long, and something short."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from support.server import Account

# The runs whose outputs others start from, by their models.
Taken = Mapping[str, str]

_SENTENCE = "The fern stands on the windowsill and looks at the rain. "
_SMALL_CLIP = {"resolution": "480p", "duration": 1, "fps": 12}


@dataclass(frozen=True)
class Order:
    """A model, a prompt and parameters; ``takes`` says which parameter starts from what model's output."""

    model: str
    type: str
    prompt: str
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    takes: Mapping[str, str] = field(default_factory=dict[str, str])

    def body(self, account: Account, taken: Taken) -> dict[str, Any]:
        """What starts it."""
        given = {name: taken[what] for name, what in self.takes.items()}
        return account.body(self.prompt, type=self.type, model=self.model, params={**self.params, **given})


PICTURE = Order("t2i-sketch", "image", "a lighthouse", {"resolution": "0.5k"})
CLIP = Order("t2v-sketch", "video", "a lighthouse", _SMALL_CLIP)
SPEECH = Order("t2a-espeak", "audio", _SENTENCE)
LONG_CLIP = Order("t2v-sketch", "video", "a harbour", {"resolution": "480p", "duration": 10, "fps": 24})
LONG_SPEECH = Order("t2a-espeak", "audio", _SENTENCE * 30)

# One or two seconds each for a processor core that does nothing else.
LONG = (
    Order("t2i-sketch", "image", "a harbour", {"resolution": "1k", "num_images": 4}),
    Order("t2v-sketch", "video", "a harbour", {"resolution": "480p", "duration": 5, "fps": 24}),
    Order("t2a-band", "audio", "a calm tune", {"duration": 30}),
    Order("t2a-piper-joe", "audio", _SENTENCE * 8),
    LONG_SPEECH,
    Order("t2t-smollm2-135m", "text", "Tell a long story about a fern.", {"max_tokens": 60}),
    Order("i2i-painter", "image", "paint it", takes={"image_url": "t2i-sketch"}),
    Order("v2v-painter", "video", "paint it", takes={"video_url": "t2v-sketch"}),
)
# The first ones first: others start from what they make.
SHORT = (
    PICTURE,
    CLIP,
    Order("t2a-band", "audio", "a calm tune", {"duration": 5}),
    Order("t2a-piper-joe", "audio", _SENTENCE),
    SPEECH,
    Order("t2t-smollm2-135m", "text", "Name a fern.", {"max_tokens": 8}),
    Order("i2i-painter", "image", "paint it", {"brush": "broad"}, {"image_url": "t2i-sketch"}),
    Order("v2v-painter", "video", "paint it", {"brush": "broad"}, {"video_url": "t2v-sketch"}),
)
