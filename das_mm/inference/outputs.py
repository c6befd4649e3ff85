"""The files of a run: results, overlays, videos, meshes, tracks and viewers, whatever way it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from das_mm.bodies.posable_body import PosableBody
from das_mm.bodies.smpl_fields import SMPL_FIELDS
from das_mm.engine import atomic_write
from das_mm.structures.arrays import to_numpy
from das_mm.structures.task_fields import TaskField
from das_mm.structures.world_frame import WorldFrame
from das_mm.visualization import save_image, write_viewer

from .annotated_video import AnnotatedVideo
from .output_folders import OutputFolders, viewer_name
from .output_streams import ResultLines
from .result_files import result_text
from .resume import Earlier
from .run_record import record_path
from .sources import Frame, Source
from .track_files import write_track_files
from .viewer_scenes import THUMBNAIL_PX, EvenSample, KeptScene, Scenes
from .world_estimation import write_world


class Outputs:
    """Writes what is added; a context manager, so that everything is closed after an error or Ctrl-C too.

    Args:
        folders: Where to.
        keypoint_set: Of the results.
        num_sources: Of the run; says how viewers are called.
        body: Of a model of meshes.
        fields: What tasks tell of people, for tracks.
        earlier: What an earlier run left of some sources: their files are written on.
        static_camera: The results of every video tell the world of its camera, which stands still.
        is_shared: Other processes have other inputs of the run: no viewer of all images is made.
    """

    def __init__(
        self,
        folders: OutputFolders,
        keypoint_set: str,
        num_sources: int,
        body: PosableBody | None = None,
        fields: Sequence[TaskField] = SMPL_FIELDS,
        earlier: Mapping[Source, Earlier] | None = None,
        static_camera: bool = False,
        is_shared: bool = False,
    ):
        self.folders, self.keypoint_set, self._single = folders, keypoint_set, num_sources == 1
        self._body, self._fields, self._earlier = body, fields, earlier or {}
        self._static_camera, self._is_shared = static_camera, is_shared
        self._images = EvenSample(folders.viewer_frames)
        self._sequence: _Sequence | None = None

    def add(
        self,
        frame: Frame,
        result: Mapping[str, Any],
        overlay: np.ndarray | None,
        vertices_mm: np.ndarray | None = None,
        is_new: bool = True,
    ) -> None:
        """Write one result, and what is seen of it.

        Args:
            frame: What it is about.
            result: See :mod:`.results`.
            overlay: (H, W, 3) uint8 BGR.
            vertices_mm: (n, V, 3) of the people, for mesh files; NaN where unknown.
            is_new: It was not there before this run.

        Raises:
            UserError: Something cannot be written.
        """
        source, folders = frame.source, self.folders
        if self._sequence is not None and self._sequence.source is not source:
            self._close_sequence()
        if is_new and vertices_mm is not None:
            self._write_meshes(frame, result, vertices_mm)
        if source.is_sequence:
            if self._sequence is None:
                self._sequence = _Sequence(source, folders, self._earlier.get(source))
            self._sequence.add(frame, result, overlay, is_new)
            sample = self._sequence.sample
        else:
            if is_new:
                self._write_image(source, result, overlay)
            sample = self._images
        if folders.viewer is not None and not (self._is_shared and sample is self._images):
            sample.add(lambda: KeptScene.of(frame, result))

    @property
    def lines_bytes(self) -> int:
        """Of the lines of results of the video that was last added to; 0 where there are none."""
        return 0 if self._sequence is None else self._sequence.lines_bytes

    def __enter__(self) -> Outputs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # after an error of the disk, say, the rest would only fail too and hide the first message
        finish = kind is None or issubclass(kind, (KeyboardInterrupt, GeneratorExit))
        self._close_sequence(finish)
        if finish and self._images.items:
            self._write_viewer(self._images, 'viewer.html', 'People in images', None)

    def _write_image(self, source: Source, result: Mapping[str, Any], overlay: np.ndarray | None) -> None:
        """The result last: where it is there, everything is (:mod:`.resume`)."""
        if overlay is not None and self.folders.overlays is not None:
            save_image(self.folders.overlays / f'{source.name}.jpg', overlay)
        if self.folders.predictions is not None:
            atomic_write(self.folders.predictions / f'{source.name}.json', result_text(result).encode() + b'\n')

    def _write_meshes(self, frame: Frame, result: Mapping[str, Any], vertices_mm: np.ndarray) -> None:
        name = frame.source.name if frame.index is None else f'{frame.source.name}/{frame.index:06d}'
        rows = np.flatnonzero(np.isfinite(vertices_mm).all((1, 2)))
        people = [result['people'][row] for row in rows]
        numbers = [person.get('track_id') for person in people]
        notes = dict(
            image=result['image']['name'],
            frame_number=frame.index,
            camera_source=result['camera']['source'],
            scores=[person['score'] for person in people],
            model=result['model']['config'],
        )
        from .mesh_files import export_meshes  # trimesh takes a second to load, for few runs

        camera, (height, width) = result['camera'], frame.image.shape[:2]
        folder, body = self.folders.meshes, self._body
        for kind in self.folders.mesh_formats:
            assert folder is not None and body is not None  # see `OutputFolders.check`; there are vertices
            export_meshes(
                folder / f'{name}.{kind}',
                vertices_mm[rows],
                to_numpy(body.faces),
                K=np.array(camera['K']),
                image_size=(width, height),
                dist=None if camera['dist'] is None else np.array(camera['dist']),
                identities=None if None in numbers else numbers,
                notes=notes,
            )

    def _close_sequence(self, finish: bool = True) -> None:
        if self._sequence is None:
            return
        sequence, self._sequence = self._sequence, None
        sequence.close()
        source, folders = sequence.source, self.folders
        world = self._write_world(source) if finish and self._static_camera else None
        if finish and folders.tracks is not None and folders.predictions is not None:
            lines = folders.predictions / f'{source.name}.jsonl'
            write_track_files(lines, folders.tracks / source.name, self._fields)
        if finish and sequence.sample.items:
            name = viewer_name(source, self._single)
            self._write_viewer(sequence.sample, name, f'People in {source.name}', source.fps, world)

    def _write_world(self, source: Source) -> WorldFrame | None:
        predictions, overlays = self.folders.predictions, self.folders.overlays
        assert predictions is not None  # see `Inferencer`
        lines = predictions / f'{source.name}.jsonl'
        world = write_world(lines, record_path(predictions, source.name))
        if world is not None and overlays is not None:
            from .floor_path_picture import write_floor_paths  # matplotlib takes a second to load, for few runs

            write_floor_paths(lines, overlays / f'{source.name}.paths.png')
        return world

    def _write_viewer(
        self, sample: EvenSample, name: str, title: str, fps: float | None, world: WorldFrame | None = None
    ) -> None:
        if sample.step > 1:
            title += f' ({len(sample.items)} of {sample.count}, one in {sample.step})'
        body = self._body if self.folders.viewer_meshes else None
        assert self.folders.viewer is not None  # nothing is kept for it otherwise
        write_viewer(
            self.folders.viewer / name,
            Scenes(sample.items, body, world),
            title,
            self.keypoint_set,
            faces=None if body is None else to_numpy(body.faces),
            frames_per_second=None if fps is None else fps / sample.step,
            thumbnail_px=THUMBNAIL_PX,
        )


class _Sequence:
    """The growing files of one video."""

    def __init__(self, source: Source, folders: OutputFolders, earlier: Earlier | None):
        self.source, self.sample = source, EvenSample(folders.viewer_frames)
        self._lines = self._video = None
        if folders.predictions is not None:
            path = folders.predictions / f'{source.name}.jsonl'
            self._lines = ResultLines(path) if earlier is None else ResultLines(path, earlier.path, earlier.size)
        if folders.overlays is not None:
            assert source.fps is not None  # as of every sequence
            self._video = AnnotatedVideo(folders.overlays / f'{source.name}.mp4', source.fps)

    def add(self, frame: Frame, result: Mapping[str, Any], overlay: np.ndarray | None, is_new: bool) -> None:
        if self._video is not None and overlay is not None:
            self._video.write(overlay, frame.time_s)
        if self._lines is not None and is_new:
            self._lines.write(result)

    @property
    def lines_bytes(self) -> int:
        return 0 if self._lines is None else self._lines.size_bytes

    def close(self) -> None:
        try:
            if self._lines is not None:
                self._lines.close()
        finally:
            if self._video is not None:
                self._video.close()
