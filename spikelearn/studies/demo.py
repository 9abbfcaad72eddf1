"""The demonstration: the whole corridor once, on real data, into one folder with a report.

report.html                  what to read
results.parquet              every score: accuracy, similarity, auditory
config.yaml                  what was run, with which versions
training/RUN/                each training run: weights.safetensors, configuration, tables
spikes/*.nwb, *.nix          spike trains of the spiking networks
"""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._errors import DataUnavailableError
from spikelearn._files import atomic_path, write_yaml
from spikelearn._progress import Progress, progress_bars
from spikelearn._time_steps import nearest_steps
from spikelearn.studies import auditory
from spikelearn.studies.comparing import Entry, similarity
from spikelearn.studies.representation import Shown, show
from spikelearn.training.config import STDPConfig, TrainConfig
from spikelearn.training.loop import TrainedRun, train
from spikelearn.training.stdp_training import STDPRun, train_stdp

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from spikelearn.recordings import ImageRecording
    from spikelearn.spikes.activity import Activity

RATE_RULES = ("backprop", "feedback_alignment", "direct_feedback_alignment", "untrained")
SPIKING_RULES = ("surrogate", "untrained_spiking")
STDP_RULES = ("stdp", "homeostasis")
N_SEEDS = 3
# Updates rather than epochs are what takes the time: few epochs of many digits, or many of few.
N_TRAIN = 20_000
UPDATES = 900
BATCH_SIZE = 64
N_DIGITS = 20  # shown to the spiking networks where the recording's images are missing
STDP_BACKEND = "brian2"
SURROGATE_BACKENDS = ("norse", "snntorch")

PACKAGES = (
    "spikelearn-toolkit", "torch", "brian2", "snntorch", "norse", "neo", "elephant", "rsatoolbox",
    "numpy", "scipy", "pandas", "xarray", "pynwb", "nixio", "mlxtend", "nitime",
)  # fmt: skip

Bar = Callable[[str], Progress]
Run = TrainedRun | STDPRun


@dataclass
class _Found:
    """What the stages leave for the report."""

    runs: list[Run] = field(default_factory=list)
    recording: ImageRecording | None = None
    gaps: list[str] = field(default_factory=list)
    shown: dict[tuple[str, int], Shown] = field(default_factory=dict)
    agreement: list[dict[str, Any]] = field(default_factory=list)
    similarity: pd.DataFrame | None = None
    auditory: auditory.AuditoryResult | None = None


def run_demo(out: str | Path, seed: int = 0) -> Path:
    """Run every stage and write the folder.

    Parameters
    ----------
    out : path
        Where everything goes. Training runs that lie there complete are not computed again.
    seed : int
        The first of `N_SEEDS` seeds.

    Returns
    -------
    Path
        The report.
    """
    from spikelearn.studies.demo_report import write

    out = Path(out)
    found = _Found()
    settings = configuration(seed)
    with progress_bars() as bar:
        _load_recording(found)
        _train(found, settings, out / "training", bar)
        _show(found, seed, bar)
        _compare(found, seed, bar)
        _hear(found, seed, bar)
        say = bar("Writing spikes and report")
        _write_spikes(found, out / "spikes", say)
        say(0.6, "report.html")
        report = write(out, found, settings)
        say(1.0, "done")
    for gap in found.gaps:
        print(f"Left out: {gap}")
    return report


def configuration(seed: int) -> dict[str, Any]:
    """Everything that decides the numbers; plain YAML values."""
    from spikelearn.stimuli import mnist

    data = mnist.load()
    n_train = min(N_TRAIN, len(data.train_images))
    per_epoch = -(-round(0.9 * n_train) // BATCH_SIZE)
    epochs = max(2, round(UPDATES / per_epoch))
    return {
        "seeds": list(range(seed, seed + N_SEEDS)),
        "digits": {"source": data.source, "n_train": n_train, "n_test": len(data.test_images)},
        "rates": {"model": "mlp_784", "rules": list(RATE_RULES), "epochs": epochs},
        "spikes": {"model": "snn_784", "rules": list(SPIKING_RULES), "epochs": epochs},
        "optimiser": {"name": "Adam", "batch_size": BATCH_SIZE, "learning_rate": 1e-3},
        "stdp": {"model": "competitive_stdp", "rules": list(STDP_RULES), "backend": STDP_BACKEND},
        "images": {"recording": "kriegeskorte92", "backends": list(SURROGATE_BACKENDS)},
        "sounds": {"recording": "grasshopper", "backend": "snntorch"},
    }


def versions() -> dict[str, str]:
    """Python, the platform, and the packages that the numbers hang on."""
    found = {"python": platform.python_version(), "platform": platform.platform(terse=True)}
    return found | {name: importlib.metadata.version(name) for name in PACKAGES}


def _load_recording(found: _Found) -> None:
    from spikelearn import recordings

    try:
        found.recording = recordings.load("kriegeskorte92", progressbar=True)  # type: ignore[assignment]
    except DataUnavailableError as error:
        found.gaps.append(
            "the comparison with inferior temporal cortex, because its recording is missing:"
            f" {error}"
        )


def _train(found: _Found, settings: dict[str, Any], folder: Path, bar: Bar) -> None:
    seeds = settings["seeds"]
    for rule in (*RATE_RULES, *SPIKING_RULES):
        part = settings["rates" if rule in RATE_RULES else "spikes"]
        say = bar(f"Training: {rule}")
        for index, seed in enumerate(seeds):
            config = TrainConfig(
                model=part["model"], rule=rule, seed=seed, epochs=part["epochs"],
                n_train=settings["digits"]["n_train"], batch_size=BATCH_SIZE,
            )  # fmt: skip
            found.runs.append(
                train(config, folder, _part(say, index, len(seeds), f"seed {seed}, "))
            )
    for rule in STDP_RULES:
        say = bar(f"Training: {rule}")
        for index, seed in enumerate(seeds):
            found.runs.append(
                train_stdp(
                    STDPConfig(rule=rule, seed=seed, backend=STDP_BACKEND),
                    folder,
                    _part(say, index, len(seeds), f"seed {seed}, "),
                )
            )


def _part(say: Progress, index: int, count: int, prefix: str = "") -> Progress:
    """Progress of one of `count` equal parts."""
    return lambda fraction, words: say((index + fraction) / count, prefix + words)


def _images(found: _Found) -> tuple[np.ndarray, list[str]]:
    """The recording's images, or a few test digits where they are missing."""
    if found.recording is not None:
        return found.recording.images, list(found.recording.labels)
    from spikelearn.stimuli import mnist

    data = mnist.load()
    labels = [f"{i:02d} digit {label}" for i, label in enumerate(data.test_labels[:N_DIGITS], 1)]
    return data.test_images[:N_DIGITS], labels


def _show(found: _Found, seed: int, bar: Bar) -> None:
    images, labels = _images(found)
    say = bar("Showing the images")
    for index, run in enumerate(found.runs):
        rule, run_seed = run.config["rule"], run.config["seed"]
        part = _part(say, index, len(found.runs), f"{rule}, seed {run_seed}")
        if rule in RATE_RULES and found.recording is None:
            continue
        backend = STDP_BACKEND if rule in STDP_RULES else SURROGATE_BACKENDS[0]

        def tell(fraction: float, part: Progress = part) -> None:
            part(fraction, "")

        shown = show(run, images, labels, backend, seed, tell)
        found.shown[rule, run_seed] = shown
        if rule == "surrogate" and shown.activity is not None:
            for other in SURROGATE_BACKENDS[1:]:
                second = show(run, images, labels, other, seed).activity
                assert second is not None  # noqa: S101 - for the type checker
                found.agreement += agreement(rule, run_seed, shown.activity, second)
    say(1.0, "")


def agreement(rule: str, seed: int, first: Activity, second: Activity) -> list[dict[str, Any]]:
    """Spikes of two backends compared, population by population, to the time step."""

    def events(activity: Activity, name: str) -> set[tuple[int, int, int]]:
        spikes = activity[name]
        steps = nearest_steps(spikes.times_ms, activity.dt_ms)
        return set(
            zip(spikes.trials.tolist(), spikes.senders.tolist(), steps.tolist(), strict=True)
        )

    rows = []
    for name in first.populations:
        a, b = events(first, name), events(second, name)
        rows.append(
            {
                "model": rule,
                "seed": seed,
                "population": name,
                "backend_a": first.provenance["backend"],
                "backend_b": second.provenance["backend"],
                "n_stimuli": first.n_trials,
                "spikes_a": len(a),
                "spikes_b": len(b),
                "spikes_in_both": len(a & b),
            }
        )
    return rows


def _compare(found: _Found, seed: int, bar: Bar) -> None:
    if found.recording is None:
        return
    say = bar("Comparing with brains")
    entries = [
        Entry(
            run.config["rule"],
            run.config["network"]["name"],
            run.config["seed"],
            found.shown[run.config["rule"], run.config["seed"]].responses,
        )
        for run in found.runs
    ]
    found.similarity = similarity(entries, found.recording, seed=seed, progress=say)


def _hear(found: _Found, seed: int, bar: Bar) -> None:
    from spikelearn import recordings

    say = bar("Hearing the grasshopper's sounds")
    recording = recordings.load("grasshopper")
    assert isinstance(recording, recordings.AuditoryRecording)  # noqa: S101 - for the type checker
    found.auditory = auditory.run(recording, seed=seed, progress=say)


def _write_spikes(found: _Found, folder: Path, say: Progress) -> None:
    """One file of each format for every trained spiking network of the first seed."""
    first_seed = found.runs[0].config["seed"]
    activities: dict[str, Activity] = {}
    for rule in ("surrogate", "stdp"):
        activity = found.shown[rule, first_seed].activity
        if activity is not None:
            activities[f"{rule}_{activity.provenance['backend']}"] = activity
    if found.auditory is not None:
        for model, activity in found.auditory.activities.items():
            activities[f"grasshopper_{model.replace(' ', '_').replace('-', '_')}"] = activity
    for index, (name, activity) in enumerate(activities.items()):
        say(0.5 * index / len(activities), f"{name}.nwb, {name}.nix")
        for suffix in (".nwb", ".nix"):
            activity.save(folder / f"{name}{suffix}")


def write_tables(out: Path, tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> None:
    """`results.parquet` (one table, the column `table` says which) and `config.yaml`."""
    import pandas as pd

    whole = pd.concat(
        [table.assign(table=name) for name, table in tables.items()], ignore_index=True
    )
    with atomic_path(out / "results.parquet") as temporary:
        whole.to_parquet(temporary, index=False)
    write_yaml(out / "config.yaml", {**settings, "versions": versions()})
