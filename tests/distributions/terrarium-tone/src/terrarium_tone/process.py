"""What runs in the model's process."""

import array
import math
import wave
from pathlib import Path
from typing import Any

from terrarium_server.engines import Output
from terrarium_server.engines.child import JobContext, JobError, serve


def handle(request: dict[str, Any], context: JobContext) -> list[Output]:
    """Make one tone, and return it as a file in the job's own folder."""
    hertz, rate, seconds = request["hertz"], request["rate"], request["seconds"]
    if hertz > rate / 2:
        message = f"{hertz} Hz is too high; name a frequency of at most {rate // 2} Hz."
        raise JobError("GENERATION_INPUT_VALIDATION", message)
    path = Path(request["folder"]) / "tone.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        for second in range(seconds):
            moments = range(second * rate, (second + 1) * rate)
            waves = (math.sin(math.tau * hertz * moment / rate) for moment in moments)
            sound.writeframes(array.array("h", (int(32767 * request["loudness"] * one) for one in waves)))
            # Reporting is also how a cancelled job ends: it raises an exception that must pass.
            context.report((second + 1) / seconds)
    return [Output("audio/wav", path, duration_seconds=seconds)]


if __name__ == "__main__":
    serve(handle)
