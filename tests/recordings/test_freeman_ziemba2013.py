"""Freeman-Ziemba in an assembly of the published layout, made here."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spikelearn.recordings import at_hand, freeman_ziemba2013, load
from tests.recordings.assembly_examples import write_assembly, write_stimuli
from tests.recordings.examples import random_images


@pytest.fixture
def textures(data):
    """6 images with the older names of columns, 4 repeats, 300 bins of 1 ms, 5 + 3 neurons."""
    draw = np.random.default_rng(1)
    ids = [f"{i:040x}" for i in draw.permutation(1000)[:6]]
    table = pd.DataFrame(
        {
            "image_id": ids,
            "filename": [f"{i}.png" for i in ids],
            "texture_type": ["noise", "texture"] * 3,
            "texture_family": [13, 13, 18, 18, 23, 23],
        }
    )
    images = random_images(6, colour=False)
    shown = np.repeat(ids, 4)[draw.permutation(24)]
    counts = draw.poisson(0.05, (8, 300, 24))
    folder = data / "freeman_ziemba2013"
    assembly = freeman_ziemba2013.ASSEMBLY
    write_stimuli(folder, assembly, table, images, within="movshon_stimuli/")
    write_assembly(
        folder / assembly.responses,
        counts.astype(float),
        {"image_id": shown, "repetition": np.arange(24)},
        {"neuroid_id": np.arange(1, 9), "region": ["V1"] * 5 + ["V2"] * 3},
        {"time_bin_start": np.arange(300), "time_bin_end": np.arange(1, 301)},
        ("neuroid", "time_bin", "presentation"),
    )
    return table, images, shown, counts


def test_textures_come_with_their_responses_from_50_to_200_ms(textures) -> None:
    table, images, shown, counts = textures
    assert at_hand("freeman_ziemba2013")
    recording = load("freeman_ziemba2013")
    assert recording.labels == tuple(sorted(table["image_id"]))
    for label, image in zip(recording.labels, recording.images, strict=True):
        row = list(table["image_id"]).index(label)
        np.testing.assert_array_equal(image, images[row])
        assert recording.categories["texture"][recording.labels.index(label)] == row % 2
    v1, v2 = recording.responses
    assert (v1.region, v2.region) == ("monkey V1", "monkey V2")
    assert v1.values.shape == (6, 4, 5)
    assert v2.unit_names == ("6", "7", "8")
    for number, label in enumerate(recording.labels):
        spikes = counts[:, 50:200][:, :, shown == label].sum(axis=1)  # (neuron, repeat)
        np.testing.assert_allclose(v1.values[number], spikes[:5].T / 0.150)
        np.testing.assert_allclose(v2.values[number], spikes[5:].T / 0.150)
    assert [r.region for r in recording.rdms] == ["monkey V1", "monkey V2"]
    course = recording.timecourses[0]
    assert course.time_ms.tolist() == [10.0 + 20 * k for k in range(15)]
    binned = np.stack(
        [counts[:5, 80:100][:, :, shown == x].sum(axis=(1, 2)) for x in recording.labels]
    )
    expected = 1 - np.corrcoef(binned)[np.triu_indices(6, k=1)]
    np.testing.assert_allclose(course.dissimilarities[4], expected, atol=1e-12)
