"""DAS as one program of torch.export: it runs where torch and torchvision are, without das_mm."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim

from das_mm.engine import atomic_write
from das_mm.errors import UserError
from das_mm.models.pose_estimators import DAS
from das_mm.structures.thresholds import with_defaults

from .graph_description import describe
from .graph_parts import LevelCandidates, Network, Pixels, Suppression
from .graph_recorder import quiet
from .onnx_export import check_exportable, copy_for_recording, wanted_spread

TORCH_SUFFIX = '.pt2'


class Detector(nn.Module):
    """All parts behind one another; every level runs, whether it has candidates or not."""

    scales: Tensor
    strides: Tensor

    def __init__(self, model: DAS, num_best: int, spread: Tensor | None):
        super().__init__()
        self.pixels = nn.Identity() if model.sees_previous_frame else Pixels(model.data_preprocessor)
        self.network = Network(model)
        self.level = LevelCandidates(model.head, num_best, spread)
        self.suppression = Suppression(model.head.nms)
        self.register_buffer('scales', model.head.scales.detach().clone())
        self.register_buffer('strides', torch.tensor([float(stride) for stride in model.head.strides]))

    def forward(self, images: Tensor, score_thr: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) float32 BGR in 0..255 to the people of all images, with ``image`` (n,) long."""
        found = self.network(self.pixels(images))
        feats, confidences = found[: len(found) // 2], found[len(found) // 2 :]
        levels = [
            self.level(feat, confidence, score_thr, self.scales[index], self.strides[index])
            for index, (feat, confidence) in enumerate(zip(feats, confidences))
        ]
        fields = {name: torch.cat([level[name] for level in levels]) for name in levels[0]}
        kept = self.suppression(fields['keypoints_px'], fields['scores'], fields['image'], confidences[0])
        return {name: values[kept] for name, values in fields.items()}


def export_torch(model: DAS, out: str | Path, with_sigma: bool | None = None) -> Path:
    """Write ``model`` as a program: ``torch.export.load(out).module()(images, score_thr)``.

    It takes ``images`` (B, 3, H, W) float32, BGR, 0 to 255, with sides that are multiples of the padding of the network
    (32) and span two points or more of its coarsest level, and ``score_thr`` (), and gives a dictionary: the fields of
    ``DASHead.predict`` of n people, image by image and best first, and ``image`` (n,) long. Of a network that looks at
    the previous frame ``images`` are what its data preprocessor gives (B, 7, H, W). What an ONNX file says of itself is
    among the extra files (see :mod:`das_mm.checkpoints.onnx_file`).

    Args:
        model: Made by :func:`.load_model`.
        out: The file.
        with_sigma: Give the scales of the errors; by default where the model learns them.

    Returns:
        The file.

    Raises:
        UserError: An option is wrong, or the model has a part that no program can hold.
    """
    out = Path(out)
    if out.suffix != TORCH_SUFFIX:
        raise UserError(
            f'{out.name} does not end in {TORCH_SUFFIX}', field='out', remedy=f'name it {out.stem}{TORCH_SUFFIX}'
        )
    check_exportable(model, with_sigma)
    recorded = copy_for_recording(model)
    num_best = with_defaults(model.head.test_cfg, model.test_cfg)['nms_pre']
    detector = Detector(recorded, num_best, wanted_spread(model, with_sigma)).eval()
    divisor = model.data_preprocessor.pad_size_divisor
    example = torch.zeros(2, model.input_channels, 6 * divisor, 8 * divisor)
    rows, columns = (Dim(name, min=1, max=512) for name in ('rows', 'columns'))
    with quiet(), torch.no_grad():
        program = torch.export.export(
            detector,
            (example, torch.zeros(())),
            strict=True,
            dynamic_shapes=dict(
                images={0: Dim('batch', min=1, max=4096), 2: divisor * rows, 3: divisor * columns}, score_thr=None
            ),
        )
        file = io.BytesIO()
        torch.export.save(program, file, extra_files=describe(model, False, model.sees_previous_frame))
    out.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(out, file.getvalue())
    return out
