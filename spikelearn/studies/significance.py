"""Tests of a comparison by RSA: against zero, the untrained twin, the baselines and other rules.

Networks of one rule that differ in their seed are instances of one model: tested is the mean of
their scores. The pairs that are tested were decided before any score was seen:

- every layer of a trained network and the same layer of its untrained twin;
- every layer of a trained network and every baseline that is made of the images;
- the same layer of two networks that started from the same weights and were trained by two rules.

Corrections for their number are made over all of them, in each region. They are tests for new
stimuli and these subjects, networks and seeds, unless `over` says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from spikelearn.studies.comparing import Entry
from spikelearn.studies.image_baselines import baseline_responses

if TYPE_CHECKING:
    import pandas as pd
    import xarray

    from spikelearn.comparison.models_and_targets import Key
    from spikelearn.recordings import ImageRecording

UNTRAINED = "untrained"
_ROW = ["model", "layer", "region", "subject"]
PERMUTATIONS_A_MODEL = 50  # at least, for every model that is tested


@dataclass(frozen=True)
class Significance:
    """Two tables: of `zero_table` and of `difference_table`, with networks and resolutions.

    Their columns are those of these functions, and `network`, `resolution`, `n_seeds` (for a
    difference `network_a`, `network_b`, `resolution`). The first has the interval of each mean
    score, of `mean_table`, too.
    """

    zero: pd.DataFrame
    differences: pd.DataFrame


class _Model(NamedTuple):
    model: str
    network: str
    layer: str
    resolution: int | None


def significance(
    entries: Sequence[Entry],
    recording: ImageRecording,
    n_resamples: int = 1000,
    seed: int = 0,
    *,
    over: str = "stimuli",
    comparator: str = "spearman",
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
        these where there are so many models that no p could survive correction.

    Raises
    ------
    SpikelearnError
        If a name is unknown.
    """
    import pandas as pd

    from spikelearn.comparison import difference_table, mean_table, zero_table

    models: dict[_Model, list[xarray.DataArray]] = {}
    for side in dict.fromkeys(entry.resolution for entry in entries):
        for (name, part), response in baseline_responses(recording, side, seed).items():
            models[_Model(name, "", part, side)] = [response]
    for entry in entries:
        for layer, response in entry.responses.items():
            key = _Model(entry.model, entry.network, layer, entry.resolution)
            models.setdefault(key, []).append(response)
    numbers = list(models)
    by_number: dict[Key, list[xarray.DataArray]] = {
        (str(i), model.layer): models[model] for i, model in enumerate(numbers)
    }
    pairs: list[tuple[Key, Key]] = [
        ((str(a), numbers[a].layer), (str(b), numbers[b].layer)) for a, b in planned_pairs(numbers)
    ]
    zero, differences = [], []
    # The smallest p of n permutations is 1 / (n + 1): enough of them that it survives Holm.
    n_permutations = max(n_resamples, PERMUTATIONS_A_MODEL * len(models))
    judged = recording.judgements
    for target in (recording, *([] if judged is None else [judged])):
        table = zero_table(by_number, target, n_permutations, seed, comparator=comparator)
        means = mean_table(by_number, target, n_resamples, seed, over=over, comparator=comparator)
        table = table.merge(
            means[[*_ROW, "ci_lower", "ci_upper"]], how="left", on=_ROW, validate="one_to_one"
        )
        at = [numbers[i] for i in table["model"].astype(int)]
        zero.append(
            table.assign(
                model=[m.model for m in at],
                network=[m.network for m in at],
                resolution=[_side(m, recording) for m in at],
                n_seeds=[len(models[m]) for m in at],
            )
        )
        if not pairs:
            continue
        table = difference_table(
            by_number, target, pairs, n_resamples, seed, over=over, comparator=comparator
        )
        a, b = ([numbers[i] for i in table[name].astype(int)] for name in ("model_a", "model_b"))
        differences.append(
            table.assign(
                model_a=[m.model for m in a],
                network_a=[m.network for m in a],
                model_b=[m.model for m in b],
                network_b=[m.network for m in b],
                resolution=[_side(m, recording) for m in a],
            )
        )
    return Significance(
        _first(pd.concat(zero, ignore_index=True), "model", "network", "layer"),
        _first(
            pd.concat(differences, ignore_index=True) if differences else pd.DataFrame(),
            "model_a", "network_a", "layer_a", "model_b", "network_b", "layer_b",
        ),
    )  # fmt: skip


def planned_pairs(models: Sequence[_Model]) -> Iterator[tuple[int, int]]:
    """Numbers of the models that are tested against each other; see the module."""
    trained = [i for i, m in enumerate(models) if m.network and m.model != UNTRAINED]
    for i in trained:
        one = models[i]
        for j, other in enumerate(models):
            if other.resolution != one.resolution:
                continue
            twin = other.model == UNTRAINED and other[1:] == one[1:]
            later_rule = j > i and j in trained and other[1:] == one[1:]
            if twin or later_rule or not other.network:
                yield i, j


def _side(model: _Model, recording: ImageRecording) -> int:
    return model.resolution or max(recording.images.shape[1:3])


def _first(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    here = [column for column in columns if column in table]
    return table[here + [column for column in table.columns if column not in here]]
