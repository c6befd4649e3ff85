"""The notebooks of the documentation run, and come to what they say."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib
import pytest

from tests.docs.notebooks import run_notebook
from tests.toy_run import REPOSITORY

FOLDER = REPOSITORY / 'docs' / 'pages' / 'notebooks'


@pytest.fixture(autouse=True)
def as_in_a_notebook(tmp_path, monkeypatch):
    """Figures are not shown, and files lie in a folder of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    matplotlib.use('agg')


def test_a_photograph_becomes_3d():
    names = run_notebook(FOLDER / 'photo_to_3d.ipynb')
    depths = {
        kind: sorted(person['root_cam_mm'][2] for person in names[kind]['people']) for kind in ('found', 'solved')
    }
    true = sorted(person['root_depth'] for person in names['truth']['annotations'])
    assert len(depths['solved']) == len(true) == 2
    assert depths['solved'] == pytest.approx(true, rel=0.25) and list(Path('fits').rglob('*.glb'))


def test_a_training_on_own_people_teaches(capsys):
    run_notebook(FOLDER / 'own_people.ipynb')
    said = capsys.readouterr().out
    assert 'mine/train.json: no faults\n' in said and list(Path('found/overlays').iterdir())
    before, after = (json.loads(Path(f'{name}.json').read_text()) for name in ('before', 'after'))
    recall = next(key for key in after if key.endswith('recall'))
    assert after[recall] > before[recall] + 30, (before, after)


@pytest.mark.parametrize('path', sorted(FOLDER.glob('*.ipynb')), ids=lambda path: path.stem)
def test_outputs_are_stored_and_small(path):
    """The site shows what is stored."""
    cells = [cell for cell in json.loads(path.read_text())['cells'] if cell['cell_type'] == 'code']
    kinds = [output['output_type'] for cell in cells for output in cell['outputs']]
    assert 'error' not in kinds and 'display_data' in kinds and path.stat().st_size < 1_000_000
    assert all(cell['execution_count'] for cell in cells)
