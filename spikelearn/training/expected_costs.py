"""What a training will take of time and disk, about: told before many of them begin.

Nobody can say how long an update takes by a rule that anyone may write, so a few are made, of
inputs drawn at random, by a network that is thrown away; and to networks that are simulated, a
few images are shown. What comes between updates (validation, checkpoints) is not counted.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from spikelearn._counts import counted
from spikelearn._room import in_time
from spikelearn._seeding import generator, torch_generator
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.rules import make_rule
from spikelearn.simulation import simulate
from spikelearn.simulation.memory import numbers_of_synapses
from spikelearn.simulation.running_time import LONG_S, LongRunWarning
from spikelearn.stimuli.datasets import EVENT_DATASETS
from spikelearn.stimuli.events import load_events
from spikelearn.stimuli.stimulus import Stimulus
from spikelearn.training.checked_runs import weights_of
from spikelearn.training.config import STDPConfig, TrainConfig
from spikelearn.training.images import Split, load_images
from spikelearn.training.one_thread import one_thread
from spikelearn.training.optimization import Optimizer, train_epoch

_UPDATES = 4  # of which the first is not counted: it makes room and code
_ENOUGH_S = 1.0  # slow updates are made twice
_SHOWN = 3  # images in a row, beside one alone: a simulation has a beginning that costs, too
_SHORTEST = 0.01  # of an image: code is made for it
_MANY_IMAGES = 10_000  # fewer take no longer than to be told of it is worth
_LIT = 0.13  # mean brightness of handwritten digits
_SPARSE = 0.02  # of inputs that are events, in a step
TABLES_BYTES = 8_000  # of a run beside its weights: description, tables, digests


@dataclass(frozen=True)
class Costs:
    """Seconds of training, and bytes of the run's folder."""

    seconds: float
    n_bytes: float


def expected_costs(config: TrainConfig | STDPConfig) -> Costs:
    """What training takes, about, by a sample of its work.

    Parameters
    ----------
    config : TrainConfig or STDPConfig
        That can be trained; see `check_trainable`.

    Returns
    -------
    Costs
    """
    return _simulated(config) if isinstance(config, STDPConfig) else _updated(config)


def _updated(config: TrainConfig) -> Costs:
    description: Any = config.description()
    # Some layers draw from the generator of the process, which is to be as it was.
    with torch.random.fork_rng(), one_thread():
        network = description.build(config.seed)
        rule = make_rule(config.rule_place, **config.options)
        rule.prepare(network, torch_generator(config.seed, "rule", config.rule))
        n_bytes = sum(w.numel() * w.element_size() for w in weights_of(rule).values())
        if not rule.trains:
            return Costs(0.0, n_bytes + TABLES_BYTES)
        rule.network.to(config.device)
        rule.extra.to(config.device)
        data = _drawn(config, description).to(config.device)
        optimizer = Optimizer(config, rule)
        every = torch.arange(len(data.y), device=data.y.device)
        began: list[float] = []

        def batches() -> Any:
            for _ in range(_UPDATES):
                began.append(time.perf_counter())
                if len(began) > 2 and began[-1] - began[0] > _ENOUGH_S:
                    return
                yield every
            began.append(time.perf_counter())

        train_epoch(rule, data, batches(), optimizer.step, 1, config.epochs)
    each = np.diff(began)
    update = float(np.median(each[1:]))
    n_updates = -(-_n_train(config) // config.batch_size)
    return Costs(update * n_updates * config.epochs, n_bytes + TABLES_BYTES)


def _drawn(config: TrainConfig, description: Any) -> Split:
    """A batch of inputs and labels that mean nothing."""
    random = generator(0, "a batch to tell the time by")
    n = config.batch_size
    labels = torch.from_numpy(random.integers(0, description.n_classes, n))
    if config.dataset in EVENT_DATASETS:
        shape = (n, description.n_steps, description.n_inputs)
        return Split(torch.from_numpy((random.random(shape) < _SPARSE).astype(np.uint8)), labels)
    values = random.uniform(*config.input_range, (n, description.n_inputs))
    return Split(torch.from_numpy(values.astype(np.float32)), labels)


def _n_train(config: TrainConfig | STDPConfig) -> int:
    if config.n_train is not None:
        return config.n_train
    if config.dataset in EVENT_DATASETS:
        return len(load_events(config.dataset).train)
    return len(load_images(config, config.complete()["source"]).train_images)


def _simulated(config: STDPConfig) -> Costs:
    network = config.description()
    learn = [p.plasticity is not None for p in network.projections]
    # As they were at the start, and learned.
    n_bytes = 16.0 * float(np.dot(numbers_of_synapses(network), learn))
    seconds = [_showing(config, network, n) for n in (_SHORTEST, 1, _SHOWN)][1:]
    image = max(seconds[1] - seconds[0], 0.0) / (_SHOWN - 1)
    beginning = max(seconds[0] - image, 0.0)
    n_images = _n_images(config)
    return Costs(
        image * n_images + beginning * -(-n_images // config.chunk), n_bytes + TABLES_BYTES
    )


def _n_images(config: STDPConfig) -> int:
    return _n_train(config) * config.epochs + config.n_label + config.n_test


def warn_of_time(config: STDPConfig, left: float) -> None:
    """Say about how long a training by simulation will take, where that is long.

    Parameters
    ----------
    config : STDPConfig
    left : float
        The share of it that is still to be done, 0 to 1.

    Warns
    -----
    LongRunWarning
    """
    n_images = _n_images(config)
    if n_images * left < _MANY_IMAGES:
        return
    costs = expected_costs(config)
    if costs.seconds * left > LONG_S:
        more = "further " if left < 1.0 else ""
        warnings.warn(
            f"training '{config.model}' by {config.rule} will take {more}about"
            f" {in_time(costs.seconds * left)} ({counted(n_images, 'image')} in all, learned from"
            f" or shown to label and test; {costs.n_bytes / 1e6:.0f} MB); it may be interrupted,"
            " and goes on where it was",
            LongRunWarning,
            stacklevel=4,
        )


def _showing(config: STDPConfig, network: SpikingNetwork, n_images: float) -> float:
    """Seconds that one simulation takes in which so many images are shown."""
    random = generator(0, "an image to tell the time by")
    n_steps = max(round(n_images * config.present_ms / config.dt_ms), 1)
    n_resting = round(n_images * config.rest_ms / config.dt_ms)
    duration_ms = (n_steps + n_resting) * config.dt_ms
    chance = _LIT * config.max_rate_hz * config.dt_ms / 1000.0
    sources = {}
    for name, size in network.sources.items():
        steps, senders = np.nonzero(random.random((n_steps, size)) < chance)
        sources[name] = PopulationSpikes.from_unsorted(size, steps * config.dt_ms, senders)
    stimulus = Stimulus(spikes=sources)
    began = time.perf_counter()
    simulate(network, stimulus, duration_ms, config.dt_ms, config.backend)
    return time.perf_counter() - began
