"""Spikes times weights, against the dense product and its gradient."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import linear
from torch.utils._python_dispatch import TorchDispatchMode

from spikelearn.networks import spike_products
from spikelearn.networks.spike_products import spike_product
from spikelearn.networks.spiking_mlp import SpikingMLP


def product_and_gradient(product, x, w, signal):
    w = w.clone().requires_grad_()
    found = product(x, w)
    return found.detach(), torch.autograd.grad(found, w, signal)[0]


@pytest.fixture
def always(monkeypatch):
    """The loops, however small the product; and how often they ran."""
    ran = []
    own = spike_products._in_parts
    monkeypatch.setattr(spike_products, "_LARGE", 0)
    monkeypatch.setattr(spike_products, "_WIDE", 0)
    monkeypatch.setattr(spike_products, "_in_parts", lambda *a: (ran.append(a[0]), own(*a)))
    return ran


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4), st.integers(1, 90), st.integers(1, 40), st.integers(1, 20),
    st.floats(0.0, 1.0), st.integers(0, 2**31), st.sampled_from([1, 2, 3]),
)  # fmt: skip
def test_as_the_dense_product_in_any_shape(steps, batch, n_in, n_out, share, seed, threads):
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.rand((steps, batch, n_in), generator=generator, dtype=torch.float64)
    x = (drawn < share).double() * torch.randint(1, 4, drawn.shape, generator=generator)
    w = torch.randn((n_out, n_in), generator=generator, dtype=torch.float64)
    signal = torch.randn((steps, batch, n_out), generator=generator, dtype=torch.float64)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(spike_products, "_LARGE", 0)
            patch.setattr(spike_products, "_WIDE", 0)
            patch.setattr(spike_products, "_SPARSE", 1.0)
            found = product_and_gradient(spike_product, x, w, signal)
    finally:
        torch.set_num_threads(before)
    expected = product_and_gradient(linear, x, w, signal)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def case(share=0.1, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    x = (torch.rand((300, 50), generator=generator) < share).to(dtype)
    return x, torch.randn((20, 50), generator=generator, dtype=dtype)


def test_the_number_of_threads_changes_no_bit(always):
    x, w = case()
    before, found = torch.get_num_threads(), []
    for threads in (1, 2, 5):
        torch.set_num_threads(threads)
        found.append(product_and_gradient(spike_product, x, w, torch.ones(300, 20)))
    torch.set_num_threads(before)
    assert len(always) == 6
    for more in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], more, strict=True))


def test_a_strided_gradient_and_strided_spikes(always):
    x, w = case()
    signal = torch.randn(20, 300).T
    found = product_and_gradient(spike_product, x.T.contiguous().T, w, signal)
    expected = product_and_gradient(linear, x, w, signal)
    assert len(always) == 2
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_dense_where_many_spike_or_spikes_have_a_gradient_or_someone_watches(always):
    x, w = case(share=0.9)
    assert torch.equal(spike_product(x, w), linear(x, w))
    x, w = case()
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(spike_product(x, w).sum(), x)
    torch.testing.assert_close(gradient, w.sum(0).expand_as(x))

    class Watching(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            return func(*args, **(kwargs or {}))

    with Watching():
        spike_product(x.detach(), w)
    assert not always


def test_small_and_narrow_products_are_dense(always, monkeypatch):
    x, w = case()
    for limit in ("_LARGE", "_WIDE"):
        with monkeypatch.context() as patch:
            patch.setattr(spike_products, limit, 1 << 62)
            spike_product(x, w)
    assert not always
    spike_product(x, w)
    assert always


@pytest.mark.parametrize("backend", ["native", "snntorch", "norse"])
def test_a_classifier_learns_the_same_by_either_product(always, monkeypatch, backend):
    if backend != "native":
        pytest.importorskip(backend)
    model = SpikingMLP(name="m", sizes=(60, 25, 4), v_threshold_mv=0.5).build(0).double()
    generator = torch.Generator().manual_seed(1)
    x = (torch.rand((30, 8, 60), generator=generator) < 0.1).double()

    def counts_and_gradients():
        counts = model(x, backend=backend)
        loss = torch.nn.functional.cross_entropy(counts[-1], torch.arange(8) % 4)
        return [c.detach() for c in counts], torch.autograd.grad(loss, list(model.weights))

    counts, gradients = counts_and_gradients()
    assert {loop.__name__ for loop in always} == {"_add_senders", "_add_receivers"}
    ran = len(always)
    monkeypatch.setattr(spike_products, "_LARGE", 1 << 62)
    dense_counts, dense_gradients = counts_and_gradients()
    assert len(always) == ran
    assert all(c.sum() > 0 for c in counts)
    assert all(torch.equal(a, b) for a, b in zip(counts, dense_counts, strict=True))
    for ours, theirs in zip(gradients, dense_gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
