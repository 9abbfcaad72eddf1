"""An axis has each value once, however it is written; whatever is no axis is told in a sentence."""

from __future__ import annotations

import pytest

import spikelearn as sl
from spikelearn.sweeps.axes import Axis, Varied

TAU, REST = "populations.neuron.tau_m_ms", "populations.neuron.refractory_ms"


def zipped(*values):
    parts = [{"path": p, "values": v} for p, v in zip((TAU, REST), values, strict=True)]
    return [{"together": parts}]


def swept(vary, **more):
    return sl.Sweep(simulate="lif_neuron", vary=vary, **more)


@pytest.mark.parametrize(
    ("vary", "words"),
    [
        ({TAU: [10, 10]}, f"10 stands twice in {TAU}"),
        ({TAU: [10, 20, 10.0]}, "10.0 stands twice"),
        ({TAU: "10, 1e+1"}, "stands twice"),
        ({TAU: "3:3:2"}, "3 stands twice"),
        ({TAU: "1:1.00000000000001:4:log"}, "1 stands twice"),
        ({TAU: "normal(5, 0):2"}, "5 stands twice"),
        ({TAU: ["a", "a"]}, "'a' stands twice"),
        ({TAU: [None, None]}, "None stands twice"),
        ({TAU: [float("nan"), float("nan")]}, "nan stands twice"),
        ({TAU: [[1, 2], [1.0, 2]]}, "[1.0, 2] stands twice"),
        ({TAU: [{"a": 1, "b": 2}, {"b": 2.0, "a": 1}]}, "stands twice"),
        (zipped([1, 2, 1], [3, 4, 3.0]), f"1 with 3.0 stands twice in {TAU} with {REST}"),
        ([{"path": TAU, "values": [1], "name": "a"}, {"path": TAU, "values": [2], "name": "b"}],
         f"{TAU} stands twice, as 'a' and as 'b'"),
        ({TAU: "integers(1, 3):4"}, "integers(1, 3) has 3 values, of which 4 cannot be drawn"),
        (None, "where nothing varies it is left out (found None)"),
        (3, "paths with their values are needed"),
        ("tau", "paths with their values are needed"),
        ([None], "an axis is {path: ..., values: ...}, and not None"),
        ([[TAU, [1, 2]]], "an axis is"),
        ({TAU: None}, "a list of values, or a text that says them"),
        ({TAU: {"a": 1}}, "a list of values"),
        ({TAU: 3}, "a list of values"),
        ({3: [1]}, "a path is text"),
        ([{"together": None}], "a list of at least 2 axes is needed"),
        ([{"together": [3, None]}], "an axis is"),
    ],
)  # fmt: skip
def test_what_would_give_equal_rows_or_is_no_axis_is_refused(vary, words):
    with pytest.raises(sl.SpikelearnError) as raised:
        swept(vary)
    assert words in str(raised.value)
    for theirs in ("Input should", "function-", "\n"):
        assert theirs not in str(raised.value)


def test_values_that_only_look_alike_are_two():
    for values in ([True, 1], ["1", 1], [[1, 2], [2, 1]], [None, "null"], [0.1, 0.1 + 2e-17 * 8]):
        assert swept({TAU: values}).n_runs == 2
    assert swept(zipped([1, 1, 2], [3, 4, 3])).n_runs == 3
    assert swept({}).n_runs == 1


def test_whole_numbers_are_drawn_each_once_where_they_vary_alone():
    """All of them where there are no more; those of one axis with another as they come."""
    for seed in range(20):
        assert sorted(v for (v,) in Axis(drawn("integers(1, 6):6"), seed).values) == [*range(1, 7)]
    first = [tuple(v for (v,) in Axis(drawn("integers(1, 3):2"), s).values) for s in range(3000)]
    pairs = [(a, b) for a in (1, 2, 3) for b in (1, 2, 3) if a != b]
    assert set(first) == set(pairs)
    for pair in pairs:  # each as often: 500, give or take four standard deviations
        assert abs(first.count(pair) - 500) < 4 * (3000 * 1 / 6 * 5 / 6) ** 0.5
    assert swept(zipped("integers(0, 1):30", "uniform(1, 2):30")).n_runs == 30
    # In the digits of an axis these are one number: told so, and not drawn for ever.
    with pytest.raises(sl.SpikelearnError, match="1000000000000000 stands twice"):
        swept({TAU: "integers(1000000000000000, 1000000000000005):6"})


def drawn(text):
    return Varied(path=TAU, values=text)


@pytest.mark.parametrize("fields", [{"seeds": None}, {"seeds": 0}, {"measures": []},
                                    {"measures": 3}])  # fmt: skip
def test_seeds_and_measures_that_are_none_are_told_so(fields):
    with pytest.raises(sl.SpikelearnError, match="are needed"):
        swept({}, **fields)
