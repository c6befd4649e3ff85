"""Grass, planks, bricks, facades, …: what a texture tile of each kind looks like, drawn from noise and lines."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

TILE_PX = 256


def fractal_noise(
    rng: np.random.Generator,
    size: int = TILE_PX,
    cells: int = 4,
    octaves: int = 5,
    gain: float = 0.55,
    stretch: tuple[int, int] = (1, 1),
) -> np.ndarray:
    """(size, size) float32 in [0, 1], wrapping; ``cells`` is the coarsest grid, ``stretch`` multiplies it in (y, x)."""
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        grid = [max(min(cells * 2**octave * s, size), 2) for s in stretch]
        values = np.pad(rng.random(grid, np.float32), 2, mode='wrap')
        scale = [size / g for g in grid]
        big = cv2.resize(
            values,
            (round(values.shape[1] * scale[1]), round(values.shape[0] * scale[0])),
            interpolation=cv2.INTER_CUBIC,
        )
        y0, x0 = round(2 * scale[0]), round(2 * scale[1])
        total += gain**octave * big[y0 : y0 + size, x0 : x0 + size]
    low, high = np.percentile(total, [1, 99])
    return np.clip((total - low) / max(high - low, 1e-6), 0, 1)


def hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    """(3,) sRGB in [0, 255] from hue, saturation and value, each in [0, 1]."""
    pixel = np.array([[[(hue % 1) * 360, saturation, value]]], np.float32)
    return cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0] * 255


def _ramp(mask: np.ndarray, dark, light) -> np.ndarray:
    return mask[..., None] * np.asarray(light, np.float32) + (1 - mask[..., None]) * np.asarray(dark, np.float32)


def _grid() -> tuple[np.ndarray, np.ndarray]:
    x, y = np.meshgrid(np.arange(TILE_PX), np.arange(TILE_PX))
    return x, y


def _grass(rng):
    blades = fractal_noise(rng, cells=24, octaves=4, gain=0.9, stretch=(1, 2))
    image = _ramp(blades, hsv(rng.uniform(0.2, 0.3), 0.55, 0.25), hsv(rng.uniform(0.17, 0.28), 0.5, 0.62))
    return image * (0.85 + 0.3 * fractal_noise(rng, cells=3, octaves=3)[..., None])


def _dirt(rng):
    return _ramp(fractal_noise(rng, cells=5, octaves=6), hsv(0.08, 0.45, 0.3), hsv(rng.uniform(0.07, 0.12), 0.35, 0.68))


def _asphalt(rng):
    grey = 60 + 60 * rng.random()
    stones, stains = fractal_noise(rng, cells=32, octaves=3), fractal_noise(rng)
    return (grey + 40 * (stones - 0.5) + 25 * stains)[..., None] * [1, 1, 1.02]


def _concrete(rng):
    image = _ramp(fractal_noise(rng, octaves=6), [120, 118, 112], [190, 186, 178])
    x, y = _grid()
    image[(x % 128 < 2) | (y % 128 < 2)] *= 0.6
    return image


def _tiles(rng):
    x, y = _grid()
    n = int(rng.choice([32, 64]))
    one, two = (
        hsv(rng.random(), 0.15 * rng.random(), 0.85),
        hsv(rng.random(), 0.35 * rng.random() ** 2, rng.uniform(0.3, 0.9)),
    )
    image = np.where((((x // n) + (y // n)) % 2 == 0)[..., None], one, two).astype(np.float32)
    image *= 0.85 + 0.3 * rng.random((8, 8)).repeat(TILE_PX // 8, 0).repeat(TILE_PX // 8, 1)[..., None]
    image[(x % n < 2) | (y % n < 2)] = 70 + 100 * rng.random()
    return image * (0.9 + 0.2 * fractal_noise(rng)[..., None])


def _planks(rng):
    x, y = _grid()
    width = TILE_PX // 8
    grain = fractal_noise(rng, cells=2, octaves=5, stretch=(8, 1))
    base, dark = hsv(rng.uniform(0.04, 0.11), rng.uniform(0.3, 0.6), rng.uniform(0.5, 0.85)), hsv(0.06, 0.6, 0.25)
    image = _ramp(np.clip(0.45 + 0.8 * (grain - 0.3), 0, 1), dark, base)
    image *= rng.uniform(0.75, 1.1, 8).repeat(width)[:, None, None]
    joint = (np.arange(8) * 61 % 256).repeat(width)[:, None]
    image[(y % width < 2) | (np.abs(x - joint) < 2)] *= 0.45
    return image


def _bricks(rng):
    x, y = _grid()
    row = y // 16
    shifted = (x + 16 * (row % 2)) % TILE_PX
    tone = rng.uniform(0.7, 1.15, (16, 8)).astype(np.float32)[row, shifted // 32]
    image = hsv(rng.uniform(0, 0.09), rng.uniform(0.25, 0.65), rng.uniform(0.45, 0.75)) * tone[..., None]
    image[(y % 16 < 2) | (shifted % 32 < 2)] = 150 + 60 * rng.random()
    return image * (0.8 + 0.4 * fractal_noise(rng, cells=16)[..., None])


def _plaster(rng):
    base = hsv(rng.uniform(0.02, 0.65), 0.25 * rng.random() ** 2, rng.uniform(0.55, 0.97))
    return base * (0.95 + 0.06 * fractal_noise(rng, cells=2, octaves=6, gain=0.7)[..., None])


def _clouds(rng):
    return np.repeat(255 * fractal_noise(rng, cells=3, octaves=6)[..., None], 3, 2)


def _wallpaper(rng):
    x, y = _grid()
    base = hsv(rng.random(), 0.3 * rng.random(), rng.uniform(0.4, 0.95))
    other = hsv(rng.random(), rng.uniform(0.05, 0.4), rng.uniform(0.3, 0.9))
    n = int(rng.choice([16, 32, 64]))
    pattern = [
        x % n < n // 2,
        (x % n < n // 3) ^ (y % n < n // 3),
        (x % n - n / 2) ** 2 + (y % n - n / 2) ** 2 < (n * 0.3) ** 2,
        (x + y) % n < n // 3,
    ][int(rng.integers(4))]
    return _ramp(pattern * rng.uniform(0.2, 0.8), base, other) * (0.9 + 0.15 * fractal_noise(rng)[..., None])


def _carpet(rng):
    image = _wallpaper(rng).copy()
    cv2.rectangle(image, (6, 6), (249, 249), tuple(float(c) for c in hsv(rng.random(), 0.4 * rng.random(), 0.5)), 8)
    return image * (0.85 + 0.3 * rng.random((TILE_PX, TILE_PX, 1)))


def _foliage(rng):
    image = np.zeros((TILE_PX, TILE_PX, 3), np.float32) + hsv(0.28, 0.6, 0.12)
    hue = rng.uniform(0.18, 0.36)
    for _ in range(500):
        centre = tuple(int(c) for c in rng.integers(0, TILE_PX, 2))
        colour = tuple(float(c) for c in hsv(hue + 0.04 * rng.normal(), rng.uniform(0.4, 0.8), rng.uniform(0.15, 0.6)))
        axes = tuple(int(a) for a in rng.integers(3, 12, 2))
        cv2.ellipse(image, centre, axes, rng.uniform(0, 180), 0, 360, colour, -1)
    return image


def _facade(rng):
    wall = hsv(rng.uniform(0.02, 0.2), 0.3 * rng.random(), rng.uniform(0.4, 0.85))
    image = wall * (0.85 + 0.2 * fractal_noise(rng)[..., None])
    glass, frame = hsv(0.58, 0.4, rng.uniform(0.2, 0.5)), hsv(rng.random(), 0.1, rng.uniform(0.3, 1))
    n, high = int(rng.choice([32, 64])), rng.uniform(0.5, 0.8)
    for y in range(0, TILE_PX, n):
        for x in range(0, TILE_PX, n):
            x0, y0, x1, y1 = x + n // 5, y + n // 6, x + n - n // 5, y + n // 6 + int(n * high)
            image[y0 - 2 : y1 + 2, x0 - 2 : x1 + 2] = frame
            lit = hsv(0.13, 0.4, 0.9) if rng.random() < 0.1 else glass * rng.uniform(0.6, 1.6)
            image[y0:y1, x0:x1] = lit * np.linspace(1.3, 0.7, y1 - y0)[:, None, None]
    return image


def _shelves(rng):
    image = np.zeros((TILE_PX, TILE_PX, 3), np.float32) + 25
    for top in range(0, TILE_PX, 64):
        x = 0
        while x < TILE_PX:
            width, height = int(rng.integers(4, 18)), int(rng.integers(30, 56))
            colour = hsv(rng.random(), rng.uniform(0.1, 0.8), rng.uniform(0.2, 0.95))
            image[top + 58 - height : top + 58, x : x + width - 1] = colour
            label = top + 58 - int(height * rng.uniform(0.3, 0.8))
            image[label : label + 4, x + 1 : x + width - 2] = colour * 0.4 + 120
            x += width
        image[top + 58 : top + 64] = hsv(0.08, 0.5, 0.5)
    return image


def _poster(rng):
    image = np.zeros((TILE_PX, TILE_PX, 3), np.float32) + hsv(rng.random(), 0.6 * rng.random(), rng.uniform(0.2, 1))
    for _ in range(int(rng.integers(4, 14))):
        colour = tuple(float(c) for c in hsv(rng.random(), rng.random(), rng.random()))
        a, b = (tuple(int(c) for c in rng.integers(0, TILE_PX, 2)) for _ in range(2))
        shape = int(rng.integers(4))
        if shape == 0:
            cv2.rectangle(image, a, b, colour, -1)
        elif shape == 1:
            cv2.circle(image, a, int(rng.integers(8, 80)), colour, -1)
        elif shape == 2:
            cv2.fillPoly(image, [rng.integers(0, TILE_PX, (5, 2)).astype(np.int32)], colour)
        else:
            word = ''.join(chr(c) for c in rng.integers(65, 91, int(rng.integers(2, 6))))
            cv2.putText(image, word, (a[0] // 2, a[1]), int(rng.integers(0, 5)), rng.uniform(1, 3), colour, 5)
    return image * (0.9 + 0.15 * fractal_noise(rng)[..., None])


def _clutter(rng):
    """Collage of soft and hard shapes of every size: a background that means nothing."""
    image = _ramp(
        fractal_noise(rng, cells=2), hsv(rng.random(), rng.random(), 0.2), hsv(rng.random(), rng.random(), 0.9)
    )
    for size in (90, 45, 20):
        for _ in range(int(900 / size)):
            colour = tuple(float(c) for c in hsv(rng.random(), rng.random(), rng.random()))
            points = rng.integers(0, TILE_PX, 2) + rng.integers(-size, size, (int(rng.integers(3, 6)), 2))
            cv2.fillPoly(image, [points.astype(np.int32)], colour)
    return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 4))


def _metal(rng):
    return hsv(rng.uniform(0.05, 0.65), 0.2 * rng.random() ** 2, rng.uniform(0.3, 0.9)) * (
        0.8 + 0.3 * fractal_noise(rng, cells=2, stretch=(16, 1))[..., None]
    )


def _fabric(rng):
    x, y = _grid()
    base = hsv(rng.random(), rng.uniform(0.05, 0.6), rng.uniform(0.25, 0.9))
    weave = 0.9 + 0.1 * ((x // 2 + y // 2) % 2)
    return base * (weave * (0.8 + 0.3 * fractal_noise(rng, cells=6)))[..., None]


# kind -> (painter, side of the tile in metres)
KINDS: dict[str, tuple[Callable[[np.random.Generator], np.ndarray], float]] = {
    'grass': (_grass, 2.5),
    'dirt': (_dirt, 4.0),
    'asphalt': (_asphalt, 3.0),
    'concrete': (_concrete, 4.0),
    'tiles': (_tiles, 2.4),
    'planks': (_planks, 1.6),
    'bricks': (_bricks, 1.8),
    'plaster': (_plaster, 3.0),
    'wallpaper': (_wallpaper, 1.6),
    'carpet': (_carpet, 2.5),
    'foliage': (_foliage, 1.2),
    'facade': (_facade, 10.0),
    'shelves': (_shelves, 1.6),
    'poster': (_poster, 1.0),
    'clutter': (_clutter, 4.0),
    'metal': (_metal, 1.0),
    'fabric': (_fabric, 0.6),
    'clouds': (_clouds, 1.0),
}
