"""The models that a comparison tests, and the parts that its tests are made of.

A part is made by itself, in any process that has what the networks respond; `significance` puts the
tests together. What is tested against what stands there, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
# Permutations for every model that is tested, at least: so many that the smallest p survives
# Holm's correction over all of them.
PERMUTATIONS_A_MODEL = 50
# Where each permutation fits maps anew, and takes some milliseconds a subject: so many and no more.
REFITS_A_MODEL = 25
FEWEST_REFITS = 100


class Model(NamedTuple):
    model: str
    network: str
    layer: str
    resolution: int | None
    start: str = ""  # the network before training


class Part(NamedTuple):
    """A part of the tests of a comparison, which is made by itself.

    kind : "zero", "means", "differences" or "assigned"
    target : 0 for the brains, 1 for judgements
    share : (number, of how many) of the models
    pairs : numbers of the models that are tested against each other
    """

    kind: str
    target: int
    share: tuple[int, int] = (0, 1)
    pairs: tuple[tuple[int, int], ...] = ()


class Index(NamedTuple):
    """The models that are tested, by their numbers; see `_of_shared_seeds`."""

    numbers: list[Model]
    n_seeds: list[int]
    planned: list[tuple[int, int]]


class TestedModels:
    """The models of a comparison, of which parts of the tests are made one by one.

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

    Raises
    ------
    SpikelearnError
        If a name is unknown, or the method needs responses and the recording has RDMs.
    """

    __test__ = False  # for pytest, to which it looks like a test

    def __init__(
        self,
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
    ) -> None:
        from spikelearn.comparison.models_and_targets import OF_RDMS

        self.entries, self.recording, self.seed = entries, recording, seed
        self.judgements = judgements
        self.n_resamples, self.over, self.comparator = n_resamples, over, comparator
        self.targets = targets_of(recording, method, judgements)
        models = _models(entries, recording, seed)
        numbers = list(models)
        self.of_models: dict[Key, list[xarray.DataArray]] = {
            (str(i), model.layer): list(models[model].values()) for i, model in enumerate(numbers)
        }
        of_method = {"comparator": comparator, "given": given}
        self.how = {"method": method, **with_controls(method, of_method, recording, seed)}
        self.n_permutations = max(n_resamples, PERMUTATIONS_A_MODEL * len(models))
        if method not in (*OF_RDMS, "cka"):
            self.n_permutations = max(FEWEST_REFITS, REFITS_A_MODEL * len(models))
        planned, parts = _of_shared_seeds(list(planned_pairs(numbers)), models)
        self.of_pairs = self.of_models | {
            (str(len(models) + i), model.layer): [models[model][seed] for seed in seeds]
            for i, (model, seeds) in enumerate(parts)
        }
        numbers += [model for model, _ in parts]
        self.index = Index(numbers, [len(its) for its in models.values()], planned)

    def table(self, part: Part) -> pd.DataFrame:
        """The table of a part; models by their numbers, corrections those of the part alone."""
        from spikelearn.comparison import difference_table, mean_table, zero_table

        target = self.targets[part.target]
        if part.kind == "assigned":
            how = self.comparator or "spearman"
            return _assigned(self.entries, target, self.seed, how, self.recording)
        if part.kind == "differences":
            keys = list(self.of_pairs)
            pairs = [(keys[a], keys[b]) for a, b in part.pairs]
            return difference_table(
                self.of_pairs, target, pairs, self.n_resamples, self.seed, over=self.over,
                **self.how,
            )  # fmt: skip
        models = dict(share_of(list(self.of_models.items()), *part.share))
        if not models:
            import pandas as pd

            return pd.DataFrame()
        if part.kind == "zero":
            return zero_table(models, target, self.n_permutations, self.seed, **self.how)
        return mean_table(
            models, target, self.n_resamples, self.seed, over=self.over, **self.how
        )  # fmt: skip


def targets_of(recording: ImageRecording, method: str, judgements: bool) -> list[Any]:
    """What models are compared with: the recording, and what people judged, where RSA finds some.

    Parameters
    ----------
    recording : ImageRecording
    method : str
    judgements : bool
        Whether these are asked for.
    """
    judged = recording.judgements if judgements and method == "rsa" else None
    return [recording, *([] if judged is None else [judged])]


def share_of(things: Sequence[Any], number: int, of_how_many: int) -> Sequence[Any]:
    """One of so many shares of things in their order, which differ by one at most.

    Parameters
    ----------
    things : sequence
    number : int
        Of the share, from 0.
    of_how_many : int
    """
    first, last = (len(things) * at // of_how_many for at in (number, number + 1))
    return things[first:last]


def _assigned(
    entries: Sequence[Entry],
    target: ImageRecording,
    seed: int,
    comparator: str,
    recording: ImageRecording,
) -> pd.DataFrame:
    """Tests of the layers that are assigned on held-out stimuli; seeds of a network together."""
    from spikelearn.comparison import held_out_zero_table
    from spikelearn.comparison.multiplicity import with_corrections
    from spikelearn.comparison.tables import stacked

    networks: dict[Model, list[Mapping[str, xarray.DataArray]]] = {}
    for entry in entries:
        key = Model(entry.model, entry.network, "", entry.resolution, entry.start)
        networks.setdefault(key, []).append(entry.responses)
    numbers = list(networks)
    n_permutations = max(FEWEST_REFITS, REFITS_A_MODEL * len(numbers))
    tables = []
    for i, layers in enumerate(networks.values()):
        table = held_out_zero_table(
            layers, target, n_permutations, seed, model=str(i), comparator=comparator
        )
        seeds = {"n_seeds": len(layers), "ci_lower": np.nan, "ci_upper": np.nan}
        tables.append(named(table, numbers, recording).assign(**seeds))
    return with_corrections(stacked(tables).drop(columns=["p_holm", "p_fdr"]))


def _models(
    entries: Sequence[Entry], recording: ImageRecording, seed: int
) -> dict[Model, dict[int, xarray.DataArray]]:
    """The responses of every model by seed; those of a network's seeds together."""
    models: dict[Model, dict[int, xarray.DataArray]] = {}
    for side in dict.fromkeys(entry.resolution for entry in entries):
        for (name, part), response in baseline_responses(recording, side, seed).items():
            models[Model(name, "", part, side)] = {0: response}
    for entry in entries:
        for layer, response in entry.responses.items():
            start = entry.start or entry.network
            key = Model(entry.model, entry.network, layer, entry.resolution, start)
            models.setdefault(key, {})[entry.seed] = response
    return models


def _of_shared_seeds(
    pairs: list[tuple[int, int]], models: Mapping[Model, Mapping[int, Any]]
) -> tuple[list[tuple[int, int]], list[tuple[Model, tuple[int, ...]]]]:
    """Pairs of networks of the seeds that both have: what starts from one seed is subtracted.

    Returns
    -------
    pairs : list of (int, int)
        Numbers of the models; above those of `models`, of the parts.
    parts : list of (Model, seeds)
        Models with some of their seeds.
    """
    numbers = list(models)
    parts: dict[tuple[Model, tuple[int, ...]], int] = {}

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


def planned_pairs(models: Sequence[Model]) -> Iterator[tuple[int, int]]:
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


def named(table: pd.DataFrame, models: Sequence[Model], recording: ImageRecording) -> pd.DataFrame:
    """The table with names in place of the models' numbers.

    Parameters
    ----------
    table : DataFrame
    models : sequence of Model
        By their numbers.
    recording : ImageRecording
        Which they were compared with.
    """
    for end in ("", "_a", "_b"):
        if f"model{end}" in table:
            at = [models[i] for i in table[f"model{end}"].astype(int)]
            table = table.assign(
                **{f"model{end}": [m.model for m in at], f"network{end}": [m.network for m in at]},
                resolution=[m.resolution or max(recording.images.shape[1:3]) for m in at],
            )
    return table
