"""Studies that are like a recording, simulated: its signal's spectrum, and its own noise.

As many stimuli, subjects and units; of the noise there is so much that simulated subjects (or
halves of the repeats, of one subject) agree as the recorded ones do. Two models mix the signal with
something of their own; stimuli, subjects, models and noise are drawn anew in every study.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from spikelearn._seeding import generator
from spikelearn.comparison.compared_rdms import ComparedRDMs
from spikelearn.comparison.compared_responses import ComparedResponses
from spikelearn.comparison.models_and_targets import Key
from spikelearn.comparison.name_order import by_names
from spikelearn.comparison.neural_responses import has_responses, neural_responses
from spikelearn.comparison.observed import observed_parts
from spikelearn.comparison.session_groups import session_groups

LEVEL = 0.05  # of the tests
_UNITS = 60  # of a model, and of a subject of whom only RDMs were published
_DRAWS, _FEW_DRAWS = 24, 8  # of studies whose scores alone are asked for
_RESAMPLES = 100  # that intervals over stimuli and subjects need


@dataclass(frozen=True)
class SimulatedStudies:
    """What simulated studies have of a region of a recording.

    Parameters
    ----------
    spectrum : array of shape (n_dimensions,)
        Standard deviations of the signal's dimensions over stimuli.
    n_stimuli, n_subjects : int
    n_units : int
        Of each subject.
    noise : float
        Standard deviation of what is a subject's own, of a signal of 1.
    share : float
        How much of the variance of the better model is the signal.
    alike : float
        How much of the rest the two models have in common.
    method, over : str
        As of `difference_table`.
    """

    spectrum: np.ndarray
    n_stimuli: int
    n_subjects: int
    n_units: int
    noise: float
    share: float
    alike: float
    method: str
    over: str

    def draw(self, seed: int, number: int, other: float | None = None) -> Drawn:
        """A study: other stimuli, subjects and noise for each seed and number.

        Parameters
        ----------
        seed, number : int
        other : float, optional
            The share of the signal in the second model; that of the first, if left out.
        """
        random = generator(seed, "simulated study", number)
        n, k = self.n_stimuli, len(self.spectrum)
        signal = random.normal(size=(n, k)) * self.spectrum
        subjects = []
        for _ in range(self.n_subjects):
            mixed = signal @ random.normal(size=(k, self.n_units))
            subjects.append(mixed + self.noise * random.normal(size=mixed.shape))
        common, *own = random.normal(size=(3, n, k)) * self.spectrum
        weights = random.normal(size=(k, _UNITS))
        others = random.normal(size=(k, _UNITS))
        models = []
        for share, its in zip(
            (self.share, self.share if other is None else other), own, strict=True
        ):
            rest = np.sqrt(self.alike) * common + np.sqrt(1 - self.alike) * its
            models.append(np.sqrt(share) * signal @ weights + np.sqrt(1 - share) * rest @ others)
        return Drawn(np.stack(models), np.stack(subjects))

    def halves(self, seed: int, number: int) -> np.ndarray:
        """One subject's responses twice, each with noise of its own, (2, n_stimuli, n_units)."""
        random = generator(seed, "halves", number)
        signal = random.normal(size=(self.n_stimuli, len(self.spectrum))) * self.spectrum
        mixed = signal @ random.normal(size=(len(self.spectrum), self.n_units))
        return mixed + self.noise * random.normal(size=(2, *mixed.shape))

    def compared(self, drawn: Drawn, seed: int, intervals: bool = True) -> Any:
        """The two models of a study and its subjects, ready to be scored.

        Parameters
        ----------
        drawn : Drawn
        seed : int
            Of folds and resamples.
        intervals : bool
            Whether stimuli are left out, or resampled, too.
        """
        import xarray

        labels = tuple(f"{i:05d}" for i in range(self.n_stimuli))
        models: dict[Key, Any] = {
            name: xarray.DataArray(
                values, dims=("stimulus", "unit"), coords={"stimulus": list(labels)}
            )
            for name, values in zip("ab", drawn.models, strict=True)
        }
        recording = _recording(drawn.subjects, labels, self.method)
        n = (_RESAMPLES if self.over == "both" else 1) if intervals else 0
        if self.method == "rsa":
            return ComparedRDMs(models, recording, n, seed, self.over, "spearman")
        return ComparedResponses(models, recording, n, seed, self.over, self.method)

    def scores(self, seed: int, other: float | None = None, n: int = _DRAWS) -> np.ndarray:
        """Mean scores of both models over the first of the studies of a seed, of shape (2,).

        Parameters
        ----------
        seed : int
        other : float, optional
            As of `draw`.
        n : int
            How many studies.
        """
        total = np.zeros(2)
        for number in range(n):
            drawn = self.draw(seed, number, other=other)
            compared = self.compared(drawn, seed, intervals=False)
            for place, key in enumerate("ab"):
                ((_, (scored,)),) = compared.scored([(key,)])
                total[place] += scored.scores.mean()
        return total / n

    def tested(self, seed: int, n: int, other: float | None = None) -> np.ndarray:
        """Difference, standard error and critical t of the studies of a seed, of shape (n, 3).

        Parameters
        ----------
        seed : int
        n : int
            How many studies.
        other : float, optional
            As of `draw`.
        """
        from scipy.stats import t

        found = np.empty((n, 3))
        for number in range(n):
            drawn = self.draw(seed, number, other=other)
            compared = self.compared(drawn, seed)
            ((_, (a, b)),) = compared.scored([("a", "b")])
            mean = next(row for row in compared.rows if row.level == "mean")
            value = a.less(b).sampled(mean.rdms, self.over, seed)
            found[number] = value.score, value.error, t.ppf(1 - LEVEL / 2, value.dof)
        return found


@dataclass(frozen=True)
class Drawn:
    """Patterns of two models and of subjects, (2 or n_subjects, n_stimuli, n_units)."""

    models: np.ndarray
    subjects: np.ndarray


def studies_like(
    recording: Any, region: str, method: str, over: str, alike: float, seed: int = 0
) -> tuple[SimulatedStudies | None, str]:
    """Studies as noisy as a region of the recording; or None, and why its noise is not known.

    Parameters
    ----------
    recording : ImageRecording
    region : str
    method, over, alike
        As of `power_table`.
    seed : int
    """
    of = "rdms" if method == "rsa" else "responses"
    parts = observed_parts(by_names(recording), of, by_session=of == "responses")
    part = next(
        one.recording for one in parts
        if any(its.region == region for its in getattr(one.recording, of))
    )  # fmt: skip
    if of == "responses" and len(session_groups(part, method)) > 1:
        return None, "sessions have stimuli of their own: not simulated"
    rdms = _subject_rdms(part, region)
    n_subjects = len(rdms)
    if over != "stimuli" and n_subjects < 2:
        return None, "one subject: nothing is known of others"
    responses = []
    if has_responses(part):
        responses = [one for one in neural_responses(part, method) if one.region == region]
    agreement = _agreement(rdms)
    if np.isnan(agreement):
        agreement = _agreement_of_halves(responses)
    if np.isnan(agreement):
        return None, "one subject without repeats: its noise is not known"
    n_units = round(np.mean([one.repeats.shape[2] for one in responses])) if responses else _UNITS
    start = SimulatedStudies(
        _spectrum(rdms), part.n_stimuli, n_subjects, int(n_units), 1.0, 0.5, alike, method, over
    )
    return _with_share(_with_noise(start, agreement, seed), seed), ""


def _with_noise(studies: SimulatedStudies, agreement: float, seed: int) -> SimulatedStudies:
    """Noise by which the RDMs of two subjects (or two halves) agree as the recorded ones do."""
    alone = studies.n_subjects == 1

    def agrees(log_noise: float) -> float:
        noisy = replace(studies, noise=float(np.exp(log_noise)))
        drawn = [noisy.halves(seed, i) if alone else noisy.draw(seed, i).subjects
                 for i in range(6)]  # fmt: skip
        return float(np.mean([_agreement(_rdms_of(one)) for one in drawn])) - agreement

    # The mean over repeats has half of the noise variance of a half of them.
    scale = np.sqrt(0.5) if alone else 1.0
    return replace(studies, noise=scale * float(np.exp(_bisected(agrees, 4.0, -4.0, 12))))


def _with_share(studies: SimulatedStudies, seed: int) -> SimulatedStudies:
    """The better model scores half of what the signal itself does."""
    best = replace(studies, share=1.0).scores(seed, n=_FEW_DRAWS)[0]

    def beyond(share: float) -> float:
        return float(replace(studies, share=share).scores(seed, n=_FEW_DRAWS)[0] - best / 2)

    return replace(studies, share=_bisected(beyond, 0.0, 1.0, 7))


def _bisected(function: Callable[[float], float], low: float, high: float, n: int) -> float:
    """Where a function changes its sign, known to (high - low) / 2 ** n."""
    sign = np.sign(function(low)) or -1.0
    for _ in range(n):
        middle = (low + high) / 2
        if np.sign(function(middle)) == sign:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _spectrum(rdms: np.ndarray) -> np.ndarray:
    """Standard deviations of the dimensions that the mean of RDMs has, of a total variance of 1."""
    from scipy.spatial.distance import squareform

    mean = squareform(rdms.mean(axis=0), checks=False)
    n = len(mean)
    centre = np.eye(n) - 1 / n
    values = np.linalg.eigvalsh(-0.5 * centre @ mean @ centre)[::-1]
    values = values[values > values[0] / 1000]
    return np.sqrt(values / values.sum())


def _subject_rdms(part: Any, region: str) -> np.ndarray:
    """One RDM of each subject of a region, mean over sessions, shape (n_subjects, n_pairs)."""
    by_subject: dict[str, list[np.ndarray]] = {}
    for one in part.rdms:
        if one.region == region:
            by_subject.setdefault(one.subject, []).append(one.dissimilarities)
    if not by_subject:  # of too many stimuli to be kept
        return np.stack(
            [_rdm(one.mean) for one in neural_responses(part, "power") if one.region == region]
        )
    return np.stack([np.mean(its, axis=0) for its in by_subject.values()])


def _rdm(patterns: np.ndarray) -> np.ndarray:
    similar = np.corrcoef(patterns)
    return np.asarray(1 - similar[np.triu_indices(len(similar), k=1)])


def _rdms_of(subjects: np.ndarray) -> np.ndarray:
    return np.stack([_rdm(one) for one in subjects])


def _agreement(rdms: np.ndarray) -> float:
    """Mean correlation of ranks between the RDMs of each two subjects; NaN of one."""
    from scipy.stats import rankdata

    if len(rdms) < 2:
        return float("nan")
    ranks = np.corrcoef(rankdata(rdms, axis=1))
    return float(ranks[np.triu_indices(len(ranks), k=1)].mean())


def _agreement_of_halves(responses: Sequence[Any]) -> float:
    """The same between halves of the repeats of one subject; NaN where there are none."""
    halves = [one.halves for one in responses]
    if not halves or halves[0] is None:
        return float("nan")
    return _agreement(_rdms_of(np.stack(halves[0])))


def _recording(subjects: np.ndarray, labels: tuple[str, ...], method: str) -> Any:
    """A recording of simulated subjects, with RDMs or responses as the method needs them."""
    from spikelearn.recordings import RecordedRDM, RecordedResponses

    names = [f"{i:03d}" for i in range(len(subjects))]
    if method == "rsa":
        rdms = [
            RecordedRDM(name, "brain", "", _rdm(one), "1 - Pearson r")
            for name, one in zip(names, subjects, strict=True)
        ]
        return SimpleNamespace(
            name="simulated", labels=labels, n_stimuli=len(labels), rdms=tuple(rdms), groups={},
            responses=(), categories={}, kinds=(),
        )  # fmt: skip
    responses = [
        RecordedResponses(name, "brain", "", one[:, None], "arbitrary")
        for name, one in zip(names, subjects, strict=True)
    ]
    return SimpleNamespace(
        name="simulated", labels=labels, n_stimuli=len(labels), rdms=(), groups={},
        responses=tuple(responses), categories={}, kinds=(),
    )  # fmt: skip
