"""DLA-34 of CenterNet, CenterTrack or Yu et al., to begin a training with; the result has our names under
``backbone.``.

CenterNet's detector of COCO (ctdet_coco_dla_2x.pth) is what CenterTrack began with; CenterTrack's own files have the
stems of the previous frame as well. Their trees of two levels hold a projection each that nothing reads.
"""

from __future__ import annotations

import re

from torch import Tensor

from das_mm.models.backbones import DLA34

from .checkpoint_kinds import Conversion, SourceKind
from .ledger import Ledger
from .pretrained_backbones import HOW_TO_BEGIN, refuse_config, weights_of_module
from .source_file import SourceFile

_PREFIXES = ('base.', 'backbone.', '')
_BACKBONE = re.compile(r'base_layer\.|level\d\.')
_UNUSED = re.compile(r'level[34]\.project\.')
# CenterTrack's; those that take several frames number them
_STEMS = {'pre_img_layer.': 'previous_image', 'pre_img_layer_0.': 'previous_image', 'pre_hm_layer.': 'previous_centers'}
_REMARK = (
    "CenterNet's and CenterTrack's images are BGR with COCO's mean and deviation, as in the package's config for "
    'PoseTrack18: data_preprocessor = dict(bgr_to_rgb=False, mean=[104.0136, 114.0342, 119.9166], std=[73.6028, '
    "69.8908, 71.0171]); those of ImageNet (Yu et al.) are RGB with ImageNet's"
)


class DLABackbone(SourceKind):
    """DLA-34, with the upper parts of a detector or a classifier, which have no place here."""

    title = "CenterNet's or CenterTrack's DLA-34"
    is_whole_model = False

    @classmethod
    def recognises(cls, weights: dict[str, Tensor]) -> bool:
        return any(f'{prefix}level3.tree1.tree1.conv1.weight' in weights for prefix in _PREFIXES)

    @classmethod
    def convert(cls, source: SourceFile, config: str | None = None) -> Conversion:
        refuse_config(config, source)
        ledger = Ledger(source.weights, source.path)
        prefix = next(one for one in _PREFIXES if f'{one}level3.tree1.tree1.conv1.weight' in source.weights)
        stems = False
        for name in ledger.names(prefix):
            part = name.removeprefix(prefix)
            stem = next((one for one in _STEMS if part.startswith(one)), None)
            if _UNUSED.match(part):
                ledger.drop(name, 'a projection of the tree whose result is not read')
            elif stem is not None:
                place, _, rest = part.removeprefix(stem).partition('.')
                stems, module = True, {'0': 'conv', '1': 'bn'}.get(place, place)
                ledger.use(name, f'backbone.temporal_stems.{_STEMS[stem]}.{module}.{rest}')
            elif _BACKBONE.match(part):
                ledger.use(name, f'backbone.{part}')
        ledger.drop('', 'upper part or head of another task')
        wanted = weights_of_module(lambda: DLA34(temporal=stems))
        ledger.add_batch_counters(wanted)
        ledger.check_against(wanted, 'a DLA-34')
        with_stems = ' with stems for the previous frame' if stems else ''
        return Conversion(
            f'a DLA-34{with_stems}, for initialisation',
            ledger,
            {},
            HOW_TO_BEGIN.format(options="type='DLA34', "),
            (_REMARK,),
        )
