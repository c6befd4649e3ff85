"""Toy estimators that read crops of one person: the brightest place of a crop is every keypoint.

Configs name this module in `custom_imports`. One knows the image plane alone, the other a depth too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.structures import InstanceData

from das_mm.checkpoints.model_loader import build_model
from das_mm.registry import MODELS
from das_mm.structures.image_frame import known_camera
from das_mm.structures.task_fields import TaskDescription

SIDE = 32

CONFIG = """
custom_imports = dict(imports='tests.toy_person')
default_scope = 'das_mm'
keypoint_set = 'panoptic15'
model = dict(type={model!r}, data_preprocessor=dict(type='PoseDataPreprocessor'))
test_dataloader = dict(dataset=dict(pipeline={pipeline!r}))
"""
#: of mmpose, and of the package's person view
MMPOSE = [
    dict(type='LoadImage'),
    dict(type='mmpose.GetBBoxCenterScale', padding=1.0),
    dict(type='mmpose.TopdownAffine', input_size=(SIDE, SIDE)),
    dict(type='mmpose.PackPoseInputs'),
]
PERSON_VIEW = [dict(type='LoadImage'), dict(type='PersonCrop', crop_px=SIDE), dict(type='PackPersonInputs')]


@MODELS.register_module()
class BrightestPlace(BaseModel):
    """K keypoints where a convolution says the crop is brightest."""

    input_view = 'person'
    num_keypoints, uses_sigma, score_thr, max_frame_gap, body = 15, True, 0.2, None, None
    tasks = {'pose': TaskDescription('pose')}

    def __init__(self, data_preprocessor):
        super().__init__(data_preprocessor=data_preprocessor)
        self.network = torch.nn.Conv2d(3, 1, 1, bias=False)
        torch.nn.init.ones_(self.network.weight)
        self.test_cfg, self.batches = {}, []

    def forward(self, inputs, data_samples=None, mode='tensor'):
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        maps = self.network(inputs)
        return dict(loss=maps.mean()) if mode == 'loss' else maps

    @torch.no_grad()
    def predict(self, inputs, data_samples):
        self.batches.append(len(inputs))
        maps = self.network(inputs)[:, 0]
        places = maps.flatten(1).argmax(1)
        for sample, at in zip(data_samples, places.tolist()):
            x, y = at % SIDE, at // SIDE
            sample.pred_instances = self.person(sample.metainfo, np.array([x, y], float))
        return data_samples

    def person(self, meta, place):
        if 'crop_to_image' in meta:
            warp = np.asarray(meta['crop_to_image'], float)
            place = warp[:, :2] @ place + warp[:, 2]
        else:
            size, scale = np.asarray(meta['input_size'], float), np.asarray(meta['input_scale'])
            place = (place + 0.5) / size * scale + meta['input_center'] - scale / 2
        fields = dict(
            keypoints=np.tile(place, (1, 15, 1)),
            keypoint_scores=np.full((1, 15), 0.5),
            scores=np.array([0.5 * meta['bbox_score']]),
        )
        if self.test_cfg.get('with_sigma'):
            fields['keypoints_sigma'] = np.ones((1, 15, 2))
        return InstanceData(**fields)

    def forget(self):
        pass


@MODELS.register_module()
class BrightestSpot(BrightestPlace):
    """Also 3 m from the camera, all keypoints at one depth; of a dark crop it says nothing."""

    uses_sigma = False

    def person(self, meta, place):
        found = super().person(meta, place)
        camera = known_camera(meta['camera'], meta['ori_shape'])
        norm = 3000 / np.sqrt(camera['K'][0, 0] * camera['K'][1, 1])
        found.set_field(found.keypoints[:, 0], 'roots_px')
        found.set_field(np.array([norm]), 'root_depths_norm')
        found.set_field(np.array([3000.0]), 'root_depths_mm')
        found.set_field(np.zeros((1, 15)), 'relative_depths_mm')
        found.set_field(np.full((1, 15, 3), 3000.0), 'keypoints_3d')
        return found


def write_person_checkpoint(root: Path, model: str = 'BrightestPlace', pipeline: list[dict] = MMPOSE) -> Path:
    """Writes ``root/MODEL.pth`` with its config as text, and ``root/MODEL.py``."""
    text = CONFIG.format(model=model, pipeline=pipeline)
    path = root / f'{model}.pth'
    path.with_suffix('.py').write_text(text)
    config = Config.fromfile(path.with_suffix('.py'))
    weights = build_model(config).state_dict()  # type: ignore[attr-defined]
    meta = dict(cfg=config.pretty_text, dataset_meta=dict(keypoint_set='panoptic15'))
    torch.save(dict(state_dict=weights, meta=meta), path)
    return path


def spots(size: tuple[int, int], places: list[tuple[int, int]]) -> np.ndarray:
    """A black image (width, height) with a white spot of 5 px at each place."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for x, y in places:
        image[y - 2 : y + 3, x - 2 : x + 3] = 255
    return image
