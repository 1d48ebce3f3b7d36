from terrarium_server.engines._contract import Job, Output
from terrarium_server.engines._provider import Provider

from ._calls import Report
from ._card import OpenAICard


async def speech(provider: Provider, card: OpenAICard, job: Job, report: Report) -> tuple[Output, ...]:
    """Have the prompt spoken. Raises ProviderError."""
    body = {"input": job.prompt, **card.body(job)}
    return (await provider.save("POST", "/audio/speech", "audio", body=body, idempotency_key=job.key),)
