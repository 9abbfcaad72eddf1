"""The 92 object images of Kriegeskorte et al. 2008 (doi:10.1016/j.neuron.2008.10.043).

Isolated objects on a grey ground, 175 x 175 pixels in colour: human and animal faces and bodies,
natural and artificial objects.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._files import fetch_data, local_data

COMMIT = "f1f83cadb7243492a1aae7460466e0f0140b20ac"
ADDRESS = f"https://raw.githubusercontent.com/rsagroup/rsatoolbox/{COMMIT}/demos/92imageData/"
SUPPLEMENT = "Kriegeskorte_Neuron2008_supplementalData.mat"
_SUPPLEMENT_DIGEST = "06f21214399a5d43dc264eed19a7f4b8daf11c8622a59eec3e106064ce5e3504"


def at_hand() -> bool:
    """Whether the images can be read without a download."""
    return local_data(f"kriegeskorte92/{SUPPLEMENT}") is not None


def load_supplement(progressbar: bool = False) -> dict[str, Any]:
    """The published supplemental file as read by SciPy (images, categories, group RDMs).

    Raises
    ------
    DataUnavailableError
        If the file is not at hand and cannot be downloaded.
    SpikelearnError
        If it is not the published file.
    """
    path = fetch_data(
        f"kriegeskorte92/{SUPPLEMENT}", ADDRESS + SUPPLEMENT, _SUPPLEMENT_DIGEST, progressbar
    )
    return read_matlab(path)


def read_matlab(path: Path) -> dict[str, Any]:
    """A MATLAB file with structs as objects; one sentence where it cannot be read."""
    from scipy.io import loadmat

    try:
        return loadmat(path, squeeze_me=True, struct_as_record=False)
    except Exception as error:  # SciPy raises many kinds on broken files
        raise SpikelearnError(
            f"{path} is not a readable MATLAB file; delete it to download it again"
        ) from error


def load_images(progressbar: bool = False) -> tuple[np.ndarray, tuple[str, ...]]:
    """Images, uint8 array of shape (92, 175, 175, 3), and one label each ("01 human bodypart")."""
    supplement = load_supplement(progressbar)
    if "stimuli_92objs" not in supplement:
        raise SpikelearnError(
            f"{local_data(f'kriegeskorte92/{SUPPLEMENT}')} is not the published file; delete it to"
            " download it again"
        )
    return images_of(supplement)


def images_of(supplement: dict[str, Any]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Images and labels out of what `load_supplement` read."""
    stimuli = supplement["stimuli_92objs"]
    images = np.stack([np.asarray(s.image, dtype=np.uint8) for s in stimuli])
    labels = tuple(f"{i:02d} {s.category}" for i, s in enumerate(stimuli, start=1))
    return images, labels
