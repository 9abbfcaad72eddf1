"""Models as RSA compares them: instances, stimuli in common, and what pairs of them contribute."""

from __future__ import annotations

import numpy as np
import pytest
from rsa_examples import made_up_recording, response

from spikelearn._errors import SpikelearnError
from spikelearn.comparison.compared_rdms import ComparedRDMs

RECORDING = made_up_recording(16)
RANDOM = np.random.default_rng(2)
SILENT = np.abs(RANDOM.normal(size=(16, 6)))
SILENT[3] = 0.0
MODELS = {
    "a": [response(RANDOM.normal(size=(16, 6))) for _ in range(2)],
    "b": response(RANDOM.normal(size=(16, 6))),
    "silent": response(SILENT),
}


def compared() -> ComparedRDMs:
    return ComparedRDMs(MODELS, RECORDING, 40, 0, "stimuli", "spearman")


def test_models_are_scored_over_the_stimuli_that_all_of_a_set_have() -> None:
    found = dict(compared().scored([("a",), ("a", "silent"), ("a", "b")]))
    assert {keys: scored[0].n_stimuli for keys, scored in found.items()} == {
        ("a",): 16, ("a", "b"): 16, ("a", "silent"): 15,
    }  # fmt: skip


def test_a_difference_and_its_opposite_mirror_each_other() -> None:
    ((_, (a, b)),) = compared().scored([("a", "b")])
    one, other = a.less(b).sampled([0], "stimuli", 0), b.less(a).sampled([0], "stimuli", 0)
    assert one.score == pytest.approx(-other.score)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_relabelling_gives_the_p_of_every_row_and_none_to_what_has_no_score() -> None:
    tested = compared().permuted("a", 20)
    assert len(tested.p) == len(compared().rows)
    assert all(1 / 21 <= p <= 1 for p in tested.p)
    flat = ComparedRDMs(
        {"flat": response(np.ones((16, 3)))}, RECORDING, 0, 0, "stimuli", "spearman"
    )
    assert np.isnan(flat.permuted("flat", 20).p).all()
    with pytest.raises(SpikelearnError, match="no instance"):
        ComparedRDMs({"none": []}, RECORDING, 0, 0, "stimuli", "spearman")
