"""Making a set: cache, resumption, processes, and what happens where the disk says no."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace

import cv2
import numpy as np
import pytest

from das_mm.datasets.synthetic import SyntheticConfig, drawing_pool, generate, generator, write_contact_sheet
from das_mm.datasets.synthetic import set_files as writing
from das_mm.datasets.synthetic.generated_meshes import load_smpl, vertices_from_row
from das_mm.errors import UserError
from das_mm.registry import DATASETS

TINY = SyntheticConfig(num_images=3, image_size=(64, 48), people=(1, 2), seed=9)


def texts(paths) -> list[str]:
    return [path.read_text() for path in paths.annotations.values()]


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    return generate(TINY, tmp_path_factory.mktemp('tiny'), workers=0, progress=False)


def test_a_second_call_draws_nothing(tiny, monkeypatch):
    monkeypatch.setattr(generator, '_draw_missing', lambda *args: pytest.fail('drawn again'))
    assert generate(TINY, tiny.root, progress=False) == tiny


def test_every_setting_and_the_version_change_the_key():
    changes = dict(
        num_images=4,
        image_size=(64, 64),
        people=(1, 3),
        seed=8,
        split='val',
        kind='clips',
        clip_length=20,
        fps=20.0,
        joint_sets=('coco17',),
        jpeg_quality=80,
        save_vertices=True,
        subject_share=(0.5, 1.0),
        share_spread=0.1,
        clothes='suits',
    )
    assert len({TINY.key, *(replace(TINY, **{field: value}).key for field, value in changes.items())}) == 1 + len(
        changes
    )


def test_the_key_is_the_same_everywhere():
    """No number is computed for it. Who changes it has all sets drawn again that lie in caches."""
    assert TINY.key == 'fda4e9026b5da3ed'


def test_processes_draw_the_same_truth(tiny, tmp_path):
    """To the last digit: on one processor and with one thread each (``tests/conftest.py``)."""
    assert texts(generate(TINY, tmp_path, workers=2, progress=False)) == texts(tiny)
    assert not list(tmp_path.rglob('*.tmp'))


def test_a_killed_run_is_finished_by_the_next(tiny, tmp_path, monkeypatch):
    written = []

    def dies_at_the_second_image(path, data, real=writing.write_whole):
        if path.suffix == '.jpg' and len(written) == 1:
            path.with_name(f'.{path.name}.1.tmp').write_bytes(data[:100])  # what a killed process leaves
            raise KeyboardInterrupt
        written.extend([path] if path.suffix == '.jpg' else [])
        real(path, data)

    with monkeypatch.context() as patched:
        patched.setattr('das_mm.datasets.synthetic.drawing.write_whole', dies_at_the_second_image)
        with pytest.raises(KeyboardInterrupt):
            generate(TINY, tmp_path, workers=0, progress=False)
    assert not (tmp_path / 'annotations').exists()
    first = tmp_path / 'images/train/000000.jpg'
    drawn_at = first.stat().st_mtime_ns
    paths = generate(TINY, tmp_path, workers=0, progress=False)
    assert texts(paths) == texts(tiny)
    assert first.stat().st_mtime_ns == drawn_at  # what was whole is not drawn again
    assert not (tmp_path / '.records_train').exists()


def test_a_lost_annotation_file_is_made_again(tmp_path):
    config = replace(TINY, num_images=1)
    paths = generate(config, tmp_path, workers=0, progress=False)
    before = texts(paths)
    paths.annotations['coco17'].unlink()
    assert texts(generate(config, tmp_path, workers=0, progress=False)) == before


def test_another_set_in_the_folder_is_not_overwritten(tiny):
    with pytest.raises(UserError, match=r'seed 9 there, 10 now') as error:
        generate(replace(TINY, seed=10), tiny.root, progress=False)
    assert error.value.remedy


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='cannot be written') as error:
        generate(TINY, tmp_path / 'file' / 'set', workers=0, progress=False)
    assert str(tmp_path / 'file') in str(error.value.file) and 'another folder' in error.value.remedy


@pytest.mark.parametrize('workers', [0, 1])
def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch, workers):
    real = os.replace

    def full(source, target):
        if str(target).endswith('000001.png'):
            raise OSError(errno.ENOSPC, 'No space left on device')
        real(source, target)

    if workers:  # in another process a folder in the way does what the patch does in this one
        (tmp_path / 'depth/train/000001.png').mkdir(parents=True)
    else:
        monkeypatch.setattr(writing.os, 'replace', full)
    with pytest.raises(UserError, match='cannot be written') as error:
        generate(TINY, tmp_path, workers=workers, progress=False)
    assert str(error.value.file).endswith('000001.png') and 'run the same command again' in error.value.remedy
    records = sorted(path.name for path in (tmp_path / '.records_train').iterdir())
    assert '000000.json' in records and '000001.json' not in records
    assert not list(tmp_path.rglob('.*.tmp'))
    monkeypatch.undo()
    if workers:
        (tmp_path / 'depth/train/000001.png').rmdir()
    assert generate(TINY, tmp_path, workers=0, progress=False).smpl.exists()


def test_a_process_that_dies_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing_pool.sys, 'executable', '/bin/false')
    with pytest.raises(UserError, match='ended with status 1'):
        generate(TINY, tmp_path, workers=2, progress=False)


def test_vertices_may_be_kept(tiny, tmp_path):
    kept = load_smpl(
        generate(replace(TINY, num_images=1, save_vertices=True), tmp_path, workers=0, progress=False).smpl
    )
    computed = load_smpl(tiny.smpl)
    assert kept['vertices'].shape[1:] == (6890, 3)
    np.testing.assert_allclose(vertices_from_row(kept, 0), vertices_from_row(computed, 0), atol=1e-5)


def test_no_smpl_file(tmp_path):
    (tmp_path / 'broken.npz').write_bytes(b'PK')
    for name in ('absent.npz', 'broken.npz'):
        with pytest.raises(UserError, match=name):
            load_smpl(tmp_path / name)


def test_an_image_without_people(tmp_path):
    paths = generate(
        SyntheticConfig(num_images=1, image_size=(64, 48), people=(0, 0)), tmp_path, workers=0, progress=False
    )
    stored = json.loads(paths.annotations['coco17'].read_text())
    assert len(stored['images']) == 1 and stored['annotations'] == []
    assert len(load_smpl(paths.smpl)['betas']) == 0


def test_contact_sheet(tiny, tmp_path):
    sheet = write_contact_sheet(
        tiny.annotations['coco17'], tiny.root, tmp_path / 'sheet.png', most=3, columns=2, width_px=96
    )
    assert cv2.imread(str(sheet)).shape == (2 * 72, 2 * 2 * 96, 3)


def test_registered_dataset_makes_itself(tmp_path):
    settings = dict(
        type='das_mm.SyntheticPeople',
        num_images=2,
        image_size=(64, 48),
        people=(1, 2),
        seed=9,
        root=str(tmp_path),
        workers=0,
        pipeline=[],
    )
    dataset = DATASETS.build(settings)
    assert len(dataset) == 2
    record = dataset.get_data_info(0)
    assert os.path.exists(record['img_path']) and record['camera']['source'] == 'annotation'
    assert record['keypoints_3d'].shape[1:] == (15, 3) and record['smpl_row'][0] == 0
    assert DATASETS.build({**settings, 'keypoint_set': 'coco17'}).get_data_info(0)['keypoints'].shape[1] == 17


def test_cache_folder_follows_the_environment(tmp_path, monkeypatch):
    from das_mm.engine import cache_root

    monkeypatch.setenv('DAS_MM_CACHE', str(tmp_path))
    assert cache_root() == tmp_path


def test_command_line(tmp_path, capsys):
    from das_mm.cli import main

    command = ['synth', '--out', str(tmp_path), '--num', '1', '--size', '64x48', '--workers', '0', '--preview']
    assert main(command) == 0
    assert 'train_coco17.json' in capsys.readouterr().out.replace('\n', '')
    assert (tmp_path / 'preview_train.png').exists() and (tmp_path / 'images/train/000000.jpg').exists()
    with pytest.raises(SystemExit):
        main(['synth', '--out', str(tmp_path), '--size', 'large'])
