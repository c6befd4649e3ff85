"""An exported model gives what PyTorch gives."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from das_mm.apis import DASInferencer
from das_mm.checkpoints.model_loader import load_model
from das_mm.cli import main
from das_mm.deploy import check_onnx, export_onnx, export_torch
from das_mm.errors import UserError
from das_mm.inference.inferencer import Inferencer
from das_mm.inference.onnx_predictor import OnnxPredictor
from das_mm.inference.outputs import OutputFolders
from das_mm.inference.predictor_choice import open_predictor
from das_mm.inference.result_files import read_results
from das_mm.inference.run_options import RunOptions
from das_mm.models.heads import BaseTaskBranch
from das_mm.registry import MODELS
from das_mm.structures.task_fields import TaskDescription, TaskField
from tests.pictures import picture, write_picture, write_video
from tests.toy_model import DISPLACEMENT, write_toy_checkpoint

from .conftest import write_checkpoint

LOW, NONE = 0.002, 0.99


def images(batch: int, height: int, width: int) -> list[torch.Tensor]:
    return [torch.from_numpy(picture(width, height, seed)).permute(2, 0, 1) for seed in range(batch)]


def found(model, batch: list[torch.Tensor], score_thr: float) -> list:
    data = model.data_preprocessor(dict(inputs=batch, data_samples=[PoseDataSample() for _ in batch]), False)
    test_cfg = dict(model.test_cfg, score_thr=score_thr, with_sigma=model.head.uses_sigma)
    with torch.no_grad():
        return model.head.predict(model.extract_feat(data['inputs']), data['data_samples'], test_cfg=test_cfg)


def assert_same(expected: list, given: list) -> None:
    assert [len(one) for one in given] == [len(one) for one in expected]
    for ours, theirs in zip(expected, given):
        names = set(ours.keys()) if len(ours) else {'scores'}
        assert names <= set(theirs.keys())
        for name in names:
            torch.testing.assert_close(theirs[name], ours[name], atol=1e-3, rtol=0, msg=lambda text: f'{name}: {text}')


@pytest.mark.parametrize('batch, height, width, doubles', [(1, 96, 128, True), (3, 75, 101, True), (2, 33, 31, False)])
def test_the_same_people(rich, loaded, batch, height, width, doubles):
    _, model, _ = rich
    pixels = images(batch, height, width)
    crowded = found(model, pixels, LOW)
    assert_same(crowded, found(loaded, pixels, LOW))
    nms, model.head.nms = model.head.nms, lambda poses, scores: torch.arange(len(scores))
    candidates = found(model, pixels, LOW)
    model.head.nms = nms
    assert (sum(map(len, candidates)) > sum(map(len, crowded))) == doubles and all(map(len, crowded))
    assert not any(map(len, found(loaded, pixels, NONE)))


def test_the_threshold_is_the_configs_where_none_is_given(rich, loaded):
    _, model, _ = rich
    pixels = images(2, 96, 128)
    people = loaded.head.session.run(['image'], dict(images=torch.stack(pixels).float().numpy()))[0]
    own = found(model, pixels, model.test_cfg['score_thr'])
    assert np.bincount(people, minlength=2).tolist() == [len(one) for one in own]


def test_images_of_several_sizes_in_one_batch(rich, loaded):
    _, model, _ = rich
    pixels = [*images(1, 75, 101), *images(1, 90, 128)]
    assert_same(found(model, pixels, LOW), found(loaded, pixels, LOW))


def test_inference_with_the_file_in_place_of_the_checkpoint(rich):
    path, _, file = rich
    pictures = [picture(96, 64), picture(64, 96, seed=1), np.zeros((32, 48, 3), np.uint8)]
    by_torch, by_onnx = (
        [
            result['predictions'][0]
            for result in DASInferencer(weights=weights, device='cpu', show_progress=False)(pictures, batch_size=3)
        ]
        for weights in (path, file)
    )
    assert sum(len(result['people']) for result in by_torch) > 3
    for expected, given in zip(by_torch, by_onnx, strict=True):
        assert given['model']['weights'] == file.name and len(given['model']['weights_sha256']) == 64
        assert given['camera'] == expected['camera'] and given['keypoint_names'] == expected['keypoint_names']
        assert len(given['people']) == len(expected['people'])
        for ours, theirs in zip(expected['people'], given['people']):
            assert ours.keys() == theirs.keys() and 'smpl' in theirs and 'keypoints_sigma_mm' in theirs
            for name in ('score', 'keypoints_px', 'keypoint_scores', 'root_depth_mm_per_px', 'bbox_px'):
                np.testing.assert_allclose(theirs[name], ours[name], atol=2e-3, err_msg=name)
            np.testing.assert_allclose(theirs['keypoints_cam_mm'], ours['keypoints_cam_mm'], rtol=1e-4, atol=0.05)
            for name in ('global_orient', 'body_pose', 'betas'):
                np.testing.assert_allclose(theirs['smpl'][name], ours['smpl'][name], atol=2e-3, err_msg=name)
    quiet = DASInferencer(weights=file, show_progress=False)(pictures[:1], with_sigma=False, score_thr=0.0)
    assert 'keypoints_sigma_px' not in next(quiet)['predictions'][0]['people'][0]


def test_what_the_file_says_of_itself(rich, loaded):
    path, model, file = rich
    said = loaded.head.session.get_modelmeta().custom_metadata_map
    assert json.loads(said['das_mm.dataset_meta'])['keypoint_set'] == 'panoptic15'
    assert json.loads(said['das_mm.coder'])['root_depth_scale'] == model.head.coder.root_depth_scale
    assert json.loads(said['das_mm.test_cfg'])['score_thr'] == 0.02
    assert json.loads(said['das_mm.input']) == dict(kind='pixels', layout='NCHW', divisor=32)
    assert said['das_mm.weights'] == path.name and said['das_mm.precision'] == 'float32'
    assert loaded.cfg.model.to_dict() == model.cfg.model.to_dict()


def test_the_report(rich, loaded, tmp_path):
    _, model, file = rich
    for seed in range(2):
        write_picture(tmp_path / f'{seed}.png', 160, 128, seed)
    report = check_onnx(model, loaded, file, tmp_path, number=1)
    assert report['passed'] and report['images'] == dict(source=str(tmp_path), number=1, sizes=['160x128'])
    assert report['crowded']['people_onnx'] == report['crowded']['people_torch'] == 12
    assert report['crowded']['differences'].keys() >= {'smpl_matrices', 'keypoints_px', 'keypoints_sigma'}
    assert 0 < report['crowded']['max_difference'] < 1e-3
    assert {shape['height'] % 32 for shape in report['shapes']} > {0}
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.head.pose_branch.out.bias += 0.001
    report = check_onnx(other, loaded, file, tmp_path, number=1)
    assert not report['passed'] and report['crowded']['differences']['keypoints_px']['max'] > 1e-3


def test_a_tracking_model_in_half_precision_by_the_command(temporal_checkpoint, tmp_path, capsys):
    write_picture(tmp_path / 'images' / 'a.png', 160, 128)
    write_picture(tmp_path / 'images' / 'b.png', 160, 128, seed=1)
    file = tmp_path / 'out' / 'track.onnx'
    assert (
        main(
            [
                'export',
                'onnx',
                str(temporal_checkpoint.with_suffix('.py')),
                str(temporal_checkpoint),
                '--out',
                str(file),
                '--images',
                str(tmp_path / 'images'),
                '--no-sigma',
                '--half',
                '--check',
                '2',
            ]
        )
        == 0
    )
    assert 'half precision; 2 images' in capsys.readouterr().out
    report = json.loads(file.with_suffix('.report.json').read_text())
    assert report['passed'] is None and report['precision'] == 'float16' and report['opset'] == 20
    found = report['crowded']
    assert found['people_torch'] > 0 and abs(found['people_onnx'] - found['people_torch']) <= 2
    assert found['differences'].keys() >= {'displacements_px', 'keypoints_px', 'root_depths_norm'}
    assert 1e-5 < found['differences']['displacements_px']['mean'] < 0.1
    assert found['differences']['scores']['max'] < 1e-3

    video = write_video(tmp_path / 'v.mp4', 4, size=(160, 128))
    by_torch, by_onnx = (
        [
            [person['track_id'] for person in result['predictions'][0]['people']]
            for result in DASInferencer(weights=weights, device='cpu', show_progress=False)(video, with_sigma=False)
        ]
        for weights in (temporal_checkpoint, file)
    )
    assert by_torch[-1] and set(by_torch[-1]) != {None}
    # random weights move people anywhere: between two that are almost equally near, half precision may decide otherwise
    same = [one == other for ours, theirs in zip(by_torch, by_onnx, strict=True) for one, other in zip(ours, theirs)]
    assert list(map(len, by_onnx)) == list(map(len, by_torch)) and sum(same) >= 0.8 * len(same)
    model = load_model(file, device='cpu')
    with pytest.raises(ValueError, match='exported without sigma'):
        model.head.predict(torch.zeros(1, 7, 32, 32), None, dict(with_sigma=True))


@pytest.mark.parametrize(
    'wrong, message',
    [
        (dict(out='model.bin'), 'does not end in .onnx'),
        (dict(opset=18), 'opset 19 to'),
        (dict(opset=99), 'opset 19 to'),
    ],
)
def test_wrong_options(rich, tmp_path, wrong, message):
    _, model, _ = rich
    with pytest.raises(UserError, match=message):
        export_onnx(model, **{'out': tmp_path / 'a.onnx', **wrong})


def test_a_picture_that_is_none(rich, tmp_path):
    (tmp_path / 'a.png').write_bytes(b'no picture')
    with pytest.raises(UserError):
        check_onnx(rich[1], rich[1], rich[2], tmp_path)


def test_a_program_of_torch(tmp_path, capsys):
    checkpoint = write_checkpoint(tmp_path)
    file = tmp_path / 'das.pt2'
    assert main(['export', 'torch', str(checkpoint.with_suffix('.py')), str(checkpoint), '--out', str(file)]) == 0
    assert 'das.pt2' in capsys.readouterr().out
    said = {'das_mm.input': ''}
    program = torch.export.load(file, extra_files=said).module()
    assert json.loads(said['das_mm.input'])['divisor'] == 32
    model = load_model(checkpoint, device='cpu')
    for batch, height, width in ((1, 128, 96), (3, 64, 160)):
        pixels = images(batch, height, width)
        expected = found(model, pixels, 0.01)
        given = program(torch.stack(pixels).float(), torch.tensor(0.01))
        assert sum(map(len, expected)) > batch
        assert_same(
            expected,
            [
                InstanceData(**{name: rows[given['image'] == index] for name, rows in given.items()})
                for index in range(batch)
            ],
        )
    with pytest.raises(UserError, match='does not end in .pt2'):
        export_torch(model, tmp_path / 'das.pt')


@MODELS.register_module()
class HatBranch(BaseTaskBranch):
    """A task of a user's own: where the hat is, and how high it is."""

    def __init__(self, **kwargs):
        super().__init__(out_channels=3, **kwargs)

    def loss(self, raw, labels, person, points_px, strides, num_pos):
        return dict(loss_hat=raw.sum() * 0)

    def decode(self, raw, points_px, strides):
        return dict(hat_px=points_px + raw[:, :2] * strides[:, None], hat_height_mm=100 * raw[:, 2])

    def describe(self):
        place = TaskField('hat_px', (2,), group='hat', frame='points_px', smoothed='image')
        return TaskDescription('hat', (place, TaskField('hat_height_mm', group='hat', digits=2)))


def test_a_branch_of_a_users_own_reaches_every_file(tmp_path):
    """Results, tracks and the exported graph, whose results torch is not asked for."""
    tower = dict(in_channels=16, feat_channels=16, stacked_convs=1, norm_cfg=dict(type='GN', num_groups=4))
    (tmp_path / 'model').mkdir()
    branches = dict(DISPLACEMENT, any_name=dict(type='HatBranch', **tower))
    path = write_toy_checkpoint(tmp_path / 'model', branches=branches, temporal=True)
    file = export_onnx(load_model(path, device='cpu'), tmp_path / 'hat.onnx')
    video = str(write_video(tmp_path / 'v.mp4', 3, size=(160, 128)))
    found = {}
    for runtime, weights in (('torch', path), ('onnx', file)):
        predictor = open_predictor(weights, device='cpu', runtime=runtime)
        assert set(predictor.tasks) == {'pose', 'displacement', 'hat', 'tracking'}
        folders, options = OutputFolders.below(tmp_path / runtime), RunOptions(show_progress=False)
        found[runtime] = [one.result for one in Inferencer(predictor)(video, options, folders)]
        assert list(read_results(tmp_path / runtime / 'predictions' / 'v.jsonl')) == found[runtime]
        with np.load(next((tmp_path / runtime / 'tracks' / 'v').glob('*.npz'))) as track:
            assert track['hat_px'].shape == (len(track['frames']), 2)
            assert track['hat_height_mm'].shape == track['frames'].shape
    assert isinstance(predictor, OnnxPredictor)
    for ours, theirs in zip(found['torch'], found['onnx'], strict=True):
        assert len(ours['people']) == len(theirs['people']) > 0
        for one, other in zip(ours['people'], theirs['people']):
            assert one['track_id'] == other['track_id']
            np.testing.assert_allclose(one['hat']['px'], other['hat']['px'], atol=2e-3)
            np.testing.assert_allclose(one['hat']['height_mm'], other['hat']['height_mm'], atol=2e-2)
    assert any(person['hat']['height_mm'] != 0 for person in ours['people'])
