"""Models as CKA, CCA, Procrustes and ridge compare them, ready for differences and tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from spikelearn.comparison.models_and_targets import Key, instances, matched_response
from spikelearn.comparison.permutation import Tested, p_by_sequence, settled, smallest_p
from spikelearn.comparison.rdms import pattern_matrix
from spikelearn.comparison.response_methods import (
    RESPONSE_METHODS,
    ScoredResponse,
    ShownGroups,
)
from spikelearn.comparison.response_permutations import orders_of_stimuli, relabelled
from spikelearn.comparison.session_groups import mean_by_subject, seed_of_group

_CHUNK = 50  # relabellings, before it is asked whether more could change anything


class ComparedResponses:
    """Models and the responses of a recording.

    Parameters
    ----------
    models : mapping of (model, layer) or "model · layer" to DataArray, or to a sequence of them
        Several are instances of one model.
    recording : recording with responses
    n_bootstrap, seed : int
        Resamples of the stimuli, and their seed.
    over : str
        As of `compare_rsa`.
    method : str
        One of `RESPONSE_METHODS`.
    """

    def __init__(
        self,
        models: Mapping[Key, Any],
        recording: Any,
        n_bootstrap: int,
        seed: int,
        over: str,
        method: str,
    ) -> None:
        self.method, self.seed = method, seed
        self.measure = RESPONSE_METHODS[method][1]
        self.shown = ShownGroups(method, recording, n_bootstrap, seed, over)
        self.rows = self.shown.rows
        self.n_stimuli = len(recording.labels)
        self.models: dict[Key, list[np.ndarray]] = {
            key: [
                pattern_matrix(matched_response(key, r, recording.labels, recording.name))
                for r in instances(key, given)
            ]
            for key, given in models.items()
        }

    def scored(
        self, together: Sequence[tuple[Key, ...]]
    ) -> Iterator[tuple[tuple[Key, ...], tuple[ScoredResponse, ...]]]:
        """Scores of sets of models; each model is scored once."""
        scored: dict[Key, ScoredResponse] = {}
        for keys in together:
            for key in keys:
                if key not in scored:
                    scored[key] = self._scored(self.models[key])
            yield keys, tuple(scored[key] for key in keys)

    def _scored(self, xs: list[np.ndarray]) -> ScoredResponse:
        """The mean over instances of one model."""
        each = [self.shown.score(x) for x in xs]
        left_out = [one.left_out for one in each if one.left_out is not None]
        return ScoredResponse(
            np.mean([one.scores for one in each], axis=0),
            np.mean([one.resampled for one in each], axis=0),
            np.mean(left_out, axis=0) if len(left_out) == len(each) else None,
            self.n_stimuli,
        )

    def permuted(self, key: Key, n_permutations: int) -> Tested:
        """The p-value of each row where stimuli are relabelled at random and maps fitted anew.

        The stimuli of all instances and subjects are relabelled together. No more relabellings are
        made than can change something; see `p_by_sequence`.
        """
        xs = self.models[key]
        scores = self._scored_once(xs)
        observed = [float(scores[list(row.rdms)].mean()) for row in self.rows]
        permuted = np.zeros((len(scores), 0))
        if np.isfinite(scores).all():
            relabelling = [self._relabelling(i, xs, n_permutations) for i in range(self.n_groups)]
            while permuted.shape[1] < n_permutations and not all(
                settled(score, permuted[list(row.rdms)].mean(axis=0))
                for score, row in zip(observed, self.rows, strict=True)
            ):
                part = slice(permuted.shape[1], permuted.shape[1] + _CHUNK)
                of_groups = [of_group(part) for of_group in relabelling]
                more = mean_by_subject(self.shown.groups, of_groups, np.mean)
                permuted = np.concatenate([permuted, more], axis=1)
        p = [
            p_by_sequence(score, permuted[list(row.rdms)].mean(axis=0))
            for score, row in zip(observed, self.rows, strict=True)
        ]
        limit = ""
        if permuted.size:
            ways = math.prod(self._ways(number) for number in range(self.n_groups))
            limit = smallest_p(n_permutations, ways, self.n_stimuli)
        return Tested(scores, p, self.n_stimuli, "; ".join(filter(None, (self.flag(key), limit))))

    @property
    def n_groups(self) -> int:
        """Groups of sessions that have the same stimuli; one in most recordings."""
        return len(self.shown.groups)

    def _relabelling(
        self, number: int, xs: list[np.ndarray], n_permutations: int
    ) -> Callable[[slice], np.ndarray]:
        """What gives the scores of a group's members for some of its orders of stimuli."""
        group, folds = self.shown.groups[number], self.shown.folds[number]
        seed = seed_of_group(self.seed, number)
        orders = orders_of_stimuli(self.method, folds, n_permutations, seed)
        ready = [
            [against(one.mean) for one in group.ones]
            for against in (relabelled(self.method, x[group.rows], folds) for x in xs)
        ]

        def scores(part: slice) -> np.ndarray:
            each = [[one(orders[part]) for one in member] for member in ready]
            return np.asarray(np.mean(each, axis=0))

        return scores

    def _ways(self, number: int) -> int:
        """In how many ways the stimuli of a group can be relabelled."""
        folds = self.shown.folds[number]
        parts = [len(self.shown.groups[number].rows)]
        if self.method != "cka":
            parts = [test.sum() for _, test in folds]
        return math.prod(math.factorial(int(n)) for n in parts)

    def flag(self, key: Key) -> str:
        """Why a model has no score; empty where it has one."""
        return next(filter(None, map(self.shown.flag, self.models[key])), "")

    def _scored_once(self, xs: list[np.ndarray]) -> np.ndarray:
        each = [self.shown.score(x, resampled=False) for x in xs]
        mean: np.ndarray = np.mean([one.scores for one in each], axis=0)
        return mean
