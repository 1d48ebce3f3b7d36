"""What follows from the end of runs: credits, the cap of the key, the queue, and events."""

from collections.abc import Sequence
from dataclasses import dataclass

from terrarium_server import accounts, events, ledger, runs
from terrarium_server.runs import Ended, Run, RunOutcome
from terrarium_server.store import Transaction


@dataclass(frozen=True, slots=True)
class Ending:
    """Runs that end together: one outside any graph, or members of one and, if they are the last, its root.

    ``ready`` are the members that can start now, and ``stopped`` those that a worker may be executing.
    ``actor`` caused it all.
    """

    ended: Sequence[Ended]
    root: Ended | None = None
    ready: Sequence[Run] = ()
    stopped: Sequence[Ended] = ()
    actor: str = "system"

    @property
    def all_ended(self) -> list[Ended]:
        """All of these runs, the root last."""
        return [*self.ended, self.root] if self.root is not None else [*self.ended]

    def settle(self, tx: Transaction) -> None:
        """Charge what the runs cost, and return what was held beyond that, also to the cap of the key."""
        members = [one for one in self.ended if one.run.parent_run_id is not None]
        if members:
            ledger.note_costs(
                tx, members[0].run.workspace_id, [(one.run.run_id, one.cost_micros) for one in members]
            )
        holder = self.root if members else self.ended[0]
        if holder is None:
            return
        run, cost = holder.run, holder.cost_micros
        if run.key_id is not None and cost < run.held_micros:
            accounts.refund(tx, run.key_id, run.held_micros - cost)
        if holder.state == "completed" or cost:
            ledger.settle(tx, run.workspace_id, run.run_id, run.held_micros, cost)
        else:
            ledger.release(tx, run.workspace_id, run.run_id, run.held_micros)

    def announce(self, tx: Transaction) -> None:
        """Put what can start now into the queue, and record the events; the last locks of a transaction."""
        if self.ready:
            runs.wake(tx, {(run.engine, run.workspace_id) for run in self.ready if run.engine is not None})
        for one in self.stopped:
            # So that their workers need not find out at their next renewals.
            tx.publish("stopped", one.run.run_id)
        events.record(
            tx,
            [
                events.of_run(one.run, f"run.{one.state}", one.state, actor=self.actor, outcome=one.outcome)
                for one in self.all_ended
            ],
        )


def end(tx: Transaction, root: Run | None, ended: Ended, *, actor: str | None = None) -> Ending:
    """Return what the end of a run leads to, after writing it to the other runs of its graph.

    ``root`` is the locked root of its graph, None for a run outside any graph. If an ``actor`` ended it, a
    worker may be executing it.
    """
    stopped = [ended] if actor is not None else []
    actor = actor or "system"
    if root is None:
        return Ending([ended], stopped=stopped, actor=actor)
    follows = runs.follow_end(tx, root, ended)
    closed = runs.close_root(tx, root, follows.failure) if follows.is_over else None
    stopped += follows.ended
    return Ending([ended, *follows.ended], closed, follows.ready, stopped, actor)


def end_graph(tx: Transaction, root: Run, outcome: RunOutcome, *, member: RunOutcome, actor: str) -> Ending:
    """End a root, which must be locked, and its members that have not ended, those as ``member`` says."""
    ended = runs.end_rest(tx, root, pending="failed", outcome=member)
    runs.count_ended(tx, root, ended)
    return Ending(ended, runs.close_root(tx, root, outcome), (), ended, actor)
