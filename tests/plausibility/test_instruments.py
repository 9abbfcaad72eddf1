"""The two instruments: tags go where numbers go, and interventions stop where they should."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from spikelearn.plausibility._contraction import direction
from spikelearn.plausibility._shadow import Lineage
from spikelearn.plausibility.watch import Read, Watch


def followed(make: Any, *sources: tuple[torch.Tensor, str]) -> frozenset[str]:
    """Sources of what `make` computes from tensors that are sources."""
    watch = Watch(tags=True)
    for tensor, name in sources:
        watch.mark(tensor, name)
    with watch:
        result = make()
    return watch.tags_of(result)


def elements(make: Any, *sources: tuple[torch.Tensor, str]) -> list[frozenset[str]]:
    """Sources of every element of it."""
    watch = Watch(tags=True)
    for tensor, name in sources:
        watch.mark(tensor, name)
    with watch:
        result = make()
    bits = watch.shadow.tags(result)
    assert bits is not None
    return [watch.sources.of(value) for value in bits.flatten().tolist()]


def test_tags_pass_through_views_and_writes_into_them() -> None:
    a, b = torch.ones(3, 2), torch.ones(3)

    def make() -> torch.Tensor:
        kept = torch.zeros(2, 3)
        kept.t()[:, 1] += b  # into a view of a view
        kept[0].copy_(a[:, 0])
        return kept

    assert elements(make, (a, "a"), (b, "b")) == [frozenset("a")] * 3 + [frozenset("b")] * 3


def test_tags_pass_through_automatic_differentiation_and_what_it_has_saved() -> None:
    w = torch.ones(2, 3, requires_grad=True)
    x = torch.ones(4, 3)

    def make() -> torch.Tensor:
        h = torch.tanh(x @ w.T)
        return torch.autograd.grad(h.sum(), w)[0]

    assert followed(make, (x, "x"), (w, "w")) == {"x", "w"}  # w by the slope of tanh


def test_a_linear_layer_s_gradient_does_not_depend_on_its_weights() -> None:
    w = torch.ones(2, 3, requires_grad=True)
    x = torch.ones(4, 3)
    make = lambda: torch.autograd.grad((x @ w.T).sum(), w)[0]  # noqa: E731
    assert followed(make, (x, "x"), (w, "w")) == {"x"}


def test_tags_are_kept_apart_by_element_in_products() -> None:
    x = torch.ones(2, 3)
    w = torch.ones(3, 2)
    found = elements(lambda: x @ w, (x[0], "first"), (x[1], "second"))
    assert found == [frozenset({"first"})] * 2 + [frozenset({"second"})] * 2


def test_tags_pass_through_the_parts_of_complex_numbers() -> None:
    a, b = torch.ones(2), torch.ones(2)
    assert followed(lambda: torch.complex(a, b).real * 1, (a, "a"), (b, "b")) == {"a", "b"}


def test_tags_pass_through_numpy_where_memory_is_shared() -> None:
    a = torch.ones(2)
    assert followed(lambda: torch.from_numpy(np.asarray(a)) * 2, (a, "a")) == {"a"}


def test_what_is_overwritten_is_forgotten() -> None:
    a = torch.ones(2)
    assert followed(lambda: (a * 1).zero_() + 1, (a, "a")) == frozenset()


def test_what_leaves_torch_is_written_down() -> None:
    watch, a = Watch(tags=True), torch.ones(1)
    watch.mark(a, "a")
    with watch:
        float(a)
    assert watch.following.left == [frozenset({"a"})]


def test_random_numbers_are_a_source() -> None:
    generator = torch.Generator()
    assert followed(lambda: torch.rand(3, generator=generator) * 2) == {"noise"}


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (lambda w, h, d: h @ w.T, "forwards"),
        (lambda w, h, d: torch.nn.functional.linear(h, w), "forwards"),
        (lambda w, h, d: torch.einsum("bi,oi->bo", h, w), "forwards"),
        (lambda w, h, d: d @ w, "backwards"),
        (lambda w, h, d: (w.T @ d.T).T, "backwards"),
        (lambda w, h, d: d @ (2 * w.sign().contiguous()), "backwards"),
        (lambda w, h, d: torch.einsum("bo,oi->bi", d, w), "backwards"),
        (lambda w, h, d: (d[:, :, None] * w).sum(1), "backwards"),
        (lambda w, h, d: (h[:, None, :] * w).sum(2), "forwards"),
        (lambda w, h, d: torch.stack([w, w])[0].t().t().reshape(3, 4).clone() @ h.T, "forwards"),
    ],
)
def test_which_way_weights_are_read_is_seen_however_it_is_written(read: Any, expected: str) -> None:
    w, h, d = torch.rand(3, 4), torch.rand(5, 4), torch.rand(5, 3)
    watch = Watch(keep_reads=True)
    watch.weights({"w": w}, network=True)
    with watch:
        read(w, h, d)
    assert {r.direction for r in watch.reads} == {expected}


@pytest.mark.parametrize("transposed", [False, True])
def test_which_way_kernels_are_read_is_seen(transposed: bool) -> None:
    w = torch.rand(3, 2, 3, 3)
    watch = Watch(keep_reads=True)
    watch.weights({"w": w}, network=True)
    with watch:
        if transposed:
            torch.nn.functional.conv_transpose2d(torch.rand(1, 3, 4, 4), w)
        else:
            torch.nn.functional.conv2d(torch.rand(1, 2, 4, 4), w)
    assert [r.direction for r in watch.reads] == ["backwards" if transposed else "forwards"]


def test_a_single_unit_is_read_the_way_its_other_side_says() -> None:
    one_unit = Lineage(torch.zeros(1, 4).long(), torch.arange(4)[None], frozenset("w"))
    assert direction(one_unit, 1) == "forwards"
    assert direction(one_unit, 0) == "backwards"


def test_changed_weights_are_read_unchanged_by_synapses_and_changed_by_all_else() -> None:
    w, h, d = torch.rand(3, 4), torch.rand(5, 4), torch.rand(5, 3)
    before = w.clone()
    watch = Watch()
    watch.weights({"w": w}, network=True)
    watch.change(w, -w)
    with watch:
        forwards, backwards = h @ w.T, d @ w
        copied, escaped = d @ w.clone(), d @ torch.from_numpy(w.numpy().copy())
    assert torch.equal(forwards, h @ before.T)
    for found in (backwards, copied, escaped):
        assert torch.equal(found, -(d @ before))


def test_activity_is_changed_within_a_layer_and_not_beyond_its_synapses() -> None:
    w, v, h = torch.rand(3, 4), torch.rand(2, 3), torch.rand(5, 4)

    def alter(read: Read, z: torch.Tensor) -> torch.Tensor | None:
        return z + 1 if read.owners == {"w"} else None

    watch = Watch(alter=alter)
    watch.weights({"w": w, "v": v}, network=True)
    with watch:
        z = h @ w.T
        answer = torch.tanh(z)
        sent = answer @ v.T
    assert torch.equal(answer, torch.tanh(h @ w.T + 1))
    assert torch.equal(sent, torch.tanh(h @ w.T) @ v.T)


def test_gradients_pass_back_by_the_changed_weights_and_forwards_by_the_unchanged() -> None:
    w = torch.rand(3, 4, dtype=torch.float64, requires_grad=True)
    h = torch.rand(5, 4, dtype=torch.float64, requires_grad=True)
    before = w.detach().clone()
    watch = Watch()
    watch.weights({"w": w}, network=True)
    watch.change(w, 2 * w.detach())
    with watch:
        z = h @ w.T
        (found,) = torch.autograd.grad(z.sum(), h)
    assert torch.equal(z.detach(), h.detach() @ before.T)
    assert torch.allclose(found, 2 * before.sum(0).expand(5, 4))
