"""Names that stand beside an array, and are not passed over."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat

from spikelearn import load_recording
from spikelearn._errors import SpikelearnError
from tests.recordings.user_examples import LABELS, NAMES, describe, random_responses

ORDER = [3, 0, 4, 2, 1]


@pytest.mark.parametrize("form", ["npz", "mat"])
def test_names_of_all_stimuli_beside_the_numbers_are_not_passed_over(folder, form) -> None:
    values = random_responses(n_units=6)[:, 0]
    names = [NAMES[i] for i in ORDER]
    entry = {"kind": "responses", "file": f"a.{form}", "region": "IT"}

    def write(names):
        if form == "npz":
            np.savez(folder / "a.npz", it=values[ORDER], names=np.array(names))
        else:
            savemat(folder / "a.mat", {"it": values[ORDER], "names": np.array(names, dtype=object)})

    write(names)
    with pytest.raises(SpikelearnError, match="say `stimulus_names: names`"):
        load_recording(describe(folder, entry))
    recording = load_recording(describe(folder, {**entry, "stimulus_names": "names"}))
    np.testing.assert_array_equal(recording.responses[0].values[:, 0], values)
    write(["a", "b", "c", "d", "e"])
    np.testing.assert_array_equal(
        load_recording(describe(folder, entry)).responses[0].values[:, 0], values[ORDER]
    )


def test_names_of_a_triangle_bring_it_into_order(folder) -> None:
    from scipy.spatial.distance import squareform

    from tests.recordings.examples import random_rdm

    rdm = random_rdm(5, 2)
    (folder / "order.txt").write_text("\n".join(LABELS[i] for i in ORDER))
    for measure in ("dissimilarity", "similarity"):
        triangle = squareform(rdm[np.ix_(ORDER, ORDER)])
        np.save(folder / "t.npy", triangle if measure == "dissimilarity" else 1 - triangle)
        entry = {"kind": "rdm", "file": "t.npy", "region": "IT", "measure": measure}
        path = describe(folder, {**entry, "stimulus_names": "order.txt"})
        np.testing.assert_allclose(load_recording(path).rdms[0].matrix, rdm, atol=1e-12)
