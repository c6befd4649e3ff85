"""One record a person: labels by name, squares, what is left out, detections, crops and what is packed of them."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope

from das_mm.config_files import config_root
from das_mm.datasets import DASDataset, PackPersonInputs, PersonCrop, PersonViewDataset
from das_mm.datasets.datasets import DetectionFile, ImitatedDetections
from das_mm.datasets.transforms import turn_lens
from das_mm.errors import UserError
from das_mm.models.body_models import SMPLBody, SuperJoints
from das_mm.registry import DATASETS, METRICS
from das_mm.structures import KEYPOINT_SETS, get_keypoint_set, project, warp_points
from das_mm.structures.crop_transform import crop_frame, restore_pose

AUGMENTATION = dict(flip_prob=0.5, rotation_prob=1.0)
MORE_VIEWS = ('mpi_inf_3dhp', 'lspet', 'h36m_p1_test', 'h36m_p2_test', 'mpi_inf_3dhp_test')  # beside the mix


@pytest.fixture(scope='module')
def people(tmp_path_factory):
    """The session's scenes are in other sets: a few small ones in J24 with SMPL."""
    from das_mm.datasets.synthetic import SyntheticConfig, generate

    config = SyntheticConfig(num_images=3, image_size=(96, 64), people=(2, 3), seed=5, joint_sets=('gt24', 'coco17'))
    return generate(config, tmp_path_factory.mktemp('people'), workers=0, progress=False)


def inner(people, name='gt24', **options):
    return DASDataset(
        ann_file=f'annotations/{people.annotations[name].name}',
        data_root=str(people.root),
        keypoint_set=name,
        **options,
    )


def view(people, name='gt24', **options):
    return PersonViewDataset(inner(people, name), **options)


def loaded(dataset, index):
    record = dataset.get_data_info(index)
    record['img'] = cv2.imread(record['img_path'])
    return record


def test_every_person_is_one_record(people):
    images, persons = inner(people), view(people)
    rows = [(i, n) for i in range(len(images)) for n in range(len(images.get_data_info(i)['bbox']))]
    assert len(persons) == len(rows) == persons.num_people
    for index, (i, n) in enumerate(rows):
        record, whole = persons.get_data_info(index), images.get_data_info(i)
        assert record['sample_key'] == (images.dataset_name, index) and record['img_path'] == whole['img_path']
        known = whole['keypoints_flags'][n] > 0
        assert np.allclose(record['keypoints_2d'][known, :2], whole['keypoints'][n][known])
        assert (record['keypoints_2d'][:, 2] == known).all() and (record['keypoints_2d'][~known] == 0).all()
        assert np.allclose(record['keypoints_3d'][:, :3], whole['keypoints_3d'][n] / 1000) and record['has_pose_3d']
        box = whole['bbox'][n]
        assert np.allclose(record['box_center'], [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
        assert np.isclose(record['box_scale'], 1.2 * max(box[2] - box[0], box[3] - box[1]))
        assert record['has_smpl'] and np.allclose(record['smpl_pose'][:3], whole['smpl_global_orient'][n])


def test_labels_by_name_and_nothing_else(people):
    """COCO's keypoints fill their places; pelvis, neck and head tops are not made up."""
    record = view(people, 'coco17', keypoint_set='spin49').get_data_info(0)
    known = record['keypoints_2d'][:, 2] > 0
    names = {name for name, there in zip(KEYPOINT_SETS['spin49'].keypoints, known) if there}
    assert names <= set(KEYPOINT_SETS['coco17'].keypoints) and len(names) > 4
    renamed = PersonViewDataset(inner(people), renamed={'head_h36m': 'head_top'}).get_data_info(0)
    plain = view(people).get_data_info(0)
    gt24 = get_keypoint_set('gt24')
    head, top = gt24.index('head_h36m'), gt24.index('head_top')
    assert (renamed['keypoints_3d'][head] == plain['keypoints_3d'][top]).all()
    assert renamed['keypoints_3d'][top, 3] == 0
    with pytest.raises(UserError, match="(?s)renamed.*no keypoint 'chin'"):
        view(people, renamed={'chin': 'nose'})


@pytest.mark.parametrize('after', [True, False])
def test_labels_follow_the_crop(people, after):
    """Posed by the crop's parameters the body has the crop's joints; 2D is where the crop's own camera sees 3D."""
    np.random.seed(1)
    body = SMPLBody()
    layer = body.keypoint_layer(KEYPOINT_SETS['gt24'].keypoints)
    dataset, seen = view(people), set()
    crop = PersonCrop(crop_px=64, augmentation={**AUGMENTATION, 'shift': 0.02}, flip_after_rotation=after)
    for index in range(6):
        before = dataset.get_data_info(index)
        packed = PackPersonInputs()(crop(loaded(dataset, index)))
        sample, labels = packed['data_samples'], packed['data_samples'].gt_instance_labels
        seen.add(sample.flip)
        assert packed['inputs'].shape == (3, 64, 64) and packed['inputs'].dtype == torch.uint8
        points = layer(labels.smpl_rotations[:, 0], labels.smpl_rotations[:, 1:], labels.smpl_betas)[0]
        truth = labels.keypoints_3d[0, :, :3]
        torch.testing.assert_close(points - points[14], truth - truth[14], atol=2e-5, rtol=0)
        rotation = sample.augmentation['rotation_deg']
        lens = sample.camera['dist']
        lens = None if lens is None else turn_lens(lens, crop_frame(rotation, sample.flip, after))
        pixels = project(truth.double().numpy(), np.asarray(sample.input_K, np.float64), lens)
        known = labels.keypoints_2d[0, :, 2].numpy() > 0
        expected = (2 * (pixels + 0.5) / 64 - 1)[known]
        # the cameras' pixels are not quite square, which a turn of the frame alone cannot say
        assert np.allclose(labels.keypoints_2d[0, known, :2], expected, atol=0.03)
        # and back in the image
        order = list(KEYPOINT_SETS['gt24'].flip_indices) if sample.flip else slice(None)
        back = warp_points((labels.keypoints_2d[0, :, :2].numpy() + 1) * 32 - 0.5, sample.crop_to_image)[order]
        there = before['keypoints_2d'][:, 2] > 0
        assert np.allclose(back[there], before['keypoints_2d'][there, :2], atol=1e-2)
        pose = restore_pose(labels.smpl_pose[0].double().numpy().reshape(24, 3), rotation, sample.flip, after)
        assert np.allclose(pose[1:], before['smpl_pose'].reshape(24, 3)[1:], atol=1e-6)
    assert seen == {True, False}


def test_labels_cut_to_whole_pixels_as_released(people):
    """x = trunc(M·x) + 1 in the crop before its mirror, then 2x/64 - 1, then the mirror."""
    np.random.seed(0)
    dataset = view(people)
    for index in range(4):
        before = dataset.get_data_info(index)
        results = PersonCrop(crop_px=64, augmentation=AUGMENTATION, whole_pixels=True)(loaded(dataset, index))
        drawn = results['augmentation']
        angle = np.deg2rad(-drawn['rotation_deg'])
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        side = before['box_scale'] * drawn['scale']
        places = (before['keypoints_2d'][:, :2] - before['box_center']) @ turn.T * (64 / side) + 32
        expected = 2 * (places.astype(int) + 1) / 64 - 1
        if drawn['flip']:
            expected = expected[list(KEYPOINT_SETS['gt24'].flip_indices)] * [-1, 1]
        known = results['keypoints_2d'][:, 2] > 0
        assert np.allclose(results['keypoints_2d'][known, :2], expected[known])


@pytest.mark.parametrize('after', [True, False])
def test_pixels_follow_the_labels(after):
    """A bright disc stays under its keypoint through every turn and mirror."""
    np.random.seed(3)
    image = np.zeros((80, 100, 3), np.uint8)
    cv2.circle(image, (70, 30), 4, (255, 255, 255), -1)
    keypoints = np.zeros((24, 3))
    keypoints[5] = [70, 30, 1]
    for _ in range(6):
        record = dict(
            img=image, box_center=np.array([58.0, 37]), box_scale=60.0, keypoints_2d=keypoints, keypoint_set='gt24',
            keypoints_3d=np.zeros((24, 4)), has_smpl=False, camera_matrix=None,
        )  # fmt: skip
        augmentation = dict(rotation_prob=1, color=0)
        results = PersonCrop(crop_px=60, augmentation=augmentation, flip_after_rotation=after)(record)
        k = int(np.argmax(results['keypoints_2d'][:, 2]))
        assert k == (0 if results['flip'] else 5)  # the left ankle is the right one in the mirror
        bright = results['img'][..., 0].astype(float)
        rows, columns = np.indices(bright.shape)
        middle = np.array([(columns * bright).sum(), (rows * bright).sum()]) / bright.sum()
        assert np.allclose((results['keypoints_2d'][k, :2] + 1) * 30 - 0.5, middle, atol=0.6)


def test_colour_and_test_mode(people):
    dataset = view(people)
    np.random.seed(0)
    plain = PersonCrop(crop_px=32)(loaded(dataset, 0))
    assert plain['augmentation']['rotation_deg'] == 0 and not plain['flip'] and plain['augmentation']['scale'] == 1
    still = dict(flip_prob=0, rotation_prob=0, scale=0, color=0.4)
    coloured = PersonCrop(crop_px=32, augmentation=still)(loaded(dataset, 0))
    means = coloured['img'].mean((0, 1)) / plain['img'].mean((0, 1))
    assert (np.abs(means - 1) > 0.01).any() and (means > 0.55).all() and (means < 1.45).all()
    for bad in (dict(color=2), dict(flip_prob=-1)):
        with pytest.raises(UserError, match='augmentation'):
            PersonCrop(augmentation=bad)


def write_file(folder, people_entries, joints='lsp14'):
    cv2.imwrite(str(folder / 'a.png'), np.zeros((100, 100, 3), np.uint8))
    content = dict(
        info=dict(joints=joints),
        images=[dict(id=1, file_name='a.png', width=100, height=100)],
        annotations=[dict(id=7 + i, image_id=1, **entry) for i, entry in enumerate(people_entries)],
    )
    path = folder / 'a.json'
    path.write_text(json.dumps(content))
    return path


def person(flags, bbox=(10, 10, 40, 60), **more):
    keypoints = [[20 + 2 * k, 20 + 3 * k, flag] if flag else [0, 0, 0] for k, flag in enumerate(flags)]
    return dict(bbox=list(bbox), keypoints=[value for row in keypoints for value in row], **more)


ALL = [2] * 14


def test_who_is_left_out_is_counted(tmp_path, caplog):
    some = [0, 0, 0, 0] + [2] * 10
    entries = [person(ALL), person([0] * 14), person(ALL, bbox=(10, 10, 1, 1)), person(some), person(ALL, iscrowd=1)]
    inside = dict(
        type='DASLSPDataset', ann_file=str(write_file(tmp_path, entries)), data_prefix=dict(img=str(tmp_path))
    )
    dataset = PersonViewDataset(inside)
    assert [dataset.get_data_info(i)['sample_key'][1] for i in range(len(dataset))] == [0, 3]
    assert dataset.left_out == {
        'are crowds or no ground truth': 1, 'have a degenerate box': 1, 'have no labelled keypoint': 1,
    }  # fmt: skip
    assert len(PersonViewDataset(inside, whole_limbs=True)) == 1
    assert len(PersonViewDataset(inside, test_mode=True)) == 3  # whoever can be looked at
    record = PersonViewDataset(inside, box=dict(source='keypoints', factor=1.0)).get_data_info(0)
    assert np.allclose(record['box_center'], [20 + 13, 20 + 19.5]) and record['box_scale'] == 39
    assert not record['has_smpl'] and not record['has_pose_3d'] and record['camera_matrix'] is None
    with pytest.raises(UserError, match='(?s)a.json.*none of its 5 people is left'):
        PersonViewDataset(inside, box=dict(min_side_px=500))
    with pytest.raises(UserError, match='box.source'):
        PersonViewDataset(inside, box=dict(source='mask'))


def test_an_unreadable_image_ends_nothing(tmp_path):
    inside = dict(
        type='DASLSPDataset', ann_file=str(write_file(tmp_path, [person(ALL)])), data_prefix=dict(img=str(tmp_path))
    )
    steps = [dict(type='LoadImage'), dict(type='PersonCrop', crop_px=32), dict(type='PackPersonInputs')]
    (tmp_path / 'a.png').write_bytes(b'no image')
    tested = PersonViewDataset(inside, pipeline=steps, test_mode=True)[0]
    assert tested['data_samples'].image_fault and tested['inputs'].shape == (3, 32, 32)
    with pytest.raises(UserError, match='not one image can be read'):
        PersonViewDataset(inside, pipeline=steps)[0]


def test_unlabelled_people_pack_and_collate(tmp_path, people):
    steps = [dict(type='LoadImage'), dict(type='PersonCrop', crop_px=32), dict(type='PackPersonInputs')]
    inside = dict(
        type='DASLSPDataset', ann_file=str(write_file(tmp_path, [person(ALL)])), data_prefix=dict(img=str(tmp_path))
    )
    flat = PersonViewDataset(inside, pipeline=steps)[0]
    whole = PersonViewDataset(inner(people), pipeline=steps)[0]
    unpaired = PersonViewDataset(inner(people), pipeline=steps, ignore_3d=True)[0]
    batch = pseudo_collate([flat, whole, unpaired])
    labels = [sample.gt_instance_labels for sample in batch['data_samples']]
    assert [float(one.has_smpl) for one in labels] == [0, 1, 0]
    assert [float(one.has_pose_3d) for one in labels] == [0, 1, 0]
    assert labels[0].keypoints_3d.abs().sum() == labels[2].keypoints_3d.abs().sum() == 0
    assert torch.equal(labels[0].smpl_rotations, torch.eye(3).expand(1, 24, 3, 3))
    assert batch['data_samples'][1].gt_instances.has_smpl.all()


def test_3d_without_hips_does_not_count(tmp_path):
    points = [[0, 10 * k, 3000] for k in range(14)]
    K = [[100, 0, 50], [0, 100, 50], [0, 0, 1]]
    entry = person(ALL, keypoints_3d=points, keypoints_3d_valid=[1, 1, 0] + [1] * 11)
    path = write_file(tmp_path, [entry, person(ALL, keypoints_3d=points, keypoints_3d_valid=[1] * 14)])
    content = json.loads(path.read_text())
    content['images'][0]['cam_param'] = dict(K=K)
    path.write_text(json.dumps(content))
    dataset = PersonViewDataset(
        dict(type='DASDataset', keypoint_set='lsp14', ann_file=str(path), data_prefix=dict(img=str(tmp_path)))
    )
    first, second = dataset.get_data_info(0), dataset.get_data_info(1)
    assert not first['has_pose_3d'] and (first['keypoints_3d'] == 0).all()
    assert second['has_pose_3d'] and second['keypoints_3d'][:14, 3].all()


def test_detections(tmp_path, people):
    found = np.zeros((1, 25, 3), np.float32)
    found[0, 4] = [11, 12, 0.7]
    found[0, 5] = [np.nan, 1, 1]
    ids = inner(people).get_data_info(0)['ann_id']
    np.savez(tmp_path / 'op.npz', ann_id=ids[:1], openpose=found)
    config = dict(type='DetectionFile', file=str(tmp_path / 'op.npz'))
    dataset = view(people, keypoint_set='spin49', openpose=config)
    record = dataset.get_data_info(0)
    assert np.allclose(record['keypoints_2d'][4], [11, 12, 0.7]) and (record['keypoints_2d'][5] == 0).all()
    assert (record['keypoints_2d'][25:, 2] > 0).any() and (dataset.get_data_info(1)['keypoints_2d'][:25] == 0).all()
    with pytest.raises(UserError, match='gt24 has no place for detections'):
        view(people, openpose=config)
    np.savez(tmp_path / 'op.npz', ann_id=ids[:1], openpose=found[:, :18])
    with pytest.raises(UserError, match='(?s)op.npz.*openpose.*1, 25, 3'):
        DetectionFile(tmp_path / 'op.npz')


def test_imitated_detections_are_like_a_detectors():
    coco = get_keypoint_set('coco17')
    rng = np.random.default_rng(0)
    image = dict(
        bbox=np.array([[0.0, 0, 100, 200]]), keypoints=rng.uniform(0, 100, (1, 17, 2)), keypoints_flags=np.ones((1, 17))
    )
    detector = ImitatedDetections(coco, outliers=0.02)
    all_found = np.stack([detector.of(image, 0, row) for row in range(400)])
    assert np.array_equal(all_found[3], detector.of(image, 0, 3))  # the same each time
    names = KEYPOINT_SETS['openpose25'].keypoints
    rows = [names.index(name) for name in coco.keypoints]
    found = all_found[:, rows]
    there = found[..., 2] > 0
    assert 0.85 < there.mean() < 0.95
    error = np.linalg.norm(found[..., :2] - image['keypoints'][0], axis=-1)
    sure, unsure = error[there & (found[..., 2] > 0.8)], error[there & (found[..., 2] < 0.5)]
    assert np.median(unsure) > 2 * np.median(sure)
    assert (error[there] > 40).mean() > 0.002  # somewhere else altogether
    feet = [k for k, name in enumerate(names) if name not in coco.keypoints]
    assert (all_found[:, feet] == 0).all()


def test_detections_of_openpose_itself(tmp_path):
    """The nearest person by the limbs; who lacks one is no candidate; damaged files find nobody."""
    entries = [person([2] * 14)]
    inside = dict(
        type='DASLSPDataset', ann_file=str(write_file(tmp_path, entries)), data_prefix=dict(img=str(tmp_path))
    )
    folder = tmp_path / 'json'
    folder.mkdir()
    names, lsp = KEYPOINT_SETS['openpose25'].keypoints, KEYPOINT_SETS['lsp14'].keypoints

    def found(shift, lacking=None):
        rows = np.zeros((25, 3))
        for k, name in enumerate(lsp[:12]):
            if name != lacking:
                rows[names.index(name)] = [20 + 2 * k + shift, 20 + 3 * k, 0.9]
        return dict(pose_keypoints_2d=rows.ravel().tolist())

    def read(people, **options):
        text = people if isinstance(people, str) else json.dumps(dict(people=people))
        (folder / 'a_keypoints.json').write_text(text)
        openpose = dict(type='OpenPoseFolder', folder=str(folder), **options)
        return PersonViewDataset(inside, keypoint_set='spin49', openpose=openpose).get_data_info(0)['keypoints_2d']

    wrist = names.index('left_wrist')
    assert read([found(30), found(3)])[wrist, 0] == 20 + 22 + 3
    assert read([found(30), found(3, lacking='left_knee')])[wrist, 0] == 20 + 22 + 30
    assert (read([found(3, lacking='left_knee')])[:25] == 0).all() and (read([])[:25] == 0).all()
    assert (read([found(8)], reject_below_px=10)[:25] == 0).all()  # too far for the person, and near
    assert read([found(8)])[wrist, 2] == 0.9
    for damaged in ('{', '{"people": [{"pose_keypoints_2d": [1, 2]}]}', '[]', '{"people": 3}'):
        keypoints = read(damaged)
        assert (keypoints[:25] == 0).all() and (keypoints[25:, 2] > 0).sum() == 14
    with pytest.raises(UserError, match='openpose.folder'):
        view_of = dict(type='OpenPoseFolder', folder=str(tmp_path / 'none'))
        PersonViewDataset(inside, keypoint_set='spin49', openpose=view_of)


@pytest.mark.parametrize('name', ['person-mixed_224x224', 'person-synthetic_96x96'])
def test_configs_name_what_there_is(name):
    """Every view of the base configs can be made, before any file is there."""
    config = Config.fromfile(config_root() / '_base_' / 'datasets' / f'{name}.py')
    train = config.train_dataloader
    views = train.dataset.get('datasets', [train.dataset]) + [config.val_dataloader.dataset]
    views += [config[part] for part in MORE_VIEWS if part in config]
    with DefaultScope.overwrite_default_scope('das_mm'):
        made = [DATASETS.build(dict(one, lazy_init=True)) for one in views]
        assert METRICS.get(config.val_evaluator.type) is not None
    assert all(one.keypoint_set.name == config.keypoint_set and len(one.pipeline.transforms) == 3 for one in made)
    if 'probabilities' in train.sampler:
        assert (
            len(train.sampler.probabilities) == len(made) - 1 - len(MORE_VIEWS)
            and sum(train.sampler.probabilities) == 1
        )


def test_joints_of_the_superset_are_near_the_labels(people):
    """The stand-in regressors name what the labels name, within some centimetres."""
    record = view(people).get_data_info(0)
    body = SMPLBody()
    pose = torch.tensor(record['smpl_pose'].reshape(1, 24, 3))
    vertices, joints = body.posed(pose, record['smpl_betas'][None])
    found = SuperJoints(body, 'gt24')(torch.tensor(vertices), torch.tensor(joints))[0].numpy()
    error = np.linalg.norm(
        (found - found[2:4].mean(0)) - (record['keypoints_3d'][:, :3] - record['keypoints_3d'][2:4, :3].mean(0)), axis=1
    )
    assert error.max() < 0.09 and np.median(error) < 0.03
