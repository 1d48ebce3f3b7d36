"""The engine of a kind on PyTorch: one model process, and the checks of its jobs."""

import os
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from terrarium_server.engines import Job, Refused
from terrarium_server.engines.processes import Limits, PooledEngine, ProcessPool
from terrarium_server.engines.setup import Setup

from .options import LocalCard, LocalOptions, source_of, source_problem

# As long as a step of a large model takes. After it the process is killed and must load its weights again.
_CANCEL_GRACE = 30.0
_PATIENCE = 300.0
# Half a day on each of its cores.
_SECONDS = 43_200
# Large models consist of dozens of files, and a library keeps them mapped.
_FILES = 4096


class LocalEngine(PooledEngine):
    """Runs jobs in one process with PyTorch. Repeatable: same job, machine and settings, same bytes.

    A kind sets ``module``, which the process runs, the ``libraries`` that must be installed, a ``file`` that
    every model of the kind has, ``card``, the type of its card options, and the ``types`` of its outputs.
    """

    module: ClassVar[str]
    libraries: ClassVar[Iterable[str]]
    file: ClassVar[str]
    card: ClassVar[type[LocalCard]]
    types: ClassVar[tuple[str, ...]]

    def __init__(self, setup: Setup) -> None:
        """Start nothing yet. There is one process whatever ``setup.processes`` is: weights are large."""
        options = setup.options
        assert isinstance(options, LocalOptions)
        self._options = options
        threads = options.threads or os.cpu_count() or 1
        pool = ProcessPool(
            self.module,
            processes=1,
            scratch=setup.scratch,
            # GPU drivers map more memory than there is, and downloaded weights are large files.
            limits=Limits(seconds=_SECONDS * threads, memory=None, file_size=None, files=_FILES),
            patience=_PATIENCE,
            idle_seconds=options.idle_seconds,
            threads=threads,
            cancel_grace=_CANCEL_GRACE,
        )
        super().__init__(setup.name, pool)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Return what is missing: a library, the model's folder, or its weights from the hub."""
        try:
            card = self.card.read(job_options)
        except ValueError as error:
            return str(error)
        source = source_of(card, self._options.folder)
        return source_problem(source, self.libraries, file=self.file, download=self._options.download)

    def request(self, job: Job) -> dict[str, Any]:
        """Return the request for a job. Raises Refused for another type, or a card that cannot work."""
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
            "source": source_of(card, self._options.folder).as_json(),
            "card": card.model_dump(),
            "device": self._options.device,
            "dtype": self._options.dtype,
            "download": self._options.download,
        }
