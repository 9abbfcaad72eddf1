"""The demonstration's findings as tables and as the report's data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.studies import auditory
from spikelearn.studies.demo import (
    RATE_RULES,
    STDP_RULES,
    versions,
    write_tables,
)
from spikelearn.training.stdp_training import STDPRun

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.recordings import ImageRecording
    from spikelearn.report import Raster
    from spikelearn.spikes.activity import Activity
    from spikelearn.studies.demo import Run, _Found

RASTER_IMAGE = 0  # which of the images the rasters show
TRACE_MS = (1000.0, 1300.0)  # stretch of the second sound that is drawn
N_FIELDS = 40
# In the order in which the recording has its images.
CATEGORIES = {
    "human": "human",
    "nonhumani": "animal",
    "natObj": "natural object",
    "artiObj": "artificial object",
}


def write(out: Path, found: _Found, settings: dict[str, Any]) -> Path:
    """Write the tables, the configuration and the report; the path of the report."""
    from spikelearn.report import ReportData, write_report

    accuracy = accuracy_table(found.runs)
    tables = {"accuracy": accuracy}
    if found.similarity is not None:
        tables["similarity"] = found.similarity
    if found.auditory is not None:
        tables["auditory"] = found.auditory.table
    write_tables(out, tables, settings)
    data = ReportData(
        title="One network, many learning rules, and the brain",
        summary=_summary(found, settings),
        config=settings,
        versions=versions(),
        command=f"spikelearn demo --seed {settings['seeds'][0]}",
        accuracy=accuracy,
        curves=_stacked(found.runs, "epochs"),
        layers=_stacked(found.runs, "layers"),
        similarity=found.similarity,
        rdms=_rdms(found),
        rdm_groups=_groups(found.recording),
        rasters=_rasters(found),
        backend_agreement=_agreement(found),
        receptive_fields=_fields(found),
        auditory=None if found.auditory is None else found.auditory.table,
        auditory_traces=_traces(found),
        gaps=found.gaps,
        citations=_citations(found),
    )
    path = out / "report.html"
    write_report(data, path)
    return path


def _rule(run: Run) -> str:
    return str(run.config["rule"])


def accuracy_table(runs: list[Run]) -> pd.DataFrame:
    """One row per run: its summary, with how far the weights moved and which units are dead."""
    import pandas as pd

    rows = []
    for run in runs:
        backend = run.config["backend"] if isinstance(run, STDPRun) else _engine(_rule(run))
        rows.append(
            {
                "model": run.config["network"]["name"],
                "rule": _rule(run),
                "backend": backend,
                "seed": run.config["seed"],
                **run.summary,
                "mean_weight_displacement": float(run.layers["weight_displacement"].mean()),
                "dead_units": float(run.layers["dead_units"].max()),
            }
        )
    return pd.DataFrame(rows)


def _engine(rule: str) -> str:
    return "torch" if rule in RATE_RULES else "snntorch"


def _stacked(runs: list[Run], table: str) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for run in runs:
        if table == "epochs" and _rule(run) in STDP_RULES:
            continue  # it has neither epochs nor a loss
        names = {"model": run.config["network"]["name"], "rule": _rule(run)}
        parts.append(getattr(run, table).assign(**names, seed=run.config["seed"]))
    return pd.concat(parts, ignore_index=True)


def _summary(found: _Found, settings: dict[str, Any]) -> list[str]:
    digits, n_seeds = settings["digits"], len(settings["seeds"])
    lines = [
        f"The same perceptron was trained on {digits['n_train']:,} MNIST digits"
        f" ({digits['source']}) by backpropagation, feedback alignment and direct feedback"
        f" alignment, from the same initial weights for each of {n_seeds} seeds, and once left"
        " untrained.",
        "A spiking classifier was trained by surrogate gradients, and a competitive layer of"
        " spiking neurons by spike-timing-dependent plasticity; their controls are the untrained"
        " classifier, and the layer whose thresholds adapt while its weights stay.",
    ]
    if found.recording is not None:
        lines.append(
            f"All of them then saw the {found.recording.n_stimuli} object images that humans and"
            " monkeys were shown; their representations are compared with those of inferior"
            " temporal cortex, beside the pixels, the mean luminance and the untrained networks."
        )
    if found.auditory is not None:
        lines.append(
            "Model neurons heard the sounds that a grasshopper's auditory receptor heard; they"
            " were fitted on the first sound and are judged on the second."
        )
    return lines


def _agreement(found: _Found) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(found.agreement)


def _first_seed(found: _Found) -> int:
    return int(found.runs[0].config["seed"])


def _rdms(found: _Found) -> dict[str, np.ndarray]:
    """Matrices of the brains, the baselines and each network's last hidden layer, as ranks."""
    from spikelearn.comparison import mean_luminance, pixels, rdm

    recording = found.recording
    if recording is None:
        return {}
    matrices = {
        region: _ranked(group.dissimilarities) for region, group in recording.groups.items()
    }
    baselines = {"pixels": pixels, "mean luminance": mean_luminance}
    for name, baseline in baselines.items():
        response = baseline(recording.images, recording.labels)
        matrices[name] = _ranked(rdm(response).get_vectors()[0])
    for (rule, seed), shown in found.shown.items():
        if seed == _first_seed(found):
            hidden = [layer for layer in shown.responses if layer != "output"][-1]
            vector = rdm(shown.responses[hidden]).get_vectors()[0]
            matrices[f"{rule} · {hidden}"] = _ranked(vector)
    return matrices


def _ranked(dissimilarities: np.ndarray) -> np.ndarray:
    """The square matrix of percentile ranks, 0 to 1; NaN where there is no dissimilarity."""
    from scipy.spatial.distance import squareform
    from scipy.stats import rankdata

    known = np.isfinite(dissimilarities)
    ranks = np.full(dissimilarities.shape, np.nan)
    ranks[known] = rankdata(dissimilarities[known]) / max(1, known.sum())
    return np.asarray(squareform(ranks, checks=False))


def _groups(recording: ImageRecording | None) -> list[tuple[int, int, str]]:
    """Runs of images of one category: first, one past the last, name."""
    if recording is None:
        return []
    groups = []
    for key, name in CATEGORIES.items():
        members = np.flatnonzero(recording.categories.get(key, np.zeros(0, dtype=bool)))
        if members.size and members[-1] - members[0] + 1 == members.size:
            groups.append((int(members[0]), int(members[-1]) + 1, name))
    return sorted(groups)


def _rasters(found: _Found) -> list[Raster]:
    from spikelearn.report import Raster
    from spikelearn.report.names import backend, label

    rasters = []
    for rule, population in (("surrogate", "hidden"), ("stdp", "excitatory")):
        activity = found.shown[rule, _first_seed(found)].activity
        if activity is not None:
            image = activity.labels[RASTER_IMAGE]
            caption = (
                f"Answer of the {population} population to the image “{image}”, simulated on"
                f" {backend(activity.provenance['backend'])}."
            )
            rasters.append(
                _raster(
                    Raster, f"Trained by {label(rule)}", activity, population, RASTER_IMAGE, caption
                )
            )
    if found.auditory is not None:
        for model, activity in found.auditory.activities.items():
            caption = (
                f"{activity['neurons'].size} {model} neurons with noise of their own hear the"
                f" sound “{activity.labels[-1]}”."
            )
            title = f"{model[0].upper()}{model[1:]} neurons"
            last = activity.n_trials - 1
            rasters.append(_raster(Raster, title, activity, "neurons", last, caption, TRACE_MS))
    return rasters


def _raster(
    kind: type[Raster],
    title: str,
    activity: Activity,
    population: str,
    trial: int,
    caption: str,
    window_ms: tuple[float, float] | None = None,
) -> Raster:
    spikes = activity[population]
    start, stop = window_ms or (0.0, activity.duration_ms)
    chosen = (spikes.trials == trial) & (spikes.times_ms >= start) & (spikes.times_ms < stop)
    return kind(
        title=title,
        population=population,
        times_ms=spikes.times_ms[chosen] - start,
        senders=spikes.senders[chosen],
        size=spikes.size,
        duration_ms=stop - start,
        caption=caption,
    )


def _fields(found: _Found) -> np.ndarray | None:
    """Input weights of neurons of the layer trained by STDP, as images."""
    for run in found.runs:
        if isinstance(run, STDPRun) and _rule(run) == "stdp":
            weights = np.asarray(run.network.projections[0].weight_mv)
            side = round(np.sqrt(len(weights)))
            return weights.T[:N_FIELDS].reshape(-1, side, side)
    return None


def _traces(found: _Found) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Rates over a stretch of the last sound, the receptor's first."""
    if found.auditory is None:
        return {}
    bin_ms = auditory.BIN_MS
    first, last = (round(t / bin_ms) for t in TRACE_MS)
    time_ms = (np.arange(first, last) + 0.5) * bin_ms
    lags = found.auditory.table.set_index("model")["lag_ms"].to_dict()
    traces = {}
    for name, values in found.auditory.traces.items():
        if name != "sound envelope":
            shift = round(lags.get(name, 0.0) / bin_ms)
            traces[name] = time_ms, values[-1, first - shift : last - shift]
    return traces


def _citations(found: _Found) -> list[str]:
    from spikelearn import recordings

    cited = [
        "LeCun Y, Bottou L, Bengio Y, Haffner P (1998). Gradient-based learning applied to"
        " document recognition. Proceedings of the IEEE 86, 2278-2324. doi:10.1109/5.726791"
    ]
    if found.recording is not None:
        cited.append(found.recording.citation)
    if found.auditory is not None:
        cited.append(recordings.load("grasshopper").citation)
    return cited
