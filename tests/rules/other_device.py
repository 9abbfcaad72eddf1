"""A device that exists on any machine, and is as strict as a GPU about where tensors lie.

A tensor moved to it says that its device is `OTHER`; its values stay in the memory of the CPU.
Within `other_device()` an operation on tensors of both devices fails, as does drawing there with a
generator of the CPU, or handing its tensors to NumPy. It stands for CUDA where there is none: a
rule that makes a tensor on the CPU in the middle of its work is caught. `DEVICES` are it and, where
there is one, the GPU.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

OTHER = torch.device("meta")
CUDA = torch.device("cuda")
no_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU")
DEVICES = [pytest.param(OTHER, id="stand-in"), pytest.param(CUDA, id="cuda", marks=no_gpu)]
_aten = torch.ops.aten
# Copies cross over, and indices may lie on the CPU, but not what they index alone.
_INDEXES = {_aten.index, _aten.index_put_, _aten.index_put}
_CROSSES = {_aten._to_copy, _aten.copy_, *_INDEXES}


class _There(torch.Tensor):
    """A tensor of the other device around one of the CPU that has its values."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> _There:
        made = torch.Tensor._make_wrapper_subclass(
            cls, inner.shape, strides=inner.stride(), storage_offset=inner.storage_offset(),
            dtype=inner.dtype, device=OTHER, requires_grad=False,
        )  # fmt: skip
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class _Watch(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    given = tree_flatten((args, kwargs))[0]
    there = [a for a in given if isinstance(a, _There)]
    here = [a for a in given if isinstance(a, torch.Tensor) and not isinstance(a, _There)]
    if there and any(a.ndim for a in here) and func.overloadpacket not in _CROSSES:
        raise RuntimeError(f"{func} was given tensors of two devices")
    if func.overloadpacket in _INDEXES and there and not isinstance(args[0], _There):
        raise RuntimeError(f"{func} was given tensors of two devices")
    device = kwargs.get("device")
    result_there = torch.device(device) == OTHER if device is not None else bool(there)
    if func.overloadpacket is _aten.copy_:
        result_there = isinstance(args[0], _There)
    drawn_by = [a for a in given if isinstance(a, torch.Generator)]
    if drawn_by and result_there:
        raise RuntimeError(f"{func} was to draw on one device with a generator of another")
    if device is not None:
        kwargs = kwargs | {"device": torch.device("cpu")}
    inner_args, inner_kwargs = tree_map(_inner, (args, kwargs))
    result = func(*inner_args, **inner_kwargs)
    if not result_there:
        return result
    # What was changed in place is given back itself.
    known = {id(a.inner): a for a in there}

    def outer(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        return known[id(value)] if id(value) in known else _There(value)

    return tree_map(outer, result)


def _inner(value: Any) -> Any:
    return value.inner if isinstance(value, _There) else value


@contextlib.contextmanager
def other_device(device: torch.device = OTHER) -> Iterator[None]:
    """Within it tensors may be made on `device` and moved there."""
    with _Watch() if device == OTHER else contextlib.nullcontext():
        yield


def back(tensor: torch.Tensor) -> torch.Tensor:
    """The values, on the CPU."""
    return tensor.inner if isinstance(tensor, _There) else tensor.cpu()
