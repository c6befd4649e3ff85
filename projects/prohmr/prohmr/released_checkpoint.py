"""ProHMR's released checkpoint (github.com/nkolot/ProHMR, ``checkpoint.pt``), as PyTorch Lightning writes it.

Names differ by prefixes alone: ``flow.`` is ``head.`` here. What the authors' flow keeps beside its parameters, the
trainer's own flag and SMPL's arrays are left out.
"""

from __future__ import annotations

from torch import Tensor

from das_mm.checkpoints.conversion import (
    CONVERSIONS,
    SMPL_BETAS_REMARK,
    USE_AS_MODEL,
    Conversion,
    Ledger,
    SourceFile,
    SourceKind,
    name_config,
    weights_of_config,
)

from .released_flow import FLAG, begin_with_flow

CONFIG = 'projects/prohmr/configs/prohmr_resnet50_released-224x224.py'
_FIRST_NORM = 'flow.flow._transform._transforms.0.log_scale'


@CONVERSIONS.register('prohmr')
class ReleasedProHMR(SourceKind):
    """``nkolot/ProHMR``: backbone, flow with the head of betas and camera, discriminator, SMPL."""

    title = "the authors' ProHMR checkpoint"

    @classmethod
    def recognises(cls, weights: dict[str, Tensor]) -> bool:
        return {'backbone.conv1.weight', _FIRST_NORM, 'flow.fc_head.layers.0.weight'} <= set(weights)

    @classmethod
    def convert(cls, source: SourceFile, config: str | None = None) -> Conversion:
        config = config or CONFIG
        ledger = Ledger(source.weights, source.path)
        begin_with_flow(ledger, source.path)
        ledger.drop(FLAG, "the trainer's own; each ActNorm has its flag")
        ledger.drop('smpl.', 'the licensed body, which checkpoints do not hold')
        ledger.use_all('flow.', 'head.')
        wanted = weights_of_config(config)
        for part in ('backbone.', 'discriminator.'):
            if any(name.startswith(part) for name in wanted):
                ledger.use_all(part, part)
        ledger.drop('discriminator.', 'the config has none')
        ledger.add_batch_counters(wanted)
        ledger.check_against(wanted, f'the config {config}')
        return Conversion(
            "the authors' released ProHMR", ledger, name_config(config), USE_AS_MODEL, (SMPL_BETAS_REMARK,)
        )
