"""Numbers and options of a comparison, refused before any work where they cannot be."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from spikelearn._arguments import in_few, is_whole
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._seeding import checked_seed

_MOST_RESAMPLES, _LARGEST = 10_000_000, 10_000  # resamples of stimuli, and pixels of a side


def check_method(method: str) -> None:
    """Refuse a method that there is not.

    Raises
    ------
    SpikelearnError
    """
    from spikelearn.comparison.methods import METHODS

    if not isinstance(method, str) or method not in METHODS:
        raise SpikelearnError(f"there is no method '{method}'; {nearest(str(method), METHODS)}")


def check_options(
    method: str,
    n_bootstrap: Any,
    seed: Any,
    resolutions: Any,
    assign_layers: Any,
    options: Mapping[str, Any],
) -> None:
    """Refuse what a comparison does not take.

    Parameters
    ----------
    method : str
    n_bootstrap, seed, resolutions, assign_layers
        As of `compare`.
    options : mapping
        Of the method.

    Raises
    ------
    SpikelearnError
        Naming what is wrong, and what would be right.
    """
    check_method(method)
    checked_seed(seed)
    if not is_whole(n_bootstrap) or not 0 <= n_bootstrap <= _MOST_RESAMPLES:
        raise SpikelearnError(
            f"n_bootstrap is a whole number from 0 to {_MOST_RESAMPLES:,}, found"
            f" {in_few(n_bootstrap, 40)}"
        )
    listed = isinstance(resolutions, Iterable) and not isinstance(resolutions, str)
    if not listed or not all(is_whole(side) and 0 < side <= _LARGEST for side in resolutions):
        raise SpikelearnError(
            f"resolutions are a list of sides in pixels, from 1 to {_LARGEST:,}, found"
            f" {in_few(resolutions)}"
        )
    if not isinstance(assign_layers, bool):
        raise SpikelearnError(f"assign_layers is true or false, found {assign_layers!r:.40}")
    known = options_of(method)
    for name in options:
        if name not in known:
            raise SpikelearnError(
                f"the method {method} has no option '{name}'; {nearest(name, known)}"
            )


def options_of(method: str) -> list[str]:
    """Names of the options of a method of comparison."""
    from spikelearn.comparison.methods import METHODS
    from spikelearn.comparison.models_and_targets import PARTIAL_RSA
    from spikelearn.comparison.partial_rsa import compare_partial_rsa

    function = compare_partial_rsa if method == PARTIAL_RSA else METHODS[method]
    names = [
        parameter.name for parameter in inspect.signature(function).parameters.values()
        if parameter.name not in _OF_ALL and parameter.kind is not parameter.VAR_KEYWORD
    ]  # fmt: skip
    return [*names, "given"] if method == PARTIAL_RSA else names


# What `compare` gives every method itself.
_OF_ALL = (
    "models",
    "responses",
    "recording",
    "n_bootstrap",
    "seed",
    "controls",
    "method",
    "progress",
)
