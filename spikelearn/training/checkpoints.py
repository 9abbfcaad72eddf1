"""What an interrupted run of the training loop goes on from, after the epoch that was complete.

A checkpoint that is damaged, or of another model, is told of before anything is taken from it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from spikelearn import _store as store
from spikelearn._atomic import atomic_path
from spikelearn.training.checked_runs import (
    check_finite,
    check_records,
    check_tensors,
    load_weights,
    part_of,
    weights_of,
)

if TYPE_CHECKING:
    from spikelearn.rules.rule import Rule
    from spikelearn.training.optimization import Optimizer


@dataclass(frozen=True)
class Progressed:
    """How far a run has come: a record for each epoch, and the best epoch with its weights.

    `computed` says from which epochs on how many processes and threads computed (`on_threads`).
    """

    records: list[dict[str, float]]
    best: dict[str, torch.Tensor]
    best_accuracy: float
    best_epoch: int
    computed: Sequence[tuple[int, str]] = ()


def write_checkpoint(
    path: Path,
    rule: Rule,
    optimizer: Optimizer,
    generator: torch.Generator,
    progress: Progressed,
) -> None:
    """Write all that a run goes on from.

    Parameters
    ----------
    path : Path
    rule : Rule
        With the weights that it has by now.
    optimizer : Optimizer
    generator : torch.Generator
        Of what the rule draws.
    progress : Progressed
    """
    from safetensors.torch import save_file

    tensors = weights_of(rule) | {f"best.{k}": v for k, v in progress.best.items()}
    tensors |= {f"optimizer.{k}": v for k, v in optimizer.state().items()}
    tensors["generator"] = generator.get_state()
    best = progress.best_accuracy, progress.best_epoch
    told = json.dumps([progress.records, *best, progress.computed])
    with atomic_path(path, durable=True) as temporary:
        save_file(
            {k: v.detach().contiguous().clone() for k, v in tensors.items()},
            temporary,
            metadata={"progress": told},
        )


def read_checkpoint(
    path: Path, rule: Rule, optimizer: Optimizer, generator: torch.Generator
) -> tuple[Optimizer, Progressed]:
    """Put a checkpoint's weights into the rule, and its state into optimiser and generator.

    Parameters
    ----------
    path : Path
    rule : Rule
        Prepared; it stays as it is where the checkpoint does not fit it.
    optimizer : Optimizer
        A new one, of this rule.
    generator : torch.Generator
        Of what the rule draws.

    Raises
    ------
    DamagedResultError
        If the checkpoint cannot be read, or is of another run.
    """
    from safetensors import safe_open

    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            records, best_accuracy, best_epoch, *told = json.loads(file.metadata()["progress"])
        best = part_of(tensors, "best.")
        weights = {k: v for k, v in tensors.items() if k.startswith(("network.", "extra."))}
        for found in (weights, *([best] if best else [])):
            check_tensors(found, weights_of(rule), "its weights")
            check_finite(found, "its weights")
        chosen = _best(best_accuracy, best_epoch, records)
        progress = Progressed(records, best, *chosen, _computed(*told))
        check_records(records, ("epoch", "train_loss", "validation_accuracy"))
        optimizer.load_state(part_of(tensors, "optimizer."))
        torch.Generator().set_state(tensors["generator"])
    except Exception as error:  # whatever the file holds, the run begins anew
        words = " ".join(str(error).split())[:300]
        raise store.DamagedResultError(f"the checkpoint cannot be read ({words})") from error
    load_weights(rule, weights)
    generator.set_state(tensors["generator"])
    return optimizer, progress


def _computed(told: Any = ()) -> list[tuple[int, str]]:
    """What computed which epochs; nothing is said of it in a checkpoint of an earlier release."""
    parts = [(first, words) for first, words in told]
    if not all(type(first) is int and isinstance(words, str) for first, words in parts):
        raise store.DamagedResultError("it does not say what has computed its epochs")
    return parts


def _best(accuracy: Any, epoch: Any, records: list[Any]) -> tuple[float, int]:
    if type(epoch) is not int or not isinstance(accuracy, int | float):
        raise store.DamagedResultError("its best epoch is no number")
    if not 0 <= epoch < len(records):
        raise store.DamagedResultError("its best epoch is none of those that it tells of")
    return float(accuracy), epoch
