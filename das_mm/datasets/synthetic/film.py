"""From light to a photograph: exposure, lens and sensor faults."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .lighting import to_srgb


@dataclass(frozen=True)
class Film:
    """Faults of one camera; a clip keeps them from frame to frame.

    Attributes:
        exposure: Mean linear brightness of the picture.
        contrast: Exponent about middle grey.
        white_balance (3,): Factor per channel (RGB).
        saturation: 0 = grey picture, 1 = as it is.
        blur_px: Gaussian radius for an image 512 px high.
        vignette: Loss of light in the corners, 0 … 1.
        noise: Standard deviation at middle grey, sRGB steps of 0–255.
    """

    exposure: float
    contrast: float
    white_balance: np.ndarray
    saturation: float
    blur_px: float
    vignette: float
    noise: float


def sample_film(rng: np.random.Generator) -> Film:
    """Mostly good cameras, some bad ones."""
    return Film(
        exposure=float(np.exp(rng.normal(np.log(0.2), 0.3))),
        contrast=float(rng.uniform(0.9, 1.2)),
        white_balance=np.exp(rng.normal(0, 0.04, 3)),
        saturation=float(np.clip(rng.normal(0.95, 0.15), 0, 1.3)) * (rng.random() > 0.02),
        blur_px=float(rng.choice([0, rng.uniform(0, 0.7), rng.uniform(0.7, 1.8)], p=[0.4, 0.45, 0.15])),
        vignette=float(max(0, rng.uniform(-0.2, 0.35))),
        noise=float(rng.choice([1.5, rng.uniform(2, 5), rng.uniform(5, 14)], p=[0.4, 0.45, 0.15])),
    )


def develop(
    radiance: np.ndarray, film: Film, rng: np.random.Generator, exposure_gain: float | None = None
) -> np.ndarray:
    """The picture as it is stored.

    Args:
        radiance (H, W, 3) float32: Linear RGB.
        film: The camera.
        rng: For the noise.
        exposure_gain: Factor on the light; from the picture's own mean where None (clips keep their first frame's).

    Returns:
        (H, W, 3) uint8 BGR.
    """
    height, width = radiance.shape[:2]
    gain = film_gain(radiance, film) if exposure_gain is None else exposure_gain
    light = radiance * (gain * film.white_balance).astype(np.float32)
    light = light / (1 + np.maximum(light - 0.6, 0))  # shoulder: bright light is compressed, not cut
    if film.vignette > 0:
        y, x = np.linspace(-1, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)
        light *= (1 - np.float32(film.vignette / 2) * (x * x + y * y))[..., None]
    sigma = film.blur_px * height / 512
    if sigma > 0.15:
        light = cv2.GaussianBlur(light, (0, 0), sigma)
    picture = to_srgb(light)
    if film.saturation != 1:
        grey = picture @ np.array([0.299, 0.587, 0.114], np.float32)
        picture = grey[..., None] + np.float32(film.saturation) * (picture - grey[..., None])
    if film.contrast != 1:
        picture = 118 + np.float32(film.contrast) * (picture - 118)
    picture += np.float32(film.noise) * rng.standard_normal(picture.shape, np.float32)
    return cv2.cvtColor(np.clip(picture + 0.5, 0, 255).astype(np.uint8), cv2.COLOR_RGB2BGR)


def film_gain(radiance: np.ndarray, film: Film) -> float:
    """Factor that gives the picture its mean brightness; very bright parts (lamps, sky) count little."""
    return float(film.exposure / max(np.minimum(radiance[::4, ::4], 0.6).mean(), 1e-3))
