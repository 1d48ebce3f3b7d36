"""What became of a prompt, as ComfyUI's history tells it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, cast
from urllib.parse import urlencode

from .._contract import Failed
from .._failures import clean, moderated, moderation

_EXTENSIONS = {
    "image": frozenset(".png .jpg .jpeg .webp .gif .avif .bmp .tiff".split()),
    "video": frozenset(".mp4 .webm .mov .mkv .avi .m4v".split()),
    "audio": frozenset(".flac .mp3 .wav .ogg .opus .m4a .aac".split()),
}
_OUT_OF_MEMORY = ("OutOfMemoryError", "AcceleratorError", "CUDA out of memory")


def failure(who: str, status: Mapping[str, Any], kind: str) -> Failed | None:
    """Return the failure that a prompt's status tells, None if it succeeded."""
    if status.get("status_str") != "error":
        return None
    for event, said in _messages(status):
        if event == "execution_interrupted":
            return Failed(
                "GENERATION_CANCELLED", f"{who} was told to stop this, by hand or by another program."
            )
        if event == "execution_error":
            named, words = str(said.get("exception_type")), clean(str(said.get("exception_message")))
            if moderated(words):
                # Nodes of paid services, and those that check pictures.
                return moderation(who, words, text=kind == "text")
            where = f"node {said.get('node_id')} ({said.get('node_type')})"
            if any(sign in f"{named} {words}" for sign in _OUT_OF_MEMORY):
                remedy = "Try a smaller size, or once more when it is less busy."
                return Failed("GPU_PROVIDER_ERROR", f"{who} ran out of memory in {where}. {remedy}")
            return Failed("GENERATION_GENERIC_ERROR", f"{who} failed in {where}: {words} Try other values.")
    return Failed("GENERATION_GENERIC_ERROR", f"{who} failed without saying why; try once more.")


def rejection(who: str, answer: Any) -> Failed | None:
    """Return the failure for a workflow that ComfyUI does not accept, None if the answer tells none."""
    if not isinstance(answer, Mapping):
        return None
    document = cast(Mapping[str, Any], answer)
    error, nodes = document.get("error"), document.get("node_errors")
    causes = list(_node_errors(cast(Mapping[str, Any], nodes))) if isinstance(nodes, Mapping) else []
    if not causes and isinstance(error, Mapping):
        said = cast(Mapping[str, Any], error)
        causes = [f"{said.get('message')} {said.get('details') or ''}".strip()]
    if not causes:
        return None
    return Failed("GENERATION_INPUT_VALIDATION", f"{who} does not accept this: {clean('; '.join(causes))}")


def files(outputs: Mapping[str, Any], nodes: Sequence[str], kind: str) -> list[str]:
    """Return the paths under which the results are fetched, in the order of the nodes.

    Without ``nodes``, those of all nodes that look like the kind asked for and are not mere previews.
    """
    found: list[str] = []
    for file in _saved(outputs, nodes):
        name, folder, place = (str(file.get(part, "")) for part in ("filename", "subfolder", "type"))
        is_of_kind = PurePosixPath(name).suffix.lower() in _EXTENSIONS[kind]
        if nodes or (place != "temp" and is_of_kind):
            query = {"filename": name, "subfolder": folder, "type": place or "output"}
            found.append(f"/view?{urlencode(query)}")
    return found


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
            case [str(event), {**said}]:
                yield event, cast(Mapping[str, Any], said)
            case _:
                pass


def _node_errors(nodes: Mapping[str, Any]) -> Iterator[str]:
    for node, said_of in nodes.items():
        told = cast(Mapping[str, Any], said_of if isinstance(said_of, Mapping) else {})
        for error in cast(list[Any], told.get("errors") or []):
            if isinstance(error, Mapping):
                said = cast(Mapping[str, Any], error)
                words = f"{said.get('message')}: {said.get('details') or ''}".rstrip(": ")
                yield f"node {node} ({told.get('class_type')}): {words}"
