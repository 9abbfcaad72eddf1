"""The first instrument: what an update may depend on, from one real update under watch.

It needs no declaration by the rule's author. Every number carries the names of the sources that
may have entered it, through whatever a rule does with it; what is read here is what the updates
carry. Sources are
    "backwards layer 2"     the weights of layer 2, summed over their postsynaptic side
    "layer 2"               the weights of layer 2, one by one
    "activity layer 2"      activity of layer 2, whatever computed it
    "extra.feedback.0"      what the rule keeps beside the network, by its name there
    "label", "noise", "sample 3", "time 2"

It over-approximates: a tag says that there is a way for information to go, and cannot see that two
ways cancel, or that a factor is zero. That is why the second instrument stands beside it. Tags of
samples are kept apart by rows until something sums over the batch, as every update does; whether
samples are compared with one another is therefore measured by intervention alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from spikelearn.plausibility.bench import Bench, Outcome
from spikelearn.plausibility.watch import Read, Watch


@dataclass(frozen=True)
class Trace:
    """What was seen in one update.

    Attributes
    ----------
    outcome : Outcome
    reads : list of Read
        All readings of weights, in order.
    """

    outcome: Outcome
    reads: list[Read]

    def sources(self, parameter: str) -> frozenset[str]:
        """What the update of a parameter may depend on; empty if there was none."""
        return self.outcome.tags.get(parameter, frozenset())

    @property
    def left(self) -> list[frozenset[str]]:
        """What was taken out of torch (by `.item()` and the like), with what it depended on."""
        return [names for names in self.outcome.watch.following.left if names]


def trace(bench: Bench) -> Trace:
    """Run one update and follow where everything in it came from."""
    outcome = bench.run(Watch(tags=True, keep_reads=True))
    return Trace(outcome, outcome.watch.reads)
