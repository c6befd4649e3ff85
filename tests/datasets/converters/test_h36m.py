"""Human3.6M: archives written from synthetic truth come back as that truth; lens and camera conventions."""

from __future__ import annotations

import dataclasses
import pickle
import shutil
from collections import Counter

import cv2
import numpy as np
import pytest

from das_mm.datasets import DASDataset
from das_mm.datasets.converters import CONVERTERS
from das_mm.datasets.converters.camera_conventions import CONVENTIONS, by_common_point, by_reprojection
from das_mm.datasets.converters.conversion_runner import run_conversion
from das_mm.datasets.converters.h36m_files import JOINTS_OF_32, Metadata, read_pose
from das_mm.datasets.converters.h36m_lens import distort, opencv_distortion
from das_mm.datasets.synthetic.layouts import LAYOUTS
from das_mm.datasets.synthetic.layouts.one_person import follow
from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS, project

Converter = CONVERTERS.get('h36m')
SET = KEYPOINT_SETS['h36m17']
TAKES = ['S1_Directions_1', 'S5_Directions_1', 'S6_Directions_1', 'S7_Directions_1']
# published parameters of a camera of the data set, as in its metadata
K = np.array([[1145.04940458804, 0, 512.541504956548], [0, 1143.78109572365, 515.4514869776], [0, 0, 1]])
RADIAL, TANGENTIAL = np.array([-0.20709891, 0.24777518, -0.00307515]), np.array([-0.00142447, -0.0009757])


def _zoomed(scene, factor):
    """The scene as a lens of another focal length sees it (but for the image)."""
    zoom = np.diag([factor, factor, 1]) @ scene.K
    people = [
        dataclasses.replace(
            person, keypoints_px={name: project(point, zoom) for name, point in person.keypoints_mm.items()}
        )
        for person in scene.people
    ]
    return dataclasses.replace(scene, K=zoom, people=tuple(people))


def _four_clips(clip):
    """Each nearest to another of the four cameras."""
    return [
        _zoomed(dataclasses.replace(scene, seq=str(index // 4)), 192 * (0.7, 0.9, 1.1, 1.4)[index // 4] / scene.K[0, 0])
        for index, scene in enumerate(clip)
    ]


@pytest.fixture(scope='module')
def archives(clip, tmp_path_factory):
    """Four takes of four frames, each of another subject before another camera."""
    root = tmp_path_factory.mktemp('h36m')
    for split in ('train', 'test'):
        LAYOUTS.get('h36m')().write(_four_clips(clip), root, split)
    return root


@pytest.fixture(scope='module')
def truth(clip):
    return {
        (TAKES[number], frame + 1): sighting
        for number, sightings in enumerate(follow(_four_clips(clip)))
        for frame, sighting in enumerate(sightings)
    }


@pytest.fixture
def copied(archives, tmp_path):
    return shutil.copytree(archives, tmp_path / 'copy')


def _convert(converter):
    parts = [converter.convert(job) for job in converter.jobs()]
    return [image for part in parts for image in part.images], sum((part.counts for part in parts), start=Counter())


def _flat(image):
    return np.array(image['annotations'][0]['keypoints']).reshape(-1, 3)


def _image_file(root, take, camera, frame):
    return root / 'images' / take.split('_')[0] / f'{take}.{camera}' / f'{take}.{camera}_{frame:06d}.jpg'


def test_frames_equal_the_truth(archives, truth, tmp_path):
    report = run_conversion(Converter(archives, every=1), tmp_path / 'train.json')
    assert report.counts['images'] == 16 and report.medians['reprojection_px'] < 0.05
    dataset = DASDataset(
        ann_file=str(report.out), data_prefix=dict(img=str(archives / 'images')), keypoint_set='h36m17', test_mode=True
    )
    seen = set()
    for record in (dataset[index] for index in range(len(dataset))):
        seen.add((record['seq'], record['frame']))
        sighting = truth[record['seq'], record['frame']]
        assert record['view'] == ['54138969', '55011271', '58860488', '60457274'][TAKES.index(record['seq'])]
        points = sighting.person.mm('h36m17')
        np.testing.assert_allclose(record['keypoints_3d'][0], points, atol=2e-3)
        np.testing.assert_allclose(record['root_depth_mm'][0], points[0, 2], atol=2e-3)
        # in the distorted image, to what float32 keeps
        lens = record['camera']['K'][[0, 1], [0, 1]], record['camera']['K'][:2, 2]
        layout_radial, layout_tangential = np.array([-0.2071, 0.2478, -0.0031]), np.array([-0.00142, -0.00098])
        px = distort(points[:, :2] / points[:, 2:], layout_radial, layout_tangential) * lens[0] + lens[1]
        np.testing.assert_allclose(record['keypoints'][0], px, atol=2e-3)
        off = np.linalg.norm(project(points, record['camera']['K'], record['camera']['dist']) - px, axis=-1)
        assert off.max() < 0.15  # OpenCV's lens; without a lens they are further off
    assert seen == set(truth)


@pytest.mark.parametrize('axis', [0, 1])
def test_images_are_bent_as_the_keypoints(clip, tmp_path, axis):
    """Scenes whose brightness is x (or y): at a stored keypoint the image shows where the true one lay."""
    ramp = np.mgrid[:128, :192][1 - axis].astype(np.uint8)
    cv2.imwrite(str(tmp_path / 'ramp.png'), ramp)
    LAYOUTS.get('h36m')().write(
        [dataclasses.replace(scene, image_path=tmp_path / 'ramp.png') for scene in clip[:4]], tmp_path, 'train'
    )
    images, _ = _convert(Converter(tmp_path, every=1))
    off = []
    for image, sighting in zip(images, follow(clip[:4])[0]):
        px, flags = _flat(image)[:, :2], _flat(image)[:, 2]
        seen = (flags == 2) & (sighting.person.seen('h36m17') > 0)
        picture = cv2.imread(str(tmp_path / 'images' / image['file_name']), 0).astype(np.float32)
        shown = cv2.remap(picture, np.float32(px[seen])[None], None, cv2.INTER_LINEAR)[0]
        off += (shown - sighting.person.px('h36m17')[seen, axis]).tolist()
    assert len(off) > 20 and abs(np.median(off)) < 0.5  # brightness is rounded to whole numbers
    assert np.percentile(np.abs(off), 75) < 0.7


def test_world_frame(archives):
    """R and T bring the poses in the world before the camera."""
    images, _ = _convert(Converter(archives, every=1, subjects=(6,)))
    world = read_pose(archives / 'S6/MyPoseFeatures/D3_Positions/Directions 1.cdf', 3)[:, list(JOINTS_OF_32)]
    for image in images:
        R, T = (np.array(image['cam_param'][name]) for name in 'RT')
        stored = image['annotations'][0]['keypoints_3d']
        np.testing.assert_allclose(world[image['frame'] - 1] @ R.T + T, stored, atol=0.01)
    (archives / 'S6/MyPoseFeatures/D3_Positions/Directions 1.cdf').rename(archives / 'aside.cdf')
    try:
        assert _convert(Converter(archives, every=1, subjects=(6,)))[0][0]['cam_param']['R'] is None
    finally:
        (archives / 'aside.cdf').rename(archives / 'S6/MyPoseFeatures/D3_Positions/Directions 1.cdf')


def test_protocols(archives):
    def takes(split, **options):
        images, _ = _convert(Converter(archives, split, **options))
        return {(image['seq'], image['frame']) for image in images}

    assert takes('train') == {(take, 1) for take in TAKES}  # every fifth of four frames
    assert takes('train', every=3, subjects=(5, 7)) == {(take, frame) for take in TAKES[1::2] for frame in (1, 4)}
    # test takes alternate between S9 and S11
    tested = ['S9_Directions_1', 'S11_Directions_1', 'S9_Directions', 'S11_Directions']
    assert takes('test') == {(take, 1) for take in tested}
    assert takes('test', protocol='pose_p1') == {(take, 1) for take in tested[1::2]}
    assert takes('test', protocol='mesh_p2') == {(tested[3], 1)}  # before the last camera
    names = {
        name: (Converter(archives, protocol=name).every, Converter(archives, 'test', protocol=name).every)
        for name in ('pose_p1', 'pose_p2', 'mesh_p1', 'mesh_p2')
    }
    assert names == dict(pose_p1=(5, 64), pose_p2=(5, 64), mesh_p1=(5, 5), mesh_p2=(5, 5))


def test_metadata_resolves_names(archives):
    metadata = Metadata(archives / 'metadata.xml')
    names = {(take.subject, take.action, take.trial): take.seq for take in metadata.recordings}
    assert names[8, 15, 1] == 'S8_WalkDog_1' and names[9, 15, 2] == 'S9_WalkingDog' and len(names) == 11 * 32
    assert metadata.actions[15] == 'WalkingDog'
    # second parameter set of subject 9: the file's numbers in their documented place, angles about x, y, z in turn
    camera = metadata.camera(9, '55011271')
    place = metadata._w0[6 * (11 + 8) :][:6]
    expected = np.eye(3)
    for axis, angle in enumerate(place[:3]):
        expected = expected @ cv2.Rodrigues(np.eye(3)[axis] * angle)[0]
    np.testing.assert_allclose(camera.R, expected, atol=1e-12)
    np.testing.assert_array_equal(camera.T_mm, place[3:])


def test_misaligned_takes_and_the_broken_video(copied):
    mono = copied / 'S9/MyPoseFeatures/D3_Positions_mono'
    (mono / 'Greeting.58860488.cdf').write_bytes((mono / 'Directions.58860488.cdf').read_bytes())
    names = lambda **options: {job.name for job in Converter(copied, 'test', **options).jobs()}
    assert 'S9_Greeting.58860488' in names()
    assert 'S9_Greeting.58860488' not in names(drop_misaligned=True)
    assert names() - names(drop_misaligned=True) == {'S9_Greeting.58860488'}
    broken = copied / 'S11/MyPoseFeatures/D3_Positions_mono/Directions.54138969.cdf'
    shutil.copyfile(mono / 'Directions.58860488.cdf', broken)
    assert 'S11_Directions.54138969' not in names()


@pytest.mark.parametrize('name', CONVENTIONS)
def test_camera_conventions_are_found_out(name):
    """Cameras around a point, written down in each of the four ways."""
    rng = np.random.default_rng(0)
    poses = []
    for angle in (0.2, 1.9, 3.3, 5.0):
        centre = np.array([4000 * np.cos(angle), 4000 * np.sin(angle), 1500 + 300 * angle])
        forward = rng.normal(0, 150, 3) + [0, 0, 1000] - centre
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0, 0, 1])
        right /= np.linalg.norm(right)
        R = np.stack([right, np.cross(forward, right), forward])
        poses.append((R, -R @ centre))
    write = {
        'X_cam = R·X + T': lambda R, T: (R, T),
        'X_cam = R·(X - T)': lambda R, T: (R, -R.T @ T),
        'X_world = R·X_cam + T': lambda R, T: (R.T, -R.T @ T),
        'X_cam = Rᵀ·X + T': lambda R, T: (R.T, T),
    }[name]
    written = [write(*pose) for pose in poses]
    assert by_common_point(written) == name and by_common_point(written[:1]) is None
    world = rng.uniform(-800, 800, (30, 3)) + [0, 0, 1000]
    (R0, T0), (R1, T1) = poses[:2]
    px = project(world @ R1.T + T1, K)
    assert by_reprojection(None, written[1], world, px, K, None, 3.0) == name
    assert by_reprojection(written[0], written[1], world @ R0.T + T0, px, K, None, 3.0) == name
    assert by_reprojection(None, written[1], world, px + 50, K, None, 3.0) is None


def test_lens():
    """The lens by a worked number, and OpenCV's nearest against cv2 itself."""
    # x = 0.3, y = -0.2: r² = 0.13; radial and tangential terms by hand
    gain = 1 - 0.2 * 0.13 + 0.25 * 0.0169 - 0.004 * 0.002197 + 0.001 * -0.2 + 0.002 * 0.3
    np.testing.assert_allclose(
        distort(np.array([0.3, -0.2]), np.array([-0.2, 0.25, -0.004]), np.array([0.001, 0.002])),
        [0.3 * gain + 0.002 * 0.13, -0.2 * gain + 0.001 * 0.13],
        rtol=1e-12,
    )
    dist, rms_px = opencv_distortion(K, RADIAL, TANGENTIAL, (1000, 1002))
    assert 0.05 < rms_px < 0.1
    rng = np.random.default_rng(1)
    points = np.column_stack([rng.uniform(-0.3, 0.3, (200, 2)), np.ones(200)])
    true = distort(points[:, :2], RADIAL, TANGENTIAL) * K[[0, 1], [0, 1]] + K[:2, 2]
    fitted = cv2.projectPoints(points, np.zeros(3), np.zeros(3), K, dist)[0][:, 0]
    swapped_in = np.array([*RADIAL[:2], *TANGENTIAL, RADIAL[2]])
    same_numbers = cv2.projectPoints(points, np.zeros(3), np.zeros(3), K, swapped_in)[0]
    rms = lambda seen: np.sqrt(((seen - true) ** 2).sum(-1).mean())
    assert rms(fitted) < 0.08 < rms(same_numbers[:, 0]) and rms(project(points, K)) > 2


def test_frames_out_of_the_video(copied):
    video = copied / 'S1/Videos/Directions 1.54138969.mp4'
    video.parent.mkdir()
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*'mp4v'), 50, (192, 128))
    for index in range(4):
        writer.write(np.full((128, 192, 3), 20 + 40 * index, np.uint8))
    writer.release()
    shutil.rmtree(copied / 'images')
    images, counts = _convert(Converter(copied, subjects=(1,), every=2, extract=True))
    assert [image['frame'] for image in images] == [1, 3]
    for image in images:
        assert abs(cv2.imread(str(copied / 'images' / image['file_name'])).mean() - 20 - 40 * (image['frame'] - 1)) < 6


def test_missing_images_are_counted(copied):
    _image_file(copied, TAKES[0], '54138969', 2).unlink()
    shutil.rmtree(copied / 'images' / 'S5')
    images, counts = _convert(Converter(copied, every=1))
    assert len(images) == 11 and counts['images missing'] == 5


@pytest.mark.parametrize(
    'file, damage, match',
    [
        ('metadata.xml', lambda data: data[:200], 'cannot be read'),
        ('metadata.xml', lambda data: data.replace(b'dbcameras', b'x'), 'not laid out'),
        ('metadata.xml', lambda data: data.replace(b'<w0>[', b'<w0>[1 '), 'numbers of 4 cameras'),
        ('metadata.xml', None, 'metadata is not there'),
        ('S1/MyPoseFeatures/D2_Positions/Directions 1.54138969.cdf', lambda data: data[:200], 'no whole CDF'),
        ('S1/MyPoseFeatures/D2_Positions/Directions 1.54138969.cdf', None, 'pose in the image is not there'),
        ('S1/MyPoseFeatures/D3_Positions_mono/Directions 1.54138969.cdf', None, 'before the camera is not there'),
    ],
)
def test_damaged_files(copied, file, damage, match):
    path = copied / file
    path.unlink() if damage is None else path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=match) as error:
        _convert(Converter(copied))
    assert str(error.value.file).endswith(file)


def test_exchanged_files(copied):
    features = copied / 'S1/MyPoseFeatures'
    in_image = features / 'D2_Positions/Directions 1.54138969.cdf'
    shutil.copyfile(features / 'D3_Positions_mono/Directions 1.54138969.cdf', in_image)
    with pytest.raises(UserError, match='not 1 × N × 64'):
        _convert(Converter(copied, subjects=(1,)))
    others = copied / 'S5/MyPoseFeatures'
    shutil.copyfile(others / 'D2_Positions/Directions 1.55011271.cdf', in_image)
    shutil.copyfile(others / 'D3_Positions/Directions 1.cdf', features / 'D3_Positions/Directions 1.cdf')
    with pytest.raises(UserError, match='no reading of the camera'):
        _convert(Converter(copied, subjects=(1,)))


def test_wrong_options(archives):
    for options, match in (
        (dict(protocol='p2'), '--protocol'),
        (dict(cameras=('1',)), '--cameras'),
        (dict(every=0), '--every'),
        (dict(subjects=(4,)), 'S4'),
    ):
        with pytest.raises(UserError, match=match):
            Converter(archives, **options).jobs()


@pytest.fixture
def npz(clip, tmp_path):
    """mmpose's files: the same moments before two cameras, metres, cameras written as camera to world."""
    sightings = follow(clip)[0][:2]
    cameras, rows = {}, []
    for number, (view, angle) in enumerate(
        (('54138969', 0.0), ('55011271', 0.5), ('58860488', 1.0), ('60457274', 1.5))
    ):
        turn = cv2.Rodrigues(np.array([0, angle, 0]))[0]
        middle = np.array([0, 0, 4.0])
        T = middle - turn @ middle  # world to camera: around a point 4 m before the first
        cameras['S1', view] = dict(
            R=turn.T,
            T=(-turn.T @ T)[:, None],
            f=K[[0, 1], [0, 1]][:, None],
            c=K[:2, 2:],
            k=RADIAL[:, None],
            p=TANGENTIAL[:, None],
        )
        for frame, sighting in enumerate(sightings[:2] if number < 2 else ()):
            points = sighting.person.mm('h36m17') / 1000
            points = (points - points[0] + middle) @ turn.T + T
            px = distort(points[:, :2] / points[:, 2:], RADIAL, TANGENTIAL) * K[[0, 1], [0, 1]] + K[:2, 2]
            name = f'S1/S1_Eating.{view}/S1_Eating.{view}_{5 * frame + 1:06d}.jpg'
            rows.append((name, points, px))
            (tmp_path / 'images' / name).parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(tmp_path / 'images' / name), np.zeros((1002, 1000), np.uint8))
    one = np.ones((len(rows), 17, 1))
    (tmp_path / 'annotation_body3d/fps10').mkdir(parents=True)
    path = tmp_path / 'annotation_body3d/fps10/h36m_train.npz'
    names, points, px = (np.array(column) for column in zip(*rows))
    np.savez(
        path,
        imgname=names,
        center=np.zeros((len(rows), 2)),
        scale=np.ones(len(rows)),
        part=np.concatenate([px, one], -1),
        S=np.concatenate([points, one], -1),
    )
    (tmp_path / 'annotation_body3d/cameras.pkl').write_bytes(pickle.dumps(cameras))
    return path


def test_npz_of_mmpose(npz, tmp_path):
    images, counts = _convert(Converter(tmp_path, npz=npz))
    with np.load(npz) as content:
        points, px = 1000 * content['S'][..., :3], content['part'][..., :2]
    assert [(image['seq'], image['view'], image['frame']) for image in images] == [
        ('S1_Eating', view, frame) for view in ('54138969', '55011271') for frame in (1, 6)
    ]
    for image, own_points, own_px in zip(images, points, px):
        np.testing.assert_allclose(image['annotations'][0]['keypoints_3d'], own_points, atol=1e-3)
        np.testing.assert_allclose(_flat(image)[:, :2], own_px, atol=1e-3)
    world = [
        (np.array(image['annotations'][0]['keypoints_3d']) - image['cam_param']['T']) @ image['cam_param']['R']
        for image in images
    ]
    np.testing.assert_allclose(world[0], world[2], atol=1e-2)  # the same moment before two cameras
    np.testing.assert_allclose(world[1], world[3], atol=1e-2)
    with pytest.raises(UserError, match='every 5th frame only'):
        Converter(tmp_path, npz=npz, every=64).jobs()
    images, _ = _convert(Converter(tmp_path, npz=npz, cameras=('54138969',)))  # no pair: by the point all look at
    np.testing.assert_allclose(images[0]['cam_param']['T'], [0, 0, 0], atol=1e-6)


def test_npz_faults(npz, tmp_path):
    other = tmp_path / 'other.npz'
    with np.load(npz) as content:
        arrays = dict(content)
    np.savez(other, **(arrays | dict(part=arrays['part'][:, :14])))
    (tmp_path / 'cameras.pkl').write_bytes((npz.parent.parent / 'cameras.pkl').read_bytes())
    with pytest.raises(UserError, match='part.*not 4 × 17 × 3'):
        _convert(Converter(tmp_path, npz=other))
    np.savez(other, **(arrays | dict(imgname=np.array(['a.jpg'] * 4))))
    with pytest.raises(UserError, match="'a.jpg' is no name"):
        Converter(tmp_path, npz=other).jobs()
    other.write_bytes(npz.read_bytes()[:500])
    with pytest.raises(UserError, match='no whole npz'):
        Converter(tmp_path, npz=other).jobs()
    with pytest.raises(UserError, match='drop-misaligned'):
        Converter(tmp_path, npz=npz, drop_misaligned=True).jobs()
    (npz.parent.parent / 'cameras.pkl').write_bytes(
        pickle.dumps({('S1', view): dict(f=[1, 1], c=[0, 0]) for view in ('54138969', '55011271')})
    )
    with pytest.raises(UserError, match='cameras.pkl: k'):
        _convert(Converter(tmp_path, npz=npz))
