"""Macaque V4 and natural images (Cowley, Stan, Pillow & Smith 2023).

Spike counts in 100 ms of the neurons of three animals. Each session has other neurons and other
images, of 112 x 112 pixels: the variants are sessions, and `all` are the six of them together, each
nested in its animal, which is the subject. Of `210325` the repeats were published (50 neurons, 640
images, 6 to 10 times each), so that it has a noise ceiling; of the others the means.

Used are the sessions that showed ordinary images alone. The others are left out, with the reason in
`LEFT_OUT`: most hold images that a network chose or made, and what a network finds in these is not
what it finds in others.

A picture that a session shows twice is one stimulus, and its two responses are averaged. Where all
sessions stand together, comparisons are made within each session, and averaged over the sessions of
an animal and then over animals (see `spikelearn.comparison.session_groups`).

The files are those of github.com/cowleygroup/V4_compact_models, folder `data_V4_responses`; below
`SPIKELEARN_DATA` they are called cowley2023_v4/images_SESSION.zip, avg_SESSION.npy and
raw_SESSION.npy.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._files import fetch_data, local_data, require_digest
from spikelearn.recordings._brainscore import read_zipped
from spikelearn.recordings._measurements import RecordedResponses
from spikelearn.recordings._recording import ImageRecording
from spikelearn.recordings._stimuli import image_set

CITATION = (
    "Cowley BR, Stan PL, Pillow JW, Smith MA (2023). Compact deep neural network models of visual"
    " cortex. bioRxiv 2023.11.22.568315. doi:10.1101/2023.11.22.568315"
)
LICENCE = "GPL-3.0, of github.com/cowleygroup/V4_compact_models"
COMMIT = "f4552ad9d34a466ebc66658f72a08a8e5038f1cf"
ADDRESS = (
    f"https://raw.githubusercontent.com/cowleygroup/V4_compact_models/{COMMIT}/data_V4_responses/"
)
REGION, UNIT = "monkey V4", "spikes in 100 ms"
MEANS, RAW = "avg", "raw"
_PLACES = {MEANS: "responses_repeat_averaged/", RAW: "responses_raw/"}


@dataclass(frozen=True)
class Session:
    """What a session holds: the animal, how much, and the SHA-256 of its files.

    `kind` is `RAW` where repeats were published, and `MEANS` where their means were.
    """

    animal: str
    n_units: int
    n_images: int
    kind: str
    responses: str
    images: str


SESSIONS = {
    "210325": Session(
        "PE", 50, 640, RAW,
        "4008dbbf31a47d9b1b8d8da609f4a7a3433c7071f0e45c611c220b217dd75b76",
        "992774eca3508a2ad01accb1a31f5f3e3d90248c49f4eec314f2a915a263e454",
    ),
    "190923": Session(
        "WE", 33, 1200, MEANS,
        "741672d36541ce39930c8a3b5bd1cfd33c187aa47b1549c9c5569bc21aa97a28",
        "e99a4df1c7476bdc4d565ff4408bc421976ecc3a22c41af6bfd0cfbddb508c0c",
    ),
    "201025": Session(
        "PE", 89, 1200, MEANS,
        "f729f3dc0d29aa38bd380c0da9e39aba916f9e2580949929b65d1714e7217a8a",
        "3abb63679107665eab7220bdeaf7863832a1df943bf3d7792501f5082a55b2e8",
    ),
    "210224": Session(
        "PE", 67, 800, MEANS,
        "4dbb7367707a5ca47ab4cea863bbf4e9765b8409cb30216693721bddfad7abfe",
        "e2690810bee34c2e2821e5dd504c7970f3441579bc57659f27d2c11678b52c6b",
    ),
    "210225": Session(
        "PE", 55, 1200, MEANS,
        "853f196247504fa2526b507f56ee5237711ed166f295f7cb23ec5441a7bf789b",
        "79bfb1066949a7f7bbd3c632ab420c2230b966b80cade76593d8745aea49b7f6",
    ),
    "210621": Session(
        "RA", 51, 1200, MEANS,
        "28e57e8eefe774b455087a62f039931b9547b2300908a0af85eee5baa49aa1ba",
        "aff4d1639a04fb0d964ee09f8e76b07707e8435283c8e0ea47b0fd398ffcc233",
    ),
}  # fmt: skip
_CHOSEN = "300 of its 900 images were chosen by a network that learned from the neurons"
_OTHERS = f"its archive holds 1,200 images where the authors count 900, and {_CHOSEN}"
LEFT_OUT = {
    "190925": _CHOSEN,
    "190927": _OTHERS,
    "190928": _OTHERS,
    "190929": _OTHERS,
    "210305": "its images were made or chosen by a network, to test its predictions",
    "210322": "600 of its images are those of 210325 again, in the same animal",
}
ALL = "all"


def at_hand(variant: str = "210325") -> bool:
    """Whether the session, or all of them, can be read without a download."""
    wanted = SESSIONS if variant == ALL else (variant,)
    return all(local_data(_relative(*file)) is not None for one in wanted for file in _files(one))


def load(progressbar: bool = False, variant: str = "210325") -> ImageRecording:
    """A session, or `all`: its images, and the responses of the neurons of each animal.

    Parameters
    ----------
    progressbar : bool
        Whether to show the progress of a download (2 to 5 MB a session).
    variant : str
        A session, by its date, or "all".

    Raises
    ------
    DataUnavailableError
        If a file is neither at hand nor downloadable.
    SpikelearnError
        If a file is not the published one.
    """
    names = list(SESSIONS) if variant == ALL else [variant]
    images: list[np.ndarray] = []
    labels: list[str] = []
    known: dict[bytes, int] = {}  # pictures by their content: one that is shown twice is one
    shown: dict[str, np.ndarray] = {}
    means: dict[str, np.ndarray] = {}
    notes: list[str] = []
    for name in names:
        pictures, responses = _read(name, progressbar)
        which = np.empty(len(pictures), dtype=int)
        for number, picture in enumerate(pictures):
            content = picture.tobytes()
            if content not in known:
                known[content] = len(images)
                images.append(picture)
                labels.append(f"{name} {number + 1:04d}" if variant == ALL else f"{number + 1:04d}")
            which[number] = known[content]
        n_twice = len(which) - len(np.unique(which))
        if n_twice:
            notes.append(
                f"session {name} shows {n_twice} of its {len(which)} pictures a second time: each"
                " of these is one stimulus, and its two responses are averaged"
            )
        shown[name], means[name] = which, responses
    if variant == ALL:
        notes.append(
            "each session has neurons and images of its own: comparisons are made within a session,"
            " and averaged over the sessions of an animal, then over the three animals"
        )
        notes += [f"session {name} is left out: {why}" for name, why in LEFT_OUT.items()]
    return ImageRecording(
        name=f"cowley2023_v4:{variant}",
        citation=CITATION,
        licence=LICENCE,
        stimuli=image_set(f"cowley2023_v4:{variant}", np.stack(images), labels, CITATION),
        rdms=(),
        groups={},
        categories={},
        species="macaque monkey",
        responses=tuple(
            RecordedResponses(
                SESSIONS[name].animal, REGION, name,
                _by_picture(means[name], shown[name], len(images)), UNIT, numbered=True,
            )
            for name in names
        ),
        notes=tuple(notes),
    )  # fmt: skip


def _by_picture(responses: np.ndarray, which: np.ndarray, n_stimuli: int) -> np.ndarray:
    """Responses of shape (n_shown, n_repeats, n_units) by stimulus; NaN where it was not shown."""
    n_shown = np.bincount(which, minlength=n_stimuli)
    values = np.zeros((n_stimuli, *responses.shape[1:]))
    np.add.at(values, which, responses)
    values /= np.maximum(n_shown, 1)[:, None, None]
    values[n_shown == 0] = np.nan
    return values


def _read(session: str, progressbar: bool) -> tuple[np.ndarray, np.ndarray]:
    """Images in the order in which they are numbered, and responses (images, repeats, neurons)."""
    about = SESSIONS[session]
    responses_path, images_path = (
        _fetched(*file, digest, progressbar)
        for file, digest in zip(_files(session), (about.responses, about.images), strict=True)
    )
    # Archives hold their images in any order; a response is of the image of its number.
    names = [f"image{number + 1:04d}.jpg" for number in range(about.n_images)]
    images = read_zipped(images_path, names)
    try:
        responses = np.load(responses_path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise SpikelearnError(f"{responses_path} is not a readable .npy file") from error
    if responses.ndim == 2:
        responses = responses[..., None]
    if responses.shape[:2] != (about.n_units, about.n_images):
        raise SpikelearnError(
            f"{responses_path} must hold {about.n_units} neurons x {about.n_images} images, found"
            f" {' x '.join(map(str, responses.shape))}"
        )
    return images, responses.transpose(1, 2, 0)


def _files(session: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Kind and session of the two files of a session."""
    return (SESSIONS[session].kind, session), ("images", session)


def _relative(kind: str, session: str) -> str:
    return f"cowley2023_v4/{kind}_{session}.{'zip' if kind == 'images' else 'npy'}"


def _fetched(kind: str, session: str, digest: str, progressbar: bool) -> Path:
    place = f"images/images_{session}.zip"
    if kind != "images":
        place = f"{_PLACES[kind]}responses_{session}.npy"
    path = fetch_data(_relative(kind, session), ADDRESS + place, digest, progressbar)
    require_digest(path, digest)
    return path
