"""Simulations beside the page: the newest setting wins, and no visitor waits for another.

A setting that came later ends the simulation of an earlier one (`newest.py`). What takes long is
first shown as far as it goes in a moment: the beginning of the trial; the whole follows when
nothing was turned for a while.
"""

from __future__ import annotations

import contextlib
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from spikelearn._errors import SpikelearnError, TrainingWarning
from spikelearn._time_steps import nearest_step
from spikelearn.explorer.newest import Newest, Superseded, Turn
from spikelearn.explorer.pace import Pace
from spikelearn.explorer.settings import Setting
from spikelearn.explorer.while_used import WhileUsed
from spikelearn.networks.drawn_pairs import keep_at_most, pairs_kept
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation.given import stimulus_for
from spikelearn.simulation.grid.inputs import LeftOutWarning
from spikelearn.simulation.memory import Run, numbers_of_synapses
from spikelearn.simulation.running_time import LongRunWarning, expected_seconds
from spikelearn.simulation.simulate import simulate
from spikelearn.simulation.trusted_step import TimeStepWarning
from spikelearn.simulation.undriven import UndrivenWarning
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli.stimulus import Stimulus

# Seconds in which nothing has to be turned before the whole of a long simulation begins.
CALM_S = 0.3
# Potentials are recorded of all neurons up to so many, times steps, and of some of larger ones.
_MOST_TRACED, _TRACED = 2_000_000, 5
# Synapses for whose drawing one waits, and of a network that is first shown smaller.
MANY_SYNAPSES, TOO_MANY_SYNAPSES = 2_000_000, 30_000_000
_SMALLER = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
_SAID = (TimeStepWarning, LongRunWarning, LeftOutWarning, TrainingWarning, UndrivenWarning)


@dataclass(frozen=True)
class Answer:
    """What became of a setting.

    Attributes
    ----------
    setting : Setting
    activity : Activity or None
        None where it failed, or has only begun.
    network : SpikingNetwork or None
        As it was simulated.
    error : str
        Why there is no activity.
    notes : tuple of str
        What was warned of.
    seconds : float
        That it took.
    """

    setting: Setting
    activity: Activity | None = None
    network: SpikingNetwork | None = None
    error: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether all of the trial was simulated."""
        return self.activity is not None and self.activity.duration_ms >= self.setting.duration_ms


class Computer:
    """Simulates the newest setting it was given, beside the page.

    Parameters
    ----------
    deliver : callable
        Takes each answer, on another thread; a first one without activity where one has to wait.
    traced : callable
        Whether potentials are looked at, so that they are recorded.
    """

    def __init__(
        self, deliver: Callable[[Answer], None], traced: Callable[[], bool] = lambda: True
    ) -> None:
        self._deliver, self._traced = deliver, traced
        self._pace = Pace(1.0)
        self._measured: Any = None  # what it is the pace of
        self._drawn: Any = None
        self._keeping = contextlib.ExitStack()
        self._newest: Newest[Setting] = Newest(self._answer)

    def want(self, setting: Setting) -> None:
        """Simulate this setting next, and nothing earlier."""
        self._newest.want(setting)

    def close(self) -> None:
        """End what is simulated."""
        self._newest.close()
        self._keeping.close()

    def _answer(self, setting: Setting, turn: Turn) -> None:
        """A first look and then the whole, or the whole at once, or why not."""

        def give(answer: Answer) -> None:
            turn.check()
            self._deliver(answer)

        if not self._measured:
            self._keeping.enter_context(synapses_kept())
        try:
            network = setting.network()
            _make_room(self, network)
            first_ms, draws = self._first_ms(setting, network), self._draws(setting, network)
            if draws and sum(numbers_of_synapses(network)) > MANY_SYNAPSES:
                give(Answer(setting, network=network))
            look = simulated(setting, network, first_ms, turn.check, self._traced())
            if not draws:
                self._pace.took(first_ms, look.seconds)
            give(look)
            if first_ms < setting.duration_ms:
                turn.pause(CALM_S)
                whole = simulated(setting, network, setting.duration_ms, turn.check, self._traced())
                self._pace.took(setting.duration_ms, whole.seconds)
                give(whole)
        except Superseded:
            raise
        except SpikelearnError as error:
            give(Answer(setting, error=str(error)))
        except MemoryError:
            give(Answer(setting, error="the free memory does not hold this network"))
        except Exception as error:  # the page lives on, and says what happened
            said = f"this cannot be simulated ({type(error).__name__}: {error})"
            give(Answer(setting, error=said))

    def _first_ms(self, setting: Setting, network: SpikingNetwork) -> float:
        """How long a first look is."""
        dt_ms = setting.subject.dt_ms
        if self._measured != (setting.subject.name, setting.scale, setting.subject.stimulus):
            self._measured = (setting.subject.name, setting.scale, setting.subject.stimulus)
            run = Run(network, "native", 1, nearest_step(setting.duration_ms, dt_ms), dt_ms)
            self._pace = Pace(setting.duration_ms / max(2 * expected_seconds(run), 1e-3))
        return self._pace.first_ms(setting.duration_ms)

    def _draws(self, setting: Setting, network: SpikingNetwork) -> bool:
        """Whether there are other synapses than those that were drawn last."""
        drawn = [
            (p.connectivity, network.populations[p.source].size, network.populations[p.target].size)
            for p in network.projections
        ], setting.seed  # fmt: skip
        before, self._drawn = self._drawn, drawn
        return bool(drawn != before)


def simulated(
    setting: Setting,
    network: SpikingNetwork,
    duration_ms: float,
    progress: Callable[[float], None] = lambda fraction: None,
    traced: bool = True,
) -> Answer:
    """The setting, simulated for so long.

    Parameters
    ----------
    setting : Setting
    network : SpikingNetwork
        Its network.
    duration_ms : float
        Of the trial; its beginning, where that is shorter than the setting's.
    progress : callable
        Told the fraction done.
    traced : bool
        Whether potentials are recorded: of large networks that takes longer than the rest.
    """
    began = time.perf_counter()
    dt_ms = setting.subject.dt_ms
    duration_ms = round(max(1, nearest_step(duration_ms, dt_ms)) * dt_ms, 9)
    with told() as notes:
        protocol = setting.protocol()
        shown = Stimulus()
        if protocol is not None:
            shown = stimulus_for(network, protocol, duration_ms, dt_ms, setting.seed)
        activity = simulate(
            network, shown, duration_ms, dt_ms, seed=setting.seed, progress=progress,
            record=_recorded(network, duration_ms / dt_ms * shown.n_trials) if traced else (),
        )  # fmt: skip
    return Answer(
        setting, activity, network, notes=tuple(notes), seconds=time.perf_counter() - began
    )


def is_large(setting: Setting) -> bool:
    """Whether recording all potentials of a network takes long."""
    sizes = sum(p.size for p in setting.network().neurons.values())
    return sizes * setting.duration_ms / setting.subject.dt_ms > _MOST_TRACED


def _recorded(network: SpikingNetwork, steps: float) -> dict[str, Any]:
    """Neurons whose potentials are recorded: all of small populations, some of large ones."""
    return {
        name: None if p.size * steps <= _MOST_TRACED else slice(None, None, -(-p.size // _TRACED))
        for name, p in network.neurons.items()
    }


def small_enough(setting: Setting) -> float:
    """The share of a network's neurons that is shown first: all, unless it is very large."""
    network = setting.subject.network
    number = sum(numbers_of_synapses(network))
    if number <= TOO_MANY_SYNAPSES:
        return 1.0
    for scale in _SMALLER:
        try:
            smaller = sum(numbers_of_synapses(network.scaled(scale)))
        except SpikelearnError:
            return 1.0
        if smaller <= MANY_SYNAPSES:
            return scale
    return _SMALLER[-1]


@contextlib.contextmanager
def _kept() -> Iterator[None]:
    with pairs_kept():
        yield
    keep_at_most(None)


# While any page is open, synapses that were drawn are kept, for all pages.
synapses_kept = WhileUsed(_kept)
# Bytes of the pairs and rows that each page needs; and how much is kept of earlier ones.
_needed: weakref.WeakKeyDictionary[Computer, float] = weakref.WeakKeyDictionary()
_DRAWN_BYTES, _OF_EARLIER = 20.0, 25e6


def _make_room(computer: Computer, network: SpikingNetwork) -> None:
    """Keep the synapses of all pages, and few besides, however much is turned."""
    with synapses_kept.lock:
        _needed[computer] = _DRAWN_BYTES * sum(numbers_of_synapses(network))
        if synapses_kept.is_used:  # the last page may have been closed in the meantime
            keep_at_most(max(_OF_EARLIER, 1.05 * sum(_needed.values())))


_heard = threading.local()
_before: Any = None


@contextlib.contextmanager
def _all_heard() -> Iterator[None]:
    global _before  # noqa: PLW0603 - Python has one place for all threads
    _before = warnings.showwarning, list(warnings.filters)
    warnings.showwarning = _hear
    for kind in _SAID:
        warnings.simplefilter("always", kind)
    try:
        yield
    finally:
        warnings.showwarning, warnings.filters[:] = _before  # type: ignore[index]
        warnings._filters_mutated()  # type: ignore[attr-defined]


_hearing = WhileUsed(_all_heard)


@contextlib.contextmanager
def told() -> Iterator[list[str]]:
    """What the toolkit warns of on this thread, in sentences; other threads are left alone."""
    sentences: list[str] = []
    with _hearing():
        _heard.sentences = sentences
        try:
            yield sentences
        finally:
            _heard.sentences = None


def _hear(message: Any, category: Any, *where: Any, **more: Any) -> None:
    sentences = getattr(_heard, "sentences", None)
    ours = category.__module__.startswith("spikelearn.")
    if sentences is None or not ours:
        _before[0](message, category, *where, **more)
    elif str(message) not in sentences:
        sentences.append(str(message))
