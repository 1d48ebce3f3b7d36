"""Failures at a provider, as FLORA's codes and messages that a person can act on."""

import json
import logging
import re
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, cast

from terrarium_server.engines import Failed, Refused

_log = logging.getLogger("terrarium_server.engines")

_LONGEST = 400
_DEFAULT_DELAY = 10.0
_LONGEST_DELAY = 3600.0

# Values of fields such as `code` and `type` where a provider refuses for content.
_MODERATION_CODES = frozenset(
    "content_policy_violation content_policy moderation_blocked content_filter content_filtered "
    "responsibleaipolicyviolation moderation content_moderated request_moderated safety safety_violation "
    "safety_violations image_safety prohibited_content nsfw nsfw_content nsfw_content_detected "
    "sensitive_content input_moderation output_moderation prompt_blocked flagged refusal e005".split()
)
# Whole phrases: `safety_tolerance must be at most 6` is about a parameter, not about content.
# Compiled at its first use, like `_SECRETS`: that takes longer than the rest of this import.
_MODERATION_PHRASES = (
    r"(?i)content[ _-]polic(y|ies)|usage polic(y|ies)|moderation[ _-](blocked|system|endpoint|filter)"
    r"|(blocked|rejected|refused|flagged|disallowed|stopped) (by|for|due to|because of|as)[^.]{0,60}"
    r"(safety|moderation|content|polic|nsfw|sensitive|unsafe)"
    r"|safety (system|filters?|guidelines|reasons)|safety checks? (failed|rejected)"
    r"|content[ _-]filter(ed|ing)?\b|nsfw (content|image|was|has been)|potential(ly)? nsfw|nsfw detected"
    r"|(sensitive|inappropriate|prohibited|unsafe|harmful|explicit) (content|material|prompt|image)"
    r"|flagged (content|as (sensitive|unsafe|harmful))|content (was |has been )?(moderated|flagged)"
)
_UNPAID_CODES = frozenset(
    "insufficient_quota billing_hard_limit_reached billing_not_active insufficient_credits "
    "insufficient_balance insufficient_funds payment_required exhausted_balance".split()
)
_SECRETS = (
    r"(?i)\b(?:bearer|basic|key|token)\s+[\w.+/=:-]{12,}|\b(?:sk|pk|rk|r8|hf|fal|key)[-_][\w*.-]{8,}"
    r"|(?<=[?&])(?:x-amz-[\w-]+|sig|signature|token|key|api_key)=[^&\s\"']+"
)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class ProviderError(Exception):
    """A call to a provider failed.

    ``failure`` is what the run fails with. ``sent`` says that the request may have reached the provider,
    which may then have charged for it: it must not be sent again without an idempotency key. ``status``,
    ``headers`` (names in lower case) and ``body`` are those of the provider's answer, if there was one.
    """

    def __init__(
        self,
        failure: Failed,
        *,
        sent: bool = True,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.sent = sent
        self.status = status
        self.headers = headers or {}
        self.body = body

    @property
    def is_temporary(self) -> bool:
        """Whether a request that costs nothing (a GET) is worth repeating after a while."""
        if self.status is None:
            return self.failure.code != "GENERATION_INVALID_PROVIDER_RESPONSE"
        return self.status in (408, 409, 425, 429) or self.status >= 500

    @property
    def may_have_started(self) -> bool:
        """Whether a request may have arrived and started a job, while only its answer was lost."""
        return self.sent and (self.status is None or self.status >= 500)

    def refused(self) -> Refused:
        """Return the exception that `Engine.submit` raises for this."""
        return Refused(self.failure.code, self.failure.message, retry_after=self.failure.retry_after)


def invalid_answer(label: str, what: str) -> ProviderError:
    """Return the error for an answer of an unexpected form; ``what`` completes "… answered with"."""
    message = f"{label} answered with {clean(what)}; try again later, or tell the owner of this server."
    return ProviderError(Failed("GENERATION_INVALID_PROVIDER_RESPONSE", message))


def refused_answer(
    label: str, status: int, headers: Mapping[str, str], body: bytes, *, text: bool = False, key_env: str = ""
) -> ProviderError:
    """Return the error for an answer whose status is not 2xx; ``text``: the model writes text."""
    document = _document(body)
    message = clean(provider_message(document)) or clean(_plain(body, headers))
    codes = set(_codes(document))
    failure = _failure(label, status, headers, message, codes, key_env)
    unreachable = status == 401 or status == 429 or status in range(300, 400)
    if not unreachable and moderated(message, codes):
        failure = moderation(label, message, text=text)
    if codes & _UNPAID_CODES:
        failure = _unpaid(label)
    if failure.code in ("ACCESS_DENIED", "GENERATION_NOT_PAID"):
        # This concerns the owner, so the provider's own message is logged and not returned to callers.
        _log.warning("%s answered %d: %s", label, status, message)
    return ProviderError(failure, status=status, headers=headers, body=body)


def moderated(message: str, codes: set[str] | None = None) -> bool:
    """Whether a provider's message or codes (in lower case) say that it refuses for content."""
    return bool((codes or set()) & _MODERATION_CODES) or re.search(_MODERATION_PHRASES, message) is not None


def moderation(label: str, message: str = "", *, text: bool = False) -> Failed:
    """Return the failure for a prompt or result that the provider refuses."""
    message = clean(message)
    reason = f": {message}" if message else "."
    return Failed(
        "LLM_REFUSAL" if text else "GENERATION_PROMPT_MODERATED",
        f"{label} refused the prompt or its result{_ended(reason)} Change the prompt and try again.",
    )


def clean(message: str, *secrets: str) -> str:
    """Return a provider's message as one line of at most 400 characters, without secrets."""
    for secret in secrets:
        message = message.replace(secret, "[secret]")
    message = " ".join(re.sub(_SECRETS, "[secret]", _UNSAFE.sub(" ", message)).split())
    return message if len(message) <= _LONGEST else message[: _LONGEST - 1] + "…"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the delay in seconds that an answer names (seconds or a date), at most an hour, or None."""
    value = headers.get("retry-after", "").strip()
    try:
        if milliseconds := headers.get("retry-after-ms", "").strip():
            seconds = float(milliseconds) / 1000
        elif re.fullmatch(r"[\d.]+", value):
            seconds = float(value)
        else:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 1.0), _LONGEST_DELAY)


def provider_message(document: Any) -> str:
    """Return the message in a provider's error, whatever common form it has, or an empty text."""
    if isinstance(document, str):
        return document
    if isinstance(document, list):
        messages = (provider_message(item) for item in cast(list[Any], document)[:3])
        return "; ".join(message for message in messages if message)
    if not isinstance(document, Mapping):
        return ""
    fields = cast(Mapping[str, Any], document)
    where = fields.get("loc")
    for name in ("error", "message", "msg", "detail", "title", "errors"):
        if message := provider_message(fields.get(name)):
            # FastAPI names the field of the request.
            path = ".".join(str(part) for part in cast(list[Any], where)) if isinstance(where, list) else ""
            return f"{path}: {message}" if path else message
    return ""


def _failure(
    label: str, status: int, headers: Mapping[str, str], message: str, codes: set[str], key_env: str
) -> Failed:
    quote = _ended(f": {message}") if message else "."
    match status:
        case 400 | 413 | 415 | 422:
            return Failed("GENERATION_INPUT_VALIDATION", f"{label} does not accept this request{quote}")
        case 401 | 403:
            # The provider's message may repeat the key, so it is not quoted.
            where = f"the key in {key_env}" if key_env else "the key (key_env in [[engine]])"
            return Failed(
                "ACCESS_DENIED", f"{label} denied access; the owner of this server must check {where}."
            )
        case 402:
            return _unpaid(label)
        case 404 | 405 | 410 | 501:
            remedy = "the owner of this server must check the url and the model's card."
            return Failed(
                "GENERATION_ENDPOINT_NOT_FOUND", f"{label} does not have this{quote} If it persists, {remedy}"
            )
        case 408 | 504:
            return Failed("GENERATION_PROVIDER_TIMEOUT", f"{label} took too long; try once more.")
        case 425 | 429:
            delay = retry_after(headers) or _DEFAULT_DELAY
            return Failed("GENERATION_QUEUE_TOO_LARGE", f"{label} is busy; try again later.", delay)
        case _ if 300 <= status < 400:
            remedy = "the owner of this server must set the engine's url to where it moved."
            return Failed("GENERATION_ENDPOINT_NOT_FOUND", f"{label} answered with a redirect; {remedy}")
        case _ if status >= 500 or status == 409:
            failed = f"{label} failed ({status}){quote} Try again later."
            return Failed("GENERATION_DOWNSTREAM_SERVICE_ERROR", failed, retry_after(headers))
        case _:
            return Failed("GENERATION_INPUT_VALIDATION", f"{label} refused the request ({status}){quote}")


def _unpaid(label: str) -> Failed:
    return Failed(
        "GENERATION_NOT_PAID", f"{label} requires payment; the owner of this server must top it up."
    )


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _plain(body: bytes, headers: Mapping[str, str]) -> str:
    """The body of an answer in plain text; HTML pages make no useful message."""
    return body.decode("utf-8", "replace") if headers.get("content-type", "").startswith("text/plain") else ""


def _codes(document: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(document, Mapping) and depth < 5:
        for name, value in cast(Mapping[str, Any], document).items():
            if name in ("code", "type", "status", "reason", "error", "finish_reason") and isinstance(
                value, str
            ):
                yield value.lower()
            else:
                yield from _codes(value, depth + 1)
    elif isinstance(document, list) and depth < 5:
        for item in cast(list[Any], document)[:10]:
            yield from _codes(item, depth + 1)


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
