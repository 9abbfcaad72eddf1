"""Where a rule is, and how it is written and drawn."""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spikelearn.rules._read_class import attribute, documentation, first_line
from spikelearn.rules.user_rule import rule_from_file

# Colours that the colour-blind can tell apart (Okabe & Ito 2008); greys for what learned nothing.
BLUE, VERMILION, ORANGE, SKY = "#0072b2", "#d55e00", "#e69f00", "#56b4e9"
PURPLE, GREEN, DARK_GREY, GREY = "#cc79a7", "#009e73", "#5c5c5c", "#8a8a8a"


@dataclass(frozen=True)
class RuleEntry:
    """Where a rule is, and how it is written and drawn.

    Attributes
    ----------
    module, name_of_class : str
        Where it is. The class says what the rule is and which networks it trains; it is not
        imported for that.
    options : mapping
        What makes this variant of its family.
    label : str or None
        How figures and tables call it; its name with blanks, if None.
    colour : str
        Of its marks in figures.
    place : str or None
        File and class of a rule that a user has written.
    """

    module: str
    name_of_class: str
    options: Mapping[str, Any] = field(default_factory=dict)
    label: str | None = None
    colour: str = SKY
    place: str | None = None

    @property
    def rule_class(self) -> Any:
        """Its class, which is imported."""
        if self.place is not None:
            return rule_from_file(self.place)
        return getattr(importlib.import_module(self.module), self.name_of_class)

    @property
    def networks(self) -> tuple[str, ...]:
        """Kinds of models it trains, the usual one first: the class's attribute `networks`."""
        if self.place is not None:
            return tuple(self.rule_class.networks)
        return _networks(self.module, self.name_of_class)

    @property
    def description(self) -> str:
        """What it is: the first line of its class's docstring, or its sentence among `variants`."""
        if self.place is not None:
            return (self.rule_class.__doc__ or "").strip().partition("\n")[0].removesuffix(".")
        line = first_line(self.module, self.name_of_class)
        if self.options:
            variant = ", ".join(f"{name}={value}" for name, value in self.options.items())
            variants = attribute(self.module, self.name_of_class, "variants") or {}
            line = variants.get(variant, line)
        return line.removesuffix(".")

    @property
    def documentation(self) -> tuple[str, str]:
        """What the rule's file says of the family, and what the class says; neither is imported."""
        return documentation(self.module, self.name_of_class)

    @property
    def trains(self) -> bool:
        """Whether it changes any weight: the untrained baselines do not."""
        return self._said("trains") is not False

    @property
    def claims(self) -> dict[str, bool]:
        """What its authors say of the criteria of biological plausibility that it meets."""
        return dict(self._said("claims") or {})

    @property
    def paper(self) -> str:
        """The paper that its class names, in a line; empty where it names none."""
        text = self.documentation[1] if self.place is None else self.rule_class.__doc__ or ""
        found = re.search(r"^[ ]*Papers?: (.+?)[ ]*(?:\n[ ]*\n|\Z)", text, re.MULTILINE | re.DOTALL)
        return " ".join(found[1].split()).removesuffix(".") if found else ""

    def _said(self, name: str) -> Any:
        """An attribute of its class, which is not imported where its file says it."""
        if self.place is not None:
            return getattr(self.rule_class, name, None)
        return attribute(self.module, self.name_of_class, name)

    @property
    def simulated(self) -> bool:
        """Whether the simulation carries it out, as part of a spiking network's description."""
        return self.networks == ("spiking",)


@functools.cache
def _networks(module: str, name_of_class: str) -> tuple[str, ...]:
    return tuple(attribute(module, name_of_class, "networks"))
