from terrarium_server.engines._contract import Job, Output
from terrarium_server.engines._provider import Line, Provider, media_output

from ._calls import Report
from ._card import OpenAICard


def speech(provider: Provider, card: OpenAICard, job: Job, line: Line, report: Report) -> tuple[Output, ...]:
    """Have the prompt spoken. Raises ProviderError."""
    body = {"input": job.prompt, **card.body(job)}
    answer = provider.content("POST", "/audio/speech", body=body, idempotency_key=job.key, line=line)
    return (media_output(provider.who, answer.content, "audio"),)
