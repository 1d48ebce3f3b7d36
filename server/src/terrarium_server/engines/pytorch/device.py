"""The device that a model process computes on, its precision, and how much memory is left."""

import importlib
from pathlib import Path
from typing import Any

from terrarium_server.engines.child import JobError

from .gpu_lock import GpuLock

GIB = 1024**3


class Device:
    """``name`` is cpu, mps or cuda:N; ``torch`` is the library; ``lock`` is there for a GPU of CUDA."""

    def __init__(self, device: str, dtype: str) -> None:
        """Find the device. Raises JobError if there is none of that name."""
        self.torch: Any = importlib.import_module("torch")
        self.name = _find(self.torch, device)
        self.is_cuda = self.name.startswith("cuda")
        self.lock: GpuLock | None = None
        self._dtype = dtype
        if self.is_cuda:
            self.torch.backends.cudnn.benchmark = False
            self.torch.backends.cudnn.deterministic = True
            properties: Any = self.torch.cuda.get_device_properties(self.name)
            self.lock = GpuLock(str(getattr(properties, "uuid", self.name)))

    def dtype(self, card: str) -> Any:
        """Return torch's dtype: the engine's option, else on a GPU the card's, else half precision there."""
        on_gpu = "float16" if card == "auto" else card
        name = self._dtype if self._dtype != "auto" else "float32" if self.name == "cpu" else on_gpu
        return getattr(self.torch, name)

    def free_memory(self) -> int:
        """Return how many bytes of the CUDA device are free."""
        self.empty_cache()
        return int(self.torch.cuda.mem_get_info(self.name)[0])

    def empty_cache(self) -> None:
        """Return memory to the device that torch keeps in reserve."""
        if self.is_cuda:
            self.torch.cuda.empty_cache()
        elif self.name == "mps":
            self.torch.mps.empty_cache()


def _find(torch: Any, device: str) -> str:
    if device == "auto":
        return (
            "cuda:0" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        )
    if device.startswith("cuda"):
        number = int(device.partition(":")[2] or 0)
        if not torch.cuda.is_available() or number >= torch.cuda.device_count():
            raise JobError(
                "GPU_PROVIDER_ERROR", f"PyTorch finds no {device} here; correct the engine's device."
            )
        return f"cuda:{number}"
    if device == "mps" and not torch.backends.mps.is_available():
        raise JobError("GPU_PROVIDER_ERROR", "PyTorch finds no mps here; correct the engine's device.")
    return device


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means a lack of memory, on whatever device."""
    names = {base.__name__ for base in type(error).__mro__}
    text = str(error).lower()
    lacks = "out of memory" in text or "not enough memory" in text or "can't allocate memory" in text
    return bool(names & {"OutOfMemoryError", "MemoryError"}) or (isinstance(error, RuntimeError) and lacks)


def is_broken(error: BaseException) -> bool:
    """Return whether a process can no longer use its GPU after this error."""
    return any(base.__name__ == "AcceleratorError" for base in type(error).__mro__)


def free_ram() -> int | None:
    """Return how many bytes of main memory are free, or None where that is unknown."""
    try:
        lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    except OSError:
        return None
    available = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(available[0]) * 1024 if available else None


def weights_size(folder: Path, variant: str | None) -> int:
    """Return the bytes of the weights in a model's folder; where a variant has its own, only those."""
    total = 0
    for parent in {path.parent for path in folder.rglob("*.safetensors")}:
        files = list(parent.glob("*.safetensors"))
        chosen = [path for path in files if f".{variant}" in path.name] if variant else []
        total += sum(path.stat().st_size for path in chosen or files)
    return total
