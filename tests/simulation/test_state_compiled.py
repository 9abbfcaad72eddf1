"""Records of the native engine: fields where the processor reads them quickly, by their names."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn.simulation.native import compiled, state

RECORDS = [
    name for name, value in vars(state).items() if name.isupper() and isinstance(value, np.dtype)
]


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_has_every_number_at_a_multiple_of_its_size(name: str) -> None:
    record = getattr(state, name)
    assert record.names
    for kind, offset in record.fields.values():
        assert offset % kind.alignment == 0


def test_compiled_code_reads_records_by_name_and_counts_no_uses() -> None:
    kind = np.dtype([("first", np.int64), ("decay", np.float64)], align=True)
    records = np.zeros(2, dtype=kind)
    records["first"], records["decay"] = [3, 4], [0.5, 0.25]

    @compiled.inner
    def product(given: np.ndarray, k: int) -> float:
        return given[k].first * given[k].decay

    @compiled.entry
    def total(given: np.ndarray) -> float:
        return product(given, 0) + product(given, 1)

    assert total(records) == 3 * 0.5 + 4 * 0.25
