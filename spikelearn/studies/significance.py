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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spikelearn.studies.comparing import Entry
from spikelearn.studies.image_baselines import baseline_responses, with_controls

if TYPE_CHECKING:
    import pandas as pd
    import xarray

    from spikelearn.comparison.models_and_targets import Key
    from spikelearn.recordings import ImageRecording

UNTRAINED = "untrained"
PLANNED, BEST_LAYERS = "planned", "best layers"
# Permutations for every model that is tested, at least: so many that the smallest p survives
# Holm's correction over all of them.
PERMUTATIONS_A_MODEL = 50
# Where each permutation fits maps anew, and takes some milliseconds a subject: so many and no more.
REFITS_A_MODEL = 25
FEWEST_REFITS = 100


@dataclass(frozen=True)
class Significance:
    """Two tables: of `zero_table` and of `difference_table`, with networks and resolutions.

    Their columns are those of these functions, and `network`, `resolution`, `n_seeds` (for a
    difference `network_a`, `network_b`, `resolution`, `test`, `n_choices`). The first has the
    interval of each mean score, of `mean_table`, too.
    """

    zero: pd.DataFrame
    differences: pd.DataFrame


class _Model(NamedTuple):
    model: str
    network: str
    layer: str
    resolution: int | None
    start: str = ""  # the network before training


def significance(
    entries: Sequence[Entry],
    recording: ImageRecording,
    n_resamples: int = 1000,
    seed: int = 0,
    *,
    method: str = "rsa",
    over: str = "stimuli",
    comparator: str | None = None,
    given: Sequence[str] | None = None,
    judgements: bool = True,
    assign_layers: bool = False,
) -> Significance:
    """Test the models of a comparison, with the brains and with judgements where there are some.

    Parameters
    ----------
    entries : sequence of Entry
        Trained networks and their untrained twins.
    recording, seed, over, comparator
        As in `compare_rsa`; the same seed draws the same resamples.
    n_resamples : int
        Resamples of the test of differences, and permutations of the test against zero: more of
        these where there are so many models that no p could survive correction. Methods that fit
        maps are permuted just so often that p can survive, and less where it is plainly not small.
    method : str
        One of `spikelearn.comparison.METHODS`.
    given : sequence of str, optional
        What partial RSA regresses out, as of `compare`.
    judgements : bool
        Whether what people judged is a target too, where RSA finds some.
    assign_layers : bool
        Whether each network's best and weighted layers, chosen on other stimuli, are tested against
        zero too (RSA only), with layers chosen anew for each permutation.

    Raises
    ------
    SpikelearnError
        If a name is unknown, or the method needs responses and the recording has RDMs.
    """
    from spikelearn.comparison import difference_table, mean_table, zero_table
    from spikelearn.comparison.models_and_targets import OF_RDMS
    from spikelearn.comparison.tables import joined, read_first, stacked

    models = _models(entries, recording, seed)
    numbers = list(models)
    by_number: dict[Key, list[xarray.DataArray]] = {
        (str(i), model.layer): list(models[model].values()) for i, model in enumerate(numbers)
    }
    of_method = {"comparator": comparator, "given": given}
    how = {"method": method, **with_controls(method, of_method, recording, seed)}
    n_permutations = max(n_resamples, PERMUTATIONS_A_MODEL * len(models))
    if method not in (*OF_RDMS, "cka"):
        n_permutations = max(FEWEST_REFITS, REFITS_A_MODEL * len(models))
    planned, parts = _of_shared_seeds(list(planned_pairs(numbers)), models)
    numbers += [model for model, _ in parts]
    of_pairs = by_number | {
        (str(len(models) + i), model.layer): [models[model][seed] for seed in seeds]
        for i, (model, seeds) in enumerate(parts)
    }
    keys = list(of_pairs)
    judged = recording.judgements if judgements and method == "rsa" else None
    zero, differences = [], []
    for target in (recording, *([] if judged is None else [judged])):
        means = mean_table(by_number, target, n_resamples, seed, over=over, **how)
        table = zero_table(by_number, target, n_permutations, seed, **how)
        table = joined(table, means, ["ci_lower", "ci_upper"], every=True)
        zero.append(_named(table, numbers, recording).assign(
            n_seeds=[len(models[numbers[i]]) for i in table["model"].astype(int)]
        ))  # fmt: skip
        if assign_layers:
            zero += _assigned(entries, target, seed, comparator or "spearman", recording)
        chosen = best_pairs(read_first(means), numbers[: len(models)])
        wanted = dict.fromkeys([*planned, *(pair for pairs in chosen.values() for pair in pairs)])
        if not wanted:
            continue
        every = difference_table(
            of_pairs, target, [(keys[a], keys[b]) for a, b in wanted], n_resamples, seed,
            over=over, **how,
        )  # fmt: skip
        named = _named(every, numbers, recording)
        pair = list(zip(every["model_a"].astype(int), every["model_b"].astype(int), strict=True))
        differences += _families(named, pair, planned, chosen)
    return Significance(_first(stacked(zero)), _first(stacked(differences)))


def _assigned(
    entries: Sequence[Entry],
    target: ImageRecording,
    seed: int,
    comparator: str,
    recording: ImageRecording,
) -> list[pd.DataFrame]:
    """Tests of the layers that are assigned on held-out stimuli; seeds of a network together."""
    from spikelearn.comparison import held_out_zero_table
    from spikelearn.comparison.multiplicity import with_corrections
    from spikelearn.comparison.tables import stacked

    networks: dict[_Model, list[Mapping[str, xarray.DataArray]]] = {}
    for entry in entries:
        key = _Model(entry.model, entry.network, "", entry.resolution, entry.start)
        networks.setdefault(key, []).append(entry.responses)
    numbers = list(networks)
    n_permutations = max(FEWEST_REFITS, REFITS_A_MODEL * len(numbers))
    tables = []
    for i, layers in enumerate(networks.values()):
        table = held_out_zero_table(
            layers, target, n_permutations, seed, model=str(i), comparator=comparator
        )
        seeds = {"n_seeds": len(layers), "ci_lower": np.nan, "ci_upper": np.nan}
        tables.append(_named(table, numbers, recording).assign(**seeds))
    return [with_corrections(stacked(tables).drop(columns=["p_holm", "p_fdr"]))]


def _models(
    entries: Sequence[Entry], recording: ImageRecording, seed: int
) -> dict[_Model, dict[int, xarray.DataArray]]:
    """The responses of every model by seed; those of a network's seeds together."""
    models: dict[_Model, dict[int, xarray.DataArray]] = {}
    for side in dict.fromkeys(entry.resolution for entry in entries):
        for (name, part), response in baseline_responses(recording, side, seed).items():
            models[_Model(name, "", part, side)] = {0: response}
    for entry in entries:
        for layer, response in entry.responses.items():
            start = entry.start or entry.network
            key = _Model(entry.model, entry.network, layer, entry.resolution, start)
            models.setdefault(key, {})[entry.seed] = response
    return models


def _of_shared_seeds(
    pairs: list[tuple[int, int]], models: Mapping[_Model, Mapping[int, Any]]
) -> tuple[list[tuple[int, int]], list[tuple[_Model, tuple[int, ...]]]]:
    """Pairs of networks of the seeds that both have: what starts from one seed is subtracted.

    Returns
    -------
    pairs : list of (int, int)
        Numbers of the models; above those of `models`, of the parts.
    parts : list of (_Model, seeds)
        Models with some of their seeds.
    """
    numbers = list(models)
    parts: dict[tuple[_Model, tuple[int, ...]], int] = {}

    def of(i: int, seeds: tuple[int, ...]) -> int:
        if seeds == tuple(models[numbers[i]]):
            return i
        return parts.setdefault((numbers[i], seeds), len(numbers) + len(parts))

    def shared(i: int, j: int) -> tuple[int, int]:
        one, other = (models[numbers[k]] for k in (i, j))
        if not numbers[j].network or one.keys().isdisjoint(other):
            return i, j
        return of(i, tuple(s for s in one if s in other)), of(
            j, tuple(s for s in other if s in one)
        )

    found = [shared(i, j) for i, j in pairs]
    return found, list(parts)


def planned_pairs(models: Sequence[_Model]) -> Iterator[tuple[int, int]]:
    """Numbers of the models that are tested against each other; see the module."""
    trained = [i for i, m in enumerate(models) if m.network and m.model != UNTRAINED]
    for i in trained:
        one = models[i]
        for j, other in enumerate(models):
            if other.resolution != one.resolution:
                continue
            same_layer = other.layer == one.layer
            twin = other.model == UNTRAINED and same_layer and other.network == one.start
            later_rule = j > i and j in trained and same_layer and other.network == one.network
            if twin or later_rule or not other.network:
                yield i, j


def best_pairs(
    means: pd.DataFrame, models: Sequence[_Model]
) -> dict[tuple[str, str], dict[tuple[int, int], int]]:
    """The pairs of best layers, and how many pairs of layers each was chosen from.

    Parameters
    ----------
    means : DataFrame
        The rows of `mean_table` that are read first; models are numbers.
    models : sequence of _Model

    Returns
    -------
    dict
        By region and level: the number of pairs of layers by pair of numbers of models.
    """
    chosen: dict[tuple[str, str], dict[tuple[int, int], int]] = {}
    for (region, level), part in means.groupby(["region", "level"], sort=False):
        scores = dict(zip(part["model"].astype(int), part["score"], strict=True))
        layers: dict[_Model, list[int]] = {}
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
    """Differences of both families, each corrected for its own number."""
    from spikelearn.comparison.multiplicity import with_corrections

    uncorrected = table.drop(columns=["p_holm", "p_fdr"])
    families = []
    first = set(planned)
    of_plan = uncorrected[[one in first for one in pair]].assign(test=PLANNED, n_choices=1)
    if len(of_plan):
        families.append(with_corrections(of_plan))
    places = zip(uncorrected["region"], uncorrected["level"], strict=True)
    n_choices = np.array(
        [chosen.get(at, {}).get(one, 0) for at, one in zip(places, pair, strict=True)]
    )
    best = uncorrected[n_choices > 0].assign(test=BEST_LAYERS, n_choices=n_choices[n_choices > 0])
    if len(best):
        corrected = with_corrections(best.assign(p=np.minimum(best["p"] * best["n_choices"], 1.0)))
        families.append(corrected.assign(p=best["p"]))
    return families


def _named(
    table: pd.DataFrame, models: Sequence[_Model], recording: ImageRecording
) -> pd.DataFrame:
    """The table with names in place of the models' numbers."""
    for end in ("", "_a", "_b"):
        if f"model{end}" in table:
            at = [models[i] for i in table[f"model{end}"].astype(int)]
            table = table.assign(
                **{f"model{end}": [m.model for m in at], f"network{end}": [m.network for m in at]},
                resolution=[m.resolution or max(recording.images.shape[1:3]) for m in at],
            )
    return table


def _first(table: pd.DataFrame) -> pd.DataFrame:
    """The table, its columns that name the models first."""
    names = [f"{name}{end}" for end in ("", "_a", "_b") for name in ("model", "network", "layer")]
    here = [column for column in names if column in table]
    return table[here + [column for column in table.columns if column not in here]]
