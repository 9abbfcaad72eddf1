"""Which learning rule was used, told from activity along training (Nayebi 2020, Portes 2022).

A classifier learns from the statistics of networks of which the rule is known, and tells the rule
of networks that it has not seen: of another seed, another architecture or another learning rate. It
is a random forest or a linear support vector machine, chosen, with its settings, in the networks
that it learns from alone. Chance is found by permuting the rules among networks that share what is
held out and the architecture, whole networks and never layers or epochs, and by doing all again,
the choice too. So what the architecture tells of the rule, where some rules train one of their own,
is chance, and no trace of learning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._seeding import generator
from spikelearn.studies.activity_statistics import feature_columns

if TYPE_CHECKING:
    import pandas as pd

HELD_OUT = {"seed": "seed", "architecture": "network", "learning_rate": "learning_rate"}
_LEVEL = 0.05


@dataclass(frozen=True)
class Identified:
    """How well rules were told.

    Attributes
    ----------
    accuracy : float
        Mean over rules of the share of networks of each that were told.
    ci_lower, ci_upper : float
        95 % (Clopper and Pearson), of the share of all networks.
    chance : float
        Mean accuracy with rules permuted.
    p : float
        At most so much where no permutation was as accurate: (1 + 0) / (1 + n).
    n_permutations, n_networks : int
    held_out : str
    told : DataFrame
        A row a network: rule, network, seed, learning_rate, told, classifier.
    left_out : list of str
    """

    accuracy: float
    ci_lower: float
    ci_upper: float
    chance: float
    p: float
    n_permutations: int
    n_networks: int
    held_out: str
    told: pd.DataFrame
    left_out: list[str]

    @property
    def p_words(self) -> str:
        """p as it is printed: at most so much, where permutations end."""
        fewest = 1 / (1 + self.n_permutations)
        return f"p at most {fewest:.2g}" if self.p <= fewest else f"p {self.p:.2g}"

    @property
    def sentence(self) -> str:
        """What came of it, with its interval."""
        rules = self.told["rule"].nunique()
        n_right = int((self.told["rule"] == self.told["told"]).sum())
        return (
            f"Of networks of another {self.held_out.replace('_', ' ')}, the rule"
            f" {'can be told' if self.p < _LEVEL else 'is not told beyond chance'}:"
            f" {n_right} of {counted(self.n_networks, 'network')} (95 %:"
            f" {100 * self.ci_lower:.0f} to"
            f" {100 * self.ci_upper:.0f} %), {100 * self.accuracy:.0f} % as a mean over {rules}"
            f" rules, where chance, by permuting networks, is {100 * self.chance:.0f} %"
            f" ({self.p_words})."
        )


def identify_rules(
    features: pd.DataFrame,
    held_out: str = "seed",
    n_permutations: int = 99,
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> Identified:
    """Tell the rules of networks from those of others.

    Parameters
    ----------
    features : DataFrame
        Of `spikelearn.studies.activity_statistics.trajectory_features`: a row a network.
    held_out : {"seed", "architecture", "learning_rate"}
        What networks whose rule is told have, and those that are learned from have not.
    n_permutations : int
        Of the rules among networks, for chance and p.
    seed : int
        Of the permutations and of the forests.
    progress : callable, optional
        Called with the fraction done and a few words.

    Raises
    ------
    SpikelearnError
        If there are fewer than two rules, or fewer than two values of what is held out.
    """
    if held_out not in HELD_OUT:
        raise SpikelearnError(
            f"networks are held out by {', '.join(HELD_OUT)}, not by '{held_out}';"
            f" {nearest(held_out, HELD_OUT)}"
        )
    if n_permutations < 1:
        raise SpikelearnError(f"chance needs at least 1 permutation, found {n_permutations}")
    column = HELD_OUT[held_out]
    chosen, left_out = _usable(features, held_out)
    x = chosen[feature_columns(chosen)].to_numpy(dtype=float)
    rules = chosen["rule"].to_numpy(dtype=str)
    groups = chosen[column].astype(str).to_numpy()
    alike = chosen.groupby([column, "network"], sort=False, dropna=False).ngroup().to_numpy()
    say = progress or (lambda fraction, words: None)
    told, classifiers = _told(x, rules, groups, seed)
    accuracy = _accuracy(rules, told)
    random = generator(seed, "permutation of networks")
    by_chance = []
    for k in range(n_permutations):
        say(k / n_permutations, "telling rules by chance")
        permuted = rules.copy()
        for group in np.unique(alike):
            here = np.flatnonzero(alike == group)
            permuted[here] = rules[random.permutation(here)]
        by_chance.append(_accuracy(permuted, _told(x, permuted, groups, seed)[0]))
    from scipy.stats import binomtest

    n_right = int((rules == told).sum())
    interval = binomtest(n_right, len(rules)).proportion_ci()
    about = chosen[["rule", "network", "seed", "learning_rate"]]
    exceeding = sum(value >= accuracy - 1e-12 for value in by_chance)
    return Identified(
        accuracy, float(interval.low), float(interval.high), float(np.mean(by_chance)),
        (1 + exceeding) / (1 + n_permutations), n_permutations, len(rules), held_out,
        about.assign(told=told, classifier=classifiers), left_out,
    )  # fmt: skip


def _usable(features: pd.DataFrame, held_out: str) -> tuple[pd.DataFrame, list[str]]:
    """Networks of rules that stand in several groups: others could not be learned and told."""
    column, named = HELD_OUT[held_out], held_out.replace("_", " ")
    rules = list(dict.fromkeys(features["rule"])) if len(features) else []
    few = [str(r) for r in rules if features.loc[features["rule"] == r, column].nunique() < 2]
    left_out = [f"{rule}: its networks have one {named} only" for rule in few]
    chosen = features[~features["rule"].isin(few)] if len(features) else features
    if not len(chosen) or chosen["rule"].nunique() < 2:
        raise SpikelearnError(
            "to tell rules apart needs networks by two rules or more, each with two values or more"
            f" of what is held out, {named}" + (f" ({'; '.join(left_out)})" if left_out else "")
        )
    return chosen.reset_index(drop=True), left_out


def _accuracy(rules: np.ndarray, told: np.ndarray) -> float:
    return float(np.mean([(told[rules == rule] == rule).mean() for rule in np.unique(rules)]))


def _told(
    x: np.ndarray, rules: np.ndarray, groups: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The rules that networks of each group are told to have, by what the others teach."""
    told = np.empty(len(rules), dtype=rules.dtype)
    names = np.empty(len(rules), dtype=object)
    for group in np.unique(groups):
        test = groups == group
        train = ~test
        name, classifier = _chosen(x[train], rules[train], groups[train], seed)
        told[test], names[test] = _predicted(classifier, x[train], rules[train], x[test]), name
    return told, names


def _predicted(classifier: Any, x: np.ndarray, rules: np.ndarray, new_x: np.ndarray) -> np.ndarray:
    """The rules that a classifier tells; the only one, where it learned from one alone."""
    from sklearn.base import clone

    if len(np.unique(rules)) < 2:
        return np.full(len(new_x), rules[0])
    predicted: np.ndarray = clone(classifier).fit(x, rules).predict(new_x)
    return predicted


def _chosen(x: np.ndarray, rules: np.ndarray, groups: np.ndarray, seed: int) -> tuple[str, Any]:
    """The classifier that tells most of these networks, each by those of other groups."""
    names = np.unique(groups)
    # Groups in three parts; of one group left, networks by networks: none of them is told later.
    part = np.arange(len(groups)) if len(names) < 2 else np.searchsorted(names, groups) % 3
    candidates = _candidates(seed)
    scores = {}
    for name, one in candidates.items():
        right = [
            (_predicted(one, x[part != k], rules[part != k], x[part == k]) == rules[part == k])
            for k in np.unique(part)
            if (part != k).any()
        ]
        scores[name] = float(np.concatenate(right).mean()) if right else 0.0
    best = max(scores, key=lambda name: scores[name])
    return best, candidates[best]


def _candidates(seed: int) -> dict[str, Any]:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    found: dict[str, Any] = {
        f"linear SVM, C {c:g}": make_pipeline(StandardScaler(), SVC(kernel="linear", C=c))
        for c in (0.01, 1.0)
    }
    forest = RandomForestClassifier(40, max_features="sqrt", random_state=seed, n_jobs=1)
    return found | {"random forest": forest}
