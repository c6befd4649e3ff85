"""MPI-INF-3DHP: archives written from synthetic truth come back as that truth."""

from __future__ import annotations

import dataclasses
import pickle
import shutil
from collections import Counter

import cv2
import h5py
import numpy as np
import pytest

from das_mm.datasets import DASDataset
from das_mm.datasets.converters import CONVERTERS
from das_mm.datasets.converters.conversion_runner import run_conversion
from das_mm.datasets.converters.mpi_inf_3dhp_files import fit_pinhole
from das_mm.datasets.synthetic.layouts import LAYOUTS
from das_mm.datasets.synthetic.layouts.one_person import follow
from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS, project

Converter = CONVERTERS.get('mpi-inf-3dhp')
SET = KEYPOINT_SETS['mupots17']


def _two_clips(clip):
    return [*clip[:8], *(dataclasses.replace(scene, seq='second') for scene in clip[8:])]


@pytest.fixture(scope='module')
def archives(clip, tmp_path_factory):
    """Both splits of two clips: S1/Seq1 before camera 0 and S1/Seq2 before camera 1, TS1 and TS2."""
    root = tmp_path_factory.mktemp('3dhp')
    for split in ('train', 'test'):
        LAYOUTS.get('mpi-inf-3dhp')().write(_two_clips(clip), root, split)
    return root


@pytest.fixture(scope='module')
def truth(clip):
    """(sequence from 1, frame from 1) -> the person who is followed."""
    return {
        (number + 1, frame + 1): sighting
        for number, sightings in enumerate(follow(_two_clips(clip)))
        for frame, sighting in enumerate(sightings)
    }


@pytest.fixture
def copied(archives, tmp_path):
    return shutil.copytree(archives, tmp_path / 'copy')


def _convert(converter):
    parts = [converter.convert(job) for job in converter.jobs()]
    return [image for part in parts for image in part.images], sum((part.counts for part in parts), start=Counter())


def _flat(person):
    return np.array(person['keypoints']).reshape(-1, 3)


def test_training_frames_equal_the_truth(archives, truth, tmp_path):
    converter = Converter(archives, cameras=(0, 1), every=1, keep='all')
    report = run_conversion(converter, tmp_path / 'train.json')
    assert report.counts['images'] == 16 and report.counts['images missing'] == 16  # the camera that did not film
    dataset = DASDataset(
        ann_file=str(report.out), data_prefix=dict(img=str(archives)), keypoint_set='mupots17', test_mode=True
    )
    seen = set()
    for record in (dataset[index] for index in range(len(dataset))):
        sequence, frame = int(record['seq'].removeprefix('S1_Seq')), record['frame']
        seen.add((sequence, frame))
        sighting = truth[sequence, frame]
        assert record['view'] == str(sequence - 1)
        assert record['img_path'].endswith(f'S1/Seq{sequence}/imageFrames/video_{sequence - 1}/frame_{frame:06d}.jpg')
        np.testing.assert_allclose(record['keypoints_3d'][0], sighting.person.mm('mupots17'), atol=2e-3)
        np.testing.assert_allclose(record['keypoints'][0], sighting.person.px('mupots17'), atol=2e-3)
        np.testing.assert_allclose(record['camera']['K'], sighting.scene.K, rtol=1e-6)
        np.testing.assert_allclose(record['camera']['R'], truth[sequence, 1].scene.R, atol=1e-6)
        np.testing.assert_allclose(record['camera']['T'], truth[sequence, 1].scene.T_mm, atol=1e-3)
        inside = sighting.person.seen('mupots17') > 0
        np.testing.assert_array_equal(record['keypoints_flags'][0], np.where(inside, 2, 1))
        np.testing.assert_allclose(record['root_depth_mm'][0], sighting.person.keypoints_mm['pelvis'][2], atol=2e-3)
    assert seen == set(truth)


def test_other_cameras_have_their_own_cells_and_calibration(archives):
    """Every camera's joints project onto its own keypoints; a wrong pairing would be 2 % of a focal length off."""
    from das_mm.datasets.converters.mpi_inf_3dhp_files import read_calibration, read_training

    folder = archives / 'S1' / 'Seq1'
    cameras = read_calibration(folder / 'camera.calibration')
    world = []
    for number, keypoints in read_training(folder / 'annot.mat', list(range(14))).items():
        camera = cameras[number]
        np.testing.assert_allclose(project(keypoints.points_mm, camera.K), keypoints.px, atol=1e-3)
        world.append((keypoints.points_mm - camera.T_mm) @ camera.R)
    np.testing.assert_allclose(world, np.broadcast_to(world[0], (14, *world[0].shape)), atol=0.05)


def test_universal_skeletons_are_of_one_height(archives, truth):
    images, _ = _convert(Converter(archives, cameras=(0,), subjects=(1,), every=1, keep='all'))
    for image in images:
        person = image['annotations'][0]
        universal, metric = np.array(person['keypoints_3d_univ']), np.array(person['keypoints_3d'])
        knees, hips = ([SET.index(f'{side}_{part}') for side in ('left', 'right')] for part in ('knee', 'hip'))
        middle = universal[hips].mean(0)
        up, down = universal[SET.index('neck')] - middle, universal[knees].mean(0) - middle
        assert np.linalg.norm(up) + np.linalg.norm(down) == pytest.approx(920, abs=0.01)
        bones, same = universal - universal[14], metric - metric[14]
        np.testing.assert_allclose(bones * np.linalg.norm(same) / np.linalg.norm(bones), same, atol=0.01)


def test_frames_are_chosen(copied):
    """Every third frame, and of these the ones with all 17 joints in the image; the other 11 of the 28 may be out."""
    from scipy.io import loadmat, savemat

    path = copied / 'S1' / 'Seq1' / 'annot.mat'
    content = {name: value for name, value in loadmat(path).items() if not name.startswith('__')}
    keypoints = np.full((8, 28, 2), 50.0)
    keypoints[3, 25, 0] = -4  # right ankle of frame 4
    keypoints[6, 27, 1] = 900  # right toe of frame 7
    content['annot2'][0, 0] = keypoints.reshape(8, 56)
    savemat(path, content)
    shutil.rmtree(copied / 'S1' / 'Seq2')

    def frames(**options):
        images, counts = _convert(Converter(copied, cameras=(0,), **options))
        return [image['frame'] for image in images], counts['frames left out: a joint is out of the image'], images

    assert frames(every=1)[:2] == ([1, 2, 3, 5, 6, 7, 8], 1)
    assert frames(every=3)[:2] == ([1, 7], 1)
    assert frames()[0] == [1]  # every tenth
    kept, dropped, images = frames(every=3, keep='all')
    assert kept == [1, 4, 7] and dropped == 0
    np.testing.assert_array_equal(
        _flat(images[1]['annotations'][0])[:, 2], [1 if name == 'right_ankle' else 2 for name in SET.keypoints]
    )


def test_test_set_keeps_frames_that_count(copied, truth):
    with h5py.File(copied / 'mpi_inf_3dhp_test_set' / 'TS2' / 'annot_data.mat', 'r+') as file:
        file['valid_frame'][:, 0] = [0, 1, 1, 0, 1, 0, 0, 1]
        file['annot2'][3] = 7.0  # what a frame that does not count holds must not matter
    images, counts = _convert(Converter(copied, 'test'))
    assert counts['frames that do not count'] == 4
    assert {image['frame'] for image in images if image['seq'] == 'TS2'} == {2, 3, 5, 8}
    for image in images:
        number = int(image['seq'][-1])
        sighting, person = truth[number, image['frame']], image['annotations'][0]
        assert image['activity'] == number and image['file_name'].endswith(f'img_{image["frame"]:06d}.jpg')
        np.testing.assert_allclose(image['cam_param']['K'], sighting.scene.K, atol=1e-6)  # fitted
        np.testing.assert_allclose(person['keypoints_3d'], sighting.person.mm('mupots17'), atol=2e-3)
        np.testing.assert_allclose(_flat(person)[:, :2], sighting.person.px('mupots17'), atol=2e-3)


def test_fitted_camera_withstands_noise(truth):
    rng = np.random.default_rng(0)
    points = np.array([sighting.person.mm('mupots17') for sighting in truth.values()])
    K = np.array([[1500.0, 0, 1017], [0, 1490, 1043], [0, 0, 1]])
    fitted, off_px = fit_pinhole(project(points, K) + rng.normal(0, 1, (*points.shape[:2], 2)), points)
    assert off_px == pytest.approx(np.sqrt(2), rel=0.1)  # one px in each of two directions
    np.testing.assert_allclose(fitted, K, atol=15)


def test_frames_out_of_the_video(copied, tmp_path):
    """Frame i of the video, all of brightness 10·i, becomes frame_{i + 1}."""
    video = copied / 'S1' / 'Seq1' / 'imageSequence' / 'video_2.avi'
    video.parent.mkdir()
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*'MJPG'), 25, (192, 128))
    for index in range(7):  # one fewer than annotated
        writer.write(np.full((128, 192, 3), 10 * index, np.uint8))
    writer.release()
    shutil.rmtree(copied / 'S1' / 'Seq2')
    options = dict(cameras=(2,), keep='all', images=tmp_path / 'frames', extract=True)
    images, counts = _convert(Converter(copied, every=2, **options))
    assert [image['frame'] for image in images] == [1, 3, 5, 7] and counts['images missing'] == 0
    for image in images:
        picture = cv2.imread(str(tmp_path / 'frames' / image['file_name']))
        assert abs(picture.mean() - 10 * (image['frame'] - 1)) < 3
    images, counts = _convert(Converter(copied, every=7, **options))
    assert [image['frame'] for image in images] == [1] and counts['images missing'] == 1  # frame 8 is not in the video


@pytest.mark.parametrize(
    'file, damage, match',
    [
        ('S1/Seq1/annot.mat', lambda data: data[:500], 'no whole mat file'),
        (
            'S1/Seq1/camera.calibration',
            lambda data: data.replace(b'intrinsic', b'else', 1),
            'camera 0 has no 16 numbers',
        ),
        ('S1/Seq1/camera.calibration', lambda data: data[:900], 'camera'),
        ('S1/Seq1/camera.calibration', None, 'calibration is not there'),
    ],
)
def test_damaged_training_files(copied, file, damage, match):
    path = copied / file
    path.unlink() if damage is None else path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=match) as error:
        _convert(Converter(copied))
    assert str(error.value.file).endswith(file)


def test_damaged_test_files(copied):
    path = copied / 'mpi_inf_3dhp_test_set' / 'TS1' / 'annot_data.mat'
    with h5py.File(path, 'r+') as file:
        file['annot2'][...] = np.random.default_rng(0).uniform(0, 128, file['annot2'].shape)
    with pytest.raises(UserError, match='no camera projects'):
        _convert(Converter(copied, 'test'))
    with h5py.File(path, 'r+') as file:
        del file['annot3']
    with pytest.raises(UserError, match='annot3'):
        _convert(Converter(copied, 'test'))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(UserError, match='HDF5'):
        _convert(Converter(copied, 'test'))


def test_wrong_options(copied, tmp_path):
    for options, match in (
        (dict(cameras=(14,)), '--cameras'),
        (dict(subjects=(9,)), '--subjects'),
        (dict(subjects=(3,)), 'S3'),
        (dict(every=0), '--every'),
    ):
        with pytest.raises(UserError, match=match):
            Converter(copied, **options).jobs()
    with pytest.raises(UserError, match='annot.mat'):
        Converter(tmp_path / 'copy' / 'S1').jobs()
    cv2.imwrite(str(copied / 'S1/Seq1/imageFrames/video_0/frame_000001.jpg'), np.zeros((64, 96, 3), np.uint8))
    with pytest.raises(UserError, match='192x128'):
        _convert(Converter(copied, keep='all'))


def test_npz_of_mmpose(truth, tmp_path):
    """Metres, one camera file; R and T written as world to camera, and found to be that."""
    rows = [(number, frame, sighting) for (number, frame), sighting in truth.items() if frame <= 2]
    names = [f'S1_Seq{number}_Cam4_{frame:06d}.jpg' for number, frame, _ in rows]
    (tmp_path / 'images').mkdir()
    for name in names[1:]:
        cv2.imwrite(str(tmp_path / 'images' / name), np.zeros((128, 192, 3), np.uint8))
    one = np.ones((len(rows), 17, 1))
    points = np.array([sighting.person.mm('mupots17') for *_, sighting in rows])
    px = np.array([sighting.person.px('mupots17') for *_, sighting in rows])
    np.savez(
        tmp_path / 'train.npz',
        imgname=np.array(names),
        center=np.zeros((len(rows), 2)),
        scale=np.ones(len(rows)),
        part=np.concatenate([px, one], -1),
        S=np.concatenate([points / 1000, one], -1),
    )
    K = rows[0][2].scene.K
    cameras = {}
    for number in (1, 2):
        for camera in range(4):  # around a point three metres away
            turn = cv2.Rodrigues(np.array([0, np.pi / 2 * camera + 0.1, 0]))[0]
            cameras[f'S1_Seq{number}_Cam{camera + 1}'] = dict(
                R=turn, T=np.array([[0.0], [0], [3]]), f=K[[0, 1], [0, 1]][:, None], c=K[:2, 2:], w=192, h=19
            )
    (tmp_path / 'cameras_train.pkl').write_bytes(pickle.dumps(cameras))
    converter = Converter(tmp_path, npz=tmp_path / 'train.npz', every=1, keep='all')
    images, counts = _convert(converter)
    assert counts['images missing'] == 1 and len(images) == len(rows) - 1
    for image, (number, frame, sighting) in zip(images, rows[1:]):
        assert (image['seq'], image['view'], image['frame']) == (f'S1_Seq{number}', '4', frame)
        assert image['file_name'] == f'images/S1_Seq{number}_Cam4_{frame:06d}.jpg' and image['height'] == 128
        np.testing.assert_allclose(image['annotations'][0]['keypoints_3d'], sighting.person.mm('mupots17'), atol=1e-3)
        np.testing.assert_allclose(image['cam_param']['R'], cameras[f'S1_Seq{number}_Cam4']['R'], atol=1e-9)
        np.testing.assert_allclose(image['cam_param']['T'], [0, 0, 3000])
    del cameras['S1_Seq2_Cam4']
    (tmp_path / 'cameras_train.pkl').write_bytes(pickle.dumps(cameras))
    with pytest.raises(UserError, match='S1_Seq2_Cam4'):
        _convert(converter)
