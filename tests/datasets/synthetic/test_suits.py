"""Suits tell every limb from every other, and a set of them differs from the others in its pictures only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from das_mm.datasets.synthetic.config import SyntheticConfig
from das_mm.datasets.synthetic.drawing import choose_setting
from das_mm.datasets.synthetic.layout import layout_scene
from das_mm.datasets.synthetic.suits import Suit, suit_rgb
from das_mm.errors import UserError


def test_ten_limbs_ten_colours():
    upper_arm, forearm, thigh, shank = [0.3, 1.4, 0], [0.6, 1.4, 0], [0.1, 0.7, 0], [0.1, 0.3, 0]
    left = np.array([upper_arm, forearm, thigh, shank])
    trunk = np.array([[0.05, 1.2, 0.1], [0.05, 1.2, -0.1]])  # front, back
    colours = suit_rgb(np.concatenate([left, left * [-1, 1, 1], trunk]))
    assert len(np.unique(colours, axis=0)) == 10
    distance = np.linalg.norm(colours[:, None] - colours[None], axis=-1) + 1e3 * np.eye(10)
    assert distance.min() > 60  # sRGB steps


def test_suits_change_looks_and_nothing_else():
    varied = SyntheticConfig(num_images=1, image_size=(96, 64), people=(2, 3), seed=3)
    suits = replace(varied, clothes='suits')
    assert varied.key != suits.key
    layouts = [layout_scene(config, 0) for config in (varied, suits)]
    for one, other in zip(layouts[0].people, layouts[1].people, strict=True):
        np.testing.assert_array_equal(one.vertices, other.vertices)
    looks = [choose_setting(config, 0, [layout]).looks.values() for config, layout in zip((varied, suits), layouts)]
    assert not any(isinstance(look, Suit) for look in looks[0]) and all(isinstance(look, Suit) for look in looks[1])
    assert [tuple(a.skin) for a in looks[0]] == [tuple(b.skin) for b in looks[1]]


@pytest.mark.parametrize('bad', [dict(clothes='togas'), dict(subject_share=(0.5, 0.2)), dict(share_spread=-1)])
def test_impossible_settings(bad):
    with pytest.raises(UserError):
        SyntheticConfig(**bad)
