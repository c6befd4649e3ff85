"""People in images and videos, by whatever predictor: what the command line and :class:`DASInferencer` are built on."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from typing import Any

from das_mm.errors import UserError

from .folder_lock import hold_folder
from .inputs import Input, OpenedInputs, open_inputs
from .intrinsics import CameraFinder
from .output_folders import OutputFolders
from .overlays import OverlayOptions, OverlayPainter
from .predictor import Predictor
from .record_keeper import RecordKeeper
from .resume import Earlier
from .run import Found, Run, model_words
from .run_options import RunOptions
from .sources import Source
from .video_tracker import VideoTracker


class Inferencer:
    """Finds every person of images and videos in 3D.

    Args:
        predictor: Finds people in an image; see :func:`.open_predictor`.
        camera: Finds the intrinsics of images; by default by their EXIF data.

    Example::

        inferencer = Inferencer(open_predictor(task='pose'))
        for found in inferencer('photos/', RunOptions(batch_size=4), OutputFolders.below('out')):
            print(found.result['image']['file'], len(found.result['people']))
    """

    def __init__(self, predictor: Predictor, camera: CameraFinder | None = None):
        self.predictor, self.camera = predictor, camera or CameraFinder()

    def __call__(
        self,
        inputs: Input | Sequence[Input] | OpenedInputs,
        options: RunOptions | None = None,
        folders: OutputFolders | None = None,
        drawing: OverlayOptions | None = None,
        with_overlays: bool = False,
        camera: CameraFinder | None = None,
    ) -> Generator[Found, None, None]:
        """People of image after image; nothing is computed before it is asked for, and little is read.

        Args:
            inputs: See :func:`.open_inputs`, or what it gave.
            options: See :class:`.RunOptions`.
            folders: What is written, and where; nothing by default.
            drawing: What overlays show.
            with_overlays: Draw them also where none are written.
            camera: In place of the constructor's.

        Raises:
            UserError: At once: an input that does not exist, an option that is wrong, a folder that cannot be written.
                While running: a disk is full, or at the end not one input could be read.
        """
        predictor, options, folders = self.predictor, options or RunOptions(), folders or OutputFolders()
        _check(predictor, options, folders)
        folders.check()
        opened = inputs if isinstance(inputs, OpenedInputs) else open_inputs(inputs, options.rank)
        sources = opened.sources
        folders.check_files(sources, opened.total == 1)
        if (options.follows or options.smooth) and sources and not any(one.is_sequence for one in sources):
            logging.getLogger('das_mm').warning(
                'there is no video among the inputs: the people of images are neither followed nor smoothed'
            )
        camera = camera or self.camera
        painter = None
        with hold_folder(folders.locked, options.rank) as lock:
            earlier = _earlier(sources, folders) if options.resume else {}
            tracker = VideoTracker(predictor, options.follows, options.smooth, earlier, options.birth_thr)
            settings = {source: _settings(predictor, options, tracker, camera, source) for source in sources}
            for source, one in earlier.items():
                one.check(settings[source], camera)
            lock = lock.pop_all()  # from here on the run holds it
        if with_overlays or folders.overlays is not None:
            drawing = drawing or OverlayOptions()
            painter = OverlayPainter(predictor.keypoint_set, drawing, predictor.body, tracker.track)
        run = Run(predictor, sources, opened.total, folders, options, camera, earlier, tracker, painter)
        return run.results(RecordKeeper(folders.predictions, settings, earlier), lock)


def _check(predictor: Predictor, options: RunOptions, folders: OutputFolders) -> None:
    if options.with_sigma and not predictor.uses_sigma:
        raise UserError(
            'this model learns no sigma: its loss has none',
            field='with_sigma',
            remedy='leave it out, or use a model trained with an RLE loss',
        )
    if options.static_camera and folders.predictions is None:
        raise UserError(
            'nobody says where results go, which tell the world of the camera',
            field='static_camera',
            remedy='give a folder for them',
        )
    if folders.mesh_formats and predictor.body is None:
        raise UserError(
            'this model tells no meshes',
            field='export',
            remedy='leave it out, or use a model with a mesh branch (--task mesh)',
        )


def _settings(
    predictor: Predictor, options: RunOptions, tracker: VideoTracker, camera: CameraFinder, source: Source
) -> dict[str, Any]:
    """What the results of a source depend on beside it, as json has it: a run that goes on must have the same."""
    words = model_words(predictor, options.score_thr)
    told = dict(
        weights_sha256=words['weights_sha256'],
        score_thr=words['score_thr'],
        with_sigma=predictor.uses_sigma if options.with_sigma is None else options.with_sigma,
    )
    if 'boxes' in words:
        told['boxes'] = words['boxes']
    told.update(getattr(predictor, 'run_settings', {}))
    if source.is_sequence:
        told.update(smoothed=options.smooth, tracked=tracker.track, birth_thr=options.birth_thr)
        told.update(static_camera=options.static_camera)
        told.update(camera=camera.told(source.path))
    return told


def _earlier(sources: Sequence[Source], folders: OutputFolders) -> dict[Source, Earlier]:
    """What an earlier run left."""
    if folders.predictions is None:
        raise UserError('nobody says where the earlier results are', field='resume', remedy='give out_dir')
    found = {source: Earlier.of(source, folders.predictions) for source in sources}
    return {source: one for source, one in found.items() if one is not None}
