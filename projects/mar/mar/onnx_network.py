"""The network of MAR as an ONNX file, and people from such a file: grouping and depths stay in numpy.

::

    das-mm project mar.onnx_network CONFIG CHECKPOINT --out mar.onnx
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from das_mm.checkpoints.model_loader import load_model
from das_mm.checkpoints.onnx_session import open_session
from das_mm.checkpoints.onnx_sum import with_sum
from das_mm.checkpoints.optional_packages import require
from das_mm.command import add_config_argument, run_script, size_argument
from das_mm.deploy.graph_parts import Pixels
from das_mm.deploy.graph_recorder import quiet
from das_mm.engine import atomic_write
from das_mm.errors import UserError

from .mar import MAR
from .mar_decoder import MARDecoder
from .root_depths import InputCamera

HELP = 'write the network of a MAR as an ONNX file; what follows it is numpy'

OUTPUTS = ('heatmaps', 'fields', 'offsets', 'depth')
OPSET = 18
_KEY = 'mar.decoder'  # of the metadata


class PixelsToMaps(nn.Module):
    """Images (B, 3, H, W) float32 BGR, 0 to 255, to the four maps that inference reads."""

    def __init__(self, model: MAR):
        super().__init__()
        self.pixels, self.model = Pixels(model.data_preprocessor), model

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return self.model.head(self.model.extract_feat(self.pixels(images))).finest()


def export_network(model: MAR, out: str | Path, size: tuple[int, int]) -> Path:
    """Writes the network for images of one size, any number of them.

    Args:
        model: In evaluation mode, as :func:`das_mm.apis.load_model` makes it.
        out: The file, ``*.onnx``.
        size: (width, height) of the images; their sides are padded to the network's steps in the graph.

    Raises:
        UserError: The model is no MAR, or a package is missing.
    """
    if not isinstance(model, MAR):
        raise UserError(
            f'a {type(model).__name__} is no MAR', field='CONFIG', remedy='use das-mm export onnx for other models'
        )
    onnx = require('onnx')
    require('onnxscript')
    graph = PixelsToMaps(model.cpu()).eval()
    with quiet(), torch.no_grad():
        program = torch.export.export(
            graph,
            (torch.zeros(2, 3, size[1], size[0]),),
            dynamic_shapes=({0: torch.export.Dim('batch', min=1)},),
            strict=False,
        )
        recorded: Any = torch.onnx.export(
            program, dynamo=True, opset_version=OPSET, input_names=['images'], output_names=list(OUTPUTS), verbose=False
        )
    decoder = model.head.decoder
    told = dict(vars(decoder), size=list(size), test_cfg={**model.head.test_cfg, **model.test_cfg})
    proto = recorded.model_proto
    onnx.helper.set_model_props(proto, {_KEY: json.dumps(told)})
    onnx.checker.check_model(proto)
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(out, with_sum(proto.SerializeToString()))
    return out


class MARGraph:
    """People of images by onnxruntime and numpy.

    Args:
        path: What :func:`export_network` wrote.
        device: As of :func:`das_mm.checkpoints.onnx_session.open_session`.

    Raises:
        UserError: The file is missing, damaged or somebody else's.
    """

    def __init__(self, path: str | Path, device: str | None = None):
        self.session = open_session(path, device)
        told = self.session.get_modelmeta().custom_metadata_map.get(_KEY)
        if told is None:
            raise UserError(
                'the graph is no MAR', file=path, field=_KEY, remedy='write it with projects.mar.mar.onnx_network'
            )
        description = json.loads(told)
        self.size, self.test_cfg = tuple(description.pop('size')), description.pop('test_cfg')
        self.decoder = MARDecoder(**description)

    def __call__(
        self, image: np.ndarray, camera: InputCamera, test_cfg: Mapping[str, Any] | None = None
    ) -> dict[str, np.ndarray]:
        """Fields of the people as :meth:`.MARDecoder.decode` gives them.

        Args:
            image: (H, W, 3) uint8 BGR, of the size that the graph was written for.
            camera: Of that image.
            test_cfg: Over the model's own.

        Raises:
            UserError: An image of another size.
        """
        if image.shape != (self.size[1], self.size[0], 3):
            raise UserError(
                f'the image has shape {image.shape}, not {(self.size[1], self.size[0], 3)}',
                field='image',
                remedy='resize and pad it, and its camera with it, or write the graph for its size',
            )
        pixels = np.ascontiguousarray(image.transpose(2, 0, 1)[None], dtype=np.float32)
        maps = self.session.run(list(OUTPUTS), dict(images=pixels))
        return self.decoder.decode(*(one[0] for one in maps), camera, {**self.test_cfg, **(test_cfg or {})})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser, metavar='CONFIG')
    parser.add_argument('weights', metavar='CKPT', help='checkpoint')
    parser.add_argument('--out', type=Path, default=Path('mar.onnx'), metavar='FILE', help='default %(default)s')
    parser.add_argument(
        '--size', type=size_argument('832x512', 32), default=(832, 512), metavar='WxH', help='of images; 832x512'
    )


def run(args: argparse.Namespace) -> None:
    """Writes a checkpoint's network and says how far onnxruntime is from torch on a random image."""
    model: Any = load_model(args.weights, args.config, 'cpu')
    export_network(model, args.out, args.size)
    images = torch.rand(1, 3, args.size[1], args.size[0]) * 255
    with torch.no_grad():
        ours = PixelsToMaps(model).eval()(images)
    theirs = MARGraph(args.out, 'cpu').session.run(list(OUTPUTS), dict(images=images.numpy()))
    apart = max(float(np.abs(a.numpy() - b).max()) for a, b in zip(ours, theirs))
    print(f'{args.out}: {args.out.stat().st_size / 1e6:.1f} MB, largest difference from torch {apart:.2g}')


if __name__ == '__main__':
    run_script(sys.modules[__name__])
