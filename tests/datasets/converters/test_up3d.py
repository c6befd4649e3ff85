"""UP-3D: bodies, joints and boxes as the archive has them, and what is damaged."""

import pickle

import numpy as np
import pytest

from das_mm.datasets import PersonViewDataset
from das_mm.datasets.converters import CONVERTERS
from das_mm.datasets.converters.conversion_runner import run_conversion
from das_mm.datasets.synthetic.layouts import LAYOUTS
from das_mm.datasets.synthetic.layouts.one_person import largest
from das_mm.errors import UserError


@pytest.fixture
def archive(scenes, tmp_path):
    root = tmp_path / 'up-3d'
    LAYOUTS.get('up-3d')().write(scenes[:4], root, 'train')
    return root


def test_what_is_written_is_read(archive, scenes, tmp_path):
    report = run_conversion(CONVERTERS.get('up-3d')(archive, 'train'), tmp_path / 'a.json')
    view = PersonViewDataset(dict(type='DASUP3DDataset', ann_file=str(report.out), data_prefix=dict(img=str(archive))))
    people = [sighting.person for scene in scenes[:4] if (sighting := largest(scene))]
    assert len(view) == len(people)
    for index, person in enumerate(people):
        record = view.get_data_info(index)
        assert np.allclose(record['smpl_pose'][:3], person.smpl['global_orient'], atol=1e-5) and record['has_smpl']
        assert np.allclose(record['smpl_betas'], person.smpl['betas'], atol=1e-5)
        known = person.seen('lsp14') > 0
        assert np.allclose(record['keypoints_2d'][:14][known, :2], person.px('lsp14')[known], atol=0.01)
        assert record['camera_matrix'] is None and not record['has_pose_3d']
        x, y, w, h = person.bbox_xywh
        assert np.allclose(record['box_center'], [x + w / 2, y + h / 2], atol=1.1)


def test_what_is_missing_or_damaged(archive, tmp_path):
    converter = CONVERTERS.get('up-3d')(archive, 'train')

    def convert():
        return run_conversion(converter, tmp_path / 'a.json')

    (archive / '00001_render_light.png').unlink()
    (archive / '00002_image.png').unlink()
    body = pickle.loads((archive / '00000_body.pkl').read_bytes())
    (archive / '00000_body.pkl').write_bytes(pickle.dumps({**body, 'betas': body['betas'] * np.nan}))
    report = convert()
    assert report.counts['images missing'] == 1 and report.counts['people without SMPL: numbers not finite'] == 1
    assert report.counts['people without a rendered body; the box is that of their joints'] == 1
    (archive / '00000_body.pkl').write_bytes(pickle.dumps(dict(pose=body['pose'][:69], betas=body['betas'])))
    with pytest.raises(UserError, match='(?s)00000_body.pkl.*pose.*72'):
        CONVERTERS.get('up-3d')(archive, 'train').convert(converter.jobs()[0])
    (archive / '00000_body.pkl').write_bytes(pickle.dumps(body))
    np.save(archive / '00000_joints.npy', np.zeros((14, 3)))
    with pytest.raises(UserError, match='(?s)00000_joints.npy.*14, 3'):
        converter.convert(converter.jobs()[0])
    (archive / 'train.txt').write_text('\n')
    with pytest.raises(UserError, match='(?s)train.txt.*names no image'):
        converter.jobs()
    with pytest.raises(UserError, match='val.txt'):
        CONVERTERS.get('up-3d')(archive, 'val').jobs()
