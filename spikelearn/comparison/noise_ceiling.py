"""The noise ceiling of RSA: how well any model could do, given how subjects differ.

Nili et al. 2014 (doi:10.1371/journal.pcbi.1003553): the best RDM for rank correlation is about
the average of the subjects' rank-transformed RDMs. Its correlation with each subject overestimates
the ceiling where it contains that subject (upper bound), and underestimates it where it does not
(lower bound, leave one subject out).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class NoiseCeiling:
    """Lower and upper bound for the mean over subjects, and for each subject.

    `lower_by_subject` and `upper_by_subject` have shape (n_subjects,); their means are `lower`
    and `upper`. All are NaN where there are fewer than two subjects.
    """

    lower: float
    upper: float
    lower_by_subject: np.ndarray
    upper_by_subject: np.ndarray


def noise_ceiling(subjects: np.ndarray) -> NoiseCeiling:
    """The noise ceiling for Spearman correlation, by rsatoolbox.

    Parameters
    ----------
    subjects : array of shape (n_subjects, n_pairs)
        One RDM per subject, as upper triangles.
    """
    n_subjects = len(subjects)
    if n_subjects < 2:
        missing = np.full(n_subjects, np.nan)
        return NoiseCeiling(np.nan, np.nan, missing, missing)
    from rsatoolbox.inference import boot_noise_ceiling
    from rsatoolbox.rdm import RDMs, compare
    from rsatoolbox.util.inference_util import pool_rdm

    def pooled(vectors: np.ndarray) -> RDMs:
        return pool_rdm(RDMs(vectors), method="spearman")

    lower, upper = boot_noise_ceiling(RDMs(subjects), method="spearman")
    everyone = pooled(subjects)
    return NoiseCeiling(
        lower=float(lower),
        upper=float(upper),
        lower_by_subject=np.array(
            [
                compare(
                    pooled(np.delete(subjects, i, axis=0)), RDMs(subject[None]), "spearman"
                ).item()
                for i, subject in enumerate(subjects)
            ]
        ),
        upper_by_subject=compare(everyone, RDMs(subjects), "spearman")[0],
    )
