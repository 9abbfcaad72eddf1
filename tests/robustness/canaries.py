"""Files that hold code, which nothing may run: it would leave a file.

What reads such a file by a way that runs code (pickled objects, tags of YAML, templates) leaves the
canary, whatever else it says.
"""

from __future__ import annotations

import pickle
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from originals import original, the_run

CANARY = "canary"


class _Sings:
    """An object that, when it is unpickled, writes the canary."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return exec, (f"open({str(self.canary)!r}, 'w').close()",)


def _code(canary: Path) -> str:
    return f"open({str(canary)!r}, 'w').close()"


def _npz(folder: Path, canary: Path, originals: Path) -> list[list[str]]:
    sings = np.asarray([_Sings(canary)], dtype=object)
    path = folder / "spikes.npz"
    np.savez(path, **{"out.times_ms": sings, "times": sings, "metadata": sings, "senders": sings})
    np.save(folder / "times.npy", sings, allow_pickle=True)
    described = folder / "mine.yaml"
    described.write_text(
        "name: mine\ncitation: x\nstimuli: {folder: .}\n"
        "data:\n  - {kind: responses, file: spikes.npz, key: times, region: IT}\n"
    )
    return [*_spikes(path), ["recordings", "show", str(described)]]


def _spikes(path: Path) -> list[list[str]]:
    return [[verb, str(path)] for verb in ("inspect", "stats")]


def _pickles(folder: Path, canary: Path, originals: Path) -> list[list[str]]:
    """Pickles by the names of everything that is read."""
    found = []
    for suffix in (".npz", ".mat", ".h5", ".nwb", ".nix", ".csv", ".nir", ".yaml", ".parquet"):
        path = folder / f"pickled{suffix}"
        path.write_bytes(pickle.dumps(_Sings(canary)))
        found.append(["inspect", str(path)])
    found.append(
        ["audit", "oja", "--criteria", "C9", "--similarity", str(folder / "pickled.parquet")]
    )
    return found


def _checkpoint(folder: Path, canary: Path, originals: Path) -> list[list[str]]:
    """What older programs keep weights in, by the names of ours."""
    import torch

    run = folder / "run"
    shutil.copytree(the_run(original(originals, "runs")), run)
    torch.save({"weights": _Sings(canary)}, run / "weights.safetensors")
    for name in ("epochs.parquet", "layers.parquet"):
        (run / name).write_bytes(pickle.dumps(_Sings(canary)))
    code = run / "code"
    code.mkdir()
    (code / "mine.py").write_text(_code(canary))
    (run / "mine.py").write_text(_code(canary))
    (run / "sitecustomize.py").write_text(_code(canary))
    return [["runs", "show", str(run)], ["runs", "list", str(folder)], ["inspect", str(run)],
            ["simulate", str(run), "--duration", "5"]]  # fmt: skip


def _tags(folder: Path, canary: Path, originals: Path) -> list[list[str]]:
    code = _code(canary)
    texts = (
        f'!!python/object/apply:builtins.exec ["{code}"]',
        f'!!python/object/new:exec ["{code}"]',
        f'name: !!python/object/apply:eval ["{code}"]\nkind: mlp\nsizes: [4, 2]',
        f'kind: spiking\nname: "{{{{ {code} }}}}"\npopulations: {{}}',
        "!!python/module:canary_module",
        f'kind: custom\nequations: "dv/dt = {code}"\nname: x',
        f'kind: spiking\nname: x\npopulations: {{a: {{model: custom, equations: "{code}"}}}}',
    )
    (folder / "canary_module.py").write_text(code)
    found = []
    for number, text in enumerate(texts):
        path = folder / f"tags{number}.yaml"
        path.write_text(text)
        found += [["inspect", str(path)], ["models", "show", str(path)],
                  ["simulate", str(path), "--duration", "5"], ["recordings", "show", str(path)],
                  ["train", "--recipe", str(path)], ["study", "run", str(path)]]  # fmt: skip
    return found


def _values(folder: Path, canary: Path, originals: Path) -> list[list[str]]:
    """Code in values and names of the command line."""
    code = _code(canary)
    tag = f'!!python/object/apply:builtins.exec ["{code}"]'
    return [
        ["simulate", "lif_neuron", "--duration", "5", "--set", f"populations.neuron.size={tag}"],
        ["simulate", "lif_neuron", "--duration", "5", "--set", f"__import__('os')={code}"],
        ["simulate", "lif_neuron", "--duration", "5", "--set", f"name={code}"],
        ["train", "mlp_64", "--rule", "backprop", "--option", f"a={tag}"],
        ["train", "mlp_64", "--rule", code],
        ["simulate", code],
        ["audit", "oja", "--criteria", code],
        ["compare", code, "--recording", code],
    ]


def _hdf5(folder: Path, canary: Path, originals: Path) -> list[list[str]]:
    """Pickled objects as h5py's, Neo's and pandas' writers put them into HDF5."""
    import h5py

    found = []
    bytes_of = np.frombuffer(pickle.dumps(_Sings(canary)), dtype=np.uint8)
    for suffix in (".h5", ".nwb", ".nix", ".mat", ".nir"):
        path = folder / f"held{suffix}"
        with h5py.File(path, "w") as file:
            for name in ("spikes/out/timestamps", "metadata", "units/spike_times", "node/type"):
                file.create_dataset(name, data=bytes_of).attrs["CLASS"] = "pickle"
            file.attrs["object"] = np.void(bytes_of.tobytes())
        found += [["inspect", str(path)], ["stats", str(path)]]
    return found


def _notebook(folder: Path, canary: Path, originals: Path) -> list[list[str]]:
    import json

    cell = {"cell_type": "code", "source": [_code(canary)], "metadata": {}, "outputs": []}
    path = folder / "a.ipynb"
    path.write_text(json.dumps({"cells": [cell], "nbformat": 4, "nbformat_minor": 5}))
    return [["inspect", str(path)], ["simulate", str(path)], ["check", str(path)],
            ["convert", str(path), str(folder / "b")]]  # fmt: skip


KINDS = (_npz, _pickles, _checkpoint, _tags, _values, _hdf5, _notebook)


def with_code(folder: Path, rng: random.Random, originals: Path) -> list[str]:
    """Write files that hold code; one of the commands that read them.

    Parameters
    ----------
    folder : Path
    rng : random.Random
    originals : Path
    """
    commands = rng.choice(KINDS)(folder, folder / CANARY, originals)
    return rng.choice(commands)
