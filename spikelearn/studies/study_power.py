"""How small a difference between two networks a study can find, told before it is run."""

from __future__ import annotations

from spikelearn._counts import counted
from spikelearn.comparison.models_and_targets import PARTIAL_RSA
from spikelearn.comparison.power import OVER, power_table
from spikelearn.studies.study import Study
from spikelearn.studies.study_pieces import JUDGED
from spikelearn.studies.study_run import study_recordings

_STUDIES = 40  # that are simulated for each region
# Of more stimuli a simulation takes minutes, in which nothing would be said.
MOST_STIMULI = 200


def power_sentences(study: Study) -> list[str]:
    """The smallest difference for each recording, region and method, a sentence each.

    Parameters
    ----------
    study : Study
    """
    said = []
    for name, recording in study_recordings(study)[0].items():
        if name.endswith(JUDGED):
            continue
        for method in study.methods:
            place = f"power with {name} by {method}"
            if method == PARTIAL_RSA or study.over not in OVER:
                said.append(f"{place}, over {study.over}: not simulated")
                continue
            if recording.n_stimuli > MOST_STIMULI:
                said.append(
                    f"{place}: not simulated here, of"
                    f" {counted(recording.n_stimuli, 'stimulus', 'stimuli')} it takes"
                    " minutes; `spikelearn.comparison.power_table` does"
                )
                continue
            table = power_table(recording, method, study.over, n_studies=_STUDIES, seed=study.seed)
            rows = table.to_dict("records")
            known = {row["region"] for row in rows}
            if method == "rsa":
                for region in recording.groups:
                    if region not in known:
                        said.append(f"{place}, {region}: not known (no subjects by themselves)")
            for row in rows:
                if row["flag"]:
                    said.append(f"{place}, {row['region']}: not known ({row['flag']})")
                    continue
                said.append(
                    f"{place}, {row['region']}: of two networks of which one scores"
                    f" {row['score']:.2f}, a difference of {row['smallest_difference']:.3f} is"
                    f" found by {100 * row['share']:.0f} % of such studies in one test at 5 %;"
                    " smaller ones if the networks are alike, larger ones after correction for"
                    " many tests"
                )
    return said
