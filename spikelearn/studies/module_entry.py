"""A module of PyTorch in a study's list of networks: what makes it, its layers, its images."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, PositiveInt, field_validator

from spikelearn._description import Description
from spikelearn.rules.user_rule import absolute_place, is_place


class ModuleEntry(Description):
    """A module that is compared as it is made; the study trains nothing of it.

    Its file is run when the study is, and not before: not to read or to plan it.
    """

    named_by: ClassVar[tuple[str, ...]] = ("name", "module")

    module: str = Field(
        description="Python file and what makes the module there, as my_net.py:make_net: a function"
        " without arguments, a class, or a module; the file's code is run"
    )
    layers: tuple[str, ...] | None = Field(
        default=None, min_length=1,
        description="names of submodules; all that have weights, if left out",
    )  # fmt: skip
    preprocess: str | None = Field(
        default=None,
        description="Python file and function that takes an image to a tensor, as"
        " my_net.py:preprocess",
    )
    name: str = Field(
        default="", description="by which it stands in tables; that of what makes it, if left out"
    )
    family: str = Field(default="module of PyTorch", description="as it is printed")
    n_seeds: PositiveInt = Field(
        default=1,
        description="with how many of the study's seeds it is made, the first: of a function that"
        " draws its weights, as many networks",
    )

    @field_validator("module", "preprocess")
    @classmethod
    def _is_place(cls, place: str | None) -> str | None:
        if place is None:
            return None
        if not is_place(place) or place.endswith(":"):
            raise ValueError("it is named by a Python file and what is meant there, my_net.py:name")
        return absolute_place(place)

    @field_validator("layers")
    @classmethod
    def _each_once(cls, layers: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for layer in layers or ():
            if (layers or ()).count(layer) > 1:
                raise ValueError(f"{layer} stands twice")
        return layers

    @property
    def called(self) -> str:
        """By which it stands in tables."""
        return self.name or self.module.rpartition(":")[2]

    @property
    def places(self) -> list[str]:
        """What is run of it: files, and what is meant in them."""
        return [self.module, *([self.preprocess] if self.preprocess is not None else [])]


def parted(content: Any) -> Any:
    """What a study's description says, with the modules of its list of networks as `modules`."""
    networks = content.get("networks") if isinstance(content, dict) else None
    if not isinstance(networks, list | tuple):
        return content
    modules = [one for one in networks if isinstance(one, dict) and "module" in one]
    if not modules:
        return content
    trained = [one for one in networks if not any(one is module for module in modules)]
    before = content.get("modules", ())
    more = [*before, *modules] if isinstance(before, list | tuple) else before
    return {**content, "networks": trained, "modules": more}
