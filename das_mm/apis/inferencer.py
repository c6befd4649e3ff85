"""DAS on photographs and videos, with the conventions of mmpose's inferencers."""
from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.infer import BaseInferencer
from mmengine.logging import print_log
from mmengine.registry import DefaultScope
from mmpose.structures import PoseDataSample

from das_mm.errors import UserError
from das_mm.models.pose_estimators import DAS
from das_mm.registry import INFERENCERS, TRANSFORMS
from das_mm.version import __version__
from das_mm.visualization import draw_people

from .inputs import Frame, Input, Source, open_sources
from .intrinsics import CameraFinder, Intrinsics
from .loading import input_pipeline, load_model
from .outputs import OutputFolders, Outputs
from .progress import InferenceProgress
from .results import make_result, people_of

OnSkip = Callable[[UserError], None]


@INFERENCERS.register_module()
class DASInferencer(BaseInferencer):
    """Finds every person of images and videos in 3D.

    Example::

        inferencer = DASInferencer(weights='das.pth')
        for result in inferencer('photos/', batch_size=4, out_dir='out'):
            found = result['predictions'][0]       # see das_mm.apis.results
            print(found['image']['file'], len(found['people']), found['camera']['source'])

    Args:
        model: Path or name of a config, a config, or a model made by :func:`.load_model`. Not needed where the
            checkpoint tells its config.
        weights: Checkpoint file. With neither: the small model of the package.
        device: 'cpu', 'cuda', …; a GPU where there is one when not given.
        scope: Default scope for a config that names none.
        show_progress: Draw a progress bar.
        intrinsics: Of the camera: a file, 'fx,fy,cx,cy', four numbers or a matrix; see :mod:`.intrinsics`.
        fov_deg: Field of view along the longer image side, for images whose camera nobody knows.

    Raises:
        UserError: Anything of that is wrong.
    """

    preprocess_kwargs = {'intrinsics', 'fov_deg', 'on_skip'}
    forward_kwargs = {'score_thr', 'with_sigma'}
    visualize_kwargs = {'return_vis', 'vis_out_dir', 'draw_bbox', 'draw_sigmas', 'kpt_thr'}
    postprocess_kwargs = {'pred_out_dir', 'viewer_out_dir', 'viewer_frames'}

    def __init__(self,
                 model: str | Path | Config | dict | DAS | None = None,
                 weights: str | Path | None = None,
                 device: str | None = None,
                 scope: str | None = 'das_mm',
                 show_progress: bool = True,
                 intrinsics: Intrinsics | None = None,
                 fov_deg: float | None = None) -> None:
        # not BaseInferencer's own: it would take weights that fit in part, run the config text of a checkpoint, and
        # make a global visualizer. What is inherited is the interface and the dispatch of arguments
        self._camera_options = dict(intrinsics=intrinsics, fov_deg=fov_deg)
        self.camera = CameraFinder(**self._camera_options)
        self.model = model if isinstance(model, DAS) else load_model(weights, model, device)
        self.cfg, self.scope, self.show_progress = self.model.cfg, scope, show_progress
        self.pipeline = self._init_pipeline(self.cfg)
        self.collate_fn = pseudo_collate  # of different sizes: lists
        self.visualizer = None

    def __call__(self,
                 inputs: Input | Sequence[Input],
                 return_datasamples: bool = False,
                 batch_size: int = 1,
                 out_dir: str | Path | None = None,
                 show_progress: bool | None = None,
                 **kwargs: Any) -> Iterator[dict[str, list]]:
        """People of image after image; nothing is read or computed before it is asked for.

        Args:
            inputs: Image, folder, glob, video, 'webcam:0', BGR array, or a sequence of these.
            return_datasamples: Give mmpose's data samples instead of plain results.
            batch_size: Images that go through the network together; their results do not depend on it.
            out_dir: Write everything below it: ``predictions/``, ``overlays/`` and ``viewer.html``.
            show_progress: Instead of what the constructor was told.
            kwargs: ``intrinsics`` and ``fov_deg`` instead of the constructor's; ``on_skip``, called with the error of
                every input (or part of a video) that cannot be read, which is otherwise logged as a warning;
                ``score_thr`` and ``with_sigma`` instead of the config's (sigma is given where the model has it);
                ``return_vis``, ``draw_bbox``, ``draw_sigmas`` and ``kpt_thr`` for overlays; ``vis_out_dir``, ``pred_out_dir``,
                ``viewer_out_dir`` to write some outputs only, or elsewhere; ``viewer_frames``, at most so
                many in a viewer.

        Yields:
            For each image or frame ``predictions``, a list of one result (a dictionary, see :mod:`das_mm.apis.results`,
            or a data sample), and ``visualization``, a list of one overlay (H, W, 3) uint8 BGR, empty without
            ``return_vis``.

        Raises:
            UserError: At once: an input that does not exist, an option that is wrong, a folder that cannot be written.
                While running: a disk is full, or at the end not one input could be read.
        """
        preprocess, forward, visualize, postprocess = self._dispatch_kwargs(**kwargs)
        folders = _folders(out_dir, visualize.pop('vis_out_dir', None), **postprocess)
        folders.check()
        if batch_size < 1:
            raise UserError(f'{batch_size} images make no batch', field='batch_size', remedy='give 1 or more')
        self._check_sigma(forward.get('with_sigma'))
        on_skip = preprocess.pop('on_skip', None)
        camera = CameraFinder(**{**self._camera_options, **preprocess}) if preprocess else self.camera
        sources = open_sources(inputs)
        if any(source.live for source in sources):
            batch_size = 1  # what a camera sees is wanted now
        return_vis = visualize.pop('return_vis', False)
        draw = visualize if return_vis or folders.overlays is not None else None
        shown = self.show_progress if show_progress is None else show_progress
        return self._run(sources, batch_size, camera, folders, on_skip, forward, draw,
                         dict(return_datasamples=return_datasamples, return_vis=return_vis), shown)

    def _run(self, sources: list[Source], batch_size: int, camera: CameraFinder, folders: OutputFolders,
             on_skip: OnSkip | None, forward: dict, draw: dict | None, give: dict,
             show_progress: bool) -> Iterator[dict[str, list]]:
        counts = [source.num_frames for source in sources]
        total = None if None in counts else sum(counts)
        skipped, done = [], 0

        def skip(error: UserError) -> None:
            skipped.append(error)
            progress.advance()
            (on_skip or _warn)(error)

        with InferenceProgress(total, show_progress) as progress, \
                Outputs(folders, self.model.dataset_meta['keypoint_set'], len(sources)) as outputs:
            for batch, frames in self.preprocess(sources, batch_size, camera=camera, on_skip=skip):
                for frame, sample in zip(frames, self.forward(batch, **forward)):
                    result = self._result(frame, sample, forward.get('score_thr'))
                    overlay = None if draw is None else self.visualize([frame], [result], **draw)[0]
                    outputs.add(frame, result, overlay)
                    progress.advance()
                    done += 1
                    yield self.postprocess([sample], [overlay], results=[result], **give)
        if skipped and not done:
            raise skipped[0] if len(skipped) == 1 else UserError(
                f'none of the {len(skipped)} inputs can be read; the first: {skipped[0].problem}', file=skipped[0].file,
                remedy=skipped[0].remedy)

    # ---------------------------------------------------------------- the steps

    def preprocess(self, inputs: Sequence[Source], batch_size: int = 1, camera: CameraFinder | None = None,
                   on_skip: OnSkip | None = None) -> Iterator[tuple[dict, list[Frame]]]:
        """Batches for the network and the frames they are of."""
        camera, on_skip = camera or self.camera, on_skip or _warn
        frames = chain.from_iterable(source.frames(on_skip) for source in inputs)
        for chunk in self._get_chunk_data(((self._prepare(frame, camera), frame) for frame in frames), batch_size):
            data, frames_of_chunk = zip(*chunk)
            yield self.collate_fn(list(data)), list(frames_of_chunk)

    def _prepare(self, frame: Frame, camera: CameraFinder) -> dict:
        height, width = frame.image.shape[:2]
        source = frame.source
        found = camera.find((width, height), source.file, is_photo=not source.is_sequence)
        return self.pipeline(dict(img=frame.image, img_path=source.file or source.name, img_id=source.name,
                                  id=frame.index or 0, frame=frame.index, camera=found))

    @torch.no_grad()
    def forward(self, inputs: dict, score_thr: float | None = None,
                with_sigma: bool | None = None) -> list[PoseDataSample]:
        """People of a batch.

        Images are run together where they are padded to the same size: normalisation sees the padding, and the result
        of an image must not depend on its neighbours.
        """
        samples: list[PoseDataSample | None] = [None] * len(inputs['inputs'])
        with self._test_cfg(score_thr, with_sigma):
            for rows in _by_padded_size(inputs['inputs'], self.model.data_preprocessor.pad_size_divisor):
                batch = {key: [values[row] for row in rows] for key, values in inputs.items()}
                for row, sample in zip(rows, self.model.test_step(batch)):
                    samples[row] = sample
        return samples

    def visualize(self, inputs: Sequence[Frame], preds: Sequence[dict], draw_bbox: bool = False,
                  draw_sigmas: bool = False, kpt_thr: float = 0.0) -> list[np.ndarray]:
        """Overlays (H, W, 3) uint8 BGR of frames and their results."""
        keypoint_set = self.model.dataset_meta['keypoint_set']
        return [draw_people(frame.image, people_of(result).with_keypoints_above(kpt_thr), keypoint_set, boxes=draw_bbox,
                            sigmas=draw_sigmas) for frame, result in zip(inputs, preds)]

    def postprocess(self, preds: list[PoseDataSample], visualization: list, results: list[dict],
                    return_datasamples: bool = False, return_vis: bool = False) -> dict[str, list]:
        """What is handed out."""
        return dict(predictions=preds if return_datasamples else results,
                    visualization=visualization if return_vis else [])

    # ---------------------------------------------------------------- parts

    def _init_pipeline(self, cfg: Config) -> Compose:
        with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or self.scope):
            return Compose([TRANSFORMS.build(dict(step)) for step in input_pipeline(cfg)])

    def _check_sigma(self, with_sigma: bool | None) -> None:
        if with_sigma and not self.model.head.uses_sigma:
            raise UserError('this model learns no sigma: its loss has none', field='with_sigma',
                            remedy='leave it out, or use a model trained with an RLE loss')

    @contextlib.contextmanager
    def _test_cfg(self, score_thr: float | None, with_sigma: bool | None) -> Iterator[None]:
        """The model's ``test_cfg`` with other values for a while; the model may be someone else's."""
        own = self.model.test_cfg
        changed = dict(with_sigma=self.model.head.uses_sigma if with_sigma is None else with_sigma)
        if score_thr is not None:
            changed['score_thr'] = score_thr
        self.model.test_cfg = {**own, **changed}
        try:
            yield
        finally:
            self.model.test_cfg = own

    def _result(self, frame: Frame, sample: PoseDataSample, score_thr: float | None) -> dict[str, Any]:
        height, width = frame.image.shape[:2]
        image = dict(file=frame.source.file, name=frame.source.name, width=width, height=height, frame=frame.index,
                     time_s=None if frame.time_s is None else round(frame.time_s, 6))
        if score_thr is None:
            score_thr = {**self.model.head.test_cfg, **self.model.test_cfg}.get('score_thr', 0.05)
        model = dict(getattr(self.model, 'provenance', _UNKNOWN_MODEL), score_thr=score_thr)
        result, dropped = make_result(sample.pred_instances, sample.metainfo['camera'], image, model,
                                      self.model.dataset_meta['keypoint_set'])
        if dropped:
            print_log(f'{frame.source.name}: {dropped} people are left out: numbers of theirs are not finite',
                      logger='current', level=logging.WARNING)
        return result


_UNKNOWN_MODEL = dict(config=None, weights=None, weights_sha256=None, das_mm=__version__)


def predict_images(model: DAS, images: Input | Sequence[Input], **kwargs: Any) -> list[dict[str, Any]]:
    """Results of images, all at once; see :mod:`das_mm.apis.results`.

    Args:
        model: Made by :func:`.load_model`.
        images: As the ``inputs`` of :class:`DASInferencer`.
        kwargs: Of a call of :class:`DASInferencer`.

    Raises:
        UserError: As there.
    """
    inferencer = DASInferencer(model, show_progress=False)
    return [result['predictions'][0] for result in inferencer(images, **kwargs)]


def _folders(out_dir: str | Path | None, vis_out_dir: str | Path | None, pred_out_dir: str | Path | None = None,
             viewer_out_dir: str | Path | None = None, **options: Any) -> OutputFolders:
    path = lambda given, below: Path(given) if given else Path(out_dir, below) if out_dir else None  # noqa: E731
    return OutputFolders(path(pred_out_dir, 'predictions'), path(vis_out_dir, 'overlays'), path(viewer_out_dir, ''),
                         **options)


def _by_padded_size(images: Sequence[torch.Tensor], divisor: int) -> list[list[int]]:
    """Rows of the images (3, H, W) that come to the same size when they are padded to multiples of ``divisor``."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for row, image in enumerate(images):
        groups.setdefault(tuple(-(-side // divisor) for side in image.shape[-2:]), []).append(row)
    return list(groups.values())


def _warn(error: UserError) -> None:
    print_log(str(error), logger='current', level=logging.WARNING)
