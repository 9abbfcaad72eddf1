"""What `fingerprints.py` computes of one state of the toolkit, a unit a key.

    python benchmarks/fingerprint_units.py ROOT FOLDER    # keys on standard input, one a line

`ROOT` is a checkout, `FOLDER` takes a file (two, with arrays) a unit. A state may be older or newer
than this file: it is asked only by the names of `spikelearn` itself, of a room's face, and by the
files of `models/`.

    spikes/MODEL/ENGINE/100ms       steps, senders and trials by population, learned weights, and
                                    potentials of the first neurons
    weights/RECIPE/images=1000      network and rule after one epoch, with the run's tables
    comparison/RECIPE/RECORDING     every row of `sl.compare`
    audit/RULE                      verdicts, and what the probes measured
"""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml

FORMAT = 1  # raised when a key comes to mean something else
SEED = 0
DURATION_MS = 100.0
# Models and engines -> milliseconds, where 100 would take a minute: matrices of 12,500 x 12,500
# in every step, or many of them. The first that fits; slow oscillations begin later.
SHORTER = {
    f"spikes/{model}/{engine}": ms
    for model, ms in (
        ("brunel2000_slow*", 50.0),
        ("brunel2000*", 20.0),
        ("potjans_diesmann2014", 20.0),
    )
    for engine in ("snntorch", "norse")
}
SHOWN = {"lif_neuron": "fi_curve"}  # Poisson spikes, where a model has sources
SCALES = {"potjans_diesmann2014": 0.02}
# Brian2 has several targets; one that every state has, so that both run the same.
ENGINES = {"brian2": "brian2:numpy"}
# Compiled ones take most of a minute each: for small models.
COMPILED = {"brian2:cython": "lif_feedforward", "brian2:standalone": "lif_feedforward"}
N_POTENTIALS = 16  # neurons of a population whose potentials are kept
IMAGES = 1000
COMPARED = ("mnist_mlp/feedback_alignment", "kriegeskorte92")
AUDITED = ("feedback_alignment", "predictive_coding", "eprop", "surrogate", "stdp")
TABLES = ("epochs", "layers")  # of a run's folder
# Columns that name a row; the rest are its cells.
ROW_NAMES = (
    "model", "network", "layer", "seed", "recording", "region", "subject", "method", "measure",
    "resolution", "rule", "criterion", "quantity", "place", "magnitude", "index", "epoch",
)  # fmt: skip


@dataclass
class Found:
    """What a unit gave.

    Attributes
    ----------
    arrays : mapping
        Arrays by name; bit by bit they are the fingerprint.
    tables : mapping
        Name -> row -> column -> the cell as text, floats in full.
    numbers : mapping
        A few to read.
    """

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    tables: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)


def units(root: Path) -> dict[str, Callable[[], Found]]:
    """All that is computed of the state in `root`, by key."""
    found: dict[str, Callable[[], Found]] = {}
    for name in sorted(path.stem for path in (root / "models").glob("*.yaml")):
        for engine in engines_of(root / "models" / f"{name}.yaml"):
            key, scale = f"spikes/{name}/{engine}", SCALES.get(name)
            ms = next((s for p, s in SHORTER.items() if fnmatch.fnmatch(key, p)), DURATION_MS)
            key += f"/{ms:g}ms" + (f",scale={scale}" if scale else "")
            found[key] = partial(spikes, name, engine, ms, scale)
    recipes = root / "models" / "recipes"
    for path in sorted(recipes.glob("*/*.yaml")):
        name = path.relative_to(recipes).with_suffix("").as_posix()
        found[f"weights/{name}/images={IMAGES}"] = partial(weights, path)
    rule, recording = COMPARED
    found[f"comparison/{rule}/{recording}"] = partial(
        comparison, recipes / f"{rule}.yaml", recording
    )
    for rule in AUDITED:
        found[f"audit/{rule}"] = partial(audit, rule)
    return found


def engines_of(model: Path) -> list[str]:
    """Engines that are asked to run a model, by name; none where it does not spike."""
    from spikelearn.simulation import BACKENDS

    kind = yaml.safe_load(model.read_text(encoding="utf-8")).get("kind", "spiking")
    if not kind.startswith(("spiking", "latency")):
        return []
    compiler = shutil.which("g++") or shutil.which("c++")
    compiled = [e for e, name in COMPILED.items() if name == model.stem and compiler]
    return [ENGINES.get(name, name) for name in BACKENDS] + compiled


def spikes(name: str, engine: str, ms: float, scale: float | None) -> Found:
    """Spikes of a shipped model, which is shown what makes it spike."""
    import spikelearn as sl

    model: Any = sl.load_model(name)
    network = model if model.kind == "spiking" else model.build(SEED).to_spiking_network()
    if scale:
        network = network.scaled(scale)
    protocol = SHOWN.get(name, "poisson" if network.sources else None)
    shown = sl.stimulus_for(network, protocol, ms, None, SEED) if protocol else None
    populations = list(network.neurons)
    activity = sl.simulate(network, shown, ms, None, engine, SEED, record=populations)
    found = Found()
    for of, emitted in activity.populations.items():
        steps = np.rint(np.asarray(emitted.times_ms) / activity.dt_ms).astype(np.int64)
        found.arrays[f"{of}.steps"] = steps
        found.arrays[f"{of}.senders"] = np.asarray(emitted.senders).astype(np.int64)
        found.arrays[f"{of}.trials"] = np.asarray(emitted.trials).astype(np.int64)
    found.numbers["spikes"] = sum(len(found.arrays[f"{of}.steps"]) for of in activity.populations)
    for of, potentials in activity.states.items():
        found.arrays[f"{of}.potentials"] = np.asarray(potentials)[..., :N_POTENTIALS].copy()
    for of, learned in activity.weights.items():
        dense = learned.toarray() if hasattr(learned, "toarray") else np.asarray(learned)
        found.arrays[f"{of}.weights"] = dense
    return found


def short_recipe(path: Path) -> dict[str, Any]:
    """A recipe's settings with few images and one epoch; two, where it has two phases."""
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    recipe = {k: v for k, v in recipe.items() if k not in ("description", "reference")}
    recipe |= {"n_train": IMAGES, "epochs": 1}
    if "unsupervised_epochs" in recipe.get("options", {}):
        recipe["epochs"] = 2
        recipe["options"] = {**recipe["options"], "unsupervised_epochs": 1}
        for group in recipe.get("groups", {}).values():
            if "epochs" in group:
                group["epochs"] = [1, 1] if group["epochs"][0] == 1 else [2, 2]
    return recipe


def train(path: Path, runs: str) -> Any:
    """The run of a recipe, short."""
    import spikelearn as sl

    recipe = short_recipe(path)
    if sl.load_model(recipe["model"]).kind != "spiking":
        return sl.train(sl.TrainConfig(**recipe), runs)
    recipe |= {"n_label": IMAGES // 5, "n_test": IMAGES // 5}
    return sl.train_stdp(sl.STDPConfig(**recipe), runs)


def weights(path: Path) -> Found:
    """Weights and tables of a recipe's run, as they lie in the run's folder."""
    import pandas as pd
    from safetensors.numpy import load_file

    with tempfile.TemporaryDirectory() as runs:
        folder = Path(train(path, runs).folder)
        arrays = load_file(folder / "weights.safetensors")
        tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in TABLES}
        summary = yaml.safe_load((folder / "summary.yaml").read_text(encoding="utf-8"))
    found = Found(dict(sorted(arrays.items())))
    found.tables = {name: as_rows(table) for name, table in tables.items()}
    found.tables["summary"] = {"summary": {k: repr(v) for k, v in summary.items()}}
    floats = [a.astype(float) for a in arrays.values() if a.dtype.kind == "f"]
    found.numbers["norm"] = float(np.sqrt(sum((a**2).sum() for a in floats)))
    found.numbers["mean"] = float(np.mean(np.concatenate([a.ravel() for a in floats])))
    found.numbers["test_accuracy"] = float(summary["test_accuracy"])
    return found


def comparison(path: Path, recording: str) -> Found:
    """A short run, its untrained twin and the baselines against a recording."""
    import spikelearn as sl

    with tempfile.TemporaryDirectory() as runs:
        run = train(path, runs)
        table = sl.compare(run, recording, seed=SEED)
    numbers = {"rows": len(table), "mean_score": float(table["score"].mean())}
    return Found({}, {"comparison": as_rows(table)}, numbers)


def audit(rule: str) -> Found:
    """Verdicts and probes of a rule."""
    from spikelearn.plausibility import audit_rule

    found = audit_rule(rule, SEED)
    tables = {"verdicts": as_rows(found.table()), "probes": as_rows(found.probes())}
    return Found({}, tables, {"probes": len(tables["probes"])})


def as_rows(table: Any) -> dict[str, dict[str, str]]:
    """A table by the names of its rows; equal names are numbered."""
    if {"subject", "level"} <= set(table.columns):  # means and groups, as they were once named
        of_subject = table["level"] == "subject"
        table = table.assign(subject=table["subject"].where(of_subject, table["level"]))
    names = [column for column in table.columns if column in ROW_NAMES]
    rows: dict[str, dict[str, str]] = {}
    for record in table.to_dict("records"):
        row = first = " ".join(f"{name}={record[name]}" for name in names)
        number = 1
        while row in rows:
            number += 1
            row = f"{first} ({number})"
        rows[row] = {str(k): _cell(v) for k, v in record.items()}
    return rows


def _cell(value: Any) -> str:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return repr(value.item() if isinstance(value, np.generic) else value)


def setting() -> str:
    """What two fingerprints must share to be compared: processor, libraries, format."""
    names = ("numpy", "scipy", "torch", "numba", "brian2", "snntorch", "norse", "pandas")
    versions = [f"{name} {importlib.metadata.version(name)}" for name in names]
    info = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", info.read_text() if info.is_file() else "")
    about = (f"format {FORMAT}", model[1] if model else "", f"Python {sys.version.split()[0]}")
    return ", ".join((*about, *versions))


def file_of(folder: Path, key: str) -> Path:
    """Where a unit's result lies; its arrays lie beside it, as .npz."""
    return folder / (re.sub(r"[^\w.,=-]", "+", key) + ".json")


def digest(array: np.ndarray) -> str:
    """SHA-256 of type, shape and bytes."""
    about = f"{array.dtype.str} {array.shape}".encode()
    return hashlib.sha256(about + np.ascontiguousarray(array).tobytes()).hexdigest()


def compute(key: str, unit: Callable[[], Found], folder: Path) -> dict[str, Any]:
    """Compute a unit and keep it, if it was not for want of data; what is kept of it."""
    start, processor = time.perf_counter(), time.process_time()
    found, about = Found(), {"key": key, "status": "done", "setting": setting()}
    try:
        found = unit()
    except Exception as error:
        traceback.print_exc()
        about["status"] = "refused"
        about["error"] = [type(error).__name__, str(error)]
        if type(error).__name__ == "DataUnavailableError":
            about["status"] = "skipped"
    arrays = {name: digest(array) for name, array in found.arrays.items()}
    about["seconds"] = round(time.perf_counter() - start, 2)
    about["processor_s"] = round(time.process_time() - processor, 2)
    about |= {"numbers": found.numbers, "arrays": arrays, "tables": found.tables}
    if about["status"] != "skipped":
        path = file_of(folder, key)
        if arrays:
            with _replacing(path.with_suffix(".npz")) as temporary:
                np.savez(temporary, **found.arrays)
        with _replacing(path) as temporary:
            temporary.write_text(json.dumps(about, indent=1), encoding="utf-8")
    return about


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A file that is there in one piece or not at all."""
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def main() -> None:
    """Tell the keys, then compute those that are asked for, one after another."""
    root, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    # What libraries print is not for who reads the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    import spikelearn

    if Path(spikelearn.__file__).parents[1] != root:
        sys.exit(f"spikelearn was imported from {spikelearn.__file__}, not from {root}")
    known = units(root)
    print(json.dumps({"keys": list(known), "setting": setting()}), file=answers, flush=True)
    for line in sys.stdin:
        key = line.strip()
        print(f"--- {key}", file=sys.stderr, flush=True)
        about = compute(key, known[key], folder)
        told = {k: about.get(k) for k in ("status", "error", "seconds")}
        print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
