"""What two or more stored runs differ in: configuration, code, versions, results and weights.

The accuracy of each has a 95 % interval over test images (Wilson's), which says how well that very
network is known; and, where the folder holds the same configuration with other seeds, mean and 95 %
interval over seeds (Student's), which says how well the method is. Runs of one another's seeds are
compared seed by seed, since they share initial weights and images.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn import _store as store
from spikelearn._arguments import checked_path
from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._keys import content_key
from spikelearn._same_content import ComparedByContent
from spikelearn.training.config import SAID_OF_NETWORKS, SAID_OF_RUNS
from spikelearn.training.run_table import contents_of, flat

if TYPE_CHECKING:
    import pandas as pd

FEWEST_SEEDS = 2
Interval = tuple[float, float]


@dataclass(frozen=True, eq=False, repr=False)
class RunComparison(ComparedByContent):
    """What runs differ in; a table is empty where they do not.

    Attributes
    ----------
    names : list of str
        Of the runs.
    configuration, versions : DataFrame
        A row for each field that differs, a column for each run: its values as they are, None
        where a run has no such field. `in_words` makes texts of them.
    code : list of str
        Modules whose code differs.
    accuracies : DataFrame
        A row a run: `run`, `test_accuracy`, `lower` and `upper` over test images, `n_test`,
        `n_seeds`, `mean`, `mean_lower`, `mean_upper` over seeds (NaN below two).
    differences : DataFrame
        A row for each further run: its accuracy less that of the first, over the `n_seeds` that
        both have: `difference`, `lower`, `upper`. Without those that share fewer than two.
    results : DataFrame
        As `configuration`, of the summaries.
    weights : list of str
        A sentence for each further run: how far its weights are from the first one's.
    """

    names: list[str]
    configuration: pd.DataFrame
    versions: pd.DataFrame
    code: list[str]
    accuracies: pd.DataFrame
    differences: pd.DataFrame
    results: pd.DataFrame
    weights: list[str]

    def __repr__(self) -> str:
        reached = ", ".join(f"{row.run} {row.test_accuracy:.4f}" for row in self._rows())
        fields = ", ".join(self.configuration["field"]) or "nothing"
        return (
            f"<{counted(len(self.names), 'run')}: test accuracy {reached}; they differ in {fields}>"
        )

    def _repr_html_(self) -> str:
        from html import escape

        tables = [self.accuracies, self.differences, in_words(self.configuration)]
        shown = "".join(table.to_html(index=False) for table in tables if len(table))
        return f"{shown}<p>{escape('; '.join(self.weights))}</p>"

    def _rows(self) -> Any:
        return self.accuracies.itertuples()


def compare_runs(*runs: Any) -> RunComparison:
    """What stored runs differ in: configuration, code, versions, accuracy and weights.

    Parameters
    ----------
    *runs : run, or folder of one
        Two or more, also in one list.

    Raises
    ------
    SpikelearnError
        Where there are fewer than two, or one of them is not complete or cannot be read.

    Examples
    --------
    >>> import spikelearn as sl
    >>> common = {"dataset": "digits", "epochs": 1, "runs": "runs"}
    >>> one = sl.train("mlp_64", rule="backprop", **common)
    >>> other = sl.train("mlp_64", rule="feedback_alignment", **common)
    >>> list(sl.compare_runs(one, other).configuration["field"])[:1]
    ['rule']
    """
    import pandas as pd

    listed = len(runs) == 1 and isinstance(runs[0], Iterable) and not isinstance(runs[0], str)
    folders = [_folder_of(run) for run in (runs[0] if listed else runs)]
    if len(folders) < 2:
        raise SpikelearnError("name at least two runs to compare")
    configs = [store.read_config(folder) for folder in folders]
    summaries = [store.read_summary(folder) for folder in folders]
    made = [store.made(folder) for folder in folders]
    names = _names(folders)
    pairs = zip(folders, configs, strict=True)
    by_seed = [_accuracies_by_seed(folder, config) for folder, config in pairs]
    accuracies = [
        {"run": name, **_accuracy(summary), **_over_seeds(list(seeds.values()))}
        for name, summary, seeds in zip(names, summaries, by_seed, strict=True)
    ]
    codes = [config.get("code", {}) for config in configs]
    modules = sorted({module for code in codes for module in code})
    return RunComparison(
        names,
        _differing(names, [{k: v for k, v in c.items() if k != "code"} for c in configs]),
        _differing(names, [{k: v for k, v in m.items() if k not in _OF_RUN} for m in made]),
        [m for m in modules if len({code.get(m) for code in codes}) > 1],
        pd.DataFrame(accuracies),
        _differences(names, by_seed),
        _differing(names, summaries),
        [
            _distance(names[0], folders[0], n, f)
            for n, f in zip(names[1:], folders[1:], strict=True)
        ],
    )


def _folder_of(run: Any) -> Path:
    """Where a run lies."""
    if isinstance(getattr(run, "config", None), Mapping) and hasattr(run, "folder"):
        if run.folder is None:
            raise SpikelearnError("a run that was not stored is not compared; train it with `runs`")
        return Path(run.folder)
    return checked_path("a run", run)


# What made a run, and is of it alone.
_OF_RUN = ("key", store.FILES)


def _names(folders: Sequence[Path]) -> list[str]:
    """What the runs are called: their folders, with what these lie in where that is needed."""
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) == len(names):
        return names
    names = [str(folder) for folder in folders]
    if len(set(names)) < len(names):
        raise SpikelearnError("one run is named twice; name two that are to be compared")
    return names


def _differing(names: Sequence[str], contents: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Fields by their paths in which contents differ, and what each has."""
    import pandas as pd

    flats = [{k.partition(".")[2]: v for k, v in flat("x", dict(c)).items()} for c in contents]
    fields = dict.fromkeys(field for one in flats for field in one)
    rows = []
    for field in fields:
        values = [one.get(field) for one in flats]
        if len({repr(value) for value in values}) > 1:
            rows.append([field, *values])
    # Objects, lest whole numbers become others, and None becomes NaN, for what stands beside them.
    return pd.DataFrame(rows, columns=["field", *names], dtype=object)


def in_words(differing: pd.DataFrame) -> pd.DataFrame:
    """A table of what differs with texts for its values, each number with all its digits."""
    return differing.map(lambda value: "-" if value is None else str(value))


def _accuracy(summary: Mapping[str, Any]) -> dict[str, Any]:
    accuracy, n_test = float(summary["test_accuracy"]), int(summary.get("n_test", 0))
    lower, upper = over_images(accuracy, n_test)
    return {"test_accuracy": accuracy, "lower": lower, "upper": upper, "n_test": n_test}


def over_images(accuracy: float, n_test: int) -> Interval:
    """The 95 % interval of an accuracy over test images; NaN where their number is not known."""
    from scipy.stats import binomtest

    if n_test < 1 or not 0.0 <= accuracy <= 1.0:
        return math.nan, math.nan
    interval = binomtest(round(accuracy * n_test), n_test).proportion_ci(0.95, "wilson")
    return float(interval.low), float(interval.high)


def mean_and_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and 95 % interval by Student's distribution; NaN for fewer than two values."""
    import numpy as np
    from scipy.stats import t

    n = len(values)
    if n < FEWEST_SEEDS:
        return math.nan, math.nan, math.nan
    mean, error = float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(n)
    half = float(t.ppf(0.975, n - 1)) * error
    return mean, mean - half, mean + half


def _over_seeds(values: Sequence[float]) -> dict[str, Any]:
    mean, lower, upper = mean_and_interval(values)
    return {"n_seeds": len(values), "mean": mean, "mean_lower": lower, "mean_upper": upper}


def _but_seed(config: Mapping[str, Any]) -> str:
    """The key of a configuration without its seed, and without what decides nothing."""
    decides = {k: v for k, v in config.items() if k not in (*SAID_OF_RUNS, "seed")}
    network = {k: v for k, v in config["network"].items() if k not in SAID_OF_NETWORKS}
    return content_key({**decides, "network": network})


def _accuracies_by_seed(folder: Path, config: Mapping[str, Any]) -> dict[int, float]:
    """Accuracies of the runs beside one that differ from it in their seed alone, and its own."""
    wanted = _but_seed(config)
    found = {}
    for content in contents_of(folder.resolve().parent):
        other = content.get("config")
        if other is not None and other.get("rule") == config["rule"] and _but_seed(other) == wanted:
            found[int(other["seed"])] = float(content["summary"]["test_accuracy"])
    return dict(sorted(found.items()))


def _differences(names: Sequence[str], by_seed: Sequence[Mapping[int, float]]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    first = by_seed[0]
    for name, other in zip(names[1:], by_seed[1:], strict=True):
        common = sorted(set(first) & set(other))
        if len(common) >= FEWEST_SEEDS and other != first:
            mean, lower, upper = mean_and_interval([other[s] - first[s] for s in common])
            rows.append([name, names[0], len(common), mean, lower, upper])
    columns = ["run", "less", "n_seeds", "difference", "lower", "upper"]
    return pd.DataFrame(rows, columns=columns)


def _distance(first: str, folder: Path, other: str, of: Path) -> str:
    """How far the weights of a run are from another's, in a sentence."""
    one, two = store.read_weights(folder), store.read_weights(of)
    alike = [n for n in one if n in two and one[n].shape == two[n].shape]
    what = f"{other} and {first}"
    if not alike or set(alike) != set(one) | set(two):
        odd = sorted((set(one) | set(two)) - set(alike))
        return f"weights of {what} cannot be compared: other shapes ({', '.join(odd[:3])})"
    if all(bool((one[n] == two[n]).all()) for n in alike):
        return f"weights of {what} are the same, bit for bit"
    moved = math.sqrt(sum(float((two[n].double() - one[n].double()).square().sum()) for n in alike))
    length = math.sqrt(sum(float(one[n].double().square().sum()) for n in alike))
    share = f"{moved / length:.4g} of the norm of {first}'s" if length else f"{moved:.4g}"
    return f"weights of {what} are {share} apart"
