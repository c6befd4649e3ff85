"""Damaged body files give an error in words, and nothing in them is run."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from das_mm.bodies import smpl_file
from das_mm.bodies.smpl_file import load_smpl_file
from das_mm.errors import UserError
from tests.bodies.fake_smpl import write_downloaded
from tests.datasets.mutations import damaged_bytes

SIZES = dict(NUM_VERTICES=5, NUM_FACES=2)


@pytest.fixture(scope='module')
def small(tmp_path_factory):
    """Bytes of a download with few vertices, all kinds of objects in it: chumpy's, scipy's, arrays, texts."""
    random = np.random.default_rng(0)
    kintree = np.stack([np.array(smpl_file.PARENTS), np.arange(24)]).astype(np.int64)
    kintree[0, 0] = 2**32 - 1
    path = write_downloaded(
        tmp_path_factory.mktemp('smpl') / 'basicmodel_small.pkl',
        v_template=random.normal(size=(5, 3)),
        f=np.array([[0, 1, 2], [2, 3, 4]], np.uint32),
        shapedirs=random.normal(size=(5, 3, 2)),
        posedirs=random.normal(size=(5, 3, 207)).astype(np.float32),
        J_regressor=sparse.csc_matrix(np.eye(24, 5)),
        weights=np.full((5, 24), 1 / 24),
        kintree_table=kintree.astype(np.uint32),
    )
    return path.read_bytes()


@pytest.fixture(autouse=True)
def few_vertices(monkeypatch):
    for name, value in SIZES.items():
        monkeypatch.setattr(smpl_file, name, value)


def test_the_small_body_is_read(small, tmp_path):
    (tmp_path / 'x.pkl').write_bytes(small)
    arrays = load_smpl_file(tmp_path / 'x.pkl')
    assert arrays.v_template.shape == (5, 3) and arrays.shapedirs.shape == (5, 3, 2)


@pytest.mark.parametrize('seed', [1, 2])
def test_damaged_bytes(small, tmp_path, seed):
    path, read = tmp_path / 'x.pkl', 0
    head = small.index(b'posedirs')  # most bytes are numbers: half of the damage goes to the rest
    for number, (words, data) in enumerate(damaged_bytes(small[:head] if seed == 1 else small, 300, seed)):
        path.write_bytes(data + small[head:] if seed == 1 else data)
        try:
            arrays = load_smpl_file(path)
        except UserError as error:
            assert error.file == path and error.remedy and len(str(error)) < 3000, words
        except Exception as error:
            raise AssertionError(f'{number}: {words}') from error
        else:
            read += 1
            assert arrays.faces.max() < 5 and np.isfinite(arrays.v_template).all()
    assert read > 10


def test_damaged_archives(small, tmp_path):
    (tmp_path / 'x.pkl').write_bytes(small)
    whole = load_smpl_file(tmp_path / 'x.pkl')
    kept = {name: getattr(whole, name) for name in ('v_template', 'shapedirs', 'posedirs', 'J_regressor', 'weights')}
    np.savez(tmp_path / 'x.npz', f=whole.faces, kintree_table=np.stack([smpl_file.PARENTS, range(24)]), **kept)
    path, data = tmp_path / 'x.npz', (tmp_path / 'x.npz').read_bytes()
    for words, damaged in damaged_bytes(data, 300, seed=3):
        path.write_bytes(damaged)
        try:
            assert np.array_equal(load_smpl_file(path).v_template, whole.v_template), words
        except UserError as error:
            assert error.file == path and error.remedy
        except Exception as error:
            raise AssertionError(words) from error
