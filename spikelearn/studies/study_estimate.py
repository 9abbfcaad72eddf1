"""How many networks a study trains, how long, and how much of the disk: told before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spikelearn._counts import counted
from spikelearn._keys import content_key
from spikelearn._room import Part, in_bytes, in_time, require_disk
from spikelearn.studies.study_pieces import Piece
from spikelearn.training.expected_costs import Costs, expected_costs

_SCORES_BYTES = 12_500  # of the table of a network, a recording and a method


@dataclass(frozen=True)
class StudyEstimate:
    """What there is to do, about.

    Attributes
    ----------
    n_networks, n_to_train, n_to_finish : int
        All with each of their seeds; those that are trained anew; and those that are to be
        controlled or compared, the former among them.
    seconds : float
        Of training, by one process.
    n_bytes : float
        That the study's folder grows by.
    n_unknown : int
        Networks of `n_to_train` that cannot be told, and are in neither.
    of_each : dict of str to float
        Seconds of those that can, by the key of the run.
    """

    n_networks: int
    n_to_train: int
    n_to_finish: int
    seconds: float = 0.0
    n_bytes: float = 0.0
    n_unknown: int = 0
    of_each: dict[str, float] = field(default_factory=dict)

    def sentence(self) -> str:
        """All of it in words."""
        if not self.n_to_finish:
            return f"{_networks(self.n_networks)}, all of them trained and compared already"
        said = _networks(self.n_networks)
        if self.n_to_train < self.n_networks:
            said += f", of which {self.n_networks - self.n_to_train} are trained already"
        said += f"; {self.n_to_finish} to control and compare" if not self.n_to_train else ""
        if self.n_to_train:
            time = "less than a second" if self.seconds < 1 else f"about {in_time(self.seconds)}"
            said += f"; training {self.n_to_train} takes {time} of one process, by a sample of"
            said += " their updates (controls, comparisons and tests come on top)"
        if self.n_unknown:
            said += f", and {self.n_unknown} of them that it cannot be told of"
        return f"{said}; about {in_bytes(self.n_bytes)} of disk"


def study_estimate(
    pieces: Sequence[Piece], again: bool = False, elsewhere: Sequence[Piece] = ()
) -> StudyEstimate:
    """What is to be done of a study; networks that differ in their seed alone take as long.

    Parameters
    ----------
    pieces : sequence of Piece
    again : bool
        Whether what is there is computed anew.
    elsewhere : sequence of Piece
        Those of them that are taken from where they lie trained.
    """
    lies = {piece.key for piece in elsewhere}
    to_train = [piece for piece in pieces if again or not (piece.trained or piece.key in lies)]
    to_finish = [piece for piece in pieces if again or not piece.complete]
    known: dict[str, Costs | None] = {}
    costs = [_costs(piece, known) for piece in to_train]
    told = [one for one in costs if one is not None]
    of_each = {
        piece.key: one.seconds
        for piece, one in zip(to_train, costs, strict=True)
        if one is not None
    }
    tables = sum(len(piece.recordings) * len(piece.study.methods) + 1 for piece in to_finish)
    return StudyEstimate(
        len(pieces),
        len(to_train),
        len(to_finish),
        sum(one.seconds for one in told),
        sum(one.n_bytes for one in told) + _SCORES_BYTES * tables,
        len(costs) - len(told),
        of_each,
    )


def require_room(estimate: StudyEstimate, folder: Path) -> None:
    """Refuse a study whose folder's disk does not hold it.

    Raises
    ------
    NoRoomError
    """
    part = Part(f"{counted(estimate.n_to_finish, 'network')} and their tables", estimate.n_bytes)
    require_disk("the study", [part], folder)


def _costs(piece: Piece, known: dict[str, Costs | None]) -> Costs | None:
    about = piece.config.model_dump(mode="json", exclude={"seed"})
    key = content_key(about)
    if key not in known:
        try:
            known[key] = expected_costs(piece.config)
        except Exception:  # a rule that fails says why when it is its turn
            known[key] = None
    return known[key]


def _networks(number: int) -> str:
    return counted(number, "network")
