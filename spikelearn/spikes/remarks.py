"""What a reader of the summary must know, in sentences: what numbers rest on, what is amiss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikelearn._counts import counted
from spikelearn.spikes.statistics import LEAST_INTERVALS
from spikelearn.spikes.synchrony import population_fano_factor
from spikelearn.spikes.window import trials_by_stimulus

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.spikes.activity import Activity

_TRANSIENT = 0.2  # of the trial: what is left out to see whether the start is like the rest
_FALLS = 2.0  # times: synchrony of an asynchronous network scatters less


def remarks(activity: Activity, table: pd.DataFrame, bin_ms: float = 5.0) -> list[str]:
    """Sentences on a summary, each where it is true.

    Parameters
    ----------
    activity : Activity
        What was summarised.
    table : DataFrame
        Its `summary`, made with the same bins.
    bin_ms : float
        Width of the bins of `synchrony`.
    """
    found = []
    short = table["isi_cv"].isna() & table["cv2"].notna()
    few = [str(name) for name in table["population"][short]]
    if few:
        found.append(
            f"isi_cv reads low of few intervals and is given from {LEAST_INTERVALS} in a trial on,"
            f" which no neuron of {' and '.join(few)} has; cv2 is 1 for a Poisson process of any"
            " number"
        )
    groups = trials_by_stimulus(activity).values()
    repeated = [trials.size for trials in groups if trials.size > 1]
    if repeated:
        each = f"{min(repeated)} to " * (len(set(repeated)) > 1) + counted(max(repeated), "trial")
        found.append(
            f"fano_factor rests on {each} of each of"
            f" {counted(len(repeated), 'stimulus', 'stimuli')}"
        )
    elif activity.n_trials > 1:
        found.append(
            f"there is no fano_factor, for each of the {len(groups)} trials has a stimulus of its"
            " own; counts of different stimuli are not pooled"
        )
    start_ms = _TRANSIENT * activity.duration_ms
    if activity.duration_ms - start_ms < 2 * bin_ms:
        return found
    for name, whole in zip(table["population"], table["synchrony"].astype(float), strict=True):
        later = population_fano_factor(activity, name, bin_ms, start_ms) if whole > 1 else whole
        if later * _FALLS < whole:
            found.append(
                f"synchrony of {name} is {whole:.3g} with the start of the trial, and {later:.3g}"
                f" without its first {start_ms:g} ms; a transient is left out by start_ms (--start)"
            )
    return found
