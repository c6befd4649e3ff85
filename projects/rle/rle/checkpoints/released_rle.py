"""Checkpoints of the authors' code (github.com/Jeff-sjtu/res-loglikelihood-regression): bare state dicts.

``preact.*`` is torchvision's ResNet without its classifier, ``fc_coord.linear`` the layer behind the normalised
feature, ``fc_sigma.linear`` (2D) or ``fc_sigma`` (3D) that of the scales; ``flow`` or ``flow2d`` and ``flow3d`` are the
flows. Frames, channel order and means are those of the configs named here.
"""

from __future__ import annotations

from torch import Tensor

from das_mm.checkpoints.conversion import Conversion, Ledger, SourceKind
from das_mm.checkpoints.conversion.checkpoint_kinds import USE_AS_MODEL, name_config, weights_of_config
from das_mm.checkpoints.conversion.flow_weights import add_mask, mirror_flow
from das_mm.checkpoints.conversion.registered import CONVERSIONS
from das_mm.checkpoints.conversion.source_file import SourceFile
from das_mm.errors import UserError

# (keypoints, dimensions, depth of the ResNet)
CONFIGS = {
    (17, 2, 50): 'rle_resnet50_8xb32-270e_coco-256x192.py',
    (17, 2, 152): 'rle_resnet152_8xb32-270e_coco-384x288.py',
    (16, 2, 50): 'rle_resnet50_8xb32-270e_mpii-256x256.py',
    (18, 3, 50): 'rle_resnet50_8xb32-140e_h36m-mpii-256x256.py',
}
_LOSS = 'head.loss_module.'
_FLOWS = {
    'flow.': f'{_LOSS}criterion.flow.',
    'flow2d.': f'{_LOSS}criterion_2d.flow.',
    'flow3d.': f'{_LOSS}criterion_3d.flow.',
}


def resnet_depth(weights: dict[str, Tensor], prefix: str) -> int:
    """18, 34, 50, 101 or 152, from the blocks of the third stage."""
    blocks = len({name.removeprefix(prefix).split('.')[1] for name in weights if name.startswith(f'{prefix}layer3.')})
    if f'{prefix}layer1.0.conv3.weight' not in weights:
        return 18 if blocks == 2 else 34
    return {6: 50, 23: 101, 36: 152}.get(blocks, 0)


def config_for(keypoints: int, dims: int, depth: int, file: object) -> str:
    """Name of the config of such a network.

    Raises:
        UserError: No config is for it.
    """
    name = CONFIGS.get((keypoints, dims, depth))
    if name is None:
        known = '; '.join(f'{k} keypoints in {d}D, ResNet-{r}' for k, d, r in CONFIGS)
        raise UserError(
            f'a network of {keypoints} keypoints in {dims}D on a ResNet-{depth}, for which no config stands here',
            file=file,  # type: ignore[arg-type]
            field='state_dict',
            remedy=f'write one on the pattern of projects/rle/configs and name it with --config; here are: {known}',
        )
    return name


@CONVERSIONS.register('rle-released')
class ReleasedRLE(SourceKind):
    """The authors' 2D and Human3.6M networks."""

    title = "the authors' RLE"

    @classmethod
    def recognises(cls, weights: dict[str, Tensor]) -> bool:
        return 'preact.conv1.weight' in weights and 'fc_coord.linear.weight' in weights

    @classmethod
    def convert(cls, source: SourceFile, config: str | None = None) -> Conversion:
        ledger = Ledger(source.weights, source.path)
        dims = 3 if 'flow3d.mask' in source.weights or 'flow3d.t.0.0.weight' in source.weights else 2
        keypoints = len(ledger.peek('fc_coord.linear.bias')) // dims
        depth = resnet_depth(source.weights, 'preact.')
        config = config or config_for(keypoints, dims, depth, source.path)
        wanted = weights_of_config(config)
        ledger.use_all('preact.', 'backbone.')
        ledger.use_all('fc_coord.', 'head.fc_coord.')
        ledger.use_all('fc_sigma.', 'head.fc_sigma.')
        for theirs, ours in _FLOWS.items():
            mirror_flow(ledger, theirs, ours)
            add_mask(ledger, f'{ours}mask', wanted)
        ledger.add_batch_counters(wanted)
        ledger.check_against(wanted, f'the config {config}')
        kind = f"the authors' RLE, {keypoints} keypoints in {dims}D, ResNet-{depth}"
        return Conversion(kind, ledger, name_config(config), USE_AS_MODEL)
