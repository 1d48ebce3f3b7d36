"""`make gallery`: a sample of every model that works on a fresh machine, and small versions for the docs."""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from PIL import Image, ImageOps

from support.server import running_server
from terrarium import Flora
from terrarium_server.media import run_ffmpeg

ROOT = Path(__file__).resolve().parent.parent
SMALL = ROOT / "docs" / "gallery"
LARGE = ROOT / "gallery"

# (name, model, prompt, parameters); a parameter "@name" stands for the output of that sample.
SAMPLES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("mug", "t2i-sketch", "A cinematic product photo of a ceramic mug on a sunlit table", {"seed": 7}),
    ("lighthouse", "t2i-sketch", "A lighthouse above a sea at dusk", {"aspect_ratio": "16:9", "seed": 3}),
    ("fox", "t2i-sketch", "A fox in a snowy forest", {"aspect_ratio": "16:9", "seed": 7}),
    (
        "city",
        "t2i-sketch",
        "A rainy neon city street at night, cyberpunk",
        {"aspect_ratio": "16:9", "seed": 5},
    ),
    ("balloons", "t2i-sketch", "Hot air balloons above mountains", {"aspect_ratio": "16:9", "seed": 7}),
    ("castle", "t2i-sketch", "A castle on a hill, storm", {"aspect_ratio": "3:2", "seed": 7}),
    ("forest", "t2i-sketch", "A misty pine forest in the morning", {"aspect_ratio": "3:2", "seed": 4}),
    ("portrait", "t2i-sketch", "Portrait of a woman with red hair", {"aspect_ratio": "4:5", "seed": 3}),
    ("cat", "t2i-sketch", "Portrait of a cat", {"aspect_ratio": "4:5", "seed": 5}),
    ("flowers", "t2i-sketch", "A bouquet of wildflowers, watercolour", {"aspect_ratio": "4:5", "seed": 2}),
    ("ramen", "t2i-sketch", "A bowl of ramen", {"seed": 8}),
    ("armchair", "t2i-sketch", "A red armchair in a green room", {"seed": 10}),
    ("starry-lake", "t2i-sketch", "A mountain lake at dawn", {"style": "starry strokes", "seed": 7}),
    ("printed-mug", "t2i-sketch", "A ceramic mug on a table", {"style": "navy woodblock", "seed": 7}),
    ("painted-lighthouse", "i2i-painter", "paint it", {"image_url": "@lighthouse"}),
    ("painted-forest", "i2i-painter", "paint it", {"image_url": "@forest", "style_image_url": "@flowers"}),
    ("sea", "t2v-sketch", "A calm sea at sunset", {"duration": 4, "resolution": "720p", "seed": 1}),
    ("snowfall", "t2v-sketch", "A fox in a snowy forest", {"duration": 4, "resolution": "720p", "seed": 7}),
    ("push-in", "i2v-sketch", "a slow push-in", {"image_url": "@city", "duration": 4, "resolution": "720p"}),
    ("painted-sea", "v2v-painter", "paint it", {"video_url": "@sea"}),
    ("palette", "i2t-sketch", "Describe the picture.", {"image_urls": ["@lighthouse"]}),
    ("shot", "t2t-sketch", "A lighthouse above a sea at dusk", {"seed": 1}),
    ("answer", "t2t-smollm2-135m", "Name three things to see in Lisbon.", {"max_tokens": 120, "seed": 1}),
    (
        "voice",
        "t2a-piper-joe",
        "Welcome to Terrarium. Everything you hear was made on this machine.",
        {"seed": 1},
    ),
    ("languages", "t2a-espeak", "Guten Morgen. Heute wird ein schöner Tag.", {"language": "de"}),
    (
        "lo-fi",
        "t2a-band",
        "a warm lo-fi beat with electric piano, 78 bpm, A minor",
        {"duration": 30, "seed": 4},
    ),
    ("waltz", "t2a-band", "a bright folk waltz with violin and accordion in G", {"duration": 30, "seed": 2}),
]
# Combined into the picture of the README.
SHEET = (
    ("lighthouse", "fox", "mug", "portrait"),
    ("castle", "ramen", "cat", "balloons"),
    ("armchair", "starry-lake", "city", "flowers"),
)
TILE = (360, 270)
SUFFIXES = {"imageUrl": ".png", "videoUrl": ".mp4", "audioUrl": ".mp3", "text": ".txt"}


def main() -> None:
    LARGE.mkdir(exist_ok=True)
    SMALL.mkdir(parents=True, exist_ok=True)
    rows: list[str] = []
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder), config="/dev/null") as server:
        flora = Flora(api_key=server.first.api_key, base_url=server.api_url)
        run_ids: dict[str, str] = {}
        for number, (name, model, prompt, params) in enumerate(SAMPLES, start=1):
            print(f"[{number}/{len(SAMPLES)}] {model}: {prompt}", flush=True)
            resolved = {key: _resolved(value, run_ids) for key, value in params.items()}
            output_type = {"i": "image", "v": "video", "a": "audio", "t": "text"}[model[2]]
            began = time.monotonic()
            started = flora.runs.start_generation(
                workspace_id=server.first.workspace_id,
                project_id=server.first.project_id,
                type=output_type,  # type: ignore[arg-type]
                prompt=prompt,
                model=model,
                params=resolved,
            )
            run = flora.runs.wait(started.run_id)
            run_ids[name] = started.run_id
            output = (run.outputs or [])[0]
            large = LARGE / f"{name}{SUFFIXES[output.type]}"
            if output.type == "text":
                large.write_text(output.url)
            else:
                with urlopen(output.url) as response:
                    large.write_bytes(response.read())
            cell = _small(large, name)
            rows.append(f"| {cell} | `{model}` | {prompt} | {time.monotonic() - began:.1f} s |")
    head = "# Gallery\n\nMade by `make gallery` with the models of a fresh machine: no GPU, no account.\n\n"
    table = "| | model | prompt | took |\n|---|---|---|--:|\n" + "\n".join(rows) + "\n"
    (SMALL / "README.md").write_text(head + table)
    _sheet()
    total = sum(path.stat().st_size for path in SMALL.iterdir())
    print(f"Full size in {LARGE.name}/, small in docs/gallery/ ({total / 1e6:.1f} MB)")


def _resolved(value: Any, run_ids: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_resolved(item, run_ids) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return run_ids[value[1:]] if isinstance(value, str) and value.startswith("@") else value


def _small(large: Path, name: str) -> str:
    """Write the small version and return the cell that shows it."""
    match large.suffix:
        case ".png":
            small = SMALL / f"{name}.jpg"
            scale = "scale='min(640,iw)':-2"
            run_ffmpeg(["-i", str(large), "-vf", scale, "-q:v", "4", "-map_metadata", "-1", str(small)])
            return f"![{name}]({small.name})"
        case ".mp4":
            small = SMALL / f"{name}.mp4"
            encoding = ["-vf", "scale=480:-2", "-crf", "30", "-preset", "slow", "-pix_fmt", "yuv420p"]
            run_ffmpeg(["-i", str(large), *encoding, "-movflags", "+faststart", str(small)])
            return f"[{name}]({small.name})"
        case ".mp3":
            small = SMALL / f"{name}.mp3"
            run_ffmpeg(["-i", str(large), "-b:a", "80k", "-map_metadata", "-1", str(small)])
            return f"[{name}]({small.name})"
        case _:
            return "<br>".join(large.read_text().replace("|", "\\|").splitlines())


def _sheet() -> None:
    width, height = TILE
    sheet = Image.new("RGB", (width * len(SHEET[0]), height * len(SHEET)))
    for row, names in enumerate(SHEET):
        for column, name in enumerate(names):
            with Image.open(LARGE / f"{name}.png") as picture:
                sheet.paste(ImageOps.fit(picture, TILE), (column * width, row * height))
    sheet.save(SMALL / "sheet.jpg", quality=82)


if __name__ == "__main__":
    main()
