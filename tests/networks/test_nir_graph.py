"""Graphs of every linear node, against their equations by the book."""

from __future__ import annotations

import itertools
from typing import Any

import nir
import numpy as np
import pytest
import torch
from nir_runs import random_input, run

from spikelearn.networks.spiking import SpikingNetwork

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def by_the_book(graph: nir.NIRGraph, x: np.ndarray, step_s: float) -> np.ndarray:
    """Forward Euler steps of a chain of nodes, as `spikelearn.networks.nir` writes them."""
    order, edges = ["input"], dict(graph.edges)
    while order[-1] in edges:
        order.append(edges[order[-1]])
    v: dict[str, Any] = {}
    i: dict[str, Any] = {}
    found = []
    for row in x:
        h = torch.as_tensor(row.reshape(tuple(graph.nodes["input"].input_type["input"])))
        for name in order:
            node = graph.nodes[name]
            if isinstance(node, nir.LIF | nir.CubaLIF):
                tau = getattr(node, "tau", getattr(node, "tau_mem", None))
                current = h.numpy()
                old = v.get(name, node.v_leak)
                if isinstance(node, nir.CubaLIF):
                    i.setdefault(name, 0.0)
                    i[name] += step_s / node.tau_syn * (node.w_in * current - i[name])
                    current = i[name]
                new = old + step_s / tau * (node.v_leak - old + node.r * current)
                fired = new > node.v_threshold
                v[name] = np.where(fired, node.v_reset, new)
                h = torch.as_tensor(fired.astype(float))
            else:
                h = _linear(node, h)
        found.append(h.numpy())
    return np.array(found).astype(int)


def _linear(node: Any, h: torch.Tensor) -> torch.Tensor:  # noqa: PLR0911
    def pair(value: Any) -> tuple[int, int]:
        first, second = np.broadcast_to(np.ravel(value), (2,))
        return int(first), int(second)

    if isinstance(node, nir.Affine):
        return torch.as_tensor(node.weight) @ h + torch.as_tensor(node.bias)
    if isinstance(node, nir.Linear):
        return torch.as_tensor(node.weight) @ h
    if isinstance(node, nir.Scale):
        return torch.as_tensor(node.scale) * h
    if isinstance(node, nir.Flatten):
        return h.flatten()
    if isinstance(node, nir.Conv2d):
        padding = node.padding if isinstance(node.padding, str) else pair(node.padding)
        return torch.nn.functional.conv2d(
            h[None],
            torch.as_tensor(node.weight),
            torch.as_tensor(node.bias),
            pair(node.stride),
            padding,
            pair(node.dilation),
            node.groups,
        )[0]
    if isinstance(node, nir.AvgPool2d | nir.SumPool2d):
        mean = torch.nn.functional.avg_pool2d(
            h[None], pair(node.kernel_size), pair(node.stride), pair(node.padding)
        )[0]
        area = 1 if isinstance(node, nir.AvgPool2d) else np.prod(pair(node.kernel_size))
        return mean * area
    return h


def lif(shape: tuple[int, ...], rng: np.random.Generator, cuba: bool = False) -> nir.NIRNode:
    common = {
        "r": rng.uniform(0.5, 2.0, shape),
        "v_leak": rng.uniform(-0.1, 0.1, shape),
        "v_threshold": rng.uniform(0.3, 0.5, shape),
        "v_reset": rng.uniform(-0.3, 0.0, shape),
    }
    taus = rng.uniform(0.002, 0.02, shape)
    if cuba:
        w_in = rng.uniform(1.0, 4.0, shape)
        return nir.CubaLIF(tau_syn=np.full(shape, 0.004), tau_mem=taus, w_in=w_in, **common)
    return nir.LIF(tau=taus, **common)


@pytest.mark.parametrize("cuba", [False, True], ids=["lif", "cuba"])
@pytest.mark.parametrize("padding", [1, "same", (0, 2)])
def test_images_through_every_linear_node(padding: Any, cuba: bool) -> None:
    rng = np.random.default_rng(3)
    conv = nir.Conv2d(
        (8, 7), rng.normal(0, 12, (6, 1, 3, 2)), 1, padding, (2, 1), 2, rng.normal(0, 3, 6)
    )
    after_conv = _linear(conv, torch.zeros(2, 8, 7, dtype=torch.float64)).shape
    pool = nir.SumPool2d(np.array([2, 1]), np.array([2, 1]), np.array([0, 0]))
    mean = nir.AvgPool2d(np.array([2, 3]), np.array([1, 2]), np.array([1, 1]))
    after_pools = _linear(mean, _linear(pool, torch.zeros(after_conv, dtype=torch.float64))).shape
    n = int(np.prod(after_pools))
    nodes = {
        "input": nir.Input(np.array([2, 8, 7])),
        "conv": conv,
        "first": lif(tuple(after_conv), rng, cuba),
        "pool": pool,
        "mean": mean,
        "scale": nir.Scale(rng.uniform(2, 4, tuple(after_pools))),
        "flat": nir.Flatten({"input": np.array(after_pools)}, 0, -1),
        "dense": nir.Affine(rng.normal(0, 9, (5, n)), rng.normal(0, 0.2, 5)),
        "second": lif((5,), rng, cuba),
        "output": nir.Output(np.array([5])),
    }
    names = list(nodes)
    graph = nir.NIRGraph(nodes, list(itertools.pairwise(names)), type_check=False)
    x = random_input(2 * 8 * 7, rate=0.3)
    wanted = by_the_book(graph, x, 1e-3)
    assert wanted.sum() > 30
    found = run(SpikingNetwork.from_nir(graph, dt_ms=1.0), x, 1.0)
    np.testing.assert_array_equal(found["second"], wanted)


def test_delays_and_branches() -> None:
    """Two ways to one population, of which one takes three steps longer."""
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 3, (4, 6))
    nodes = {
        "input": nir.Input(np.array([6])),
        "now": nir.Linear(weight),
        "later": nir.Delay(np.array([0.0, 3e-3, 3e-3, 0.0])),
        "cells": nir.LIF(*(np.full(4, p) for p in (0.01, 1.0, 0.0, 0.3, 0.0))),
        "output": nir.Output(np.array([4])),
    }
    edges = [("input", "now"), ("now", "cells"), ("now", "later"), ("later", "cells")]
    graph = nir.NIRGraph(nodes, [*edges, ("cells", "output")], type_check=False)
    x = random_input(6)
    shifted = np.vstack([np.zeros((3, 6)), x[:-3]])
    delayed = np.array([0, 1, 1, 0])
    current = x @ weight.T * (2 - delayed) + shifted @ weight.T * delayed
    v, wanted = np.zeros(4), []
    for row in current:
        v = v + 0.1 * (row - v)
        wanted.append(v > 0.3)
        v = np.where(v > 0.3, 0.0, v)
    found = run(SpikingNetwork.from_nir(graph, dt_ms=1.0), x, 1.0)["cells"]
    assert found.sum() > 20
    np.testing.assert_array_equal(found, np.array(wanted).astype(int))
