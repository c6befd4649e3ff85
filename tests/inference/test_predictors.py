"""Predictors of a user's own: an estimator that is no DAS, and anything that has a predictor's words."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.structures import InstanceData

from das_mm.apis import DASInferencer
from das_mm.errors import UserError
from das_mm.inference.inferencer import Inferencer
from das_mm.inference.outputs import OutputFolders
from das_mm.inference.predictor import Prediction
from das_mm.inference.result_files import read_results, result_schema
from das_mm.inference.run_options import RunOptions
from das_mm.models.estimator_protocol import EstimatorProtocol
from das_mm.structures.people import People
from das_mm.structures.task_fields import TaskDescription, TaskField
from tests.json_schema import violations
from tests.pictures import picture, write_video

#: a height (one number), where the hat is (moved and smoothed like the image), and colours in an object of their own
HATS = TaskDescription(
    'hats',
    (
        TaskField('heights_mm', digits=1),
        TaskField('hat_px', (2,), frame='points_px', smoothed='image'),
        TaskField('coat_colour', (3,), group='coat', digits=2),
        TaskField('coat_private', (2,), group='coat', in_results=False, in_tracks=False),
    ),
)


def people_fields(number: int) -> dict[str, np.ndarray]:
    """Two people who stand still, with their hats."""
    points = np.array([[20.0, 30.0], [60.0, 30.0]])[:, None] + np.zeros((2, 15, 2))
    points[:, :, 1] += np.arange(15)
    depths = np.array([10.0, 20.0])
    return dict(
        scores=np.array([0.9, 0.8]),
        bboxes=np.concatenate([points.min(1) - 5, points.max(1) + 5], axis=1),
        keypoints=points,
        keypoint_scores=np.full((2, 15), 0.5),
        keypoints_3d=np.concatenate([points * 10, np.full((2, 15, 1), 1000.0)], axis=2),
        roots_px=points[:, 2],
        root_depths_norm=depths,
        root_depths_mm=100 * depths,
        relative_depths_mm=np.zeros((2, 15)),
        heights_mm=np.array([1800.0, np.nan]),
        hat_px=points[:, 0] - (0, 5),
        coat_colour=np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]),
        coat_private=np.zeros((2, 2)),
    )


class Standing(BaseModel):
    """An estimator as a companion project might have it: no DAS, no head, no branches."""

    num_keypoints, uses_sigma, score_thr, max_frame_gap, body = 15, False, 0.4, None, None
    tasks = {'pose': TaskDescription('pose'), 'hats': HATS}

    def __init__(self):
        super().__init__()
        steps = [dict(type='LoadImage'), dict(type='DASResize', input_size=(64, 64)), dict(type='PackDASInputs')]
        self.cfg = Config(dict(default_scope='das_mm', test_dataloader=dict(dataset=dict(pipeline=steps))))
        self.dataset_meta, self.test_cfg = dict(keypoint_set='panoptic15'), {}
        self.asked: list[dict] = []

    def forward(self, inputs, data_samples=None, mode='tensor'):
        self.asked.append(dict(self.test_cfg, sizes=[tuple(one.shape) for one in inputs]))
        for sample in data_samples:
            sample.set_metainfo(dict(camera=dict(K=np.diag([100.0, 100, 1]), dist=None, source='user')))
            sample.pred_instances = InstanceData(**people_fields(0))
        return data_samples

    def forget(self) -> None:
        pass


@pytest.fixture
def standing():
    return Standing().eval()


def test_an_estimator_that_is_no_das(standing, tmp_path):
    assert isinstance(standing, EstimatorProtocol)
    inferencer = DASInferencer(standing, show_progress=False)
    (one,) = inferencer([picture(96, 64)], out_dir=tmp_path / 'out', score_thr=0.3)
    assert standing.asked[0] == dict(with_sigma=False, score_thr=0.3, sizes=[(3, 43, 64)]) and standing.test_cfg == {}
    (found,) = one['predictions']
    assert violations(json.loads(json.dumps(found)), result_schema()) == []
    first, second = found['people']
    assert first['heights_mm'] == 1800.0 and second['heights_mm'] is None
    assert first['hat_px'] == [20.0, 25.0] and first['coat'] == dict(colour=[0.1, 0.2, 0.3])
    assert found['model'] == dict(
        config=None, weights=None, weights_sha256=None, das_mm=found['model']['das_mm'], score_thr=0.3
    )
    with pytest.raises(UserError, match='it does: pose, hats'):
        DASInferencer(standing, task='mesh')


def test_its_fields_reach_the_tracks_and_are_smoothed(standing, tmp_path):
    video = write_video(tmp_path / 'v.mp4', 4, size=(96, 64))
    inferencer = DASInferencer(standing, show_progress=False)
    found = [one['predictions'][0] for one in inferencer(str(video), out_dir=tmp_path / 'out', smooth=True)]
    assert list(read_results(tmp_path / 'out' / 'predictions' / 'v.jsonl')) == found and found[0]['smoothed']
    with np.load(tmp_path / 'out' / 'tracks' / 'v' / '0000.npz') as track:
        assert track['heights_mm'].tolist() == [1800.0] * 4
        np.testing.assert_allclose(track['hat_px'], [[20, 25]] * 4, atol=1e-4)
        np.testing.assert_allclose(track['coat_colour'][2], [0.1, 0.2, 0.3], atol=1e-6)
        assert 'coat_private' not in track
    with np.load(tmp_path / 'out' / 'tracks' / 'v' / '0001.npz') as track:
        assert np.isnan(track['heights_mm']).all()


class Jumping(Standing):
    """The hat is somewhere else in every frame."""

    def forward(self, inputs, data_samples=None, mode='tensor'):
        for sample in super().forward(inputs, data_samples, mode):
            sample.pred_instances.hat_px = sample.pred_instances.hat_px + (sample.metainfo['frame'] % 2)
        return data_samples


def test_a_field_that_jumps_jumps_less_when_smoothed(tmp_path):
    video = str(write_video(tmp_path / 'v.mp4', 6, size=(96, 64)))
    inferencer = DASInferencer(Jumping().eval(), show_progress=False)
    steps = {}
    for smooth in (False, True):
        hats = [one['predictions'][0]['people'][0]['hat_px'] for one in inferencer(video, track=True, smooth=smooth)]
        steps[smooth] = np.abs(np.diff(hats, axis=0)).max()
    assert steps[False] == pytest.approx(1) and steps[True] < 0.8


def test_a_predictor_without_torch():
    """Nothing of torch is asked of a predictor."""
    asked = []

    def predict(prepared, score_thr=None, with_sigma=None):
        asked.append((list(prepared), score_thr, with_sigma))
        return [
            Prediction(
                People.from_instances(people_fields(0)), dict(K=np.diag([100.0, 100, 1]), dist=None, source='user')
            )
            for _ in prepared
        ]

    predictor = SimpleNamespace(
        keypoint_set='panoptic15',
        tasks={'hats': HATS},
        body=None,
        uses_sigma=False,
        score_thr=0.5,
        max_frame_gap=None,
        provenance=dict(config='mine', weights=None, weights_sha256=None, das_mm='0'),
        prepare=lambda image: (image.name, image.pixels.shape, image.camera['source']),
        predict=predict,
        forget=lambda: None,
    )
    found = list(
        Inferencer(predictor)([picture(96, 64), picture(32, 32)], RunOptions(batch_size=2, show_progress=False))
    )
    assert asked == [([('array', (64, 96, 3), 'default_fov'), ('array_2', (32, 32, 3), 'default_fov')], None, None)]
    assert [one.result['model']['score_thr'] for one in found] == [0.5, 0.5] and found[0].overlay is None
    assert found[1].result['people'][0]['coat'] == dict(colour=[0.1, 0.2, 0.3])
    with pytest.raises(UserError, match='learns no sigma'):
        Inferencer(predictor)(picture(), RunOptions(with_sigma=True))
    with pytest.raises(UserError, match='tells no meshes'):
        Inferencer(predictor)(picture(), folders=OutputFolders(mesh_formats=('obj',)))
