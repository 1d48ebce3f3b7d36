"""In the child: where to compute, in which precision, and how much memory is left."""

import importlib
from pathlib import Path
from typing import Any

from .._child import Unfit
from .lease import Lease

GIB = 1024**3


class Machine:
    """The device that an engine computes on: ``name`` is cpu, mps or cuda:N; ``torch`` the library."""

    def __init__(self, device: str, dtype: str) -> None:
        """Find the device. Raises Unfit if it is not there."""
        self.torch: Any = importlib.import_module("torch")
        self.name = _find(self.torch, device)
        self.is_cuda = self.name.startswith("cuda")
        self.lease: Lease | None = None
        self._dtype = dtype
        if self.is_cuda:
            self.torch.backends.cudnn.benchmark = False
            self.torch.backends.cudnn.deterministic = True
            found: Any = self.torch.cuda.get_device_properties(self.name)
            self.lease = Lease(str(getattr(found, "uuid", self.name)))

    def dtype(self, card: str) -> Any:
        """Return torch's name of the precision: the engine's word, then on a GPU the card's, then half."""
        on_gpu = "float16" if card == "auto" else card
        name = self._dtype if self._dtype != "auto" else "float32" if self.name == "cpu" else on_gpu
        return getattr(self.torch, name)

    def free(self) -> int:
        """Return how many bytes of the CUDA device are free for us."""
        self.tidy()
        return int(self.torch.cuda.mem_get_info(self.name)[0])

    def tidy(self) -> None:
        """Give memory back that is held in reserve."""
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
            raise Unfit("GPU_PROVIDER_ERROR", f"PyTorch finds no {device} here; correct the engine's device.")
        return f"cuda:{number}"
    if device == "mps" and not torch.backends.mps.is_available():
        raise Unfit("GPU_PROVIDER_ERROR", "PyTorch finds no mps here; correct the engine's device.")
    return device


def is_out_of_memory(error: BaseException) -> bool:
    """Tell a lack of memory, on whatever device, from other failures."""
    names = {kind.__name__ for kind in type(error).__mro__}
    said = str(error).lower()
    told = "out of memory" in said or "not enough memory" in said or "can't allocate memory" in said
    return bool(names & {"OutOfMemoryError", "MemoryError"}) or (isinstance(error, RuntimeError) and told)


def is_broken(error: BaseException) -> bool:
    """Tell failures after which a process can use its GPU no more."""
    return any(kind.__name__ == "AcceleratorError" for kind in type(error).__mro__)


def free_ram() -> int | None:
    """Return how many bytes of main memory are free, or None where that cannot be told."""
    try:
        lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None


def weights_size(folder: Path, variant: str | None) -> int:
    """Return the bytes of the weights in a model's folder; where a variant has its own, those count."""
    total = 0
    for place in {path.parent for path in folder.rglob("*.safetensors")}:
        files = list(place.glob("*.safetensors"))
        chosen = [path for path in files if f".{variant}" in path.name] if variant else []
        total += sum(path.stat().st_size for path in chosen or files)
    return total
