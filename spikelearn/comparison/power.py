"""How small a difference between two models a recording can show: power, by simulation.

Studies are simulated that are like the recording (`simulated_studies`), each with the test that a
study makes (`difference_table`).

A study finds a difference where |difference| > t x its standard error. A true difference that is a
little larger moves the difference that is measured and leaves its error, so that all simulated
studies say at once how often each difference would be found; the smallest that `share` of them find
is the answer. That is done twice: with models that are worth the same, and with ones that differ by
what came out, whose errors are other ones. `found` plants a difference, and counts.

What is asked before a study is run is how small an effect it can find; the answer holds for two
models that share nothing but the signal, or, with `alike`, so much of the rest. The more alike two
models are otherwise, the smaller a difference is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.comparison.models_and_targets import PARTIAL_RSA
from spikelearn.comparison.simulated_studies import LEVEL, SimulatedStudies, studies_like
from spikelearn.comparison.tables import made

if TYPE_CHECKING:
    import pandas

SHARE = 0.8
OVER = ("stimuli", "subjects", "both")
_PLANTED = 50  # by which a difference is planted whose size need not be exact


def power_table(
    recording: Any,
    method: str = "rsa",
    over: str = "stimuli",
    alike: float = 0.0,
    n_studies: int = 100,
    seed: int = 0,
    *,
    share: float = SHARE,
    n_tests: int = 1,
) -> pandas.DataFrame:
    """The smallest difference between two models that a recording shows, region by region.

    Parameters
    ----------
    recording : ImageRecording
    method : str
        "rsa", by Spearman's correlation, or one of the methods that compare responses.
    over : {"stimuli", "subjects", "both"}
        What the test generalises to.
    alike : float
        How much two models have in common beside what the brain has too: 0 for two of different
        make, 0.75 for two trainings of one network.
    n_studies : int
        That are simulated.
    seed : int
    share : float
        Of the studies that are to find the difference.
    n_tests : int
        By which p is corrected (Holm's first step, Bonferroni's).

    Returns
    -------
    DataFrame
        One row a region: recording, region, method, over, n_stimuli, n_subjects, alike, share,
        n_tests, n_studies; score, that of the better model in the simulation; error, the median
        standard error of a difference; smallest_difference; flag, why there is none.

    Raises
    ------
    SpikelearnError
        If an option is none, or the method needs responses and the recording has RDMs.
    """
    _check(method, over, alike, n_studies, share, n_tests)
    rows = []
    for region in regions_of(recording, method):
        said = {"recording": recording.name, "region": region, "method": method, "over": over}
        studies, flag = studies_like(recording, region, method, over, alike, seed)
        found = dict.fromkeys(("score", "error", "smallest_difference"), float("nan"))
        if studies is not None:
            smallest, error = smallest_difference(studies, n_studies, seed, share, n_tests)
            found = {
                "score": float(studies.scores(seed)[0]),
                "error": error,
                "smallest_difference": smallest,
            }
            if np.isnan(smallest):
                flag = "not even a model without any of the signal is told from the better one"
        about = {
            "n_stimuli": studies.n_stimuli if studies else recording.n_stimuli,
            "n_subjects": _n_subjects(recording, region),
            "alike": alike, "share": share, "n_tests": n_tests, "n_studies": n_studies,
        }  # fmt: skip
        rows.append({**said, **about, **found, "flag": flag})
    return made(rows)


def smallest_difference(
    studies: SimulatedStudies,
    n_studies: int,
    seed: int = 0,
    share: float = SHARE,
    n_tests: int = 1,
) -> tuple[float, float]:
    """The smallest difference that a share of studies find, and the median error of a difference.

    Parameters
    ----------
    studies : SimulatedStudies
    n_studies, seed : int
    share : float
    n_tests : int
        By which p is corrected.
    """
    tested = studies.tested(seed, n_studies)
    first = smallest_found(tested, share, n_tests)
    n = min(n_studies, _PLANTED)
    if first >= studies.scores(seed, 0.0, n) @ [1, -1]:
        return float("nan"), float(np.median(tested[:, 1]))  # not even one without any signal
    tested = studies.tested(seed, n_studies, planted(studies, first, seed, n))
    tested[:, 0] -= tested[:, 0].mean()
    return smallest_found(tested, share, n_tests), float(np.median(tested[:, 1]))


def smallest_found(tested: np.ndarray, share: float = SHARE, n_tests: int = 1) -> float:
    """The smallest true difference that a share of studies find, in the direction it has.

    Parameters
    ----------
    tested : array of shape (n_studies, 3)
        See `SimulatedStudies.tested`; of a mean difference of 0.
    share : float
    n_tests : int
        By which p is corrected; t is then larger, as that of the normal distribution is.
    """
    from scipy.stats import norm

    difference, error, critical = tested.T
    wider = norm.ppf(1 - LEVEL / 2 / n_tests) / norm.ppf(1 - LEVEL / 2)
    # Of two models either may be the better: both directions are as likely.
    needed = np.concatenate([critical * wider * error - d for d in (difference, -difference)])
    return float(np.quantile(needed, share))


def found(studies: SimulatedStudies, difference: float, n_studies: int, seed: int = 1) -> float:
    """The share of new studies that find a difference that is planted.

    Parameters
    ----------
    studies : SimulatedStudies
    difference : float
        Between the mean scores of the two models, over these studies.
    n_studies : int
    seed : int
        Another one than that by which the difference was found.
    """
    other = planted(studies, difference, seed, n_studies)
    values = studies.tested(seed, n_studies, other)
    return float((values[:, 0] > values[:, 2] * values[:, 1]).mean())


def planted(studies: SimulatedStudies, difference: float, seed: int, n: int) -> float:
    """The share of the signal by which the second model scores so much less than the first.

    Parameters
    ----------
    studies : SimulatedStudies
    difference : float
    seed, n : int
        Of the studies over which the scores are means.
    """

    def less(other: float) -> float:
        first, second = studies.scores(seed, other, n)
        return float(first - second)

    if less(0.0) <= difference:
        raise SpikelearnError(
            f"no model scores {difference:.3f} less than one of {studies.scores(seed)[0]:.3f}"
        )
    from scipy.optimize import brentq

    return float(brentq(lambda share: less(share) - difference, 0.0, studies.share, xtol=1e-3))


def regions_of(recording: Any, method: str) -> list[str]:
    """The regions that the method can compare, each once."""
    ones = recording.rdms if method == "rsa" else getattr(recording, "responses", ())
    return list(dict.fromkeys(one.region for one in ones))


def _n_subjects(recording: Any, region: str) -> int:
    ones = (*recording.rdms, *getattr(recording, "responses", ()))
    return len({one.subject for one in ones if one.region == region})


def _check(
    method: str, over: str, alike: float, n_studies: int, share: float, n_tests: int
) -> None:
    from spikelearn.comparison.methods import METHODS

    if method not in METHODS or method == PARTIAL_RSA:
        known = [name for name in METHODS if name != PARTIAL_RSA]
        raise SpikelearnError(f"power is known of the methods {', '.join(known)}, not '{method}'")
    if over not in OVER:
        raise SpikelearnError(f"power is known over {', '.join(OVER)}, not '{over}'")
    numbers: Mapping[str, tuple[float, bool]] = {
        "alike": (alike, 0 <= alike < 1),
        "share": (share, 0 < share < 1),
        "n_studies": (n_studies, n_studies >= 2),
        "n_tests": (n_tests, n_tests >= 1),
    }
    for name, (value, fits) in numbers.items():
        if not fits:
            raise SpikelearnError(f"{name} of a power cannot be {value!r}")
