"""Rules that were renamed: old names in files, on the command line and in Python are still read.

A training rule is a name of `spikelearn.rules.RULES`, or of a plasticity that is audited by itself;
a plasticity is the `rule` of a projection's `plasticity`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Literal

OLD_NAMES: dict[str, dict[str, str]] = {
    "rule": {"pair_stdp": "stdp", "reward_stdp_in_time": "dopamine_stdp"},
    # `reward_stdp` is the training rule of Mozafari et al. 2018; as a plasticity it was that of
    # Izhikevich 2007.
    "plasticity": {"pair_stdp": "stdp", "reward_stdp": "dopamine_stdp"},
}


def current_name(kind: Literal["rule", "plasticity"], name: Any) -> Any:
    """The name that is used today; a word of warning where `name` is an old one.

    What is no old name, or no name at all, comes back as it is.
    """
    new = OLD_NAMES[kind].get(name) if isinstance(name, str) else None
    if new is None:
        return name
    message = f"the {kind} '{name}' is called '{new}' now; write the new name, the old one may go"
    warnings.warn(message, FutureWarning, stacklevel=3)
    return new


def with_first_names(network: Mapping[str, Any]) -> dict[str, Any]:
    """A network's written description with plasticities named as in the first stored runs.

    From it the keys of runs are made, so that a plasticity that is renamed keeps the runs that it
    made.

    Parameters
    ----------
    network : mapping
        Plain values, as a run's config.yaml holds them.
    """
    first = {new: old for old, new in OLD_NAMES["plasticity"].items()}
    projections = []
    for projection in network.get("projections", ()):
        plasticity = projection.get("plasticity")
        if plasticity is None:
            projections.append(projection)
        else:
            rule = first.get(plasticity["rule"], plasticity["rule"])
            projections.append({**projection, "plasticity": {**plasticity, "rule": rule}})
    return {**network, "projections": projections} if projections else dict(network)
