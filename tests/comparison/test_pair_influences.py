"""What pairs of stimuli contribute to scores, against leaving each pair out."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn.comparison import COMPARATORS
from spikelearn.comparison.comparators import compare_vectors
from spikelearn.comparison.pair_influences import PairInfluences


@pytest.mark.parametrize("comparator", COMPARATORS)
def test_influences_predict_the_score_without_a_pair(comparator) -> None:
    random = np.random.default_rng(4)
    common = random.normal(size=(1, 190))
    model, data = 3 + common + random.normal(size=(2, 1, 190)) * 0.7
    influences = PairInfluences(model, data, comparator).of(0, [0])
    assert influences.mean() == pytest.approx(0.0, abs=1e-9)
    if "whitened" in comparator:
        return  # its values are not those of pairs
    score = compare_vectors(model, data, comparator).item()
    without = [
        compare_vectors(np.delete(model, p, 1), np.delete(data, p, 1), comparator).item()
        for p in range(190)
    ]
    jackknife = (score - np.array(without)) * 189
    assert np.corrcoef(jackknife, influences)[0, 1] > 0.9
