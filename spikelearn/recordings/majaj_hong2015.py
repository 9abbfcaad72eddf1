"""Objects in V4 and IT of two macaques (Majaj, Hong et al. 2015), as Brain-Score publishes them.

64 objects in 8 categories on natural grounds; multi-unit activity of 88 sites in V4 and 168 in IT,
about 50 repeats, averaged from 70 to 170 ms and normalised as published. The variants are how much
position, size and pose vary: `0` not at all (640 images), `3` moderately (2560), or `all` of both.
For more than 1000 stimuli there are responses and no RDMs.
"""

from __future__ import annotations

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.recordings import _brainscore
from spikelearn.recordings._recording import ImageRecording

CITATION = (
    "Majaj NJ, Hong H, Solomon EA, DiCarlo JJ (2015). Simple learned weighted sums of inferior"
    " temporal neuronal firing rates accurately predict human core object recognition performance."
    " Journal of Neuroscience 35, 13402-13418. doi:10.1523/JNEUROSCI.5181-14.2015"
)
LICENCE = "of Brain-Score's public storage; no licence is stated there"
VARIATIONS = {"0": (0,), "3": (3,), "all": (0, 3)}

_RESPONSES = "assy_dicarlo_MajajHong2015_public.nc"
_TABLE = "stimulus_hvm-public.csv"
_IMAGES = "stimulus_hvm-public.zip"
ASSEMBLY = _brainscore.Assembly(
    folder="majaj_hong2015",
    responses=_RESPONSES,
    table=_TABLE,
    images=_IMAGES,
    sha1={
        _RESPONSES: "13d28ca0ce88ee550b54db3004374ae19096e9b9",
        _TABLE: "5ca7a3da00d8e9c694a9cd725df5ba0ad6d735af",
        _IMAGES: "8aa44e038d7b551efa8077467622f9d48d72e473",
    },
    version={},
)


def at_hand(variant: str = "0") -> bool:
    """Whether the recording can be read without a download."""
    return ASSEMBLY.at_hand()


def load(progressbar: bool = False, variant: str = "0") -> ImageRecording:
    """The recording: images, responses of V4 and IT of each monkey with their repeats, categories.

    Raises
    ------
    DataUnavailableError
        If a file is neither at hand nor downloadable.
    SpikelearnError
        If a file does not hold what it should.
    """
    table, images, responses = _brainscore.load_assembly(
        ASSEMBLY, progressbar, ("variation", VARIATIONS[variant])
    )
    responses = _brainscore.in_window(responses, None)
    if "animal" not in responses.coords or responses["animal"].dims != ("neuroid",):
        raise SpikelearnError(f"{_RESPONSES} must have the coordinate animal along neuroid")
    animals = responses["animal"].astype(str).to_numpy()
    by_animal = []
    for animal in dict.fromkeys(animals):
        mine = responses.isel(neuroid=np.flatnonzero(animals == animal))
        by_animal += _brainscore.by_repeat(
            mine, table.index.to_numpy(), animal, "normalised multi-unit activity", "monkey"
        )
    return _brainscore.recording(
        f"majaj_hong2015:{variant}",
        CITATION,
        LICENCE,
        table,
        images,
        by_animal,
        _brainscore.categories_of(table, "category_name", "object_name"),
    )
