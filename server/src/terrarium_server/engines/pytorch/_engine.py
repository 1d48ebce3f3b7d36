import os
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from .._contract import Job, Refused
from .._limits import Limits
from .._pooled import Pooled
from .._process import ProcessPool
from .._setup import Setup
from ._options import LocalCard, LocalOptions, place_of, trouble

# As long as a step of a large model takes; afterwards its weights would have to be loaded again.
_CANCEL_GRACE = 30.0
_PATIENCE = 300.0
# Half a day on each of its cores.
_SECONDS = 43_200
# Large models come as dozens of files, and a library keeps them mapped.
_FILES = 4096


class LocalEngine(Pooled):
    """One child process with PyTorch in it. Repeatable: same job, machine and settings, same bytes.

    A kind says which ``module`` the child runs, which libraries it ``needs``, the ``file`` that every model
    of its has, what its ``card`` takes, and which ``types`` it makes.
    """

    module: ClassVar[str]
    needs: ClassVar[Iterable[str]]
    file: ClassVar[str]
    card: ClassVar[type[LocalCard]]
    types: ClassVar[tuple[str, ...]]

    def __init__(self, setup: Setup) -> None:
        """Start nothing yet. There is one child whatever ``setup.processes`` says: weights are heavy."""
        options = setup.options
        assert isinstance(options, LocalOptions)
        self._options = options
        threads = options.threads or os.cpu_count() or 1
        pool = ProcessPool(
            f"terrarium_server.engines.{self.module}",
            processes=1,
            scratch=setup.scratch,
            # Drivers of GPUs map more than there is, and weights that are fetched are large files.
            limits=Limits(seconds=_SECONDS * threads, memory=None, file_size=None, files=_FILES),
            patience=_PATIENCE,
            idle_seconds=options.idle_seconds,
            threads=threads,
            cancel_grace=_CANCEL_GRACE,
        )
        super().__init__(setup.name, pool)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Say what is missing: a library, the model's folder, or its weights from the hub."""
        try:
            card = self.card.read(job_options)
        except ValueError as error:
            return str(error)
        place = place_of(card, self._options.folder)
        return trouble(place, self.needs, file=self.file, download=self._options.download)

    def request(self, job: Job) -> dict[str, Any]:
        """Ask for what a job wants. Raises Refused for a type or a card that it is not made for."""
        if job.type not in self.types:
            raise Refused(
                "GENERATION_PROVIDER_NOT_SUPPORTED",
                f"The engine {self.name} makes {' and '.join(self.types)}, no {job.type}.",
            )
        problem = self.problem(job.options)
        if problem is not None:
            raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", f"{job.model_id} cannot be used: {problem}")
        card = self.card.read(job.options)
        media = {
            name: [{"path": str(file.path), "content_type": file.content_type} for file in files]
            for name, files in job.inputs.items()
        }
        return {
            "type": job.type,
            "prompt": job.prompt,
            "params": {name: value for name, value in job.params.items() if name not in {"seed", *media}},
            "seed": job.seed,
            "media": media,
            "place": place_of(card, self._options.folder).as_json(),
            "card": card.model_dump(),
            "device": self._options.device,
            "dtype": self._options.dtype,
            "download": self._options.download,
        }
