"""A ComfyUI server of the owner's: a card is a workflow, and its parameters are fields of the nodes."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, cast

from pydantic import Field

from ._comfyui import outcome
from ._comfyui.following import Following, following
from ._comfyui.workflow import ComfyCard, Graph, UnusableCard, fill
from ._contract import (
    Failed,
    Finished,
    Followers,
    Input,
    Job,
    Lost,
    Mark,
    News,
    Progress,
    Refused,
    Ticket,
    Unknown,
)
from ._fields import Made, fetched, made, may_exist
from ._provider import Provider, ProviderError, ProviderOptions, invalid_answer, poll
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
        self.longest_silence = provider.longest_silence
        self._provider = provider
        self._options = options
        self._headers = headers

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Say what is wrong with the card's options or its workflow."""
        try:
            ComfyCard.read(job_options).load()
        except UnusableCard as error:
            return str(error)
        return self._provider.key_problem(required=False)

    def followers(self, mark: Mark) -> Followers:
        """Whoever reaches this ComfyUI."""
        return self._provider.followers

    async def prepare(self, job: Job) -> Mark:
        """Check a job and choose its prompt's id. Raises Refused."""
        prompt, _, _ = await asyncio.to_thread(_planned, job)
        return Mark(prompt.written)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        """Upload the media and queue the workflow. Raises Refused."""
        prompt, card, graph = await asyncio.to_thread(_planned, job)
        try:
            uploaded = {
                name: [await self._upload(one) for one in media] for name, media in job.inputs.items()
            }
        except ProviderError as error:
            raise error.refused() from error
        try:
            name = await self._queue(prompt.id, fill(graph, card, job, uploaded))
        except ProviderError as error:
            found = await self.find(mark) if may_exist(error) else None
            if found is None or isinstance(found, Unknown):
                raise error.refused() from error
            return found
        return Ticket(replace(prompt, id=name).written)

    async def find(self, mark: Mark) -> Ticket | Unknown | None:
        """Look into the history and the queue."""
        prompt = _Prompt.read(mark)
        if prompt is None:
            return Unknown()
        try:
            return None if await self._look_up(prompt.id) is None else Ticket(mark)
        except ProviderError:
            return Unknown()

    async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Tell what the websocket tells, and ask; a prompt's files are fetched once it is over."""
        prompt = _Prompt.read(ticket)
        if prompt is None:
            yield Lost()
            return
        url, proxy = self._provider.url, self._options.proxy
        async with (
            following(url, prompt.client, prompt.id, headers=self._headers, proxy=proxy) as told,
            aclosing(self._listen(prompt, told)) as news,
        ):
            async for heard in news:
                yield heard
                if not isinstance(heard, Progress):
                    return
        async with aclosing(poll(lambda: self._ask(prompt, told), first=0.5, slowest=3.0)) as news:
            async for heard in news:
                # While it cannot be asked, what was told last still stands.
                yield told.progress if isinstance(heard, Progress) else heard

    async def cancel(self, ticket: Ticket) -> None:
        """Take a prompt out of the queue, and stop it if it is at work."""
        if prompt := _Prompt.read(ticket):
            # One that is over or gone has to be no trouble: nobody waits for it.
            with suppress(ProviderError):
                await self._stop(prompt.id)

    async def close(self) -> None:
        """Let go of the connections; prompts go on at ComfyUI."""
        await self._provider.close()

    async def _listen(self, prompt: "_Prompt", told: Following) -> AsyncGenerator[News]:
        """Tell the news of a prompt until its websocket has no more, or asking has to say what is wrong."""
        clock = asyncio.get_running_loop().time
        ask_at, is_troubled = clock(), False
        while told.is_alive and not told.is_over:
            if clock() >= ask_at:
                try:
                    heard = await self._ask(prompt, told)
                except ProviderError as error:
                    if is_troubled or not error.passes:
                        return
                    is_troubled = True
                else:
                    yield heard
                    is_troubled = False
                ask_at = clock() + _ASK_ANYWAY
            if await told.wait(ask_at - clock()):
                yield told.progress

    async def _upload(self, medium: Input) -> str:
        digest = await asyncio.to_thread(_digest, medium.path)
        # Named by what is in it: the same picture again takes no more room there.
        name = f"{digest}.{medium.content_type.partition('/')[2].removeprefix('x-')}"
        with medium.path.open("rb") as file:
            saved = await self._provider.json(
                "POST",
                "/upload/image",
                files={"image": (name, file, medium.content_type)},
                data={"subfolder": "terrarium", "type": "input", "overwrite": "true"},
            )
        name, folder = saved.get("name"), saved.get("subfolder")
        if not isinstance(name, str) or not isinstance(folder, str):
            raise invalid_answer(self._provider.who, "an uploaded file without a name")
        return f"{folder}/{name}" if folder else name

    async def _queue(self, client: str, graph: Graph) -> str:
        """Queue a workflow and return its prompt's id. Raises Refused and ProviderError."""
        who = self._provider.who
        try:
            body = {"prompt": graph, "prompt_id": client, "client_id": client}
            queued = await self._provider.json("POST", "/prompt", body=body)
        except ProviderError as error:
            if error.status == 400 and (failure := outcome.rejection(who, _object(error.body))):
                raise Refused(failure.code, failure.message) from error
            raise
        prompt = queued.get("prompt_id")
        if not isinstance(prompt, str) or not prompt:
            raise invalid_answer(who, "a prompt without an id")
        if failure := outcome.rejection(who, queued):
            await self._stop(prompt)
            raise Refused(failure.code, failure.message)
        return prompt

    async def _ask(self, prompt: "_Prompt", told: Following) -> News:
        match await self._look_up(prompt.id):
            case None:
                return Lost()
            case int(size):
                told.nodes = size
                return told.progress
            case entry:
                return await self._ended(entry, prompt)

    async def _look_up(self, prompt: str) -> Mapping[str, Any] | int | None:
        """Return the history of a prompt that is over, the number of nodes of one in the queue, else None."""
        # Twice, as it may have gone from the queue to the history between the two questions.
        for _ in range(2):
            entry = (await self._provider.json("GET", f"/history/{prompt}")).get(prompt)
            if isinstance(entry, Mapping):
                return cast(Mapping[str, Any], entry)
            size = _size_in(await self._provider.json("GET", "/queue"), prompt)
            if size is not None:
                return size
        return None

    async def _is_running(self, prompt: str) -> bool:
        running = (await self._provider.json("GET", "/queue")).get("queue_running")
        return any(
            isinstance(item, list) and prompt in cast(list[Any], item)[1:2]
            for item in cast(list[Any], running or [])
        )

    async def _stop(self, prompt: str) -> None:
        await self._provider.content("POST", "/queue", body={"delete": [prompt]}, seconds=_CANCEL_SECONDS)
        # Older versions stop whatever is at work, so it has to be this one.
        if await self._is_running(prompt):
            body = {"prompt_id": prompt}
            await self._provider.content("POST", "/interrupt", body=body, seconds=_CANCEL_SECONDS)

    async def _ended(self, entry: Mapping[str, Any], prompt: "_Prompt") -> Finished | Failed:
        who, kind, nodes = self._provider.who, prompt.kind, prompt.nodes
        status, outputs = entry.get("status"), entry.get("outputs")
        if isinstance(status, Mapping):
            failure = outcome.failure(who, cast(Mapping[str, Any], status), kind)
            if failure is not None:
                return failure
        if not isinstance(outputs, Mapping):
            raise invalid_answer(who, "a history without outputs")
        saved = cast(Mapping[str, Any], outputs)
        found = outcome.texts(saved, nodes) if kind == "text" else outcome.files(saved, nodes, kind)
        if not found:
            where = f"node {', '.join(nodes)}" if nodes else "its nodes"
            message = (
                f"{who} finished the workflow, but {where} saved no {kind}; the owner must check `output`."
            )
            return Failed("GENERATION_NO_RESULT", message)
        return Finished(await fetched(self._provider, found, kind))


@dataclass(frozen=True, slots=True)
class _Prompt:
    """What a ticket says: what is made, the prompt's id, the nodes that save it (none: all), its client.

    The client is who is told its news: called like the prompt, but where ComfyUI is too old to take an id.
    """

    kind: Made
    id: str
    nodes: tuple[str, ...]
    client: str

    @property
    def written(self) -> str:
        name = self.id if self.id == self.client else f"{self.id}@{self.client}"
        return json.dumps([self.kind, name, *self.nodes], separators=(",", ":"))

    @classmethod
    def read(cls, ticket: str) -> Self | None:
        try:
            parts: Any = json.loads(ticket)
        except ValueError:
            return None
        match parts:
            case ["image" | "video" | "audio" | "text" as kind, str(name), *nodes] if name:
                prompt, _, client = name.partition("@")
                return cls(kind, prompt, tuple(str(node) for node in nodes), client or prompt)
            case _:
                return None


def _planned(job: Job) -> tuple[_Prompt, ComfyCard, Graph]:
    """Return what a job becomes, its card and its workflow. Raises Refused."""
    kind = made(job)
    try:
        card = ComfyCard.read(job.options)
        graph = card.load()
    except UnusableCard as error:
        message = f"{job.model_id} cannot be used: {error}. The owner of this server must correct it."
        raise Refused("GENERATION_ENDPOINT_NOT_FOUND", message) from error
    name = str(uuid.uuid5(_SPACE, job.key))
    return _Prompt(kind, name, card.outputs, client=name), card, graph


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def _size_in(queue: Mapping[str, Any], prompt: str) -> int | None:
    """Return how many nodes a prompt that waits or is at work has, None if it is not in the queue."""
    for place in ("queue_running", "queue_pending"):
        for item in cast(list[Any], queue.get(place) or []):
            match item:
                case [_, str(found), {**graph}, *_] if found == prompt:
                    return len(cast(dict[str, Any], graph))
                case _:
                    pass
    return None


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
