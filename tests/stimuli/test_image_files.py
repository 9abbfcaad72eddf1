"""Image files as their publishers ship them: channels, transparency, depth, sizes, damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spikelearn._errors import SpikelearnError
from spikelearn.stimuli import load_dataset
from spikelearn.stimuli.image_files import (
    ImageReading,
    colour_of,
    read_image,
    read_images,
    sizes_and_colours,
)
from spikelearn.stimuli.images import network_images, resized_images, words_of_preparation

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (6, 8), dtype=np.uint8)
COLOUR = RANDOM.integers(0, 256, (6, 8, 3), dtype=np.uint8)
ALPHA = RANDOM.integers(0, 256, (6, 8, 1), dtype=np.uint8)


def saved(folder: Path, image: Image.Image, name: str = "a.png", **options) -> Path:
    image.save(folder / name, **options)
    return folder / name


# --- Channels.


def test_grey_and_colour_are_read_as_they_are_whatever_the_mode(tmp_path: Path) -> None:
    grey, colour = Image.fromarray(GREY), Image.fromarray(COLOUR)
    opaque = Image.fromarray(np.concatenate([COLOUR, np.full_like(ALPHA, 255)], axis=2))
    for image, expected in (
        (grey, GREY),
        (grey.convert("LA"), GREY),
        (grey.convert("1"), np.asarray(grey.convert("1").convert("L"))),
        (colour, COLOUR),
        (opaque, COLOUR),
    ):
        np.testing.assert_array_equal(read_image(saved(tmp_path, image)), expected)
    few = colour.quantize(7)
    np.testing.assert_array_equal(read_image(saved(tmp_path, few)), np.asarray(few.convert("RGB")))


def test_cmyk_becomes_red_green_and_blue_and_is_said(tmp_path: Path) -> None:
    ink = np.zeros((4, 4, 4), np.uint8)
    ink[..., 1] = 255  # magenta
    reading = ImageReading()
    image = read_image(saved(tmp_path, Image.fromarray(ink, "CMYK"), "a.tif"), reading)
    assert image[0, 0].tolist() == [255, 0, 255]
    assert any("without their colour profile" in sentence for sentence in reading.sentences)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_turned_as_a_viewer_turns_it(tmp_path: Path, orientation: int) -> None:
    image = Image.fromarray(GREY)
    exif = image.getexif()
    exif[274] = orientation
    path = saved(tmp_path, image, "a.png", exif=exif)
    upright = {
        1: GREY, 2: GREY[:, ::-1], 3: GREY[::-1, ::-1], 4: GREY[::-1], 5: GREY.T,
        6: np.rot90(GREY, -1), 7: GREY[::-1, ::-1].T, 8: np.rot90(GREY),
    }[orientation]  # fmt: skip
    np.testing.assert_array_equal(read_image(path), upright)
    sizes, coloured = sizes_and_colours([path])
    assert (list(sizes), coloured) == ([upright.shape], False)


def test_other_colours_are_refused_by_name(tmp_path: Path) -> None:
    lab = Image.new("LAB", (3, 3))
    with pytest.raises(SpikelearnError, match="in LAB colours, which are not read"):
        read_image(saved(tmp_path, lab, "a.tif"))


# --- Transparency.


@pytest.mark.parametrize(
    ("background", "colour"),
    [("grey", (128, 128, 128)), ("white", (255,) * 3), ("#102030", (16, 32, 48))],
)
def test_transparent_images_are_laid_on_a_colour(tmp_path: Path, background, colour) -> None:
    path = saved(tmp_path, Image.fromarray(np.concatenate([COLOUR, ALPHA], axis=2)))
    reading = ImageReading(background)
    share = ALPHA / 255.0
    expected = share * COLOUR + (1 - share) * np.array(colour)
    np.testing.assert_allclose(read_image(path, reading), expected, atol=1.0)
    assert reading.sentences == [
        f"an image is transparent, {tmp_path / 'a.png'}, and laid on {background}"
    ]
    with pytest.raises(SpikelearnError, match="is transparent; say what lies under it, as backg"):
        read_image(path)


def test_a_grey_image_stays_grey_on_a_grey_ground(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(np.concatenate([GREY[..., None], ALPHA], axis=2), "LA"))
    share = ALPHA[..., 0] / 255.0
    image = read_image(path, ImageReading("black"))
    np.testing.assert_allclose(image, share * GREY, atol=1.0)
    assert not sizes_and_colours([path], "black")[1]
    assert read_image(path, ImageReading("red")).shape == (6, 8, 3)
    assert sizes_and_colours([path], "red")[1]


def test_a_palette_may_be_transparent(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.putpixel((2, 1), 0)
    path = saved(tmp_path, image, transparency=0)
    read = read_image(path, ImageReading("white"))
    assert read[1, 2].tolist() == [255, 255, 255]
    assert read[0, 0].tolist() == [10, 20, 30]


def test_a_background_is_a_colour(tmp_path: Path) -> None:
    assert colour_of("gray") == colour_of("grey") == colour_of("#808080")
    for wrong, sentence in (("greyish", "is no colour"), ("#11223344", "transparent itself")):
        with pytest.raises(SpikelearnError, match=sentence):
            ImageReading(wrong)


# --- Depth.


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I", "F"])
def test_images_of_more_than_8_bits_need_a_range(tmp_path: Path, mode: str) -> None:
    values = np.linspace(0, 4095, 48).reshape(6, 8)
    dtype = {"I;16": "<u2", "I;16B": ">u2", "I": "<i4", "F": "<f4"}[mode]
    image = Image.fromarray(values.astype("<u2" if mode == "I;16B" else dtype))
    path = saved(tmp_path, image, "a.tif")
    with pytest.raises(SpikelearnError, match=r"more than 8 bits.*image_range.*reach 4095"):
        read_image(path)
    deep = read_images(tmp_path, [path], ImageReading(image_range=(0, 4095)))
    np.testing.assert_allclose(deep[0], values, atol=1.0)


def test_folders_of_16_bits_are_on_the_scale_that_is_said(tmp_path: Path) -> None:
    for name, level in (("dark", 1000), ("light", 3000)):
        (tmp_path / name).mkdir()
        for i in range(5):
            image = Image.fromarray(np.full((4, 4), level + 100 * i, np.uint16))
            image.save(tmp_path / name / f"{i}.png")
    data = load_dataset(tmp_path, image_range=(0, 4000))
    shown = np.concatenate([data.train_images, data.test_images])
    assert shown.dtype == np.uint8
    assert sorted(set(shown.ravel().tolist())) == [
        round(255 * (level + 100 * i) / 4000) for level in (1000, 3000) for i in range(5)
    ]
    with pytest.raises(SpikelearnError, match="image_range"):
        load_dataset(tmp_path)


def test_images_of_8_bits_among_deeper_ones_are_told(tmp_path: Path) -> None:
    shallow = saved(tmp_path, Image.fromarray(np.full((4, 4), 200, np.uint8)), "a.png")
    deep = saved(tmp_path, Image.fromarray(np.full((4, 4), 50000, np.uint16)), "b.png")
    reading = ImageReading(image_range=(0, 65535))
    read_images(tmp_path, [shallow, deep], reading)
    (told,) = reading.sentences
    assert "1 of 2 images, as a.png, have 8 bits a channel and others more" in told
    floats = saved(tmp_path, Image.fromarray(np.full((4, 4), 99.5, np.float32)), "c.tif")
    reading = ImageReading(image_range=(0, 255))
    read_images(tmp_path, [shallow, floats], reading)
    assert not reading.sentences


# --- Sizes.


def test_images_of_several_sizes_are_resized_where_a_size_is_said(tmp_path: Path) -> None:
    files = [saved(tmp_path, Image.fromarray(COLOUR), "a.png")]
    files.append(saved(tmp_path, Image.fromarray(COLOUR[:4]), "b.png"))
    with pytest.raises(SpikelearnError, match=r"a\.png is 6 x 8 and b\.png is 4 x 8 pixels"):
        read_images(tmp_path, files)
    reading = ImageReading(size=(2, 4))
    read = read_images(tmp_path, files, reading)
    np.testing.assert_allclose(read[0], COLOUR.reshape(2, 3, 4, 2, 3).mean(axis=(1, 3)), atol=0.5)
    np.testing.assert_allclose(
        read[1], COLOUR[:4].reshape(2, 2, 4, 2, 3).mean(axis=(1, 3)), atol=0.5
    )


def test_a_few_of_nearly_the_same_size_are_resized_to_that_of_most(tmp_path: Path) -> None:
    big = RANDOM.integers(0, 256, (100, 100), dtype=np.uint8)
    files = [saved(tmp_path, Image.fromarray(np.roll(big, i)), f"{i}.png") for i in range(4)]
    files.append(saved(tmp_path, Image.fromarray(big[:, :99]), "odd.png"))
    reading = ImageReading(few_resized=True)
    read = read_images(tmp_path, files, reading)
    assert read.shape == (5, 100, 100)
    np.testing.assert_array_equal(read[0], big)
    assert "odd.png of 100 x 99 pixels of 5 images is resized to 100 x 100" in reading.notes[0]
    files.append(saved(tmp_path, Image.fromarray(big[:, :50]), "half.png"))
    with pytest.raises(SpikelearnError, match="must share one size"):  # of other proportions
        read_images(tmp_path, files, ImageReading(few_resized=True))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_resizing_averages_areas_as_networks_are_shown_them(dtype) -> None:
    images = RANDOM.integers(0, 256, (3, 10, 15), dtype=np.uint8)
    resized = resized_images(images.astype(dtype), 4, 7)
    assert resized.dtype == dtype
    shown = network_images(images, (1, 4, 7)).reshape(3, 4, 7) * 255
    tolerance = 0.501 if np.dtype(dtype).kind == "u" else 1e-3
    np.testing.assert_allclose(resized, shown, atol=tolerance)
    assert resized.mean() == pytest.approx(images.mean(), abs=0.5)  # light is conserved


def test_what_is_done_to_images_is_said_in_words() -> None:
    assert words_of_preparation([(28, 28)], False, (1, 28, 28)) == ""
    grey = words_of_preparation([(32, 40)], True, (1, 28, 28))
    assert "from colour to grey (luminance, Rec. 709) and resized from 32 x 40 to 28 x 28" in grey
    assert grey.endswith("which changes their proportions")
    several = words_of_preparation([(56, 56), (30, 30)], False, (3, 28, 28))
    assert several == (
        "repeated from grey in red, green and blue and resized from sizes between 30 x 30 and"
        " 56 x 56 to 28 x 28 pixels by area averaging"
    )


# --- Damage.


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "gif", "webp"])
def test_cut_files_are_told_in_one_sentence_and_never_read_in_part(tmp_path, suffix) -> None:
    image = Image.fromarray(RANDOM.integers(0, 256, (60, 80, 3), dtype=np.uint8))
    path = saved(tmp_path, image, f"a.{suffix}")
    content = path.read_bytes()
    for share in (0.02, 0.5, 0.9):
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(SpikelearnError, match="is not a readable image") as raised:
            read_image(path)
        assert "\n" not in str(raised.value)


def test_films_are_refused(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.roll(GREY, i)) for i in range(3)]
    path = saved(tmp_path, frames[0], "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(SpikelearnError, match="holds 3 images; one image a file"):
        read_image(path)
