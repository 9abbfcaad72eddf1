"""Dissimilarity matrices: their section, and what is said of the order of the stimuli."""

from __future__ import annotations

import numpy as np

from spikelearn.report.matrices import matrices


def test_the_order_of_the_stimuli_is_said_where_they_have_categories():
    one = {"human IT": np.eye(6)}
    assert "pair of the 6 stimuli" in matrices(one).lead
    assert "ordered" not in matrices(one).lead
    grouped = matrices(one, [(0, 3, "animal"), (3, 6, "object")])
    assert grouped.lead.endswith("They are ordered by category: animal, object.")
    assert grouped.pictures[0].source.startswith("data:image/png;base64,")
    assert matrices({}) is None
