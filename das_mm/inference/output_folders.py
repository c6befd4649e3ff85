"""The output folders of a run, and whether they can take its files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from das_mm.engine import check_writable
from das_mm.errors import UserError

from .mesh_exporters import EXPORTERS
from .sources import Source


@dataclass
class OutputFolders:
    """Where what goes; None for "not written".

    Attributes:
        predictions: Results, ``NAME.json`` or for a video ``NAME.jsonl``.
        overlays: ``NAME.jpg`` or ``NAME.mp4``.
        viewer: ``viewer.html`` of all images, or of the video where it is the only input; else ``viewer_NAME.html`` for
            each video.
        viewer_frames: At most so many images or frames in a viewer, evenly spread.
        meshes: ``NAME.obj``; for a video ``NAME/000012.obj`` of each frame.
        mesh_formats: Suffixes of those: 'obj', 'ply', 'glb', or others of :data:`.EXPORTERS`.
        tracks: ``NAME/0003.npz`` for each identity of a video; made out of the results, so they must be written too.
        viewer_meshes: Show surfaces in the viewer.
    """

    predictions: Path | None = None
    overlays: Path | None = None
    viewer: Path | None = None
    viewer_frames: int = 600
    meshes: Path | None = None
    mesh_formats: Sequence[str] = ()
    tracks: Path | None = None
    viewer_meshes: bool = True

    @classmethod
    def below(
        cls,
        out_dir: str | Path | None,
        *,
        pred_out_dir: str | Path | None = None,
        vis_out_dir: str | Path | None = None,
        viewer_out_dir: str | Path | None = None,
        track_out_dir: str | Path | None = None,
        mesh_out_dir: str | Path | None = None,
        export: str | Sequence[str] | None = None,
        **options: Any,
    ) -> OutputFolders:
        """Everything below one folder, but for what has a folder of its own."""
        path = lambda given, name: Path(given) if given else Path(out_dir, name) if out_dir else None
        formats = [export] if isinstance(export, str) else list(export or ())
        return cls(
            predictions=path(pred_out_dir, 'predictions'),
            overlays=path(vis_out_dir, 'overlays'),
            viewer=path(viewer_out_dir, ''),
            meshes=path(mesh_out_dir, 'meshes'),
            tracks=path(track_out_dir, 'tracks'),
            mesh_formats=tuple(dict.fromkeys(formats)),
            **options,
        )

    def check(self) -> None:
        """Make the folders and see whether files can be made in them, before the work and not after it.

        Raises:
            UserError: They cannot, or an option is wrong.
        """
        if self.viewer_frames < 1:
            raise UserError(
                f'{self.viewer_frames} frames make no viewer',
                field='viewer_frames',
                remedy='give 1 or more, or leave the viewer out',
            )
        for kind in self.mesh_formats:
            if kind not in EXPORTERS:
                raise UserError(
                    f'{kind!r} is no mesh format that can be written',
                    field='export',
                    remedy=f'choose out of {", ".join(EXPORTERS.names())}',
                )
        if self.mesh_formats and self.meshes is None:
            raise UserError('nobody says where meshes go', field='mesh_out_dir', remedy='give a folder')
        for folder in self._written():
            if not _is_utf8(folder):
                problem = 'its name is no UTF-8, which no video can be written to'
                raise UserError(problem, file=folder, field='out', remedy='give another folder')
            check_writable(folder, 'out')

    def check_files(self, sources: Sequence[Source], single: bool | None = None) -> None:
        """Whether no file would have to take the place of a folder, nor the other way round.

        Args:
            sources: Of this run or process.
            single: There is one input in all; None: as many as sources.

        Raises:
            UserError: One would.
        """
        single = len(sources) == 1 if single is None else single
        for folder in [self.tracks, *(self.tracks / one.name for one in sources)] if self.tracks else []:
            if os.path.isfile(folder):
                raise UserError(
                    'a file stands where the folder of tracks is to be made',
                    file=folder,
                    field='out',
                    remedy='move the file away, or choose another folder for the results',
                )
        for source in sources:
            kinds = ('jsonl', 'mp4') if source.is_sequence else ('json', 'jpg')
            files = [None if self.predictions is None else self.predictions / f'{source.name}.{kinds[0]}']
            files += [None if self.overlays is None else self.overlays / f'{source.name}.{kinds[1]}']
            if self.viewer is not None:
                name = viewer_name(source, single) if source.is_sequence else 'viewer.html'
                files.append(self.viewer / name)
            for file in files:
                if file is not None and os.path.isdir(file):
                    raise UserError(
                        'a folder stands where a file is to be written',
                        file=file,
                        field='out',
                        remedy='move the folder away, or choose another for the results',
                    )

    @property
    def locked(self) -> Path | None:
        """The folder that says whether another run writes there; None where nothing is written."""
        return next(iter(self._written()), None)

    def _written(self) -> list[Path]:
        named = (self.predictions, self.overlays, self.viewer, self.meshes if self.mesh_formats else None)
        return [folder for folder in named if folder is not None]

    @property
    def pictures(self) -> bool:
        """Something is written that shows the images themselves."""
        return self.overlays is not None or self.viewer is not None

    def hold_all_of(self, source: Source, single: bool) -> bool:
        """Whether an earlier run that came to the end of a video has left every file of it."""
        assert self.predictions is not None  # an earlier run can only be gone on with there
        files = [self.predictions / f'{source.name}.jsonl']
        files += [] if self.overlays is None else [self.overlays / f'{source.name}.mp4']
        files += [] if self.viewer is None else [self.viewer / viewer_name(source, single)]
        return all(file.is_file() for file in files)


def viewer_name(source: Source, single: bool) -> str:
    """The file of a video's viewer; ``single``: it is the only input of the run."""
    return 'viewer.html' if single else f'viewer_{source.name}.html'


def _is_utf8(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
