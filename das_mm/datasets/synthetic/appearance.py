"""How one person looks: skin, hair, clothes, shoes, things carried. Constant through a clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .cloth import Cloth, cloth_rgb, random_cloth
from .texture_painters import hsv

_SKIN = np.array(
    [
        (250, 220, 196),
        (238, 196, 166),
        (222, 172, 138),
        (198, 142, 108),
        (164, 110, 78),
        (126, 82, 58),
        (92, 60, 44),
        (66, 44, 36),
    ],
    np.float32,
)
_HAIR = np.array(
    [
        (20, 17, 16),
        (42, 30, 24),
        (74, 50, 34),
        (110, 78, 48),
        (168, 128, 78),
        (206, 174, 118),
        (122, 56, 30),
        (130, 128, 126),
        (208, 206, 202),
    ],
    np.float32,
)


@dataclass(frozen=True)
class Look:
    """Lengths are metres in the rest pose: heights above the ground, ``x`` along the stretched arms.

    Attributes:
        skin, hair, eyes (3,): sRGB.
        hair_style: 'bald', 'short', 'full', 'long', 'bun', 'tail' or 'cap'.
        beard: 0 none … 1 full.
        top, shirt, bottom, shoes, hat: Cloth of each; the shirt shows under an open jacket.
        top_hem: Height where the top ends.
        sleeve_x: Where the sleeves end; 0 = bare arms and shoulders.
        neckline: Height of the collar at the front.
        bottom_hem: Height where trousers end.
        waist: Height where trousers begin.
        skirt: Cloth of what hangs free below the waist, down to ``skirt_hem`` (0 = nothing does): a skirt, the lower
            half of a dress or coat.
        open_front: The top is an open jacket.
        shoe_top: Height of the shoes' upper rim.
        loose_top, loose_bottom: Distance of the cloth from the skin.
        bag: 'none', 'backpack' or 'shoulder'.
    """

    skin: np.ndarray
    hair: np.ndarray
    eyes: np.ndarray
    hair_style: str
    beard: float
    top: Cloth
    shirt: Cloth
    bottom: Cloth
    skirt: Cloth
    shoes: Cloth
    hat: Cloth
    top_hem: float
    sleeve_x: float
    neckline: float
    bottom_hem: float
    waist: float
    skirt_hem: float
    open_front: bool
    shoe_top: float
    loose_top: float
    loose_bottom: float
    bag: str


def _between(table: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    at = rng.uniform(0, len(table) - 1)
    low = int(at)
    return table[low] + (at - low) * (table[low + 1] - table[low]) + rng.normal(0, 4, 3)


def sample_look(rng: np.random.Generator) -> Look:
    """A person's look, drawn from the person's own stream."""
    skin = np.clip(_between(_SKIN, rng), 30, 252)
    hair = np.clip(_HAIR[rng.integers(len(_HAIR))] + rng.normal(0, 8, 3), 8, 240)
    if rng.random() < 0.04:
        hair = hsv(rng.random(), 0.7, 0.7)
    styles = {'bald': 0.06, 'short': 0.34, 'full': 0.2, 'long': 0.16, 'bun': 0.06, 'tail': 0.08, 'cap': 0.1}
    style = str(rng.choice(list(styles), p=list(styles.values())))
    outfit = str(
        rng.choice(['casual', 'jacket', 'sport', 'skirt', 'dress', 'coat'], p=[0.46, 0.17, 0.13, 0.1, 0.07, 0.07])
    )
    top = random_cloth(rng, 0.5 if outfit in ('jacket', 'coat') else 1.0)
    bottom = _trousers_cloth(rng)
    sleeve = float(rng.choice([0.16, 0.31, 0.36, 0.45, 0.64, 0.66], p=[0.08, 0.3, 0.15, 0.07, 0.2, 0.2]))
    values: dict[str, Any] = dict(
        top_hem=rng.uniform(0.86, 0.98),
        sleeve_x=sleeve,
        neckline=rng.uniform(1.34, 1.45),
        bottom_hem=float(rng.choice([0.06, 0.1, 0.3, 0.55, 0.62], p=[0.45, 0.2, 0.08, 0.17, 0.1])),
        waist=rng.uniform(0.97, 1.06),
        skirt_hem=0.0,
        open_front=False,
        shoe_top=float(rng.choice([0.07, 0.1, 0.13, 0.3])),
        loose_top=rng.uniform(0.004, 0.02),
        loose_bottom=rng.uniform(0.004, 0.02),
        bag='none',
    )
    if outfit in ('jacket', 'coat'):
        values.update(
            sleeve_x=rng.uniform(0.63, 0.68),
            neckline=1.46,
            open_front=bool(rng.random() < 0.6),
            loose_top=rng.uniform(0.015, 0.035),
            top_hem=rng.uniform(0.84, 0.95),
        )
        if outfit == 'coat':
            values.update(skirt_hem=rng.uniform(0.45, 0.75), top_hem=1.0)
    elif outfit == 'sport':
        values.update(
            loose_top=rng.uniform(0.002, 0.012),
            loose_bottom=rng.uniform(0.003, 0.02),
            bottom_hem=rng.choice([0.07, 0.58, 0.68]),
            sleeve_x=rng.choice([0, 0.15, 0.3, 0.66]),
            shoe_top=0.09,
        )
    elif outfit in ('skirt', 'dress'):
        values.update(
            skirt_hem=rng.uniform(0.2, 0.68),
            bottom_hem=rng.choice([0.06, 0.7]),
            top_hem=1.0,
            bag=str(rng.choice(['none', 'shoulder'])),
        )
    skirt = bottom if outfit == 'skirt' else top
    if rng.random() < 0.15:
        values['bag'] = str(rng.choice(['backpack', 'shoulder']))
    values['waist'] = max(values['waist'], values['top_hem'] + 0.03)
    shoe = np.clip(cloth_rgb(rng) * rng.choice([0.5, 1, 1.2]), 8, 245)
    return Look(
        skin=skin,
        hair=hair,
        eyes=np.clip(np.array([70, 50, 35]) + rng.normal(0, 25, 3), 10, 160),
        hair_style=style,
        beard=float(max(0, rng.uniform(-1.6, 1))),
        top=top,
        shirt=random_cloth(rng, 0.6),
        bottom=bottom,
        skirt=skirt,
        shoes=Cloth(shoe, shoe * 0.7, gloss=float(rng.choice([0, 0.1, 0.4]))),
        hat=random_cloth(rng, 0.3),
        **values,
    )


def _trousers_cloth(rng: np.random.Generator) -> Cloth:
    if rng.random() < 0.45:  # denim
        rgb = np.array([60, 78, 112]) * rng.uniform(0.5, 1.5) + rng.normal(0, 6, 3)
        return Cloth(np.clip(rgb, 10, 230), rgb)
    return random_cloth(rng, 0.35)
