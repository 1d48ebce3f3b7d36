"""The moments at which the tests kill or stop a process that carries a run."""

MODELS = {"paid": "t2i-paid", "free": "t2i-free"}
# Paid as well, but only the worker that has called can wait for the answer.
OWN = "t2i-own"

_BEFORE = ["inside runs.claim 1", "after runs.claim 1", "before engine.prepare 1", "before engine.submit 1"]
_AFTER = [
    "after engine.submit 1",
    "before engine.look 1",
    "inside runs.show 1",
    "after runs.show 1",
    "before assets.keep 1",
    "after assets.keep 1",
    "inside runs.complete 1",
    "inside canvas.land 1",
    "inside settlement.complete 1",
]
_MARKED = ["inside submissions.mark 1", "after submissions.mark 1"]
_NOTED = ["inside submissions.record_ticket 1", "after submissions.record_ticket 1"]
_OVER = ["after settlement.complete 1"]

# Where nothing is noted of a submission, what is lost is made again. What a run shows is written while it
# goes on, so that it may be over by then.
_MADE_AGAIN = {f"free: {step}": {1, 2} if "runs.show" in step else {2} for step in _AFTER}

CARRYING = [
    *(f"paid: {step}" for step in _BEFORE[:-1] + _MARKED + _BEFORE[-1:] + _AFTER[:1] + _NOTED),
    *(f"paid: {step}" for step in _AFTER[1:] + _OVER),
    *(f"free: {step}" for step in _BEFORE + _AFTER + _OVER),
]


def times_made(case: str) -> set[int]:
    """How often a run may be made of which one worker was lost at this step."""
    return _MADE_AGAIN.get(case, {1})
