"""Learning curves: loss or accuracy by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from spikelearn._errors import SpikelearnError, nearest
from spikelearn._keys import content_key
from spikelearn.plot.names import colour, label, rank
from spikelearn.plot.style import drawing, pens, pens_of, say_nothing_to_draw

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# Column -> (what stands at the axis, factor).
SHOWN = {
    "train_loss": ("training loss (nats)", 1),
    "validation_accuracy": ("validation accuracy (%)", 100),
    "training_accuracy": ("training accuracy (%)", 100),
}
_LONG = 30  # letters of a setting that a legend writes out
# Where model and data come from; what they hold is compared. And what is said of a model.
_PLACES = {"seed", "model", "changes", "dataset", "source", "rule_file"}
_SAID = {"network.description", "network.reference"}


class _Line(NamedTuple):
    """What is drawn as one line: tables of epochs that differ in nothing but the seed."""

    rule: str
    settings: Mapping[str, Any]  # those that decide a run, by path; of a table alone none
    places: Mapping[str, str]  # where model and data come from
    number: int  # of the first of it among what was given
    table: pd.DataFrame


def learning_curve(runs: Any, measure: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw what was measured after every epoch: a thin line a seed, a thick one their mean.

    A mean is over runs that differ in nothing but the seed. Others have a line each, which the
    legend names by what differs: model, data set, learning rate, options ... Of tables alone no
    more is known than their columns `rule` and `seed`: where these are the same in several, or are
    not there, each table has its line.

    Parameters
    ----------
    runs : trained run, folder of one, DataFrame, or several
        What was trained; or its table `epochs`. A run that is given twice is drawn once.
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
        Where there is no run, or no such measure, or a table has several values of an epoch.

    Examples
    --------
    >>> import spikelearn as sl
    >>> run = sl.train("mlp_64", dataset="digits", epochs=2)
    >>> sl.plot.learning_curve(run).get_ylabel()
    'validation accuracy (%)'
    """
    lines = _lines(runs)
    columns = dict.fromkeys(str(c) for line in lines for c in line.table)
    if measure is None:
        measure = next((c for c in ("validation_accuracy", *SHOWN) if c in columns), "")
    known = [c for c in columns if c not in ("rule", "seed", "epoch")]
    if measure not in known:
        raise SpikelearnError(f"there is no measure '{measure}'; {nearest(str(measure), known)}")
    names = _names(lines)
    hues = [colour(line.rule) for line in lines]
    several = len(set(hues)) < len(hues)
    with drawing(ax) as axis:
        _draw(
            axis,
            names,
            pens_of(len(lines)) if several else pens(hues),
            [line.table for line in lines],
            measure,
        )
        if not axis.lines:
            say_nothing_to_draw(axis, "nothing to draw")
        elif len(lines) > 1:
            axis.legend(fontsize=8)
        else:
            axis.set_title(names[0])
    return axis


def curve_panel(axis: Axes, table: pd.DataFrame, measure: str) -> None:
    """Draw one measure by epoch, a line for each rule on each network, in the rule's colour.

    Parameters
    ----------
    axis : Axes
    table : DataFrame
        Columns model, rule, seed, epoch and the measure.
    measure : str
    """
    lines = lines_of(table)
    names = [label(rule) + f" on {network}" * bool(network) for rule, network, _ in lines]
    hues = pens([colour(rule) for rule, _, _ in lines])
    _draw(axis, names, hues, [part for _, _, part in lines], measure)


def lines_of(table: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """The rows of each rule on each network: runs that differ in nothing but the seed.

    Parameters
    ----------
    table : DataFrame
        Columns model (the network's name) and rule, among others.

    Returns
    -------
    list of (str, str, DataFrame)
        Rules in their order. The network is named where there are several.
    """
    networks = list(dict.fromkeys(table["model"]))
    parts = dict(list(table.groupby(["rule", "model"], sort=False)))
    return [
        (rule, network if len(networks) > 1 else "", parts[rule, network])
        for rule in sorted(dict.fromkeys(table["rule"]), key=rank)
        for network in networks
        if (rule, network) in parts
    ]


def _draw(
    axis: Axes,
    names: Sequence[str],
    drawn_by: Sequence[dict[str, Any]],
    tables: Sequence[pd.DataFrame],
    measure: str,
) -> None:
    """Draw a line a table: its seeds, and their mean."""
    from matplotlib.ticker import MaxNLocator

    words, factor = SHOWN.get(measure, (measure.replace("_", " "), 1))
    above_zero = True
    for name, pen, table in zip(names, drawn_by, tables, strict=True):
        if measure not in table:
            continue
        by_seed = table.pivot_table(index="epoch", columns="seed", values=measure) * factor
        if by_seed.empty:
            continue
        above_zero &= bool((table[measure].dropna() > 0).all())
        axis.plot(by_seed.index, by_seed, linewidth=0.6, alpha=0.6, **pen)
        axis.plot(by_seed.index, by_seed.mean(axis=1), linewidth=1.8, label=name, **pen)
    if measure == "train_loss" and above_zero:
        axis.set_yscale("log")
        for which in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
            which(_said_of_log)
    axis.set_ylabel(words)
    axis.set_xlabel("epoch")
    axis.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 2.5, 5, 10]))


def _said_of_log(value: float, _: Any) -> str:
    """Of a logarithmic axis 1, 2 and 5 of every decade."""
    said = f"{value:g}"
    return said if said.strip("0.")[:1] in "125" else ""


def _lines(runs: Any) -> list[_Line]:
    """What is given, as lines, in the order of figures."""
    import pandas as pd

    is_one = isinstance(runs, str | Path | pd.DataFrame) or hasattr(runs, "epochs")
    several = [runs] if is_one else runs
    if not isinstance(several, Iterable):
        raise SpikelearnError(
            f"what is drawn is a trained run, its folder or its epochs, found {type(runs).__name__}"
        )
    parts = [part for number, run in enumerate(several, 1) for part in _parts(run, number)]
    if not parts:
        raise SpikelearnError("there is nothing to draw: no run was given")
    groups: list[list[_Line]] = []
    for part in parts:
        same = (g for g in groups if (g[0].rule, g[0].settings) == (part.rule, part.settings))
        group = next(same, None)
        if group is None:
            groups.append([part])
        elif not any(part.settings and part.table.equals(other.table) for other in group):
            group.append(part)
    lines = [line for group in groups for line in _means(group)]
    return sorted(lines, key=lambda line: rank(line.rule))


def _means(group: list[_Line]) -> list[_Line]:
    """One line, where each is of seeds of its own; else they are what they were."""
    import pandas as pd

    seeds = [seed for part in group for seed in part.table["seed"].unique()]
    if len(set(seeds)) < len(seeds):
        return group
    tables = [part.table for part in group]
    return [group[0]._replace(table=pd.concat(tables, ignore_index=True))]


def _parts(run: Any, number: int) -> list[_Line]:
    """The epochs of a run; or of a table those of each rule."""
    import pandas as pd

    if isinstance(run, str | Path):
        from spikelearn.training.opening import open_run

        run = open_run(run)
    is_table = isinstance(run, pd.DataFrame)
    table = run if is_table else getattr(run, "epochs", None)
    if not isinstance(table, pd.DataFrame):
        raise SpikelearnError(
            f"what is drawn is a trained run, its folder or its epochs, found {type(run).__name__}"
        )
    if "epoch" not in table:
        raise SpikelearnError(
            f"a table of epochs has a column 'epoch', found {', '.join(map(str, table))}"
        )
    config = {} if is_table else run.config
    said = {"rule": config.get("rule", ""), "seed": config.get("seed", 0)}
    table = table.assign(**{name: value for name, value in said.items() if name not in table})
    twice = table[table.duplicated(["rule", "seed", "epoch"])]
    if len(twice):
        raise SpikelearnError(
            f"a table has one row an epoch of each rule and seed, found several of epoch"
            f" {twice['epoch'].iloc[0]}; runs that differ are given as a list of runs or tables"
        )
    flat = _by_path(config)
    settings = {k: v for k, v in flat.items() if k.split(".")[0] not in _PLACES and k not in _SAID}
    places = {k: Path(str(config[k])).stem for k in ("model", "dataset") if k in config}
    return [
        _Line(str(rule), settings, places, number, own)
        for rule, own in table.groupby("rule", sort=False)
    ]


def _by_path(value: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """The parts of mappings within mappings by their paths."""
    flat: dict[str, Any] = {}
    for name, inner in value.items():
        path = f"{above}{name}"
        if isinstance(inner, Mapping) and inner:
            flat |= _by_path(inner, f"{path}.")
        else:
            flat[path] = list(inner) if isinstance(inner, tuple) else inner
    return flat


def _names(lines: Sequence[_Line]) -> list[str]:
    """What the legend says of each line: its rule, and what is another than in other lines."""
    names = []
    for line in lines:
        of_rule = [other for other in lines if other.rule == line.rule]
        said = _differing(line, lines, of_rule)
        names.append(", ".join(filter(None, [label(line.rule), *said])))
    if len(lines) == 1:
        return names
    return [
        name
        if name and names.count(name) == 1
        else ", ".join(filter(None, [name, f"{'run' if line.settings else 'table'} {line.number}"]))
        for name, line in zip(names, lines, strict=True)
    ]


def _differing(line: _Line, lines: Sequence[_Line], of_rule: Sequence[_Line]) -> list[str]:
    """Settings that are others among lines of the rule; model and data also among all."""
    if not line.settings:
        return []
    runs = [other for other in lines if other.settings]
    said, told = [], set()
    for place, holds in (("model", "network."), ("dataset", "data")):
        if len({other.places.get(place) for other in runs}) > 1:
            said.append(f"{place.replace('dataset', 'data set')} {line.places.get(place, 'none')}")
            same = [o for o in of_rule if o.places.get(place) == line.places.get(place)]
            if all(_held(o, holds) == _held(line, holds) for o in same if o.settings):
                told.add(holds)
    others = [other.settings for other in of_rule if other.settings]
    for path in dict.fromkeys(path for other in others for path in other):
        if not any(path.startswith(holds) for holds in told):
            value = line.settings.get(path)
            if any(other.get(path) != value for other in others):
                words = path.removeprefix("options.").removeprefix("network.").replace("_", " ")
                said.append(f"{words} {_written(value)}")
    return said


def _held(line: _Line, holds: str) -> dict[str, Any]:
    return {path: value for path, value in line.settings.items() if path.startswith(holds)}


def _written(value: Any) -> str:
    if value is None:
        return "none"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONG else content_key([text], 6)
