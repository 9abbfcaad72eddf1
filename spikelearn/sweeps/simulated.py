"""Runs of a sweep that are simulations: what decides each, and what is found of it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikelearn._code import folder_code
from spikelearn._errors import SpikelearnError
from spikelearn._files import sha256
from spikelearn._keys import content_key
from spikelearn._same_content import ComparedByContent
from spikelearn._time_steps import in_steps
from spikelearn.networks.content import content
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation.given import stimulus_for, time_step
from spikelearn.simulation.recorded import recorded_every, recorded_given
from spikelearn.simulation.simulate import load_backend, simulate
from spikelearn.spikes import summary
from spikelearn.stimuli.datasets import data_key
from spikelearn.stimuli.image_protocol import ImageProtocol
from spikelearn.stimuli.protocol import AnyProtocol, CombinedProtocol, load_protocol
from spikelearn.sweeps.bases import SimulateBase
from spikelearn.sweeps.description import Sweep
from spikelearn.sweeps.measures import SIMULATED, SLOW, measures_code, own_found
from spikelearn.sweeps.overlapping import joined
from spikelearn.training.spiking_model import as_spiking, is_nir, spiking_model

# Raised when the meaning of what is stored changes.
FORMAT = 1
# Of the toolkit, what decides spikes and what is measured of them.
CODE = (
    "simulation", "networks", "stimuli", "spikes", "_mat_files.py", "_seeding.py",
    "_spike_arrays.py", "_synaptic_weights.py", "_time_steps.py", "rules/stdp.py",
    "sweeps/measures.py", "sweeps/simulated.py",
)  # fmt: skip
_IN_STIMULUS, _IN_BASE = "stimulus.", "simulate."
_SAID = ("name", "description", "reference", "dt_ms")


@dataclass(frozen=True, eq=False, repr=False)
class Recording(ComparedByContent):
    """Whose potentials are recorded, and how often.

    Attributes
    ----------
    chosen : dict of str to array or None
        Neurons by population; None for all.
    every_ms : float or None
    """

    chosen: dict[str, np.ndarray | None]
    every_ms: float | None

    def said(self) -> list[Any]:
        """All of it in plain values, which decide what measures of one's own see."""
        listed = {n: None if who is None else who.tolist() for n, who in self.chosen.items()}
        return [listed, self.every_ms]


@dataclass(frozen=True)
class Simulation:
    """One simulation, all of it at hand."""

    network: SpikingNetwork
    protocol: AnyProtocol | None
    duration_ms: float
    dt_ms: float
    backend: str
    seed: int
    recording: Recording


class SimulatedRuns:
    """The simulations of a sweep. Names of models and stimuli are looked up once, when it is made.

    Parameters
    ----------
    sweep : Sweep

    Raises
    ------
    SpikelearnError
        If there is no such model or stimulus.
    """

    by_population = True
    CHOOSING = tuple(f"{_IN_BASE}{name}" for name in ("model", "stimulus", "written_by", "reset"))

    def __init__(self, sweep: Sweep) -> None:
        base = sweep.simulate
        if base is None:
            raise SpikelearnError(f"the sweep '{sweep.name}' trains, it does not simulate")
        self.sweep, self.base = sweep, base
        self.fixed: dict[str, Any] = dict(base.changes or {})
        self.measures = sweep.measured()
        varied = {
            path: [values[at] for values in axis.values]
            for axis in sweep.axes()
            for at, path in enumerate(axis.paths)
        }
        self.models = {
            _name(given): given if isinstance(given, SpikingNetwork) else spiking_model(given)
            for given in (base.model, *varied.get(f"{_IN_BASE}model", []))
            if not (isinstance(given, str) and is_nir(given))  # they hang on how they are read
        }
        self.protocols = _named(_protocol, base.stimulus, varied.get(f"{_IN_BASE}stimulus", []))
        for backend in (base.backend, *varied.get(f"{_IN_BASE}backend", [])):
            if isinstance(backend, str) and backend != "auto":
                load_backend(backend)
        self.decides = {
            "format": FORMAT,
            "code": folder_code(*CODE),
            "own": measures_code(self.measures),
            "part": [sweep.start_ms, sweep.stop_ms, sweep.bin_ms],
        }
        self._made: tuple[str, Any, str] = ("", None, "")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_made": ("", None, "")}

    def simulation(self, changes: Mapping[str, Any], seed: int) -> Simulation:
        """What runs with these changes, by path, and this seed.

        Raises
        ------
        SpikelearnError
            Where there is no such place, or a value does not fit there.
        """
        return self._simulation(changes, seed)[0]

    def _simulation(self, changes: Mapping[str, Any], seed: int) -> tuple[Simulation, str]:
        """The simulation, and the key of its network and its stimulus."""
        told = content_key([self.fixed, changes, seed if self._by_seed() else None])
        if self._made[0] != told:
            made = self._described(changes, seed)
            self._made = (told, made, content_key([*map(_decides, made[1:3]), made[3].said()]))
        (base, network, protocol, recording), key = self._made[1], self._made[2]
        dt_ms = time_step(network) if base.dt_ms is None else base.dt_ms
        self._check_part(base.duration_ms, dt_ms)
        recorded_every(recording.every_ms, recording.chosen, base.duration_ms, dt_ms)
        one = Simulation(
            network, protocol, base.duration_ms, dt_ms, base.backend, seed, recording
        )  # fmt: skip
        return one, key

    def _by_seed(self) -> bool:
        """Whether the network itself hangs on the seed: weights before training are drawn."""
        return any(model.kind != "spiking" for model in self.models.values())

    def _described(
        self, changes: Mapping[str, Any], seed: int
    ) -> tuple[SimulateBase, SpikingNetwork, AnyProtocol | None, Recording]:
        base = self._base(changes)
        model = self._model(base)
        of_network = joined(model, _of_network(self.fixed), _of_network(changes))
        if "dt_ms" in of_network and base.dt_ms is not None:
            if f"{_IN_BASE}dt_ms" not in changes:
                raise SpikelearnError(
                    f"the time step is given twice, as simulate.dt_ms, {base.dt_ms:g}, and as dt_ms"
                    f" of the network, {of_network['dt_ms']!r:.60}; leave one out"
                )
            del of_network["dt_ms"]  # an axis wins
        network = as_spiking(model.changed(of_network) if of_network else model, seed)
        if base.scale is not None:
            network = network.scaled(base.scale)
        protocol = self._shown(base) if base.stimulus is not None or network.sources else None
        ways = [_behind(_IN_STIMULUS, each) for each in (self.fixed, changes)]
        if any(ways):
            if protocol is None:
                first = next(iter({**ways[0], **ways[1]}))
                raise SpikelearnError(f"'{first}': there is no stimulus")
            protocol = protocol.changed(joined(protocol, *ways))
        chosen = recorded_given(base.record, network)
        return base, network, protocol, Recording(chosen, base.record_every_ms)

    def _base(self, changes: Mapping[str, Any]) -> SimulateBase:
        """What stands beside network and stimulus, with these changes."""
        of_base = joined(self.base, _behind(_IN_BASE, self.fixed), _behind(_IN_BASE, changes))
        base = self.base.changed(of_base) if of_base else self.base
        if "changes" in of_base:
            raise SpikelearnError("what `changes` says is varied by its own paths")
        return base

    def _shown(self, base: SimulateBase) -> Any:
        """What is shown, before anything is changed in it."""
        given = "poisson" if base.stimulus is None else base.stimulus
        return _looked_up(self.protocols, _protocol, given)

    def bases(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The descriptions into which paths lead, by how these begin.

        Parameters
        ----------
        changes : mapping
            Of paths in `CHOOSING`.

        Raises
        ------
        SpikelearnError
            If there is no such model or stimulus.
        """
        base = self._base(changes)
        return {_IN_BASE: self.base, _IN_STIMULUS: self._shown(base), "": self._model(base)}

    def meaning(self, path: str) -> str:
        """The path by which the same is said: there are two for the time step."""
        return f"{_IN_BASE}dt_ms" if path == "dt_ms" else path

    def every(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """What differs from the base in a run, by path: what is fixed, and what varies, which wins.

        Parameters
        ----------
        changes : mapping
            Those that vary.
        """
        found: dict[str, Any] = {}
        for start, base in self.bases(changes).items():
            behind = functools.partial(_behind, start) if start else _of_network
            own = joined(base, behind(self.fixed), behind(changes))
            found |= {f"{start}{path}": value for path, value in own.items()}
        return found

    def _model(self, base: SimulateBase) -> Any:
        """What spikes by the name in the base; looked up once for every way of reading it."""
        name, how = _name(base.model), (base.written_by, base.reset)
        if isinstance(base.model, str):
            if is_nir(name):
                name = content_key([name, base.dt_ms, *how])
            if name not in self.models or how != (None, None):
                self.models[name] = spiking_model(base.model, base.dt_ms, *how)
        return self.models.setdefault(name, base.model)

    def _check_part(self, duration_ms: float, dt_ms: float) -> None:
        in_steps(duration_ms, dt_ms, "duration_ms")
        start, stop = self.sweep.start_ms, self.sweep.stop_ms
        end = duration_ms if stop is None else stop
        if not start < end <= duration_ms * (1 + 1e-9):
            raise SpikelearnError(
                f"start_ms and stop_ms must lie within the trial, 0 to {duration_ms:g} ms, and"
                f" start_ms before stop_ms, found {start:g} and {end:g} ms"
            )

    def key(self, changes: Mapping[str, Any], seed: int) -> str:
        """The key of a run: what decides it, and what is measured of it."""
        simulation, network = self._simulation(changes, seed)
        numbers = [simulation.duration_ms, simulation.dt_ms, simulation.backend, seed]
        return content_key([self.decides, network, numbers])

    def check(self, changes: Mapping[str, Any], seed: int) -> None:
        """Refuse a run whose description is refused, before anything runs."""
        self._simulation(changes, seed)

    def check_stimulus(self, changes: Mapping[str, Any], seed: int) -> None:
        """Refuse a stimulus that the network cannot be shown."""
        one = self.simulation(changes, seed)
        if one.protocol is not None:
            stimulus_for(one.network, one.protocol, one.duration_ms, one.dt_ms, seed)

    def is_same_here(self, changes: Mapping[str, Any], seed: int, key: str) -> bool:
        """Whether measures are here what they were where the key was made; all else is sent.

        Parameters
        ----------
        changes : mapping
            By path.
        seed : int
        key : str
            Of the run.
        """
        return bool(measures_code(self.measures) == self.decides["own"])

    def result(
        self, changes: Mapping[str, Any], seed: int, folder: Path, key: str
    ) -> dict[str, Any]:
        """Simulate and measure; plain values.

        Parameters
        ----------
        changes : mapping
            By path.
        seed : int
        folder : Path
            Where files of runs go.
        key : str
            Of the run.
        """
        one = self.simulation(changes, seed)
        stimulus = None
        if one.protocol is not None:
            stimulus = stimulus_for(one.network, one.protocol, one.duration_ms, one.dt_ms, seed)
        activity = simulate(
            one.network, stimulus, one.duration_ms, one.dt_ms, one.backend, one.seed,
            record=one.recording.chosen, record_every_ms=one.recording.every_ms,
        )  # fmt: skip
        if (file := self.file(key)) is not None:
            activity.save(folder / file)
        part = activity.between(self.sweep.start_ms, self.sweep.stop_ms)
        slow = [name for name in SLOW if name not in self.measures]
        table = summary(part, self.sweep.bin_ms, without=slow)
        known = [name for name in SIMULATED if name not in slow]
        found = {name: list(map(float, table[name])) for name in known}
        populations = list(table["population"])
        own = own_found(self.measures, part, populations)
        return {"populations": populations, "found": found, "own": own}

    def populations(self, changes: Mapping[str, Any], seed: int) -> list[str]:
        """Names of those that are measured."""
        return list(self.simulation(changes, seed).network.populations)

    def uses_gpu(self, changes: Mapping[str, Any], seed: int) -> bool:
        """Whether a run computes on a GPU."""
        every = {**self.fixed, **changes}
        return str(every.get(f"{_IN_BASE}backend", self.base.backend)).endswith(":cuda")

    def file(self, key: str) -> str | None:
        """The file or folder of a run, below the folder for these; None where none is kept."""
        return f"spikes/{key[:20]}.npz" if self.sweep.keep_spikes else None

    def holds(self, found: Mapping[str, Any]) -> bool:
        """Whether a result holds all that is asked: another sweep may have asked for less."""
        if self.sweep.keep_spikes and "spikes" not in found:
            return False
        return all(name in found["found"] for name in self.measures if name in SIMULATED)

    def is_complete(self, path: Path) -> bool:
        """Whether the file of a run is there."""
        return path.is_file()


def _behind(start: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        path.removeprefix(start): value for path, value in changes.items() if path.startswith(start)
    }


def _of_network(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {p: value for p, value in changes.items() if not p.startswith((_IN_BASE, _IN_STIMULUS))}


def _name(given: Any) -> str:
    return given if isinstance(given, str) else "" if given is None else content_key(given, 16)


def _named(load: Any, base: Any, values: list[Any]) -> dict[str, Any]:
    """What is found by each name that the base or an axis gives."""
    found: dict[str, Any] = {}
    for given in (base, *values):
        if given is not None:
            _looked_up(found, load, given)
    return found


def _looked_up(found: dict[str, Any], load: Any, given: Any) -> Any:
    """What a name, or a description itself, stands for; looked up once."""
    name = _name(given)
    if name not in found:
        found[name] = load(given) if isinstance(given, str) else given
    return found[name]


def _protocol(name: str) -> Any:
    return load_protocol(name)


def _decides(part: Any) -> Any:
    """What of a network or a stimulus decides spikes: not what is said of it, nor file names."""
    if part is None:
        return None
    if isinstance(part, SpikingNetwork):
        return {name: value for name, value in content(part).items() if name not in _SAID}
    fields = {name: _content(value) for name, value in dict(part).items() if name not in _SAID[1:3]}
    if isinstance(part, CombinedProtocol):
        fields["parts"] = [_decides(one) for one in part.parts]
    if isinstance(part, ImageProtocol) and part.dataset != "kriegeskorte92":
        fields["dataset"] = data_key(part.dataset)
    return fields


def _content(value: Any) -> Any:
    """Values of a protocol, files by what stands in them."""
    if isinstance(value, Path):
        about = value.stat()
        return _digest(value, about.st_size, about.st_mtime_ns)
    if isinstance(value, np.ndarray | str | bytes) or value is None:
        return value
    if isinstance(value, Mapping):
        return {name: _content(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_content(inner) for inner in value]
    if hasattr(value, "settable"):
        return {name: _content(inner) for name, inner in dict(value).items()}
    return value


@functools.lru_cache(maxsize=256)
def _digest(path: Path, size: int, changed: int) -> str:
    return sha256(path)
