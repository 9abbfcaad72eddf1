"""Files of every kind that spikelearn writes or reads, small: what is changed at random."""

from __future__ import annotations

import dataclasses
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
from forked import Ended, Where, ended

from spikelearn.spikes import FORMATS, Activity, PopulationSpikes

SUFFIXES = tuple(suffix for suffix in FORMATS if suffix != ".added")
TRAIN = "train mlp_64 --rule backprop --dataset digits --set epochs=4 --set n_train=100"
STDP = (
    "train diehl_cook2015 --rule stdp --neurons 20 --set source=embedded --images 12"
    " --epochs 2 --set n_label=10 --set n_test=10 --set chunk=4 --set min_spikes=1"
)
AUDIT = "audit oja --criteria C9 --seeds 0,1"
N_STIMULI = 24

LAYERS = """\
kind: spiking
name: layers
populations:
  source: {model: spike_source, size: 20}
  first: {model: lif, size: 10, v_rest_mv: 0.0, v_threshold_mv: 10.0, v_reset_mv: 0.0}
  last: {model: lif, size: 5, v_rest_mv: 0.0, v_threshold_mv: 10.0, v_reset_mv: 0.0}
projections:
  - {source: source, target: first, weight_mv: {distribution: uniform, low: 0.0, high: 4.0}}
  - {source: first, target: last, weight_mv: 3.0}
"""

STUDY = """\
name: small
seeds: [0]
n_train: 40
networks:
  - {family: backpropagation, rule: backprop, model: mlp_64, dataset: digits, epochs: 2}
  - {family: alignment, rule: feedback_alignment, model: mlp_64, dataset: digits, epochs: 1}
recordings: [RECORDING]
n_bootstrap: 10
criteria: []
"""


def checked(command: str, folder: Path, where: Where | None = None) -> Ended:
    """Run what makes an original; it must succeed."""
    found = ended(command.split(), where or Where(folder, seconds=600.0))
    if found.outcome != "0":
        raise RuntimeError(f"{command}: {found}")
    return found


def original(folder: Path, name: str) -> Path:
    """One of the originals, which is made where it is not there yet.

    Parameters
    ----------
    folder : Path
        Of the originals.
    name : str
        Of `_MAKERS`.
    """
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _MAKERS[name](folder)
    return path


def the_run(runs: Path) -> Path:
    """The one run in a folder of runs."""
    (run,) = (p for p in runs.iterdir() if not p.name.startswith("."))
    return run


def small_activity() -> Activity:
    rng = np.random.default_rng(0)
    times, neurons = np.sort(rng.uniform(0, 50, 40)).round(1), rng.integers(0, 5, 40)
    spikes = PopulationSpikes.from_unsorted(6, times, neurons, neurons % 2)
    return Activity({"out": spikes}, 50.0, 0.1, 2, ("cat", "dog"))


def _larger_activity() -> Activity:
    """As large as to fill a small disk in any format."""
    rng = np.random.default_rng(0)
    n = 40_000
    spikes = PopulationSpikes.from_unsorted(
        20, rng.uniform(0, 1000, n), rng.integers(0, 20, n), rng.integers(0, 2, n)
    )
    return Activity({"out": spikes}, 1000.0, 0.1, 2)


# Spikes as other programs write them, and what is to be said of each; names end in that of a file.
FOREIGN = {
    "cells-a.mat": "--unit ms --trials columns",
    "columns-a.csv": "--unit ms --trials sweep --label shown --populations area",
    "plain-a.csv": "--unit s --times 1",
    "arrays-a.npz": "--unit ms --times times --ids cells",
}


def _foreign(path: Path) -> None:
    import scipy.io

    rng = np.random.default_rng(0)
    times, cells = np.sort(rng.uniform(0, 50, 30)).round(1), rng.integers(0, 4, 30)
    if path.suffix == ".mat":
        table = np.empty((4, 2), dtype=object)
        for place in np.ndindex(table.shape):
            table[place] = times[(cells == place[0]) & (np.arange(30) % 2 == place[1])]
        scipy.io.savemat(path, {"spikes": table, "shown": np.array(["a", "b"], dtype=object)})
    elif path.suffix == ".npz":
        np.savez(path, times=times, cells=cells)
    elif path.name.startswith("plain"):
        path.write_text("".join(f"{t},{c}\n" for t, c in zip(times, cells, strict=True)))
    else:
        rows = [f"{t},{c},{c % 2},s{c % 2},V{c // 2}\n" for t, c in zip(times, cells, strict=True)]
        path.write_text("time,cell,sweep,shown,area\n" + "".join(rows))


def _study(folder: Path) -> None:
    recorded = original(folder, "recording") / "mine.yaml"
    text = STUDY.replace("RECORDING", str(recorded))
    (folder / "study.yaml").write_text(text, encoding="utf-8")


def _recording(folder: Path) -> None:
    """A user's recording: images, responses as an array and as a table, a matrix."""
    import pandas as pd
    from PIL import Image

    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    names = [f"s{i:02}" for i in range(N_STIMULI)]
    for name in names:
        pixels = rng.integers(0, 256, (28, 28), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{name}.png")
    np.savez(folder / "one.npz", it=rng.standard_normal((N_STIMULI, 2, 6)))
    table = pd.DataFrame(rng.standard_normal((N_STIMULI, 5)), index=names, columns=list("abcde"))
    table.to_csv(folder / "two.csv")
    found = rng.random((N_STIMULI, N_STIMULI))
    np.savetxt(folder / "rdm.csv", (found + found.T) * (1 - np.eye(N_STIMULI)), delimiter=",")
    (folder / "mine.yaml").write_text(
        "name: mine\ncitation: Doe (2026)\nstimuli: {folder: images, order: sorted, size: 28}\n"
        "data:\n"
        "  - {kind: responses, file: one.npz, key: it, subject: s1, region: IT}\n"
        "  - {kind: responses, file: two.csv, subject: s2, region: IT}\n"
        "  - {kind: rdm, file: rdm.csv, subject: s1, region: V1}\n",
        encoding="utf-8",
    )


def _killed(folder: Path) -> None:
    """A folder of runs in which training was killed after some epochs."""
    place = folder / "killed"
    whole = checked(f"{TRAIN} --seed 1 --out whole", folder).events
    for at in range(whole * 2 // 3, whole):
        shutil.rmtree(place, ignore_errors=True)
        where = dataclasses.replace(
            Where(folder, seconds=600.0), signal_at=at, signal=int(signal.SIGKILL)
        )
        ended(f"{TRAIN} --seed 1 --out killed".split(), where)
        if list(place.glob(".*.checkpoint")) and not list(place.glob("[!.]*")):
            return
    raise RuntimeError("no checkpoint was left by training that was killed")


_MAKERS: dict[str, Callable[[Path], object]] = {
    **{
        f"spikes{suffix}": lambda folder, s=suffix: small_activity().save(folder / f"spikes{s}")
        for suffix in SUFFIXES
    },
    **{name: lambda folder, n=name: _foreign(folder / n) for name in FOREIGN},
    "layers.yaml": lambda folder: (folder / "layers.yaml").write_text(LAYERS, encoding="utf-8"),
    "many.npz": lambda folder: _larger_activity().save(folder / "many.npz"),
    "recording": lambda folder: _recording(folder / "recording"),
    "study.yaml": _study,
    "runs": lambda folder: checked(f"{TRAIN} --out runs", folder),
    "stdp": lambda folder: checked(f"{STDP} --out stdp", folder),
    "killed": _killed,
    "net.nir": lambda folder: checked(f"convert {original(folder, 'layers.yaml')} net.nir", folder),
    "net": lambda folder: checked(f"convert {the_run(original(folder, 'stdp'))} net", folder),
    "audit": lambda folder: checked(f"{AUDIT} --out audit", folder),
    "study": lambda folder: checked(
        f"study run {original(folder, 'study.yaml')} --out study", folder
    ),
}
