"""What `activity["name"]` gives: one population, with what can be asked of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._arguments import check_numbers, in_few
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._spike_arrays import PopulationSpikes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from spikelearn.spikes.activity import Activity


@dataclass(frozen=True, eq=False, repr=False)
class PopulationActivity(PopulationSpikes):
    """The spikes of one population of an activity, and what was recorded of it.

    Its arrays (`times_ms`, `senders`, `trials`) are those of `PopulationSpikes`, and it is equal to
    these where its spikes are.

    Attributes
    ----------
    name : str
        Of the population.
    activity : Activity
        What it is part of.
    """

    name: str
    activity: Activity

    @classmethod
    def of(cls, activity: Activity, name: str) -> PopulationActivity:
        """The population of that name.

        Raises
        ------
        SpikelearnError
            Where none was recorded that is called so.
        """
        spikes = activity.populations.get(name) if isinstance(name, str) else None
        if spikes is None:
            told = in_few(name)
            near = nearest(name if isinstance(name, str) else told, activity.populations)
            raise SpikelearnError(f"no population called {told} was recorded; {near}")
        arrays = spikes.times_ms, spikes.senders, spikes.trials
        return cls(spikes.size, *arrays, name, activity)

    def _repr_html_(self) -> str:
        return self.alone()._repr_html_()

    def alone(self) -> Activity:
        """The activity with this population alone, and what was recorded of it."""
        prefix = f"{self.name}."
        states = {k: v for k, v in self.activity.states.items() if k.startswith(prefix)}
        plain = PopulationSpikes(self.size, self.times_ms, self.senders, self.trials)
        return replace(
            self.activity, populations={self.name: plain}, states=states, weights={},
            weight_units={},
        )  # fmt: skip

    @property
    def spikes(self) -> pd.DataFrame:
        """A row a spike: `time_ms` from the start of its trial, `neuron` and `trial`."""
        import pandas as pd

        columns = {"time_ms": self.times_ms, "neuron": self.senders, "trial": self.trials}
        return pd.DataFrame(columns)

    @property
    def recorded_neurons(self) -> np.ndarray:
        """The numbers of the neurons whose potential was recorded: all, unless some were chosen."""
        state = self.activity.states.get(f"{self.name}.v_mv")
        if state is None:
            return np.empty(0, dtype=np.int64)
        told = self.activity.provenance.get("recorded_neurons", {}).get(self.name)
        known = isinstance(told, list) and len(told) == state.shape[2]
        return np.array(told if known else range(state.shape[2]), dtype=np.int64)

    @property
    def potential(self) -> pd.DataFrame:
        """The membrane potential in mV: a row a record (`time_ms`), a column a trial and neuron.

        Raises
        ------
        SpikelearnError
            Where it was not recorded.
        """
        import pandas as pd

        state = self.activity.states.get(f"{self.name}.v_mv")
        if state is None:
            raise SpikelearnError(
                f"the potential of '{self.name}' was not recorded; simulate with"
                f" record='{self.name}'"
            )
        n_trials, n_times, _ = state.shape
        columns = pd.MultiIndex.from_product(
            [range(n_trials), self.recorded_neurons], names=["trial", "neuron"]
        )
        times = pd.Index(self.activity.state_times_ms(f"{self.name}.v_mv"), name="time_ms")
        values = np.moveaxis(np.asarray(state), 1, 0).reshape(n_times, len(columns))
        return pd.DataFrame(values, times, columns)

    def rate(self, start_ms: float = 0.0, stop_ms: float | None = None) -> float:
        """Mean firing rate in Hz over neurons and trials, from `start_ms` to `stop_ms` of each."""
        return self.activity.rate_hz(self.name, start_ms, stop_ms)

    def psth(self, bin_ms: float = 1.0, sigma_ms: float = 0.0) -> pd.DataFrame:
        """Firing rate over time in Hz, averaged over neurons: a row a bin, a column a stimulus.

        `time_ms` is the middle of each bin. `spikelearn.responses.psth` has the same as a labelled
        array, and of every neuron.

        Parameters
        ----------
        bin_ms : float
            Width of a bin; the trial's duration must be a multiple of it.
        sigma_ms : float
            Standard deviation of a Gaussian that smooths; 0, the default, smooths nothing.
        """
        import pandas as pd

        from spikelearn.responses.psth import bin_centres_ms, population_psth

        check_numbers(bin_ms=bin_ms, sigma_ms=sigma_ms)
        rates_hz, stimuli = population_psth(self.activity, self.name, bin_ms, sigma_ms)
        centres = bin_centres_ms(self.activity.duration_ms, bin_ms)
        times = pd.Index(centres, name="time_ms")
        return pd.DataFrame(rates_hz.T, times, pd.Index(stimuli, name="stimulus"))

    def plot_raster(self, ax: Axes | None = None, **settings: Any) -> Axes:
        """Draw the spikes of a trial; see `spikelearn.plot.raster`."""
        from spikelearn.plot import raster

        return raster(self, ax=ax, **settings)

    def plot_psth(self, ax: Axes | None = None, **settings: Any) -> Axes:
        """Draw the firing rate over time; see `spikelearn.plot.psth`."""
        from spikelearn.plot import psth

        return psth(self, ax=ax, **settings)

    def plot_potential(self, ax: Axes | None = None, **settings: Any) -> Axes:
        """Draw the membrane potential of some neurons; see `spikelearn.plot.states`."""
        from spikelearn.plot import states

        return states(self, ax=ax, **settings)
