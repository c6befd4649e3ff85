"""A run of inference over its inputs: read ahead, compute, draw, write, and give what was found."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from das_mm.errors import UserError
from das_mm.structures.task_fields import fields_of

from .batching import batches
from .body_surfaces import mesh_vertices
from .intrinsics import CameraFinder
from .output_folders import OutputFolders
from .outputs import Outputs
from .overlays import OverlayPainter
from .predictor import Prediction, Predictor
from .prefetch import read_ahead
from .progress import InferenceProgress
from .record_keeper import RecordKeeper
from .results import make_result
from .resume import Earlier
from .run_options import OnSkip, RunOptions
from .sources import Frame, Source
from .video_tracker import VideoTracker

_FRAMES_AHEAD = 8  # 200 MB of 4K video


@dataclass(frozen=True)
class Found:
    """What a run gives of one image or frame.

    Attributes:
        frame: The image.
        prediction: People with their identities, smoothed where that was asked for.
        result: See :mod:`.results`.
        overlay: (H, W, 3) uint8 BGR; None where nothing is drawn.
    """

    frame: Frame
    prediction: Prediction
    result: dict[str, Any]
    overlay: np.ndarray | None


@dataclass
class Run:
    """One call of an inferencer.

    Attributes:
        predictor: Finds people.
        sources: The inputs.
        num_inputs: Of all processes that share the run.
        folders: Where to write.
        options: Of the call.
        camera: Finds intrinsics.
        earlier: What an earlier run left, of the sources of which there is something.
        tracker: Follows people through videos.
        painter: Draws overlays; None for none.
    """

    predictor: Predictor
    sources: Sequence[Source]
    num_inputs: int
    folders: OutputFolders
    options: RunOptions
    camera: CameraFinder
    earlier: Mapping[Source, Earlier]
    tracker: VideoTracker
    painter: OverlayPainter | None

    def results(self, keeper: RecordKeeper, lock: AbstractContextManager | None = None) -> Generator[Found, None, None]:
        """Every image and frame that is new.

        Args:
            keeper: Keeps records for a run that goes on after this one.
            lock: Of the folders; it is closed when the run ends.

        Raises:
            UserError: A disk is full, or at the end not one input could be read.
        """
        body = self.predictor.body
        todo = [source for source in self.sources if self._something_left(source)]
        needs_mesh = body is not None and (
            bool(self.folders.mesh_formats) or (self.painter is not None and self.painter.body is not None)
        )
        skipped, done = [], 0

        def skip(error: UserError) -> None:
            skipped.append(error)
            progress.advance()
            self.options.on_skip(error)

        with (
            lock or nullcontext(),
            InferenceProgress(self._num_frames(todo), self.options.show_progress) as progress,
            self._outputs() as outputs,
            self.tracker.running(),
            keeper,
            closing(self._steps(todo, skip)) as steps,
        ):
            for frame, prediction, result, is_new, ends_batch in steps:
                progress.advance()
                done += 1
                if result is None:
                    continue
                vertices = mesh_vertices(result, body) if needs_mesh and body is not None else None
                overlay = None if self.painter is None else self.painter.draw(frame, result, vertices)
                if is_new:
                    keeper.before(frame)
                outputs.add(frame, result, overlay, vertices, is_new)
                if is_new:
                    if ends_batch:  # the predictor's own memory may be ahead of a frame in the middle
                        keeper.after(frame, outputs.lines_bytes, self.tracker.state)
                    assert prediction is not None  # it is what is new
                    yield Found(frame, prediction, result, overlay)
        if skipped and not done and self.options.rank.count == 1:
            raise skipped[0] if len(skipped) == 1 else _none_readable(skipped)

    def _outputs(self) -> Outputs:
        predictor, fields = self.predictor, fields_of(self.predictor.tasks.values())
        return Outputs(
            self.folders,
            predictor.keypoint_set,
            self.num_inputs,
            predictor.body,
            fields,
            self.earlier,
            self.options.static_camera,
            self.options.rank.count > 1,
        )

    def _steps(
        self, sources: Sequence[Source], skip: OnSkip
    ) -> Generator[tuple[Frame, Prediction | None, dict[str, Any] | None, bool, bool], None, None]:
        """Frame after frame with its prediction (None where the network was not asked), its result (None where an
        earlier run had none), whether that is new, and whether the frame is the last of its batch."""
        options = self.options
        events = _events(sources, {source: self._first_read(source) for source in sources})
        with closing(events):  # the traceback of an error may keep this stack alive: reading ends all the same
            for batch, frames in batches(
                events, self.predictor, self.camera, options.batch_size, skip, self._is_computed, self.tracker.begins_at
            ):
                predictions: Sequence[Prediction | None] = [None] * len(frames)
                if batch is not None:
                    predictions = self.predictor.predict(batch, options.score_thr, options.with_sigma)
                for frame, prediction in zip(frames, predictions):
                    yield *(frame, *self._finished(frame, prediction)), frame is frames[-1]

    def _finished(
        self, frame: Frame, prediction: Prediction | None
    ) -> tuple[Prediction | None, dict[str, Any] | None, bool]:
        """The prediction of a frame with its identities, its result, and whether that is new."""
        is_new = not self._is_known(frame)
        known = None if is_new else self.earlier[frame.source].result_of(frame)
        if prediction is not None:
            prediction = prediction.with_people(self.tracker.follow(frame, prediction.people))
        if not is_new or prediction is None:
            return prediction, known, False
        return prediction, self._result_of(frame, prediction), True

    def _result_of(self, frame: Frame, prediction: Prediction) -> dict[str, Any]:
        predictor, body = self.predictor, self.predictor.body
        height, width = frame.image.shape[:2]
        image = dict(
            file=_as_unicode(frame.source.file),
            name=frame.source.name,
            width=width,
            height=height,
            frame=frame.index,
            time_s=None if frame.time_s is None else round(frame.time_s, 6),
        )
        result, dropped = make_result(
            prediction.people,
            prediction.camera,
            image,
            model_words(predictor, self.options.score_thr),
            predictor.keypoint_set,
            None if body is None else body.name,
            self.tracker.smooth and frame.index is not None,
            fields_of(predictor.tasks.values()),
        )
        if dropped:
            logging.getLogger('das_mm').warning(
                f'{frame.source.name}: {dropped} people are left out: numbers of theirs are not finite'
            )
        return result

    # ---------------------------------------------------------------- after an earlier run

    def _is_known(self, frame: Frame) -> bool:
        earlier = self.earlier.get(frame.source)
        return earlier is not None and (frame.index is None or earlier.last is None or frame.index <= earlier.last)

    def _is_computed(self, frame: Frame) -> bool:
        again = frame.source.is_sequence and (frame.index or 0) >= self._first_computed(frame.source)
        return again or not self._is_known(frame)

    def _first_computed(self, source: Source) -> int:
        earlier = self.earlier.get(source)
        if earlier is None or earlier.last is None:
            return 0
        return self.tracker.first_needed(source) if self.tracker.track else earlier.last + 1

    def _first_read(self, source: Source) -> int:
        return 0 if self.folders.pictures else self._first_computed(source)

    def _something_left(self, source: Source) -> bool:
        """Frames to compute, or files to write. Images that are done are read for the viewer only."""
        earlier = self.earlier.get(source)
        if earlier is None:
            return True
        if earlier.last is None:
            return self.folders.viewer is not None and self.options.rank.count == 1
        return not (earlier.complete and self.folders.hold_all_of(source, self.num_inputs == 1))

    def _num_frames(self, sources: Sequence[Source]) -> int | None:
        counts = [source.num_frames for source in sources if source.num_frames is not None]
        return None if len(counts) < len(sources) else sum(counts) - sum(map(self._first_read, sources))


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


def _as_unicode(file: str | None) -> str | None:
    """The name of a file with bytes that are no UTF-8 escaped, so that any reader of json takes it."""
    return None if file is None else os.fsencode(file).decode(errors='backslashreplace')


def model_words(predictor: Predictor, score_thr: float | None) -> dict[str, Any]:
    """The model and its threshold, for results."""
    return dict(predictor.provenance, score_thr=predictor.score_thr if score_thr is None else score_thr)


def _none_readable(errors: Sequence[UserError]) -> UserError:
    first = errors[0]
    problem = f'none of the {len(errors)} inputs can be read; the first: {first.problem}'
    return UserError(problem, file=first.file, remedy=first.remedy)
