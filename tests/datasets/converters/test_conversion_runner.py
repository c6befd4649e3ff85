"""Running a conversion: resumption, ids, counts, refusals; on a data set of its own with three small sequences."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from das_mm.datasets.converters import Converter, Job, Part, camera_entry, person_entry
from das_mm.datasets.converters.base import flags_in_image
from das_mm.datasets.converters.conversion_runner import run_conversion
from das_mm.datasets.datasets import read_annotation_file
from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS, project

K = np.array([[300.0, 0, 95.5], [0, 300, 63.5], [0, 0, 1]])
SIZE = (192, 128)
STANDING_MM = dict(
    nose=(0, -350, -90),
    eye=(30, -380, -80),
    ear=(70, -370, 0),
    shoulder=(180, -200, 0),
    elbow=(230, 50, 0),
    wrist=(240, 280, 0),
    hip=(120, 300, 0),
    knee=(120, 700, -20),
    ankle=(120, 1100, 0),
)


def standing(x_mm: float, z_mm: float, unit: float = 1.0, mirrored: bool = False) -> np.ndarray:
    """(17, 3) a person who faces the camera: the own left is on the image's right."""
    points = []
    for name in KEYPOINT_SETS['coco17'].keypoints:
        side, _, part = name.rpartition('_')
        x, y, z = STANDING_MM[part]
        x *= {'left': 1, 'right': -1, '': 0}[side] * (-1 if mirrored else 1)
        points.append((x + x_mm, y, z + z_mm))
    return unit * np.array(points, float)


class Toys(Converter):
    """``seqN.json`` holds the place of one person in each image."""

    name, title, keypoint_set, tree, splits = 'toys', 'Toys', 'coco17', 'toys/seq0.json', ('train',)
    reprojection_limit_px = 0.01
    unit, mirrored, off_px = 1.0, False, 0.0

    def jobs(self):
        return [Job(path.stem, dict(path=str(path)), [path]) for path in sorted(self.root.glob('seq*.json'))]

    def convert(self, job):
        (self.root / f'{job.name}.done').open('a').write('x')
        try:
            places = json.loads(Path(job.arguments['path']).read_text())
        except json.JSONDecodeError:
            raise UserError('is no json', file=job.arguments['path']) from None
        part = Part()
        for frame, (x, z) in enumerate(places):
            points = standing(x, z, self.unit, self.mirrored)
            seen = project(points, K)
            part.images.append(
                dict(
                    file_name=f'{job.name}/{frame}.png',
                    width=SIZE[0],
                    height=SIZE[1],
                    seq=job.name,
                    frame=frame,
                    cam_param=camera_entry(K),
                    annotations=[
                        person_entry(
                            'coco17',
                            seen + self.off_px,
                            flags_in_image(seen, np.ones(17), SIZE),
                            SIZE,
                            points_mm=points,
                        )
                    ],
                )
            )
        part.counts['frames read'] += len(places)
        part.notes.append('toys are small')
        return part


@pytest.fixture
def root(tmp_path):
    root = tmp_path / 'toys'
    for n in range(3):
        (root / f'seq{n}').mkdir(parents=True)
        (root / f'seq{n}.json').write_text(json.dumps([[100 * n, 4000 + 100 * n], [0, 5000]]))
        cv2.imwrite(str(root / f'seq{n}/0.png'), np.full((SIZE[1], SIZE[0], 3), 90, np.uint8))
    return root


def calls(root: Path) -> dict[str, int]:
    return {path.stem: len(path.read_text()) for path in root.glob('*.done')}


def test_one_file_out_of_all_parts(root, tmp_path):
    out = tmp_path / 'toys.json'
    report = run_conversion(Toys(root), out)
    assert report.notes == ['toys are small'] and not report.failed
    assert {
        name: report.counts[name] for name in ('sequences', 'images', 'people', 'people with 3D', 'frames read')
    } == {'sequences': 3, 'images': 6, 'people': 6, 'people with 3D': 6, 'frames read': 6}
    # by hand: hips 240 mm apart; shoulder to hip |(60, 500)| = 503.587 mm; depths 4000, 4100, 4200 and 3 x 5000
    assert report.medians == pytest.approx(
        dict(
            root_depth_mm=4600,
            hip_to_hip_mm=240,
            shoulder_to_hip_mm=503.587,
            reprojection_px=0,
            faces_forward=1,
            hips_with_shoulders=1,
        ),
        abs=1e-3,
    )
    file = read_annotation_file(str(out))
    assert [image['id'] for image in file.images] == [1, 2, 3, 4, 5, 6]
    assert [image['seq'] for image in file.images] == ['seq0'] * 2 + ['seq1'] * 2 + ['seq2'] * 2
    np.testing.assert_allclose(file.people.keypoints_3d[2], standing(100, 4100))
    assert [image['id'] for image, _ in report.samples] == [1, 2, 3, 4, 5, 6]
    assert all(people[0]['image_id'] == image['id'] for image, people in report.samples)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['toys', 'toys.json']


def test_processes_give_the_same_file(root, tmp_path):
    one, two = tmp_path / 'one.json', tmp_path / 'two.json'
    run_conversion(Toys(root), one)
    run_conversion(Toys(root), two, workers=2)
    assert one.read_text() == two.read_text()


def test_what_is_finished_is_not_done_again(root, tmp_path):
    whole = (root / 'seq1.json').read_text()
    (root / 'seq1.json').write_text(whole[:-3])
    with pytest.raises(UserError, match=r'1 of 3 parts cannot be converted; the first, seq1: .*is no json'):
        run_conversion(Toys(root), tmp_path / 'toys.json')
    assert not (tmp_path / 'toys.json').exists()
    (root / 'seq1.json').write_text(whole)
    report = run_conversion(Toys(root), tmp_path / 'toys.json')
    assert report.counts['images'] == 6
    assert calls(root) == dict(seq0=1, seq1=2, seq2=1)


def test_a_changed_source_is_read_again(root, tmp_path):
    whole = (root / 'seq1.json').read_text()
    (root / 'seq1.json').write_text('no json')
    with pytest.raises(UserError):
        run_conversion(Toys(root), tmp_path / 'toys.json')
    (root / 'seq0.json').write_text('[[0, 3000]]')
    (root / 'seq1.json').write_text(whole)
    assert run_conversion(Toys(root), tmp_path / 'toys.json').counts['images'] == 5


def test_keep_going_leaves_out_what_is_damaged(root, tmp_path):
    (root / 'seq1.json').write_text('no json')
    report = run_conversion(Toys(root), tmp_path / 'toys.json', keep_going=True)
    assert list(report.failed) == ['seq1'] and report.counts['images'] == 4


@pytest.mark.parametrize(
    'change, words',
    [
        (dict(unit=0.001), 'wrong units'),
        (dict(unit=0.1), 'wrong units'),
        (dict(mirrored=True), 'left and right are exchanged for 100 % of the people'),
        (dict(off_px=3.0), 'lie 4.243 px from the stored ones'),
    ],
)
def test_impossible_numbers_are_refused(root, tmp_path, change, words):
    converter = Toys(root)
    vars(converter).update(change)
    out = tmp_path / 'toys.json'
    with pytest.raises(UserError, match=words):
        run_conversion(converter, out)
    assert not out.exists() and not list(tmp_path.glob('.*'))
    assert run_conversion(converter, out, checks=False).out.exists()


def test_bad_arguments_are_told(root, tmp_path):
    with pytest.raises(UserError, match='no such folder'):
        Toys(tmp_path / 'nowhere')
    with pytest.raises(UserError, match="has no split 'test'"):
        Toys(root, 'test')
    with pytest.raises(UserError, match='must end in .json'):
        run_conversion(Toys(root), tmp_path / 'toys.txt')
    with pytest.raises(UserError, match='nothing to convert was found'):
        run_conversion(Toys(tmp_path), tmp_path / 'toys.json')
    for n in range(3):
        (root / f'seq{n}.json').write_text('[]')
    with pytest.raises(UserError, match=r'not one image is left'):
        run_conversion(Toys(root), tmp_path / 'toys.json')
