"""The authors' checkpoints (repository nkolot/GraphCMR), under our names.

A file is ``{'graph_cnn': …, 'smpl_param_regressor': …}`` beside an optimiser's state: 444 and 37 tensors. Nothing of
the body is in it: template, adjacency and upsampling come from the SMPL file and ``mesh_downsampling.npz`` of the user.
"""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor

from das_mm.checkpoints.conversion import (
    CONVERSIONS,
    USE_AS_MODEL,
    Conversion,
    Ledger,
    SourceFile,
    SourceKind,
    name_config,
)
from das_mm.checkpoints.model_loader import build_model
from das_mm.config_files import config_path
from das_mm.engine.config_reader import read_config

#: what a released file is for: the default of the authors' code
CONFIG = 'projects/graphcmr/configs/graphcmr_resnet50_1xb16-50e_in-the-wild-224x224.py'
_GRAPH, _REGRESSOR = 'graph_cnn.', 'smpl_param_regressor.'
_SKIP = re.compile(r'^(.+)\.skip_conv\.([Wb])$')


@CONVERSIONS.register('graphcmr')
class ReleasedGraphCMR(SourceKind):
    """``graph_cnn`` and ``smpl_param_regressor`` of the authors' trainer."""

    title = "the authors' GraphCMR checkpoints"

    @classmethod
    def recognises(cls, weights: dict[str, Tensor]) -> bool:
        return f'{_GRAPH}gc.0.W' in weights and f'{_GRAPH}camera_fc.4.weight' in weights

    @classmethod
    def convert(cls, source: SourceFile, config: str | None = None) -> Conversion:
        """Every weight under its new name; those that the network never reads are told."""
        name = config or CONFIG
        ledger = Ledger(source.weights, source.path)
        ledger.drop(f'{_GRAPH}resnet.fc.', 'classes of ImageNet; the features are read before it')
        ledger.use_all(f'{_GRAPH}resnet.', 'backbone.')
        for weight in ledger.names(_GRAPH):
            reason = 'never read: the block keeps its channels' if _is_dead(weight, source.weights) else ''
            ledger.use(weight, weight.replace(_GRAPH, 'head.vertex_network.', 1), reason=reason)
        ledger.use_all(_REGRESSOR, 'head.parameter_network.')
        wanted = weights_for_any_body(name)
        ledger.add_batch_counters(wanted)
        ledger.check_against(wanted, f'the config {name}')
        dead = [one for one in ledger.entries if one.reason.startswith('never read')]
        remarks = (
            f'{len(dead)} tensors of skip_conv are kept and never read, as in the released code',
            "its rotations were trained with the released code's determinant; for its very outputs give "
            '--cfg-options model.head.parameter_network.determinant=official',
            "the mesh is read from the pyramid of model.head.pyramid: give the authors' mesh_downsampling.npz, for "
            'these weights belong to its order of vertices',
        )
        return Conversion(cls.title, ledger, name_config(name), USE_AS_MODEL, remarks)


def _is_dead(name: str, weights: dict[str, Tensor]) -> bool:
    """A skip connection of a block whose input has as many channels as its output."""
    found = _SKIP.match(name)
    if found is None:
        return False
    matrix = weights.get(f'{found[1]}.skip_conv.W')
    return matrix is not None and matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]


def weights_for_any_body(config: str) -> dict[str, Tensor]:
    """Names and shapes of the weights of a config's model; they are the same for every body of SMPL's topology, so the
    licensed files need not be there."""
    cfg = read_config(config_path(config))
    cfg.model.head.body = dict(type='SMPLBody')
    cfg.model.head.pyramid = None
    with torch.device('meta'):
        model: Any = build_model(cfg, config)
        return model.state_dict()
