"""Image files as arrays: their channels, what lies under transparent ones, and one size for all.

An image is turned as its EXIF orientation says, as a viewer shows it. Palettes, CMYK and YCbCr
become red, green and blue. Images of more than 8 bits a channel keep their numbers, which an
`image_range` puts on a scale (`spikelearn.stimuli.image_scale`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import numpy as np
from pydantic import AfterValidator

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn.stimuli.image_scale import ImageRange
from spikelearn.stimuli.images import resized_images

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm")

# Modes of Pillow: grey of 8 bits or fewer, colour of 8 bits a channel, grey of more.
_GREY = ("1", "L", "LA", "La")
_COLOUR = ("P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")
_DEEP = ("I", "F")  # and those that begin with I;16
_TURNED = (5, 6, 7, 8)  # EXIF orientations that exchange height and width
_EXIF_ORIENTATION = 274
_ALIKE = 0.02  # sides of which the proportions differ by less are taken for the same


@dataclass(frozen=True)
class ImageReading:
    """How image files are read, and what is to be said of it.

    Parameters
    ----------
    background : str, optional
        The colour under transparent images, as grey, white or #808080; they are refused if absent.
    image_range : (float, float), optional
        What black and white are; without it images of more than 8 bits are refused.
    size : (int, int), optional
        Height and width to which images are resized if they have several sizes.
    few_resized : bool
        Whether a few images of another size, of the same proportions, are resized to that of most.
    notes : list of str
        What was done; reading adds to it.
    laid : list of Path
        The transparent images, which were laid on the background.
    """

    background: str | None = None
    image_range: ImageRange | None = None
    size: tuple[int, int] | None = None
    few_resized: bool = False
    notes: list[str] = field(default_factory=list)
    laid: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.background is not None:
            colour_of(self.background)

    def note(self, sentence: str) -> None:
        """Say something once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    @property
    def sentences(self) -> list[str]:
        """All that is to be said."""
        if not self.laid:
            return list(self.notes)
        first = self.laid[0]
        which = f"{len(self.laid)} images are" if len(self.laid) > 1 else "an image is"
        return [
            f"{which} transparent, {'the first ' * (len(self.laid) > 1)}{first},"
            f" and laid on {self.background}",
            *self.notes,
        ]


def colour_of(name: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of a colour by name or as #808080.

    Raises
    ------
    SpikelearnError
        If it is no opaque colour.
    """
    from PIL import ImageColor

    try:
        colour = ImageColor.getrgb(str(name))
    except ValueError as error:
        raise SpikelearnError(
            f"the background '{name}' is no colour; give a name as grey or white, or #808080"
        ) from error
    if len(colour) != 3:
        raise SpikelearnError(f"the background '{name}' is transparent itself; give #rrggbb")
    return colour


def _checked_colour(name: str) -> str:
    colour_of(name)
    return name


Colour = Annotated[str, AfterValidator(_checked_colour)]
"""The name of a colour in a description."""


def is_image(path: Path) -> bool:
    """Whether it is a file whose suffix is an image's, and not hidden."""
    named = path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    return named and path.is_file()


def read_images(
    path: Path, files: Sequence[Path], reading: ImageReading | None = None
) -> np.ndarray:
    """All files, below `path`, in one array: grey (n, h, w) if all are grey, else (n, h, w, 3).

    Parameters
    ----------
    path : Path
    files : sequence of Path
    reading : ImageReading, optional
        Is told what was done.

    Returns
    -------
    array
        uint8, where no image has more than 8 bits a channel.

    Raises
    ------
    SpikelearnError
        If an image cannot be read, is transparent without a background, has more than 8 bits and
        there is no `image_range`, or the images differ in size and nothing says to which to bring
        them.
    """
    reading = ImageReading() if reading is None else reading
    images = [decoded(file, file, reading) for file in files]
    deep = [i for i, image in enumerate(images) if image.dtype != np.uint8]
    if deep and reading.image_range is None:
        high = max(float(images[i].max()) for i in deep)
        raise SpikelearnError(
            f"{files[deep[0]]} has more than 8 bits a channel; say what black and white are in the"
            f" images, as image_range=[0,65535] for 16 bits (its values reach {high:g})"
        )
    shallow = [i for i in range(len(files)) if i not in set(deep)] if deep else []
    if shallow and reading.image_range is not None and reading.image_range[1] > 255:
        reading.note(
            f"{path}: {len(shallow)} of {len(files)} images, as {files[shallow[0]].name}, have 8"
            f" bits a channel and others more; on the scale of {reading.image_range[0]:g} to"
            f" {reading.image_range[1]:g} they are nearly black: bring all to the same depth"
        )
    images = _of_one_size(path, files, images, reading)
    if all(image.ndim == 2 for image in images):
        return np.stack(images)
    return np.stack([i if i.ndim == 3 else np.repeat(i[..., None], 3, axis=2) for i in images])


def read_image(file: Path, reading: ImageReading | None = None) -> np.ndarray:
    """One image, shape (h, w) if it is grey, else (h, w, 3); as of `read_images`."""
    return read_images(file.parent, [file], reading)[0]


def sizes_and_colours(
    files: Sequence[Path], background: str | None = None
) -> tuple[Counter[tuple[int, int]], bool]:
    """Height and width of images, and whether some are in colour, by what stands at their head.

    Parameters
    ----------
    files : sequence of Path
    background : str, optional
        As of `ImageReading`: laid on a colour, grey images are in colour.

    Raises
    ------
    SpikelearnError
        If one cannot be read.
    """
    from PIL import Image

    sizes: Counter[tuple[int, int]] = Counter()
    coloured = False
    for file in files:
        try:
            with Image.open(file) as image:
                turned = image.getexif().get(_EXIF_ORIENTATION) in _TURNED
                width, height = image.size[::-1] if turned else image.size
                grey = image.mode in _GREY or _is_deep(image.mode)
                if grey and image.has_transparency_data and background is not None:
                    grey = len(set(colour_of(background))) == 1
        except Exception as error:  # Pillow raises many kinds on broken files
            raise _unreadable(file, error) from error
        sizes[height, width] += 1
        coloured |= not grey
    return sizes, coloured


def decoded(source: Path | BinaryIO, file: Path, reading: ImageReading) -> np.ndarray:
    """An image as an array, as of `read_images` but of its own size.

    Parameters
    ----------
    source : Path or binary file
        What is read.
    file : Path
        What it is called.
    reading : ImageReading
        Is told what was done.

    Raises
    ------
    SpikelearnError
        If it cannot be read, is transparent without a background, or one of several in the file.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(source) as opened:
            frames = getattr(opened, "n_frames", 1)
            image: Any = ImageOps.exif_transpose(opened)  # as a viewer shows it
            image.load()
    except Exception as error:  # Pillow raises many kinds on broken files
        raise _unreadable(file, error) from error
    if frames > 1:
        raise SpikelearnError(
            f"{file} holds {counted(frames, 'image')}; one image a file is needed"
        )
    if _is_deep(image.mode):
        values = np.array(image)
        return values.astype(values.dtype.newbyteorder("="))
    if image.mode not in _GREY + _COLOUR:
        raise SpikelearnError(
            f"{file} is in {image.mode} colours, which are not read; convert it to RGB or grey"
        )
    if image.mode == "CMYK":
        reading.note(f"{file.parent}: CMYK images become RGB without their colour profile")
    if image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema()[0] < 255:
        if reading.background is None:
            raise SpikelearnError(
                f"{file} is transparent; say what lies under it, as background: grey, or put it on"
                " an opaque ground"
            )
        reading.laid.append(file)
        return _on_ground(image, reading.background)
    return np.array(image.convert("L" if image.mode in _GREY else "RGB"))


def _on_ground(image: Image.Image, background: str) -> np.ndarray:
    """A transparent image on a colour; grey, if both are."""
    from PIL import Image

    colour = colour_of(background)
    ground = Image.new("RGBA", image.size, (*colour, 255))
    ground.alpha_composite(image.convert("RGBA"))
    pixels = np.array(ground.convert("RGB"))
    grey = image.mode in _GREY and len(set(colour)) == 1
    return pixels[..., 0] if grey else pixels


def _of_one_size(
    path: Path, files: Sequence[Path], images: list[np.ndarray], reading: ImageReading
) -> list[np.ndarray]:
    sizes = Counter(image.shape[:2] for image in images)
    if len(sizes) == 1:
        return images
    usual, number = sizes.most_common(1)[0]
    others = [i for i, image in enumerate(images) if image.shape[:2] != usual]
    if reading.size is not None:
        usual = reading.size
    elif reading.few_resized and number > len(others) and _alike(usual, sizes):
        first, (height, width) = files[others[0]].name, images[others[0]].shape[:2]
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        reading.note(
            f"{path}: {first} of {height} x {counted(width, 'pixel')}{more} of"
            f" {counted(len(images), 'image')}"
            f" {'are' if more else 'is'} resized to {usual[0]} x {usual[1]}, the size of the"
            " others, by area averaging"
        )
    else:
        other = next(i for i, image in enumerate(images) if image.shape[:2] != images[0].shape[:2])
        said = " and ".join(
            f"{files[i].relative_to(path)} is {images[i].shape[0]} x {images[i].shape[1]}"
            for i in (0, other)
        )
        raise SpikelearnError(
            f"all images of {path} must share one size, but {said} pixels (height x width); resize"
            " them, in a recording's description by size"
        )
    return [
        image if image.shape[:2] == usual else resized_images(image[None], *usual)[0]
        for image in images
    ]


def _alike(usual: tuple[int, int], sizes: Counter[tuple[int, int]]) -> bool:
    """Whether all sizes have the proportions of the usual one."""
    ratio = usual[0] / usual[1]
    return all(abs(h / w / ratio - 1) < _ALIKE for h, w in sizes)


def _is_deep(mode: str) -> bool:
    return mode in _DEEP or mode.startswith("I;16")


def _unreadable(file: Path, error: Exception) -> SpikelearnError:
    why = str(error).replace(str(file), "it").strip().rstrip(".")
    reason = f" ({why})" if why and len(why) < 120 and "cannot identify" not in why else ""
    return SpikelearnError(f"{file} is not a readable image{reason}")
