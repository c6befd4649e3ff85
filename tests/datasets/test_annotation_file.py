"""Every fault of an annotation file is told with file, field and remedy; good files are read exactly."""

import json

import numpy as np
import pytest

from das_mm.datasets.datasets import read_annotation_file
from das_mm.errors import UserError
from tests.toy import write_toy_coco, write_toy_dataset

NAN = float('nan')


@pytest.fixture(scope='module')
def good(tmp_path_factory):
    with open(write_toy_dataset(tmp_path_factory.mktemp('toy'), num_images=3, people=(2, 2))) as stream:
        return stream.read()


def set_in(*path, value):
    """An edit of the json: ``content[path[0]]…[path[-1]] = value``."""

    def edit(content):
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return edit


def remove(*path):
    def edit(content):
        for key in path[:-1]:
            content = content[key]
        del content[path[-1]]

    return edit


def scale_depths(content):
    for annotation in content['annotations']:
        annotation['keypoints_3d'] = (np.array(annotation['keypoints_3d']) / 1000).tolist()


FAULTS = [
    # edit, what the message must say: field, problem
    (set_in('images', value=[]), 'images: the dataset is empty'),
    (remove('images'), 'images: is missing'),
    (remove('annotations'), 'annotations: is missing'),
    (set_in('annotations', value={}), 'annotations: is missing or not a list'),
    (set_in('annotations', 1, value=5), r'annotations\[1\]: holds entries that are no objects: 5'),
    (set_in('info', 'joints', value='stickman'), "info.joints: unknown keypoint set 'stickman'"),
    (remove('info', 'joints'), 'info.joints: nothing says in which order'),
    (remove('images', 1, 'file_name'), r'images\[1\] \(id 2\).file_name: is missing'),
    (remove('images', 2, 'width'), r'images\[2\] \(id 3\).width: is missing'),
    (set_in('images', 0, 'height', value=0), r'images\[0\] \(id 1\).height: is not a positive whole number'),
    (set_in('images', 2, 'id', value=1), r'images\[2\] \(id 1\).id: is used before'),
    (set_in('images', 1, 'id', value='two'), r"images\[1\] \(id 'two'\).id: is not a whole number of"),
    (set_in('images', 1, 'cam_param', value=dict(R=None)), r'images\[1\] \(id 2\).cam_param: has no K'),
    (
        set_in('images', 1, 'cam_param', 'K', value=[[0, 0, 9], [0, 0, 9], [0, 0, 1]]),
        r'images\[1\] \(id 2\).cam_param.K: is no camera matrix: the intrinsics are singular',
    ),
    (set_in('images', 2, 'cam_param', 'K', 0, 0, value=NAN), r'images\[2\] \(id 3\).cam_param.K: .*NaN'),
    (set_in('images', 0, 'cam_param', 'T', value=[1, 2]), r'images\[0\] \(id 1\).cam_param.T: is not 3 finite numbers'),
    (set_in('images', 0, 'cam_param', 'dist', value=[0.1, NAN, 0, 0, 0]), r'cam_param.dist: is not 5 finite numbers'),
    (remove('annotations', 3, 'bbox'), r'annotations\[3\] \(id 4\).bbox: is missing'),
    (remove('annotations', 0, 'keypoints'), r'annotations\[0\] \(id 1\).keypoints: is missing'),
    (set_in('annotations', 4, 'image_id', value=77), r'annotations\[4\] \(id 5\).image_id: names no image: 77'),
    (set_in('annotations', 4, 'id', value=1), r'annotations\[4\] \(id 1\).id: is used before'),
    (
        set_in('annotations', 2, 'keypoints', value=[0] * 51),
        r'annotations\[2\] \(id 3\).keypoints: does not have the shape 45: has 51\n.*panoptic15 has 15 keypoints',
    ),
    (
        set_in('annotations', 2, 'keypoints', 3, value='x'),
        r'annotations\[2\] \(id 3\).keypoints: is not a regular list',
    ),
    (set_in('annotations', 2, 'keypoints', 3, value=NAN), r'annotations\[2\] \(id 3\).keypoints: holds NaN'),
    (set_in('annotations', 2, 'keypoints', 3, value=None), r'annotations\[2\] \(id 3\).keypoints: holds NaN'),
    (set_in('annotations', 2, 'keypoints', 2, value=7), r'annotations\[2\] \(id 3\).keypoints: holds a flag'),
    (
        set_in('annotations', 5, 'bbox', value=[1, 2, 3]),
        r'annotations\[5\] \(id 6\).bbox: does not have the shape 4: has 3',
    ),
    (set_in('annotations', 5, 'bbox', value=[1, 2, -3, 4]), r'annotations\[5\] \(id 6\).bbox: has a negative'),
    (set_in('annotations', 5, 'bbox', value=[1, NAN, 3, 4]), r'annotations\[5\] \(id 6\).bbox: holds NaN'),
    (
        set_in('annotations', 1, 'keypoints_3d', value=[[0, 0, 1]] * 14),
        r'annotations\[1\] \(id 2\).keypoints_3d: does not have the shape 15×3: has 14×3\n',
    ),
    (
        set_in('annotations', 1, 'keypoints_3d', 4, 2, value=-5.0),
        r'annotations\[1\] \(id 2\).keypoints_3d: has keypoints behind the camera \(z <= 0\): left_elbow\n',
    ),
    (set_in('annotations', 1, 'keypoints_3d', 4, 2, value=0), 'behind the camera'),
    (set_in('annotations', 1, 'keypoints_3d', 4, 0, value=NAN), r'annotations\[1\] \(id 2\).keypoints_3d: holds NaN'),
    (remove('annotations', 1, 'keypoints_3d_valid'), r'annotations\[1\] \(id 2\).keypoints_3d_valid: is missing'),
    (set_in('annotations', 1, 'root_depth', value=-1.0), r'annotations\[1\] \(id 2\).root_depth: is not in front'),
    (set_in('annotations', 1, 'track_id', value=1.5), r'annotations\[1\] \(id 2\).track_id: is not a whole number'),
    (
        set_in('annotations', 1, 'occluded', value=[0] * 14),
        r'annotations\[1\] \(id 2\).occluded: does not have the shape 15: has 14\n',
    ),
    (
        set_in('annotations', 1, 'head_bbox', value=[1, 2]),
        r'annotations\[1\] \(id 2\).head_bbox: does not have the shape 4: has 2\n',
    ),
    (
        set_in('annotations', 1, 'keypoints_3d_univ', value=[[0, 0, 1]] * 15),
        r'annotations\[0\] \(id 1\).keypoints_3d_univ: is missing, or holds NaN or infinity: .* \(and 4 more\)',
    ),
    (
        set_in('images', 1, 'ignore_regions', value=[[[0, 0], [1, 1], [1, 0]], [[0, 0], [1, 1]]]),
        r'images\[1\] \(id 2\).ignore_regions: holds no polygon: \[\[0, 0\], \[1, 1\]\]',
    ),
    (set_in('images', 1, 'ignore_regions', value=['a']), r'images\[1\] \(id 2\).ignore_regions: holds no polygon'),
    (set_in('images', 1, 'crowd_index', value='x'), r'images\[1\] \(id 2\).crowd_index: is no number: .x.'),
    (set_in('images', 1, 'frame', value=1.5), r'images\[1\] \(id 2\).frame: is not a whole number'),
    (set_in('images', 1, 'file_name', value=12), r'images\[1\] \(id 2\).file_name: is no text: 12'),
    (scale_depths, 'annotations.keypoints_3d: is not in millimetres: the median depth is 4'),
]


@pytest.mark.parametrize('edit, message', FAULTS, ids=[message for _, message in FAULTS])
def test_fault_is_told(good, tmp_path, edit, message):
    content = json.loads(good)
    edit(content)
    file = tmp_path / 'bad.json'
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match=message) as caught:
        read_annotation_file(str(file))
    assert str(file) in str(caught.value)


def test_the_entry_is_named_by_its_place_in_the_file(good, tmp_path):
    content = json.loads(good)
    del content['annotations'][0]['keypoints_3d'], content['annotations'][2]['keypoints_3d']
    content['annotations'][4]['keypoints_3d'][0][2] = -1
    file = tmp_path / 'bad.json'
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r'annotations\[4\] \(id 5\).keypoints_3d: has keypoints behind'):
        read_annotation_file(str(file))


def test_missing_cut_and_alien_files(good, tmp_path):
    with pytest.raises(UserError, match='(?s)none.json: the annotation file does not exist.*remedy'):
        read_annotation_file(str(tmp_path / 'none.json'))
    with pytest.raises(UserError, match='it is a folder, not a file'):
        read_annotation_file(str(tmp_path))
    file = tmp_path / 'a.json'
    for size in (0, 1, len(good) // 2, len(good) - 1):
        file.write_text(good[:size])
        with pytest.raises(UserError, match='(?s)a.json: is no valid json.*remedy'):
            read_annotation_file(str(file))
    file.write_bytes(b'\xff\xd8\xff\xe0 not text')
    with pytest.raises(UserError, match='no valid json'):
        read_annotation_file(str(file))
    file.write_text('[]')
    with pytest.raises(UserError, match='top level is a list'):
        read_annotation_file(str(file))


def test_many_culprits_are_counted(good, tmp_path):
    content = json.loads(good)
    for annotation in content['annotations'][2:]:
        annotation['keypoints_3d'][0][2] = -1
    file = tmp_path / 'bad.json'
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r'annotations\[2\].*behind the camera \(z <= 0\): neck \(and 3 more\)'):
        read_annotation_file(str(file))


def test_contradicting_keypoint_sets(good, tmp_path):
    file = tmp_path / 'a.json'
    file.write_text(good)
    with pytest.raises(UserError, match="declares 'panoptic15', but `source_keypoint_set` is 'coco17'"):
        read_annotation_file(str(file), keypoint_set='coco17')


def test_values_are_read_exactly(good, tmp_path):
    content = json.loads(good)
    people = content['annotations']
    people.reverse()  # the order in the file does not matter
    people[0] |= dict(
        keypoints_3d_valid=[0, *[1] * 14], track_id=9007199254740993, is_valid=False, iscrowd=True, smpl=4
    )
    people[0]['keypoints_3d'][0] = [NAN, NAN, -1]  # not valid: may hold anything
    people[0]['keypoints'][6:9] = [NAN, NAN, 0]
    content['images'][2]['cam_param']['dist'] = [0.0] * 5
    del people[1]['area'], people[1]['keypoints_3d'], people[1]['root_depth']
    file = tmp_path / 'a.json'
    file.write_text(json.dumps(content))
    loaded = read_annotation_file(str(file))
    read = loaded.people
    assert loaded.keypoint_set.name == 'panoptic15' and len(loaded.images) == 3
    assert read.image_row.tolist() == [0, 0, 1, 1, 2, 2] and read.ann_id.tolist() == [2, 1, 4, 3, 6, 5]
    assert loaded.images[2]['cam_param']['dist'] is None and loaded.images[0]['cam_param']['K'].shape == (3, 3)
    for row, person in zip(read.ann_id.argsort(), sorted(people, key=lambda p: p['id'])):
        triples = np.array(person['keypoints']).reshape(-1, 3)
        labelled = triples[:, 2] > 0
        assert (read.flags[row] == triples[:, 2]).all()
        assert (read.keypoints[row][labelled] == triples[labelled, :2]).all()
        assert (read.keypoints[row][~labelled] == 0).all()
        x, y, w, h = person['bbox']
        assert read.bbox[row].tolist() == [x, y, x + w, y + h] and read.area[row] == person.get('area', w * h)
        if 'keypoints_3d' in person:
            valid = np.array(person['keypoints_3d_valid'], bool)
            assert (read.keypoints_3d[row][valid] == np.array(person['keypoints_3d'])[valid]).all()
            assert (read.keypoints_3d[row][~valid] == 0).all() and (read.keypoints_3d_valid[row] == valid).all()
            assert read.root_depth_mm[row] == person['root_depth']
        else:
            assert not read.keypoints_3d_valid[row].any() and np.isnan(read.root_depth_mm[row])
    row = read.ann_id.tolist().index(people[0]['id'])
    assert read.track_id[row] == 9007199254740993 and not read.is_valid[row] and read.iscrowd[row]
    assert read.smpl_row[row] == 4 and (np.delete(read.smpl_row, row) == -1).all()


def test_optional_fields(good, tmp_path):
    content = json.loads(good)
    rng = np.random.default_rng(0)
    people, images = content['annotations'], content['images']
    univ = rng.uniform(1, 9, (6, 15, 3))
    for person, points in zip(people, univ):
        person['keypoints_3d_univ'] = points.tolist()
    people[2]['keypoints_3d_valid'][4] = 0
    people[2]['keypoints_3d_univ'][4] = [NAN, 0, 0]
    occluded = rng.integers(0, 2, 15)
    people[5] |= dict(occluded=occluded.tolist(), head_bbox=[1, 2, 3.5, 4])
    images[0] |= dict(ignore_regions=[[[0, 1], [2, 3], [4, 5.5]]], crowdIndex=0.5)
    images[1]['crowd_index'] = 0.25
    file = tmp_path / 'a.json'
    file.write_text(json.dumps(content))
    loaded = read_annotation_file(str(file))
    assert [image['crowd_index'] for image in loaded.images] == [0.5, 0.25, None]
    assert [[p.tolist() for p in image['ignore_regions']] for image in loaded.images] == [
        [[[0, 1], [2, 3], [4, 5.5]]],
        [],
        [],
    ]
    univ[2, 4] = 0
    assert (loaded.people.keypoints_3d_univ == univ).all()
    assert (loaded.people.occluded[5] == occluded).all() and not loaded.people.occluded[:5].any()
    assert loaded.people.head_bbox[5].tolist() == [1, 2, 3.5, 4] and np.isnan(loaded.people.head_bbox[:5]).all()
    file.write_text(good)
    people = read_annotation_file(str(file)).people
    assert people.keypoints_3d_univ is None and people.occluded is None and people.head_bbox is None


def test_a_default_set_for_files_that_do_not_tell(good, tmp_path):
    content = json.loads(good)
    file = tmp_path / 'a.json'
    file.write_text(good)
    assert read_annotation_file(str(file), default_set='coco17').keypoint_set.name == 'panoptic15'
    del content['info']['joints']
    file.write_text(json.dumps(content))
    assert read_annotation_file(str(file), default_set='panoptic15_mpi').keypoint_set.name == 'panoptic15_mpi'


def test_official_coco_layout(tmp_path):
    loaded = read_annotation_file(write_toy_coco(tmp_path))
    assert loaded.keypoint_set.name == 'coco17'  # recognised by the names in `categories`
    assert not loaded.people.keypoints_3d_valid.any() and np.isnan(loaded.people.root_depth_mm).all()
    assert all(image['cam_param'] is None for image in loaded.images)
    assert loaded.people.iscrowd.sum() == 1 and (loaded.people.flags.max(axis=1) == 0).sum() == 2


def test_images_alone(tmp_path):
    file = tmp_path / 'image_info.json'
    file.write_text(json.dumps(dict(images=[dict(id=7, file_name='a.jpg', width=4, height=3)])))
    loaded = read_annotation_file(str(file), 'coco17', require_annotations=False)
    assert len(loaded.images) == 1 and len(loaded.people.bbox) == 0
    with pytest.raises(UserError, match='annotations: is missing'):
        read_annotation_file(str(file), 'coco17')
