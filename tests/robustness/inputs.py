"""Inputs of every kind, changed at random by a seed, each with a command that reads it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

from canaries import with_code
from mutations import JUNK, mutated_bytes, mutated_text
from originals import AUDIT, FOREIGN, SUFFIXES, TRAIN, original, the_run
from structures import NAMES, mutated_structure

from spikelearn._files import shipped_folder

# Quick to simulate, whatever a value in them becomes.
_SIMULATED = ("lif_feedforward", "lif_neuron", "izhikevich2003", "hodgkin_huxley1952")

Make = Callable[[Path, random.Random, Path], list[str]]
"""Writes inputs into a folder, by a seed, from the originals; gives the command's arguments."""


def _changed_text(original: Path, path: Path, rng: random.Random) -> Path:
    text = mutated_text(original.read_text(encoding="utf-8"), rng)
    path.write_text(text, encoding="utf-8", errors="replace")
    return path


def _shipped(kind: str, rng: random.Random) -> Path:
    return rng.choice(sorted(shipped_folder(kind).rglob("*.yaml")))


def _anyhow(original: Path, path: Path, rng: random.Random) -> None:
    """A file changed in its text, its bytes or its structure; or empty, or something else."""
    if original.suffix == ".yaml" and rng.random() < 0.8:
        _changed_text(original, path, rng)
        return
    structured = (".parquet", ".safetensors", ".checkpoint", ".npz", ".mat", ".csv", ".nir")
    if original.suffix in structured and rng.random() < 0.6:
        mutated_structure(original, path, rng)
        return
    content = original.read_bytes()
    kind = rng.randrange(10)
    if kind == 0:
        path.write_bytes(b"")
    elif kind == 1:
        path.write_bytes(
            rng.choice(sorted(f for f in original.parent.iterdir() if f.is_file())).read_bytes()
        )
    else:
        path.write_bytes(mutated_bytes(content, rng))


def model(folder: Path, rng: random.Random, originals: Path) -> list[str]:
    """A model's description."""
    models = [p for p in sorted(shipped_folder("models").glob("*.yaml"))]
    shipped = rng.choice(models)
    path = str(_changed_text(shipped, folder / "model.yaml", rng))
    commands = [["inspect", path], ["models", "show", path]]
    if shipped.stem in _SIMULATED:
        commands += [
            ["simulate", path, "--duration", "5", "--out", "out/a.npz"],
            ["convert", path, "out/net"],
            ["convert", path, "out/net.nir"],
            ["simulate", path, "--stimulus", "step_current", "--duration", "5"],
        ]
    if shipped.stem == "mlp_64":
        commands += [[*TRAIN.replace("mlp_64", path).split(), "--out", "out"]] * 3
    return rng.choice(commands)


def stimulus(folder: Path, rng: random.Random, originals: Path) -> list[str]:
    """A stimulus' description."""
    shipped = _shipped("stimuli", rng)
    path = str(_changed_text(shipped, folder / "stimulus.yaml", rng))
    shown = "lif_feedforward" if "poisson" in shipped.stem else "lif_neuron"
    simulated = ["simulate", shown, "--stimulus", path, "--duration", "20"]
    return rng.choice([["inspect", path], simulated, simulated])


def recipe(folder: Path, rng: random.Random, originals: Path) -> list[str]:
    """A training recipe."""
    shipped = _shipped("models/recipes", rng)
    path = str(_changed_text(shipped, folder / "recipe.yaml", rng))
    if shipped.parent.name != "mnist_mlp":
        return ["inspect", path]
    small = "--dataset digits --model mlp_64 --epochs 1 --images 30 --out out"
    return rng.choice([["inspect", path], ["train", "--recipe", path, *small.split()]])


def study(folder: Path, rng: random.Random, originals: Path) -> list[str]:
    """A study's description."""
    files = [
        *sorted((shipped_folder("models") / "studies").glob("*.yaml")),
        original(originals, "study.yaml"),
    ]
    path = str(_changed_text(rng.choice(files), folder / "study.yaml", rng))
    run = ["study", "run", path, "--limit-minutes", "0", "--out", "out"]
    return rng.choice([["inspect", path], run, run[:-2]])


def recording(folder: Path, rng: random.Random, originals: Path) -> list[str]:
    """A user's recording: its description, its arrays or its images."""
    place = folder / "recording"
    shutil.copytree(original(originals, "recording"), place)
    files = ["mine.yaml", "mine.yaml", "one.npz", "two.csv", "rdm.csv", "images/s03.png"]
    chosen = rng.choice(files)
    _anyhow(originals / "recording" / chosen, place / chosen, rng)
    path = str(place / "mine.yaml")
    run = the_run(original(originals, "runs"))
    show = ["recordings", "show", path]
    return rng.choice([
        show, [*show, "--plot", "out/a.png"], [*show, "--page", "out/a.html"], ["inspect", path],
        ["compare", str(run), "--recording", path, "--bootstrap", "0", "--out", "out/a.csv"],
    ])  # fmt: skip


def spikes(folder: Path, rng: random.Random, originals: Path) -> list[str]:
    """A file of spikes, in its bytes or in its structure."""
    whole = original(originals, f"spikes{rng.choice(SUFFIXES)}")
    path = folder / whole.name
    if rng.random() < 0.6:
        mutated_structure(whole, path, rng)
    else:
        path.write_bytes(mutated_bytes(whole.read_bytes(), rng))
    return rng.choice([
        ["inspect", str(path)], ["stats", str(path)],
        ["stats", str(path), "--figure", "out/a.png", "--raster", "out/b.png"],
        ["export", str(path), f"out/a{rng.choice(SUFFIXES)}"],
        ["respond", str(path), "--readout", rng.choice(["counts", "latency", "psth", "filtered"])],
    ])  # fmt: skip


def foreign(folder: Path, rng: random.Random, originals: Path) -> list[str]:
    """Spikes as others write them, changed, and what is said of them with a word too many."""
    name, given = rng.choice(sorted(FOREIGN.items()))
    path = folder / name.partition("-")[2]
    _anyhow(original(originals, name), path, rng)
    said = [word.split() for word in given.split("--")[1:]]
    for place in range(len(said)):
        if rng.random() < 0.2:
            said[place][-1] = rng.choice([*said[rng.randrange(len(said))], *NAMES[:5], "-1", "nan"])
    words = [word for option, *rest in said for word in (f"--{option}", *rest)]
    return rng.choice([
        ["inspect", str(path), *words], ["stats", str(path), *words],
        ["export", str(path), f"out/a{rng.choice(SUFFIXES)}", *words],
    ])  # fmt: skip


def run_folder(folder: Path, rng: random.Random, originals: Path) -> list[str]:
    """The folder of a run with one file changed."""
    of_spikes = rng.random() < 0.4
    whole = the_run(original(originals, "stdp" if of_spikes else "runs"))
    path = folder / "runs" / whole.name
    shutil.copytree(whole, path)
    changed = rng.choice(sorted(p for p in whole.iterdir() if p.is_file()))
    _anyhow(changed, path / changed.name, rng)
    if rng.random() < 0.1:
        (path / changed.name).unlink()
    recorded = str(original(originals, "recording") / "mine.yaml")
    compared = ["compare", str(path), "--recording", recorded, "--bootstrap", "0"]
    commands = [["runs", "show", str(path)], ["runs", "list", str(path.parent)],
                ["inspect", str(path)], compared]  # fmt: skip
    if of_spikes:
        commands += [["simulate", str(path), "--duration", "5"], ["convert", str(path), "out/net"]]
    else:
        commands += [[*TRAIN.split(), "--out", str(path.parent)]]
    return rng.choice(commands)


def checkpoint(folder: Path, rng: random.Random, originals: Path) -> list[str]:
    """What is left of training that was killed."""
    place = folder / "runs"
    shutil.copytree(original(originals, "killed"), place)
    (left,) = (originals / "killed").glob(".*.checkpoint")
    _anyhow(left, place / left.name, rng)
    return [*TRAIN.split(), "--seed", "1", "--out", str(place)]


def stored_piece(folder: Path, rng: random.Random, originals: Path) -> list[str]:
    """A finding of an audit, or a piece of a study, with one file changed."""
    name = rng.choice(["audit", "study"])
    place = folder / name
    shutil.copytree(original(originals, name), place)
    files = sorted(p for p in place.rglob("*") if p.is_file())
    chosen = rng.choice([p for p in files if p.suffix in (".json", ".yaml", ".parquet")])
    _anyhow(originals / name / chosen.relative_to(place), chosen, rng)
    if name == "audit":
        return [*AUDIT.split(), "--out", str(place)]
    return ["study", "run", str(originals / "study.yaml"), "--out", str(place),
            *rng.choice([[], ["--limit-minutes", "0"]])]  # fmt: skip


def network_file(folder: Path, rng: random.Random, originals: Path) -> list[str]:
    """A network as NIR, or as YAML with arrays beside it."""
    if rng.random() < 0.5:
        path = folder / "net.nir"
        _anyhow(original(originals, "net.nir"), path, rng)
    else:
        place = folder / "net"
        whole = original(originals, "net")
        shutil.copytree(whole, place)
        chosen = rng.choice(sorted(whole.iterdir()))
        _anyhow(chosen, place / chosen.name, rng)
        path = place / "network.yaml"
    return rng.choice([
        ["inspect", str(path)], ["simulate", str(path), "--duration", "5"],
        ["convert", str(path), "out/net"], ["convert", str(path), "out/b.nir"],
        ["models", "show", str(path)],
    ])  # fmt: skip


_TRAIN = "train mlp_64 --dataset digits --images 30 --out out"
_COMMANDS = (
    "simulate lif_feedforward --duration 10 --dt 0.1 --seed 1 --set dt_ms=0.2",
    "simulate lif_feedforward --duration 10 --set populations.hidden.size=5 --start 1 --stop 5",
    "simulate lif_feedforward --duration 10 --set stimulus.rate_hz=5 --bin 1 --sigma 2",
    "simulate lif_neuron --stimulus step_current --duration 10"
    " --set stimulus.currents[0].start_ms=1",
    "simulate izhikevich2003 --duration 5 --scale 0.1 --backend native",
    "stats SPIKES --bin 5 --sigma 1 --start 0 --stop 20 --trial 0 --raster out/a.png",
    "respond SPIKES --readout filtered --option tau_ms=5 --population out",
    "export SPIKES out/a.csv",
    "inspect SPIKES",
    f"{_TRAIN} --rule backprop --epochs 1 --learning-rate 0.1",
    f"{_TRAIN} --rule feedback_alignment --epochs 1 --option a=1",
    f"{_TRAIN} --rule predictive_coding --epochs 1 --option n_steps=3",
    f"{_TRAIN} --rule backprop --set epochs=1 --set network.sizes[1]=8",
    f"{_TRAIN} --rule backprop --epochs 1 --set optimizer=sgd --seeds 1",
    "compare RUN --recording RECORDING --method rsa --comparator spearman --over stimuli"
    " --bootstrap 5",
    "audit oja --criteria C9 --seeds 0 --weight C9=1 --option learning_rate=0.1",
    "check oja --option a=1",
    "convert lif_feedforward out/a.nir --dt 0.1 --step 0.1",
    "study new out/mine.yaml",
    "study run STUDY --limit-minutes 0 --seed 1 --set n_bootstrap=5 --set seeds=[0] --out out",
    "recordings show RECORDING --plot out/a.png",
    "models show mlp_64",
    "runs list RUNS",
)
# What says how much work there is; without it, or with a large number, it takes as long.
_BOUNDS = ("--criteria", "--images", "--epochs", "--limit-minutes", "--bootstrap", "--seeds")


def option(folder: Path, rng: random.Random, originals: Path) -> list[str]:
    """A word of a command: a value, a path of `--set`, a name, a file."""
    run = the_run(original(originals, "runs"))
    places = {
        "SPIKES": original(originals, "spikes.npz"), "RUN": run, "RUNS": run.parent,
        "RECORDING": original(originals, "recording") / "mine.yaml",
        "STUDY": original(originals, "study.yaml"),
    }  # fmt: skip
    words = [str(places.get(word, word)) for word in rng.choice(_COMMANDS).split()]
    # Where it writes is the user's choice, and so is how long it works.
    free = [i for i in range(1, len(words)) if words[i - 1] != "--out" and words[i][:4] != "out/"]
    place = rng.choice(free)
    word = words[place]
    bounds = word in _BOUNDS or words[place - 1] in _BOUNDS or word.startswith("epochs=")
    junk = [j for j in JUNK if not (bounds and "999" in j)]
    kind = rng.randrange(5)
    if kind == 0:
        words[place] = rng.choice([*junk, *NAMES])
    elif kind == 1 and "=" in word:
        words[place] = f"{word.partition('=')[0]}={rng.choice(junk)}"
    elif kind == 2 and not bounds:
        words[place] = mutated_text(word, rng).replace("\n", "")
    elif kind == 3 and not bounds:
        del words[place]
    else:
        words.insert(place, rng.choice([word, *junk]))
    return [word.replace("\0", "") for word in words]


def code(folder: Path, rng: random.Random, originals: Path) -> list[str]:
    """A file or a value that holds code."""
    return with_code(folder, rng, originals)


# By how many of a thousand inputs are of the kind.
KINDS: dict[str, tuple[Make, int]] = {
    "model": (model, 180),
    "stimulus": (stimulus, 70),
    "recipe": (recipe, 80),
    "study": (study, 70),
    "recording": (recording, 80),
    "spikes": (spikes, 190),
    "foreign": (foreign, 60),
    "run": (run_folder, 80),
    "checkpoint": (checkpoint, 30),
    "piece": (stored_piece, 30),
    "network": (network_file, 60),
    "option": (option, 90),
    "code": (code, 40),
}
# Whose files are theirs to set aside or to write anew.
OWN = ("run", "checkpoint", "piece", "code")
