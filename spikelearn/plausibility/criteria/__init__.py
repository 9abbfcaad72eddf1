"""The criteria of biological plausibility, a file each.

To add one, write its file with a `CRITERION`, and add its line here. The file has what is measured
of a rule that leaves its updates in `.grad` (`measure`) and, where it is asked of one, what is
measured of a plasticity that acts while a network spikes (`measure_plasticity`).
"""

from __future__ import annotations

from spikelearn.plausibility.criteria import (
    c01_weight_transport,
    c02_locality,
    c03_teaching_rank,
    c04a_phases,
    c04b_update_locking,
    c04c_error_channel,
    c05_backward_in_time,
    c06_online,
    c07_dale,
    c08_spiking,
    c09_unsupervised,
    c10_derivatives,
    c11_timing,
    c12_noise_precision,
    c13_weight_sharing,
    c14_symmetry,
    c15_data,
    c16_cost,
)
from spikelearn.plausibility.criterion import Criterion, Finding, absent

CRITERIA: dict[str, Criterion] = {
    module.CRITERION.key: module.CRITERION
    for module in (
        c01_weight_transport,
        c02_locality,
        c03_teaching_rank,
        c04a_phases,
        c04b_update_locking,
        c04c_error_channel,
        c05_backward_in_time,
        c06_online,
        c07_dale,
        c08_spiking,
        c09_unsupervised,
        c10_derivatives,
        c11_timing,
        c12_noise_precision,
        c13_weight_sharing,
        c14_symmetry,
        c15_data,
        c16_cost,
    )
}

__all__ = ["CRITERIA", "Criterion", "Finding", "absent"]
