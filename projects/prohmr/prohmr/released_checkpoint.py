"""ProHMR's released checkpoint (github.com/nkolot/ProHMR, ``checkpoint.pt``), as PyTorch Lightning writes it.

Names differ by prefixes alone: ``flow.`` is ``head.`` here. What the authors' flow keeps beside its parameters, the
trainer's own flag and SMPL's arrays are left out.
"""

from __future__ import annotations

from torch import Tensor

from das_mm.checkpoints.conversion import (
    CONVERSIONS,
    USE_AS_MODEL,
    Conversion,
    Fate,
    Ledger,
    SourceFile,
    SourceKind,
    name_config,
    weights_of_config,
)
from das_mm.errors import UserError

CONFIG = 'projects/prohmr/configs/prohmr_resnet50_released-224x224.py'
_FLAG = 'initialized'
_FIRST_NORM = 'flow.flow._transform._transforms.0.log_scale'
_BODY_REMARK = (
    "its betas are SMPL's: until a config that inherits from this one names the licensed file (smpl_path; convert with "
    '--config), the meshes are those of the generated body'
)


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
        if not bool(ledger.peek(_FLAG)):
            raise UserError(
                'its flow was never set from labelled poses (initialized is false)',
                file=source.path,
                field=f'state_dict.{_FLAG}',
                remedy='give a checkpoint that was written after the first step of a training',
            )
        for name in ledger.names():
            if name.endswith('dummy_buffer'):
                ledger.take(name, '', Fate.DROPPED, "empty tensors of the authors' flow package")
        ledger.drop(_FLAG, "the trainer's own; each ActNorm has its flag")
        ledger.drop('smpl.', 'the licensed body, which checkpoints do not hold')
        ledger.use_all('flow.', 'head.')
        wanted = weights_of_config(config)
        for part in ('backbone.', 'discriminator.'):
            if any(name.startswith(part) for name in wanted):
                ledger.use_all(part, part)
        ledger.drop('discriminator.', 'the config has none')
        ledger.add_batch_counters(wanted)
        ledger.check_against(wanted, f'the config {config}')
        return Conversion("the authors' released ProHMR", ledger, name_config(config), USE_AS_MODEL, (_BODY_REMARK,))
