"""All of it, with counts by how commands ended: inputs, kills, signals, disks, users, clusters.

    python tests/robustness/harness.py --jobs 2 --out robustness.json        (`make robustness`)
    python tests/robustness/harness.py --parts inputs --only spikes:17 --keep folder
    python tests/robustness/harness.py --parts writers --only "umask 077:audit"

Each part runs in processes that have imported everything and have computed nothing: they are
forked. What is wrong is printed, with the input's kind and number that makes it again.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))

Found = dict[str, Any]
"""Of a part: `counts` by outcome, and `wrong`, a list of sentences."""


def main() -> int:
    asked = _arguments()
    # Elsewhere than in the folder of the user's temporary files, which one part takes away.
    folder = Path(asked.keep or tempfile.mkdtemp(prefix="robustness-")).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    began = time.monotonic()
    try:
        found = _shared(asked, folder) if asked.jobs > 1 else _alone(asked, folder)
    finally:
        if not asked.keep:
            shutil.rmtree(folder, ignore_errors=True)
    wrong = [sentence for part in found.values() for sentence in part["wrong"]]
    report = {"seconds": round(time.monotonic() - began), "parts": found, "n_wrong": len(wrong)}
    text = json.dumps(report, indent=1)
    if asked.out:
        Path(asked.out).write_text(text + "\n", encoding="utf-8")
    if not asked.share_is_one:
        _print(report)
    return 1 if wrong else 0


def _arguments() -> Any:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--parts", default=",".join(PARTS), help="which, with commas between")
    parser.add_argument("--inputs", type=int, default=5000, help="changed inputs")
    parser.add_argument("--real", type=int, default=500, help="of these, in a user's own process")
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--runs", type=int, default=300, help="of a sweep that is disturbed")
    parser.add_argument("--run-s", type=float, default=0.4, help="seconds of each over three hosts")
    parser.add_argument("--cut", type=float, default=60.0, help="seconds that one is cut off")
    parser.add_argument("--quick", action="store_true", help="a sample of writers and signals")
    parser.add_argument("--kinds", help="of inputs, with commas between; all, if left out")
    parser.add_argument("--commands", help="of those that are killed and signalled, likewise")
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--only", help="one input, as kind:number, or one writer, as way:name")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--share", default="0/1", help="which of how many parts of the work")
    parser.add_argument(
        "--originals", help="folder of what is changed; made, where it is not there"
    )
    parser.add_argument("--keep", help="folder that stays")
    parser.add_argument("--out", help="file for the counts, .json")
    asked = parser.parse_args()
    asked.index, asked.n_shares = (int(part) for part in asked.share.split("/"))
    asked.share_is_one = asked.n_shares > 1
    return asked


def _shared(asked: Any, folder: Path) -> dict[str, Found]:
    """The work in several processes, each a share."""
    given = sys.argv[1:]
    children = []
    for index in range(asked.jobs):
        out = folder / f"{index}.json"
        words = [*given, "--jobs", "1", "--share", f"{index}/{asked.jobs}", "--out", str(out),
                 "--keep", str(folder / str(index))]  # fmt: skip
        children.append((subprocess.Popen([sys.executable, __file__, *words]), out))
    together: dict[str, Found] = {}
    for child, out in children:
        child.wait()
        if not out.is_file():
            raise SystemExit(f"a share of the work ended with {child.returncode}")
        for name, part in json.loads(out.read_text(encoding="utf-8"))["parts"].items():
            into = together.setdefault(name, {"counts": {}, "wrong": []})
            for outcome, n in part["counts"].items():
                into["counts"][outcome] = into["counts"].get(outcome, 0) + n
            into["wrong"] += part["wrong"]
    return together


def _alone(asked: Any, folder: Path) -> dict[str, Found]:
    import_everything()
    originals = Path(asked.originals or folder / "originals").absolute()
    found = {}
    for name in asked.parts.split(","):
        work = folder / name
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        found[name] = PARTS[name](asked, originals, work)
    return found


def import_everything() -> None:
    """What commands import when they need it; and machine code is made."""
    import importlib

    for name in (
        "torch", "pandas", "pyarrow", "matplotlib.figure", "h5py", "neo", "nixio", "pynwb",
        "elephant", "xarray", "scipy.io", "sklearn.datasets", "rsatoolbox", "nibabel", "nir",
        "safetensors.torch", "spikelearn.cli", "spikelearn.studies.whole_study",
        "spikelearn.plausibility", "spikelearn.recordings", "spikelearn.report.page",
        "spikelearn.training.stdp_training", "spikelearn.simulation.native.engine",
    ):  # fmt: skip
        try:
            importlib.import_module(name)
        except ImportError as error:
            print(f"without {name}: {error}", file=sys.stderr)
    import spikelearn as sl

    network = sl.load_model("lif_feedforward")
    sl.simulate(network, sl.stimulus_for(network, "poisson", 10.0), 10.0)
    import torch

    from spikelearn.networks.spike_products import spike_product

    weight = torch.ones(128, 784, requires_grad=True)
    spike_product(torch.zeros(1000, 784), weight).sum().backward()
    # Equations are compiled for seconds, the first time.
    for name in ("izhikevich2003", "hodgkin_huxley1952"):
        sl.simulate(sl.load_model(name), None, 1.0)


def _mine(asked: Any, tasks: list[Any]) -> list[Any]:
    return tasks[asked.index :: asked.n_shares]


def inputs(asked: Any, originals: Path, work: Path) -> Found:
    """Changed inputs, some of them in processes that begin with nothing."""
    from inputs import KINDS
    from mutants import counted, judged

    kinds = tuple(asked.kinds.split(",") if asked.kinds else KINDS)
    tasks = [(kind, asked.first + n, False) for kind, n in counted(asked.inputs, kinds)]
    # Others than the forked ones.
    tasks += [(kind, asked.first + 10**6 + n, True) for kind, n in counted(asked.real, kinds)]
    if asked.only:
        kind, number = asked.only.split(":")
        tasks = [(kind, int(number), False)]
    counts: collections.Counter[str] = collections.Counter()
    wrong, slowest, largest = [], 0.0, 0.0
    for kind, number, real in _mine(asked, tasks):
        found = judged(kind, number, originals, work, real)
        said = found.wrong or {"0": "result", "1": "sentence", "2": "usage"}[found.ended.outcome]
        counts[f"{'real ' if real else ''}{kind}: {said.partition(':')[0]}"] += 1
        slowest, largest = max(slowest, found.ended.seconds), max(largest, found.ended.bytes)
        if found.wrong:
            told = f"{kind}:{number} {found.wrong} | {' '.join(found.arguments)[:300]} |"
            wrong.append(f"{told} {found.ended.output[:600]} {found.ended.errors[-300:]}")
            print(wrong[-1], file=sys.stderr, flush=True)
    counts["most seconds"], counts["most megabytes"] = round(slowest), round(largest / 1e6)
    return {"counts": dict(sorted(counts.items())), "wrong": wrong}


def kills(asked: Any, originals: Path, work: Path) -> Found:
    """Commands that are killed at random moments and given again."""
    from killing import COMMANDS, killed

    names = asked.commands.split(",") if asked.commands else list(COMMANDS)
    each = -(-asked.kills // len(names))
    counts: dict[str, int] = {}
    wrong = []
    for name in _mine(asked, names):
        found = killed(name, each, originals, work / name, seed=asked.first)
        counts |= {f"{name}: killed": found.kills, f"{name}: results": found.results}
        wrong += [f"{name}: {sentence}" for sentence in found.wrong]
    return {"counts": counts, "wrong": wrong}


def signals(asked: Any, originals: Path, work: Path) -> Found:
    """Signals that ask for the end, at moments of each command."""
    from killing import COMMANDS
    from signalled import told_truly

    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    shares = [0.5] if asked.quick else [0.02, 0.2, 0.4, 0.6, 0.8, 0.98]
    tasks = [
        (name, number, share)
        for i, name in enumerate(asked.commands.split(",") if asked.commands else COMMANDS)
        for j, number in enumerate(numbers)
        for share in shares
        if not asked.quick or i % len(numbers) == j
    ]
    counts: collections.Counter[str] = collections.Counter()
    wrong = []
    for name, number, share in _mine(asked, tasks):
        found = told_truly(name, number, share, originals, work)
        counts[f"{number.name}: {'wrong' if found else 'as it must be'}"] += 1
        wrong += [f"{name} {number.name} at {share}: {sentence}" for sentence in found]
    return {"counts": dict(counts), "wrong": wrong}


def writers(asked: Any, originals: Path, work: Path) -> Found:
    """Everything that writes, where it is hard to."""
    from writers import (
        QUICK,
        WRITERS,
        as_another,
        in_a_folder_of_others,
        on_a_full_disk,
        under_a_mask,
        without_a_home,
    )

    ways: dict[str, Callable[[str], list[str]]] = {
        "disk of 4 KiB": lambda name: on_a_full_disk(name, 4, originals, work),
        "disk of 64 KiB": lambda name: on_a_full_disk(name, 64, originals, work),
        "disk of 200 KiB": lambda name: on_a_full_disk(name, 200, originals, work),
        "folder of others": lambda name: in_a_folder_of_others(name, originals, work),
        "no home": lambda name: without_a_home(name, originals, work),
        "another user": lambda name: as_another(name, originals, work),
        "umask 077": lambda name: under_a_mask(name, 0o077, originals, work),
        "umask 022": lambda name: under_a_mask(name, 0o022, originals, work),
    }
    quick = ("disk of 64 KiB", "folder of others")
    chosen, names = (quick, QUICK) if asked.quick else (tuple(ways), tuple(WRITERS))
    tasks = [(way, name) for way in chosen for name in names]
    if asked.quick:  # of HDF5, whose library bears a full disk least
        tasks += [("disk of 4 KiB", "response.nc"), ("disk of 4 KiB", "nir")]
    if asked.only:
        way, name = asked.only.split(":")
        tasks = [(way, name)]
    counts: collections.Counter[str] = collections.Counter()
    wrong = []
    for way, name in _mine(asked, tasks):
        try:
            found = ways[way](name)
        except PermissionError as error:
            counts[f"{way}: not tried, {error}"] += 1
            continue
        counts[f"{way}: {'wrong' if found else 'as it must be'}"] += 1
        wrong += [f"{way}, {name}: {sentence}" for sentence in found]
    return {"counts": dict(counts), "wrong": wrong}


def sweeps(asked: Any, originals: Path, work: Path) -> Found:
    """Sweeps of which workers, nannies, schedulers and clients are killed."""
    from sweep_kills import killed_sweeps

    share = -(-asked.kills // asked.n_shares)
    found = killed_sweeps(share, asked.runs, work, seed=asked.first + asked.index)
    return {"counts": dict(sorted(found.counts.items())), "wrong": found.wrong}


def hosts(asked: Any, originals: Path, work: Path) -> Found:
    """A sweep over three hosts, of which one is cut off for a while, or for good."""
    from cut_off import cut_off, why_not

    if asked.index:
        return {"counts": {}, "wrong": []}
    if reason := why_not():
        return {"counts": {f"not tried, {reason}": 1}, "wrong": []}
    counts: dict[str, int] = {}
    wrong = []
    for name, seconds in (("for a while", asked.cut), ("for good", None)):
        try:
            found = cut_off(asked.runs, asked.run_s, seconds, work / name.replace(" ", "-"))
        except OSError as error:  # hosts that another process has, or that cannot be made
            wrong.append(f"{name}: {error}")
            continue
        counts |= {f"{name}: {what}": n for what, n in found.counts.items()}
        wrong += [f"{name}: {sentence}" for sentence in found.wrong]
    return {"counts": counts, "wrong": wrong}


PARTS = {
    "inputs": inputs, "kills": kills, "signals": signals, "writers": writers, "sweeps": sweeps,
    "hosts": hosts,
}  # fmt: skip


def _print(report: Found) -> None:
    for name, part in report["parts"].items():
        print(name)
        for outcome, n in part["counts"].items():
            print(f"  {outcome:<60} {n:>6}")
        for sentence in part["wrong"]:
            print(f"  WRONG {sentence}")
    print(f"{report['n_wrong']} wrong, in {report['seconds']} s")


if __name__ == "__main__":
    sys.exit(main())
