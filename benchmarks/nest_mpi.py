"""NEST on several ranks of MPI: the same spikes as our own engine in one process, one by one?

    python benchmarks/nest_mpi.py                # the first time it builds NEST: half an hour
    python benchmarks/nest_mpi.py --ranks 4 --only cuba --mpirun 'mpirun --oversubscribe'

NEST's wheels know nothing of MPI. This builds NEST from its source distribution, with the MPI that
is there and the models that the engine uses, and puts it with mpi4py into a folder of its own,
runs/nest_mpi/packages, by which it takes the place of another NEST where it is asked to:

    PYTHONPATH=runs/nest_mpi/packages mpirun -n 4 spikelearn simulate ... --backend nest

It takes a compiler, CMake, and an MPI with what programs are built with; on Debian and Ubuntu

    apt-get install build-essential cmake openmpi-bin libopenmpi-dev libgsl-dev libltdl-dev \\
        libboost-dev

Then each network runs by `spikelearn simulate` on native, and on NEST on one rank and on several,
and the files of spikes are compared: times, neurons and trials have to be equal, all of them. The
table is kept in benchmarks/results/nest_mpi.md.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from whole_runs import ROOT, results_folder

from spikelearn._files import write_text, write_yaml
from spikelearn._provenance import as_lines, provenance
from spikelearn.networks import load_model
from spikelearn.networks.spiking import SpikingNetwork

NEST = "nest-simulator==3.10.*"
MODELS = (
    "iaf_psc_delta", "iaf_psc_exp_multisynapse", "iaf_psc_alpha_multisynapse", "spike_generator",
    "step_current_generator", "spike_recorder", "multimeter", "static_synapse",
    "static_synapse_hom_w",
)  # fmt: skip
FOLDER = ROOT / "runs" / "nest_mpi"

_CELL: dict[str, Any] = {
    "model": "lif", "tau_m_ms": 10.0, "v_threshold_mv": 10.0, "refractory_ms": 1.0,
}  # fmt: skip
_ALPHA = {"model": "alpha", "tau_ms": 2.0}
# What the others lack: sources, noise, alpha currents, delays and weights that are drawn, and a
# population that is at home on one rank.
MIXED: dict[str, Any] = {
    "kind": "spiking",
    "name": "mixed",
    "populations": {
        "in": {"model": "spike_source", "size": 50},
        "n": {**_CELL, "size": 301},
        "one": {**_CELL, "size": 1},
    },
    "projections": [
        {"source": "in", "target": "n", "weight_mv": 3.0, "synapse": _ALPHA,
         "connectivity": {"kind": "fixed_probability", "probability": 0.3}},
        {"source": "n", "target": "n", "synapse": _ALPHA,
         "weight_mv": {"distribution": "normal", "mean": 0.2, "sd": 1.0},
         "delay_ms": {"distribution": "uniform", "low": 0.3, "high": 3.0},
         "connectivity": {"kind": "fixed_probability", "probability": 0.2}},
        {"source": "n", "target": "one", "weight_mv": 0.5, "delay_ms": 1.0},
        {"source": "one", "target": "n", "weight_mv": -4.0, "delay_ms": 0.5, "synapse": _ALPHA},
    ],
    "background": [{"target": "n", "rate_hz": 700.0, "weight_mv": 2.0, "synapse": _ALPHA}],
    "noise": [{"target": "n", "unit": "mv", "mean": 2.0, "sd": 8.0, "interval_ms": 1.0}],
}  # fmt: skip


class Case(NamedTuple):
    """A network, and the words that `spikelearn simulate` takes of it."""

    what: str
    words: tuple[str, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n\n")[0])
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--only", help="one network: cuba, brunel, microcircuit or mixed")
    parser.add_argument("--mpirun", default="mpirun", help="how ranks are started")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where NEST is built")
    options = parser.parse_args()
    folder = results_folder(parser, options, ("mpirun", "folder"))
    packages = built(options.folder.resolve())
    mixed = options.folder / "mixed.yaml"
    write_yaml(mixed, MIXED)
    brunel = a_tenth_of_brunel().save(options.folder / "brunel")
    cases = {
        "cuba": Case("CUBA (Vogels & Abbott 2005), 1 s", ("vogels_abbott_cuba",)),
        "brunel": Case("Brunel 2000, a tenth, Poisson background, 1 s", (str(brunel),)),
        "microcircuit": Case("Potjans & Diesmann 2014, a fiftieth, 1 s",
                             ("potjans_diesmann2014", "--scale", "0.02")),
        "mixed": Case("sources, alpha currents, noise, drawn delays, 1 s", (str(mixed),)),
    }  # fmt: skip
    if options.only not in (None, *cases):
        parser.error(f"there are {', '.join(cases)}")
    lines = [
        "| network | spikes | NEST's ranks | spikes that differ from native's | seconds |",
        "|---|---|---|---|---|",
    ]
    differing = 0
    for name, case in cases.items():
        if options.only not in (None, name):
            continue
        ours = spikes(case, "native", None, packages, options)
        for ranks in sorted({1, options.ranks}):
            start = time.perf_counter()
            theirs = spikes(case, "nest", ranks, packages, options)
            seconds = time.perf_counter() - start
            others = unlike(ours, theirs)
            differing += others
            count = sum(len(times) for times, _, _ in ours.values())
            lines.append(f"| {case.what} | {count:,} | {ranks} | {others:,} | {seconds:.1f} |")
            print(lines[-1], file=sys.stderr, flush=True)
    command = " ".join(["python benchmarks/nest_mpi.py", *sys.argv[1:]])
    text = "\n".join(
        ["# NEST on several ranks of MPI", "", f"Command: `{command}`  ", *as_lines(provenance()),
         "", f"{version(packages)}. Seconds are those of the whole command.", "", *lines]
    )  # fmt: skip
    print(text)
    write_text(folder / "nest_mpi.md", text + "\n")
    sys.exit(f"{differing:,} spikes differ" if differing else 0)


def a_tenth_of_brunel() -> SpikingNetwork:
    """Brunel's network with a tenth of its neurons and inputs, which are ten times as strong."""
    sizes = {"populations.excitatory.size": 1000, "populations.inhibitory.size": 250}
    made = load_model("brunel2000").changed(sizes)
    sparser = [
        p.changed({"connectivity.in_degree": p.connectivity.in_degree // 10,
                   "weight_mv": 10.0 * p.weight_mv})
        for p in made.projections
    ]  # fmt: skip
    return made.changed("projections", sparser)


def built(folder: Path) -> Path:
    """The folder of packages with NEST, built with MPI, and mpi4py; made where it is not there."""
    packages, wheels = folder / "packages", folder / "wheels"
    if (packages / "nest").is_dir() and (packages / "mpi4py").is_dir():
        return packages
    pip = [sys.executable, "-m", "pip"]
    wheels.mkdir(parents=True, exist_ok=True)
    if not list(wheels.glob("nest_simulator-*.whl")):
        print(f"building NEST into {folder}: half an hour on a core", file=sys.stderr, flush=True)
        start = time.perf_counter()
        done = subprocess.run(
            [*pip, "wheel", "--no-deps", "--no-binary", "nest-simulator", "-w", str(wheels),
             "-C", "cmake.define.with-mpi=ON", "-C", f"cmake.define.with-models={';'.join(MODELS)}",
             NEST], check=False,
        )  # fmt: skip
        if done.returncode:
            sys.exit("NEST could not be built; pip says above what is missing")
        print(f"built in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    (wheel,) = wheels.glob("nest_simulator-*.whl")
    put = ["install", "--quiet", "--no-deps", "--upgrade", "--target", str(packages)]
    if subprocess.run([*pip, *put, str(wheel), "mpi4py>=4"], check=False).returncode:
        sys.exit("NEST and mpi4py could not be put into a folder; pip says above why")
    return packages


def spikes(
    case: Case, engine: str, ranks: int | None, packages: Path, options: argparse.Namespace
) -> dict[str, tuple[np.ndarray, ...]]:
    """A simulation by the command line: times, neurons and trials of the spikes by population."""
    from spikelearn.spikes import Activity

    out = options.folder / f"{engine}.npz"
    out.unlink(missing_ok=True)
    started = [] if ranks is None else [*shlex.split(options.mpirun), "-n", str(ranks)]
    command = [
        *started, sys.executable, "-m", "spikelearn", "simulate", *case.words, "--duration", "1000",
        "--seed", "1", "--backend", engine, "--out", str(out),
    ]  # fmt: skip
    done = subprocess.run(
        command, env=environment(packages), capture_output=True, text=True, check=False
    )
    if done.returncode or not out.is_file():
        sys.exit(f"{shlex.join(command)} failed:\n{done.stdout}{done.stderr}")
    if done.stdout.count(str(out)) != 1:
        sys.exit(f"not one rank alone told what came of it:\n{done.stdout}")
    found = Activity.load(out)
    return {n: (p.times_ms, p.senders, p.trials) for n, p in found.populations.items()}


def unlike(
    ours: dict[str, tuple[np.ndarray, ...]], theirs: dict[str, tuple[np.ndarray, ...]]
) -> int:
    """How many spikes of either have none that is equal to them among the other's.

    Parameters
    ----------
    ours, theirs : dict
        Times, neurons and trials by population.
    """
    if ours.keys() != theirs.keys():
        raise ValueError(f"these are two networks: {list(ours)} and {list(theirs)}")
    number = 0
    for name in ours:
        mine, others = (Counter(zip(*map(np.ndarray.tolist, f[name]), strict=True))
                        for f in (ours, theirs))  # fmt: skip
        number += (mine - others).total() + (others - mine).total()
    return number


def environment(packages: Path) -> dict[str, str]:
    """Variables by which Python finds NEST with MPI before another."""
    path = [str(packages), str(ROOT), os.environ.get("PYTHONPATH", "")]
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # as in a container, which Open MPI asks of
        found |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return found


def version(packages: Path) -> str:
    """Of NEST, and of the MPI that it was built with."""
    code = (
        "from spikelearn.simulation.nest.kernel import import_nest as n; from mpi4py import MPI;"
        'i = n().build_info; print(f\'NEST {i["version"]}, with MPI: {i["have_mpi"]}; \''
        " + MPI.Get_library_version().partition(',')[0])"
    )
    return subprocess.run(
        [sys.executable, "-c", code], env=environment(packages), capture_output=True, text=True,
        check=True,
    ).stdout.strip()  # fmt: skip


if __name__ == "__main__":
    main()
