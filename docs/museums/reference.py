"""The reference: every name of `spikelearn.__all__`, and of the rooms'."""

from __future__ import annotations

import importlib
from types import ModuleType

import spikelearn
from museums.rst import Pages, contents, heading, page, prose

# The folder that Sphinx fills with a page for each public name.
NAMES = "names"
ROOMS = tuple(name for name in dir(spikelearn) if name in spikelearn._ROOMS)


def write(pages: Pages) -> None:
    """A page for the front door and for each room; Sphinx makes one of each name in it."""
    modules = [importlib.import_module(f"spikelearn.{room}") for room in ROOMS]
    for module in (spikelearn, *modules):
        pages.text(f"reference/{module.__name__.rpartition('.')[2]}.rst", of_module(module))
        for name in own_names(module):
            pages.keep(f"reference/{NAMES}/{module.__name__}.{name}.rst")
    pages.text(
        "reference/index.rst",
        page(
            ".. _reference:\n",
            heading("Reference"),
            "Every public name. ``import spikelearn as sl`` has those of the first page; each room"
            " has more.\n",
            contents(["spikelearn", *ROOMS], shown=True),
        ),
    )


def public_names(module: ModuleType) -> list[str]:
    """Public names of a module, those of subpackages left out."""
    names = {name: getattr(module, name) for name in module.__all__}
    return sorted(name for name, one in names.items() if not isinstance(one, ModuleType))


def of_module(module: ModuleType) -> str:
    """What a module says of itself in its first paragraph, and its names."""
    says = (module.__doc__ or "").strip().partition("\n\n")[0]
    own = own_names(module)
    others = [name for name in public_names(module) if name not in own]
    return page(
        heading(module.__name__),
        f".. module:: {module.__name__}\n",
        f"{prose(says)}\n",
        summary(own) if own else "",
        *(
            f".. py:data:: {name}\n\n"
            f"   :py:obj:`spikelearn.{door(getattr(module, name))}`, of the front door.\n"
            for name in others
        ),
    )


def summary(names: list[str]) -> str:
    """A line for each name, and its page."""
    options = [f"   :toctree: {NAMES}", "   :nosignatures:", ""]
    return "\n".join([".. autosummary::", *options, *(f"   {name}" for name in names)])


def own_names(module: ModuleType) -> list[str]:
    """Public names of a module that have a page of their own: those of the front door have one."""
    names = public_names(module)
    at_door = module is spikelearn
    return [name for name in names if at_door or not door(getattr(module, name))]


def door(thing: object) -> str:
    """The name of a class or function at the front door; empty where it is not there."""
    if not callable(thing):
        return ""
    found = (name for name in public_names(spikelearn) if getattr(spikelearn, name) is thing)
    return next(found, "")
