"""DAS on photographs and videos, with the conventions of mmpose's inferencers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.infer import BaseInferencer
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from torch import nn

from das_mm.checkpoints.model_loader import load_model
from das_mm.checkpoints.packaged import packaged_model
from das_mm.checkpoints.pretrained import pretrained_weights
from das_mm.errors import UserError
from das_mm.inference.batching import batches
from das_mm.inference.fitted_predictor import with_bodies
from das_mm.inference.inferencer import Inferencer
from das_mm.inference.inputs import Input
from das_mm.inference.intrinsics import CameraFinder, Intrinsics
from das_mm.inference.outputs import OutputFolders
from das_mm.inference.overlay_window import check_display, show_overlays
from das_mm.inference.overlays import OverlayOptions, OverlayPainter
from das_mm.inference.predictor import Prediction, check_task
from das_mm.inference.predictor_choice import asked_for, predictor_of
from das_mm.inference.run import Found
from das_mm.inference.run_options import OnSkip, RunOptions, warn
from das_mm.inference.sources import Frame
from das_mm.models.estimator_protocol import EstimatorProtocol
from das_mm.registry import INFERENCERS

if TYPE_CHECKING:
    from das_mm.models.body_models.protocol import BodyModelProtocol

_RUN_OPTIONS = ('on_skip', 'resume', 'score_thr', 'with_sigma', 'track', 'smooth', 'static_camera', 'birth_thr')
_DRAWING_OPTIONS = ('draw_bbox', 'draw_sigmas', 'draw_meshes', 'kpt_thr', 'thickness', 'radius')


@INFERENCERS.register_module()
class DASInferencer(BaseInferencer):
    """Finds every person of images and videos in 3D.

    Example::

        inferencer = DASInferencer(weights='das.pth')
        for result in inferencer('photos/', batch_size=4, out_dir='out'):
            found = result['predictions'][0]       # see das_mm.inference.results
            print(found['image']['file'], len(found['people']), found['camera']['source'])

    Args:
        model: Path or name of a config, a config, or a model made by :func:`.load_model` (or any estimator of
            :class:`.EstimatorProtocol`). Not needed where the checkpoint tells its config.
        weights: Checkpoint file, or an ONNX file that ``das-mm export onnx`` wrote. With neither: the small model of
            the package for ``task``.
        device: 'cpu', 'cuda', …; a GPU where there is one when not given.
        scope: Default scope for a config that names none.
        show_progress: Draw a progress bar.
        intrinsics: Of the camera: a file, 'fx,fy,cx,cy', four numbers or a matrix; see
            :mod:`das_mm.inference.intrinsics`.
        fov_deg: Field of view along the longer image side, for images whose camera nobody knows.
        task: 'pose', 'mesh' or 'tracking', where the package's model is to be used; of another model it is asked
            whether it does that.

    Raises:
        UserError: Anything of that is wrong.
    """

    preprocess_kwargs = {'intrinsics', 'fov_deg', 'on_skip', 'resume', 'boxes', 'points', 'fit'}
    forward_kwargs = {'score_thr', 'with_sigma', 'track', 'smooth', 'static_camera', 'birth_thr'}
    visualize_kwargs = {'return_vis', 'vis_out_dir', 'show', 'wait_time', *_DRAWING_OPTIONS}
    postprocess_kwargs = {'pred_out_dir', 'viewer_out_dir', 'viewer_frames', 'track_out_dir', 'mesh_out_dir', 'export'}

    def __init__(
        self,
        model: str | Path | Config | dict | EstimatorProtocol | None = None,
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
        self._camera_options: dict[str, Any] = dict(intrinsics=intrinsics, fov_deg=fov_deg)
        camera = CameraFinder(**self._camera_options)
        if task is not None and model is None and weights is None:
            weights, model = packaged_model(task)
        self.model: EstimatorProtocol = (
            cast('EstimatorProtocol', model)
            if isinstance(model, nn.Module)
            else load_model(weights, cast('str | Path | Config | dict | None', model), device)
        )
        self.cfg, self.scope, self.show_progress = self.model.cfg, scope, show_progress
        self._device = device
        self.predictor = predictor_of(self.model, scope or 'das_mm', device=device)
        self.pipeline = self.predictor.pipeline
        self.collate_fn: Callable[[Sequence[Any]], Any] = self.predictor.collate
        self.visualizer = None
        self._inferencer = Inferencer(self.predictor, camera)
        if task is not None:
            check_task(self.predictor.tasks, task)

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path,
        revision: str | None = None,
        local_files_only: bool = False,
        cache_dir: str | Path | None = None,
        **options: Any,
    ) -> DASInferencer:
        """The model in a folder that ``das-mm package`` wrote, or on a hub.

        Args:
            name: The folder, or ``owner/model``.
            revision, local_files_only, cache_dir: Of the hub; see :func:`.pretrained_weights`, which says what happens
                without a network.
            options: Of the constructor.

        Raises:
            UserError: It is not there, cannot be fetched or not be loaded.
        """
        return cls(weights=pretrained_weights(name, revision, local_files_only, cache_dir), **options)

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
            inputs: Image, folder, glob, video, address of a file (http), 'webcam:0', image of Pillow, BGR array, or a
                sequence of these.
            return_datasamples: Give mmpose's data samples instead of plain results.
            batch_size: Images that go through the network together; their results do not depend on it.
            out_dir: Write everything below it: ``predictions/``, ``overlays/``, ``viewer.html``, and where they apply
                ``meshes/`` and ``tracks/``.
            show_progress: Instead of what the constructor was told.
            kwargs: ``intrinsics`` and ``fov_deg`` instead of the constructor's; ``on_skip``, called with the error of
                every input (or part of a video) that cannot be read, which is otherwise logged as a warning;
                ``score_thr`` and ``with_sigma`` instead of the config's (sigma is given where the model has it);
                ``boxes`` of people: 'das' (the default: the package's small model finds them), 'image' (one person
                fills each), or a file (:func:`.open_boxes`); a model that reads crops takes them there, any other tells
                of its people those in the boxes, whatever their score. ``points`` on people, in place of boxes: (x, y)
                px, several of these, or a file (:data:`.Points`). ``fit`` SMPL bodies to the people: True, or a
                :class:`.BodyFitter`.

                Of videos: ``track`` follows people with any model (a tracking model does so in any case), from a score
                of ``birth_thr`` on; ``smooth`` smooths them over time; ``static_camera`` adds the world frame to the
                results that are written (see :class:`.RunOptions`); ``resume`` goes on after the last whole line of an
                earlier run into the same folder (see :mod:`das_mm.inference.resume`), whose results are not given
                again.

                Of pictures: ``return_vis``; ``show`` opens a window, in which an image stays ``wait_time`` seconds (0,
                the default: until a key is pressed; q or Esc ends the run); ``draw_bbox``, ``draw_sigmas``,
                ``draw_meshes``, ``kpt_thr``, ``thickness`` and ``radius`` as of :class:`.OverlayOptions`.

                Of outputs: ``vis_out_dir``, ``pred_out_dir``, ``viewer_out_dir``, ``track_out_dir`` and
                ``mesh_out_dir`` to write some outputs only, or elsewhere; ``viewer_frames``, at most so many in a
                viewer; ``export``, formats of mesh files, out of 'obj', 'ply', 'glb' and those of :data:`.EXPORTERS`.

        Yields:
            For each image or frame ``predictions``, a list of one result (a dictionary, see
            :mod:`das_mm.inference.results`, or a data sample), and ``visualization``, a list of one overlay (H, W, 3)
            uint8 BGR, empty without ``return_vis``.

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
        asked = {**preprocess, **forward}
        options = RunOptions(
            batch_size=batch_size,
            show_progress=self.show_progress if show_progress is None else show_progress,
            **{name: asked.pop(name) for name in _RUN_OPTIONS if asked.get(name) is not None},
        )
        boxes, points = asked.pop('boxes', None), asked.pop('points', None)
        cameras = {name: asked[name] for name in ('intrinsics', 'fov_deg') if name in asked}
        camera = CameraFinder(**{**self._camera_options, **cameras}) if cameras else None
        return_vis = visualize.pop('return_vis', False)
        show, wait_time = visualize.pop('show', False), visualize.pop('wait_time', 0.0)
        if show:
            check_display()
        predictor, inferencer = self.predictor, self._inferencer
        if boxes is not None or points is not None:
            predictor = asked_for(predictor, boxes, points, self._device)
        if fit := asked.pop('fit', None):
            predictor = with_bodies(predictor, None if fit is True else fit)
        if predictor is not self.predictor:
            inferencer = Inferencer(predictor, inferencer.camera)
        run = inferencer(inputs, options, folders, OverlayOptions(**visualize), return_vis or show, camera)
        if show:
            run = show_overlays(run, wait_time)
        return self._results_of(run, return_datasamples, return_vis)

    def _results_of(
        self, run: Generator[Found, None, None], return_datasamples: bool, return_vis: bool
    ) -> Iterator[dict[str, list]]:
        with contextlib.closing(run) as results:
            for found in results:
                sample = _finished_sample(found.prediction) if return_datasamples else None
                yield self.postprocess([sample], [found.overlay], [found.result], return_datasamples, return_vis)

    # ---------------------------------------------------------------- the steps of mmengine's inferencers

    def preprocess(
        self,
        inputs: Iterable[Frame | UserError],
        batch_size: int = 1,
        camera: CameraFinder | None = None,
        on_skip: OnSkip = warn,
        is_computed: Callable[[Frame], bool] = lambda frame: True,
    ) -> Iterator[tuple[dict | None, list[Frame]]]:
        """Batches for the network and the frames they are of; see :func:`das_mm.inference.batching.batches`."""
        camera = camera or self._inferencer.camera
        for prepared, frames in batches(inputs, self.predictor, camera, batch_size, on_skip, is_computed):
            yield None if prepared is None else self.collate_fn(prepared), frames

    def forward(
        self, inputs: dict, score_thr: float | None = None, with_sigma: bool | None = None
    ) -> list[PoseDataSample]:
        """People of a batch that :meth:`preprocess` made."""
        return self.predictor.forward(cast('Any', inputs), score_thr, with_sigma)

    def visualize(self, inputs: Sequence[Frame], preds: Sequence[dict], **options: Any) -> list[np.ndarray]:
        """Overlays (H, W, 3) uint8 BGR of frames and their results; options as of :class:`.OverlayOptions`."""
        painter = OverlayPainter(self.predictor.keypoint_set, OverlayOptions(**options), self.body)
        return [painter.draw(frame, result) for frame, result in zip(inputs, preds)]

    def postprocess(
        self,
        preds: list[PoseDataSample | None],
        visualization: list,
        results: list[dict],
        return_datasamples: bool = False,
        return_vis: bool = False,
    ) -> dict[str, list]:
        """What is handed out."""
        return dict(
            predictions=preds if return_datasamples else results, visualization=visualization if return_vis else []
        )

    def _init_pipeline(self, cfg: Config) -> Compose:
        return self.predictor.pipeline

    @property
    def body(self) -> BodyModelProtocol | None:
        """The body of a model of meshes."""
        return self.model.body


def predict_images(model: EstimatorProtocol, images: Input | Sequence[Input], **kwargs: Any) -> list[dict[str, Any]]:
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


def _finished_sample(prediction: Prediction) -> PoseDataSample:
    """The data sample with what the run has made of its people: identities, smoothed places."""
    sample, people = prediction.sample, prediction.people
    found = sample.pred_instances
    fields = {**dict(found.items()), **people.instances()}
    if people.track_ids is None:
        fields.pop('track_ids', None)
    if 'root_depths_mm' in found:  # of people behind the camera it is no place, and so unknown to ``People``
        fields['root_depths_mm'] = np.where(
            np.isfinite(people.root_depths_mm), people.root_depths_mm, found.root_depths_mm
        )
    sample.pred_instances = InstanceData(**fields)
    return sample
