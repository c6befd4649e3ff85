"""The output folders of a run: results, overlays, annotated videos and viewers, whatever way the run ends."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from das_mm.engine import atomic_write, check_writable
from das_mm.errors import UserError
from das_mm.visualization import Scene, save_image, write_viewer

from .inputs import Frame, Source
from .results import people_of, result_text
from .streams import AnnotatedVideo, ResultLines

_THUMBNAIL_PX = 640
_CAMERA_WORDS = dict(fov='field of view given by the user')  # what the viewer has no words for


@dataclass
class OutputFolders:
    """Where what goes; None for "not written".

    Attributes:
        predictions: Results, ``NAME.json`` or for a video ``NAME.jsonl``.
        overlays: ``NAME.jpg`` or ``NAME.mp4``.
        viewer: ``viewer.html`` of all images, or of the video where it is the only input; else ``viewer_NAME.html`` for
            each video.
        viewer_frames: At most so many images or frames in a viewer, evenly spread.
    """

    predictions: Path | None = None
    overlays: Path | None = None
    viewer: Path | None = None
    viewer_frames: int = 120

    def check(self) -> None:
        """Make the folders and see whether files can be made in them, before the work and not after it.

        Raises:
            UserError: They cannot.
        """
        if self.viewer_frames < 1:
            raise UserError(f'{self.viewer_frames} frames make no viewer', field='viewer_frames',
                            remedy='give 1 or more, or leave the viewer out')
        for folder in {self.predictions, self.overlays, self.viewer} - {None}:
            check_writable(folder)


@dataclass
class EvenSample:
    """Of a stream of unknown length at most ``limit`` items, evenly spread from its first on."""

    limit: int
    step: int = 1
    count: int = 0
    items: list = field(default_factory=list)

    def add(self, make: Callable[[], Any]) -> None:
        """Count an item, and make and keep it if its turn has come."""
        if self.count % self.step == 0:
            self.items.append(make())
            if len(self.items) > self.limit:
                self.items, self.step = self.items[::2], self.step * 2
        self.count += 1


class Outputs:
    """Writes what is added; a context manager, so that everything is closed after an error or Ctrl-C too.

    Args:
        folders: Where to.
        keypoint_set: Of the results.
        num_sources: Of the run; says how viewers are called.
    """

    def __init__(self, folders: OutputFolders, keypoint_set: str, num_sources: int):
        self.folders, self.keypoint_set, self._single = folders, keypoint_set, num_sources == 1
        self._images = EvenSample(folders.viewer_frames)
        self._sequence: _Sequence | None = None

    def add(self, frame: Frame, result: Mapping[str, Any], overlay: np.ndarray | None) -> None:
        """Write one result, and its overlay (H, W, 3) uint8 BGR.

        Raises:
            UserError: Something cannot be written.
        """
        source, folders = frame.source, self.folders
        if self._sequence is not None and self._sequence.source is not source:
            self._close_sequence()
        if source.is_sequence:
            if self._sequence is None:
                self._sequence = _Sequence(source, folders)
            self._sequence.add(result, overlay)
            sample = self._sequence.sample
        else:
            if folders.predictions is not None:
                atomic_write(folders.predictions / f'{source.name}.json', result_text(result).encode() + b'\n')
            if overlay is not None and folders.overlays is not None:
                save_image(folders.overlays / f'{source.name}.jpg', overlay)
            sample = self._images
        if folders.viewer is not None:
            sample.add(lambda: _scene(frame, result))

    def __enter__(self) -> Outputs:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        # after an error of the disk, say, the viewer would only fail too and hide the first message
        finish = kind is None or issubclass(kind, (KeyboardInterrupt, GeneratorExit))
        self._close_sequence(viewer=finish)
        if finish and self._images.items:
            self._write_viewer(self._images, 'viewer.html', 'People in images', None)

    def _close_sequence(self, viewer: bool = True) -> None:
        if self._sequence is None:
            return
        sequence, self._sequence = self._sequence, None
        sequence.close()
        if viewer and sequence.sample.items:
            name = 'viewer.html' if self._single else f'viewer_{sequence.source.name}.html'
            self._write_viewer(sequence.sample, name, f'People in {sequence.source.name}', sequence.source.fps)

    def _write_viewer(self, sample: EvenSample, name: str, title: str, fps: float | None) -> None:
        if sample.step > 1:
            title += f' ({len(sample.items)} of {sample.count}, one in {sample.step})'
        write_viewer(self.folders.viewer / name, sample.items, title, self.keypoint_set,
                     frames_per_second=None if fps is None else fps / sample.step, thumbnail_px=_THUMBNAIL_PX)


class _Sequence:
    """The growing files of one video."""

    def __init__(self, source: Source, folders: OutputFolders):
        self.source, self.sample = source, EvenSample(folders.viewer_frames)
        self._lines = self._video = None
        if folders.predictions is not None:
            self._lines = ResultLines(folders.predictions / f'{source.name}.jsonl')
        if folders.overlays is not None:
            self._video = AnnotatedVideo(folders.overlays / f'{source.name}.mp4', source.fps)

    def add(self, result: Mapping[str, Any], overlay: np.ndarray | None) -> None:
        if self._lines is not None:
            self._lines.write(result)
        if self._video is not None and overlay is not None:
            self._video.write(overlay)

    def close(self) -> None:
        try:
            if self._lines is not None:
                self._lines.close()
        finally:
            if self._video is not None:
                self._video.close()


def _scene(frame: Frame, result: Mapping[str, Any]) -> Scene:
    height, width = frame.image.shape[:2]
    scale = min(1.0, _THUMBNAIL_PX / max(height, width))
    small = tuple(max(1, round(side * scale)) for side in (width, height))
    source = result['camera']['source']
    title = frame.source.name if frame.index is None else f'frame {frame.index} ({frame.time_s:.2f} s)'
    return Scene(title, people_of(result), (width, height), np.array(result['camera']['K']),
                 _CAMERA_WORDS.get(source, source),
                 cv2.resize(frame.image, small, interpolation=cv2.INTER_AREA) if scale < 1 else frame.image.copy())
