"""Models as CKA, CCA, Procrustes and ridge compare them, ready for differences and tests."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from spikelearn.comparison.models_and_targets import Key, Target, instances, matched_response
from spikelearn.comparison.permutation import Tested, p_by_sequence, settled, smallest_p
from spikelearn.comparison.rdms import pattern_matrix
from spikelearn.comparison.resamples import Resamples
from spikelearn.comparison.response_methods import (
    RESPONSE_METHODS,
    SAME,
    ScoredResponse,
    response_folds,
    response_resamples,
    response_targets,
    responses_by_region,
    score_response,
    varies,
)
from spikelearn.comparison.response_permutations import orders_of_stimuli, relabelled

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
        self.n_stimuli = len(recording.labels)
        self.folds = response_folds(method, self.n_stimuli, seed)
        self.resamples = response_resamples(method, recording, n_bootstrap, seed, over)
        self.ones = [
            one for region in responses_by_region(recording, method).values() for one in region
        ]
        self.rows: list[Target] = []
        for region, members in responses_by_region(recording, method).items():
            start = sum(len(row.rdms) for row in self.rows if row.level == "subject")
            self.rows += [
                Target(row.region, row.subject, row.level, tuple(start + i for i in row.rdms))
                for row in response_targets(region, members)
            ]
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
        each = [score_response(self.method, x, self.ones, self.resamples, self.folds) for x in xs]
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
        permuted = np.zeros((len(self.ones), 0))
        if np.isfinite(scores).all():
            orders = orders_of_stimuli(self.method, self.folds, n_permutations, self.seed)
            ready = [
                [against(one.mean) for one in self.ones]
                for against in (relabelled(self.method, x, self.folds) for x in xs)
            ]
            while permuted.shape[1] < n_permutations and not all(
                settled(score, permuted[list(row.rdms)].mean(axis=0))
                for score, row in zip(observed, self.rows, strict=True)
            ):
                part = orders[permuted.shape[1] :][:_CHUNK]
                more = np.mean([[one(part) for one in member] for member in ready], axis=0)
                permuted = np.concatenate([permuted, more], axis=1)
        p = [
            p_by_sequence(score, permuted[list(row.rdms)].mean(axis=0))
            for score, row in zip(observed, self.rows, strict=True)
        ]
        limit = ""
        if permuted.size:
            parts = [self.n_stimuli] if self.method == "cka" else [t.sum() for _, t in self.folds]
            ways = math.prod(math.factorial(int(n)) for n in parts)
            limit = smallest_p(n_permutations, ways, self.n_stimuli)
        return Tested(scores, p, self.n_stimuli, "; ".join(filter(None, (self.flag(key), limit))))

    def flag(self, key: Key) -> str:
        """Why a model has no score; empty where it has one."""
        return "" if all(varies(x) for x in self.models[key]) else SAME

    def _scored_once(self, xs: list[np.ndarray]) -> np.ndarray:
        none = self.resamples.drawn[:0]
        nothing = Resamples(none, none, self.resamples.over)
        each = [score_response(self.method, x, self.ones, nothing, self.folds) for x in xs]
        mean: np.ndarray = np.mean([one.scores for one in each], axis=0)
        return mean
