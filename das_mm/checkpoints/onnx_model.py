"""A DAS whose network, decoding and suppression are an ONNX graph; it is used like any other model."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import BaseModule, ModuleDict
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from mmpose.models.data_preprocessors import PoseDataPreprocessor
from mmpose.utils.typing import OptConfigType, OptSampleList
from torch import Tensor, nn

from das_mm.engine import file_sha256
from das_mm.engine.config_rules import ConfigRules
from das_mm.models.heads.branches.task_branch import build_branches
from das_mm.models.pose_estimators import DAS
from das_mm.registry import MODELS
from das_mm.structures.thresholds import with_defaults
from das_mm.version import __version__

from .config_text import parse_config_text
from .guarded_build import build_from_file
from .onnx_file import PIXELS, PREFIX, SCORE_THR, read_description
from .onnx_session import check_graph, open_session, people_per_image

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_SIGMA_FIELDS = ('keypoints_sigma', 'keypoint_scores')


def load_onnx_model(path: str | Path, device: str | torch.device | None = None, allow: Iterable[str] = ()) -> DAS:
    """The model in a file that ``das-mm export onnx`` wrote, ready to predict.

    Args:
        path: The file. Its config lies in it.
        device: 'cpu', 'cuda', 'cuda:1', …; None or 'auto' for a GPU where onnxruntime has one.
        allow: As for :func:`.load_model`.

    Returns:
        A :class:`DAS` (or the kind of it that was exported) with everything that :func:`.load_model` puts on a model.
        ``model.head.session`` is the session.

    Raises:
        UserError: onnxruntime is not installed or has no such device, the file is missing, damaged or not one of
            das_mm, or its config
            names code that is not allowed.
    """
    session = open_session(path, device, torch.get_num_threads())
    said = read_description(session.get_modelmeta().custom_metadata_map, path)
    check_graph(session, path)
    rules, field = ConfigRules(allow), PREFIX + 'config'
    cfg = parse_config_text(said['config'], path, rules, field)
    model = build_from_file(lambda: _shell(cfg, session, said), path, field, rules)
    model.cfg, model.dataset_meta = cfg, said['dataset_meta']
    model.provenance = dict(
        config=said['config_name'] or None,
        weights=Path(path).name,
        weights_sha256=file_sha256(path),
        das_mm=__version__,
    )
    return model.eval()


def _shell(cfg: Config, session: InferenceSession, said: dict[str, Any]) -> DAS:
    """The estimator of a config around a graph: what comes before and behind the network stays PyTorch's."""
    parts = {name: value for name, value in cfg.model.items() if name not in ('neck', 'init_cfg')}
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'das_mm'):
        branches = build_branches(cfg.model.head.get('branches') or {})
        if said['input']['kind'] == PIXELS:
            parts['data_preprocessor'] = {**parts['data_preprocessor'], 'type': RawPixels}
        head = dict(type=OnnxHead, session=session, branches=branches, num_keypoints=len(said['keypoints']))
        return MODELS.build({**parts, 'backbone': dict(type=nn.Identity), 'head': head})


class RawPixels(PoseDataPreprocessor):
    """Stacks images as they are: the graph normalises them and pads a batch of one size.

    Images of several sizes are padded to the largest with the colour that normalisation makes ``pad_value`` of.
    """

    mean: Tensor
    std: Tensor

    def forward(self, data: dict, training: bool = False) -> dict:
        cast: Any = self.cast_data(data)
        images = cast['inputs']
        height, width = (max(image.shape[side] for image in images) for side in (-2, -1))
        colour = self._padding_colour().to(images[0].device)
        batch = colour.expand(len(images), -1, height, width).clone()
        for whole, image in zip(batch, images):
            whole[:, : image.shape[-2], : image.shape[-1]] = image
        return dict(inputs=batch, data_samples=cast['data_samples'])

    def _padding_colour(self) -> Tensor:
        """(3, 1, 1) float32."""
        colour = torch.full((3, 1, 1), float(self.pad_value))
        if self._enable_normalize:
            colour = colour * self.std.cpu() + self.mean.cpu()
        return colour.flip(0) if self._channel_conversion else colour


class OnnxHead(BaseModule):
    """Stands where the head stands, behind an identity in the place of backbone and neck.

    Args:
        session: onnxruntime's.
        branches: The task branches; only what they do to the graph's outputs is used, not their networks.
        num_keypoints: K.
        test_cfg: Set by the estimator; ``score_thr`` may be changed, other keys are in the graph.
    """

    def __init__(
        self,
        session: InferenceSession,
        branches: dict[str, BaseModule],
        num_keypoints: int,
        test_cfg: OptConfigType = None,
    ):
        super().__init__()
        self.session, self.num_keypoints, self.test_cfg = session, num_keypoints, test_cfg or {}
        self.branches = ModuleDict(branches)
        self._fields = [output.name for output in session.get_outputs()]
        self.uses_sigma = _SIGMA_FIELDS[0] in self._fields

    def predict(
        self, feats: Tensor, batch_data_samples: OptSampleList, test_cfg: OptConfigType = None
    ) -> list[InstanceData]:
        """As ``DASHead.predict``; the "features" are the images (B, C, H, W)."""
        cfg = with_defaults(self.test_cfg, test_cfg)
        if cfg['with_sigma'] and not self.uses_sigma:
            raise ValueError('with_sigma is asked for, but this file was exported without sigma')
        values = self.session.run(
            self._fields, {'images': feats.float().cpu().numpy(), SCORE_THR: np.asarray(cfg['score_thr'], np.float32)}
        )
        found = dict(zip(self._fields, values))
        if not cfg['with_sigma']:
            found = {name: rows for name, rows in found.items() if name not in _SIGMA_FIELDS}
        return _per_image(found, len(feats))


def _per_image(found: dict[str, np.ndarray], batch_size: int) -> list[InstanceData]:
    """People (n, ...) of a batch, in the order of the images, by image."""
    return [
        InstanceData(metainfo=None, **{name: torch.from_numpy(rows) for name, rows in fields.items()})
        for fields in people_per_image(found, batch_size)
    ]
