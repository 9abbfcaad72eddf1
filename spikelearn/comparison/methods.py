"""The methods of comparison behind one contract: (responses, recording) to one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from spikelearn._errors import SpikelearnError, nearest
from spikelearn.comparison.models_and_targets import PARTIAL_RSA
from spikelearn.comparison.partial_rsa import compare_partial_rsa
from spikelearn.comparison.response_methods import RESPONSE_METHODS, compare_responses
from spikelearn.comparison.rsa import compare_rsa

if TYPE_CHECKING:
    import pandas


def _partial_rsa(
    models: Mapping[Any, Any],
    recording: Any,
    n_bootstrap: int = 1000,
    seed: int = 0,
    *,
    controls: Mapping[Any, Any] | None = None,
    **options: Any,
) -> pandas.DataFrame:
    """`compare_partial_rsa` with its arguments in the order of the others'."""
    return compare_partial_rsa(models, recording, controls, n_bootstrap, seed, **options)


# Name -> function of (models, recording, n_bootstrap, seed, over=...) to a table with the columns
# model, layer, recording, region, subject, level, method, measure, score, ci_lower, ci_upper,
# ceiling_lower, ceiling_upper, n_stimuli, flag, among others.
METHODS: dict[str, Callable[..., pandas.DataFrame]] = {
    "rsa": compare_rsa,
    PARTIAL_RSA: _partial_rsa,
    **{name: partial(compare_responses, method=name) for name in RESPONSE_METHODS},
}


def compare_by(
    method: str,
    models: Mapping[Any, Any],
    recording: Any,
    n_bootstrap: int = 1000,
    seed: int = 0,
    **options: Any,
) -> pandas.DataFrame:
    """Compare models with a recording by one of `METHODS`.

    Parameters
    ----------
    method : str
        Its name.
    models : mapping of (model, layer) or "model · layer" to DataArray
    recording : recording
    n_bootstrap, seed : int
        Resamples of the stimuli, and their seed.
    **options
        Of the method, `over` for all of them; see `compare_rsa`, `compare_partial_rsa` and
        `compare_responses`.

    Raises
    ------
    SpikelearnError
        If there is no such method, or it compares responses and the recording has RDMs only.
    """
    if method not in METHODS:
        raise SpikelearnError(f"there is no method '{method}'; {nearest(method, METHODS)}")
    return METHODS[method](models, recording, n_bootstrap, seed, **options)
