"""The steps at which the tests kill or stop a process that executes a run."""

MODELS = {"paid": "t2i-paid", "free": "t2i-free"}
# Paid as well, but only the worker that made the call can follow it.
OWN = "t2i-own"

_BEFORE = ["inside runs.claim 1", "after runs.claim 1", "before engine.prepare 1", "before engine.submit 1"]
_AFTER = [
    "after engine.submit 1",
    "before engine.poll 1",
    "inside runs.write_progress 1",
    "after runs.write_progress 1",
    "before assets.keep 1",
    "after assets.keep 1",
    "inside runs.complete 1",
    "inside canvas.place_outputs 1",
    "inside settlement.complete 1",
]
_MARKED = ["inside submissions.mark 1", "after submissions.mark 1"]
_NOTED = ["inside submissions.record_ticket 1", "after submissions.record_ticket 1"]
_OVER = ["after settlement.complete 1"]

# Without a submission row, a lost job is made again. Progress is written concurrently with the run, which may
# have ended by then.
_MADE_AGAIN = {f"free: {step}": {1, 2} if "runs.write_progress" in step else {2} for step in _AFTER}

EXECUTION = [
    *(f"paid: {step}" for step in _BEFORE[:-1] + _MARKED + _BEFORE[-1:] + _AFTER[:1] + _NOTED),
    *(f"paid: {step}" for step in _AFTER[1:] + _OVER),
    *(f"free: {step}" for step in _BEFORE + _AFTER + _OVER),
]


def times_made(case: str) -> set[int]:
    """Return how often a run may be generated if one worker was lost at this step."""
    return _MADE_AGAIN.get(case, {1})
