"""What any network should beat: baselines that are made of the images, scored like networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError, nearest

if TYPE_CHECKING:
    import pandas as pd
    import xarray

    from spikelearn.recordings import ImageRecording

BASELINES = ("pixels", "mean_luminance", "gabor_energy", "random_features", "category")
# The category model that the authors of a recording found best, or a later paper did.
PUBLISHED_CATEGORIES = {"kriegeskorte92": "animate", "algonauts2019:92": "animate"}
# Recordings of ours that are made of the kinds of stimuli, as those of one's own may be.
_OF_KINDS = ("simulated_cortex",)


def at_resolution(images: np.ndarray, side: int | None) -> np.ndarray:
    """Images averaged over areas to `side` x `side` pixels; as they are, if None.

    Parameters
    ----------
    images : uint8 array of shape (n, height, width) or (n, height, width, 3)
    side : int or None

    Returns
    -------
    uint8 array of shape (n, side, side) or (n, side, side, 3)

    Raises
    ------
    SpikelearnError
        If the side is no positive number.
    """
    from spikelearn.stimuli.images import network_images

    if side is None:
        return images
    if side < 1:
        raise SpikelearnError(f"images are reduced to at least 1 x 1 pixels, found {side}")
    channels = 3 if images.ndim == 4 else 1
    planes = network_images(images, (channels, side, side)).reshape(-1, channels, side, side)
    reduced = np.round(planes * 255).astype(np.uint8)
    return reduced.transpose(0, 2, 3, 1) if channels == 3 else reduced[:, 0]


def baseline_responses(
    recording: ImageRecording, side: int | None = None, seed: int = 0
) -> dict[tuple[str, str], xarray.DataArray]:
    """What any model should beat: `BASELINES`, by (model, layer).

    The category model is the published one, or of a recording of one's own, where its description
    gives categories, that of the kinds of stimuli: dissimilar if they are not in the same ones.

    Parameters
    ----------
    recording : ImageRecording
    side : int, optional
        Of the images, in pixels; as they were recorded, if left out.
    seed : int
        Of the random features.
    """
    from spikelearn.comparison import baselines
    from spikelearn.comparison.categories import kinds_of_stimuli
    from spikelearn.recordings import RECORDINGS

    images, labels = at_resolution(recording.images, side), recording.labels
    responses: dict[tuple[str, str], xarray.DataArray] = {
        ("pixels", ""): baselines.pixels(images, labels),
        ("mean_luminance", ""): baselines.mean_luminance(images, labels),
        ("gabor_energy", ""): baselines.gabor_energy(images, labels),
        ("random_features", ""): baselines.random_features(images, labels, seed=seed),
    }
    category = PUBLISHED_CATEGORIES.get(recording.name, "")
    if category in getattr(recording, "categories", {}):
        member = recording.categories[category]
        responses["category", category] = baselines.category_model(member, labels)
    elif recording.name in _OF_KINDS or recording.name.partition(":")[0] not in RECORDINGS:
        kinds = kinds_of_stimuli(recording)
        if kinds is not None and 1 < int(kinds.max()) + 1 < len(labels):
            name = next(iter(recording.categories)) if len(recording.categories) == 1 else "kinds"
            responses["category", name] = baselines.category_model(kinds, labels)
    return responses


def check_given(given: Sequence[str], recording: ImageRecording | None = None) -> None:
    """Refuse controls of partial RSA that there are not, before any work.

    Parameters
    ----------
    given : sequence of str
        Their names, of `BASELINES`.
    recording : ImageRecording, optional
        Whose images they are made of; not every one has categories.

    Raises
    ------
    SpikelearnError
    """
    if not given:
        raise SpikelearnError("partial RSA is given at least one control, such as pixels")
    for name in given:
        if name not in BASELINES:
            raise SpikelearnError(f"there is no control '{name}'; {nearest(name, BASELINES)}")
        if list(given).count(name) > 1:
            raise SpikelearnError(f"the control {name} is given twice")
    if recording is None or "category" not in given:
        return
    if "category" not in {name for name, _ in baseline_responses(recording)}:
        raise SpikelearnError(
            f"{recording.name} has no category model that could be the control; choose of"
            f" {', '.join(name for name in BASELINES if name != 'category')}"
        )


def with_controls(
    method: str, options: Mapping[str, Any], recording: ImageRecording, seed: int = 0
) -> dict[str, Any]:
    """Options of a method, in which `given`, names of baselines, has become their responses.

    Parameters
    ----------
    method : str
    options : mapping
        `given` is of partial RSA alone, and the pixels if left out.
    recording : ImageRecording
        Whose images the controls are made of, as they were recorded.
    seed : int
        Of the random features.

    Raises
    ------
    SpikelearnError
        If a control is unknown, or controls are given to another method.
    """
    from spikelearn.comparison.models_and_targets import PARTIAL_RSA

    rest = {name: value for name, value in options.items() if name != "given"}
    given = options.get("given")
    if method != PARTIAL_RSA:
        if given:
            raise SpikelearnError(f"controls are given to the method {PARTIAL_RSA}, not {method}")
        return rest
    if given is None and "controls" in rest:
        return rest
    given = ("pixels",) if given is None else tuple(given)
    check_given(given, recording)
    found = baseline_responses(recording, None, seed)
    return {**rest, "controls": {key: r for key, r in found.items() if key[0] in given}}


def baseline_table(
    recording: ImageRecording,
    n_bootstrap: int = 1000,
    seed: int = 0,
    *,
    method: str = "rsa",
    resolutions: Sequence[int | None] = (None,),
    **options: Any,
) -> pd.DataFrame:
    """The rows of `comparing.similarity` that are the same whatever networks are compared.

    Parameters
    ----------
    recording : ImageRecording
    n_bootstrap, seed, method
        As of `comparing.similarity`.
    resolutions : sequence of int or None
        Sides of the images in pixels; None as they were recorded.
    **options
        Of the method.
    """
    from spikelearn.comparison import compare_regions
    from spikelearn.comparison.methods import compare_by
    from spikelearn.comparison.tables import stacked

    recorded_side = max(recording.images.shape[1:3])
    options = with_controls(method, options, recording, seed)
    tables = []
    for side in resolutions:
        baselines = baseline_responses(recording, side, seed)
        table = compare_by(method, baselines, recording, n_bootstrap, seed, **options)
        tables.append(table.assign(network="", seed=0, resolution=side or recorded_side))
    if method == "rsa":
        comparator = options.get("comparator", "spearman")
        table = compare_regions(recording, n_bootstrap, seed, comparator)
        if len(table):
            tables.append(table.assign(network="", seed=0, resolution=recorded_side))
    return stacked(tables)
