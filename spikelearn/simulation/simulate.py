"""What a network is shown, and `simulate`: check, put on the grid, run, collect the activity."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import importlib
import importlib.metadata
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from spikelearn._arguments import check_numbers
from spikelearn._errors import SpikelearnError, UnsupportedFeatureError, nearest
from spikelearn._interrupts import Interrupted, last_interrupt
from spikelearn._progress import check_progress, progress_of_call
from spikelearn._seeding import checked_seed
from spikelearn._threads import as_many
from spikelearn._time_steps import DEFAULT_DURATION_MS, MOST_STEPS, nearest_step
from spikelearn.networks.content import content, shortened
from spikelearn.networks.neurons import NEURON_MODELS, NeuronModel
from spikelearn.networks.projections import UNITS
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.networks.without_effect import warn_without_effect
from spikelearn.simulation.features import required_features
from spikelearn.simulation.final_weights import final_weights
from spikelearn.simulation.given import (
    AnyNetwork,
    Shown,
    network_given,
    stimulus_given,
    time_step,
)
from spikelearn.simulation.grid.inputs import SEVERAL_SPIKES
from spikelearn.simulation.grid.network import GridNetwork, GridSpikes, PartialRun, Result, to_grid
from spikelearn.simulation.grid.neurons import USUAL
from spikelearn.simulation.memory import Run, check_disk, check_memory
from spikelearn.simulation.recorded import check_recorded, recorded_every, recorded_given
from spikelearn.simulation.recorded import told as told_of
from spikelearn.simulation.running_time import warn_of_time
from spikelearn.simulation.spike_store import SPIKES_IN_MEMORY_MB, StoredSpikes
from spikelearn.simulation.trusted_step import warn_of_measured_step, warn_of_step
from spikelearn.simulation.undriven import warn_of_silence
from spikelearn.spikes.activity import Activity, PopulationSpikes
from spikelearn.stimuli.stimulus import Stimulus

# Name -> (module, distribution), in the order in which `auto` asks them whether they have all that
# a network needs. A new engine is a file and a line here: the module is a `Backend`, the
# distribution is whose version the provenance tells, and all tests of engines then take it up. One
# that can run in several ways has TARGETS, by name, each a backend called "module:target", and
# choose_target(grid).
BACKENDS: dict[str, tuple[str, str]] = {
    "native": ("spikelearn.simulation.native.engine", "numba"),
    "brian2": ("spikelearn.simulation.brian2.engine", "brian2"),
    "snntorch": ("spikelearn.simulation.torch.snntorch", "snntorch"),
    "norse": ("spikelearn.simulation.torch.norse", "norse"),
    "nest": ("spikelearn.simulation.nest.engine", "nest-simulator"),
}


# What one may do where a backend lacks something.
_INSTEAD = {
    SEVERAL_SPIKES: "; without it, use a smaller dt_ms, or give Poisson input as background"
    " of the network",
}


class Backend(Protocol):
    """What a backend is: a module or an object with these.

    One that has other neurons than leaky ones also has `integrates(model)`, which says of a class
    of `NEURON_MODELS` whether it can integrate such neurons; or it names them in its FEATURES, by
    the model's `in_words`. One that lacks something usual (`USUAL` in `simulation/grid/neurons.py`)
    names it in LACKS.
    """

    @property
    def FEATURES(self) -> frozenset[str]:
        """What it has beyond what every backend has, of `required_features`."""

    @property
    def run(self) -> Callable[..., Result]:
        """Simulate: run(grid, progress, precision).

        It takes a `GridNetwork`, a function to tell the fraction done to, and "float64" or
        "float32"; and gives spikes by population, states by name (those that `GridNetwork.recorded`
        leaves of all) and, by projection, the weights of plastic synapses, one for each in the
        order of its connections. Where the user interrupts it, it raises `PartialRun` with what
        there is, or KeyboardInterrupt.
        """


def simulate(
    network: AnyNetwork,
    stimulus: Shown | None = None,
    duration_ms: float = DEFAULT_DURATION_MS,
    dt_ms: float | None = None,
    backend: str | Backend = "auto",
    seed: int = 0,
    record: str | Sequence[str] | Mapping[str, Any] = (),
    progress: Callable[[float], None] | bool | None = None,
    precision: str = "float64",
    keep_partial: bool = False,
    spikes_in_memory_mb: float = SPIKES_IN_MEMORY_MB,
    threads: int | None = None,
    record_every_ms: float | None = None,
) -> Activity:
    """Simulate a spiking network; see `spikelearn.simulation` for what happens in a step.

    Parameters
    ----------
    network : SpikingNetwork, str, Path or mapping
        What is simulated: a network, the name of a shipped one, a YAML or NIR file, or the fields
        of a description.
    stimulus : Stimulus, protocol, str, Path or mapping, optional
        What it is shown: a batch of trials, simulated independently from the same initial state;
        or a protocol, drawn by the seed: an object, a shipped one's name, a YAML file, or fields.
        May be left out where the network has no spike sources.
    duration_ms, dt_ms : float
        Duration of a trial and time step of the grid, in ms; the network's own step if absent, or
        0.1.
    backend : {"auto", "native", "brian2", "snntorch", "norse", "nest"}, or one of your own
        Which simulator runs it. All give the same spikes. `auto` takes the first of them, in this
        order, that has all that the network needs: native but for 32-bit arithmetic. Brian2 runs on
        NumPy, or on Cython where that takes more than a minute (`simulation/brian2/engine.py` has
        the rule); "brian2:numpy", "brian2:cython" and "brian2:standalone" choose.
        "snntorch:cuda" and "norse:cuda" run on a GPU. "nest" needs NEST (the extra `nest`), of
        which it resets the one network that a process has; processes that `mpirun` starts run the
        network together, where NEST was built with MPI, and each gets the whole activity.
    seed : int
        Seed of connectivity, weights and background input.
    record : str, sequence of str, or mapping
        Populations whose membrane potential is recorded; or neurons by population,
        as in ``{"excitatory": [0, 5], "inhibitory": slice(0, 100, 10)}``, or the text of these,
        "0,5" and "0:100:10". ``provenance["recorded_neurons"]`` then names them. (Spikes are
        recorded of the populations that the network's `record` names.)
    progress : callable or bool, optional
        Called now and then with the fraction done, 0 to 1. Without it a bar shows itself in a
        terminal and in a notebook where it takes longer than a second; with False none does.
    precision : {"float64", "float32"}
        Arithmetic of the torch backends; the others compute in 64 bits.
    keep_partial : bool
        What becomes of a run that the user interrupts, or that a full disk ends: if true, what was
        simulated is returned, with `provenance["partial"]` saying what had been asked for (and
        `reason`, with a warning, why the disk ended it; or `signal`, which one did, where it was
        not Ctrl-C): the complete trials, or where none is complete, all up to the time that all had
        reached. Otherwise, or where there is nothing to keep, KeyboardInterrupt or SpikelearnError
        is raised.
    spikes_in_memory_mb : float
        How large the arrays of all spikes of the native engine (24 bytes a spike) may become, in
        MB. Beyond it spikes are written to the folder for temporary files, which the environment
        variable TMPDIR names, and the activity's arrays are memory-mapped, read only; the files
        go with the activity. With `math.inf` all stay in memory.
    threads : int, optional
        On how many threads it computes, at most, of each process where there are several; on as
        many as there are cores, if absent. The native engine gives the same numbers, to the last
        bit, on any number.
    record_every_ms : float, optional
        Time from one record of the potentials to the next, in ms, a multiple of `dt_ms`; a record
        at every step, if absent. They are those of every step at the times 0, record_every_ms,
        2 record_every_ms ... (`activity.state_times_ms`), and no others take memory.

    Returns
    -------
    Activity

    Raises
    ------
    SpikelearnError
        Where network, stimulus and grid do not fit together, the backend is unknown, the free
        memory does not hold what is asked for, or the folder for temporary files the spikes that
        are to be expected where the network says `rates_hz`; or where that folder is full later.
    UnsupportedFeatureError
        Before the run, naming what the backend lacks and which backends have it.

    Warns
    -----
    TimeStepWarning
        Where the step is larger than a population's model is trusted with (`trusted_dt_ms`), or
        than one at which its rate under this input is right within an eighth, by an estimate; where
        that is of rates that the run itself has, after the run.
    LongRunWarning
        Where the run will take long, saying about how long.
    WithoutEffectWarning
        Where a projection asks for something that changes nothing (`allow_self` between two
        populations).
    UndrivenWarning
        Where no neuron fired and nothing drives the network: no current is given, no spikes or
        background arrive, and there is no noise; unless potentials are recorded. And where a
        classifier whose images are currents is shown none.

    Examples
    --------
    >>> import spikelearn as sl
    >>> network = sl.load_model("lif_feedforward")
    >>> stimulus = sl.stimulus_for(network, "poisson", duration_ms=100)
    >>> activity = sl.simulate(network, stimulus, duration_ms=100, seed=1)
    >>> again = sl.simulate(network, stimulus, duration_ms=100, seed=1, backend="snntorch")
    >>> activity.n_spikes == again.n_spikes > 0
    True
    """
    _check_options(backend, precision, spikes_in_memory_mb, keep_partial)
    check_numbers(duration_ms=duration_ms, **({} if dt_ms is None else {"dt_ms": dt_ms}))
    checked_seed(seed)
    check_progress(progress)
    network = network_given(network)
    dt_ms = time_step(network) if dt_ms is None else dt_ms
    stimulus = stimulus_given(stimulus, network, duration_ms, dt_ms, seed)
    chosen = recorded_given(record, network)
    every = 1
    if dt_ms > 0 and duration_ms / dt_ms < MOST_STEPS:  # to_grid refuses anything else
        every = recorded_every(record_every_ms, chosen, duration_ms, dt_ms)
        size = Run(
            network, str(backend), stimulus.n_trials, nearest_step(duration_ms, dt_ms), dt_ms,
            tuple(chosen), spikes_in_memory_mb, stimulus,
            {name: which.size for name, which in chosen.items() if which is not None}, every,
        )  # fmt: skip
        with as_many(threads):
            _say_before(size)
    grid = dataclasses.replace(
        to_grid(network, stimulus, duration_ms, dt_ms, seed, tuple(chosen)),
        spikes_in_memory_mb=spikes_in_memory_mb,
        chosen={name: which for name, which in chosen.items() if which is not None},
        record_every=every,
    )
    name, module = choose_backend(grid, backend, precision)
    told = warn_of_step(network, dt_ms, 2, stimulus, duration_ms)
    provenance = _provenance(network, stimulus, name, seed, precision) | told_of(chosen)
    trials = np.arange(stimulus.n_trials)
    n_steps = grid.n_steps
    try:
        with as_many(threads), progress_of_call(progress, "simulating") as say:
            result = module.run(grid, say or (lambda fraction: None), precision)
        check_recorded(result[1], grid, name)
    except PartialRun as interrupted:
        trials, n_steps = interrupted.kept(grid.n_steps)
        if not keep_partial or not n_steps:
            if interrupted.reason is not None:
                raise SpikelearnError(interrupted.reason) from None
            raise last_interrupt() from None
        result = interrupted.result
        provenance["partial"] = _said_of_partial(interrupted, duration_ms, stimulus.n_trials)
    if callable(progress) and "partial" not in provenance:
        progress(1.0)
    spikes, states, found = result
    weights = final_weights(network, grid, found)
    activity = Activity(
        populations={
            name: _population_spikes(part, trials, n_steps, dt_ms, network.populations[name].size)
            for name, part in spikes.items()
        },
        duration_ms=duration_ms if n_steps == grid.n_steps else n_steps * dt_ms,
        dt_ms=dt_ms,
        n_trials=len(trials),
        labels=tuple(stimulus.labels[int(trial)] for trial in trials),
        states={name: s[trials, : grid.n_recorded(n_steps)] for name, s in states.items()},
        weights=weights,
        provenance=provenance,
        weight_units={p.name: UNITS[p.unit] for p in network.projections if p.name in weights},
        states_every_ms=every * dt_ms,
    )
    if "partial" not in provenance:
        warn_of_measured_step(network, dt_ms, 2, stimulus, activity, told)
        warn_of_silence(network, stimulus, activity, 2)
    return activity


def _said_of_partial(interrupted: PartialRun, duration_ms: float, n_trials: int) -> dict[str, Any]:
    """What a provenance says of a run that has ended early."""
    said: dict[str, Any] = {"asked_duration_ms": float(duration_ms), "asked_trials": n_trials}
    if interrupted.reason is not None:
        said["reason"] = interrupted.reason
        warnings.warn(interrupted.reason, stacklevel=3)
    elif isinstance(asked := last_interrupt(), Interrupted):
        said["signal"] = asked.signal.name
    return said


def _check_options(
    backend: str | Backend, precision: str, spikes_in_memory_mb: float, keep_partial: bool
) -> None:
    if not isinstance(keep_partial, bool):
        raise SpikelearnError(f"keep_partial is true or false, found {keep_partial!r:.40}")
    if isinstance(backend, str) and backend != "auto":
        load_backend(backend)
    if not isinstance(backend, str) and not callable(getattr(backend, "run", None)):
        raise SpikelearnError(
            f"a backend is the name of one, or what has FEATURES and run, found {backend!r}"
        )
    if precision not in ("float64", "float32"):
        raise SpikelearnError(f"precision must be float64 or float32, found '{precision}'")
    check_numbers(spikes_in_memory_mb=spikes_in_memory_mb)
    if not spikes_in_memory_mb >= 0:
        raise SpikelearnError(
            f"spikes_in_memory_mb must not be below 0, found {spikes_in_memory_mb:g}"
        )


def _say_before(size: Run) -> None:
    """What is refused or warned of before anything is drawn."""
    check_memory(size)
    check_disk(size)
    warn_of_time(size, 3)
    warn_without_effect(size.network, 3)


def _population_spikes(
    spikes: GridSpikes | StoredSpikes, trials: np.ndarray, n_steps: int, dt_ms: float, size: int
) -> PopulationSpikes:
    """The spikes of the trials that are kept, which are numbered anew."""
    if isinstance(spikes, StoredSpikes):
        return spikes.of(size, trials, n_steps, dt_ms)
    kept = np.isin(spikes.trials, trials) & (spikes.steps < n_steps)
    return PopulationSpikes.from_unsorted(
        size,
        spikes.steps[kept] * dt_ms,
        spikes.senders[kept],
        np.searchsorted(trials, spikes.trials[kept]),
    )


def choose_backend(
    grid: GridNetwork, backend: str | Backend, precision: str
) -> tuple[str, Backend]:
    """The backend of that name with its name, or for `auto` the first that has all it takes.

    Where it has several targets and none is named, the one that suits.

    Parameters
    ----------
    grid : GridNetwork
        What is to be run.
    backend : str or Backend
        A name of `BACKENDS`, with a target after a colon or not; "auto"; or a backend itself.
    precision : {"float64", "float32"}

    Raises
    ------
    UnsupportedFeatureError
        Naming what the backend lacks, before the run.
    """
    needed = required_features(grid, precision)
    if grid.plastic and grid.n_trials > 1:
        raise SpikelearnError(
            f"a plastic network learns from one trial after another, found {grid.n_trials}"
            " parallel trials; join them into one long trial"
        )
    if not isinstance(backend, str):
        name, engine = getattr(backend, "__name__", type(backend).__name__), backend
    elif backend == "auto":
        first = next((n for n in BACKENDS if set(needed) <= features_of(load_backend(n))), None)
        if first is None:
            raise UnsupportedFeatureError(
                f"no backend has all of what this needs: {', '.join(sorted(needed))}"
            )
        name, engine = first, load_backend(first)
    else:
        name, engine = backend, load_backend(backend)
    for feature in needed:
        if feature not in features_of(engine):
            able = [n for n in BACKENDS if feature in features_of(load_backend(n))]
            raise UnsupportedFeatureError(
                f"backend '{name}' has no {feature}; backends that have it:"
                f" {', '.join(able) or 'none'}" + _INSTEAD.get(feature, "")
            )
    if isinstance(engine, ModuleType) and hasattr(engine, "TARGETS"):
        target = engine.choose_target(grid)
        name, engine = f"{name}:{target}", engine.TARGETS[target]
    return name, engine


def load_backend(name: str) -> Backend:
    """A backend of ours: its module, or with a target's name after a colon, that target.

    Raises
    ------
    SpikelearnError
        If there is none of that name.
    """
    base, colon, target = name.partition(":")
    if base not in BACKENDS:
        raise SpikelearnError(
            f"there is no backend called '{name}'; {nearest(name, [*BACKENDS, 'auto'])}"
        )
    module: Any = importlib.import_module(BACKENDS[base][0])
    if not colon:
        return module
    targets: dict[str, Backend] = getattr(module, "TARGETS", {})
    if target not in targets:
        ways = ", ".join(f"{base}:{way}" for way in targets)
        raise SpikelearnError(
            f"there is no backend called '{name}'; "
            + (f"{base} runs as {ways}" if ways else f"{base} has no targets to choose from")
        )
    return targets[target]


def features_of(backend: Backend) -> frozenset[str]:
    """What a backend has: what is usual but for what it LACKS, its own FEATURES, and the neurons
    whose equations it can integrate.
    """
    lacks: frozenset[str] = getattr(backend, "LACKS", frozenset())
    features = (USUAL - lacks) | backend.FEATURES
    integrates: Callable[[type[NeuronModel]], bool] | None = getattr(backend, "integrates", None)
    if integrates is None:
        return features
    models = {model for model in NEURON_MODELS.values() if integrates(model)}
    return features | {model.in_words for model in models}


def _provenance(
    network: SpikingNetwork, stimulus: Stimulus, backend: str, seed: int, precision: str
) -> dict[str, Any]:
    base, _, target = backend.partition(":")
    return {
        "network": content(network),
        "stimulus": shortened(dict(stimulus.provenance)) or {"protocol": "given"},
        "backend": base,
        "backend_version": _version(BACKENDS[base][1]) if base in BACKENDS else "unknown",
        **({"backend_target": target} if target else {}),
        "spikelearn_version": _version("spikelearn-toolkit"),
        "precision": precision,
        "seed": seed,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


@functools.cache  # to look one up takes a millisecond
def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:  # as of a NEST that is built by hand, or absent
        return "unknown"
