"""What `runs show` tells of a run, complete or not, as YAML."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn import _store as store
from spikelearn._errors import SpikelearnError
from spikelearn.cli._curves import drawn

if TYPE_CHECKING:
    from spikelearn._progress import Progress

# What of a curve is drawn, as far as it is there.
_DRAWN = ("validation_accuracy", "train_loss", "training_accuracy", "spikes_per_image")


class _Lines(str):
    """A text of several lines, written as they are."""

    __slots__ = ()


def parts_of_run(folder: Path, controls: bool, progress: Progress | None = None) -> dict[str, Any]:
    """What decided a run, what it measured, its curve, its files, and how it stands today, by name.

    Parameters
    ----------
    folder : Path
        Of a complete run, or the one that a run will have which is not complete.
    controls : bool
        Whether to compute what its accuracy is to be compared with, or read it.
    progress : callable, optional
        Called with the fraction of the controls that is done and a few words.

    Raises
    ------
    SpikelearnError
        If there is neither a run nor the beginning of one.
    """
    if store.is_complete(folder):
        parts = _complete(folder)
        if controls:
            parts["controls"] = _controls(folder, progress)
    else:
        parts = _unfinished(folder)
    return parts


def in_words(parts: dict[str, Any]) -> str:
    """Parts of a run as YAML, its curve in letters."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """With texts of several lines as they are."""

    Dumper.add_representer(
        _Lines, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, "|")
    )
    curve = parts.get("learning curve")
    shown = {**parts, "learning curve": _curve(curve)} if isinstance(curve, list) else parts
    written: str = yaml.dump(shown, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)
    return written.rstrip()


def _complete(folder: Path) -> dict[str, Any]:
    from spikelearn.training.learning_curve import rows_of
    from spikelearn.training.run_comparison import over_images
    from spikelearn.training.stored_runs import TODAYS, cannot_compare, standing

    config, summary = store.read_config(folder), store.read_summary(folder)
    lower, upper = over_images(float(summary["test_accuracy"]), int(summary.get("n_test", 0)))
    words = standing(folder)
    today = "the same command would read it" if words == TODAYS else f"trained anew: {words}"
    if cannot_compare(words):
        today = words
    parts: dict[str, Any] = {"decided by": config, "measured": summary}
    if lower == lower:  # noqa: PLR0124 - NaN alone differs
        parts["test accuracy, 95 % over images"] = [round(lower, 4), round(upper, 4)]
    parts["made by"] = store.made(folder) or "an earlier release, which kept no versions"
    parts["standing"], parts["today"] = words, today
    try:
        parts["learning curve"] = rows_of(folder)
    except SpikelearnError as error:
        parts["learning curve"] = str(error)
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    parts["files"] = {p.relative_to(folder).as_posix(): in_bytes(p.stat().st_size) for p in files}
    return parts


def _controls(folder: Path, progress: Progress | None) -> dict[str, Any]:
    """Accuracies of a linear readout of the input, and of the network that did not learn."""
    from spikelearn.training.controls import controls_of
    from spikelearn.training.recipes import load_recipe

    found = controls_of(load_recipe(folder), folder.parent / "controls", progress)
    return {name: value for name, value in found._asdict().items() if value is not None}


def _unfinished(folder: Path) -> dict[str, Any]:
    """What there is of a run that is made now, or was interrupted."""
    from spikelearn.training.learning_curve import read_curve
    from spikelearn.training.run_table import CURVE_OF, unfinished
    from spikelearn.training.stored_runs import CHECKPOINT

    hidden = [
        path
        for name in (f".{folder.name}{CHECKPOINT}", CURVE_OF.format(folder.name))
        if (path := folder.parent / name).is_file()
    ]
    if not hidden:
        store.read_config(folder)  # says that there is no run
    row = unfinished(folder)
    parts: dict[str, Any] = {"state": row["state"], "standing": row["standing"]}
    curve = folder.parent / CURVE_OF.format(folder.name)
    if curve.is_file():
        try:
            parts["learning curve"] = read_curve(curve)
        except SpikelearnError as error:
            parts["learning curve"] = str(error)
    parts["files"] = {path.name: in_bytes(path.stat().st_size) for path in hidden}
    return parts


def _curve(rows: list[dict[str, float]]) -> Any:
    """The curve in letters, by what there is of it."""
    epochs = [row["epoch"] for row in rows]
    pictures = [
        drawn(epochs, [row.get(name, float("nan")) for row in rows], name)
        for name in _DRAWN
        if any(name in row for row in rows)
    ]
    return _Lines("\n".join(filter(None, pictures)) + "\n") if any(pictures) else "none"


def in_bytes(n: int) -> str:
    """A size in words."""
    for unit in ("B", "kB", "MB"):
        if n < 1000:
            return f"{n:.3g} {unit}"
        n = n / 1000  # type: ignore[assignment]
    return f"{n:.3g} GB"
