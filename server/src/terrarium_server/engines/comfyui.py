"""A ComfyUI server of the owner's: a card is a workflow, and its parameters are fields of the nodes."""

import hashlib
import json
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from pydantic import Field

from ._comfyui import outcome
from ._comfyui.following import Following
from ._comfyui.workflow import ComfyCard, Graph, UnusableCard, fill
from ._contract import Failed, Finished, Input, Job, Look, Lost, Output, Refused, Ticket, Waiting
from ._fields import made, may_exist
from ._provider import (
    MediaKind,
    Polls,
    Provider,
    ProviderError,
    ProviderOptions,
    invalid_answer,
    media_output,
)
from ._setup import Setup

_SPACE = uuid.UUID("5f1a9f0e-6f38-4f0a-9b76-0a1d5c0f7a52")
_CANCEL_SECONDS = 30.0
# While a websocket tells its news, a prompt is asked for just now and then: it might have been lost.
_ASK_ANYWAY = 10.0


class ComfyOptions(ProviderOptions):
    """A key is needed only where something in front of ComfyUI asks for one."""

    url: str = Field(
        "http://127.0.0.1:8188", pattern=r"^https?://[^\s@?#]+$", description="Where ComfyUI listens."
    )


OPTIONS = ComfyOptions


class ComfyEngine:
    """Sends workflows to a ComfyUI server and follows them there.

    Not repeatable: a workflow may hold nodes that are random or paid for, and takes minutes of a GPU. A
    prompt's id comes from the job's key, so that one whose answer was lost is found again.
    """

    repeatable = False

    def __init__(
        self, name: str, provider: Provider, options: ComfyOptions, headers: Mapping[str, str]
    ) -> None:
        """Talk to ComfyUI through ``provider``, and with ``headers`` where it is followed."""
        self.name = name
        self._provider = provider
        self._options = options
        self._headers = headers
        self._polls = Polls(first=0.5, slowest=3.0)
        self._watches: dict[Ticket, _Watch] = {}
        self._cancelled: set[Ticket] = set()
        self._lock = threading.Lock()

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Say what is wrong with the card's options or its workflow."""
        try:
            ComfyCard.read(job_options).load()
        except UnusableCard as error:
            return str(error)
        return self._provider.key_problem(required=False)

    def submit(self, job: Job) -> Ticket:
        """Upload the media and queue the workflow. Raises Refused."""
        kind = made(job)
        try:
            card = ComfyCard.read(job.options)
            graph = card.load()
        except UnusableCard as error:
            message = f"{job.model_id} cannot be used: {error}. The owner of this server must correct it."
            raise Refused("GENERATION_ENDPOINT_NOT_FOUND", message) from error
        try:
            uploaded = {name: [self._upload(one) for one in media] for name, media in job.inputs.items()}
        except ProviderError as error:
            raise error.refused() from error
        client = str(uuid.uuid5(_SPACE, job.key))
        following = self._follow(client, len(graph))
        try:
            prompt = self._queue(client, fill(graph, card, job, uploaded))
        except Refused:
            if following is not None:
                following.close()
            raise
        if following is not None:
            following.prompt = prompt
        ticket = Ticket(json.dumps([kind, prompt, *card.outputs], separators=(",", ":")))
        with self._lock:
            self._watches[ticket] = _Watch(following, asked_at=time.monotonic())
        return ticket

    def look(self, ticket: Ticket, *, wait_seconds: float) -> Look:
        """Follow a prompt; its files are fetched once it is over."""
        known = _parts(ticket)
        if known is None or ticket in self._cancelled:
            return Lost()
        kind, prompt, *nodes = known
        watch = self._watch(ticket, prompt)
        if not self._is_due(ticket, watch, wait_seconds):
            return watch.waiting()
        watch.asked_at = time.monotonic()
        try:
            seen = self._ask(prompt, kind, nodes, watch)
            self._polls.answered(ticket)
        except ProviderError as error:
            seen = self._polls.failed(ticket, error) if watch.following is None else None
        if seen is None or isinstance(seen, Waiting):
            return watch.waiting()
        self._forget(ticket)
        return seen

    def cancel(self, ticket: Ticket) -> None:
        """Take a prompt out of the queue, and stop it if it is at work."""
        known = _parts(ticket)
        if known is not None and ticket not in self._cancelled:
            self._cancelled.add(ticket)
            # One that is over or gone has to be no trouble: nobody waits for it.
            with suppress(ProviderError):
                self._stop(known[1])
        self._forget(ticket)

    def close(self) -> None:
        """Hang up; prompts go on at ComfyUI."""
        self._polls.close()
        with self._lock:
            watches = list(self._watches.values())
            self._watches.clear()
        for watch in watches:
            watch.unfollow()
        self._provider.close()

    def _forget(self, ticket: Ticket) -> None:
        self._polls.forget(ticket)
        with self._lock:
            watch = self._watches.pop(ticket, None)
        if watch is not None:
            watch.unfollow()

    def _watch(self, ticket: Ticket, prompt: str) -> "_Watch":
        with self._lock:
            watch = self._watches.get(ticket)
        if watch is None:
            # A process that was started anew: it asks at once, and follows from here.
            watch = _Watch(self._follow(prompt, 0), asked_at=0.0)
            with self._lock:
                self._watches[ticket] = watch
        return watch

    def _follow(self, client: str, nodes: int) -> Following | None:
        url, proxy = self._provider.url, self._options.proxy
        try:
            return Following(url, client, nodes=nodes, headers=self._headers, proxy=proxy)
        except OSError:
            return None  # Something in front of ComfyUI lets no websocket through: asking will do.

    def _is_due(self, ticket: Ticket, watch: "_Watch", wait_seconds: float) -> bool:
        """Wait for news, and say whether the history should be asked."""
        following = watch.following
        if following is None:
            return self._polls.due(ticket, wait_seconds)
        if watch.asked_at > 0:
            following.wait(wait_seconds)
        watch.note(following)
        if following.is_over or not following.is_alive:
            watch.unfollow()
            return self._polls.due(ticket, 0.0)
        return watch.asked_at == 0 or time.monotonic() - watch.asked_at > _ASK_ANYWAY

    def _upload(self, medium: Input) -> str:
        with medium.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:32]
            file.seek(0)
            # Named by what is in it: the same picture again takes no more room there.
            name = f"{digest}.{medium.content_type.partition('/')[2].removeprefix('x-')}"
            saved = self._provider.json(
                "POST",
                "/upload/image",
                files={"image": (name, file, medium.content_type)},
                data={"subfolder": "terrarium", "type": "input", "overwrite": "true"},
            )
        name, folder = saved.get("name"), saved.get("subfolder")
        if not isinstance(name, str) or not isinstance(folder, str):
            raise invalid_answer(self._provider.who, "an uploaded file without a name")
        return f"{folder}/{name}" if folder else name

    def _queue(self, client: str, graph: Graph) -> str:
        """Queue a workflow and return its prompt's id. Raises Refused."""
        who = self._provider.who
        try:
            body = {"prompt": graph, "prompt_id": client, "client_id": client}
            queued = self._provider.json("POST", "/prompt", body=body)
            prompt = queued.get("prompt_id")
            if not isinstance(prompt, str) or not prompt:
                raise invalid_answer(who, "a prompt without an id")
            if failure := outcome.rejection(who, queued):
                self._stop(prompt)
                raise Refused(failure.code, failure.message)
            return prompt
        except ProviderError as error:
            if may_exist(error) and self._is_there(client):
                return client
            refused = error.refused()
            if error.status == 400 and (failure := outcome.rejection(who, _object(error.body))):
                refused = Refused(failure.code, failure.message)
            raise refused from error

    def _is_there(self, prompt: str) -> bool:
        try:
            return prompt in self._history(prompt) or self._size_in_queue(prompt) is not None
        except ProviderError:
            return False

    def _ask(self, prompt: str, kind: str, nodes: list[str], watch: "_Watch") -> Look:
        # Twice, as it may have gone from the queue to the history between the two questions.
        for _ in range(2):
            entry = self._history(prompt).get(prompt)
            if isinstance(entry, Mapping):
                return self._ended(cast(Mapping[str, Any], entry), kind, nodes)
            size = self._size_in_queue(prompt)
            if size is not None:
                if watch.following is not None:
                    watch.following.nodes = size
                return watch.waiting()
        return Lost()

    def _history(self, prompt: str) -> dict[str, Any]:
        return self._provider.json("GET", f"/history/{prompt}")

    def _size_in_queue(self, prompt: str) -> int | None:
        """Return how many nodes a prompt that waits or is at work has, None if it is not in the queue."""
        queue = self._provider.json("GET", "/queue")
        for place in ("queue_running", "queue_pending"):
            for item in cast(list[Any], queue.get(place) or []):
                match item:
                    case [_, str(found), {**graph}, *_] if found == prompt:
                        return len(cast(dict[str, Any], graph))
                    case _:
                        pass
        return None

    def _is_running(self, prompt: str) -> bool:
        running = cast(list[Any], self._provider.json("GET", "/queue").get("queue_running") or [])
        return any(isinstance(item, list) and prompt in cast(list[Any], item)[1:2] for item in running)

    def _stop(self, prompt: str) -> None:
        self._provider.content("POST", "/queue", body={"delete": [prompt]}, seconds=_CANCEL_SECONDS)
        # Older versions stop whatever is at work, so it has to be this one.
        if self._is_running(prompt):
            self._provider.content("POST", "/interrupt", body={"prompt_id": prompt}, seconds=_CANCEL_SECONDS)

    def _ended(self, entry: Mapping[str, Any], kind: str, nodes: list[str]) -> Finished | Failed:
        who = self._provider.who
        status, outputs = entry.get("status"), entry.get("outputs")
        if isinstance(status, Mapping):
            failure = outcome.failure(who, cast(Mapping[str, Any], status), kind)
            if failure is not None:
                return failure
        if not isinstance(outputs, Mapping):
            raise invalid_answer(who, "a history without outputs")
        made = cast(Mapping[str, Any], outputs)
        if kind == "text":
            results = tuple(Output("text/plain", text) for text in outcome.texts(made, nodes))
        else:
            paths = outcome.files(made, nodes, kind)
            results = tuple(self._fetched(path, cast(MediaKind, kind)) for path in paths)
        if not results:
            where = f"node {', '.join(nodes)}" if nodes else "its nodes"
            message = (
                f"{who} finished the workflow, but {where} saved no {kind}; the owner must check `output`."
            )
            return Failed("GENERATION_NO_RESULT", message)
        return Finished(results)

    def _fetched(self, path: str, kind: MediaKind) -> Output:
        return media_output(self._provider.who, self._provider.content("GET", path).content, kind)


@dataclass(slots=True)
class _Watch:
    """What is known of a prompt; without ``following`` only asking helps."""

    following: Following | None
    asked_at: float
    progress: float = 0.0
    preview: Output | None = None

    def note(self, following: Following) -> None:
        self.progress = max(self.progress, following.progress)
        self.preview = following.preview

    def waiting(self) -> Waiting:
        return Waiting(self.progress, self.preview)

    def unfollow(self) -> None:
        if self.following is not None:
            self.following.close()
            self.following = None


def _parts(ticket: Ticket) -> list[str] | None:
    try:
        parts: Any = json.loads(ticket)
    except ValueError:
        return None
    if not isinstance(parts, list) or len(cast(list[Any], parts)) < 2:
        return None
    return [str(part) for part in cast(list[Any], parts)]


def _object(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def build(setup: Setup) -> ComfyEngine:
    """Make the engine for this server."""
    options = cast(ComfyOptions, setup.options)
    headers = {"Authorization": f"Bearer {setup.key.get_secret_value()}"} if setup.key else {}
    return ComfyEngine(setup.name, Provider.for_engine(setup, options), options, headers)
