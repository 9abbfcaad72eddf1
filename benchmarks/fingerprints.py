"""Do two states of the toolkit compute the same numbers? Bit by bit, on one machine.

    python benchmarks/fingerprints.py --against COMMIT
    python benchmarks/fingerprints.py --against COMMIT --only 'spikes/*' --limit-minutes 10

Both states, the one at COMMIT and the working tree, are asked for the same units (what they are
says `fingerprint_units.py`): spikes of every shipped model on every engine, weights after a short
training by every recipe, a comparison's table, audits' tables. What they give is compared by key.
Each unit is a file in the folder of its state and is not computed again; a commit's serve every
later change. So the script may be interrupted, or stopped by --limit-minutes, and goes on.

Exit status: 0 where all is the same but for what the tables below allow, 1 where something differs,
2 where nothing does but units are missing.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fingerprint_units import file_of

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("spikelearn", "models", "stimuli")
# What a change renames, old name -> new name: in keys (a model, an engine or a recipe), in names of
# arrays, in cells and in sentences.
RENAMED: dict[str, dict[str, str]] = {
    "key": {},
    "array": {},
    "word": {"pair_stdp": "stdp", "reward_stdp_in_time": "dopamine_stdp"},
}
# Patterns of keys that only one state has, and columns that only the new one has.
ONLY_OLD: tuple[str, ...] = ()
ONLY_NEW: tuple[str, ...] = ()
NEW_COLUMNS = ("level",)


@dataclass
class State:
    """One state of the toolkit: its checkout, and the folder of its fingerprints."""

    name: str
    root: Path
    folder: Path
    keys: tuple[str, ...] = ()
    setting: str = ""

    def read(self, key: str) -> dict[str, Any] | None:
        """What is kept of a unit, if it was made on this machine."""
        path = file_of(self.folder, key)
        if not path.is_file():
            return None
        about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return about if about["setting"] == self.setting else None

    def arrays(self, key: str) -> Any:
        """The arrays of a unit, by name."""
        return np.load(file_of(self.folder, key).with_suffix(".npz"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--against", required=True, metavar="COMMIT", help="the old state")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="keys, as 'weights/*'")
    parser.add_argument("--limit-minutes", type=float, default=float("inf"))
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / "fingerprints")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    options = parser.parse_args()
    started = time.monotonic()
    states = [of_commit(options.against, options.folder), of_working_tree(options.folder)]
    for state in states:
        Child(state).close()  # it tells the keys
        state.keys = tuple(k for k in state.keys if fnmatch.fnmatch(k, options.only))
    runner = Runner(states, started + 60 * options.limit_minutes)
    runner.run(options.jobs)
    found = compare(*states, runner.troubles)
    print(summary(found, states, (time.monotonic() - started) / 60))
    sys.exit(
        1 if any(o.wrong for o in found) else 2 if any(o.status == "missing" for o in found) else 0
    )


def git(*words: str) -> bytes:
    """What git says in this repository."""
    return subprocess.run(["git", "-C", str(ROOT), *words], check=True, capture_output=True).stdout


def of_commit(commit: str, folder: Path) -> State:
    """The state of a commit, unpacked beside its fingerprints."""
    full = git("rev-parse", "--verify", f"{commit}^{{commit}}").decode().strip()
    state = State(commit, folder.resolve() / full[:12] / "checkout", folder.resolve() / full[:12])
    if not state.root.is_dir():
        temporary = state.folder / f".checkout.{os.getpid()}"
        with tarfile.open(fileobj=io.BytesIO(git("archive", full, *PARTS))) as archive:
            archive.extractall(temporary, filter="data")
        temporary.rename(state.root)
    return state


def of_working_tree(folder: Path) -> State:
    """The working tree, named by the digest of its files."""
    listed = git("ls-files", "-co", "--exclude-standard", "-z", "--", *PARTS).decode()
    digest = hashlib.sha256()
    for name in sorted(set(filter(None, listed.split("\0")))):
        path = ROOT / name
        if path.is_file():
            digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    state = State("working tree", ROOT, folder.resolve() / f"tree-{digest.hexdigest()[:12]}")
    state.folder.mkdir(parents=True, exist_ok=True)
    return state


class Child:
    """A process that computes units of one state, on one thread."""

    def __init__(self, state: State) -> None:
        self.state = state
        threads = ("OMP", "OPENBLAS", "MKL", "NUMBA")
        environment = os.environ | {f"{name}_NUM_THREADS": "1" for name in threads}
        environment |= {"PYTHONPATH": str(state.root), "PYTHONHASHSEED": "0"}
        for name in ("SPIKELEARN_DATA", "SPIKELEARN_CACHE"):
            if environment.get(name):
                environment[name] = str(Path(environment[name]).resolve())
        script = ROOT / "benchmarks" / "fingerprint_units.py"
        with (state.folder / "log.txt").open("a") as log:
            # A session of its own: Ctrl-C is the parent's.
            self.process = subprocess.Popen(
                [sys.executable, str(script), str(state.root), str(state.folder)],
                env=environment, cwd=state.root, text=True, start_new_session=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        told = self.answer()
        if told is None:
            sys.exit(f"{state.name} cannot be asked; see {state.folder / 'log.txt'}")
        if not state.keys:
            state.keys, state.setting = tuple(told["keys"]), told["setting"]

    def answer(self) -> dict[str, Any] | None:
        """What the process says next; None where it died."""
        line = self.process.stdout.readline()  # type: ignore[union-attr]
        return json.loads(line) if line else None

    def ask(self, key: str) -> dict[str, Any]:
        """Compute a unit."""
        try:
            print(key, file=self.process.stdin, flush=True)
            told = self.answer()
        except BrokenPipeError:
            told = None
        if told is not None:
            return told
        return {"status": "crashed", "error": ["exit status", str(self.process.wait())]}

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()


class Runner:
    """Computes what is missing of the states, in several processes; each stays with its state."""

    def __init__(self, states: list[State], deadline: float) -> None:
        self.waiting = {s.name: [k for k in s.keys if s.read(k) is None] for s in states}
        self.states, self.deadline = states, deadline
        self.lock, self.children = threading.Lock(), set[Child]()
        self.total, self.done = sum(map(len, self.waiting.values())), 0
        # State and key -> why there is no fingerprint.
        self.troubles: dict[tuple[str, str], dict[str, Any]] = {}

    def run(self, jobs: int) -> None:
        """All of it, or until the deadline."""
        order = [self.states[i % 2] for i in range(jobs)]
        threads = [threading.Thread(target=self._work, args=(s,), daemon=True) for s in order]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            self.deadline = 0.0
            for child in list(self.children):
                child.process.kill()
            sys.exit("interrupted; what is done is kept")

    def _next(self, state: State) -> tuple[State, str] | None:
        with self.lock:
            if time.monotonic() > self.deadline:
                return None
            # The state's own, or what is left of the other's.
            for s in sorted(self.states, key=lambda s: s is not state):
                if self.waiting[s.name]:
                    return s, self.waiting[s.name].pop(0)
        return None

    def _work(self, state: State) -> None:
        child = None
        while (unit := self._next(state)) is not None:
            state, key = unit
            if child is None or child.state is not state:
                child = self._replace(child, state)
            told = child.ask(key)
            if told["status"] == "crashed":
                self._replace(child, None)
                child = None
            with self.lock:
                self.done += 1
                if told["status"] in ("skipped", "crashed"):
                    self.troubles[state.name, key] = told
                why = ": " + ": ".join(told["error"]) if told.get("error") else ""
                print(f"[{self.done}/{self.total}] {state.name} {key}: {told['status']},"
                      f" {told.get('seconds', 0):.1f} s{why[:150]}", flush=True)  # fmt: skip
        self._replace(child, None)

    def _replace(self, child: Child | None, state: State | None) -> Any:
        if child is not None:
            child.close()
            self.children.discard(child)
        if state is None:
            return None
        child = Child(state)
        self.children.add(child)
        return child


@dataclass
class Outcome:
    """What became of a key: same, differs, refused alike, only old, only new, skipped, missing."""

    key: str
    status: str
    detail: str = ""
    wrong: bool = False


def new_key(key: str) -> str:
    """A key of the old state as the new one calls it."""
    for old, new in RENAMED["key"].items():
        key = f"{key}/".replace(f"/{old}/", f"/{new}/").removesuffix("/")
    return key


def new_words(text: str) -> str:
    """A cell or a sentence of the old state in the new one's words."""
    for old, new in RENAMED["word"].items():
        text = text.replace(old, new)
    return text


def compare(
    old: State, new: State, troubles: dict[tuple[str, str], dict[str, Any]]
) -> list[Outcome]:
    """Compare two states key by key.

    Parameters
    ----------
    old, new : State
    troubles : mapping
        (name of a state, key) -> why there is no fingerprint: skipped or crashed, and the error.
    """
    before = {new_key(key): key for key in old.keys}
    found = []
    for key in dict.fromkeys([*before, *new.keys]):
        if key not in new.keys:
            allowed = any(fnmatch.fnmatch(before[key], p) for p in ONLY_OLD)
            found.append(Outcome(key, "only old", "", not allowed))
            continue
        if key not in before:
            allowed = any(fnmatch.fnmatch(key, p) for p in ONLY_NEW)
            found.append(Outcome(key, "only new", "", not allowed))
            continue
        kept = [old.read(before[key]), new.read(key)]
        trouble = troubles.get((old.name, before[key])) or troubles.get((new.name, key))
        if trouble is not None:
            words = ": ".join(trouble["error"])
            found.append(Outcome(key, trouble["status"], words, trouble["status"] == "crashed"))
        elif kept[0] is None or kept[1] is None:
            found.append(Outcome(key, "missing"))
        else:
            found.append(compare_unit(key, kept[0], kept[1], lambda k=key: (
                old.arrays(before[k]), new.arrays(k))))  # fmt: skip
    return found


def compare_unit(key: str, old: dict[str, Any], new: dict[str, Any], load: Any) -> Outcome:
    """Compare what two states gave for a key; `load` reads the arrays of both, if need be."""
    errors = [about.get("error") for about in (old, new)]
    if any(errors):
        words = [None if e is None else [new_words(part) for part in e] for e in errors]
        if words[0] == words[1]:
            return Outcome(key, "refused alike", ": ".join(words[1] or []))
        told = ["it ran" if e is None else ": ".join(e) for e in errors]
        return Outcome(key, "differs", f"old: {told[0]}; new: {told[1]}", True)
    details = array_differences(old["arrays"], new["arrays"], load)
    for name in dict.fromkeys([*old["tables"], *new["tables"]]):
        if name not in old["tables"] or name not in new["tables"]:
            details.append(f"the table '{name}' is in one state only")
        else:
            details += table_differences(name, old["tables"][name], new["tables"][name])
    return Outcome(key, "differs" if details else "same", "; ".join(details), bool(details))


def array_differences(old: dict[str, str], new: dict[str, str], load: Any) -> list[str]:
    """How arrays differ, given their digests by name."""
    renamed = {RENAMED["array"].get(name, name): name for name in old}
    wrong = [name for name in new if name in renamed and old[renamed[name]] != new[name]]
    details = [f"array '{n}' is in one state only" for n in sorted(set(renamed) ^ set(new))]
    if wrong:
        before, after = load()
        details += [f"{n}: {how_far(before[renamed[n]], after[n])}" for n in wrong]
    return details


def how_far(old: np.ndarray, new: np.ndarray) -> str:
    """The largest difference of two arrays, in words."""
    if old.shape != new.shape:
        n = min(len(old), len(new)) if old.ndim and new.ndim else 0
        first = ""
        if old.ndim == new.ndim == 1:
            unlike = np.flatnonzero(old[:n] != new[:n])
            first = f", unlike from entry {unlike[0] if len(unlike) else n}"
        return f"shape {old.shape} became {new.shape}{first}"
    if old.dtype != new.dtype:
        return f"{old.dtype} became {new.dtype}, at most {_largest(old, new)} off"
    alike = np.isclose(old, new, rtol=0.0, atol=0.0, equal_nan=True)
    return f"at most {_largest(old, new)} off, in {np.sum(~alike)} of {old.size} entries"


def _largest(old: np.ndarray, new: np.ndarray) -> str:
    a, b = old.astype(float), new.astype(float)
    off = np.abs(a - b)
    size = np.nanmax(np.abs(a), initial=0.0)
    return f"{np.nanmax(off, initial=0.0):.2g} (of up to {size:.2g})"


def table_differences(name: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """How two tables differ, cell by cell; each is row -> column -> text."""
    old = {new_words(row): cells for row, cells in old.items()}
    details = []
    for rest, where in ((old.keys() - new.keys(), "old"), (new.keys() - old.keys(), "new")):
        if rest:
            details.append(f"{name}: {len(rest)} rows are only {where}, as '{min(rest)}'")
    cells: Counter[str] = Counter()
    largest: dict[str, float] = {}
    example: dict[str, str] = {}
    for row in old.keys() & new.keys():
        for column in old[row].keys() | new[row].keys():
            a, b = old[row].get(column), new[row].get(column)
            if (a is None and column in NEW_COLUMNS) or (a and new_words(a)) == b:
                continue
            cells[column] += 1
            example.setdefault(column, f"{row}: {a} became {b}")
            try:
                off = abs(float(a) - float(b))  # type: ignore[arg-type]
            except (TypeError, ValueError):
                continue
            largest[column] = max(off, largest.get(column, 0.0))
    for column, n in cells.items():
        size = f", at most {largest[column]:.2g} off" if column in largest else ""
        details.append(f"{name}, column '{column}': {n} cells{size}, as {example[column]}")
    return details


def summary(found: list[Outcome], states: list[State], minutes: float) -> str:
    """What differs, and a table of how many keys do."""
    statuses = ("same", "refused alike", "differs", "crashed", "only old", "only new", "skipped",
                "missing")  # fmt: skip
    lines = [""]
    for status in statuses[2:]:
        lines += [f"{status}: {o.key}{' (allowed)' * (status[:4] == 'only' and not o.wrong)}"
                  f"{': ' + o.detail if o.detail else ''}"
                  for o in found if o.status == status]  # fmt: skip
    lines += ["", "| kind | keys | " + " | ".join(statuses) + " |", "|---" * 10 + "|"]
    for kind in [*dict.fromkeys(o.key.split("/")[0] for o in found), "all"]:
        of_kind = [o.status for o in found if kind in (o.key.split("/")[0], "all")]
        counts = [str(of_kind.count(status)) for status in statuses]
        lines.append(f"| {kind} | {len(of_kind)} | " + " | ".join(counts) + " |")
    lines.append("")
    for state in states:
        kept = {key: about for key in state.keys if (about := state.read(key)) is not None}
        slow = sorted(kept, key=lambda key: -kept[key]["processor_s"])[:5]
        total, busy = (sum(a[k] for a in kept.values()) / 60 for k in ("seconds", "processor_s"))
        lines.append(
            f"{state.name}: units of {total:.1f} min, {busy:.1f} of the processor; slowest "
            + ", ".join(f"{key} {kept[key]['processor_s']:.0f} s" for key in slow)
        )
    return "\n".join([*lines, f"{minutes:.1f} minutes; fingerprints in {states[0].folder.parent}"])


if __name__ == "__main__":
    main()
