"""Photographs as another laboratory would have taken them: stain, light, optics, camera, file.

A model that learns from such copies learns less of what its own microscope adds (D. Tellez et al.,
"Quantifying the effects of data augmentation and stain color normalization in convolutional neural
networks for computational pathology", Medical Image Analysis 58, 2019). Ranges come from what
microscopes and cameras differ in, and are wider than theirs, as Romanowsky's stains vary more than
haematoxylin and eosin of one protocol. Lengths are in pixels of a crop in which a nucleus is about
38 pixels wide, where a pixel is 0.2 to 0.3 micrometres.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

STAIN_STRENGTH = (0.7, 1.4)
"""Factor on the optical density: time in the stain, age of the slide, thickness of the smear."""
HUE = 0.12
"""Largest part of the density of one channel that appears in another: other dyes, and other filters
of the camera's sensor, whose bands overlap."""
GAMMA = (0.75, 1.33)
"""Exponent of the camera's tone curve, about that of the photograph."""
WHITE_POINT = (0.9, 1.05)
"""Factor on the light in each channel that is left after a white balance by another program."""
RESOLUTION = (0.4, 1.0)
"""Pixels of the other camera a pixel: 40x and 100x objectives, binning and smaller sensors."""
BLUR_PX = (0.0, 1.2)
"""Standard deviation: diffraction at numerical apertures 1.3 to 0.5, and slight defocus."""
SHARPENING = (0.0, 150.0)
"""Percent of the unsharp mask that cameras apply."""
SHARPENING_RADIUS_PX = 1.0
JPEG_QUALITY = (40, 96)
"""Of libjpeg; the usual settings of cameras and of published data sets."""
PROBABILITY = 0.5
"""Of each step that many acquisitions do without: resampling, blur, sharpening, JPEG."""


def simulate_acquisition(
    image: NDArray[np.uint8], generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Return a photograph as another acquisition would show it, at the same size.

    Parameters
    ----------
    image
        RGB photograph or crop, (height, width, 3), uint8.
    generator
        Source of randomness; the same state gives the same acquisition, whatever the photograph.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
    """
    draw = generator.uniform
    strength, gamma = (np.exp(draw(*np.log(span))) for span in (STAIN_STRENGTH, GAMMA))
    hue = draw(-HUE, HUE, (3, 3))
    np.fill_diagonal(hue, 0)  # a channel's own strength is the stain's
    low, high = np.log(WHITE_POINT)
    white = np.exp(draw(low, high, 3))
    resolution, blur = draw(*RESOLUTION), draw(*BLUR_PX)
    sharpening, quality = draw(*SHARPENING), int(generator.integers(*JPEG_QUALITY))
    is_resampled, is_blurred, is_sharpened, is_jpeg = generator.random(4) < PROBABILITY

    density = -np.log10(np.arange(256, dtype=np.float32).clip(1) / 255)[image]
    mixed = density @ (gamma * strength * (np.eye(3) + hue)).astype(np.float32)
    levels = (255 * white).astype(np.float32) * np.exp2(mixed * np.float32(-np.log2(10)))
    picture = Image.fromarray(np.clip(levels + 0.5, 0, 255).astype(np.uint8))
    if is_resampled:
        size = picture.size
        reduced = [max(1, round(resolution * length)) for length in size]
        small = picture.resize((reduced[0], reduced[1]), Image.Resampling.BOX)
        picture = small.resize(size, Image.Resampling.BILINEAR)
    if is_blurred:
        picture = picture.filter(ImageFilter.GaussianBlur(blur))
    if is_sharpened:
        mask = ImageFilter.UnsharpMask(SHARPENING_RADIUS_PX, round(sharpening), threshold=0)
        picture = picture.filter(mask)
    if is_jpeg:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality)
        picture = Image.open(buffer)
    return np.array(picture)
