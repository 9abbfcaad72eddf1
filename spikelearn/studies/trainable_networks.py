"""Which networks of a study can be trained by their rules; of the others, why not."""

from __future__ import annotations

from spikelearn._errors import SpikelearnError
from spikelearn._raised import told
from spikelearn.studies.study import Study
from spikelearn.training.trainable import check_trainable


def trainable_networks(study: Study) -> tuple[Study, list[str]]:
    """The study of the networks that their rules can train; of the others, why they cannot.

    Raises
    ------
    SpikelearnError
        If none can be trained, or the study refuses to leave one out.
    """
    if study.untrainable == "refuse":
        return study, []
    kept, said = [], []
    for entry in study.networks:
        config = entry.config(study.seeds[0], study.n_train, study.updates)
        try:
            config.description()
            told(check_trainable)(config)
        except SpikelearnError as error:
            said.append(f"{entry.family}, {config.rule} on {config.model}: {error}")
        else:
            kept.append(entry)
    if not kept and not study.modules:
        raise SpikelearnError(
            f"no network of the study '{study.name}' can be trained ({'; '.join(said)})"
        )
    return study.model_copy(update={"networks": tuple(kept)}), said
