"""The toy data tells the truth that the other tests rely on."""

import json

import cv2
import numpy as np
import pytest

from das_mm.structures import KEYPOINT_SETS, project
from tests.toy import write_toy_coco, write_toy_dataset


@pytest.mark.parametrize(
    'keypoint_set', ['panoptic15', 'coco17', 'muco21', 'mupots17', 'h36m17', 'lsp14', 'crowdpose14']
)
def test_2d_is_the_image_of_3d(tmp_path, keypoint_set):
    with open(write_toy_dataset(tmp_path, 4, (200, 150), keypoint_set, people=(1, 3))) as stream:
        content = json.load(stream)
    kset, images = KEYPOINT_SETS[keypoint_set], {image['id']: image for image in content['images']}
    assert len(images) == 4 and len({a['image_id'] for a in content['annotations']}) == 4
    for person in content['annotations']:
        image = images[person['image_id']]
        assert cv2.imread(str(tmp_path / 'images' / image['file_name'])).shape == (150, 200, 3)
        points = np.array(person['keypoints_3d'])
        triples = np.array(person['keypoints']).reshape(kset.num_keypoints, 3)
        assert np.abs(project(points, np.array(image['cam_param']['K'])) - triples[:, :2]).max() < 1e-6
        x, y = triples[:, :2].T
        outside = (x < -0.5) | (x > 199.5) | (y < -0.5) | (y > 149.5)
        assert (triples[outside, 2] == 1).all()
        assert person['root_depth'] == pytest.approx(points[list(kset.root_sources), 2].mean())


def test_limbs_are_drawn_where_the_keypoints_are(tmp_path):
    content = json.loads(open(write_toy_dataset(tmp_path, 6, people=(1, 1), seed=2)).read())
    pictures = {
        image['id']: cv2.imread(str(tmp_path / 'images' / image['file_name'])).astype(int)
        for image in content['images']
    }
    for person in content['annotations']:
        x, y, flag = np.array(person['keypoints']).reshape(-1, 3)[4].astype(float)  # left elbow
        x, y = round(x), round(y)
        if flag == 2 and 0 <= x < 160 and 0 <= y < 128:
            colour = pictures[person['image_id']][y, x]
            assert np.ptp(colour) > 100  # saturated, unlike the background


def test_same_seed_same_data(tmp_path):
    texts = [
        open(write_toy_dataset(tmp_path / name, 3, seed=seed)).read() for name, seed in (('a', 1), ('b', 1), ('c', 2))
    ]
    assert texts[0] == texts[1] != texts[2]
    assert (tmp_path / 'a/images/000002.png').read_bytes() == (tmp_path / 'b/images/000002.png').read_bytes()


def test_without_3d(tmp_path):
    content = json.loads(open(write_toy_dataset(tmp_path, 3, with_3d=False, people=(1, 1))).read())
    assert all('cam_param' not in image and not image['has_3d'] for image in content['images'])
    assert all('keypoints_3d' not in person for person in content['annotations'])


def test_toy_coco_loads_in_cocos_own_reader(tmp_path):
    from xtcocotools.coco import COCO

    coco = COCO(write_toy_coco(tmp_path))
    assert len(coco.getImgIds()) == 6 and coco.loadCats(1)[0]['keypoints'][5] == 'left_shoulder'
    assert sorted(coco.getAnnIds(imgIds=785, iscrowd=True)) != []
