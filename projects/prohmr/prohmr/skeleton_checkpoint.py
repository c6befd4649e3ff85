"""ProSkeleton's released checkpoint (github.com/nkolot/ProHMR, Lightning's ``state_dict``, 213 tensors).

The names stay, under ``head.`` for the flow. The statistics by which keypoints are standardised are not in the file;
the config names theirs.
"""

from __future__ import annotations

from torch import Tensor

from das_mm.checkpoints.conversion import (
    CONVERSIONS,
    Conversion,
    Ledger,
    SourceFile,
    SourceKind,
    name_config,
    weights_of_config,
)
from das_mm.config_files import config_path
from das_mm.engine.config_reader import read_config
from das_mm.registry import MODELS

from .released_flow import FLAG, begin_with_flow

_CONFIG = 'projects/prohmr/configs/proskeleton_1xb64-300k_h36m.py'
_FLOW = 'flow.flow.'
_UNKNOWN = 'not known: see the remark'
_USE = 'das-mm lift KEYPOINTS.json --weights {dst} --out DIR'
_REMARK = (
    'mean and deviation of the input are not in the file: name theirs (an .npz with mean and std, (17, 2) px) in a '
    'config of yours, model.standardiser.statistics, and convert with --config; until then nothing is lifted'
)


@CONVERSIONS.register('proskeleton')
class ReleasedProSkeleton(SourceKind):
    """``nkolot/ProHMR``'s ``ProSkeleton``."""

    title = "the authors' ProSkeleton checkpoint"

    @classmethod
    def recognises(cls, weights: dict[str, Tensor]) -> bool:
        return {'backbone.fc_layers.0.fc_block.0.weight', f'{_FLOW}_transform._transforms.0.log_scale'} <= set(weights)

    @classmethod
    def convert(cls, source: SourceFile, config: str | None = None) -> Conversion:
        """See :class:`.SourceKind`; a flow that was never started from labelled poses is refused too."""
        config = config or _CONFIG
        ledger = Ledger(source.weights, source.path)
        begin_with_flow(ledger, source.path)
        ledger.use(FLAG, FLAG)
        ledger.use_all('backbone.', 'backbone.')
        ledger.use_all(_FLOW, 'head.flow.')
        wanted = weights_of_config(config)
        remarks = _add_statistics(ledger, config)
        ledger.check_against(wanted, f'the config {config}')
        return Conversion("the authors' ProSkeleton", ledger, name_config(config), _USE, remarks)


def _add_statistics(ledger: Ledger, config: str) -> tuple[str, ...]:
    """Those of the file that the config names, or none; the remark that goes with it."""
    options = read_config(config_path(config)).model.get('standardiser') or {}
    standardiser = MODELS.build({'type': 'KeypointStandardiser', **options, '_scope_': 'das_mm'})
    known = bool(standardiser.known)
    for name, value in standardiser.state_dict().items():
        ledger.add(f'standardiser.{name}', value, 'of the file that the config names' if known else _UNKNOWN)
    return () if known else (_REMARK,)
