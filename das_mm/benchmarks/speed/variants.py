"""Ways of using a model whose speed is measured: batch, people, number type, memory format, compiled."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from das_mm.errors import UserError

DTYPES = dict(float32=torch.float32, bf16=torch.bfloat16, fp16=torch.float16)


@dataclass(frozen=True)
class Variant:
    """One way of using a model.

    Attributes:
        batch: Images at a time.
        people: Of every image.
        dtype: Key of :data:`DTYPES`; other than float32 means autocast, weights stay float32.
        channels_last: Memory format of images and weights.
        compiled: Backbone, neck and the head's convolutions through ``torch.compile``.
    """

    batch: int = 1
    people: int = 5
    dtype: str = 'float32'
    channels_last: bool = False
    compiled: bool = False

    @property
    def label(self) -> str:
        people = f'{self.people} {"person" if self.people == 1 else "people"}'
        extras = ['channels-last'] * self.channels_last + ['compiled'] * self.compiled
        return ', '.join([f'batch {self.batch}', people, self.dtype, *extras])


def make_variants(
    batches: Sequence[int],
    people: Sequence[int],
    dtypes: Sequence[str],
    channels_last: bool = False,
    compiled: bool = False,
) -> list[Variant]:
    """All combinations of batch, people and type, plain and, where asked for, also channels-last and compiled.

    Raises:
        UserError: A number is out of its range, or a type unknown.
    """
    for name, values, least in (('--batch', batches, 1), ('--people', people, 0)):
        if not values or min(values) < least:
            raise UserError(f'{list(values)} is out of range', field=name, remedy=f'give numbers from {least} on')
    for dtype in dtypes:
        if dtype not in DTYPES:
            raise UserError(f"unknown type '{dtype}'", field='--dtype', remedy=f'choose out of {", ".join(DTYPES)}')
    changes = [{}] + [dict(channels_last=True)] * channels_last + [dict(compiled=True)] * compiled
    found = [
        Variant(batch, number, dtype, **change)
        for batch, number, dtype, change in itertools.product(batches, people, dtypes, changes)
    ]
    return list(dict.fromkeys(found))
