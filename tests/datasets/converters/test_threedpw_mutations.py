"""Damaged sequence files of 3DPW give an error in words, or a part of the set."""

from __future__ import annotations

import pickle
import random

import cv2
import numpy as np
import pytest

from das_mm.datasets.converters.base import Job
from das_mm.datasets.converters.threedpw import ThreeDPWConverter
from das_mm.errors import UserError
from tests.datasets.mutations import VALUES, damaged_bytes

FRAMES, PEOPLE = 2, 2


@pytest.fixture(scope='module')
def archive(tmp_path_factory):
    root = tmp_path_factory.mktemp('3DPW')
    (root / 'imageFiles' / 'walk').mkdir(parents=True)
    (root / 'sequenceFiles' / 'validation').mkdir(parents=True)
    for frame in range(FRAMES):
        cv2.imwrite(str(root / 'imageFiles' / 'walk' / f'image_{frame:05d}.jpg'), np.zeros((48, 64, 3), np.uint8))
    return root


def sequence():
    numbers = np.random.default_rng(0)
    camera = np.tile(np.eye(4), (FRAMES, 1, 1))
    camera[:, 2, 3] = 4.0
    people = range(PEOPLE)
    return dict(
        sequence='walk',
        cam_poses=camera,
        cam_intrinsics=np.array([[60.0, 0, 32], [0, 60, 24], [0, 0, 1]]),
        genders=['m', 'f'],
        betas=[numbers.normal(size=300) for _ in people],
        poses=[numbers.normal(size=(FRAMES, 72)) for _ in people],
        trans=[np.zeros((FRAMES, 3)) for _ in people],
        jointPositions=[numbers.normal(size=(FRAMES, 72)) / 3 for _ in people],
        poses2d=[np.ones((FRAMES, 3, 18)) for _ in people],
        campose_valid=[np.ones(FRAMES, np.int64) for _ in people],
    )


def convert(root, data: bytes):
    path = root / 'sequenceFiles' / 'validation' / 'walk.pkl'
    path.write_bytes(data)
    part = ThreeDPWConverter(root, 'validation').convert(Job('walk', dict(path=str(path)), [path]))
    assert all(image['width'] == 64 for image in part.images)
    return part


def tried(root, data: bytes, words: str) -> bool:
    try:
        return bool(convert(root, data).images)
    except UserError as error:
        assert error.remedy and str(error.file).endswith('walk.pkl'), words
        return False
    except Exception as error:
        raise AssertionError(words) from error


def test_the_sequence_is_read(archive):
    part = convert(archive, pickle.dumps(sequence(), 2))
    assert [len(image['annotations']) for image in part.images] == [PEOPLE] * FRAMES


@pytest.mark.filterwarnings('ignore::RuntimeWarning')
def test_damaged_bytes(archive):
    read = [tried(archive, data, words) for words, data in damaged_bytes(pickle.dumps(sequence(), 2), 400, seed=1)]
    assert 40 < sum(read) < 400


@pytest.mark.filterwarnings('ignore::RuntimeWarning')
def test_values_of_foreign_types(archive):
    generator, read = random.Random(2), []
    odd = [
        *VALUES,
        np.zeros((0, 72)),
        np.zeros(0),
        np.array('m'),
        np.array([None, 'f'], object),
        np.full((2, 72), np.nan),
    ]
    odd += [np.full((2, 72), 1e308), np.array(3), b'm', {0: 'm', 1: 'f'}, (), np.zeros((2, 4, 4)), 1j]
    for _ in range(300):
        content = sequence()
        key = generator.choice(list(content))
        value = generator.choice(odd)
        inner = isinstance(content[key], list) and generator.random() < 0.6
        if inner:
            content[key][generator.randrange(PEOPLE)] = value
        else:
            content[key] = value
        if generator.random() < 0.1:
            del content[key]
        try:
            data = pickle.dumps(content, 2)
        except UnicodeEncodeError:
            continue
        read.append(tried(archive, data, f'{key}: {value!r:.60}, {inner}'))
    assert sum(read) < len(read)
