"""Learning curves: loss or accuracy by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._errors import SpikelearnError, nearest
from spikelearn.plot.names import colour, label, rank
from spikelearn.plot.style import COLOURS, drawing, say_nothing_to_draw

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# Column -> (what stands at the axis, factor).
SHOWN = {
    "train_loss": ("training loss (nats)", 1),
    "validation_accuracy": ("validation accuracy (%)", 100),
    "training_accuracy": ("training accuracy (%)", 100),
}


def learning_curve(runs: Any, measure: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw what was measured after every epoch: a thin line a seed, a thick one their mean.

    Parameters
    ----------
    runs : trained run, folder of one, DataFrame, or several
        What was trained; or its table `epochs`.
    measure : str, optional
        A column of the table: validation accuracy, if absent, or of STDP training accuracy.
    ax : matplotlib Axes, optional
        Where it is drawn; a new figure, if absent.

    Returns
    -------
    Axes

    Raises
    ------
    SpikelearnError
        Where there is no run, or no such measure.

    Examples
    --------
    >>> import spikelearn as sl
    >>> run = sl.train("mlp_64", dataset="digits", epochs=2)
    >>> sl.plot.learning_curve(run).get_ylabel()
    'validation accuracy (%)'
    """
    table = _table(runs)
    if measure is None:
        measure = next((c for c in ("validation_accuracy", *SHOWN) if c in table), "")
    known = [str(c) for c in table if c not in ("rule", "seed", "epoch")]
    if measure not in known:
        raise SpikelearnError(f"there is no measure '{measure}'; {nearest(str(measure), known)}")
    with drawing(ax) as axis:
        curve_panel(axis, table, measure, _told_apart(table))
        if not axis.lines:
            say_nothing_to_draw(axis, "nothing to draw")
        elif table["rule"].nunique() > 1:
            axis.legend(fontsize=8)
        else:
            axis.set_title(label(str(table["rule"].iloc[0])))
    return axis


def curve_panel(
    axis: Axes, table: pd.DataFrame, measure: str, hues: Mapping[str, str] | None = None
) -> None:
    """Draw one measure by epoch, in a colour for each rule.

    Parameters
    ----------
    axis : Axes
    table : DataFrame
        Columns rule, seed, epoch and the measure.
    measure : str
    hues : mapping of str to str, optional
        The colour of each rule; that of its family, if absent.
    """
    from matplotlib.ticker import MaxNLocator

    words, factor = SHOWN.get(measure, (measure.replace("_", " "), 1))
    hues = hues or {rule: colour(rule) for rule in table["rule"]}
    for rule in sorted(dict.fromkeys(table["rule"]), key=rank):
        own = table[table["rule"] == rule]
        by_seed = own.pivot_table(index="epoch", columns="seed", values=measure) * factor
        if by_seed.empty:
            continue
        axis.plot(by_seed.index, by_seed, color=hues[rule], linewidth=0.6, alpha=0.6)
        mean = by_seed.mean(axis=1)
        axis.plot(by_seed.index, mean, color=hues[rule], linewidth=1.8, label=label(rule))
    if measure == "train_loss" and (table[measure].dropna() > 0).all():
        axis.set_yscale("log")
        for which in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
            which(_said_of_log)
    axis.set_ylabel(words)
    axis.set_xlabel("epoch")
    axis.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 2.5, 5, 10]))


def _told_apart(table: pd.DataFrame) -> dict[str, str]:
    """A colour for each rule, also for those of one family."""
    rules = sorted(dict.fromkeys(table["rule"]), key=rank)
    hues = {rule: colour(rule) for rule in rules}
    if len(set(hues.values())) < len(hues):
        return {rule: COLOURS[i % len(COLOURS)] for i, rule in enumerate(rules)}
    return hues


def _said_of_log(value: float, _: Any) -> str:
    """Of a logarithmic axis 1, 2 and 5 of every decade."""
    said = f"{value:g}"
    return said if said.strip("0.")[:1] in "125" else ""


def _table(runs: Any) -> pd.DataFrame:
    """The epochs of all runs in one table, with rule and seed."""
    import pandas as pd

    is_one = isinstance(runs, str | Path | pd.DataFrame) or hasattr(runs, "epochs")
    several = [runs] if is_one else runs
    if not isinstance(several, Iterable):
        raise SpikelearnError(
            f"what is drawn is a trained run, its folder or its epochs, found {type(runs).__name__}"
        )
    parts = [_epochs(run) for run in several]
    if not parts:
        raise SpikelearnError("there is nothing to draw: no run was given")
    return pd.concat(parts, ignore_index=True)


def _epochs(run: Any) -> pd.DataFrame:
    import pandas as pd

    if isinstance(run, str | Path):
        from spikelearn.training.opening import open_run

        run = open_run(run)
    if isinstance(run, pd.DataFrame):
        table, rule, seed = run, "", 0
    elif isinstance(getattr(run, "epochs", None), pd.DataFrame):
        table, rule, seed = run.epochs, run.config["rule"], run.config["seed"]
    else:
        raise SpikelearnError(
            f"what is drawn is a trained run, its folder or its epochs, found {type(run).__name__}"
        )
    if "epoch" not in table:
        raise SpikelearnError(
            f"a table of epochs has a column 'epoch', found {', '.join(map(str, table))}"
        )
    missing: dict[str, Any] = {"rule": rule, "seed": seed}
    return table.assign(**{name: value for name, value in missing.items() if name not in table})
