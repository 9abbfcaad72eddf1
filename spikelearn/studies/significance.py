"""Tests of a comparison: against zero, the untrained twin, the baselines and other networks.

Networks of one rule that differ in their seed are instances of one model: tested is the mean of
their scores. There are two families of differences, told apart by the column `test`. What is
"planned" was decided before any score was seen:

- every layer of a trained network and the same layer of its untrained twin;
- every layer of a trained network and every baseline that is made of the images;
- the same layer of two networks that started from the same weights and were trained by two rules.

The "best layers" are the layer of each trained network with the highest score in a region, against
each other, against the best layer of each untrained network and against the baselines. These layers
were chosen by the scores that are tested, so each p is multiplied by the number of pairs of layers
that it was chosen from (`n_choices`) before it is corrected: it is that of whichever is the best.

An untrained network is one model, however many rules start from it. Where two networks have other
seeds, their planned difference is of the seeds that both have.

Corrections for the number of tests are made over each family, in each region and for each method.
They are tests for new stimuli and these subjects, networks and seeds, unless `over` says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from spikelearn.studies.tested_models import (
    UNTRAINED,
    Index,
    Model,
    Part,
    TestedModels,
    named,
    share_of,
    targets_of,
)

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.recordings import ImageRecording

PLANNED, BEST_LAYERS = "planned", "best layers"


@dataclass(frozen=True)
class Significance:
    """Two tables: of `zero_table` and of `difference_table`, with networks and resolutions.

    Their columns are those of these functions, and `network`, `resolution`, `n_seeds` (for a
    difference `network_a`, `network_b`, `resolution`, `test`, `n_choices`). The first has the
    interval of each mean score, of `mean_table`, too.
    """

    zero: pd.DataFrame
    differences: pd.DataFrame


# Makes parts, here or elsewhere: the index, and the table of each.
Compute = Callable[[Sequence[Part]], Sequence[tuple[Index, "pd.DataFrame"]]]


def significance(models: TestedModels, assign_layers: bool = False) -> Significance:
    """Test the models of a comparison, with the brains and with judgements where there are some.

    Parameters
    ----------
    models : TestedModels
    assign_layers : bool
        Whether each network's best and weighted layers, chosen on other stimuli, are tested against
        zero too (RSA only), with layers chosen anew for each permutation.
    """

    def compute(parts: Sequence[Part]) -> list[tuple[Index, pd.DataFrame]]:
        return [(models.index, models.table(part)) for part in parts]

    return put_together(
        compute, models.recording, method=models.how["method"], judgements=models.judgements,
        assign_layers=assign_layers,
    )  # fmt: skip


def put_together(
    compute: Compute,
    recording: ImageRecording,
    n_shares: int = 1,
    *,
    method: str = "rsa",
    judgements: bool = True,
    assign_layers: bool = False,
) -> Significance:
    """The tests of a comparison from their parts; RSA's are the same of any number of shares.

    Parameters
    ----------
    compute : callable
        Makes parts; `TestedModels` says how.
    recording, method, judgements
        As of `TestedModels`.
    n_shares : int
        Into how many the models, and the pairs of them, are parted.
    assign_layers : bool
        As of `significance`.
    """
    from spikelearn.comparison.multiplicity import with_corrections
    from spikelearn.comparison.tables import joined, read_first, stacked

    targets = range(len(targets_of(recording, method, judgements)))
    shares = [(number, n_shares) for number in range(n_shares)]
    kinds = {"means": shares, "zero": shares, "assigned": shares[:1] * assign_layers}
    wanted = [Part(kind, at, share) for at in targets for kind in kinds for share in kinds[kind]]
    made = list(zip(wanted, compute(wanted), strict=True))
    index = made[0][1][0]
    n_models = len(index.n_seeds)

    def whole(kind: str, target: int) -> pd.DataFrame:
        found = [
            table for part, (_, table) in made
            if (part.kind, part.target) == (kind, target) and len(table)
        ]  # fmt: skip
        return _uncorrected(stacked(found))

    zero, further, chosen = [], [], []
    for at in targets:
        means = whole("means", at)
        table = joined(
            with_corrections(whole("zero", at)), means, ["ci_lower", "ci_upper"], every=True
        )
        zero.append(named(table, index.numbers, recording).assign(
            n_seeds=[index.n_seeds[i] for i in table["model"].astype(int)]
        ))  # fmt: skip
        zero += [one for part, (_, one) in made if (part.kind, part.target) == ("assigned", at)]
        chosen.append(best_pairs(read_first(means), index.numbers[:n_models]))
        of_best = (pair for pairs in chosen[at].values() for pair in pairs)
        pairs = tuple(dict.fromkeys([*index.planned, *of_best]))
        parted = (share_of(pairs, *share) for share in shares)
        further += [Part("differences", at, pairs=part) for part in map(tuple, parted) if part]
    made += zip(further, compute(further), strict=True)
    differences = []
    for at in targets:
        if not any(part.target == at for part in further):
            continue
        every = whole("differences", at)
        pair = list(zip(every["model_a"].astype(int), every["model_b"].astype(int), strict=True))
        differences += _families(
            named(every, index.numbers, recording), pair, index.planned, chosen[at]
        )
    return Significance(_first(stacked(zero)), _first(stacked(differences)))


def _uncorrected(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=[name for name in ("p_holm", "p_fdr") if name in table])


def best_pairs(
    means: pd.DataFrame, models: Sequence[Model]
) -> dict[tuple[str, str], dict[tuple[int, int], int]]:
    """The pairs of best layers, and how many pairs of layers each was chosen from.

    Parameters
    ----------
    means : DataFrame
        The rows of `mean_table` that are read first; models are numbers.
    models : sequence of Model

    Returns
    -------
    dict
        By region and level: the number of pairs of layers by pair of numbers of models.
    """
    chosen: dict[tuple[str, str], dict[tuple[int, int], int]] = {}
    for (region, level), part in means.groupby(["region", "level"], sort=False):
        scores = dict(zip(part["model"].astype(int), part["score"], strict=True))
        layers: dict[Model, list[int]] = {}
        for i, score in scores.items():
            if np.isfinite(score):
                layers.setdefault(models[i]._replace(layer=""), []).append(i)
        best = {model: max(own, key=lambda i: scores[i]) for model, own in layers.items()}
        trained = [m for m in best if m.network and m.model != UNTRAINED]
        controls = [m for m in best if m not in trained]
        pairs = [*combinations(trained, 2), *((a, b) for a in trained for b in controls)]
        chosen[str(region), str(level)] = {
            (best[a], best[b]): len(layers[a]) * len(layers[b])
            for a, b in pairs
            if a.resolution == b.resolution
        }
    return chosen


def _families(
    table: pd.DataFrame,
    pair: list[tuple[int, int]],
    planned: list[tuple[int, int]],
    chosen: Mapping[tuple[str, str], Mapping[tuple[int, int], int]],
) -> list[pd.DataFrame]:
    """Differences of both families, not corrected yet, each corrected for its own number."""
    from spikelearn.comparison.multiplicity import with_corrections

    families = []
    first = set(planned)
    of_plan = table[[one in first for one in pair]].assign(test=PLANNED, n_choices=1)
    if len(of_plan):
        families.append(with_corrections(of_plan))
    places = zip(table["region"], table["level"], strict=True)
    n_choices = np.array(
        [chosen.get(at, {}).get(one, 0) for at, one in zip(places, pair, strict=True)]
    )
    best = table[n_choices > 0].assign(test=BEST_LAYERS, n_choices=n_choices[n_choices > 0])
    if len(best):
        corrected = with_corrections(best.assign(p=np.minimum(best["p"] * best["n_choices"], 1.0)))
        families.append(corrected.assign(p=best["p"]))
    return families


def _first(table: pd.DataFrame) -> pd.DataFrame:
    """The table, its columns that name the models first."""
    names = [f"{name}{end}" for end in ("", "_a", "_b") for name in ("model", "network", "layer")]
    here = [column for column in names if column in table]
    return table[here + [column for column in table.columns if column not in here]]
