"""Body models from files: what is downloaded loads without chumpy; whatever else a file may be is told and refused."""

from __future__ import annotations

import hashlib
import pickle
import sys

import numpy as np
import pytest

from das_mm.bodies import write_smpl_file
from das_mm.bodies.smpl_file import generated_arrays, load_smpl_file
from das_mm.errors import UserError
from tests.bodies.fake_smpl import fake_chumpy, node, smpl_arrays, write_downloaded

NAMES = ('v_template', 'faces', 'shapedirs', 'posedirs', 'J_regressor', 'weights')


class Shell:
    """Would create a file when a careless reader opens the pickle."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return exec, (f'open({str(self.mark)!r}, "w").close()',)


def test_downloaded_pickle(tmp_path):
    path = write_downloaded(tmp_path / 'basicModel_neutral_lbs_10_207_0_v1.0.0.pkl')
    assert 'chumpy' not in sys.modules
    read, expected = load_smpl_file(path), generated_arrays()
    for name in NAMES:
        np.testing.assert_array_equal(getattr(read, name), getattr(expected, name), err_msg=name)
    assert read.faces.dtype == np.int64
    assert (read.source, read.version) == (str(path), '1.0.0')
    assert read.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize('suffix', ['.pkl', '.npz'])
def test_written_files(tmp_path, suffix):
    path = write_smpl_file(tmp_path / f'SMPL_FEMALE{suffix}', 'female')
    read, expected = load_smpl_file(path), generated_arrays('female')
    for name in NAMES:
        np.testing.assert_allclose(getattr(read, name), getattr(expected, name), atol=1e-6, err_msg=name)
    assert np.abs(read.v_template - generated_arrays().v_template).max() > 0.01
    assert read.version == 'not told by the file (10 shape directions)'


def test_folder_of_genders(tmp_path):
    for name in ('basicmodel_m_lbs_10_207_0_v1.1.0.pkl', 'basicmodel_neutral_lbs_10_207_0_v1.1.0.pkl'):
        (tmp_path / 'smpl' / 'models').mkdir(parents=True, exist_ok=True)
        write_downloaded(tmp_path / 'smpl' / 'models' / name)
    assert 'neutral' in load_smpl_file(tmp_path).source
    assert '_m_' in load_smpl_file(tmp_path, 'male').source
    with pytest.raises(UserError, match='no female SMPL model'):
        load_smpl_file(tmp_path, 'female')
    with pytest.raises(UserError, match='unknown gender'):
        load_smpl_file(tmp_path, 'm')


def test_missing_file_tells_the_steps(tmp_path):
    with pytest.raises(UserError) as told:
        load_smpl_file(tmp_path / 'none.pkl')
    for step in ('(1) register at https://smpl.is.tue.mpg.de', '(2)', '(3)', 'generated body'):
        assert step in str(told.value)


@pytest.mark.parametrize('place', ['whole', 'array', 'beside'])
def test_a_pickle_that_runs_code_is_refused(tmp_path, place):
    mark, path = tmp_path / 'ran', tmp_path / 'evil.pkl'
    arrays = smpl_arrays()
    evil = {
        'whole': Shell(mark),
        'array': arrays | {'v_template': Shell(mark)},
        'beside': arrays | {'extra': Shell(mark)},
    }[place]
    path.write_bytes(pickle.dumps(evil, protocol=2))
    with pytest.raises(UserError, match='exec'):
        load_smpl_file(path)
    assert not mark.exists()


def test_npz_never_unpickles(tmp_path):
    mark, arrays = tmp_path / 'ran', smpl_arrays()
    arrays['J_regressor'] = arrays['J_regressor'].toarray()
    evil = np.empty(1, object)
    evil[0] = Shell(mark)
    np.savez(tmp_path / 'beside.npz', **arrays, part2num=evil)
    assert load_smpl_file(tmp_path / 'beside.npz').weights.shape == (6890, 24)  # not needed, not looked at
    np.savez(tmp_path / 'inside.npz', **arrays | {'weights': evil})
    with pytest.raises(UserError, match='inside.npz'):
        load_smpl_file(tmp_path / 'inside.npz')
    assert not mark.exists()


def spoilt(kind):
    arrays = smpl_arrays()
    regressor, template = arrays['J_regressor'].toarray(), arrays['v_template']
    kintree = arrays['kintree_table'].copy()
    kintree[0, 4] = 0
    faces = arrays['f'].copy()
    faces[0, 0] = 6890
    bad = template.copy()
    bad[3, 1] = np.nan
    return {
        'vertices': (dict(v_template=template[:-1]), '6889 vertices'),
        'faces': (dict(f=faces[:-1]), '13775 faces'),
        'joints': (dict(J_regressor=np.concatenate([regressor, regressor])), '48 joints'),
        'tree': (dict(kintree_table=kintree), 'hang together'),
        'index': (dict(f=faces), 'do not exist'),
        'weights': (dict(weights=arrays['weights'][:, :23]), r'weights: its shape'),
        'posedirs': (dict(posedirs=arrays['posedirs'][..., :189]), 'posedirs: its shape'),
        'shapedirs': (dict(shapedirs=np.zeros((6890, 3))), 'number of betas'),
        'nan': (dict(v_template=bad), 'v_template: it holds NaN'),
        'text': (dict(f='none'), 'f: it is no array of numbers'),
        'lacking': (dict(posedirs=None), 'it has no posedirs'),
    }[kind]


@pytest.mark.parametrize(
    'kind',
    ['vertices', 'faces', 'joints', 'tree', 'index', 'weights', 'posedirs', 'shapedirs', 'nan', 'text', 'lacking'],
)
def test_another_body_is_refused(tmp_path, kind):
    changes, message = spoilt(kind)
    with pytest.raises(UserError, match=message):
        load_smpl_file(write_downloaded(tmp_path / 'other.pkl', **changes))


def test_stand_ins_with_wild_state_are_refused(tmp_path):
    arrays = smpl_arrays()
    with fake_chumpy() as chumpy:
        select, array = chumpy['chumpy.reordering'].Select, chumpy['chumpy.ch'].Ch
        wild = {
            'nothing': node(array),
            'range': node(select, a=node(array, x=np.zeros(3)), idxs=np.array([9])),
            'itself': node(select, idxs=np.zeros(1, int)),
        }
        wild['itself'].a = wild['itself']
        blobs = {name: pickle.dumps(arrays | {'v_template': value}, protocol=2) for name, value in wild.items()}
    broken = arrays['J_regressor'].copy()
    broken.indices = broken.indices + 10**6  # rows beyond the matrix
    blobs['sparse'] = pickle.dumps(arrays | {'J_regressor': broken}, protocol=2)
    for name, blob in blobs.items():
        (tmp_path / f'{name}.pkl').write_bytes(blob)
        with pytest.raises(UserError, match='no array of numbers'):
            load_smpl_file(tmp_path / f'{name}.pkl')


def test_files_that_are_none(tmp_path):
    whole = write_downloaded(tmp_path / 'whole.pkl').read_bytes()
    for name, data in {
        'cut.pkl': whole[: len(whole) // 2],
        'empty.pkl': b'',
        'text.pkl': b'<html>log in</html>',
        'list.pkl': pickle.dumps([1, 2]),
        'text.npz': b'PK text',
        'smpl.txt': b'x',
    }.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match=name):
            load_smpl_file(tmp_path / name)
