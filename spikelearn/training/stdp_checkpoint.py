"""What carries over from image to image while a layer learns by STDP, and its checkpoint."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spikelearn import _store as store
from spikelearn._atomic import atomic_path
from spikelearn._errors import SpikelearnError
from spikelearn.training.checked_runs import check_records
from spikelearn.training.stdp_evaluation import Evaluated
from spikelearn.training.stdp_layer import pair_names

if TYPE_CHECKING:
    import torch

    from spikelearn.networks.spiking import Projection, SpikingNetwork


@dataclass
class State:
    """What carries over from image to image, and what is told of it."""

    weights: np.ndarray  # (inputs, neurons) or (n_synapses,), in the unit of the projection
    theta: np.ndarray  # rise of the thresholds, mV, (neurons,)
    records: list[dict[str, float]]
    answers: np.ndarray  # spike counts of the latest images, (images, neurons)
    classes: np.ndarray  # of those
    evaluated: Evaluated | None = None  # of a layer that has learned


class Checkpoints:
    """The checkpoint of a run, which is written from time to time.

    Parameters
    ----------
    path : Path or None
        Its file; where there is none, nothing is kept.
    every_s : float
        The least time from one to the next, in seconds.
    state : State
        What need not be kept: the beginning, or what the file holds already.
    """

    def __init__(self, path: Path | None, every_s: float, state: State) -> None:
        self.path, self.every_s, self.state = path, every_s, state
        self._kept, self._written = state, time.monotonic()

    def put(self, state: State) -> None:
        """Take the newest state, and write it if it is time."""
        self.state = state
        if time.monotonic() - self._written >= self.every_s:
            self.write()

    def put_evaluated(self, evaluated: Evaluated) -> None:
        """The same of a layer that learns no more, with how far its evaluation has come."""
        self.put(dataclasses.replace(self.state, evaluated=evaluated))

    def write(self) -> None:
        """Write the newest state, unless it is kept already."""
        if self.path is not None and self.state is not self._kept:
            write_checkpoint(self.path, self.state)
            self._kept, self._written = self.state, time.monotonic()


def beginning(initial: np.ndarray, offset: np.ndarray, checkpoint: Path | None) -> State:
    """The state from which training starts, or goes on.

    Parameters
    ----------
    initial : array
        Weights at the start, as `State` has them.
    offset : array of shape (neurons,)
        Rise of the thresholds at the start, mV.
    checkpoint : Path or None
        The file that may hold a later state.
    """
    n_neurons = len(offset)
    state = State(
        initial,
        offset.astype(float),
        [],
        np.zeros((0, n_neurons), dtype=np.int64),
        np.zeros(0, dtype=np.int64),
    )
    if checkpoint is not None and checkpoint.is_file():
        state = read_checkpoint(checkpoint, state) or state
    return state


_EVALUATED = ("sums", "predicted")  # what is an array of an evaluation


def write_checkpoint(checkpoint: Path, state: State) -> None:
    """Write the state, whole or not at all."""
    from safetensors.numpy import save_file

    arrays = {
        "weights": np.ascontiguousarray(state.weights),
        "theta": state.theta,
        "answers": state.answers,
        "classes": state.classes,
    }
    said = {"records": json.dumps(state.records)}
    if state.evaluated is not None:
        done = dataclasses.asdict(state.evaluated)
        arrays |= {name: done.pop(name) for name in _EVALUATED}
        said["evaluated"] = json.dumps(done)
    with atomic_path(checkpoint, durable=True) as temporary:
        save_file(arrays, temporary, metadata=said)


def read_checkpoint(path: Path, start: State) -> State | None:
    """The state in a checkpoint; None, with a warning, where it is damaged or of another run.

    Parameters
    ----------
    path : Path
    start : State
        The state in which the run begins.
    """
    from safetensors import safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            said = file.metadata()
            records = json.loads(said["records"])
            weights, theta, answers, classes = (
                file.get_tensor(name) for name in ("weights", "theta", "answers", "classes")
            )
            evaluated = None
            if "evaluated" in said:
                arrays = {name: file.get_tensor(name) for name in _EVALUATED}
                evaluated = Evaluated(**arrays, **json.loads(said["evaluated"]))
        n = len(answers)
        for name, found, shape, kind in (
            ("weights", weights, start.weights.shape, "f"),
            ("thresholds", theta, start.theta.shape, "f"),
            ("answers", answers, (n, start.theta.size), "i"),
            ("classes", classes, (n,), "iu"),
            *(() if evaluated is None else (
                ("sums by class", evaluated.sums, (len(evaluated.sums), start.theta.size), "f"),
                ("predictions", evaluated.predicted, (len(evaluated.predicted),), "i"),
            )),
        ):  # fmt: skip
            if found.shape != shape or found.dtype.kind not in kind:
                raise SpikelearnError(f"its {name} are {found.dtype} of shape {found.shape}")
            if not np.isfinite(found).all():
                raise SpikelearnError(f"its {name} are not all finite")
        check_records(records, ("epoch", "images", "spikes_per_image", "weight_displacement"))
    except Exception as error:  # whatever the file holds, the run begins anew
        words = " ".join(str(error).split())[:300]
        store.set_aside(path, f"the checkpoint cannot be read ({words})")
        return None
    return State(weights, theta, records, answers, classes, evaluated)


def stored_tensors(
    network: SpikingNetwork, layer: Projection, found: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """What a complete run keeps, by shape and type alone.

    Parameters
    ----------
    network : SpikingNetwork
        That was trained.
    layer : Projection
        Its plastic projection.
    found : mapping of str to tensor
        What is there, which says how many synapses there are where not all neurons are connected.
    """
    import torch

    n_inputs, n_neurons = (network.populations[end].size for end in (layer.source, layer.target))
    shape: tuple[int, ...] = (n_inputs, n_neurons)
    pairs = pair_names(layer)
    if pairs:
        there = found.get("weights")
        shape = (0 if there is None else there.numel(),)

    def form(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        return torch.empty(shape, dtype=dtype, device="meta")

    return {
        "weights": form(shape, torch.float64),
        "initial_weights": form(shape, torch.float64),
        "threshold_rise_mv": form((n_neurons,), torch.float64),
        "labels": form((n_neurons,), torch.int64),
        **{name: form(shape, torch.int64) for name in pairs},
    }
