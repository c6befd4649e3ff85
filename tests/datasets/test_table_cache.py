"""Annotations on disk: the same records, made once, safe against damage, shared by processes."""

import copy
import json
import logging
import multiprocessing
import os
import pickle
import time

import numpy as np
import pytest
from mmengine.dataset import ConcatDataset, RepeatDataset, pseudo_collate
from torch.utils.data import DataLoader

from das_mm.datasets.datasets import DASDataset, Records, das_dataset, table_cache
from das_mm.datasets.datasets.table_cache import cache_folder
from das_mm.errors import UserError
from tests.toy import toy_pipeline, write_toy_dataset


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv('DAS_MM_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setattr(table_cache, 'SMALLEST_CACHED_BYTES', 0)
    folder = tmp_path / 'data'
    ann_file = write_toy_dataset(folder, num_images=7, people=(0, 3), seed=5)
    content = json.loads(open(ann_file).read())
    del content['images'][2]['cam_param']  # one of unknown camera
    content['images'][1] |= dict(
        ignore_regions=[[[0, 0], [9, 0], [9, 9.5]], [[5, 5], [6, 5], [6, 6], [5, 6]]], crowd_index=0.25, view='00_16'
    )
    content['images'][3]['file_name'] = 'außen/bild.png'
    (folder / 'images' / 'außen').mkdir()
    (folder / 'images' / '000004.png').rename(folder / 'images' / 'außen' / 'bild.png')
    with open(ann_file, 'w') as stream:
        json.dump(content, stream)
    return folder


@pytest.fixture
def said(monkeypatch):
    messages = []
    monkeypatch.setattr(
        table_cache,
        'print_log',
        lambda message, logger, level=logging.INFO: messages.append((logging.getLevelName(level), message)),
    )
    return messages


def build(root, **options):
    return DASDataset(
        ann_file='annotations.json',
        data_root=str(root),
        data_prefix=dict(img='images'),
        pipeline=toy_pipeline(),
        **options,
    )


def assert_same(a, b):
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for one, other in zip(a, b):
            assert_same(one, other)
    elif isinstance(a, np.ndarray):
        assert type(a) is type(b) is np.ndarray and a.dtype == b.dtype and a.flags.writeable and b.flags.writeable
        np.testing.assert_array_equal(a, b)
    else:
        assert a == b and type(a) is type(b)


def all_records(dataset):
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def only_table():
    (folder,) = (path for path in cache_folder().iterdir() if not path.name.startswith('.'))
    return folder


def test_cached_records_are_those_of_the_file(root, said, monkeypatch):
    first = build(root)
    assert [level for level, _ in said] == ['INFO'] and first.data_list.table.folder == only_table()
    monkeypatch.setattr('das_mm.datasets.datasets.das_dataset.read_annotation_file', None)  # not parsed again
    second = build(root)
    assert len(said) == 1
    monkeypatch.undo()
    in_memory = build(root)
    assert in_memory.data_list.table.folder is None  # small files are not cached
    assert_same(all_records(first), all_records(in_memory))
    assert_same(all_records(second), all_records(in_memory))
    record = second.get_data_info(1)
    assert [polygon.tolist() for polygon in record['ignore_regions']] == [
        [[0, 0], [9, 0], [9, 9.5]],
        [[5, 5], [6, 5], [6, 6], [5, 6]],
    ]
    assert record['crowd_index'] == 0.25 and record['view'] == '00_16' and record['is_labeled']
    assert second.get_data_info(2)['camera']['K'] is None and second.get_data_info(2)['crowd_index'] is None
    assert second[3]['data_samples'].img_path.endswith('außen/bild.png') and second.skipped == []


def test_records_may_be_changed(root):
    dataset = build(root)
    before = copy.deepcopy(all_records(dataset))
    for record in all_records(dataset):
        for key in ('keypoints', 'bbox', 'keypoints_3d_valid'):
            record[key][...] = 0
        if record['camera']['K'] is not None:
            record['camera']['K'][...] = 0
    assert_same(all_records(dataset), before)


def test_another_file_or_another_reading_is_another_table(root, said):
    build(root)
    build(root, keypoint_set='coco17')
    assert len(list(cache_folder().glob('[!.]*'))) == 2
    stat = os.stat(root / 'annotations.json')
    write_toy_dataset(root, num_images=4, people=(1, 1))
    assert len(build(root)) == 4
    assert len(list(cache_folder().glob('[!.]*'))) == 2  # the old one is replaced
    os.utime(root / 'annotations.json', ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9))
    build(root)
    assert [level for level, _ in said] == ['INFO'] * 4


def cut(path):
    path.write_bytes(path.read_bytes()[:-5])


DAMAGE = {
    'a column is cut': lambda folder: cut(folder / 'keypoints.npy'),
    'a column is gone': lambda folder: (folder / 'bbox.npy').unlink(),
    'a column of another shape': lambda folder: np.save(folder / 'area.npy', np.zeros(3)),
    'a column of objects': lambda folder: np.save(folder / 'area.npy', np.array([{}, None]), allow_pickle=True),
    'the header is cut': lambda folder: cut(folder / 'table.json'),
    'the header is gone': lambda folder: (folder / 'table.json').unlink(),
    'the header is another file': lambda folder: (folder / 'table.json').write_text('[1, 2]'),
}


@pytest.mark.parametrize('damage', DAMAGE)
def test_a_damaged_table_is_made_anew(root, said, damage):
    good = all_records(build(root))
    DAMAGE[damage](only_table())
    assert_same(all_records(build(root)), good)
    assert [level for level, _ in said] == ['INFO', 'WARNING', 'INFO'] and 'damaged' in said[1][1]
    assert_same(all_records(build(root)), good)
    assert len(said) == 3 and {path.name for path in cache_folder().iterdir() if path.is_dir()} == {only_table().name}


def test_a_file_in_place_of_the_table(root, said):
    build(root)
    table = only_table()
    table.rename(table.with_name('elsewhere'))
    table.write_text('not a folder')
    assert len(build(root)) == 7 and table.is_dir() and said[1][0] == 'WARNING'


def test_no_place_for_the_cache(root, said, monkeypatch, tmp_path):
    (tmp_path / 'a file').write_text('')
    monkeypatch.setenv('DAS_MM_CACHE', str(tmp_path / 'a file'))
    dataset = build(root)
    assert len(dataset) == 7 and dataset.data_list.table.folder is None
    assert len(said) == 1 and said[0][0] == 'WARNING' and 'DAS_MM_CACHE' in said[0][1]


def test_a_full_disk(root, said, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(np, 'save', full)
    assert len(build(root)) == 7
    assert said[-1][0] == 'WARNING' and 'No space' in said[-1][1]
    assert not [path for path in cache_folder().iterdir() if path.is_dir()]  # nothing half done is left


def test_faults_of_the_file_are_told_as_ever(root):
    (root / 'annotations.json').write_text('{"images": [')
    with pytest.raises(UserError, match='annotations.json: is no valid json'):
        build(root)
    with pytest.raises(UserError, match='does not exist'):
        DASDataset(ann_file=str(root / 'none.json'))
    assert not [path for path in cache_folder().iterdir() if path.is_dir()]


def test_pickled_without_its_annotations(root):
    dataset = build(root)
    pickled = pickle.dumps(dataset)
    assert only_table().name.encode() in pickled
    assert len(pickle.dumps(dataset.data_list)) < 1000
    again = pickle.loads(pickled)
    assert_same(all_records(again), all_records(dataset))
    assert again.data_list.table.folder == only_table()
    write_toy_dataset(root, num_images=3)
    build(root)
    with pytest.raises(UserError, match='made anew while a process was using them'):
        pickle.loads(pickled)
    assert len(all_records(dataset)) == 7  # who has it mapped keeps it


def ids(samples):
    return [sample['data_samples'].img_id for sample in samples]


def test_mmengines_interface(root):
    dataset = build(root)
    assert isinstance(dataset.data_list, Records) and len(dataset) == 7
    subset = dataset.get_subset([5, 1, 1])
    assert ids(subset) == [6, 2, 2] and ids(dataset.get_subset(-2)) == [6, 7] and ids(dataset.get_subset(2)) == [1, 2]
    assert subset.data_list.table is dataset.data_list.table and len(dataset) == 7
    subset.get_subset_([0, 2])
    assert ids(subset) == [6, 2] and ids(build(root, indices=[4, 0])) == [5, 1]
    assert len(build(root, serialize_data=False)) == len(build(root, lazy_init=True)) == 7
    both = ConcatDataset([dataset, build(root, indices=2)])
    assert len(both) == 9 and both[8]['data_samples'].img_id == 2
    assert ids([RepeatDataset(dataset, 3)[i] for i in (0, 8, 20)]) == [1, 2, 7]
    assert dataset.get_data_info(-1)['sample_idx'] == 6 and copy.deepcopy(dataset)[6]['data_samples'].img_id == 7
    with pytest.raises(IndexError):
        dataset.get_data_info(7)


def test_spawned_workers(root):
    """They map the table again, whose folder is all that they are sent."""
    dataset = build(root)
    loader = DataLoader(
        dataset,
        batch_size=3,
        num_workers=1,
        collate_fn=pseudo_collate,
        multiprocessing_context=multiprocessing.get_context('spawn'),
    )
    assert [sample.img_id for batch in loader for sample in batch['data_samples']] == list(range(1, 8))


def start(root, go, made, tables):
    """A process of :func:`test_processes_that_start_together`."""
    make = das_dataset.make_table

    def slow(*args):
        made.put(os.getpid())
        time.sleep(0.5)
        return make(*args)

    das_dataset.make_table = slow
    go.wait()
    dataset = build(root)
    tables.put((len(dataset), dataset.data_list.table.token))


def test_processes_that_start_together(root):
    """First starts at once, with a maker slow enough that they meet: one makes the table, all read it."""
    context = multiprocessing.get_context('fork')
    go, made, tables = context.Barrier(3), context.Queue(), context.Queue()
    processes = [context.Process(target=start, args=(root, go, made, tables)) for _ in range(3)]
    for process in processes:
        process.start()
    found = [tables.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    assert {process.exitcode for process in processes} == {0}
    assert made.get(timeout=5) and made.empty() and set(found) == {(7, build(root).data_list.table.token)}


# absent images


@pytest.fixture
def warnings_of(monkeypatch):
    messages = []
    monkeypatch.setattr(
        'das_mm.datasets.datasets.das_dataset.print_log', lambda message, logger, level: messages.append(message)
    )
    return messages


@pytest.mark.parametrize('cached', [True, False])
def test_absent_images(root, monkeypatch, warnings_of, cached):
    if not cached:
        monkeypatch.setattr(table_cache, 'SMALLEST_CACHED_BYTES', 10**9)
    assert build(root).missing == [] and warnings_of == []
    gone = [root / 'images' / name for name in ('000002.png', 'außen/bild.png')]
    for path in gone:
        path.unlink()
    for _ in range(2):  # found, and remembered
        train = build(root)
        assert train.missing == [str(path) for path in gone] and train.skipped == []
        assert ids(train) == [1, 3, 5, 6, 7] == [train.get_data_info(i)['img_id'] for i in range(5)]
    assert len(warnings_of) == 2 and 'toy: 2 of 7 images are missing and are left out' in warnings_of[0]
    assert all(str(path) in warnings_of[0] for path in gone)
    test = build(root, test_mode=True)
    assert ids(test) == list(range(1, 8)) and test.missing == test.skipped == train.missing
    assert ['image_fault' in sample['data_samples'] for sample in test] == [i in (1, 3) for i in range(7)]
    assert len(warnings_of) == 3 and '2 of 7 images are missing and count as seen' in warnings_of[2]
    assert [row for row in range(7) if row in test._unreadable] == [1, 3]
    assert test.get_subset([1, 2]).skipped == [str(gone[0])]
    with pytest.raises(UserError, match="(?s)2 of its 7 images do not exist.*000002.png.*missing_images='skip'"):
        build(root, missing_images='error')
    with pytest.raises(UserError, match="'drop' is no way"):
        build(root, missing_images='drop')
    gone[0].write_bytes((root / 'images' / '000001.png').read_bytes())  # back again
    assert build(root).missing == [str(gone[1])]


def test_no_image_at_all(root, warnings_of):
    for mode in (True, False):
        with pytest.raises(UserError, match='(?s)7 of its 7 images do not exist.*elsewhere/000001.png.*data_prefix'):
            DASDataset(
                ann_file='annotations.json', data_root=str(root), data_prefix=dict(img='elsewhere'), test_mode=mode
            )


def test_only_wanted_images_are_missed(root, warnings_of):
    """An image that is filtered out anyway is not told of."""
    empty = next(i for i in range(7) if len(build(root).get_data_info(i)['bbox']) == 0)
    os.unlink(build(root).get_data_info(empty)['img_path'])
    assert build(root, filter_cfg=dict(filter_empty_gt=True)).missing == [] and warnings_of == []
