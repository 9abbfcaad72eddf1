"""Models as RSA compares them, ready for intervals, differences and tests."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.comparison.comparators import known_comparator
from spikelearn.comparison.intervals import (
    Sampled,
    sampled,
)
from spikelearn.comparison.models_and_targets import (
    Key,
    ModelRDM,
    instances,
    model_rdm,
    pair_mask,
    targets,
)
from spikelearn.comparison.pair_influences import PairInfluences
from spikelearn.comparison.permutation import (
    Tested,
    p_by_permutation,
    permutation_scores,
    smallest_p,
)
from spikelearn.comparison.resamples import resamples_of
from spikelearn.comparison.rsa import pair_influences, score_models

if TYPE_CHECKING:
    from spikelearn.recordings import ImageRecording


@dataclass(frozen=True)
class ScoredRDM:
    """Scores of a model, means over its instances, or the difference of two such scores.

    Attributes
    ----------
    scores : array of shape (n_rdms,)
    resampled : array of shape (n_rdms, n_bootstrap)
    left_out : array of shape (n_rdms, n_groups), or None
        Without some of the stimuli; None where none was left out.
    n_stimuli : int
    pairs : PairInfluences or None
        Of all models that were scored together; None where one has no score.
    plus, minus : range
        The numbers of the instances there, of the model and of what is subtracted.
    """

    scores: np.ndarray
    resampled: np.ndarray
    left_out: np.ndarray | None
    n_stimuli: int
    pairs: PairInfluences | None
    plus: range
    minus: range = range(0)

    def less(self, other: ScoredRDM) -> ScoredRDM:
        """The difference from another model that was scored together with this one."""
        pairs = None if self.pairs is None or other.pairs is None else self.pairs
        left_out = None
        if self.left_out is not None and other.left_out is not None:
            left_out = self.left_out - other.left_out
        return ScoredRDM(
            self.scores - other.scores, self.resampled - other.resampled, left_out,
            self.n_stimuli, pairs, self.plus, other.plus,
        )  # fmt: skip

    def sampled(self, rdms: Sequence[int], over: str, seed: int) -> Sampled:
        """What the resamples say of the mean over some RDMs.

        Parameters
        ----------
        rdms : sequence of int
            Their numbers.
        over, seed
            As of `spikelearn.comparison.intervals.sampled`.
        """
        chosen = list(rdms)
        noise = None
        if self.pairs is not None:
            influences = self._influences(self.pairs, self.plus, chosen)
            if self.minus:
                influences = influences - self._influences(self.pairs, self.minus, chosen)
            noise = self.pairs.variance(influences)
        return sampled(
            self.scores[chosen], self.resampled[chosen], self.n_stimuli, over, seed, noise,
            None if self.left_out is None else self.left_out[chosen],
            limit=2.0 if self.minus else 1.0,
        )  # fmt: skip

    @staticmethod
    def _influences(pairs: PairInfluences, numbers: range, rdms: list[int]) -> np.ndarray:
        """Influence of every pair of stimuli on the mean score of some instances, (n_pairs,)."""
        result: np.ndarray = np.mean([pairs.of(i, rdms) for i in numbers], axis=0)
        return result


class ComparedRDMs:
    """Models and the RDMs of a recording.

    Parameters
    ----------
    models : mapping of (model, layer) or "model · layer" to DataArray, or to a sequence of them
        Several are instances of one model.
    recording : ImageRecording
    n_bootstrap, seed : int
        Resamples of the stimuli, and their seed.
    over : str
        As of `compare_rsa`.
    comparator : str
        One of `COMPARATORS`.
    """

    def __init__(
        self,
        models: Mapping[Key, Any],
        recording: ImageRecording,
        n_bootstrap: int,
        seed: int,
        over: str,
        comparator: str,
    ) -> None:
        self.comparator = self.measure = known_comparator(comparator)
        self.seed = seed
        self.all_targets = targets(recording, comparator)
        self.rows = self.all_targets.rows
        self.n_stimuli = recording.n_stimuli
        self.recording, self.n_bootstrap, self.over = recording, n_bootstrap, over
        self.models: dict[Key, list[ModelRDM]] = {
            key: [model_rdm(key, response, recording) for response in instances(key, given)]
            for key, given in models.items()
        }

    def scored(
        self, together: Sequence[tuple[Key, ...]]
    ) -> Iterator[tuple[tuple[Key, ...], tuple[ScoredRDM, ...]]]:
        """Scores of sets of models, each over the stimuli for which all of a set have a pattern.

        Models that are compared over the same stimuli are scored once, together.
        """
        groups: dict[bytes, tuple[np.ndarray, list[tuple[Key, ...]]]] = {}
        for keys in together:
            valid = self._valid([m for key in keys for m in self.models[key]])
            groups.setdefault(valid.tobytes(), (valid, []))[1].append(keys)
        for valid, members in groups.values():
            scored = self._scored(list(dict.fromkeys(k for keys in members for k in keys)), valid)
            for keys in members:
                yield keys, tuple(scored[key] for key in keys)

    def _scored(self, keys: Sequence[Key], valid: np.ndarray) -> dict[Key, ScoredRDM]:
        everyone = [m for key in keys for m in self.models[key]]
        resamples = resamples_of(self.recording, self.n_bootstrap, self.seed, self.over, valid)
        scores, both = self._scores(everyone, valid, resamples.counts)
        resampled, left_out = resamples.parted(both)
        pairs = self._pair_influences(everyone, valid)
        result: dict[Key, ScoredRDM] = {}
        start = 0
        for key in keys:
            numbers = range(start, start + len(self.models[key]))
            start = numbers.stop
            fine = not any(self._problem(m, valid) for m in self.models[key])
            result[key] = ScoredRDM(
                scores[numbers].mean(axis=0),
                resampled[numbers].mean(axis=0),
                None if left_out is None else left_out[numbers].mean(axis=0),
                int(valid.sum()),
                pairs if fine else None,
                numbers,
            )
        return result

    def permuted(self, key: Key, n_permutations: int) -> Tested:
        """The p-value of each row where the stimuli of a model are relabelled at random.

        The stimuli of all its instances are relabelled together.
        """
        members = self.models[key]
        valid = self._valid(members)
        no_resamples = np.zeros((0, self.n_stimuli), dtype=int)
        scores = self._scores(members, valid, no_resamples)[0].mean(axis=0)
        permuted = np.zeros((len(self.all_targets.vectors), 0))
        n_stimuli, limit = int(valid.sum()), ""
        if not any(self._problem(m, valid) for m in members):
            each = [self._relabelled(m, pair_mask(valid), n_permutations) for m in members]
            permuted = np.mean(each, axis=0)
            limit = self._fixed(members, pair_mask(valid)) or smallest_p(
                n_permutations, math.factorial(n_stimuli), n_stimuli
            )
        p = [
            p_by_permutation(scores[list(t.rdms)].mean(), permuted[list(t.rdms)].mean(axis=0))
            for t in self.rows
        ]
        return Tested(scores, p, n_stimuli, _joined([self.flag(key), limit]))

    def flag(self, key: Key) -> str:
        """What is to be said of a model: patterns that it lacks, and why it has no score."""
        members = self.models[key]
        valid = self._valid(members)
        return _joined(
            [self._given(), *(m.flag for m in members), *(self._problem(m, valid) for m in members)]
        )

    # What `ComparedPartialRDMs` does otherwise.

    def _valid(self, members: Sequence[ModelRDM]) -> np.ndarray:
        """The stimuli for which all of these have a pattern, bool array of shape (n_stimuli,)."""
        valid: np.ndarray = np.logical_and.reduce([m.valid for m in members])
        return valid

    def _problem(self, member: ModelRDM, valid: np.ndarray) -> str:
        return member.problem(valid)

    def _given(self) -> str:
        """What is said of every model."""
        return ""

    def _fixed(self, members: Sequence[ModelRDM], kept: np.ndarray) -> str:
        """Why relabelling changes nothing; empty where it does."""
        return ""

    def _scores(
        self, members: list[ModelRDM], valid: np.ndarray, counts: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        return score_models(members, valid, self.all_targets, counts)

    def _pair_influences(self, members: list[ModelRDM], valid: np.ndarray) -> PairInfluences | None:
        return pair_influences(members, valid, self.all_targets)

    def _relabelled(self, member: ModelRDM, kept: np.ndarray, n_permutations: int) -> np.ndarray:
        """Scores of a model relabelled at random, array of shape (n_rdms, n_permutations)."""
        data = self.all_targets.vectors[:, kept]
        return permutation_scores(
            member.vector[kept], data, n_permutations, self.seed, self.comparator
        )


def _joined(said: Sequence[str]) -> str:
    """What instances of a model have in common is said once."""
    return "; ".join(dict.fromkeys(filter(None, said)))
