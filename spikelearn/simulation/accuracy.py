"""How large a time step a neuron model bears: its spikes beside those of a fine step.

    accuracy_of(Izhikevich(model="izhikevich", size=1))       # a table: step, input, spikes
    largest_step_ms(Izhikevich(model="izhikevich", size=1))   # the largest that is trusted

The engines agree with one another at any step; whether they are right is another question. A cell
is shown nine inputs, scaled to the least constant current that makes it spike: below it, near it
and far above, steps, noise, Poisson synapses, jumps of the potential far below rest, strong
inhibition held. They change on a grid of 2 ms, so that nothing but the method and the grid of the
spikes is compared. A step is trusted where, under every input and at all shorter steps, the number
of spikes is right within one and an eighth of it, and without spikes the potential within 1 mV.
That the fine step itself is right is proven in the tests, by other integrators.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.networks.neurons import NeuronModel, SpikeSource
from spikelearn.networks.spiking import Projection, SpikingNetwork
from spikelearn.networks.synapses import ExponentialSynapse
from spikelearn.simulation.simulate import simulate
from spikelearn.simulation.trusted_step import TimeStepWarning
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli.stimulus import Stimulus

STEPS_MS = (0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0)
FINE_MS = 0.005
DURATION_MS = 400.0
_EVERY_MS = 2.0  # a multiple of all steps, on which inputs change
_RIGHT_SPIKES, _RIGHT_MV = 0.125, 1.0
_INPUTS = (
    "below threshold", "near threshold", "strong", "steps", "noise", "Poisson currents",
    "Poisson conductances", "inhibitory jumps", "inhibition held",
)  # fmt: skip


def accuracy_of(
    cell: NeuronModel,
    steps_ms: tuple[float, ...] = STEPS_MS,
    backend: str = "auto",
    seed: int = 0,
) -> pd.DataFrame:
    """Spikes and potentials of a cell at several time steps, beside those at a fine one.

    Parameters
    ----------
    cell : NeuronModel
        One neuron, of a model of ours or of one's own.
    steps_ms : tuple of float
        Time steps, each a whole part of 2 ms.
    backend : str
        An engine that has such neurons.
    seed : int
        Of noise and Poisson input.

    Returns
    -------
    pandas.DataFrame
        A row a step and input: `dt_ms`, `input`, `spikes`, `spikes_fine`; `late_ms`, how much later
        than at the fine step a spike is told, the median of those in the same order where their
        number is the same; `v_error_mv`, the largest difference of potentials on the grid of 2 ms
        where neither has a spike; `right`, by the rule above.

    Raises
    ------
    SpikelearnError
        Where the cell is not one neuron, or no constant current makes it spike.
    """
    if cell.size != 1:
        raise SpikelearnError(f"accuracy is measured of one neuron, found {cell.size}")
    unit = cell.typical_weight[0] if cell.typical_weight[0] in cell.gains() else "mv"
    rheobase = _rheobase(cell, unit, backend)
    fine = _run(cell, unit, rheobase, FINE_MS, backend, seed)
    rows = []
    for dt_ms in steps_ms:
        found = _run(cell, unit, rheobase, dt_ms, backend, seed)
        for index, name in enumerate(_INPUTS):
            if name == "Poisson conductances" and "ns" not in cell.gains():
                continue
            rows.append({"dt_ms": dt_ms, "input": name, **_compared(found, fine, index)})
    return pd.DataFrame(rows)


def largest_step_ms(
    cell: NeuronModel,
    steps_ms: tuple[float, ...] = STEPS_MS,
    backend: str = "auto",
    seed: int = 0,
) -> float:
    """The largest time step at which a cell is right, and at all shorter ones too.

    Parameters
    ----------
    cell, steps_ms, backend, seed
        As `accuracy_of` says.

    Returns
    -------
    float
        In ms; 0 where it is right at none of them.
    """
    right = accuracy_of(cell, steps_ms, backend, seed).groupby("dt_ms")["right"].all()
    trusted = right.sort_index().cummin()
    return float(trusted.index[trusted].max()) if trusted.any() else 0.0


def _compared(found: Activity, fine: Activity, index: int) -> dict[str, Any]:
    times, truly = (_times(activity, index) for activity in (found, fine))
    n, expected = len(times), len(truly)
    late = float(np.median(times - truly)) if n == expected and n else np.nan
    error = np.nan
    if not n and not expected:
        v, v_fine = (_on_common_grid(activity, index) for activity in (found, fine))
        error = float(np.abs(v - v_fine).max())
    right = abs(n - expected) <= (1.0 + _RIGHT_SPIKES * expected if expected else 0.0)
    return {
        "spikes": n,
        "spikes_fine": expected,
        "late_ms": late,
        "v_error_mv": error,
        "right": bool(right and not error > _RIGHT_MV),
    }


def _times(activity: Activity, index: int) -> np.ndarray:
    """Spikes of a neuron, by the time since the start, where time 0 is the end of a step."""
    spikes = activity["n"]
    return np.asarray(spikes.times_ms[spikes.senders == index] + activity.dt_ms)


def _on_common_grid(activity: Activity, index: int) -> np.ndarray:
    every = round(_EVERY_MS / activity.dt_ms)
    return np.asarray(activity.states["n.v_mv"][0, every - 1 :: every, index])


def _rheobase(cell: NeuronModel, unit: str, backend: str) -> float:
    """The least constant current that makes the cell spike within the time, within 2 %."""
    low, high = 0.0, abs(cell.typical_weight[1])
    fields = cell.model_dump()
    for _ in range(8):  # 16 currents at once, until one is within 2 % of the next
        tried = np.linspace(low, high, 17)[1:]
        cells = type(cell).model_validate({**fields, "size": len(tried)})
        network = SpikingNetwork(name="rheobase", populations={"n": cells})
        dt_ms = 0.05
        current = np.broadcast_to(tried, (1, round(DURATION_MS / dt_ms), len(tried)))
        stimulus = Stimulus(**{f"currents_{unit}": {"n": current}})  # type: ignore[arg-type]
        spikes = _simulate(network, stimulus, dt_ms, backend, 0)["n"].senders
        if not len(spikes):
            low, high = high, 4.0 * high
            continue
        first = int(spikes.min())
        low, high = (0.0 if first == 0 else float(tried[first - 1])), float(tried[first])
        if high - low < 0.02 * high:
            return high
    raise SpikelearnError(
        f"no constant current up to {high:g} makes a neuron of model {cell.model} spike within"
        f" {DURATION_MS:g} ms"
    )


def _run(
    cell: NeuronModel, unit: str, rheobase: float, dt_ms: float, backend: str, seed: int
) -> Activity:
    """The cell once for each input, side by side."""
    cells = type(cell).model_validate({**cell.model_dump(), "size": len(_INPUTS)})
    draw = generator(seed, "accuracy")
    n = round(DURATION_MS / _EVERY_MS)
    levels = np.array([0.0, 2.0, -1.0, 3.0, 0.5, 1.5, -2.0, 1.2])
    currents = np.zeros((n, len(_INPUTS)))
    currents[:, 0], currents[:, 1], currents[:, 2] = 0.8, 1.1, 3.0
    currents[:, 3] = np.repeat(levels, n // len(levels))
    currents[:, 4] = draw.normal(1.0, 1.0, n)
    currents[:, 7] = 1.5
    # What is not reset has gates, which no step follows as far below rest.
    held, far = (-50.0, 1.0) if cell.resets else (-5.0, 0.5)
    currents[:, 8] = np.where(np.arange(n) < n // 2, held, 1.5)
    events = {name: draw.random((n, 4)) < 0.2 for name in ("excite", "inhibit")}
    jumps = np.zeros((n, 4), dtype=bool)
    for k in range(4):
        jumps[20 + 40 * k, k] = True
    synapses: list[Projection] = []
    gains = cell.gains()
    for name, sign, reversal in (("excite", 1.0, 0.0), ("inhibit", -1.0, -80.0)):
        into = np.zeros((4, len(_INPUTS)))
        into[:, 5] = sign * rheobase * (1.0 if sign > 0 else 0.5)
        current = ExponentialSynapse(model="exponential", tau_ms=5.0)
        synapses.append(_projection(name, current, unit, into))
        if "ns" in gains:
            into = np.zeros((4, len(_INPUTS)))
            pa = rheobase * float(np.max(gains[unit])) / float(np.max(gains["pa"]))
            into[:, 6] = 3.0 * pa / 65.0
            conductance = ExponentialSynapse(model="exponential", tau_ms=5.0, reversal_mv=reversal)
            synapses.append(_projection(name, conductance, "ns", into))
    into = np.zeros((4, len(_INPUTS)))
    into[:, 7] = np.array([-40.0, -50.0, -100.0, -200.0]) * far
    synapses.append(Projection(source="jumps", target="n", weight_mv=into))
    network = SpikingNetwork(
        name="accuracy",
        populations={
            "n": cells,
            **{key: SpikeSource(model="spike_source", size=4) for key in (*events, "jumps")},
        },
        projections=tuple(synapses),
        record=("n",),
    )
    shown = np.repeat(currents * rheobase, round(_EVERY_MS / dt_ms), axis=0)[None]
    spikes = {
        key: Stimulus.from_spike_times(
            key, [(_EVERY_MS * (1 + np.flatnonzero(row)) - dt_ms).tolist() for row in rows.T]
        ).spikes[key]
        for key, rows in {**events, "jumps": jumps}.items()
    }
    stimulus = Stimulus(spikes=spikes, **{f"currents_{unit}": {"n": shown}})  # type: ignore[arg-type]
    return _simulate(network, stimulus, dt_ms, backend, seed)


def _simulate(
    network: SpikingNetwork, stimulus: Stimulus, dt_ms: float, backend: str, seed: int
) -> Activity:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TimeStepWarning)  # what is to be said is measured here
        return simulate(network, stimulus, DURATION_MS, dt_ms, backend, seed, record=("n",))


def _projection(
    source: str, synapse: ExponentialSynapse, unit: str, weight: np.ndarray
) -> Projection:
    weights: dict[str, Any] = {f"weight_{unit}": weight}
    return Projection(source=source, target="n", synapse=synapse, **weights)
