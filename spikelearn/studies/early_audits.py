"""Audits of a study's rules that its workers make as soon as no network waits for one of them.

An audit asks small networks of its own, not those that the study trains: so workers that have no
network left make audits beside the last trainings, and none stands idle while these end. What is
found is kept as `study_audit` keeps it, which reads it; what fails here is tried again there, where
its sentence is told.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._errors import SpikelearnError

if TYPE_CHECKING:
    from spikelearn.plausibility.measuring import Wanted
    from spikelearn.studies.study import Study


@dataclass(frozen=True)
class AuditTask:
    """A rule that is audited with a seed.

    Attributes
    ----------
    rule : str
        Its name, or its place in a file.
    seed : int
    options : dict
        Of the rule.
    """

    rule: str
    seed: int
    options: dict[str, Any]


@dataclass(frozen=True)
class AuditWork:
    """What a worker does with such a task.

    Attributes
    ----------
    criteria : tuple of str
    """

    criteria: tuple[str, ...]

    def __call__(self, task: AuditTask, folder: Path) -> None:
        """Measure the rule, and keep what is found in the folder of the study.

        Parameters
        ----------
        task : AuditTask
        folder : Path
            Of the study, or one in its place.
        """
        from spikelearn.plausibility.measuring import Wanted, measure_one

        measure_one(task.rule, task.seed, Wanted(self.criteria, folder / "audit"), task.options)


@dataclass
class EarlyAudits:
    """The audits of a study that are to be made, and which of them workers have made.

    Attributes
    ----------
    study : Study
    folder : Path
        Of the study.
    again : bool
        Whether to make also what is there.
    made : set of Path
        Folders of findings that were measured now.
    """

    study: Study
    folder: Path
    again: bool = False
    made: set[Path] = field(default_factory=set)

    @property
    def work(self) -> AuditWork:
        """What a worker does with each."""
        return AuditWork(audit_criteria(self.study))

    def wanted(self) -> Wanted:
        """What is to be measured, but for what was measured now."""
        from spikelearn.plausibility.measuring import Wanted

        criteria = audit_criteria(self.study)
        return Wanted.of(criteria, self.folder / "audit", self.again, frozenset(self.made))

    def tasks(self) -> Iterator[AuditTask]:
        """Those that are not made yet, of rules that can be audited; the others are told later."""
        from spikelearn.plausibility.measuring import to_measure

        wanted = self.wanted()
        if not wanted.criteria:
            return
        for rules, options in audited_rules(self.study):
            with contextlib.suppress(SpikelearnError):
                for rule, seed in to_measure(rules, self.study.audit_seeds, wanted, options):
                    yield AuditTask(rule, seed, options)

    def note(self, task: AuditTask) -> None:
        """Keep that an audit was made."""
        from spikelearn.plausibility.measuring import kept_in

        self.made.add(kept_in(task.rule, task.seed, self.wanted(), task.options))


def audit_criteria(study: Study) -> tuple[str, ...]:
    """The criteria by which a study audits its rules."""
    from spikelearn.plausibility.criteria import CRITERIA

    return tuple(CRITERIA) if study.criteria == "all" else tuple(study.criteria)


def audited_rules(study: Study) -> list[tuple[list[str], dict[str, Any]]]:
    """The rules that are audited, each once: the shipped ones, and one of one's own at a time.

    Shipped rules are audited with their own options; one that a user has written may have none,
    and is audited with those of its first network.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of (list of str, dict)
        Rules that are audited together, with their options.
    """
    from spikelearn.plausibility.audit import all_rules
    from spikelearn.plausibility.instruments.repeated_update import KINDS
    from spikelearn.rules import rule_entry
    from spikelearn.rules.user_rule import is_place

    configs = [entry.config(study.seeds[0], study.n_train) for entry in study.networks]
    known = set(all_rules())
    shipped = list(dict.fromkeys(c.rule for c in configs if c.rule in known))
    own: dict[str, dict[str, Any]] = {}
    for config in configs:
        if is_place(config.rule_place):
            rule = rule_entry(config.rule_place).rule_class
            if rule.trains and rule.networks[0] in KINDS:
                own.setdefault(config.rule_place, dict(getattr(config, "options", {})))
    return [(shipped, {})] * bool(shipped) + [([rule], options) for rule, options in own.items()]
