"""The inferencer as a user calls it: laziness, batches, cameras, files, and what happens when something is wrong."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from mmpose.structures import PoseDataSample

from das_mm.apis import DASInferencer, predict_images
from das_mm.errors import UserError
from das_mm.fitting import PeopleFitOptions
from das_mm.inference import sources
from das_mm.inference.body_fitting import BodyFitter
from das_mm.inference.result_camera import resolve_for_camera
from das_mm.inference.result_files import read_results, result_schema
from das_mm.models.body_models import SMPLBody
from das_mm.registry import INFERENCERS
from tests.json_schema import violations
from tests.pictures import picture, write_photo, write_picture, write_video

K = [[300.0, 0, 80], [0, 310, 60], [0, 0, 1]]


def results(inferencer, given, **kwargs):
    return [one['predictions'][0] for one in inferencer(given, **kwargs)]


def assert_same_people(ours, theirs, atol=2e-2):
    assert len(ours['people']) == len(theirs['people']) > 0
    for one, other in zip(ours['people'], theirs['people']):
        for key in one:
            np.testing.assert_allclose(one[key], other[key], atol=atol, rtol=1e-4, err_msg=key)


def test_a_result(inferencer, tmp_path):
    path = write_picture(tmp_path / 'a.png', 160, 128)
    (one,) = list(inferencer(str(path), return_vis=True))
    (found,) = one['predictions']
    assert violations(found, result_schema()) == []
    assert found['image'] == dict(file=str(path), name='a', width=160, height=128, frame=None, time_s=None)
    assert found['camera']['source'] == 'default_fov' and found['camera']['fov_deg'] == 55
    assert found['model']['config'] == 'toy' and found['model']['score_thr'] == 0.02
    assert 0 < len(found['people']) <= 6
    assert {'keypoints_sigma_px', 'keypoints_sigma_mm'} <= set(found['people'][0])  # the model has learnt it
    (overlay,) = one['visualization']
    assert overlay.shape == (128, 160, 3) and (overlay != cv2.imread(str(path))).any()
    assert next(inferencer(str(path)))['visualization'] == []


def test_registered_and_built_like_others(checkpoint):
    built = INFERENCERS.build(dict(type='DASInferencer', weights=str(checkpoint), device='cpu', show_progress=False))
    assert isinstance(built, DASInferencer)


def test_batches_of_many_sizes_give_the_same(inferencer):
    """Also of images that are padded differently: normalisation sees the padding, so they are not run together."""
    sizes = (160, 128), (128, 160), (64, 20), (160, 128), (97, 31)
    images = [picture(*size, seed=seed) for seed, size in enumerate(sizes)]
    alone, together = (results(inferencer, images, batch_size=size) for size in (1, 3))
    assert [one['image']['name'] for one in together] == ['array', 'array_2', 'array_3', 'array_4', 'array_5']
    for ours, theirs in zip(alone, together):
        assert_same_people(ours, theirs)


def test_nothing_is_done_before_it_is_asked_for(inferencer, monkeypatch):
    calls = []
    step = inferencer.model.test_step
    monkeypatch.setattr(inferencer.model, 'test_step', lambda batch: calls.append(len(batch['inputs'])) or step(batch))
    generator = inferencer([picture(seed=seed) for seed in range(5)], batch_size=2)
    assert calls == []
    next(generator)
    assert calls == [2]
    next(generator), next(generator)
    assert calls == [2, 2]
    assert len(list(generator)) == 2 and calls == [2, 2, 1]


def test_data_samples_and_predict_images(inferencer):
    one = next(inferencer(picture(), return_datasamples=True))['predictions'][0]
    assert isinstance(one, PoseDataSample) and one.metainfo['camera']['source'] == 'default_fov'
    (found,) = predict_images(inferencer.model, picture())
    np.testing.assert_allclose(one.pred_instances.keypoints_3d[0], found['people'][0]['keypoints_cam_mm'], atol=2e-2)


def test_every_source_of_a_camera(inferencer, tmp_path):
    photo = str(write_photo(tmp_path / 'photo.jpg', 160, 120, {0xA405: 26}, orientation=6))
    plain = str(write_picture(tmp_path / 'plain.png', 160, 120))
    found = [
        *results(inferencer, [photo, plain], fov_deg=70),
        *results(inferencer, plain),
        *results(inferencer, photo, intrinsics='300,310,80,60'),
    ]
    assert [one['camera']['source'] for one in found] == ['exif', 'fov', 'default_fov', 'user']
    assert [one['image']['width'] for one in found] == [120, 160, 160, 120]
    np.testing.assert_allclose(np.array(found[0]['camera']['K'])[:2, 2], [59.5, 79.5])
    assert [one['camera']['fov_deg'] for one in found[1:3]] == [70, 55]
    assert found[3]['camera']['K'] == K
    of_wide_lens = DASInferencer(inferencer.model, show_progress=False, fov_deg=90)
    again = [*results(of_wide_lens, plain), *results(of_wide_lens, plain, intrinsics={'photo.jpg': K})]
    assert [(one['camera']['source'], one['camera']['fov_deg']) for one in again] == [('fov', 90)] * 2
    # nearer for the wider lens: the same pixels per mm
    depths = [one['people'][0]['root_cam_mm'][2] for one in found[1:3]]
    assert depths[0] / depths[1] == pytest.approx(np.tan(np.radians(27.5)) / np.tan(np.radians(35)), rel=1e-4)


def test_positions_solved_again_equal_direct_inference(inferencer):
    given = dict(K=K, dist=[-0.05, 0.01, 0, 0, 0])
    (direct,) = results(inferencer, picture(160, 128), intrinsics=given)
    solved = resolve_for_camera(results(inferencer, picture(160, 128))[0], given['K'], given['dist'])
    assert solved['camera'] == direct['camera']
    assert_same_people(solved, direct, atol=1e-3)


def test_options_of_a_call_leave_the_model_alone(inferencer):
    before = dict(inferencer.model.test_cfg)
    (plain,) = results(inferencer, picture(), with_sigma=False)
    assert 'keypoints_sigma_px' not in plain['people'][0]
    threshold = (plain['people'][0]['score'] + plain['people'][1]['score']) / 2
    (strict,) = results(inferencer, picture(), score_thr=threshold)
    assert [person['score'] for person in strict['people']] == [plain['people'][0]['score']]
    assert strict['model']['score_thr'] == threshold
    assert inferencer.model.test_cfg == before
    (nobody,) = results(inferencer, picture(), score_thr=1.0)
    assert nobody['people'] == [] and violations(nobody, result_schema()) == []


def test_everything_is_written(inferencer, tmp_path):
    write_picture(tmp_path / 'in' / 'a' / 'x.png', 160, 128)
    write_picture(tmp_path / 'in' / 'b' / 'x.png', 80, 100, seed=1)
    write_video(tmp_path / 'in' / 'v.mp4', num_frames=5, fps=30000 / 1001, size=(96, 64))
    given = [f'{tmp_path}/in/a', f'{tmp_path}/in/b', f'{tmp_path}/in/v.mp4']
    found = results(inferencer, given, out_dir=tmp_path / 'out', batch_size=3, viewer_frames=2)
    assert len(found) == 7
    files = [path for path in (tmp_path / 'out').rglob('[!.]*') if path.is_file()]
    assert sorted(path.relative_to(tmp_path / 'out').as_posix() for path in files) == [
        'overlays/a_x.jpg',
        'overlays/b_x.jpg',
        'overlays/v.mp4',
        'predictions/a_x.json',
        'predictions/b_x.json',
        'predictions/v.jsonl',
        'viewer.html',
        'viewer_v.html',
    ]
    for name in ('a_x.json', 'b_x.json', 'v.jsonl'):
        for one in read_results(tmp_path / 'out' / 'predictions' / name):
            assert violations(one, result_schema()) == [] and one == found.pop(0)
    video = cv2.VideoCapture(str(tmp_path / 'out' / 'overlays' / 'v.mp4'))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(29.97, abs=1e-3)
    assert sum(1 for _ in iter(lambda: video.read()[0], False)) == 5
    assert cv2.imread(str(tmp_path / 'out' / 'overlays' / 'b_x.jpg')).shape == (100, 80, 3)
    assert 'People in v (2 of 5, one in 4)' in (tmp_path / 'out' / 'viewer_v.html').read_text()


def test_a_video_alone_has_the_viewer_for_itself(inferencer, tmp_path):
    frames = results(
        inferencer, str(write_video(tmp_path / 'v.mp4', 3, fps=10)), viewer_out_dir=tmp_path / 'out', fov_deg=50
    )
    assert [(one['image']['frame'], one['image']['time_s']) for one in frames] == [(0, 0), (1, 0.1), (2, 0.2)]
    assert [path.name for path in (tmp_path / 'out').glob('[!.]*')] == ['viewer.html']
    text = (tmp_path / 'out' / 'viewer.html').read_text()
    assert '"fps":10.0' in text and 'field of view given by the user' in text


def test_a_webcam(inferencer, tmp_path, monkeypatch):
    class Camera:
        left = [picture(seed=1), picture(seed=2)]

        def __init__(self, device):
            assert device == 1

        isOpened = staticmethod(lambda: True)
        get = staticmethod(lambda what: 15.0)
        set = staticmethod(lambda what, value: True)
        release = staticmethod(lambda: None)

        def read(self):
            return (True, self.left.pop()) if self.left else (False, None)

    monkeypatch.setattr(sources.cv2, 'VideoCapture', Camera)
    found = results(inferencer, 'webcam:1', batch_size=4, pred_out_dir=tmp_path)
    assert [one['image']['frame'] for one in found] == [0, 1] and found[0]['image']['file'] is None
    assert len(list(read_results(tmp_path / 'webcam1.jsonl'))) == 2


def test_a_corrupt_image_among_good_ones(inferencer, tmp_path):
    for name in ('a', 'c'):
        write_picture(tmp_path / 'in' / f'{name}.png')
    (tmp_path / 'in' / 'b.png').write_bytes(b'no image')
    told = []
    found = results(inferencer, str(tmp_path / 'in'), batch_size=2, on_skip=told.append)
    assert [one['image']['name'] for one in found] == ['a', 'c']
    assert [error.file for error in told] == [str(tmp_path / 'in' / 'b.png')]
    assert 'cannot be decoded' in told[0].problem


def test_nothing_can_be_read(inferencer, tmp_path):
    for name in ('a.png', 'b.png'):
        (tmp_path / name).write_bytes(b'no image')
    with pytest.raises(UserError, match='a.png: it is no image') as caught:
        list(inferencer(str(tmp_path / 'a.png')))
    assert caught.value.remedy
    with pytest.raises(UserError, match='none of the 2 inputs can be read'):
        list(inferencer(str(tmp_path)))


@pytest.mark.parametrize(
    'kwargs, said',
    [
        (dict(batch_size=0), '0 images make no batch'),
        (dict(intrinsics='1,2'), 'there are 2 numbers'),
        (dict(out_dir='/proc/nowhere'), 'nothing can be written there'),
        (dict(fov_deg=-1), 'field of view of -1'),
        (dict(colour='red'), "unknown argument {'colour'}"),
    ],
)
def test_mistakes_are_told_at_once(inferencer, kwargs, said):
    with pytest.raises(ValueError, match=said):
        inferencer(picture(), **kwargs)  # without asking for a result


def test_sigma_of_a_model_that_has_none(inferencer, monkeypatch):
    monkeypatch.setattr(inferencer.model.head, 'uses_sigma', False)
    with pytest.raises(UserError, match='with_sigma: this model learns no sigma'):
        inferencer(picture(), with_sigma=True)


@pytest.mark.parametrize('leave', ['interrupt', 'close', 'forget'])
def test_whatever_way_it_ends_what_was_found_is_kept(inferencer, tmp_path, monkeypatch, leave):
    """Ctrl-C in the middle of the network, a generator that is closed, one that is just dropped."""
    step, calls = inferencer.model.test_step, []

    def interrupted(batch):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return step(batch)

    if leave == 'interrupt':
        monkeypatch.setattr(inferencer.model, 'test_step', interrupted)
    generator = inferencer(str(write_video(tmp_path / 'v.mp4', 8)), out_dir=tmp_path / 'out')
    for _ in range(3):
        next(generator)
    if leave == 'interrupt':
        with pytest.raises(KeyboardInterrupt):
            next(generator)
    elif leave == 'close':
        generator.close()
    del generator
    lines = list(read_results(tmp_path / 'out' / 'predictions' / 'v.jsonl'))
    assert [one['image']['frame'] for one in lines] == [0, 1, 2]
    assert cv2.VideoCapture(str(tmp_path / 'out' / 'overlays' / 'v.mp4')).get(cv2.CAP_PROP_FRAME_COUNT) == 3
    assert (tmp_path / 'out' / 'viewer.html').is_file()
    hidden = {path.name for path in (tmp_path / 'out').rglob('.*')}
    assert hidden == {'.das_mm.lock', '.v.run.npz'}  # nothing half done


def test_numbers_that_are_not_finite_never_come_out(inferencer, monkeypatch, tmp_path):
    step = inferencer.model.test_step

    def spoiled(batch):
        samples = step(batch)
        samples[0].pred_instances.relative_depths_mm[0, 3] = np.inf
        return samples

    (whole,) = results(inferencer, picture())
    monkeypatch.setattr(inferencer.model, 'test_step', spoiled)
    (found,) = results(inferencer, picture(), out_dir=tmp_path)
    assert len(found['people']) == len(whole['people']) - 1
    assert json.loads((tmp_path / 'predictions' / 'array.json').read_text()) == found


def test_bodies_are_fitted_where_a_call_asks_for_them(inferencer, tmp_path):
    quick = PeopleFitOptions(phases=((3, 0.1),))
    fitter = BodyFitter(SMPLBody(), inferencer.predictor.keypoint_set, options=quick)
    path = write_video(tmp_path / 'a.mp4', 2, size=(160, 128))
    (plain, _), fitted = (results(inferencer, str(path), **kwargs) for kwargs in ({}, dict(fit=fitter, smooth=True)))
    assert plain['people'] and all('smpl' not in person for person in plain['people'])
    assert len(fitted) == 2 and all('smpl' in person for one in fitted for person in one['people'])
    assert 'smpl' not in results(inferencer, picture(160, 128, seed=0))[0]['people'][0]  # of that call alone
