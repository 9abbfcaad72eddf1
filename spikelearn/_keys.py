"""Keys of results: a digest of all that decides a result, by which it is stored and found again.

Runs, scores, audits and compiled code are kept under such keys. What is digested is a text whose
form is fixed, so that results stored by earlier releases keep their names: a configuration as JSON
with its fields in alphabetical order, files as their bytes one after another.

Rules that were renamed stand here too: old names in files, on the command line and in Python are
still read, and keys are made of the first ones. A training rule is a name of
`spikelearn.rules.RULES`, or of a plasticity that is audited by itself; a plasticity is the `rule`
of a projection's `plasticity`.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal


def text_key(text: str, n_digits: int = 64) -> str:
    """The first hexadecimal digits of the SHA-256 of a text, of which there are 64."""
    return hashlib.sha256(text.encode()).hexdigest()[:n_digits]


def configuration_key(content: Any, n_digits: int) -> str:
    """The key of plain values: numbers, texts, and lists and dictionaries of them.

    Dictionaries that hold the same in another order have one key.
    """
    return text_key(json.dumps(content, sort_keys=True), n_digits)


def files_key(paths: Iterable[str | Path]) -> str:
    """The key of files by what stands in them, in the order given; names and dates do not count."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()


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
