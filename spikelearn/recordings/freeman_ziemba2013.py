"""Textures in V1 and V2 of macaques (Freeman, Ziemba et al. 2013), as Brain-Score publishes them.

Images of texture families and noise of their spectrum, within an aperture; 102 neurons in V1 and
103 in V2 of 13 anaesthetised monkeys (which neuron was whose is not in the file), 20 repeats in
bins of 1 ms. Responses are mean counts a bin from 50 to 200 ms, the window of Brain-Score's
benchmark, given in spikes/s. RDMs over time are of bins of 20 ms. Reading the 205 x 2,700 x 300
values takes about 1.5 GB of memory.
"""

from __future__ import annotations

from spikelearn.recordings import _brainscore
from spikelearn.recordings._recording import ImageRecording

CITATION = (
    "Freeman J, Ziemba CM, Heeger DJ, Simoncelli EP, Movshon JA (2013). A functional and perceptual"
    " signature of the second visual area in primates. Nature Neuroscience 16, 974-981."
    " doi:10.1038/nn.3402"
)
LICENCE = "of Brain-Score's public storage; no licence is stated there"
WINDOW_MS = (50.0, 200.0)
BIN_MS, STOP_MS = 20.0, 300.0
SUBJECT = "13 monkeys"

_RESPONSES = "assy_movshon_FreemanZiemba2013_public.nc"
_TABLE = "stimulus_FreemanZiemba2013_aperture-public.csv"
_IMAGES = "stimulus_FreemanZiemba2013_aperture-public.zip"
ASSEMBLY = _brainscore.Assembly(
    folder="freeman_ziemba2013",
    responses=_RESPONSES,
    table=_TABLE,
    images=_IMAGES,
    sha1={
        _RESPONSES: "761c08f796db4e342555cdb60eef23a4f19ead43",
        _TABLE: "194c9b301a4e3e9cff02481d4c19b39331d52660",
        _IMAGES: "3a6fec1fc28c212882d6833e267ea8654d289611",
    },
    version={_RESPONSES: "W2vx7jdh9utZdVumHHarXa4L1zOrA8Fd"},
)


def at_hand() -> bool:
    """Whether the recording can be read without a download."""
    return ASSEMBLY.at_hand()


def load(progressbar: bool = False) -> ImageRecording:
    """The recording: images, responses of V1 and V2 with their repeats, texture families.

    Raises
    ------
    DataUnavailableError
        If a file is neither at hand nor downloadable.
    SpikelearnError
        If a file does not hold what it should.
    """
    table, images, responses = _brainscore.load_assembly(ASSEMBLY, progressbar)
    ids = table.index.to_numpy()
    per_second = _brainscore.in_window(responses, WINDOW_MS) * 1000.0  # bins are 1 ms
    unit = f"spikes/s from {WINDOW_MS[0]:g} to {WINDOW_MS[1]:g} ms"
    return _brainscore.recording(
        "freeman_ziemba2013",
        CITATION,
        LICENCE,
        table,
        images,
        _brainscore.by_repeat(per_second, ids, SUBJECT, unit, "monkey"),
        _brainscore.categories_of(table, "texture_type", "texture_family"),
        _brainscore.timecourses(responses, ids, SUBJECT, "monkey", BIN_MS, STOP_MS),
    )
