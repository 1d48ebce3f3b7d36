"""A loaded language model of transformers, with or without vision."""

import importlib
import time
from pathlib import Path
from typing import Any

from terrarium_server.engines import Output
from terrarium_server.engines.child import JobError
from terrarium_server.engines.pytorch.device import GIB, Device, weights_size
from terrarium_server.engines.pytorch.loading import loading
from terrarium_server.engines.pytorch.model_thread import JobProgress
from terrarium_server.engines.pytorch.source import source_in

_FILES = ["*.json", "*.jinja", "*.txt", "*.model", "*.safetensors", "*.tiktoken"]
_MAX_TOKENS = 512
# What a conversation of some thousand tokens needs in addition to the weights.
_WORKSPACE = GIB
_PREVIEW_SECONDS = 0.2


def find(request: dict[str, Any]) -> Path:
    """Return the folder of a request's model; download it if that is allowed. Raises JobError."""
    source = source_in(request)
    if source.folder is not None:
        return Path(source.folder)
    with loading(source):
        hub: Any = importlib.import_module("huggingface_hub")
        code = ["*.py"] if request["card"]["trust_remote_code"] else []
        folder: str = hub.snapshot_download(
            source.hub,
            revision=source.revision,
            local_files_only=not request["download"],
            allow_patterns=_FILES + code,
        )
        return Path(folder)


class LanguageModel:
    """One model in memory, with its tokenizer or processor."""

    def __init__(self, device: Device, model: Any, processor: Any) -> None:
        """Take a model in main memory; ``processor`` is a tokenizer if the model reads only text."""
        self._device = device
        self._model = model
        self._processor = processor
        self._tokenizer = getattr(processor, "tokenizer", processor)
        # Whether the weights are split between the GPU and main memory.
        self._is_split = False

    @classmethod
    def load(cls, device: Device, folder: Path, request: dict[str, Any]) -> "LanguageModel":
        """Load a model from its folder. Raises JobError."""
        card = request["card"]
        has_vision = card["task"] == "image-to-text"
        with loading(source_in(request)):
            library: Any = importlib.import_module("transformers")
            options = {"local_files_only": True, "trust_remote_code": card["trust_remote_code"]}
            processor_class = library.AutoProcessor if has_vision else library.AutoTokenizer
            model_class = library.AutoModelForImageTextToText if has_vision else library.AutoModelForCausalLM
            processor = processor_class.from_pretrained(str(folder), **options)
            model = model_class.from_pretrained(
                str(folder),
                dtype=device.dtype(card["dtype"]),
                variant=card["variant"],
                use_safetensors=True,
                **options,
            )
        model.eval()
        return cls(device, model, processor)

    def to_device(self, *, low_memory: bool) -> None:
        """Move the weights to the device: all of them if they fit, else a part."""
        if self._device.name == "cpu" or self._is_split:
            return
        if not self._device.is_cuda or (not low_memory and self._fits()):
            self._model.to(self._device.name)
            return
        self.offload()
        accelerate: Any = importlib.import_module("accelerate")
        limit = max(0, self._device.free_memory() // 2)
        limits = {int(self._device.name.partition(":")[2]): limit, "cpu": 1024 * GIB}
        split: Any = accelerate.infer_auto_device_map(
            self._model, max_memory=limits, no_split_module_classes=self._model._no_split_modules
        )
        accelerate.dispatch_model(self._model, device_map=split)
        self._is_split = True

    def offload(self) -> None:
        """Move everything to main memory."""
        if self._is_split:
            hooks: Any = importlib.import_module("accelerate.hooks")
            hooks.remove_hook_from_submodules(self._model)
            self._is_split = False
        self._model.to("cpu")
        self._device.empty_cache()

    def write(self, request: dict[str, Any], images: list[Any], progress: JobProgress) -> Output:
        """Answer a prompt. Raises JobError if it is too long, or the answer is empty."""
        torch, params = self._device.torch, request["params"]
        if images and self._processor is self._tokenizer:
            message = 'This model reads no pictures; if it should, set task = "image-to-text" in its card.'
            raise JobError("GENERATION_INPUT_VALIDATION", message)
        inputs = self._inputs(request, images)
        length = int(inputs["input_ids"].shape[1])
        max_tokens = int(params.get("max_tokens") or _MAX_TOKENS)
        self._check_length(length, max_tokens)
        torch.manual_seed(request["seed"])
        temperature = float(params.get("temperature", 0.7))
        sampling = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        if temperature > 0:
            sampling = {"do_sample": True, "temperature": temperature}
            sampling |= {name: params[name] for name in ("top_p", "top_k") if params.get(name) is not None}
        streamer = _Streamer(self._tokenizer, max_tokens, progress)
        options = {**sampling, **request["card"]["call"]}
        with torch.inference_mode():
            result = self._model.generate(**inputs, **options, max_new_tokens=max_tokens, streamer=streamer)
        tokens = result[0].tolist()
        prompt = inputs["input_ids"][0].tolist()
        # Encoder-decoder models do not repeat the prompt in their output.
        tokens = tokens[length:] if tokens[:length] == prompt else tokens
        # PostgreSQL stores no zero characters in texts.
        text = self._tokenizer.decode(tokens, skip_special_tokens=True).replace("\0", "").strip()
        if not text:
            raise JobError(
                "GENERATION_NO_RESULT",
                "The model ended its answer before the first word; change the prompt or the seed.",
            )
        return Output("text/plain", text)

    def _inputs(self, request: dict[str, Any], images: list[Any]) -> Any:
        system = request["params"].get("system_prompt") or ""
        prompt = request["prompt"]
        if getattr(self._processor, "chat_template", None):
            prompt = self._as_chat(system, prompt, len(images))
        elif system:
            prompt = f"{system}\n\n{prompt}"
        arguments: dict[str, Any] = {"text": prompt, "return_tensors": "pt"}
        if getattr(self._processor, "chat_template", None):
            # The template has written the special tokens of the beginning.
            arguments["add_special_tokens"] = False
        inputs = self._processor(**arguments, **({"images": images} if images else {}))
        device = self._model.device
        dtype = self._model.dtype
        return {
            name: value.to(device, dtype) if value.is_floating_point() else value.to(device)
            for name, value in inputs.items()
        }

    def _as_chat(self, system: str, prompt: str, images: int) -> str:
        """Return the prompt in the model's chat template."""
        has_vision = self._processor is not self._tokenizer
        pictures: list[dict[str, str]] = [{"type": "image"}] * images
        user: Any = [*pictures, {"type": "text", "text": prompt}] if has_vision else prompt
        instructions: Any = [{"type": "text", "text": system}] if has_vision else system
        messages = [{"role": "system", "content": instructions}] if system else []
        messages.append({"role": "user", "content": user})
        text: str = self._processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        return text

    def _check_length(self, length: int, max_tokens: int) -> None:
        config: Any = self._model.config.get_text_config()
        limit = getattr(config, "max_position_embeddings", None)
        if isinstance(limit, int) and length + max_tokens > limit:
            message = (
                f"The prompt has {length} tokens and max_tokens is {max_tokens}; together they must be at"
                f" most {limit}. Shorten the prompt or lower max_tokens."
            )
            raise JobError("GENERATION_INPUT_VALIDATION", message)

    def _fits(self) -> bool:
        if self._model.device.type == "cuda":
            return True
        size = sum(part.numel() * part.element_size() for part in self._model.parameters())
        return self._device.free_memory() >= size + _WORKSPACE


class _Streamer:
    """Receives the tokens of a generation, the prompt's first, and reports them."""

    def __init__(self, tokenizer: Any, max_tokens: int, progress: JobProgress) -> None:
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens
        self._progress = progress
        self._tokens: list[int] = []
        self._has_prompt = False
        self._previewed = 0.0

    def put(self, value: Any) -> None:
        """Take tokens, (1, length) for the prompt and (1,) later. Raises Cancelled."""
        if not self._has_prompt:
            self._has_prompt = True
            return
        self._tokens += value.flatten().tolist()
        fraction = 0.05 + 0.95 * len(self._tokens) / self._max_tokens
        now = time.monotonic()
        preview = None
        if now - self._previewed >= _PREVIEW_SECONDS:
            self._previewed = now
            # The decoder returns U+FFFD for a character whose last tokens are missing.
            text = (
                self._tokenizer.decode(self._tokens, skip_special_tokens=True)
                .rstrip("\ufffd")
                .replace("\0", "")
            )
            preview = Output("text/plain", text) if text else None
        self._progress.report(fraction, preview)

    def end(self) -> None:
        """Do nothing: no token was held back."""


def size_of(folder: Path, request: dict[str, Any]) -> int:
    """Return the size of the weights on disk, in bytes."""
    return weights_size(folder, request["card"]["variant"])
