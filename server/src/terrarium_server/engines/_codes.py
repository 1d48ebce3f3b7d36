"""The error codes of runs in FLORA's API, and what a caller should do about each."""

from typing import Literal

Remedy = Literal["retry-now", "retry-later", "change-input", "final"]

CODES: dict[str, Remedy] = {
    "GENERATION_GENERIC_ERROR": "retry-now",
    "GENERATION_FAILED_TO_START": "retry-now",
    "GENERATION_PROVIDER_TIMEOUT": "retry-now",
    "GPU_PROVIDER_ERROR": "retry-now",
    "SERVER_ERROR": "retry-now",
    "AUDIO_GENERATION_ERROR": "retry-later",
    "GENERATION_DOWNSTREAM_SERVICE_ERROR": "retry-later",
    "GENERATION_INVALID_PROVIDER_RESPONSE": "retry-later",
    "GENERATION_NO_RESULT": "retry-later",
    "GENERATION_QUEUE_NOT_MOVING": "retry-later",
    "GENERATION_QUEUE_TOO_LARGE": "retry-later",
    "GENERATION_ENDPOINT_NOT_FOUND": "change-input",
    "GENERATION_INPUT_VALIDATION": "change-input",
    "GENERATION_INVALID_PARAMS": "change-input",
    "GENERATION_INVALID_URL": "change-input",
    "GENERATION_PROMPT_MODERATED": "change-input",
    "GENERATION_PROVIDER_NOT_SUPPORTED": "change-input",
    "LLM_REFUSAL": "change-input",
    "ACCESS_DENIED": "final",
    "GENERATION_CANCELLED": "final",
    "GENERATION_NOT_PAID": "final",
}
