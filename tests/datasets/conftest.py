"""Synthetic scenes from which the layouts of all data sets are written, drawn once a session."""

from __future__ import annotations

import pytest

from das_mm.datasets.synthetic import SyntheticConfig, generate
from das_mm.datasets.synthetic.layouts import ALL_SETS, SceneGroundTruth, read_scenes


@pytest.fixture(scope='session')
def scenes(tmp_path_factory) -> list[SceneGroundTruth]:
    """Eight scenes of 192x128 px with one to three people each, everybody mostly in the picture."""
    config = SyntheticConfig(
        num_images=8,
        image_size=(192, 128),
        people=(1, 3),
        seed=3,
        subject_share=(0.5, 0.9),
        share_spread=0.1,
        clothes='suits',
        joint_sets=ALL_SETS,
    )
    return read_scenes(generate(config, tmp_path_factory.mktemp('scenes'), workers=0, progress=False))


@pytest.fixture(scope='session')
def clip(tmp_path_factory) -> list[SceneGroundTruth]:
    """One clip of 16 frames of 192x128 px: the same people from frame to frame."""
    config = SyntheticConfig(
        num_images=16,
        image_size=(192, 128),
        people=(1, 3),
        seed=3,
        kind='clips',
        clip_length=16,
        subject_share=(0.5, 0.9),
        share_spread=0.1,
        clothes='suits',
        joint_sets=ALL_SETS,
    )
    return read_scenes(generate(config, tmp_path_factory.mktemp('clip'), workers=0, progress=False))
