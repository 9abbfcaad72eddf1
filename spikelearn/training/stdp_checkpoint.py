"""What carries over from image to image while a layer learns by STDP, and its checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikelearn import _store as store
from spikelearn._atomic import atomic_path


@dataclass
class State:
    """What carries over from image to image, and what is told of it."""

    weights: np.ndarray  # (inputs, neurons) or (n_synapses,), in the unit of the projection
    theta: np.ndarray  # rise of the thresholds, mV, (neurons,)
    records: list[dict[str, float]]
    answers: np.ndarray  # spike counts of the latest images, (images, neurons)
    classes: np.ndarray  # of those


def write_checkpoint(checkpoint: Path, state: State) -> None:
    """Write the state, whole or not at all."""
    import json

    from safetensors.numpy import save_file

    arrays = {
        "weights": np.ascontiguousarray(state.weights),
        "theta": state.theta,
        "answers": state.answers,
        "classes": state.classes,
    }
    with atomic_path(checkpoint, durable=True) as temporary:
        save_file(arrays, temporary, metadata={"records": json.dumps(state.records)})


def read_checkpoint(checkpoint: Path) -> State | None:
    """The state in a checkpoint; None, with a warning, where it is damaged."""
    import json

    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(checkpoint, framework="numpy") as file:
            records = json.loads(file.metadata()["records"])
            weights, theta, answers, classes = (
                file.get_tensor(name) for name in ("weights", "theta", "answers", "classes")
            )
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        store.set_aside(checkpoint, f"the checkpoint cannot be read ({error})")
        return None
    return State(weights, theta, records, answers, classes)
