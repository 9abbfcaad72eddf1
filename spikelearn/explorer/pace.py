"""How much of a trial can be shown at once while a knob is dragged, as measured of the network.

A simulation takes a time that does not depend on its duration, and one that grows with it. The
first is not small beside a moment: neurons are put on the grid and what is shown is drawn however
short the trial is. Both are learnt from what simulations took, the shortest and the longest.
"""

from __future__ import annotations

LOOK_S, AT_ONCE_S = 0.1, 0.1
"""Seconds that a first look may take, and up to which the whole is shown at once."""
SHORTEST_MS = 20.0
_LEAST = 0.25  # of LOOK_S, for the steps themselves, however long all else takes
# A look is as long as the one before unless it should be so many times longer or shorter: it would
# change at every drag, as times do.
_ALIKE = 1.5


class Pace:
    """What a network's simulations take, and how long a first look at it is.

    Parameters
    ----------
    ms_a_second : float
        How much is simulated in a second, by an estimate.
    """

    def __init__(self, ms_a_second: float) -> None:
        self._ms_a_second, self._fixed_s = ms_a_second, 0.0
        self._taken: dict[float, float] = {}
        self._look_ms = 0.0

    def first_ms(self, duration_ms: float) -> float:
        """How long a first look is at a trial of that duration; all of it where that is quick."""
        if self._fixed_s + duration_ms / self._ms_a_second <= AT_ONCE_S:
            return duration_ms
        seconds = max(LOOK_S - self._fixed_s, _LEAST * LOOK_S)
        wanted = max(SHORTEST_MS, seconds * self._ms_a_second // 10 * 10)
        if not wanted / _ALIKE < self._look_ms < wanted * _ALIKE:
            self._look_ms = wanted
        return min(self._look_ms, duration_ms)

    def took(self, duration_ms: float, seconds: float) -> None:
        """Learn what a simulation took whose synapses were there.

        Parameters
        ----------
        duration_ms : float
            That was simulated.
        seconds : float
            Of the clock.
        """
        self._taken[duration_ms] = max(seconds, 1e-6)
        shortest, longest = min(self._taken), max(self._taken)
        for between in set(self._taken) - {shortest, longest, duration_ms}:
            del self._taken[between]
        mean = self._taken[longest] / longest
        slope = mean
        if longest > shortest:
            more_s = self._taken[longest] - self._taken[shortest]
            # Of two that took as long, one was disturbed.
            slope = min(max(more_s / (longest - shortest), 0.1 * mean), mean)
        self._ms_a_second = 1.0 / slope
        self._fixed_s = max(0.0, self._taken[shortest] - slope * shortest)
