"""The product of spikes and weights, forwards and backwards, at the cost of the spikes.

    drives[r] = sum_i x[r, i] W[:, i],   dC/dW[:, i] = sum_r x[r, i] dC/ddrives[r]

Input spikes are mostly zeros: only rows of spikes are added up, in the order of their index, by
compiled loops over contiguous memory, in parallel over parts that share no sum. So the result does
not depend on the number of threads. A dense product is taken where it is the faster one (many
spikes, few targets, small products), on a GPU, where a gradient with respect to the spikes is asked
for, and where someone watches the operations of torch.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear
from torch.utils._python_dispatch import _get_current_dispatch_mode

from spikelearn._compiling import compiled
from spikelearn._threads import ThreadPool

# From where the loops take less time than the dense product and its gradient:
_LARGE = 1 << 25  # multiplications of the dense product
_WIDE = 64  # targets, among which the search for spikes is shared
_SPARSE = 0.2  # share of nonzero inputs, at most
_SAMPLED = 64  # rows that are looked at to tell
_BLOCK = 128  # rows whose spikes are sorted by sender at once: they stay in the cache


def spike_product(spikes: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """`torch.nn.functional.linear(spikes, weight)` for spikes of shape (..., n_in), mostly zeros.

    Parameters
    ----------
    spikes : tensor of shape (..., n_in)
        0 or 1, or numbers of spikes.
    weight : tensor of shape (n_out, n_in)
        In mV.

    Returns
    -------
    tensor of shape (..., n_out)
        In mV.
    """
    if not _worth_it(spikes, weight):
        return linear(spikes, weight)
    rows = spikes.reshape(-1, spikes.shape[-1]).contiguous()
    product: torch.Tensor = _Product.apply(rows, weight)
    return product.unflatten(0, spikes.shape[:-1])


def _worth_it(spikes: torch.Tensor, weight: torch.Tensor) -> bool:
    plain = all(
        type(x) in (torch.Tensor, torch.nn.Parameter)
        and x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        for x in (spikes, weight)
    )
    if not plain or spikes.dtype != weight.dtype or spikes.requires_grad:
        return False
    if _get_current_dispatch_mode() is not None:
        return False
    if len(weight) < _WIDE or spikes.numel() * len(weight) < _LARGE:
        return False
    rows = spikes.reshape(-1, spikes.shape[-1])
    some = rows[:: max(1, len(rows) // _SAMPLED)]
    return int(torch.count_nonzero(some)) <= _SPARSE * some.numel()


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, spikes: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(spikes)
        product = spikes.new_empty(len(spikes), len(weight))
        by_sender = weight.detach().T.contiguous()
        _in_parts(_add_senders, len(spikes), spikes.numpy(), by_sender.numpy(), product.numpy())
        return product

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        (spikes,) = ctx.saved_tensors
        signal = gradients[0].contiguous()
        gradient = signal.new_empty(spikes.shape[1], signal.shape[1])
        _in_parts(_add_receivers, len(gradient), spikes.numpy(), signal.numpy(), gradient.numpy())
        return None, gradient.T.contiguous()


def _in_parts(loop: Callable[..., None], n: int, *arrays: np.ndarray) -> None:
    """Run a loop over 0 to n on as many threads as torch uses."""
    threads = torch.get_num_threads()
    cuts = [n * part // threads for part in range(threads + 1)]
    *others, own = itertools.pairwise(cuts)
    with ThreadPool(max(1, len(others))) as pool:  # starts no thread before it is needed
        done = [pool.submit(loop, *arrays, first, last) for first, last in others]
        loop(*arrays, *own)
        for part in done:
            part.result()


@compiled(nogil=True)
def _add_rows(out: np.ndarray, rows: np.ndarray, which: np.ndarray, n: int, by: np.ndarray) -> None:
    """Add the rows `which[:n]`, each times its entry of `by`; four at once, in their order."""
    k = 0
    while k + 4 <= n:
        a, b, c, d = which[k], which[k + 1], which[k + 2], which[k + 3]
        ra, rb, rc, rd = rows[a], rows[b], rows[c], rows[d]
        p, q, r, s = by[a], by[b], by[c], by[d]
        for j in range(out.size):
            out[j] = out[j] + p * ra[j] + q * rb[j] + r * rc[j] + s * rd[j]
        k += 4
    while k < n:
        ra, p = rows[which[k]], by[which[k]]
        for j in range(out.size):
            out[j] += p * ra[j]
        k += 1


@compiled(nogil=True)
def _add_senders(
    spikes: np.ndarray, by_sender: np.ndarray, out: np.ndarray, first: int, last: int
) -> None:
    """Rows first to last of spikes @ by_sender."""
    n_in = spikes.shape[1]
    which = np.empty(n_in + 1, np.int64)
    for r in range(first, last):
        n = 0
        for i in range(n_in):  # without a branch, which would be guessed wrongly
            which[n] = i
            n += spikes[r, i] != 0
        out[r] = 0
        _add_rows(out[r], by_sender, which, n, spikes[r])


@compiled(nogil=True)
def _add_receivers(
    spikes: np.ndarray, signal: np.ndarray, out: np.ndarray, first: int, last: int
) -> None:
    """Rows first to last of spikes.T @ signal."""
    which = np.empty((last - first, _BLOCK + 1), np.int64)
    n = np.empty(last - first, np.int64)
    out[first:last] = 0
    for start in range(0, len(spikes), _BLOCK):
        n[:] = 0
        for r in range(start, min(start + _BLOCK, len(spikes))):
            for i in range(first, last):
                own = i - first
                which[own, n[own]] = r
                n[own] += spikes[r, i] != 0
        for i in range(first, last):
            own = i - first
            _add_rows(out[i], signal, which[own], n[own], spikes[:, i])
