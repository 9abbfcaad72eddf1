"""Models as partial RSA compares them, ready for intervals, differences and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikelearn.comparison.compared_rdms import ComparedRDMs
from spikelearn.comparison.models_and_targets import Key, ModelRDM
from spikelearn.comparison.pair_influences import PairInfluences
from spikelearn.comparison.partial_rsa import (
    control_design,
    control_rdms,
    known_correlation,
    named_controls,
    numbers_of,
    partial_influences,
    partial_measure,
    partial_problem,
    partial_scores,
)
from spikelearn.comparison.residual_permutation import (
    nothing_to_relabel,
    residual_permutation_scores,
)


class ComparedPartialRDMs(ComparedRDMs):
    """Models and the RDMs of a recording, given controls.

    Parameters
    ----------
    models : mapping of (model, layer) or "model · layer" to DataArray, or to a sequence of them
        Several are instances of one model.
    recording : ImageRecording
    n_bootstrap, seed : int
        Resamples of the stimuli, and their seed.
    over : str
        As of `compare_rsa`.
    comparator : {"spearman", "pearson"}
    controls : mapping of names to responses, or None
        As of `compare_partial_rsa`.
    """

    def __init__(
        self,
        models: Mapping[Key, Any],
        recording: Any,
        n_bootstrap: int,
        seed: int,
        over: str,
        comparator: str,
        controls: Mapping[Any, Any] | None,
    ) -> None:
        super().__init__(models, recording, n_bootstrap, seed, over, known_correlation(comparator))
        self.controls = control_rdms(controls, recording)
        self.measure = partial_measure(comparator, self.controls)

    def _valid(self, members: Sequence[ModelRDM]) -> np.ndarray:
        return super()._valid([*members, *self.controls])

    def _problem(self, member: ModelRDM, valid: np.ndarray) -> str:
        return partial_problem(member, self.controls, valid, self.comparator)

    def _given(self) -> str:
        return f"given {named_controls(self.controls)}"

    def _fixed(self, members: Sequence[ModelRDM], kept: np.ndarray) -> str:
        design = control_design(self.controls, kept, self.comparator)
        numbers = numbers_of(np.stack([m.vector[kept] for m in members]), self.comparator)
        if not all(nothing_to_relabel(model, design) for model in numbers):
            return ""
        return (
            f"no test: of {kept.sum()} pairs of stimuli the controls and their curve leave nothing"
            " that could be relabelled, so p is 1 whatever the score"
        )

    def _scores(
        self, members: list[ModelRDM], valid: np.ndarray, counts: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        return partial_scores(members, self.controls, self.all_targets, valid, counts)

    def _pair_influences(self, members: list[ModelRDM], valid: np.ndarray) -> PairInfluences | None:
        fine = [m for m in members if not self._problem(m, valid)]
        if not fine:
            return None
        return partial_influences(members, self.controls, self.all_targets, valid)

    def _relabelled(self, member: ModelRDM, kept: np.ndarray, n_permutations: int) -> np.ndarray:
        model, *data = numbers_of(
            np.vstack([member.vector[kept], self.all_targets.vectors[:, kept]]), self.comparator
        )
        design = control_design(self.controls, kept, self.comparator)
        return residual_permutation_scores(model, design, np.stack(data), n_permutations, self.seed)
