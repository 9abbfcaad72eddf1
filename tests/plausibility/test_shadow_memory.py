"""What is known of numbers is kept by their place in memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tags import elements, followed

from spikelearn._errors import SpikelearnError


def test_tags_pass_through_views_and_writes_into_them() -> None:
    a, b = torch.ones(3, 2), torch.ones(3)

    def make() -> torch.Tensor:
        kept = torch.zeros(2, 3)
        kept.t()[:, 1] += b  # into a view of a view
        kept[0].copy_(a[:, 0])
        return kept

    assert elements(make, (a, "a"), (b, "b")) == [frozenset("a")] * 3 + [frozenset("b")] * 3


def test_tags_pass_through_the_parts_of_complex_numbers() -> None:
    a, b = torch.ones(2), torch.ones(2)
    assert followed(lambda: torch.complex(a, b).real * 1, (a, "a"), (b, "b")) == {"a", "b"}


def test_tags_pass_through_numpy_where_memory_is_shared() -> None:
    a = torch.ones(2)
    assert followed(lambda: torch.from_numpy(np.asarray(a)) * 2, (a, "a")) == {"a"}


def test_a_tensor_that_holds_part_of_its_numbers_is_refused_in_one_sentence() -> None:
    a = torch.eye(3)
    with pytest.raises(SpikelearnError, match="is sparse coo; it can be audited with a dense"):
        followed(lambda: torch.sparse.mm(a.to_sparse(), a), (a, "a"))
