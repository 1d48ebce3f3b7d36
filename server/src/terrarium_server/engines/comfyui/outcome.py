"""How a prompt ended, as read from ComfyUI's history."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, cast
from urllib.parse import urlencode

from terrarium_server.engines import Failed
from terrarium_server.engines.provider import Provider, clean, moderated

_EXTENSIONS = {
    "image": frozenset(".png .jpg .jpeg .webp .gif .avif .bmp .tiff".split()),
    "video": frozenset(".mp4 .webm .mov .mkv .avi .m4v".split()),
    "audio": frozenset(".flac .mp3 .wav .ogg .opus .m4a .aac".split()),
}
_OUT_OF_MEMORY = ("OutOfMemoryError", "AcceleratorError", "CUDA out of memory")


def failure(provider: Provider, status: Mapping[str, Any], output_type: str) -> Failed | None:
    """Return the failure in a prompt's status, None if it succeeded."""
    if status.get("status_str") != "error":
        return None
    for event, details in _messages(status):
        if event == "execution_interrupted":
            return Failed(
                "GENERATION_CANCELLED",
                f"{provider.label} was asked to stop this, by hand or by another program.",
            )
        if event == "execution_error":
            name, message = str(details.get("exception_type")), clean(str(details.get("exception_message")))
            if moderated(message):
                # Raised by nodes of paid services, and by nodes that check pictures.
                return provider.moderation(message, text=output_type == "text")
            where = f"node {details.get('node_id')} ({details.get('node_type')})"
            if any(sign in f"{name} {message}" for sign in _OUT_OF_MEMORY):
                remedy = "Try a smaller size, or once more when it is less busy."
                return Failed(
                    "GPU_PROVIDER_ERROR", f"{provider.label} ran out of memory in {where}. {remedy}"
                )
            return Failed(
                "GENERATION_GENERIC_ERROR", f"{provider.label} failed in {where}: {message} Try other values."
            )
    return Failed("GENERATION_GENERIC_ERROR", f"{provider.label} failed without saying why; try once more.")


def rejection(provider: Provider, answer: Any) -> Failed | None:
    """Return the failure for a workflow that ComfyUI does not accept, None if the answer has none."""
    if not isinstance(answer, Mapping):
        return None
    document = cast(Mapping[str, Any], answer)
    error, nodes = document.get("error"), document.get("node_errors")
    causes = list(_node_errors(cast(Mapping[str, Any], nodes))) if isinstance(nodes, Mapping) else []
    if not causes and isinstance(error, Mapping):
        fields = cast(Mapping[str, Any], error)
        causes = [f"{fields.get('message')} {fields.get('details') or ''}".strip()]
    if not causes:
        return None
    return Failed(
        "GENERATION_INPUT_VALIDATION", f"{provider.label} does not accept this: {clean('; '.join(causes))}"
    )


def files(outputs: Mapping[str, Any], nodes: Sequence[str], output_type: str) -> list[str]:
    """Return the paths for downloading the results, in the order of the nodes.

    Without ``nodes``: the files of all nodes that have an extension of this type and are not just previews.
    """
    paths: list[str] = []
    for file in _saved(outputs, nodes):
        name, subfolder, folder = (str(file.get(part, "")) for part in ("filename", "subfolder", "type"))
        is_of_type = PurePosixPath(name).suffix.lower() in _EXTENSIONS[output_type]
        if nodes or (folder != "temp" and is_of_type):
            query = {"filename": name, "subfolder": subfolder, "type": folder or "output"}
            paths.append(f"/view?{urlencode(query)}")
    return paths


def texts(outputs: Mapping[str, Any], nodes: Sequence[str]) -> list[str]:
    """Return the texts that the nodes show."""
    return [item for item in _items(outputs, nodes) if isinstance(item, str)]


def _saved(outputs: Mapping[str, Any], nodes: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    for item in _items(outputs, nodes):
        if isinstance(item, Mapping) and "filename" in item:
            yield cast(Mapping[str, Any], item)


def _items(outputs: Mapping[str, Any], nodes: Sequence[str]) -> Iterator[Any]:
    for node in nodes or sorted(outputs, key=_as_number):
        shown = outputs.get(node)
        for items in cast(Mapping[str, Any], shown).values() if isinstance(shown, Mapping) else ():
            if isinstance(items, list):
                yield from cast(list[Any], items)


def _as_number(node: str) -> tuple[int, str]:
    return (int(node), "") if node.isdigit() else (1 << 62, node)


def _messages(status: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    messages = status.get("messages")
    for message in cast(list[Any], messages) if isinstance(messages, list) else []:
        match message:
            case [str(event), {**details}]:
                yield event, cast(Mapping[str, Any], details)
            case _:
                pass


def _node_errors(nodes: Mapping[str, Any]) -> Iterator[str]:
    for node, value in nodes.items():
        fields = cast(Mapping[str, Any], value if isinstance(value, Mapping) else {})
        for error in cast(list[Any], fields.get("errors") or []):
            if isinstance(error, Mapping):
                cause = cast(Mapping[str, Any], error)
                message = f"{cause.get('message')}: {cause.get('details') or ''}".rstrip(": ")
                yield f"node {node} ({fields.get('class_type')}): {message}"
