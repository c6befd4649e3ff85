"""A run of inference over its inputs: read ahead, compute, draw, write, and give what was found."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from mmengine.logging import print_log
from mmpose.structures import PoseDataSample

from das_mm.errors import UserError

from .body_surfaces import mesh_vertices
from .intrinsics import CameraFinder
from .outputs import OutputFolders, Outputs
from .overlays import OverlayPainter
from .prefetch import read_ahead
from .progress import InferenceProgress
from .resume import Earlier
from .sources import Frame, Source
from .video_tracker import Follower

if TYPE_CHECKING:
    from .inferencer import DASInferencer

OnSkip = Callable[[UserError], None]

_FRAMES_AHEAD = 8  # 200 MB of 4K video


@dataclass
class Run:
    """One call of an inferencer.

    Attributes:
        sources: The inputs.
        folders: Where to write.
        camera: Finds intrinsics.
        batch_size: Of the network.
        forward: Options of :meth:`DASInferencer.forward`.
        earlier: What an earlier run left, of the sources of which there is something.
        follower: Follows people through videos.
        painter: Draws overlays; None for none.
        on_skip: Is told what cannot be read.
        show_progress: Draw a progress bar.
    """

    sources: Sequence[Source]
    folders: OutputFolders
    camera: CameraFinder
    batch_size: int
    forward: Mapping[str, Any]
    earlier: Mapping[Source, Earlier]
    follower: Follower
    painter: OverlayPainter | None
    on_skip: OnSkip
    show_progress: bool

    def results(
        self, inferencer: DASInferencer
    ) -> Generator[tuple[PoseDataSample, dict[str, Any], np.ndarray | None], None, None]:
        """Data sample, result and overlay of every image and frame that is new.

        Raises:
            UserError: A disk is full, or at the end not one input could be read.
        """
        keypoint_set, body = inferencer.model.dataset_meta['keypoint_set'], inferencer.body
        todo = [source for source in self.sources if self._something_left(source)]
        needs_mesh = body is not None and (
            bool(self.folders.mesh_formats) or (self.painter is not None and self.painter.body is not None)
        )
        skipped, done = [], 0

        def skip(error: UserError) -> None:
            skipped.append(error)
            progress.advance()
            self.on_skip(error)

        with (
            InferenceProgress(self._num_frames(todo), self.show_progress) as progress,
            Outputs(self.folders, keypoint_set, len(self.sources), body, self.earlier) as outputs,
            closing(self._steps(inferencer, todo, skip)) as steps,
        ):
            for frame, sample, result, is_new in steps:
                progress.advance()
                done += 1
                if result is None:
                    continue
                vertices = mesh_vertices(result, body) if needs_mesh else None
                overlay = None if self.painter is None else self.painter.draw(frame, result, vertices)
                outputs.add(frame, result, overlay, vertices, is_new)
                if is_new:
                    yield sample, result, overlay
        if skipped and not done:
            raise (
                skipped[0]
                if len(skipped) == 1
                else UserError(
                    f'none of the {len(skipped)} inputs can be read; the first: {skipped[0].problem}',
                    file=skipped[0].file,
                    remedy=skipped[0].remedy,
                )
            )

    def _steps(
        self, inferencer: DASInferencer, sources: Sequence[Source], skip: OnSkip
    ) -> Generator[tuple[Frame, PoseDataSample | None, dict[str, Any] | None, bool], None, None]:
        """Frame after frame with its data sample (None where the network was not asked), its result (None where an
        earlier run had none) and whether that is new."""
        events = _events(sources, {source: self._first_read(source) for source in sources})
        with closing(events):  # the traceback of an error may keep this stack alive: reading ends all the same
            for batch, frames in inferencer.preprocess(events, self.batch_size, self.camera, skip, self._is_computed):
                samples = [None] * len(frames) if batch is None else inferencer.forward(batch, **self.forward)
                for frame, sample in zip(frames, samples):
                    yield frame, sample, *self._finished(inferencer, frame, sample)

    def _finished(
        self, inferencer: DASInferencer, frame: Frame, sample: PoseDataSample | None
    ) -> tuple[dict[str, Any] | None, bool]:
        """The result of a frame, and whether it is new."""
        is_new = not self._is_known(frame)
        known = None if is_new else self.earlier[frame.source].result_of(frame)
        if sample is not None and (is_new or known is not None):
            self.follower.follow(frame, sample, known)
        if not is_new:
            return known, False
        smoothed = self.follower.smooth and frame.index is not None
        return inferencer.result_of(frame, sample, self.forward.get('score_thr'), smoothed), True

    # ---------------------------------------------------------------- after an earlier run

    def _is_known(self, frame: Frame) -> bool:
        earlier = self.earlier.get(frame.source)
        return earlier is not None and (frame.index is None or frame.index <= earlier.last)

    def _is_computed(self, frame: Frame) -> bool:
        again = frame.index is not None and frame.index >= self._first_computed(frame.source)
        return again or not self._is_known(frame)

    def _first_computed(self, source: Source) -> int:
        earlier = self.earlier.get(source)
        if earlier is None or earlier.last is None:
            return 0
        return max(0, earlier.last + 1 - self.follower.warm_up(source))

    def _first_read(self, source: Source) -> int:
        return 0 if self.folders.pictures else self._first_computed(source)

    def _something_left(self, source: Source) -> bool:
        """Frames to compute, or files to write. Images that are done are read for the viewer only."""
        earlier = self.earlier.get(source)
        if earlier is None:
            return True
        if earlier.last is None:
            return self.folders.viewer is not None
        return not (earlier.complete and self.folders.hold_all_of(source, len(self.sources) == 1))

    def _num_frames(self, sources: Sequence[Source]) -> int | None:
        counts = [source.num_frames for source in sources]
        return None if None in counts else sum(counts) - sum(map(self._first_read, sources))


def _events(sources: Sequence[Source], first: Mapping[Source, int]) -> Generator[Frame | UserError, None, None]:
    """Frames, from number ``first`` of their source on, and errors, in order; read ahead, except from a camera."""

    def read(some: Sequence[Source]) -> Generator[Frame | UserError, None, None]:
        for source in some:
            errors: list[UserError] = []
            yield from source.frames(errors.append, first[source])
            yield from errors

    for live, some in groupby(sources, key=lambda source: source.live):
        events = read(list(some))
        yield from events if live else read_ahead(events, _FRAMES_AHEAD)


def warn(error: UserError) -> None:
    """Log what cannot be read."""
    print_log(str(error), logger='current', level=logging.WARNING)
