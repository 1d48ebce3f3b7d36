"""A ComfyUI server of the owner's: a card is a workflow, and its parameters are fields of the nodes."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, cast

from pydantic import Field

from terrarium_server.engines import Failed, Input, Job, Lost, Mark, News, Progress, Refused
from terrarium_server.engines.provider import (
    BaseUrl,
    Provider,
    ProviderError,
    ProviderOptions,
    ProviderTicket,
    QueuedEngine,
    Results,
    Status,
    checked_type,
    join_texts,
    output_type,
    split_texts,
)
from terrarium_server.engines.setup import Setup

from . import outcome
from .websocket import PromptSocket, open_socket
from .workflow import ComfyCard

_SPACE = uuid.UUID("5f1a9f0e-6f38-4f0a-9b76-0a1d5c0f7a52")
_STOP_SECONDS = 30.0
# While a websocket delivers news, a prompt is still polled now and then, because ComfyUI might have lost it.
_POLL_ANYWAY = 10.0


class ComfyOptions(ProviderOptions):
    """A key is needed only where a proxy in front of ComfyUI requires one."""

    url: BaseUrl = Field("http://127.0.0.1:8188", description="Where ComfyUI listens.")


OPTIONS = ComfyOptions


@dataclass(frozen=True, slots=True)
class ComfyTicket(ProviderTicket):
    """A prompt's id, the nodes that save its results (none: all), and its websocket client.

    The client receives the prompt's news. It is named like the prompt, unless ComfyUI is so old that it
    chooses the prompt's id itself.
    """

    id: str
    nodes: tuple[str, ...]
    client: str

    @property
    def text(self) -> str:
        """All fields, the id and a client of another name in one."""
        name = self.id if self.id == self.client else f"{self.id}@{self.client}"
        return join_texts((self.type, name, *self.nodes))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read all fields. Raises ValueError."""
        made, name, *nodes = split_texts(text)
        if not name:
            raise ValueError("no id of a prompt")
        prompt, _, client = name.partition("@")
        return cls(checked_type(made), prompt, tuple(nodes), client or prompt)


@dataclass(frozen=True, slots=True)
class _InQueue(Progress):
    """A prompt that waits or runs; ``nodes`` is how many its workflow has."""

    nodes: int = 0


class ComfyEngine(QueuedEngine[ComfyCard, ComfyTicket]):
    """Sends workflows to a ComfyUI server and follows them through its websocket.

    Not repeatable: a workflow may contain nodes that are random or paid for, and takes minutes of a GPU. A
    prompt's id is derived from the job's key, so a prompt whose answer was lost is found again.
    """

    card = ComfyCard
    ticket = ComfyTicket

    def __init__(self, setup: Setup) -> None:
        """Connect to nothing yet."""
        super().__init__(setup.name, Provider.for_engine(setup), key_required=False)
        self._proxy = cast(ComfyOptions, setup.options).proxy
        # For the websocket, which does not go through `Provider`.
        key = setup.key
        self._headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}

    async def mark(self, job: Job, card: ComfyCard) -> Mark:
        """Return the ticket that the job will have."""
        return Mark(_ticket_of(job, card).text)

    async def request(self, job: Job, card: ComfyCard) -> dict[str, Any]:
        """Upload the media and return the workflow with the job's values."""
        uploaded = {name: [await self._upload(one) for one in media] for name, media in job.inputs.items()}
        return card.fill(job, uploaded)

    async def post(self, job: Job, card: ComfyCard, request: dict[str, Any]) -> ComfyTicket:
        """Queue a workflow."""
        ticket = _ticket_of(job, card)
        body = {"prompt": request, "prompt_id": ticket.id, "client_id": ticket.client}
        try:
            queued = await self.provider.json("POST", "/prompt", body=body)
        except ProviderError as error:
            if error.status == 400 and (failure := outcome.rejection(self.provider, _object(error.body))):
                raise Refused(failure.code, failure.message) from error
            raise
        ticket = replace(ticket, id=self.provider.text_field(queued, "prompt_id"))
        if failure := outcome.rejection(self.provider, queued):
            # ComfyUI queues the part of a workflow that is valid.
            await self.stop(ticket)
            raise Refused(failure.code, failure.message)
        return ticket

    async def search(self, mark: Mark) -> ComfyTicket | None:
        """Look for a prompt in the history and in the queue."""
        ticket = ComfyTicket.parse(mark)
        return None if await self._look_up(ticket.id) is None else ticket

    async def status(self, ticket: ComfyTicket) -> Status:
        """Look for a prompt in the history and in the queue."""
        match await self._look_up(ticket.id):
            case None:
                return Lost()
            case int(nodes):
                return _InQueue(0.0, nodes=nodes)
            case entry:
                return self._ended(ticket, entry)

    async def stop(self, ticket: ComfyTicket) -> None:
        """Take a prompt out of the queue, and interrupt it if it is running."""
        body: dict[str, Any] = {"delete": [ticket.id]}
        await self.provider.send("POST", "/queue", body=body, seconds=_STOP_SECONDS)
        # Older versions interrupt whatever prompt is running, so it has to be this one.
        if await self._is_running(ticket.id):
            body = {"prompt_id": ticket.id}
            await self.provider.send("POST", "/interrupt", body=body, seconds=_STOP_SECONDS)

    async def news(self, ticket: ComfyTicket) -> AsyncGenerator[News]:
        """Yield the news of a prompt's websocket, then poll."""
        async with (
            open_socket(
                self.provider.url, ticket.client, ticket.id, headers=self._headers, proxy=self._proxy
            ) as socket,
            aclosing(self._from_socket(ticket, socket)) as following,
        ):
            async for news in following:
                yield news
                if not isinstance(news, Progress):
                    return
        async with aclosing(super().news(ticket)) as following:
            async for news in following:
                # Polling has no fraction, so the last one of the websocket is repeated.
                yield socket.progress if isinstance(news, Progress) else news

    async def _from_socket(self, ticket: ComfyTicket, socket: PromptSocket) -> AsyncGenerator[News]:
        """Yield news until the websocket has no more, or polling fails for good or twice in a row."""
        clock = asyncio.get_running_loop().time
        poll_at, failed_before = clock(), False
        while socket.is_open and not socket.is_over:
            if clock() >= poll_at:
                try:
                    news = await self.poll_once(ticket)
                except ProviderError as error:
                    if failed_before or not error.is_temporary:
                        return
                    failed_before = True
                else:
                    failed_before = False
                    if isinstance(news, _InQueue):
                        socket.nodes = news.nodes
                    yield socket.progress if isinstance(news, Progress) else news
                poll_at = clock() + _POLL_ANYWAY
            if await socket.wait(poll_at - clock()):
                yield socket.progress

    async def _upload(self, medium: Input) -> str:
        digest = await asyncio.to_thread(_digest, medium.path)
        # Named by its content, so that the same picture is stored there once.
        name = f"{digest}.{medium.content_type.partition('/')[2].removeprefix('x-')}"
        with medium.path.open("rb") as file:
            saved = await self.provider.json(
                "POST",
                "/upload/image",
                files={"image": (name, file, medium.content_type)},
                data={"subfolder": "terrarium", "type": "input", "overwrite": "true"},
            )
        name, folder = saved.get("name"), saved.get("subfolder")
        if not isinstance(name, str) or not isinstance(folder, str):
            raise self.provider.invalid_answer("an uploaded file without a name")
        return f"{folder}/{name}" if folder else name

    async def _look_up(self, prompt: str) -> Mapping[str, Any] | int | None:
        """Return the history of a prompt that is over, the number of nodes of one in the queue, else None."""
        # Twice: it may have moved from the queue to the history between the two requests.
        for _ in range(2):
            entry = (await self.provider.json("GET", f"/history/{prompt}")).get(prompt)
            if isinstance(entry, Mapping):
                return cast(Mapping[str, Any], entry)
            nodes = _nodes_in_queue(await self.provider.json("GET", "/queue"), prompt)
            if nodes is not None:
                return nodes
        return None

    async def _is_running(self, prompt: str) -> bool:
        running = (await self.provider.json("GET", "/queue")).get("queue_running")
        return any(
            isinstance(item, list) and prompt in cast(list[Any], item)[1:2]
            for item in cast(list[Any], running or [])
        )

    def _ended(self, ticket: ComfyTicket, entry: Mapping[str, Any]) -> Results | Failed:
        nodes = ticket.nodes
        status, outputs = entry.get("status"), entry.get("outputs")
        if isinstance(status, Mapping):
            failure = outcome.failure(self.provider, cast(Mapping[str, Any], status), ticket.type)
            if failure is not None:
                return failure
        if not isinstance(outputs, Mapping):
            raise self.provider.invalid_answer("a history without outputs")
        saved = cast(Mapping[str, Any], outputs)
        is_text = ticket.type == "text"
        addresses = outcome.texts(saved, nodes) if is_text else outcome.files(saved, nodes, ticket.type)
        if not addresses:
            where = f"node {', '.join(nodes)}" if nodes else "its nodes"
            message = f"{self.provider.label} finished the workflow, but {where} saved no {ticket.type}; "
            return Failed("GENERATION_NO_RESULT", f"{message}the owner must check `output`.")
        return Results(addresses)


def _ticket_of(job: Job, card: ComfyCard) -> ComfyTicket:
    prompt = str(uuid.uuid5(_SPACE, job.key))
    return ComfyTicket(output_type(job), prompt, card.outputs, client=prompt)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def _nodes_in_queue(queue: Mapping[str, Any], prompt: str) -> int | None:
    """Return how many nodes a prompt that waits or runs has, None if it is not in the queue."""
    for part in ("queue_running", "queue_pending"):
        for item in cast(list[Any], queue.get(part) or []):
            match item:
                case [_, str(other), {**graph}, *_] if other == prompt:
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
    return ComfyEngine(setup)
