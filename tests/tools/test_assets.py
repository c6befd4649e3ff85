"""The makers of stored assets, reached by their verb."""

from __future__ import annotations

import numpy as np

from das_mm.bodies.generated_body import TEMPLATE_FILE
from das_mm.bodies.template import template_maker
from das_mm.cli import main


def test_a_pose_mixture(tmp_path, capsys):
    out = tmp_path / 'mixture.npz'
    assert main(['assets', 'mixture', '--out', str(out), '--poses', '60', '--components', '2']) == 0
    with np.load(out) as stored:
        assert stored['means'].shape == (2, 69) and stored['covars'].shape == (2, 69, 69)
        assert abs(stored['weights'].sum() - 1) < 1e-6 and np.linalg.eigvalsh(stored['covars']).min() > 0
    said = capsys.readouterr().out
    assert 'unseen poses: mean log likelihood' in said and f'wrote {out}' in said


def test_a_template(tmp_path, monkeypatch, capsys):
    """The surface itself takes minutes of remeshing: here it is the stored one, from which the rest follows."""
    with np.load(TEMPLATE_FILE) as stored:
        vertices, faces = stored['vertices_um'] * 1e-6, stored['faces'].astype(int)
    monkeypatch.setattr(template_maker, 'half_surface', lambda field: None)
    monkeypatch.setattr(template_maker, 'close_and_number', lambda half: (vertices, faces))
    out = tmp_path / 'folder' / 'template.npz'
    assert main(['assets', 'template', '--out', str(out)]) == 0
    with np.load(out) as made, np.load(TEMPLATE_FILE) as stored:
        assert set(made.files) == set(stored.files)
        for name in ('vertices_um', 'faces', 'part_labels'):
            np.testing.assert_array_equal(made[name], stored[name])
    assert f'wrote {out}' in capsys.readouterr().out
