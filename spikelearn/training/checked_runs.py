"""What a stored run must hold to be opened: whoever edited it is told what is wrong, in a sentence.

A run lies in a folder of files that anybody can edit, swap or cut off. What is opened here is what
its configuration describes, with weights of the names, shapes and types that this takes.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn import _store as store
from spikelearn._errors import SpikelearnError
from spikelearn._files import validate
from spikelearn._raised import raised_by_user
from spikelearn.networks import KINDS
from spikelearn.training.config import run_key

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from spikelearn.rules.rule import Rule

EPOCHS, LAYERS = "epochs", "layers"
_NUMBERS = {
    EPOCHS: ("epoch",),
    LAYERS: ("weight_displacement", "dead_units", "gradient_cosine"),
}


def read_decided(folder: Path) -> dict[str, Any]:
    """The configuration of a run, which is the one that the run was made by.

    Raises
    ------
    SpikelearnError
        If there is no complete run, or its configuration cannot be read or was edited.
    """
    complete = store.read_config(folder)
    key = store.made(folder).get("key")
    if complete["format"] == store.RUN_FORMAT and key is not None and key != run_key(complete):
        raise store.DamagedResultError(
            f"{folder} cannot be opened: its {store.CONFIG} was changed after it was made"
        )
    return complete


@contextlib.contextmanager
def as_described(folder: Path) -> Iterator[None]:
    """One sentence where nothing can be made of what a run's configuration says.

    Raises
    ------
    DamagedResultError
    """
    try:
        yield
    except SpikelearnError:
        raise
    except Exception as error:  # the configuration may say anything
        if raised_by_user(error) is not None:
            raise
        words = " ".join(str(error).split())[:300]
        raise store.DamagedResultError(
            f"{folder / store.CONFIG} describes no run that can be made"
            f" ({type(error).__name__}: {words})"
        ) from error


def described_network(network: Mapping[str, Any], source: str | Path) -> Any:
    """The model that a configuration writes out.

    Parameters
    ----------
    network : mapping
    source : str or Path
        Where it is from, for the sentence.

    Raises
    ------
    SpikelearnError
        If it describes none.
    """
    kind = network.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise SpikelearnError(f"{source}: network: there is no kind of network {kind!r:.80}")
    module, name = KINDS[kind]
    return validate(getattr(importlib.import_module(module), name), dict(network), source)


def read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables of a run, by name.

    Raises
    ------
    DamagedResultError
        If one cannot be read or has other columns.
    """
    return {name: store.read_table(folder, name, numbers) for name, numbers in _NUMBERS.items()}


def check_tensors(
    found: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor], what: str
) -> None:
    """Refuse tensors of other names, shapes or types than those that are wanted.

    Parameters
    ----------
    found, wanted : mapping of str to tensor
        By name.
    what : str
        What they are, as the subject of a sentence.

    Raises
    ------
    DamagedResultError
        Naming the first that does not fit.
    """
    for fault, names in (
        ("is missing", [n for n in wanted if n not in found]),
        ("is not of it", [n for n in found if n not in wanted]),
    ):
        if names:
            raise store.DamagedResultError(f"{what} do not fit the model: {names[0]} {fault}")
    for name, tensor in wanted.items():
        there = found[name]
        if (there.shape, there.dtype) != (tensor.shape, tensor.dtype):
            raise store.DamagedResultError(
                f"{what} do not fit the model: {name} must be {_form(tensor)}, found {_form(there)}"
            )


def check_finite(found: Mapping[str, torch.Tensor], what: str) -> None:
    """Refuse tensors with values that are no numbers; `what` is the subject of the sentence.

    Raises
    ------
    DamagedResultError
    """
    for name, tensor in found.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise store.DamagedResultError(f"{what} are not all finite: {name} has NaN or infinity")


def check_records(records: Any, names: Sequence[str]) -> None:
    """Refuse what is no list of records with these numbers.

    Raises
    ------
    DamagedResultError
    """
    for record in records if isinstance(records, list) else [None]:
        for name in names:
            value = record.get(name) if isinstance(record, dict) else None
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise store.DamagedResultError(f"it tells no {name} of an epoch")


def weights_of(rule: Rule) -> dict[str, torch.Tensor]:
    """Weights of the network and of what the rule added, by name."""
    network = {f"network.{k}": v for k, v in rule.network.state_dict().items()}
    return network | {f"extra.{k}": v for k, v in rule.extra.state_dict().items()}


def load_weights(rule: Rule, tensors: dict[str, torch.Tensor]) -> None:
    """Put weights that `weights_of` gave into the rule.

    Raises
    ------
    SpikelearnError
        If they are of another model.
    """
    check_tensors(tensors, weights_of(rule), "the stored weights")
    for part, module in (("network.", rule.network), ("extra.", rule.extra)):
        module.load_state_dict(part_of(tensors, part))


def part_of(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors whose names begin so, without that beginning."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _form(tensor: torch.Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape)}"
