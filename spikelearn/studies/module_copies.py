"""Copies of a user's module, so that the module itself is never run and nothing of it changes.

Each batch of images is shown to a copy that is as the module was before any image: in evaluation
mode, and, where it keeps a state from one call to the next, as spiking neurons do, with that state
put back. Copies share the weights, which no module should change while it is shown images; one that
does is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from spikelearn._errors import SpikelearnError
from spikelearn._raised import raised
from spikelearn.comparison.guards import evaluation_mode

# What libraries of spiking neurons call the method that forgets what was seen.
RESETS = ("reset", "reset_mem", "reset_hidden", "reset_state")


class ModuleCopies:
    """A module in evaluation mode, as often as it is asked for.

    Parameters
    ----------
    module : nn.Module
        Stays as it is, mode, weights, buffers and state.
    name : str
        Of the module, for the errors.

    Raises
    ------
    SpikelearnError
        Where it has weights that are not made yet, or cannot be copied.
    """

    def __init__(self, module: nn.Module, name: str) -> None:
        for part, weight in [*module.named_parameters(), *module.named_buffers()]:
            if isinstance(weight, UninitializedParameter | UninitializedBuffer):
                raise SpikelearnError(
                    f"the weights '{part}' of the module {name} are made when it is first run; run"
                    " it on one image first"
                )
        self.name, self._module = name, module
        try:
            self._first: nn.Module = copy.deepcopy(module, _detached(module))
        except Exception as error:
            raise SpikelearnError(
                f"the module {name} cannot be copied, and would be changed by the images that it is"
                f" shown ({raised(error)})"
            ) from error
        self._first.eval()
        _reset(self._first, name)

    @contextmanager
    def fresh(self) -> Iterator[nn.Module]:
        """A copy that has seen nothing; it may not be in training mode, nor change its weights.

        Raises
        ------
        SpikelearnError
            Where it did, after it was used.
        """
        weights: dict[int, Any] = {id(one): one for one in self._first.parameters()}
        made: nn.Module = copy.deepcopy(self._first, {**_detached(self._first), **weights})
        with evaluation_mode(made):
            yield made
        theirs = dict(self._module.named_parameters())
        for part, weight in made.named_parameters():
            same = part in theirs and torch.allclose(
                weight, theirs[part], rtol=0.0, atol=0.0, equal_nan=True
            )
            if not same:
                raise SpikelearnError(
                    f"the module {self.name} changes its weights '{part}' when it is shown images,"
                    " so that what it responds depends on what it was shown before"
                )


def _detached(module: nn.Module) -> dict[int, Any]:
    """A memory for `copy.deepcopy` with tensors that are no leaves, which it does not copy."""
    known: dict[int, Any] = {}
    for part in module.modules():
        for name, value in vars(part).items():
            if name not in ("_parameters", "_modules"):
                for tensor in _tensors(value):
                    if not tensor.is_leaf:
                        known[id(tensor)] = tensor.detach().clone()
    return known


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _tensors(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _tensors(one)


def _reset(module: nn.Module, name: str) -> None:
    """Let the module forget what it saw before; parts of one that can do so as a whole are left."""
    done: set[int] = set()
    for part in module.modules():
        method = next((m for m in RESETS if callable(getattr(part, m, None))), None)
        if id(part) in done or method is None:
            continue
        try:
            getattr(part, method)()
        except Exception as error:
            raise SpikelearnError(
                f"the module {name} cannot forget what it saw before: {method}() fails"
                f" ({raised(error)})"
            ) from error
        done.update(id(one) for one in part.modules())
