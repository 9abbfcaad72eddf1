"""The firing rate against what stimuli differ in, such as the current: the f-I curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikelearn.plot.drawn_activity import Drawn, activity_of
from spikelearn.plot.style import drawing, pens_of
from spikelearn.spikes import summary_by

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def rate_curve(
    activity: Drawn,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the rate of each population at each value of a ladder of stimuli: the f-I curve.

    A line a population, with the s.d. over trials where there are several of a value.

    Parameters
    ----------
    activity : Activity, population of one, str or Path
        Trials whose labels are a number and a unit, as "150 pA".
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.
    ax : matplotlib Axes, optional
        Where it is drawn; a new figure, if absent.

    Returns
    -------
    Axes

    Raises
    ------
    SpikelearnError
        If the trials are no ladder.

    Examples
    --------
    >>> import spikelearn as sl
    >>> axis = sl.plot.rate_curve(sl.simulate("lif_neuron", "fi_curve", 100))
    >>> axis.get_xlabel(), axis.get_ylabel()
    ('current (pA)', 'firing rate (Hz)')
    """
    activity = activity_of(activity)
    table = summary_by.rate_curve(activity, start_ms, stop_ms)
    populations = list(dict.fromkeys(table["population"]))
    with drawing(ax, 5.5, 3.6) as axis:
        for name, pen in zip(populations, pens_of(len(populations)), strict=True):
            mine = table[table["population"] == name]
            repeated = bool((mine["n_trials"] > 1).any())
            axis.errorbar(
                mine["value"], mine["rate_hz"], mine["sd_hz"] if repeated else None,
                marker="o", markersize=4, capsize=2, label=name, **pen,
            )  # fmt: skip
        unit = table["unit"].iloc[0]
        spread = "; bars: s.d. over trials" if (table["n_trials"] > 1).any() else ""
        axis.set_xlabel(f"{'current' if unit.endswith('A') else 'stimulus'} ({unit})")
        axis.set_ylabel(f"firing rate (Hz){spread}")
        axis.set_ylim(0, None if table["rate_hz"].max() > 0 else 1)
        stop = activity.duration_ms if stop_ms is None else stop_ms
        axis.set_title(f"spikes from {start_ms:g} to {stop:g} ms of each trial")
        if len(populations) > 1:
            axis.legend()
    return axis
