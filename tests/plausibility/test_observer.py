"""The mode that sees every operation: interventions stop where they should."""

from __future__ import annotations

import torch

from spikelearn.plausibility.instruments.observer import OperationObserver, WeightRead


def test_changed_weights_are_read_unchanged_by_synapses_and_changed_by_all_else() -> None:
    w, h, d = torch.rand(3, 4), torch.rand(5, 4), torch.rand(5, 3)
    before = w.clone()
    observer = OperationObserver()
    observer.weights({"w": w}, network=True)
    observer.change(w, -w)
    with observer:
        forwards, backwards = h @ w.T, d @ w
        copied, escaped = d @ w.clone(), d @ torch.from_numpy(w.numpy().copy())
    assert torch.equal(forwards, h @ before.T)
    for found in (backwards, copied, escaped):
        assert torch.equal(found, -(d @ before))


def test_activity_is_changed_within_a_layer_and_not_beyond_its_synapses() -> None:
    w, v, h = torch.rand(3, 4), torch.rand(2, 3), torch.rand(5, 4)

    def alter(read: WeightRead, z: torch.Tensor) -> torch.Tensor | None:
        return z + 1 if read.owners == {"w"} else None

    observer = OperationObserver(alter=alter)
    observer.weights({"w": w, "v": v}, network=True)
    with observer:
        z = h @ w.T
        answer = torch.tanh(z)
        sent = answer @ v.T
    assert torch.equal(answer, torch.tanh(h @ w.T + 1))
    assert torch.equal(sent, torch.tanh(h @ w.T) @ v.T)


def test_gradients_pass_back_by_the_changed_weights_and_forwards_by_the_unchanged() -> None:
    w = torch.rand(3, 4, dtype=torch.float64, requires_grad=True)
    h = torch.rand(5, 4, dtype=torch.float64, requires_grad=True)
    before = w.detach().clone()
    observer = OperationObserver()
    observer.weights({"w": w}, network=True)
    observer.change(w, 2 * w.detach())
    with observer:
        z = h @ w.T
        (found,) = torch.autograd.grad(z.sum(), h)
    assert torch.equal(z.detach(), h.detach() @ before.T)
    assert torch.allclose(found, 2 * before.sum(0).expand(5, 4))
