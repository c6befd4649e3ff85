"""What a kind of checkpoint is, and the one kind that needs no conversion."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from das_mm.checkpoints.model_loader import build_model
from das_mm.config_files import config_name, config_path
from das_mm.engine.config_reader import read_config
from das_mm.errors import UserError

from .ledger import Ledger
from .source_file import SourceFile

USE_AS_MODEL = (
    'das-mm infer IMAGE --weights {dst} --out DIR; in Python DASInferencer(weights={dst!r}) or load_model({dst!r})'
)
#: of checkpoints that regress bodies of SMPL
SMPL_BETAS_REMARK = (
    "its betas are SMPL's: until a config that inherits from this one names the licensed file (smpl_path; convert with "
    '--config), the meshes are those of the generated body'
)


@dataclass
class Conversion:
    """A converted checkpoint, not yet written.

    Attributes:
        kind: What the source is, for people.
        ledger: The weights, and what became of each.
        meta: Goes into the file; ``meta['config']`` where the weights are those of a whole model.
        use: How to use what is written, with ``{dst}`` for its path.
        remarks: What the weights do not say and the user must know.
    """

    kind: str
    ledger: Ledger
    meta: dict
    use: str
    remarks: tuple[str, ...] = ()


class SourceKind(ABC):
    """One kind of checkpoint.

    Attributes:
        title: What it is, for people, as "the authors' DAS checkpoints".
        is_whole_model: It is asked before the kinds that are backbones alone.
    """

    title: ClassVar[str]
    is_whole_model: ClassVar[bool] = True

    @classmethod
    @abstractmethod
    def recognises(cls, weights: dict[str, Tensor]) -> bool:
        """Whether the names of the weights are those of this kind."""

    @classmethod
    @abstractmethod
    def convert(cls, source: SourceFile, config: str | None = None) -> Conversion:
        """The weights under our names.

        Args:
            source: A file that this kind recognises.
            config: Path or name of the config that the result is for, instead of the one found from the weights.

        Raises:
            UserError: Weights are missing, left over, of another shape or not finite.
        """


class OwnCheckpoint(SourceKind):
    """A checkpoint of this package: kept, without what only a training run needs."""

    title = "das_mm's own"

    @classmethod
    def recognises(cls, weights: dict[str, Tensor]) -> bool:
        return 'head.scales' in weights and 'head.pose_branch.out.weight' in weights

    @classmethod
    def convert(cls, source: SourceFile, config: str | None = None) -> Conversion:
        kept = {key: value for key, value in source.meta.items() if config is None or key not in ('cfg', 'config')}
        meta = kept if config is None else {**kept, **name_config(config)}
        if not isinstance(meta.get('cfg'), str) and not isinstance(meta.get('config'), str):
            raise UserError(
                'these are weights of das_mm already, and they do not say of which config',
                file=source.path,
                field='meta.cfg',
                remedy='name it with --config',
            )
        ledger = Ledger(source.weights, source.path)
        ledger.use_all('', '')
        if config is not None:
            ledger.check_against(weights_of_config(config), f'the config {config}')
        return Conversion(
            'a checkpoint of das_mm already; only the training state is left out', ledger, meta, USE_AS_MODEL
        )


def name_config(config: str) -> dict[str, str]:
    """The entry of ``meta`` that :func:`das_mm.apis.load_model` finds the config by.

    Its name for a config of this package or its projects; the text of any other, whose file may be elsewhere tomorrow.
    """
    path = Path(config_path(config)).resolve()
    name = config_name(path)
    return dict(cfg=read_config(path).pretty_text) if name is None else dict(config=name)


def weights_of_config(name: str) -> dict[str, Tensor]:
    """Names and shapes of the weights of a config's model, without their memory.

    Raises:
        UserError: There is no such config, or it is not one of ours.
    """
    with torch.device('meta'):
        model: Any = build_model(read_config(config_path(name)), name)
        return model.state_dict()
