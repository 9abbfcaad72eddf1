"""What the tests of RSA share: responses and recordings made up for the purpose."""

from __future__ import annotations

import numpy as np
import pytest
import xarray
from scipy.spatial.distance import pdist

from spikelearn.recordings import ImageRecording, RecordedRDM, kriegeskorte92
from spikelearn.stimuli import ImageDataset

needs_images = pytest.mark.skipif(
    not kriegeskorte92.at_hand(),
    reason="the files of kriegeskorte92 are neither in SPIKELEARN_DATA nor cached",
)


def response(values: np.ndarray, labels=None, **attrs) -> xarray.DataArray:
    labels = [f"s{i}" for i in range(len(values))] if labels is None else labels
    return xarray.DataArray(
        values, dims=("stimulus", "unit"), coords={"stimulus": list(labels)}, attrs=attrs
    )


def made_up_recording(n_stimuli: int, seed: int = 0, n_subjects: int = 3) -> ImageRecording:
    """Subjects with one representation in common, each session with its noise."""
    generator = np.random.default_rng(seed)
    common = generator.normal(size=(n_stimuli, 20))

    def noisy() -> np.ndarray:
        return pdist(common + generator.normal(size=common.shape), "correlation")

    images = generator.integers(0, 256, (n_stimuli, 4, 4), dtype=np.uint8)
    labels = tuple(f"s{i}" for i in range(n_stimuli))
    none = np.zeros(0, np.uint8)
    stimuli = ImageDataset(
        "made up", images[:0], none, images, np.arange(n_stimuli, dtype=np.uint8), labels, "here"
    )
    return ImageRecording(
        "made up",
        "nobody",
        "none",
        stimuli,
        tuple(
            RecordedRDM(f"S{s}", "human IT", str(k), noisy(), "1 - Pearson r")
            for s in range(n_subjects)
            for k in range(2)
        ),
        {
            region: RecordedRDM("group", region, "", noisy(), "1 - Pearson r")
            for region in ("human IT", "monkey IT")
        },
        {},
    )


def score(table, region: str, subject: str) -> float:
    column = table.level if subject in ("mean", "group") else table.subject
    rows = table[(table.region == region) & (column == subject)]
    assert len(rows) == 1
    return rows.score.item()
