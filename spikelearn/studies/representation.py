"""What a trained network makes of images: its population responses, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._names import is_sorted, order_of_names
from spikelearn._seeding import generator
from spikelearn.comparison.guards import check_alone, evaluation_mode
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.networks.spiking_mlp import SpikingClassifier
from spikelearn.responses import activation_responses, spike_counts
from spikelearn.rules.rule import Rule
from spikelearn.simulation import simulate
from spikelearn.simulation.simulate import load_backend
from spikelearn.stimuli.encoders import BernoulliEncoder, RateEncoder
from spikelearn.stimuli.images import network_input
from spikelearn.stimuli.stimulus import Stimulus
from spikelearn.training.checked_runs import described_network
from spikelearn.training.images import as_input
from spikelearn.training.loop import TrainedRun
from spikelearn.training.measures import activity
from spikelearn.training.stdp_training import STDPRun

if TYPE_CHECKING:
    import torch
    import xarray

    from spikelearn.spikes.activity import Activity

# Spiking networks see each image for longer than in training: the longer, the less noisy a count.
PRESENTATION_MS = 100.0
SPARSE_PRESENTATION_MS = 500.0  # of competitive layers, in which few neurons fire at all


@dataclass(frozen=True)
class Shown:
    """Responses by layer or population; and the spikes, where the network spikes."""

    responses: dict[str, xarray.DataArray]
    activity: Activity | None


def show(
    run: TrainedRun | STDPRun,
    images: np.ndarray,
    labels: Sequence[str],
    backend: str = "auto",
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> Shown:
    """Show images to the network of a run.

    They are shown in the order of their labels, so that each sees the same noise in whatever order
    they are given; the responses are in the order given, the trials of spikes in that of labels.

    Parameters
    ----------
    run : TrainedRun or STDPRun
    images : uint8 array of shape (n, height, width) or (n, height, width, 3)
        Turned into luminance and averaged down to the network's input.
    labels : sequence of str
        One each.
    backend : str
        Where a spiking network is simulated; of no meaning for networks of rates.
    seed : int
        Of the input spikes. The same images, seed and coding give the same spikes on any backend.
    progress : callable, optional
        Called with the fraction done.
    """
    order = order_of_names(labels)
    if not is_sorted(order):
        named = [labels[i] for i in order]
        shown = _shown(run, images[order], named, backend, seed, progress)
        given = np.argsort(order)
        responses = {layer: r.isel(stimulus=given) for layer, r in shown.responses.items()}
        return Shown(responses, shown.activity)
    return _shown(run, images, labels, backend, seed, progress)


def _shown(
    run: TrainedRun | STDPRun,
    images: np.ndarray,
    labels: Sequence[str],
    backend: str,
    seed: int,
    progress: Callable[[float], None] | None,
) -> Shown:
    if isinstance(run, STDPRun):
        presentation = SPARSE_PRESENTATION_MS, run.config["dt_ms"]
        return _spikes(
            run.network,
            images,
            labels,
            RateEncoder(max_rate_hz=run.config["max_rate_hz"]),
            presentation,
            backend,
            seed,
            progress,
        )
    network = run.rule.network
    if isinstance(network, SpikingClassifier) and not network.convolutional:
        d = network.description
        return _spikes(
            network.to_spiking_network(),
            images,
            labels,
            BernoulliEncoder(max_rate_hz=d.max_rate_hz),  # as it was trained
            (PRESENTATION_MS, d.dt_ms),
            backend,
            seed,
            progress,
        )
    model = described_network(run.config["network"], "the run")
    if model.image_shape is None:
        raise _no_square(model.n_inputs)
    x = as_input(images, model.image_shape, run.config.get("input_range", (0.0, 1.0)))
    return Shown(checked_responses(run.rule, x, labels, run.config["rule"]), None)


def checked_responses(
    rule: Rule, x: torch.Tensor, labels: Sequence[str], name: str
) -> dict[str, xarray.DataArray]:
    """The activity of every layer, in evaluation mode and whatever images are shown together.

    Parameters
    ----------
    rule : Rule
        Trained.
    x : tensor of shape (n, ...)
        Images as the network takes them.
    labels : sequence of str
        One each.
    name : str
        Of the rule, for the errors.

    Raises
    ------
    SpikelearnError
        If a layer is in training mode, or a response depends on the batch it is computed in.
    """
    rule.network.eval()
    rule.extra.eval()
    with evaluation_mode(rule.network, rule.extra):
        responses = activation_responses(activity(rule, x), labels)

        def alone(index: int) -> dict[str, np.ndarray]:
            layers = activity(rule, x[index : index + 1])
            return {layer: values[0].numpy(force=True) for layer, values in layers.items()}

        check_alone(name, responses, alone)
    return responses


def square_input(images: np.ndarray, n_inputs: int) -> np.ndarray:
    """Images as input of a spiking network of `n_inputs` pixels, a square, in [0, 1].

    Raises
    ------
    SpikelearnError
        If the number of inputs is no square.
    """
    side = math.isqrt(n_inputs)
    if side * side != n_inputs:
        raise _no_square(n_inputs)
    return network_input(images, side, side)


def _no_square(n_inputs: int) -> SpikelearnError:
    return SpikelearnError(
        f"the network has {n_inputs} inputs, which make no square image to resize others to"
    )


def image_stimulus(
    source: str,
    images: np.ndarray,
    labels: Sequence[str],
    encoder: RateEncoder | BernoulliEncoder,
    presentation: tuple[float, float],
    seed: int,
    n_inputs: int,
) -> Stimulus:
    """Rate-coded images, a trial each.

    Parameters
    ----------
    source : str
        The network's spike source.
    images : uint8 array of shape (n, height, width) or (n, height, width, 3)
    labels : sequence of str
        One each.
    encoder : RateEncoder or BernoulliEncoder
    presentation : (float, float)
        Duration and time step in ms.
    seed : int
        Of the input spikes.
    n_inputs : int
        Of the network; a square.
    """
    spikes = encoder.encode(
        square_input(images, n_inputs), *presentation, generator(seed, "images")
    )
    coding = {
        "encoder": encoder.kind,
        "max_rate_hz": encoder.max_rate_hz,
        "n_images": len(labels),
        "seed": seed,
    }
    return Stimulus(list(labels), {source: spikes}, provenance={"protocol": coding})


def _spikes(
    network: SpikingNetwork,
    images: np.ndarray,
    labels: Sequence[str],
    encoder: RateEncoder | BernoulliEncoder,
    presentation: tuple[float, float],
    backend: str,
    seed: int,
    progress: Callable[[float], None] | None,
) -> Shown:
    if backend != "auto":
        load_backend(backend)  # or say that there is none
    ((source, n_inputs),) = network.sources.items()
    stimulus = image_stimulus(source, images, labels, encoder, presentation, seed, n_inputs)
    spikes = simulate(network, stimulus, *presentation, backend, seed, progress=progress)
    return Shown({name: spike_counts(spikes, name) for name in network.recorded}, spikes)
