"""Makes a whole set: shares the images among processes, shows how far it is, and leaves only whole files behind."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from das_mm.errors import UserError

from .config import GENERATOR_VERSION, SyntheticConfig
from .drawing_pool import drawn_images
from .generated_meshes import vertices_from_row
from .ground_truth import keypoint_names
from .records import annotation_json, read_record, smpl_name, smpl_npz
from .set_files import sole_writer, write_error, write_whole
from .units import draw_unit, record_path, unit_images


@dataclass(frozen=True)
class GeneratedPaths:
    """Where a finished set lies.

    Attributes:
        root: Folder to which ``file_name`` and ``depth_file`` of the annotations are relative.
        annotations: Joint set -> its json.
        smpl: SMPL parameters of all people.
    """

    root: Path
    annotations: dict[str, Path]
    smpl: Path


def generate(
    config: SyntheticConfig, root: str | Path, workers: int | None = None, progress: bool = True
) -> GeneratedPaths:
    """Make the set, finish what was begun, or return at once where it is there.

    Args:
        config: What to make; the same settings always give the same truth, however many processes draw. On another
            processor, or with other threads in this very process, floats round otherwise: the last stored digit of a
            number may differ by one, the depth of a pixel by 1 mm, and pictures by what little that makes of them.
        root: Folder of the set; other splits may lie in it.
        workers: Processes; all cores where None, this very process where 0.
        progress: Show a bar with images a second and time left.

    Raises:
        UserError: ``root`` cannot be written to, the disk is full, or the folder holds another set of this split.
            What is finished stays; the same call goes on from there.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     config = SyntheticConfig(num_images=1, image_size=(64, 48))
        ...     generate(config, folder, workers=0, progress=False).annotations['coco17'].name
        'train_coco17.json'
    """
    root = Path(root)
    keypoint_names(config.joint_sets)  # an impossible set is refused before anything is drawn
    paths = _paths(config, root)
    if _state(config, root) == 'finished':
        return paths
    with sole_writer(root, f'synthetic_{config.split}'):
        if _state(config, root) == 'finished':  # by the process that was waited for
            return paths
        records = root / f'.records_{config.split}'
        _write_state(config, root, 'unfinished')
        _draw_missing(config, root, records, (os.cpu_count() or 1) if workers is None else workers, progress)
        _write_annotations(config, paths, records)
        _write_state(config, root, 'finished')
        shutil.rmtree(records, ignore_errors=True)
    return paths


def _paths(config: SyntheticConfig, root: Path) -> GeneratedPaths:
    files = {name: root / 'annotations' / f'{config.split}_{name}.json' for name in config.joint_sets}
    return GeneratedPaths(root, files, root / smpl_name(config))


def _state_file(config: SyntheticConfig, root: Path) -> Path:
    return root / f'synthetic_{config.split}.json'


def _write_state(config: SyntheticConfig, root: Path, state: str) -> None:
    content = {'state': state, 'key': config.key, 'version': GENERATOR_VERSION, 'settings': asdict(config)}
    write_whole(_state_file(config, root), json.dumps(content, indent=1).encode())


def _state(config: SyntheticConfig, root: Path) -> str:
    """'finished', 'unfinished' or 'absent'; an error where the folder holds another set under this split's name."""
    path = _state_file(config, root)
    try:
        stored = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return 'absent'
    except OSError as error:
        raise write_error(error, path) from error
    except json.JSONDecodeError:
        stored = {}
    if stored.get('key') != config.key:
        theirs = {**stored.get('settings', {}), 'version': stored.get('version')}
        ours = {**json.loads(json.dumps(asdict(config))), 'version': GENERATOR_VERSION}
        differ = ', '.join(
            f'{name} {theirs.get(name)} there, {ours[name]} now' for name in ours if theirs.get(name) != ours[name]
        )
        raise UserError(
            f'the folder holds another set of the split {config.split!r} ({differ or "unreadable"})',
            file=path,
            remedy='choose another folder or split, or delete the old set',
        )
    paths = _paths(config, root)
    files = [*paths.annotations.values(), paths.smpl]
    return 'finished' if stored['state'] == 'finished' and all(file.exists() for file in files) else 'unfinished'


def _draw_missing(config: SyntheticConfig, root: Path, records: Path, workers: int, progress: bool) -> None:
    """Draw every image without a record."""
    done = {n for n in range(config.num_images) if record_path(records, n).exists()}
    units = range(-(-config.num_images // len(unit_images(config, 0))))
    todo = [unit for unit in units if not done.issuperset(unit_images(config, unit))]
    if not todo:
        return
    columns = (
        TextColumn('{task.description}', style='bold', markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn('{task.fields[rate]}'),
        TextColumn('elapsed'),
        TimeElapsedColumn(),
        TextColumn('left'),
        TimeRemainingColumn(),
    )
    with Progress(*columns, disable=not progress, refresh_per_second=4) as bar:
        task = bar.add_task(f'synthetic {config.split}', total=config.num_images, completed=len(done), rate='')
        with closing(_numbers(config, todo, root, records, workers)) as numbers:
            for number in numbers:
                if number not in done:
                    done.add(number)
                    bar.advance(task)
                    bar.update(task, rate=f'{bar.tasks[0].speed or 0:.1f} images/s')


def _numbers(
    config: SyntheticConfig, todo: list[int], root: Path, records: Path, workers: int
) -> Generator[int, None, None]:
    if workers == 0:
        return (number for unit in todo for number in draw_unit(config, unit, root, records))
    return drawn_images(config, todo, root, records, min(workers, len(todo)))


def _write_annotations(config: SyntheticConfig, paths: GeneratedPaths, records: Path) -> None:
    loaded = [read_record(record_path(records, number)) for number in range(config.num_images)]
    for name, path in paths.annotations.items():
        write_whole(path, json.dumps(annotation_json(config, loaded, name)).encode())
    write_whole(paths.smpl, smpl_npz(config, loaded, _vertices(loaded) if config.save_vertices else None))


def _vertices(records: list[dict]) -> list[np.ndarray]:
    rows = [person['smpl'] for record in records for person in record['persons']]
    return [vertices_from_row({name: np.array([value]) for name, value in row.items()}, 0) for row in rows]
