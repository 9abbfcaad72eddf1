"""The result store: a run is a folder, named by its configuration, that appears when complete.

config.yaml            what was run, with the model written out
weights.safetensors    network and rule
epochs.parquet         loss and validation accuracy by epoch
layers.parquet         weight displacement, dead units, cosine with backpropagation by layer
summary.yaml           test accuracy, chosen epoch, flags
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._errors import SpikelearnError
from spikelearn._files import atomic_folder, read_yaml, write_yaml

if TYPE_CHECKING:
    import pandas as pd
    import torch


def is_complete(folder: Path) -> bool:
    """Whether a run lies in this folder; it is put there in one piece."""
    return (folder / "summary.yaml").is_file()


def save_run(
    folder: Path,
    config: Mapping[str, Any],
    weights: Mapping[str, torch.Tensor],
    tables: Mapping[str, pd.DataFrame],
    summary: Mapping[str, Any],
) -> None:
    """Write a complete run: under a temporary name, then renamed.

    Parameters
    ----------
    folder : Path
    config : mapping
        What was run; plain YAML values.
    weights : mapping of str to tensor
        Of the network and the rule, by name.
    tables : mapping of str to DataFrame
        By the names of their files.
    summary : mapping
        Plain YAML values.
    """
    from safetensors.torch import save_file

    with atomic_folder(folder) as temporary:
        write_yaml(temporary / "config.yaml", dict(config))
        # Copies: safetensors refuses tensors that share memory.
        copies = {
            name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()
        }
        save_file(copies, temporary / "weights.safetensors")
        for name, table in tables.items():
            table.to_parquet(temporary / f"{name}.parquet", index=False)
        write_yaml(temporary / "summary.yaml", dict(summary))


def read_config(folder: Path) -> dict[str, Any]:
    """The configuration of the run in `folder`.

    Raises
    ------
    SpikelearnError
        If there is no complete run.
    """
    if not is_complete(folder):
        raise SpikelearnError(
            f"{folder} holds no complete training run (no summary.yaml); make one with"
            " `spikelearn train`"
        )
    config = read_yaml(folder / "config.yaml")
    if not isinstance(config, dict):
        raise SpikelearnError(f"{folder / 'config.yaml'} is not a run's configuration")
    return config


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of the run in `folder`, by name."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / "weights.safetensors"
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise SpikelearnError(f"{path} cannot be read ({error})") from error


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """One of the run's tables."""
    import pandas as pd

    path = folder / f"{name}.parquet"
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise SpikelearnError(f"{path} cannot be read ({error})") from error


def summaries(runs: Path) -> pd.DataFrame:
    """One row per complete run below `runs`: folder, model, rule, seed and its summary."""
    import pandas as pd

    rows = []
    for folder in sorted(p for p in runs.glob("*") if p.is_dir() and not p.name.startswith(".")):
        if is_complete(folder):
            config = read_config(folder)
            chosen = {key: config[key] for key in ("model", "rule", "seed", "source")}
            rows.append({"run": folder.name, **chosen, **read_yaml(folder / "summary.yaml")})
    return pd.DataFrame(rows)
