"""What a simulation takes of memory and of the disk for temporary files, before anything is drawn.

The estimate is a sum of parts, from sizes that the description says: neurons, synapses, the ring
in which spikes wait for their delays, recorded potentials, expected spikes, what is shown, trials.
Bytes of each were measured; `tests/simulation` measures them again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._mpi import n_ranks, n_ranks_here
from spikelearn._room import Part, bounded, in_number, require_disk, require_memory
from spikelearn._seeding import generator
from spikelearn._threads import n_threads
from spikelearn._time_steps import MOST_STEPS, nearest_step
from spikelearn.networks.connectivity import Convolution
from spikelearn.networks.fields import AnyDistribution
from spikelearn.networks.neurons import LIF, SpikeSource
from spikelearn.networks.synapses import AlphaSynapse, DeltaSynapse
from spikelearn.simulation.grid.neurons import gain_of
from spikelearn.simulation.nest import memory as nest
from spikelearn.simulation.spike_store import ARRAY_BYTES, MB, RECORDED_BYTES, SPIKES_IN_MEMORY_MB

if TYPE_CHECKING:
    from spikelearn.networks.spiking import Projection, SpikingNetwork
    from spikelearn.stimuli.stimulus import Stimulus

# What backends hold at once, which they read here.
DENSE_BYTES = 256 * 2**20  # up to which a projection is a dense matrix on the torch backends
BLOCK_STEPS = 256  # that these make together, and the bytes of the spikes, and of the inputs, of it
BLOCK_BYTES = 128 * 2**20
SPIKES_HELD = 65_536  # of a trial on native, before they are put away

# Of a synapse: two indices of 4 bytes and a weight of 8 on the grid, and what a backend makes of
# it: native of those that learn another index and weight, Brian2 its own indices, weights and
# queues for each trial (those of one run at a time), the torch backends a row of a sparse matrix.
# What learns is full matrices there: the weights, those of the last block, and who has a synapse.
# NEST is given one projection after another, none of which stays on the grid.
_LOWERED = 16
_BY_BACKEND = {"native": 12, "brian2": 60, "snntorch": 16, "norse": 16, "nest": nest.SYNAPSE_BYTES}
_LEARNING_PAIR = {"snntorch": 17, "norse": 17}
# Of what does not learn native keeps a target and a weight, if it is not one for all; while those
# of one source are drawn, there are their ends and delays, and the weights twice. Of all pairs it
# lists nothing; where they learn, it has them on the grid, arranged, and of the trial.
_TARGET, _ENDS, _DELAY, _LEARNING_OF_ALL = 4, 8, 4, 28
_LEARNT = 8  # of a weight that is given back
_DENSE_PAIR, _MAKING_PAIR = 8, 16  # of the torch backends' matrices, and while they are made
# While a projection is drawn, and sorted by delays that are drawn, besides what remains of it.
_DRAWING, _SORTING = 16, 32
_CONVOLVING = 70  # of a place of a kernel, inside the image or not
# Of a spike in the other backends: its step, sender and trial, as found, joined, chosen and sorted.
_SPIKE_ELSEWHERE = 4 * ARRAY_BYTES
_GIVEN_SPIKE = 32  # on the grid, while it is sorted, and by trial
# Of a neuron: on the grid and arranged, and as the state of a trial; more with each channel of its
# synapses; of a model with slopes; of a conductance.
_NEURON, _STATE, _CHANNEL = 90, 74, 32
_SLOPED, _SLOPED_STATE = 60, 60
_CONDUCTING_STATE = 80
_TORCH_STATE, _BRIAN2_STATE = 80, 250
_TRIAL = 1_200  # of a trial, whatever it holds
_POTENTIAL = 32  # of a value that is recorded
_DELAYS = 10_000  # drawn to see how long they become


@dataclass(frozen=True)
class Run:
    """What is to be simulated, as far as its size goes.

    Parameters
    ----------
    network : SpikingNetwork
    backend : str
        Its name, with or without a target.
    n_trials : int
    n_steps : int
    dt_ms : float
    record : tuple of str
        Populations whose potential is recorded.
    spikes_in_memory_mb : float
        Spikes beyond this are kept on disk, in MB, where the backend does so.
    stimulus : Stimulus, optional
        What is shown, where it is there already.
    chosen : mapping of str to int
        Of these populations the potentials of so many neurons alone.
    record_every : int
        Steps from one record of potentials to the next.
    """

    network: SpikingNetwork
    backend: str
    n_trials: int
    n_steps: int
    dt_ms: float
    record: tuple[str, ...] = ()
    spikes_in_memory_mb: float = SPIKES_IN_MEMORY_MB
    stimulus: Stimulus | None = None
    chosen: Mapping[str, int] = field(default_factory=dict)
    record_every: int = 1

    @property
    def base(self) -> str:
        """The backend without its target; the one that is tried first, where none is named."""
        name = self.backend.partition(":")[0]
        return name if name in _BY_BACKEND else "native"

    @property
    def torch(self) -> bool:
        """Whether it is one of the torch backends."""
        return self.base in _LEARNING_PAIR

    @property
    def ranks(self) -> int:
        """Processes that it is dealt out to; what each has for itself, each has."""
        return n_ranks() if self.base == "nest" else 1

    @property
    def at_once(self) -> float:
        """Trials whose state is in memory at one time."""
        trials = bounded(self.n_trials)
        if self.base == "nest":
            return 1.0
        return min(trials, n_threads()) if self.base == "native" else trials

    @property
    def expected_spikes(self) -> float:
        """How many spikes will be recorded of the populations whose rates the network says."""
        return expected_spikes(self.network, self.n_trials, self.n_steps * self.dt_ms)


def expected_spikes(network: SpikingNetwork, n_trials: int, duration_ms: float) -> float:
    """How many spikes will be recorded of the populations whose rates the network says.

    Parameters
    ----------
    network : SpikingNetwork
    n_trials : int
    duration_ms : float
    """
    return sum(spikes_to_come(network, n_trials, duration_ms).values())


def spikes_to_come(network: SpikingNetwork, n_trials: int, duration_ms: float) -> dict[str, float]:
    """The same by population.

    Parameters
    ----------
    network : SpikingNetwork
    n_trials : int
    duration_ms : float
    """
    seconds = bounded(n_trials) * bounded(duration_ms) / 1000.0
    return {
        name: network.rates_hz.get(name, 0.0) * _size(network, name) * seconds
        for name in network.recorded
    }


def needed_parts(run: Run) -> list[Part]:
    """What a simulation needs of memory, by part: of all its processes on this machine."""
    parts = [
        _of_neurons(run),
        _of_rings(run),
        _of_synapses(run),
        _of_potentials(run),
        _of_spikes(run),
        _of_stimulus(run),
        Part(
            counted(run.n_trials, "trial"),
            _TRIAL * bounded(run.n_trials) * max(1, len(run.network.recorded)),
            "show fewer trials at once",
        ),
    ]
    beside = min(run.ranks, n_ranks_here())
    return [Part(part.what, part.n_bytes * beside, part.instead) for part in parts]


def needed_bytes(run: Run) -> float:
    """Bytes of memory that a simulation needs, about."""
    return sum(part.n_bytes for part in needed_parts(run))


def check_memory(run: Run) -> None:
    """Refuse a simulation that the free memory does not hold.

    Raises
    ------
    NoRoomError
        Saying how much it would need, what of it is the most, and what would do.
    """
    require_memory(f"the simulation of '{run.network.name}'", needed_parts(run))


def check_size(network: SpikingNetwork, backend: str, duration_ms: float, dt_ms: float) -> None:
    """Refuse a network that no run of it fits into the memory, before a stimulus is drawn for it.

    Parameters
    ----------
    network : SpikingNetwork
    backend : str
    duration_ms, dt_ms : float
        Duration of a trial and time step; what they must be is said elsewhere.

    Raises
    ------
    NoRoomError
    """
    if dt_ms > 0 and duration_ms / dt_ms < MOST_STEPS:
        check_memory(Run(network, backend, 1, nearest_step(duration_ms, dt_ms), dt_ms))


def check_disk(run: Run) -> None:
    """Refuse a simulation whose expected spikes the folder for temporary files does not hold.

    Raises
    ------
    NoRoomError
        Saying how much they would need.
    """
    n_spikes = run.expected_spikes
    if not _streams(run) or n_spikes * ARRAY_BYTES <= run.spikes_in_memory_mb * MB:
        return
    folder = tempfile.gettempdir()
    part = Part(
        f"about {counted(n_spikes, 'spike')} (by its rates_hz)",
        n_spikes * (ARRAY_BYTES + RECORDED_BYTES),
        "name a folder with more room by the environment variable TMPDIR, simulate a shorter time,"
        " or record fewer populations",
    )
    named = f"the folder for temporary files, {folder}"
    require_disk(f"the simulation of '{run.network.name}'", [part], Path(folder), named)


def _streams(run: Run) -> bool:
    """Whether a backend writes spikes to disk beyond a limit."""
    return run.backend in ("native", "auto")


def _size(network: SpikingNetwork, name: str) -> float:
    return bounded(network.populations[name].size)


def _of_neurons(run: Run) -> Part:
    """Populations on the grid, as the engine keeps them, and the state of the trials at a time."""
    network, total = run.network, 0.0
    onto: dict[str, set[Any]] = {name: set() for name in network.neurons}
    for item in (*network.projections, *network.background):
        if not isinstance(item.synapse, DeltaSynapse):
            onto[item.target].add(item.synapse)
    for name, population in network.populations.items():
        if isinstance(population, SpikeSource):
            continue
        channels = sum(1 + isinstance(synapse, AlphaSynapse) for synapse in onto[name])
        conducting = any(synapse.reversal_mv is not None for synapse in onto[name])
        sloped = not isinstance(population, LIF)
        grid = _NEURON + _CHANNEL * channels + _SLOPED * sloped
        state: float
        if run.torch:
            state = _TORCH_STATE + 16 * channels
        elif run.base == "brian2":
            state = _BRIAN2_STATE + 8 * channels
        elif run.base == "nest":
            state = nest.of_neuron(network, name, run.n_steps) / run.ranks
        else:
            state = _STATE + 8 * channels + _CONDUCTING_STATE * conducting + _SLOPED_STATE * sloped
        total += _size(network, name) * (grid + run.at_once * state)
    count = sum(_size(network, name) for name in network.populations)
    what = counted(count, "neuron")
    if run.at_once > 1:
        what += f" in {counted(run.at_once, 'trial')} at once"
    if run.base == "native":
        total += run.at_once * 16 * SPIKES_HELD
    return Part(what, total, "make the network smaller (`scaled`, --scale)")


def _of_rings(run: Run) -> Part:
    """Where spikes wait for their delays: who has spiked in each of the last steps."""
    network = run.network
    delays = [(longest_delay_ms(p), p.name) for p in network.projections]
    longest, name = max(delays, default=(0.0, ""))
    # What arrives after the end of the run waits for nothing.
    slots = 1 + min(bounded(longest / run.dt_ms), bounded(run.n_steps))
    width = sum(_size(network, name) for name in network.populations)
    if run.torch:
        neurons = sum(_size(network, name) for name in network.neurons)
        steps = min(BLOCK_STEPS, run.n_steps)
        block = min(steps * neurons * run.at_once * 8, 2 * BLOCK_BYTES)
        total = slots * neurons * run.at_once * 8 + 2 * block
    else:
        # Of jumps or a current, and from outside.
        rings = {"native": run.at_once, "nest": 2.0 / run.ranks}
        total = 8 * slots * (width * rings[run.base] if run.base in rings else 1.0)
    if delays:
        what = f"the spikes on their way for up to {longest:g} ms ({name})"
        return Part(what, total, "use shorter delays, or a larger time step")
    return Part("spikes", total, "make the network smaller (`scaled`, --scale)")


def longest_delay_ms(projection: Projection) -> float:
    """The longest delay of a projection in ms; of drawn ones about."""
    delay: Any = projection.delay_ms
    if delay is None:
        return 0.0
    if isinstance(delay, AnyDistribution):
        delay = delay.draw(_DELAYS, generator(0, "delays that are to be expected"))
    return float(np.max(delay, initial=0.0))


def _of_synapses(run: Run) -> Part:
    """Synapses as they stay, and the largest projection while it is drawn."""
    network, numbers = run.network, numbers_of_synapses(run.network)
    count = sum(numbers)
    smaller = "make the network smaller (`scaled`, --scale), or connect it more sparsely"
    if run.base == "native":
        return Part(counted(count, "synapse"), _in_rows(network, numbers), smaller)
    if run.base == "nest":
        return Part(counted(count, "synapse"), _in_turn(run, numbers), smaller)
    total, passing = (_LOWERED + _BY_BACKEND[run.base]) * count, [0.0]
    for number, p in zip(numbers, network.projections, strict=True):
        drawing = number * (_DRAWING + _SORTING * _several_delays(p))
        if isinstance(p.connectivity, Convolution):
            drawing = _CONVOLVING * _places(p.connectivity)
        pairs = _size(network, p.source) * _size(network, p.target)
        if p.plasticity is not None:
            total += _LEARNING_PAIR.get(run.base, 0) * pairs + _LEARNT * number
        elif run.torch and pairs * 8 <= DENSE_BYTES:
            total += _DENSE_PAIR * pairs - _BY_BACKEND[run.base] * number
            drawing = max(drawing, _MAKING_PAIR * pairs)
        passing.append(drawing)
    return Part(counted(count, "synapse"), total + max(passing), smaller)


def _in_turn(run: Run, numbers: list[float]) -> float:
    """Bytes at the peak on NEST, which is given one projection after another, each drawn whole."""
    passing = [0.0]
    for number, p in zip(numbers, run.network.projections, strict=True):
        drawing = number * (_LOWERED + _DRAWING + 2 * _DELAY * _several_delays(p))
        if isinstance(p.connectivity, Convolution):
            drawing = max(drawing, _CONVOLVING * _places(p.connectivity))
        passing.append(drawing + nest.connecting(number))
    return _BY_BACKEND["nest"] / run.ranks * sum(numbers) + max(passing)


def _in_rows(network: SpikingNetwork, numbers: list[float]) -> float:
    """Bytes at the peak on native, which draws the projections of one source after another's."""
    weight, staying, groups = network.weight_bits // 8, 0.0, dict[Any, list[float]]()
    for index, (number, p) in enumerate(zip(numbers, network.projections, strict=True)):
        several, group = _several_delays(p), groups.setdefault(index, [0.0, 0.0])
        if p.plasticity is not None:
            listed = not p.joins_all or several
            each = _LOWERED + _BY_BACKEND["native"] if listed else _LEARNING_OF_ALL
            staying += number * (each + _LEARNT)
            stays, passes = 0.0, float(_DRAWING + _SORTING * several)
        elif isinstance(p.weight, float) and not np.ndim(gain_of(p, network)):
            listed = not (p.joins_all or p.joins_all_others) or several
            stays = float(_TARGET * listed)
            passes = float((_ENDS + weight + _DELAY * several) * listed)
        elif p.joins_all and not several:
            stays, passes = 8.0, 2.0 * weight
        else:
            group = groups.setdefault(p.source, [0.0, 0.0])
            stays, passes = float(_TARGET + weight), float(_ENDS + 2 * weight + _DELAY * several)
        passing = number * passes
        if isinstance(p.connectivity, Convolution):
            passing = _CONVOLVING * _places(p.connectivity)
        group[0] += number * stays
        group[1] += passing
    peak = there = 0.0
    for stays, passing in sorted(groups.values(), key=sum, reverse=True):
        there += stays
        peak = max(peak, there + passing)
    return staying + peak


def _several_delays(p: Projection) -> bool:
    """Whether the delays of its synapses differ."""
    return isinstance(p.delay_ms, AnyDistribution | np.ndarray)


def _places(convolution: Convolution) -> float:
    """Places of the kernel at all of its positions."""
    product = 1.0
    for size in (*convolution.kernel_shape, *convolution.output_shape[1:]):
        product *= bounded(size)
    return product


def numbers_of_synapses(network: SpikingNetwork) -> list[float]:
    """How many synapses each projection is expected to have."""
    return [
        float(p.expected_number(int(_size(network, p.source)), int(_size(network, p.target))))
        for p in network.projections
    ]


def _of_potentials(run: Run) -> Part:
    """Potentials as they are recorded, put together, counted from 0 and given back."""
    there = [name for name in run.record if name in run.network.populations]
    some = run.chosen
    sizes = [bounded(some[n]) if n in some else _size(run.network, n) for n in there]
    n_times = -(-run.n_steps // run.record_every)
    return Part(
        f"the potentials of {', '.join(there)} at {in_number(n_times)} times",
        _POTENTIAL * sum(sizes) * bounded(n_times) * bounded(run.n_trials),
        "record fewer neurons or less often (record_every_ms), or simulate a shorter time",
    )


def _of_spikes(run: Run) -> Part:
    n_spikes = run.expected_spikes
    total = n_spikes * _SPIKE_ELSEWHERE
    if _streams(run):
        held = min(n_spikes, run.spikes_in_memory_mb * MB / ARRAY_BYTES)
        total = held * (ARRAY_BYTES + RECORDED_BYTES)
    return Part(
        f"about {counted(n_spikes, 'spike')} (by its rates_hz)",
        total,
        "simulate a shorter time, or record fewer populations",
    )


def _of_stimulus(run: Run) -> Part:
    """Spikes and currents that are shown, moved to the grid."""
    stimulus, total = run.stimulus, 0.0
    if stimulus is not None:
        total += _GIVEN_SPIKE * sum(len(spikes) for spikes in stimulus.spikes.values())
        for currents in stimulus.currents.values():
            total += sum(2.0 * current.nbytes for current in currents.values())
    if run.torch:  # where the spikes of each step begin
        total += 16.0 * bounded(run.n_steps) * len(run.network.sources)
    return Part("what is shown", total, "show fewer trials at once, or a shorter time")
