"""`Stimulus`: what a simulated network is shown, already drawn, the same for every backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes


@dataclass(frozen=True)
class Stimulus:
    """A batch of stimuli (trials).

    Parameters
    ----------
    labels : sequence of str
        One label per trial.
    spikes : mapping of str to PopulationSpikes
        Input spikes of each spike source, over all trials.
    currents_mv : mapping of str to array of shape (n_trials or 1, n_steps, size or 1)
        Input current times membrane resistance, in mV, held constant over each time step.
        Entry [:, k] acts over the interval that ends at time k * dt_ms.
    currents_pa, currents_mv_per_ms : mapping of str to array, likewise
        The same in pA, for neurons with a capacitance or a leak conductance, and in mV/ms, for
        Izhikevich's model.
    provenance : mapping
        What it is and how it was drawn; plain YAML values.

    Examples
    --------
    >>> import spikelearn as sl
    >>> stimulus = sl.Stimulus.from_spike_times("input", [[1.0, 7.5], []], label="a pair")
    >>> stimulus.n_trials, stimulus.spikes["input"].size
    (1, 2)
    """

    labels: Sequence[str] = ("0",)
    spikes: Mapping[str, PopulationSpikes] = field(default_factory=dict)
    currents_mv: Mapping[str, np.ndarray] = field(default_factory=dict)
    currents_pa: Mapping[str, np.ndarray] = field(default_factory=dict)
    currents_mv_per_ms: Mapping[str, np.ndarray] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.labels:
            raise SpikelearnError("a stimulus needs at least one trial, found none")
        for name, spikes in self.spikes.items():
            outside = spikes.trials[(spikes.trials < 0) | (spikes.trials >= self.n_trials)]
            if outside.size:
                raise SpikelearnError(
                    f"spikes of '{name}' belong to trial {outside[-1]}, but the stimulus"
                    f" has {self.n_trials} trials"
                )
        for name, current in (
            pair for currents in self.currents.values() for pair in currents.items()
        ):
            if current.ndim != 3:
                raise SpikelearnError(
                    f"the current into '{name}' must have 3 dimensions (trials, steps, neurons),"
                    f" found {current.ndim}"
                )
            if not np.isfinite(current).all():
                raise SpikelearnError(f"the current into '{name}' holds values that are not finite")

    @property
    def currents(self) -> dict[str, Mapping[str, np.ndarray]]:
        """Currents into populations, by unit ("mv", "pa", "mv_per_ms")."""
        return {
            "mv": self.currents_mv,
            "pa": self.currents_pa,
            "mv_per_ms": self.currents_mv_per_ms,
        }

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return len(self.labels)

    @classmethod
    def from_spike_times(
        cls, population: str, trains: Sequence[Sequence[float]], label: str = "given spikes"
    ) -> Stimulus:
        """One trial with the given spike times (ms), one sequence per source neuron.

        Parameters
        ----------
        population : str
            Name of the spike source.
        trains : sequence of sequences of float
            Spike times in ms, a sequence for each source neuron.
        label : str
            Name of the trial.
        """
        times = [np.asarray(train, dtype=float).ravel() for train in trains]
        senders = np.repeat(np.arange(len(times)), [t.size for t in times])
        flat = np.concatenate(times) if times else np.zeros(0)
        return cls(
            (label,), {population: PopulationSpikes.from_unsorted(len(times), flat, senders)}
        )
