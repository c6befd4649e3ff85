"""Batches of one size, whatever is in them."""

from __future__ import annotations

from typing import Any

from mmdet.models.data_preprocessors import DetDataPreprocessor
from torch.nn import functional as F

from das_mm.errors import UserError
from das_mm.registry import MODELS


@MODELS.register_module()
class FixedSizePreprocessor(DetDataPreprocessor):
    """Normalises, and pads right and below with zeros to ``input_size``: the camera of a scene belongs to that size.

    Args:
        input_size: (width, height), multiples of ``pad_size_divisor``.
        kwargs: Those of mmdet's ``DetDataPreprocessor``.
    """

    def __init__(self, input_size: tuple[int, int] = (832, 512), **kwargs: Any) -> None:
        super().__init__(**{'pad_size_divisor': 32, **kwargs})
        self.input_size = tuple(input_size)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """
        Raises:
            UserError: An image is larger than the input.
        """
        done = super().forward(data, training)
        inputs, (width, height) = done['inputs'], self.input_size
        missing = width - inputs.shape[-1], height - inputs.shape[-2]
        if min(missing) < 0:
            raise UserError(
                f'an image of {inputs.shape[-1]}x{inputs.shape[-2]} px does not fit {width}x{height}',
                field='model.data_preprocessor.input_size',
                remedy=f'resize it first: dict(type="DASResize", input_size=({width}, {height}))',
            )
        done['inputs'] = F.pad(inputs, (0, missing[0], 0, missing[1]))
        for sample in done['data_samples'] or ():
            sample.set_metainfo(dict(batch_input_shape=(height, width)))
        return done
