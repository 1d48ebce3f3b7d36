"""The Python client starts a batch, follows its events, and starts again what failed."""

import asyncio
from contextlib import aclosing
from typing import Any

from support.server import Server
from terrarium import AsyncFlora, Flora
from terrarium.types import Event


def starts(*outcomes: str) -> list[dict[str, Any]]:
    return [
        {"type": "text", "prompt": "a fern", "model": "t2t-rehearsal", "params": {"outcome": outcome}}
        for outcome in outcomes
    ]


def test_a_batch_is_followed_and_its_failed_run_started_again(server: Server) -> None:
    account = server.new_account()
    with Flora(api_key=account.api_key, base_url=server.api_url) as flora:
        started = flora.runs.start_batch(
            workspace_id=account.workspace_id,
            project_id=account.project_id,
            starts=starts("completed", "moderated"),
        )
        good, bad = (each.run_id for each in started.runs)
        events = [each for each in flora.runs.events(started.run_id) if isinstance(each, Event)]
        told = {run_id: [each.type for each in events if each.run_id == run_id] for run_id in (good, bad)}
        assert told[good] == ["run.created", "run.started", "run.completed"]
        assert told[bad] == ["run.created", "run.started", "run.failed"]
        assert (events[-1].run_id, events[-1].type) == (started.run_id, "run.completed")

        batch = flora.runs.wait(started.run_id)
        assert batch.counts is not None
        assert batch.steps is not None
        assert (batch.counts.completed, batch.counts.failed) == (1, 1)
        assert batch.steps[1].error_code == "GENERATION_PROMPT_MODERATED"

        again = flora.runs.rerun(bad, params={"outcome": "completed"})
        run = flora.runs.wait(again.run_id)
        assert (run.prompt, run.seed) == ("a fern", flora.runs.retrieve(bad).seed)


def test_a_project_is_watched_from_the_moment_it_is_open(server: Server) -> None:
    account = server.new_account()

    async def watch() -> None:
        async with AsyncFlora(api_key=account.api_key, base_url=server.api_url) as flora:
            async with aclosing(flora.projects.events(account.project_id)) as events:
                assert (await anext(events)).type == "open"
                started = await flora.runs.start_batch(
                    workspace_id=account.workspace_id,
                    project_id=account.project_id,
                    starts=starts("completed"),
                )
                seen: list[Event] = []
                async for event in events:
                    if isinstance(event, Event):
                        seen.append(event)
                        if event.run_id == started.run_id and event.type == "run.completed":
                            break
            # Whoever was away goes on where it stopped.
            resumed = flora.projects.events(account.project_id, after=seen[0].number)
            async with aclosing(resumed) as events:
                assert (await anext(events)).type == "open"
                assert [await anext(events) for _ in seen[1:]] == seen[1:]

    asyncio.run(watch())
