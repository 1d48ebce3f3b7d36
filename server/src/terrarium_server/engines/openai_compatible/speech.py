"""Speech, from the speech endpoint."""

from terrarium_server.engines import Job, Output
from terrarium_server.engines.provider import Provider

from .card import OpenAICard
from .reporting import Report


async def speech(provider: Provider, card: OpenAICard, job: Job, report: Report) -> tuple[Output, ...]:
    """Have the prompt spoken. Raises ProviderError."""
    body = {"input": job.prompt, **card.body(job)}
    return (await provider.save("POST", "/audio/speech", "audio", body=body, idempotency_key=job.key),)
