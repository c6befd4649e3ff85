"""People in images and videos, by whatever predictor: what the command line and :class:`DASInferencer` are built on."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from das_mm.errors import UserError

from .inputs import Input, open_sources
from .intrinsics import CameraFinder
from .outputs import OutputFolders
from .overlays import OverlayOptions, OverlayPainter
from .predictor import Predictor
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
        inputs: Input | Sequence[Input],
        options: RunOptions | None = None,
        folders: OutputFolders | None = None,
        drawing: OverlayOptions | None = None,
        with_overlays: bool = False,
        camera: CameraFinder | None = None,
    ) -> Generator[Found, None, None]:
        """People of image after image; nothing is computed before it is asked for, and little is read.

        Args:
            inputs: See :func:`.open_sources`.
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
        sources = open_sources(inputs)
        earlier = _earlier(sources, folders) if options.resume else {}
        tracker = VideoTracker(predictor, options.track, options.smooth, earlier)
        for one in earlier.values():
            one.check(model_words(predictor, options.score_thr), tracker.track, options.smooth)
        painter = None
        if with_overlays or folders.overlays is not None:
            drawing = drawing or OverlayOptions()
            painter = OverlayPainter(predictor.keypoint_set, drawing, predictor.body, tracker.track)
        camera = camera or self.camera
        return Run(predictor, sources, folders, options, camera, earlier, tracker, painter).results()


def _check(predictor: Predictor, options: RunOptions, folders: OutputFolders) -> None:
    if options.with_sigma and not predictor.uses_sigma:
        raise UserError(
            'this model learns no sigma: its loss has none',
            field='with_sigma',
            remedy='leave it out, or use a model trained with an RLE loss',
        )
    if folders.mesh_formats and predictor.body is None:
        raise UserError(
            'this model tells no meshes',
            field='export',
            remedy='leave it out, or use a model with a mesh branch (--task mesh)',
        )


def _earlier(sources: Sequence[Source], folders: OutputFolders) -> dict[Source, Earlier]:
    """What an earlier run left."""
    if folders.predictions is None:
        raise UserError('nobody says where the earlier results are', field='resume', remedy='give out_dir')
    found = {source: Earlier.of(source, folders.predictions) for source in sources}
    return {source: one for source, one in found.items() if one is not None}
