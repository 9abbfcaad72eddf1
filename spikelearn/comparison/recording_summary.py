"""What was read of a recording: its stimuli in order, units and repeats, and how reliable it is.

To be looked at before hours are spent on a comparison.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._keys import content_key
from spikelearn._same_content import ComparedByContent
from spikelearn.comparison.encoding import unit_ceilings
from spikelearn.comparison.models_and_targets import targets
from spikelearn.comparison.name_order import by_names
from spikelearn.comparison.neural_responses import has_responses, neural_responses
from spikelearn.comparison.observed import observed_parts

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.recordings import AuditoryRecording, ImageRecording

    Recording = ImageRecording | AuditoryRecording

N_DIGITS = 16  # of the digest that is shown


@dataclass(frozen=True, eq=False, repr=False)
class RecordingSummary(ComparedByContent):
    """What a recording holds, in tables and sentences.

    Parameters
    ----------
    name, species, citation, licence : str
        As in the recording.
    digest : str
        Of its content; another one once a number, a label or an image is another.
    stimuli : DataFrame
        One row for each stimulus in order: number, stimulus, and shown (how often: least, over
        regions and subjects), and the categories that it belongs to.
    measured : DataFrame
        One row for each region, subject and session, by kind (responses, RDM, RDMs over time,
        judgements, group RDM, spike trains): stimuli that were observed; units; repeats_min,
        repeats_median and repeats_max over stimuli; missing, the share of responses that were not
        observed; what a value is.
    ceilings : DataFrame
        One row for each region and subject, and for their mean (`level`): rdm_lower and rdm_upper,
        the noise ceiling of RSA by Spearman's correlation over subjects; rdm_repeats, that over
        sessions; reliability, the median over units of the highest correlation that a prediction
        of their mean responses can reach. NaN where there is one subject, session or repeat.
    notes : tuple of str
        What was left out, guessed, or read by its place alone.
    options : mapping
        What was asked for when it was read.
    """

    name: str
    species: str
    citation: str
    licence: str
    digest: str
    stimuli: pd.DataFrame
    measured: pd.DataFrame
    ceilings: pd.DataFrame
    notes: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def readable(self) -> pd.DataFrame:
        """`measured` to be read: without columns that nothing fills, and "-" in empty cells."""
        shown = self.measured.dropna(axis="columns", how="all")
        shown = shown.loc[:, (shown != "").any()]
        for name in {"units", "repeats_min", "repeats_max"} & set(shown.columns):
            known = shown[name].notna()
            numbers = shown[name].where(known, 0).astype(int).astype(str)
            shown = shown.assign(**{name: numbers.where(known, "-")})
        return shown

    def __repr__(self) -> str:
        return (
            f"<summary of '{self.name}': {counted(len(self.stimuli), 'stimulus', 'stimuli')};"
            " print it to read it>"
        )

    def _repr_html_(self) -> str:
        from html import escape

        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.sentences())
        tables = [self.readable, self.ceilings]
        shown = "".join(one.to_html(index=False, na_rep="-") for one in tables if len(one))
        return f"<p><b>{escape(self.name)}</b></p>{said}{shown}"

    def sentences(self) -> list[str]:
        """What stands beside the tables, a line each."""
        lines = [f"species: {self.species or 'not said'}"]
        lines += [f"licence: {self.licence}", f"citation: {self.citation}"]
        lines.append(f"content: {self.digest}")
        return lines + [f"note: {note}" for note in self.notes]

    def __str__(self) -> str:
        parts = [
            f"{self.name}: {counted(len(self.stimuli), 'stimulus', 'stimuli')}",
            *self.sentences(),
        ]
        tables = {"measured": self.readable, "noise ceilings": self.ceilings}
        for title, table in tables.items():
            if len(table):
                parts += ["", title, table.to_string(index=False, na_rep="-")]
        parts += ["", "stimuli in order", self.stimuli.to_string(index=False, na_rep="-")]
        return "\n".join(parts)


def recording_summary(recording: str | Path | Recording) -> RecordingSummary:
    """What a recording holds: stimuli, units, repeats, missing parts, ceilings, notes.

    Parameters
    ----------
    recording : str, Path or recording
        A name, the path of a user's YAML file, or what `load_recording` gave.

    Raises
    ------
    SpikelearnError
        If there is none, or it cannot be read.

    Examples
    --------
    >>> import spikelearn as sl
    >>> summary = sl.recording_summary("grasshopper")
    >>> summary.stimuli["stimulus"].tolist()
    ['noise up to 200 Hz', 'noise up to 800 Hz']
    >>> summary.measured["region"].item(), summary.measured["units"].item()
    ('auditory receptor', 1)
    """
    from spikelearn.recordings import AuditoryRecording, load

    loaded: Any = load(recording) if isinstance(recording, str | Path) else recording
    if isinstance(loaded, AuditoryRecording):
        return _of_sounds(loaded)
    if not hasattr(loaded, "n_stimuli"):
        raise SpikelearnError(
            f"a recording is the name or the file of one, or the recording, found {loaded!r:.60}"
        )
    import pandas as pd

    categories = [
        ", ".join(name for name, members in loaded.categories.items() if members[i])
        for i in range(loaded.n_stimuli)
    ]
    stimuli = pd.DataFrame(
        {
            "number": np.arange(1, loaded.n_stimuli + 1),
            "stimulus": list(loaded.labels),
            "shown": _times_shown(loaded),
            "categories": categories,
        }
    )
    if not loaded.responses:
        stimuli = stimuli.drop(columns="shown")
    if not loaded.categories:
        stimuli = stimuli.drop(columns="categories")
    return RecordingSummary(
        loaded.name,
        loaded.species,
        loaded.citation,
        loaded.licence,
        content_key(loaded.content, N_DIGITS),
        stimuli,
        pd.DataFrame(_measured(loaded)),
        _ceilings(loaded),
        loaded.notes,
        loaded.options,
    )


def _of_sounds(recording: AuditoryRecording) -> RecordingSummary:
    import pandas as pd

    content = [(s.label, s.rate_hz, s.envelope) for s in recording.sounds]
    stimuli = pd.DataFrame(
        {
            "number": np.arange(1, len(recording.sounds) + 1),
            "stimulus": [sound.label for sound in recording.sounds],
            "duration_ms": [sound.duration_ms for sound in recording.sounds],
            "spikes": [len(times) for times in recording.spike_times_ms],
        }
    )
    measured = [
        {"kind": "spike trains", "region": "auditory receptor", "subject": "1", "session": "",
         "stimuli": len(recording.sounds), "units": 1, "repeats_min": 1, "repeats_median": 1.0,
         "repeats_max": 1, "missing": 0.0, "value": "ms"}
    ]  # fmt: skip
    return RecordingSummary(
        recording.name,
        "",
        recording.citation,
        recording.licence,
        content_key([content, list(recording.spike_times_ms)], N_DIGITS),
        stimuli,
        pd.DataFrame(measured),
        pd.DataFrame(),
    )


def _repeats(values: np.ndarray) -> np.ndarray:
    """In how many repeats each stimulus was seen by any unit, shape (n_stimuli,)."""
    result: np.ndarray = (~np.isnan(values)).any(axis=2).sum(axis=1)
    return result


def _times_shown(recording: ImageRecording) -> np.ndarray | int:
    if not recording.responses:
        return 0
    counts = [_repeats(one.values) for one in recording.responses]
    least: np.ndarray = np.min(counts, axis=0)
    return least


def _measured(recording: ImageRecording) -> list[dict[str, Any]]:
    rows = []
    for one in recording.responses:
        repeats = _repeats(one.values)
        missing = np.isnan(one.values)
        seen = ~missing.all(axis=2)  # presentations that some unit saw
        rows.append(
            {
                "kind": "responses",
                "region": one.region,
                "subject": one.subject,
                "session": one.session,
                "stimuli": int((repeats > 0).sum()),
                "units": one.n_units,
                "repeats_min": int(repeats.min()),
                "repeats_median": float(np.median(repeats)),
                "repeats_max": int(repeats.max()),
                "missing": float(missing[seen].mean()),
                "value": one.unit,
            }
        )
    kinds: dict[str, Any] = {
        "RDM": recording.given_rdms,
        "group RDM": recording.groups.values(),
        "RDMs over time": recording.timecourses,
        "judgements": recording.behaviour,
    }
    for kind, measurements in kinds.items():
        for one in measurements:
            rows.append(
                {
                    "kind": kind,
                    "region": one.region,
                    "subject": one.subject,
                    "session": one.session,
                    "stimuli": _stimuli_of_rdm(one),
                    "units": None,
                    "repeats_min": None,
                    "repeats_median": float("nan"),
                    "repeats_max": None,
                    "missing": float(np.isnan(one.dissimilarities).mean()),
                    "value": one.unit,
                }
            )
    return rows


def _stimuli_of_rdm(recorded: Any) -> int:
    """How many stimuli have a dissimilarity from another, at some time."""
    known = np.isfinite(np.atleast_2d(recorded.dissimilarities)).any(axis=0)
    n = recorded.n_stimuli
    first, second = (pairs[known] for pairs in np.triu_indices(n, k=1))
    return len({*first.tolist(), *second.tolist()})


def _ceilings(recording: ImageRecording) -> pd.DataFrame:
    """Ceilings by region and subject, and their means over subjects."""
    import pandas as pd

    ordered = by_names(recording)
    rows: dict[tuple[str, str, str], dict[str, float]] = {}
    for part in observed_parts(ordered, "rdms") if ordered.rdms else ():
        all_targets = targets(part.recording)
        everything = np.ones(part.recording.n_stimuli, dtype=bool)
        over = [all_targets.ceilings(everything, kind) for kind in ("subjects", "repeats")]
        for target, subjects, repeats in zip(all_targets.rows, *over, strict=True):
            if target.level == "group":
                continue
            subject = target.subject if target.level == "subject" else ""
            rows[target.region, target.level, subject] = {
                "rdm_lower": subjects[0],
                "rdm_upper": subjects[1],
                "rdm_repeats": repeats[1],
            }
    if has_responses(ordered):
        by_region: dict[str, list[float]] = {}
        for one in neural_responses(ordered, "a summary"):
            ceilings = unit_ceilings(one.repeats)
            known = ceilings[np.isfinite(ceilings)]
            value = float(np.median(known)) if known.size else float("nan")
            rows.setdefault((one.region, "subject", one.subject), {})["reliability"] = value
            by_region.setdefault(one.region, []).append(value)
        for region, values in by_region.items():
            rows.setdefault((region, "mean", ""), {})["reliability"] = float(np.mean(values))
    columns = ["rdm_lower", "rdm_upper", "rdm_repeats", "reliability"]
    table = pd.DataFrame(
        [
            {"region": r, "level": level, "subject": s, **dict.fromkeys(columns, np.nan), **found}
            for (r, level, s), found in rows.items()
        ]
    )
    return table.dropna(axis="columns", how="all") if len(table) else table
