"""A file for every identity: the results as arrays, whatever is missing is NaN."""

from __future__ import annotations

import json

import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.inference import track_files
from das_mm.inference.result_files import read_results
from das_mm.inference.track_files import write_track_files
from tests.pictures import write_video
from tests.walkers import Walkers


@pytest.fixture
def lines(mesh_inferencer, monkeypatch, tmp_path):
    """Json lines of three people in a video of ten frames, with what is not always there taken out here and there."""
    monkeypatch.setattr(mesh_inferencer.model, 'test_step', Walkers(meshes=True))
    found = [one['predictions'][0] for one in mesh_inferencer(str(write_video(tmp_path / 'v.mp4', 10)), track=True)]
    found[2]['people'][0]['track_id'] = None
    found[4]['people'][1].update(root_cam_mm=None, keypoints_cam_mm=None)
    found[4]['people'][1]['smpl']['transl_mm'] = None
    found[5]['people'][2]['smpl'] = None
    found[6]['people'] = []
    path = tmp_path / 'v.jsonl'
    path.write_text(''.join(json.dumps(one) + '\n' for one in found))
    return path


def test_what_is_in_the_files(lines, tmp_path, monkeypatch):
    monkeypatch.setattr(track_files, '_BUFFER_BYTES', 5000)  # they go to the disk in between
    monkeypatch.setattr(track_files, '_CHUNK_ROWS', 3)
    results = list(read_results(lines))
    files = write_track_files(lines, tmp_path / 'tracks' / 'v')
    assert [file.name for file in files] == ['0000.npz', '0001.npz', '0002.npz']
    assert sorted(path.name for path in (tmp_path / 'tracks' / 'v').iterdir()) == [file.name for file in files]
    for identity, file in enumerate(files):
        rows = [(result, person) for result in results for person in result['people'] if person['track_id'] == identity]
        with np.load(file) as track:
            assert track['frames'].tolist() == [result['image']['frame'] for result, _ in rows]
            assert track['times_s'].tolist() == [result['image']['time_s'] for result, _ in rows]
            assert (int(track['track_id']), str(track['name'])) == (identity, 'v')
            assert track['keypoint_names'].tolist() == results[0]['keypoint_names']
            np.testing.assert_array_equal(track['K'], [result['camera']['K'] for result, _ in rows])
            nan_of = {'root_cam_mm': [np.nan] * 3, 'keypoints_cam_mm': [[np.nan] * 3] * 15}
            for name in ('bbox_px', 'keypoints_px', 'keypoint_scores', 'root_px', 'root_cam_mm', 'keypoints_cam_mm'):
                expected = np.float32([nan_of[name] if person[name] is None else person[name] for _, person in rows])
                np.testing.assert_array_equal(track[{'bbox_px': 'bboxes_px'}.get(name, name)], expected)
            for name, shape in dict(global_orient=(3,), body_pose=(23, 3), betas=(10,), transl_mm=(3,)).items():
                expected = [
                    np.full(shape, np.nan) if (person['smpl'] or {}).get(name) is None else person['smpl'][name]
                    for _, person in rows
                ]
                np.testing.assert_array_equal(track[f'smpl_{name}'], np.float32(expected))


def test_files_of_an_earlier_run_are_replaced_and_nothing_else(lines, tmp_path):
    folder = tmp_path / 'v'
    folder.mkdir()
    for name in ('0007.npz', 'mine.npz', 'notes.txt'):
        (folder / name).write_text('before')
    write_track_files(lines, folder)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ['0000.npz', '0001.npz', '0002.npz', 'mine.npz', 'notes.txt']


def test_nobody_is_followed(lines, tmp_path):
    path = tmp_path / 'w.jsonl'
    results = list(read_results(lines))
    for result in results:
        for person in result['people']:
            del person['track_id']
    path.write_text(''.join(json.dumps(one) + '\n' for one in results))
    assert write_track_files(path, tmp_path / 'w') == []


def test_mistakes(lines, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='cannot be written'):
        write_track_files(lines, tmp_path / 'file' / 'v')
    with pytest.raises(UserError, match='No such file'):
        write_track_files(tmp_path / 'none.jsonl', tmp_path / 'v')
