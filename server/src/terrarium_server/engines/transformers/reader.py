import importlib
import time
from pathlib import Path
from typing import Any

from .._child import Unfit
from .._contract import Output
from .._local.loading import loading, place_in
from .._local.machine import GIB, Machine, weights_size
from .._local.waiting import Progress

_FILES = ["*.json", "*.jinja", "*.txt", "*.model", "*.safetensors", "*.tiktoken"]
_MAX_TOKENS = 512
# What a conversation of some thousand tokens needs besides the weights.
_WORKSPACE = GIB
_SHOW_SECONDS = 0.2


def find(request: dict[str, Any]) -> Path:
    """Return the folder of a request's model, fetched from the hub if that is allowed. Raises Unfit."""
    place = place_in(request)
    if place.folder is not None:
        return Path(place.folder)
    with loading(place):
        hub: Any = importlib.import_module("huggingface_hub")
        code = ["*.py"] if request["card"]["trust_remote_code"] else []
        found: str = hub.snapshot_download(
            place.hub,
            revision=place.revision,
            local_files_only=not request["download"],
            allow_patterns=_FILES + code,
        )
        return Path(found)


class Reader:
    """One model in memory with what turns words and pictures into its numbers."""

    def __init__(self, machine: Machine, model: Any, processor: Any) -> None:
        """Take a model in main memory; ``processor`` is a tokenizer for one that reads text alone."""
        self._machine = machine
        self._model = model
        self._processor = processor
        self._tokenizer = getattr(processor, "tokenizer", processor)
        self._spread = False

    @classmethod
    def load(cls, machine: Machine, folder: Path, request: dict[str, Any]) -> "Reader":
        """Read a model from its folder. Raises Unfit."""
        card = request["card"]
        sees = card["task"] == "image-to-text"
        with loading(place_in(request)):
            library: Any = importlib.import_module("transformers")
            told = {"local_files_only": True, "trust_remote_code": card["trust_remote_code"]}
            reads = library.AutoProcessor if sees else library.AutoTokenizer
            writes = library.AutoModelForImageTextToText if sees else library.AutoModelForCausalLM
            processor = reads.from_pretrained(str(folder), **told)
            model = writes.from_pretrained(
                str(folder),
                dtype=machine.dtype(card["dtype"]),
                variant=card["variant"],
                use_safetensors=True,
                **told,
            )
        model.eval()
        return cls(machine, model, processor)

    def ready(self, *, frugal: bool) -> None:
        """Bring the weights to the device: whole if there is room, else as much as fits."""
        if self._machine.name == "cpu" or self._spread:
            return
        if not self._machine.is_cuda or (not frugal and self._fits()):
            self._model.to(self._machine.name)
            return
        self.rest()
        accelerate: Any = importlib.import_module("accelerate")
        room = max(0, self._machine.free() // 2)
        limits = {int(self._machine.name.partition(":")[2]): room, "cpu": 1024 * GIB}
        split: Any = accelerate.infer_auto_device_map(
            self._model, max_memory=limits, no_split_module_classes=self._model._no_split_modules
        )
        accelerate.dispatch_model(self._model, device_map=split)
        self._spread = True

    def rest(self) -> None:
        """Take everything back to main memory."""
        if self._spread:
            hooks: Any = importlib.import_module("accelerate.hooks")
            hooks.remove_hook_from_submodules(self._model)
            self._spread = False
        self._model.to("cpu")
        self._machine.tidy()

    def write(self, request: dict[str, Any], images: list[Any], progress: Progress) -> Output:
        """Answer a prompt. Raises Unfit for one that is too long."""
        torch, params = self._machine.torch, request["params"]
        if images and self._processor is self._tokenizer:
            message = (
                'This model reads no pictures; for one that does, say task = "image-to-text" in its card.'
            )
            raise Unfit("GENERATION_INPUT_VALIDATION", message)
        inputs = self._inputs(request, images)
        length = int(inputs["input_ids"].shape[1])
        room = int(params.get("max_tokens") or _MAX_TOKENS)
        self._check_length(length, room)
        torch.manual_seed(request["seed"])
        temperature = float(params.get("temperature", 0.7))
        chosen = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        if temperature > 0:
            chosen = {"do_sample": True, "temperature": temperature}
            chosen |= {name: params[name] for name in ("top_p", "top_k") if params.get(name) is not None}
        stream = _Stream(self._tokenizer, room, progress)
        with torch.inference_mode():
            made = self._model.generate(
                **inputs, **{**chosen, **request["card"]["call"]}, max_new_tokens=room, streamer=stream
            )
        tokens = made[0].tolist()
        asked = inputs["input_ids"][0].tolist()
        # Models that write into another sequence than they read do not give the question back.
        tokens = tokens[length:] if tokens[:length] == asked else tokens
        # No database keeps a zero in a text.
        text = self._tokenizer.decode(tokens, skip_special_tokens=True).replace("\0", "").strip()
        if not text:
            raise Unfit(
                "GENERATION_NO_RESULT", "The model ended without a word; change the prompt or the seed."
            )
        return Output("text/plain", text)

    def _inputs(self, request: dict[str, Any], images: list[Any]) -> Any:
        system = request["params"].get("system_prompt") or ""
        prompt = request["prompt"]
        if getattr(self._processor, "chat_template", None):
            prompt = self._in_turns(system, prompt, len(images))
        elif system:
            prompt = f"{system}\n\n{prompt}"
        words: dict[str, Any] = {"text": prompt, "return_tensors": "pt"}
        if getattr(self._processor, "chat_template", None):
            # The template wrote the marks of the beginning already.
            words["add_special_tokens"] = False
        inputs = self._processor(**words, **({"images": images} if images else {}))
        device = self._model.device
        numbers = self._model.dtype
        return {
            name: value.to(device, numbers) if value.is_floating_point() else value.to(device)
            for name, value in inputs.items()
        }

    def _in_turns(self, system: str, prompt: str, images: int) -> str:
        """Write the question in the model's own form of a conversation."""
        sees = self._processor is not self._tokenizer
        shown: list[dict[str, str]] = [{"type": "image"}] * images
        asked: Any = [*shown, {"type": "text", "text": prompt}] if sees else prompt
        told: Any = [{"type": "text", "text": system}] if sees else system
        turns = [{"role": "system", "content": told}] if system else []
        turns.append({"role": "user", "content": asked})
        written: str = self._processor.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
        return written

    def _check_length(self, length: int, room: int) -> None:
        text: Any = self._model.config.get_text_config()
        limit = getattr(text, "max_position_embeddings", None)
        if isinstance(limit, int) and length + room > limit:
            message = (
                f"The prompt has {length} tokens and max_tokens is {room}; together they must be at most"
                f" {limit}. Shorten the prompt or lower max_tokens."
            )
            raise Unfit("GENERATION_INPUT_VALIDATION", message)

    def _fits(self) -> bool:
        if self._model.device.type == "cuda":
            return True
        size = sum(part.numel() * part.element_size() for part in self._model.parameters())
        return self._machine.free() >= size + _WORKSPACE


class _Stream:
    """What generation hands its tokens to, one after the other; the first it hands over are the prompt's."""

    def __init__(self, tokenizer: Any, room: int, progress: Progress) -> None:
        self._tokenizer = tokenizer
        self._room = room
        self._progress = progress
        self._tokens: list[int] = []
        self._asked = False
        self._shown = 0.0

    def put(self, value: Any) -> None:
        """Take tokens, (1, length) for the prompt and (1,) later. Raises Cancelled."""
        if not self._asked:
            self._asked = True
            return
        self._tokens += value.flatten().tolist()
        fraction = 0.05 + 0.95 * len(self._tokens) / self._room
        now = time.monotonic()
        preview = None
        if now - self._shown >= _SHOW_SECONDS:
            self._shown = now
            # A letter of several tokens is not there yet while the decoder says so.
            text = (
                self._tokenizer.decode(self._tokens, skip_special_tokens=True)
                .rstrip("\ufffd")
                .replace("\0", "")
            )
            preview = Output("text/plain", text) if text else None
        self._progress.report(fraction, preview)

    def end(self) -> None:
        """Nothing is held back."""


def size_of(folder: Path, request: dict[str, Any]) -> int:
    """Return how many bytes the weights have on disk."""
    return weights_size(folder, request["card"]["variant"])
