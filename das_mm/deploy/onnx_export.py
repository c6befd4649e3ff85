"""DAS as one ONNX file: pixels in, people out."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from mmpose.models.data_preprocessors import PoseDataPreprocessor
from torch import Tensor

from das_mm.checkpoints.onnx_file import SUFFIX, is_onnx
from das_mm.checkpoints.onnx_sum import with_sum
from das_mm.checkpoints.optional_packages import require
from das_mm.engine import atomic_write
from das_mm.errors import UserError
from das_mm.models.heads import error_spread
from das_mm.models.pose_estimators import DAS
from das_mm.structures.thresholds import with_defaults

from .graph_description import describe
from .graph_recorder import record
from .onnx_graph import assemble
from .weight_storage import store_weights

DEFAULT_OPSET = 20
_MIN_OPSET = 18
_DEFORM_CONV_OPSET = 19


def export_onnx(
    model: DAS,
    out: str | Path,
    half: bool = False,
    opset: int = DEFAULT_OPSET,
    with_sigma: bool | None = None,
    storage: str = 'float32',
) -> Path:
    """Write ``model`` to one file: network, decoding and suppression in one graph.

    The graph takes ``images`` (B, 3, H, W) float32, BGR, 0 to 255, of any B, H and W (padded to the network's steps
    inside), and, if it is given, another ``score_thr``. It gives n people of all images, image by image and best first:
    ``image`` (n,) int64 says whose a person is, the others are the fields of ``DASHead.predict``, in pixels of the
    input.

    A network that looks at the previous frame takes in place of pixels what its data preprocessor gives, (B, 7, H, W),
    since its input holds what the tracker knows.

    Args:
        model: Made by :func:`.load_model`.
        out: The file.
        half: Network in float16; what lies behind it stays float32.
        opset: Version of ONNX's operators.
        with_sigma: Give the scales of the errors; by default where the model learns them.
        storage: What large weights are kept in: 'float32', 'float16' or 'int8'; they are computed in float32
            (:mod:`.weight_storage`).

    Returns:
        The file.

    Raises:
        UserError: A package is missing, an option is wrong, or the model has a part that no graph can hold.
    """
    onnx = require('onnx')
    out = Path(out)
    _check_file(model, out, opset, onnx.defs.onnx_opset_version())
    check_exportable(model, with_sigma)
    cfg = with_defaults(model.head.test_cfg, model.test_cfg)
    folded = storage == 'float32'  # else weights stay those of the checkpoint, which were rounded already
    parts = record(copy_for_recording(model, half), opset, cfg['nms_pre'], wanted_spread(model, with_sigma), folded)
    proto = assemble(parts, model.head.scales.detach().float().cpu().numpy(), model.head.strides, cfg['score_thr'])
    onnx.helper.set_model_props(proto, describe(model, half, model.sees_previous_frame))
    store_weights(proto, storage)
    onnx.checker.check_model(proto, full_check=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(out, with_sum(proto.SerializeToString()))
    return out


def _check_file(model: DAS, out: Path, opset: int, newest: int) -> None:
    if not is_onnx(out):
        raise UserError(f'{out.name} does not end in {SUFFIX}', field='out', remedy=f'name it {out.stem}{SUFFIX}')
    needed = _MIN_OPSET
    if any(hasattr(module, 'conv_offset') for module in model.modules()):  # deformable convolutions
        needed = _DEFORM_CONV_OPSET
    if not needed <= opset <= newest:
        raise UserError(
            f'this model can be written with the operators of opset {needed} to {newest}, not {opset}',
            field='opset',
            remedy=f'leave it at {DEFAULT_OPSET}',
        )


def check_exportable(model: DAS, with_sigma: bool | None) -> None:
    """Refuse what a graph would leave out without a word.

    Raises:
        UserError: Images are prepared in a way of their own, or sigma is asked for and not learnt.
    """
    if with_sigma and not model.head.uses_sigma:
        raise UserError('this model learns no sigma: its loss has none', field='sigma', remedy='leave it out')
    if not model.sees_previous_frame and type(model.data_preprocessor) is not PoseDataPreprocessor:
        raise UserError(
            f'what a {type(model.data_preprocessor).__name__} does to images cannot be written as a graph',
            field='model.data_preprocessor',
            remedy='use PoseDataPreprocessor',
        )


def wanted_spread(model: DAS, with_sigma: bool | None) -> Tensor | None:
    """(D,) of the error over its scale, where scales are wanted; None: where the model learns them."""
    wanted = model.head.uses_sigma if with_sigma is None else with_sigma
    return error_spread(model.head).detach().cpu() if wanted else None


def copy_for_recording(model: DAS, half: bool = False) -> DAS:
    """A copy on the CPU, its network in the precision wanted."""
    recorded = copy.deepcopy(model)
    recorded.cpu().eval()
    if half:
        for part in (recorded.backbone, getattr(recorded, 'neck', None), recorded.head):
            if part is not None:
                part.to(torch.float16)
    return recorded
