"""Running a Hypothesis state machine against a database."""

from collections.abc import Callable
from typing import Any, cast

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def run_machine(
    make: Callable[[], RuleBasedStateMachine], *, examples: int, steps: int, derandomize: bool = False
) -> None:
    """Run ``examples`` machines made by ``make``, each for up to ``steps`` rules."""
    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=derandomize,
        suppress_health_check=[HealthCheck.too_slow],
    )
    # It accepts any callable that returns a machine, although it is annotated to need a class.
    run_state_machine_as_test(cast(Any, make), settings=profile)
