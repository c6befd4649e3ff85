"""DAS on photographs and videos, with the conventions of mmpose's inferencers."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
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

from das_mm.checkpoints.model_loader import check_task, input_pipeline, load_model
from das_mm.checkpoints.packaged import packaged_model
from das_mm.errors import UserError
from das_mm.models.body_models.protocol import BodyModelProtocol
from das_mm.models.pose_estimators import DAS
from das_mm.models.pose_estimators.tracking_das import TrackingDAS
from das_mm.registry import INFERENCERS, TRANSFORMS
from das_mm.version import __version__

from .body_surfaces import body_name
from .inputs import Input, open_sources
from .intrinsics import CameraFinder, Intrinsics
from .outputs import OutputFolders
from .overlays import OverlayOptions, OverlayPainter
from .results import make_result
from .resume import Earlier
from .run import OnSkip, Run, warn
from .sources import Frame, Source
from .video_tracker import Follower


@INFERENCERS.register_module()
class DASInferencer(BaseInferencer):
    """Finds every person of images and videos in 3D.

    Example::

        inferencer = DASInferencer(weights='das.pth')
        for result in inferencer('photos/', batch_size=4, out_dir='out'):
            found = result['predictions'][0]       # see das_mm.inference.results
            print(found['image']['file'], len(found['people']), found['camera']['source'])

    Args:
        model: Path or name of a config, a config, or a model made by :func:`.load_model`. Not needed where the
            checkpoint tells its config.
        weights: Checkpoint file, or an ONNX file that ``das-mm export onnx`` wrote. With neither: the small model of the
            package for ``task``.
        device: 'cpu', 'cuda', …; a GPU where there is one when not given.
        scope: Default scope for a config that names none.
        show_progress: Draw a progress bar.
        intrinsics: Of the camera: a file, 'fx,fy,cx,cy', four numbers or a matrix; see :mod:`.intrinsics`.
        fov_deg: Field of view along the longer image side, for images whose camera nobody knows.
        task: 'pose', 'mesh' or 'tracking', where the package's model is to be used; of another model it is asked
            whether it does that.

    Raises:
        UserError: Anything of that is wrong.
    """

    preprocess_kwargs = {'intrinsics', 'fov_deg', 'on_skip', 'resume'}
    forward_kwargs = {'score_thr', 'with_sigma', 'track', 'smooth'}
    visualize_kwargs = {'return_vis', 'vis_out_dir', 'draw_bbox', 'draw_sigmas', 'draw_meshes', 'kpt_thr'}
    postprocess_kwargs = {'pred_out_dir', 'viewer_out_dir', 'viewer_frames', 'track_out_dir', 'mesh_out_dir', 'export'}

    def __init__(
        self,
        model: str | Path | Config | dict | DAS | None = None,
        weights: str | Path | None = None,
        device: str | None = None,
        scope: str | None = 'das_mm',
        show_progress: bool = True,
        intrinsics: Intrinsics | None = None,
        fov_deg: float | None = None,
        task: str | None = None,
    ) -> None:
        # not BaseInferencer's own: it would take weights that fit in part, run the config text of a checkpoint, and
        # make a global visualizer. What is inherited is the interface and the dispatch of arguments
        self._camera_options = dict(intrinsics=intrinsics, fov_deg=fov_deg)
        self.camera = CameraFinder(**self._camera_options)
        if task is not None and model is None and weights is None:
            weights, model = packaged_model(task)
        self.model = model if isinstance(model, DAS) else load_model(weights, model, device)
        self.cfg, self.scope, self.show_progress = self.model.cfg, scope, show_progress
        self.pipeline = self._init_pipeline(self.cfg)
        self.collate_fn = pseudo_collate  # of different sizes: lists
        self.visualizer = None
        if task is not None:
            check_task(self.model, task)

    def __call__(
        self,
        inputs: Input | Sequence[Input],
        return_datasamples: bool = False,
        batch_size: int = 1,
        out_dir: str | Path | None = None,
        show_progress: bool | None = None,
        **kwargs: Any,
    ) -> Iterator[dict[str, list]]:
        """People of image after image; nothing is computed before it is asked for, and little is read.

        Args:
            inputs: Image, folder, glob, video, 'webcam:0', BGR array, or a sequence of these.
            return_datasamples: Give mmpose's data samples instead of plain results.
            batch_size: Images that go through the network together; their results do not depend on it.
            out_dir: Write everything below it: ``predictions/``, ``overlays/``, ``viewer.html``, and where they apply
                ``meshes/`` and ``tracks/``.
            show_progress: Instead of what the constructor was told.
            kwargs: ``intrinsics`` and ``fov_deg`` instead of the constructor's; ``on_skip``, called with the error of
                every input (or part of a video) that cannot be read, which is otherwise logged as a warning;
                ``score_thr`` and ``with_sigma`` instead of the config's (sigma is given where the model has it).

                Of videos: ``track`` follows people with any model (a tracking model does so in any case); ``smooth``
                smooths them over time; ``resume`` goes on after the last whole line of an earlier run into the same
                folder (see :mod:`.resume`), whose results are not given again.

                Of outputs: ``return_vis``, ``draw_bbox``, ``draw_sigmas``, ``draw_meshes`` and ``kpt_thr`` for
                pictures; ``vis_out_dir``, ``pred_out_dir``, ``viewer_out_dir``, ``track_out_dir``, ``mesh_out_dir`` to
                write some outputs only, or elsewhere; ``viewer_frames``, at most so many in a viewer; ``export``,
                formats of mesh files, out of 'obj', 'ply' and 'glb'.

        Yields:
            For each image or frame ``predictions``, a list of one result (a dictionary, see :mod:`das_mm.inference.results`,
            or a data sample), and ``visualization``, a list of one overlay (H, W, 3) uint8 BGR, empty without
            ``return_vis``.

        Raises:
            UserError: At once: an input that does not exist, an option that is wrong, a folder that cannot be written.
                While running: a disk is full, or at the end not one input could be read.
        """
        preprocess, forward, visualize, postprocess = self._dispatch_kwargs(**kwargs)
        folders = OutputFolders.below(
            out_dir,
            vis_out_dir=visualize.pop('vis_out_dir', None),
            viewer_meshes=visualize.get('draw_meshes', True),
            **postprocess,
        )
        self._check(forward, folders)
        folders.check()
        if batch_size < 1:
            raise UserError(f'{batch_size} images make no batch', field='batch_size', remedy='give 1 or more')
        on_skip, resume = preprocess.pop('on_skip', None), preprocess.pop('resume', False)
        track, smooth = forward.pop('track', False), forward.pop('smooth', False)
        camera = CameraFinder(**{**self._camera_options, **preprocess}) if preprocess else self.camera
        sources = open_sources(inputs)
        earlier = self._earlier(sources, folders) if resume else {}
        follower = Follower(self.model, track, smooth, earlier)
        for one in earlier.values():
            one.check(self._provenance(forward.get('score_thr')), follower.track, smooth)
        return_vis = visualize.pop('return_vis', False)
        draws = return_vis or folders.overlays is not None
        run = Run(
            sources,
            folders,
            camera=camera,
            batch_size=batch_size,
            forward=forward,
            earlier=earlier,
            follower=follower,
            painter=self._painter(follower.track, **visualize) if draws else None,
            on_skip=on_skip or warn,
            show_progress=self.show_progress if show_progress is None else show_progress,
        )
        return self._results_of(run, return_datasamples, return_vis)

    def _results_of(self, run: Run, return_datasamples: bool, return_vis: bool) -> Iterator[dict[str, list]]:
        with contextlib.closing(run.results(self)) as results:
            for sample, result, overlay in results:
                yield self.postprocess([sample], [overlay], [result], return_datasamples, return_vis)

    # ---------------------------------------------------------------- the steps

    def preprocess(
        self,
        inputs: Iterable[Frame | UserError],
        batch_size: int = 1,
        camera: CameraFinder | None = None,
        on_skip: OnSkip | None = None,
        is_computed: Callable[[Frame], bool] = lambda frame: True,
    ) -> Iterator[tuple[dict | None, list[Frame]]]:
        """Batches for the network and the frames they are of; None in place of a batch for frames that it need not see.

        Args:
            inputs: Frames, and errors of what cannot be read.
            batch_size: Frames of a batch, except for those of a camera: what it sees is wanted now.
            camera: Finds the intrinsics.
            on_skip: Is told the errors.
            is_computed: Whether the network must see a frame.
        """
        camera, on_skip = camera or self.camera, on_skip or warn
        waiting: list[tuple[dict, Frame]] = []

        def together() -> tuple[dict, list[Frame]]:
            data, frames = zip(*waiting)
            waiting.clear()
            return self.collate_fn(list(data)), list(frames)

        for event in inputs:
            if isinstance(event, UserError):
                on_skip(event)
                continue
            if not is_computed(event):
                if waiting:
                    yield together()
                yield None, [event]
                continue
            waiting.append((self._prepare(event, camera), event))
            if len(waiting) == batch_size or event.source.live:
                yield together()
        if waiting:
            yield together()

    def _prepare(self, frame: Frame, camera: CameraFinder) -> dict:
        height, width = frame.image.shape[:2]
        source = frame.source
        found = camera.find((width, height), source.file, is_photo=not source.is_sequence)
        data = self.pipeline(
            dict(
                img=frame.image,
                img_path=source.file or source.name,
                img_id=source.name,
                id=frame.index or 0,
                frame=frame.index,
                camera=found,
            )
        )
        data['data_samples'].set_metainfo(dict(seq=source.name, view='', frame=frame.index, time_s=frame.time_s))
        return data

    @torch.no_grad()
    def forward(
        self, inputs: dict, score_thr: float | None = None, with_sigma: bool | None = None
    ) -> list[PoseDataSample]:
        """People of a batch.

        Images are run together where they are padded to the same size: normalisation sees the padding, and the result
        of an image must not depend on its neighbours.
        """
        samples: list[PoseDataSample | None] = [None] * len(inputs['inputs'])
        with self._test_cfg(score_thr, with_sigma):
            divisor = self.model.data_preprocessor.pad_size_divisor
            for rows in _by_padded_size(inputs['inputs'], divisor, self._in_order):
                batch = {key: [values[row] for row in rows] for key, values in inputs.items()}
                for row, sample in zip(rows, self.model.test_step(batch)):
                    samples[row] = sample
        return samples

    def visualize(self, inputs: Sequence[Frame], preds: Sequence[dict], **options: Any) -> list[np.ndarray]:
        """Overlays (H, W, 3) uint8 BGR of frames and their results; options as of :class:`.OverlayOptions`."""
        painter = self._painter(**options)
        return [painter.draw(frame, result) for frame, result in zip(inputs, preds)]

    def postprocess(
        self,
        preds: list[PoseDataSample],
        visualization: list,
        results: list[dict],
        return_datasamples: bool = False,
        return_vis: bool = False,
    ) -> dict[str, list]:
        """What is handed out."""
        return dict(
            predictions=preds if return_datasamples else results, visualization=visualization if return_vis else []
        )

    # ---------------------------------------------------------------- parts

    def _init_pipeline(self, cfg: Config) -> Compose:
        with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or self.scope):
            return Compose([TRANSFORMS.build(dict(step)) for step in input_pipeline(cfg)])

    def _painter(self, tracked: bool = False, **options: Any) -> OverlayPainter:
        return OverlayPainter(self.model.dataset_meta['keypoint_set'], OverlayOptions(**options), self.body, tracked)

    @property
    def body(self) -> BodyModelProtocol | None:
        """The body of a model of meshes."""
        return next((branch.body for branch in self.model.head.branches.values() if hasattr(branch, 'body')), None)

    @property
    def _in_order(self) -> bool:
        """The model remembers the frame before."""
        return isinstance(self.model, TrackingDAS)

    def _check(self, forward: dict, folders: OutputFolders) -> None:
        if forward.get('with_sigma') and not self.model.head.uses_sigma:
            raise UserError(
                'this model learns no sigma: its loss has none',
                field='with_sigma',
                remedy='leave it out, or use a model trained with an RLE loss',
            )
        if folders.mesh_formats and self.body is None:
            raise UserError(
                'this model tells no meshes',
                field='export',
                remedy='leave it out, or use a model with a mesh branch (--task mesh)',
            )

    @staticmethod
    def _earlier(sources: Sequence[Source], folders: OutputFolders) -> dict[Source, Earlier]:
        """What an earlier run left."""
        if folders.predictions is None:
            raise UserError('nobody says where the earlier results are', field='resume', remedy='give out_dir')
        found = {source: Earlier.of(source, folders.predictions) for source in sources}
        return {source: one for source, one in found.items() if one is not None}

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

    def result_of(
        self, frame: Frame, sample: PoseDataSample, score_thr: float | None = None, smoothed: bool = False
    ) -> dict[str, Any]:
        """The result of a frame; see :mod:`.results`."""
        height, width = frame.image.shape[:2]
        image = dict(
            file=frame.source.file,
            name=frame.source.name,
            width=width,
            height=height,
            frame=frame.index,
            time_s=None if frame.time_s is None else round(frame.time_s, 6),
        )
        body = None if self.body is None else body_name(self.body)
        keypoint_set = self.model.dataset_meta['keypoint_set']
        result, dropped = make_result(
            sample.pred_instances,
            sample.metainfo['camera'],
            image,
            self._provenance(score_thr),
            keypoint_set,
            body,
            smoothed,
        )
        if dropped:
            print_log(
                f'{frame.source.name}: {dropped} people are left out: numbers of theirs are not finite',
                logger='current',
                level=logging.WARNING,
            )
        return result

    def _provenance(self, score_thr: float | None) -> dict[str, Any]:
        """The model and its threshold, for results."""
        if score_thr is None:
            score_thr = {**self.model.head.test_cfg, **self.model.test_cfg}.get('score_thr', 0.05)
        return dict(getattr(self.model, 'provenance', _UNKNOWN_MODEL), score_thr=score_thr)


_UNKNOWN_MODEL = dict(config=None, weights=None, weights_sha256=None, das_mm=__version__)


def predict_images(model: DAS, images: Input | Sequence[Input], **kwargs: Any) -> list[dict[str, Any]]:
    """Results of images, all at once; see :mod:`das_mm.inference.results`.

    Args:
        model: Made by :func:`.load_model`.
        images: As the ``inputs`` of :class:`DASInferencer`.
        kwargs: Of a call of :class:`DASInferencer`.

    Raises:
        UserError: As there.
    """
    inferencer = DASInferencer(model, show_progress=False)
    return [result['predictions'][0] for result in inferencer(images, **kwargs)]


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
