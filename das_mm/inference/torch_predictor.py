"""Any estimator of torch as a predictor; see :class:`das_mm.models.estimator_protocol.EstimatorProtocol`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, cast

import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DefaultScope
from mmpose.structures import PoseDataSample

from das_mm.checkpoints.guarded_build import told_as_user_error
from das_mm.checkpoints.model_loader import input_pipeline
from das_mm.engine.precision import resolve_precision, to_channels_last
from das_mm.errors import UserError
from das_mm.models.estimator_protocol import EstimatorProtocol
from das_mm.registry import TRANSFORMS
from das_mm.structures.people import People
from das_mm.version import __version__

from .pose_samples import no_distribution
from .predictor import InputImage, Prediction

_PIPELINE = 'test_dataloader.dataset.pipeline'
_UNKNOWN_MODEL = dict(config=None, weights=None, weights_sha256=None, das_mm=__version__)


class TorchPredictor:
    """Runs an estimator; see :class:`.Predictor`.

    Args:
        estimator: In evaluation mode, as :func:`.load_model` makes it.
        scope: Default scope for a config that names none.
        precision: 'fp32', 'bf16' or 'auto', of the network on a CPU (:mod:`das_mm.engine.precision`). In bf16
            keypoints differ by parts of a pixel and scores by parts of a hundred.

    Raises:
        UserError: There is no such precision.
    """

    def __init__(self, estimator: EstimatorProtocol, scope: str = 'das_mm', precision: str = 'fp32'):
        self.estimator, self.precision = estimator, resolve_precision(precision)
        if self.precision == 'bf16' and isinstance(estimator, torch.nn.Module):
            to_channels_last(estimator)
        cfg = estimator.cfg
        self._file = getattr(cfg, 'filename', None) or getattr(estimator, 'provenance', _UNKNOWN_MODEL)['weights']
        told = told_as_user_error(self._file, _PIPELINE, 'the preparation of images cannot be built')
        with told, DefaultScope.overwrite_default_scope(cfg.get('default_scope') or scope):
            self.pipeline = Compose([TRANSFORMS.build(dict(step)) for step in input_pipeline(cfg)])
        self.keypoint_set = estimator.dataset_meta['keypoint_set']
        self.tasks, self.max_frame_gap = estimator.tasks, estimator.max_frame_gap
        self.provenance: Mapping[str, Any] = getattr(estimator, 'provenance', _UNKNOWN_MODEL)

    @property
    def body(self):
        return self.estimator.body

    @property
    def uses_sigma(self) -> bool:
        return self.estimator.uses_sigma

    @property
    def score_thr(self) -> float:
        return self.estimator.score_thr

    @property
    def tracker(self):
        return getattr(self.estimator, 'tracker', None)

    #: makes a batch of what :meth:`prepare` gave; images of different size are a list
    collate = staticmethod(pseudo_collate)

    def forget(self) -> None:
        self.estimator.forget()

    def draw_samples(self, number: int) -> None:
        """So many poses of each person are told beside the most probable one; see :func:`.pose_samples.draw_samples`.

        Raises:
            UserError: The estimator has no distribution to draw from.
        """
        if hasattr(self.estimator, 'num_test_samples'):
            self.estimator.test_cfg = {**self.estimator.test_cfg, 'num_samples': number}
            self.tasks = self.estimator.tasks
        elif number:
            raise no_distribution()

    def prepare(self, image: InputImage) -> dict[str, Any]:
        """``inputs`` and ``data_samples`` of one image, as the config's pipeline makes them."""
        return self.prepare_record(image_record(image), dict(time_s=image.time_s))

    def prepare_record(self, record: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
        """``inputs`` and ``data_samples`` of what the pipeline begins with, of which ``told`` is put into the
        metainfo."""
        with told_as_user_error(self._file, _PIPELINE, 'an image cannot be prepared as the config says'):
            data = self.pipeline(dict(record))
        data = cast('dict[str, Any]', data)  # nothing at all is an answer in training only
        data['data_samples'].set_metainfo(dict(seq=record['img_id'], view='', frame=record['frame'], **told))
        return data

    def predict(
        self, prepared: Sequence[dict[str, Any]], score_thr: float | None = None, with_sigma: bool | None = None
    ) -> list[Prediction]:
        samples = self.forward(pseudo_collate(list(prepared)), score_thr, with_sigma)
        return [
            Prediction(People.from_instances(sample.pred_instances), sample.metainfo['camera'], sample)
            for sample in samples
        ]

    @torch.no_grad()
    def forward(
        self, batch: Mapping[str, list], score_thr: float | None = None, with_sigma: bool | None = None
    ) -> list[PoseDataSample]:
        """Data samples of a collated batch.

        Images are run together where they are padded to the same size: normalisation sees the padding, and the result
        of an image must not depend on its neighbours.
        """
        samples: dict[int, PoseDataSample] = {}
        preprocessor = getattr(self.estimator, 'data_preprocessor', None)
        divisor = getattr(preprocessor, 'pad_size_divisor', 1)
        half = torch.autocast('cpu', torch.bfloat16, enabled=self.precision == 'bf16')
        told = told_as_user_error(self._file, 'model', 'the model does not run as its config says')
        with told, self._test_cfg(score_thr, with_sigma), half:
            for rows in _by_padded_size(batch['inputs'], divisor, self.max_frame_gap is not None):
                part = {key: [values[row] for row in rows] for key, values in batch.items()}
                with _memory_told(len(rows)):
                    found = self.estimator.test_step(part)
                samples.update(zip(rows, found))
        return [samples[row] for row in range(len(batch['inputs']))]

    @contextlib.contextmanager
    def _test_cfg(self, score_thr: float | None, with_sigma: bool | None) -> Iterator[None]:
        """The estimator's ``test_cfg`` with other values for a while; the estimator may be someone else's."""
        own = self.estimator.test_cfg
        changed: dict[str, Any] = dict(with_sigma=self.uses_sigma if with_sigma is None else with_sigma)
        if score_thr is not None:
            changed['score_thr'] = score_thr
        self.estimator.test_cfg = {**own, **changed}
        try:
            yield
        finally:
            self.estimator.test_cfg = own


def image_record(image: InputImage) -> dict[str, Any]:
    """What a pipeline begins with."""
    return dict(
        img=image.pixels,
        img_path=image.file or image.name,
        img_id=image.name,
        id=image.frame or 0,
        frame=image.frame,
        camera=dict(image.camera),
    )


@contextlib.contextmanager
def _memory_told(number: int) -> Iterator[None]:
    """A full memory is no fault of the model's config."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        words = ' '.join(str(error).split())[:200] or type(error).__name__
        # what torch raises on a GPU, and what its allocator says on a CPU
        if not isinstance(error, (MemoryError, torch.OutOfMemoryError)) and 'allocate memory' not in words:
            raise
        raise UserError(
            f'the memory does not hold what the network makes of {number} images at once ({words})',
            file='this machine',
            field='batch_size',
            remedy='give a smaller --batch-size, or end other programs',
        ) from error


def _by_padded_size(images: Sequence[torch.Tensor], divisor: int, in_order: bool) -> list[list[int]]:
    """Rows of the images (3, H, W) that come to the same size when they are padded to multiples of ``divisor``; only
    neighbours, where they must stay in order."""
    padded = [tuple(-(-side // divisor) for side in image.shape[-2:]) for image in images]
    if in_order:
        return [list(rows) for _, rows in groupby(range(len(images)), key=padded.__getitem__)]
    groups: dict[tuple[int, ...], list[int]] = {}
    for row, size in enumerate(padded):
        groups.setdefault(size, []).append(row)
    return list(groups.values())
