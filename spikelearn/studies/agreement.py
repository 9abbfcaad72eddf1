"""Agreement of simulators: whether a network spikes the same on both, to the time step."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from spikelearn._time_steps import nearest_steps

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity


def agreement(
    rule: str, network: str, seed: int, first: Activity, second: Activity
) -> list[dict[str, Any]]:
    """Spikes of two simulators compared, a row a population.

    Parameters
    ----------
    rule, network : str
        That trained the network, and the network's name.
    seed : int
        Of the network.
    first, second : Activity
        The same network under the same stimuli.

    Returns
    -------
    list of dict
        model, network, seed, population, backend_a, backend_b, n_stimuli, spikes_a, spikes_b and
        spikes_in_both: those whose trial, neuron and time step agree.
    """

    def events(activity: Activity, name: str) -> Counter[tuple[int, int, int]]:
        spikes = activity[name]
        steps = nearest_steps(spikes.times_ms, activity.dt_ms)
        return Counter(
            zip(spikes.trials.tolist(), spikes.senders.tolist(), steps.tolist(), strict=True)
        )

    rows = []
    for name in first.populations:
        a, b = events(first, name), events(second, name)
        rows.append(
            {
                "model": rule,
                "network": network,
                "seed": seed,
                "population": name,
                "backend_a": first.provenance["backend"],
                "backend_b": second.provenance["backend"],
                "n_stimuli": first.n_trials,
                "spikes_a": a.total(),
                "spikes_b": b.total(),
                "spikes_in_both": (a & b).total(),
            }
        )
    return rows
