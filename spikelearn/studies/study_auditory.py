"""The auditory part of a study: model neurons beside a recorded receptor, and how it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._names import file_name
from spikelearn._progress import Progress
from spikelearn.report.spiking import Raster
from spikelearn.studies import auditory
from spikelearn.studies.study_spikes import raster_of

if TYPE_CHECKING:
    from spikelearn.recordings import AuditoryRecording
    from spikelearn.studies.study import Study

WINDOW_MS = (1000.0, 1300.0)  # stretch of the last sound that is drawn


def auditory_recording(study: Study) -> AuditoryRecording | None:
    """The recording that the study's model neurons are fitted to; None where it asks for none.

    Raises
    ------
    SpikelearnError
        If there is none of that name, or it is not auditory.
    """
    from spikelearn import recordings

    if study.auditory is None:
        return None
    loaded = recordings.load(study.auditory.recording)
    if not isinstance(loaded, recordings.AuditoryRecording):
        raise SpikelearnError(
            f"the recording '{study.auditory.recording}' is of no auditory receptor; choose"
            " grasshopper"
        )
    return loaded


def study_auditory(
    study: Study, recording: AuditoryRecording | None, progress: Progress | None = None
) -> auditory.AuditoryResult | None:
    """Fit and score the model neurons; None where the study asks for none.

    Parameters
    ----------
    study : Study
    recording : AuditoryRecording or None
        Of `auditory_recording`.
    progress : callable, optional
        Called with the fraction done and a few words.
    """
    if study.auditory is None or recording is None:
        return None
    return auditory.run(recording, study.auditory.backend, study.seed, progress)


def file_names(result: auditory.AuditoryResult, recording: AuditoryRecording) -> dict[str, str]:
    """The name of the file of each model's spikes."""
    return {
        model: file_name(f"{recording.name}_{model.replace(' ', '_').replace('-', '_')}")
        for model in result.activities
    }


def auditory_rasters(result: auditory.AuditoryResult) -> list[Raster]:
    """Each model's population under a stretch of the last sound."""
    rasters = []
    for model, activity in result.activities.items():
        caption = (
            f"{activity['neurons'].size} {model} neurons with noise of their own hear the"
            f" sound “{activity.labels[-1]}”."
        )
        title = f"{model[0].upper()}{model[1:]} neurons"
        last = activity.n_trials - 1
        rasters.append(raster_of(title, activity, "neurons", last, caption, WINDOW_MS))
    return rasters


def auditory_traces(result: auditory.AuditoryResult) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Times (ms) and rates (Hz) over a stretch of the last sound, the receptor's first.

    Each model's is shifted by its lag behind the receptor.
    """
    bin_ms = auditory.BIN_MS
    first, last = (round(t / bin_ms) for t in WINDOW_MS)
    time_ms = (np.arange(first, last) + 0.5) * bin_ms
    lags = result.table.set_index("model")["lag_ms"].to_dict()
    traces = {}
    for name, values in result.traces.items():
        if name != "sound envelope":
            shift = round(lags.get(name, 0.0) / bin_ms)
            traces[name] = time_ms, values[-1, first - shift : last - shift]
    return traces
