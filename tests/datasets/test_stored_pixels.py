"""Labels lie on the pixels as they are stored: training, previous frames and the check agree for every format."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image, features

from das_mm.datasets.checks import check_annotation_file
from das_mm.datasets.datasets import DASDataset, DASVideoDataset
from das_mm.engine.image_files import read_image
from das_mm.engine.image_header import image_header
from das_mm.errors import UserError

SIZE = (60, 40)  # width, height
FORMATS = {'jpg': 'JPEG', 'png': 'PNG', 'webp': 'WEBP', 'avif': 'AVIF', 'tif': 'TIFF'}
KEYPOINTS = [20, 10, 2] * 17


def picture():
    """(40, 60, 3) RGB with four corners of their own colours."""
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    image[:20, :30], image[:20, 30:], image[20:, :30] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    return image


def write(path, orientation, image=None):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = dict(quality=95) if path.suffix in ('.jpg', '.webp', '.avif') else {}
    Image.fromarray(picture() if image is None else image).save(path, FORMATS[path.suffix[1:]], exif=exif, **options)


def annotate(folder, names, size=SIZE, **more):
    images = [
        dict(id=n, file_name=name, width=size[0], height=size[1], seq='s', frame=n, **more)
        for n, name in enumerate(names, 1)
    ]
    people = [
        dict(id=n, image_id=n, bbox=[10, 5, 20, 20], keypoints=KEYPOINTS, track_id=0) for n in range(1, 1 + len(names))
    ]
    file = folder / 'x.json'
    file.write_text(json.dumps(dict(info=dict(joints='coco17'), images=images, annotations=people)))
    return dict(ann_file=str(file), data_prefix=dict(img=str(folder)), keypoint_set='coco17')


def warned(options, field):
    """The warnings of the check about a field."""
    report = check_annotation_file(options['ann_file'], images=options['data_prefix']['img'])
    assert not report.faults
    return [finding for finding in report.warnings if finding.kind.field == field]


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('ending', ['jpg', 'png', 'webp', 'avif'])
def test_no_format_is_turned(tmp_path, ending, orientation):
    if ending == 'avif' and not features.check('avif'):
        pytest.skip('this Pillow reads no AVIF')
    write(tmp_path / f'a.{ending}', orientation)
    options = annotate(tmp_path, [f'a.{ending}'])
    for step in ('LoadImage', 'mmpose.LoadImage'):
        sample = DASDataset(**options, pipeline=[dict(type=step)])[0]
        assert sample['ori_shape'] == sample['img_shape'] == (40, 60)
        assert np.abs(sample['img'][..., ::-1].astype(int) - picture())[8:-8:8, 4:-4:8].max() < 40
    problems = [finding.kind.problem for finding in warned(options, 'images.file_name')]
    assert problems == (['names a file that viewers turn (EXIF orientation)'] if orientation > 1 else [])


@pytest.mark.parametrize('orientation', range(1, 9))
def test_the_orientation_of_a_tiff_is_how_it_is_stored(tmp_path, orientation):
    path = tmp_path / 'a.tif'
    write(path, orientation)
    with Image.open(path) as image:
        size = image.size
        pixels = np.asarray(image.convert('RGB'))
    options = annotate(tmp_path, ['a.tif'], size)
    assert np.array_equal(DASDataset(**options, pipeline=[dict(type='LoadImage')])[0]['img'][..., ::-1], pixels)
    assert image_header(path).orientation == 1
    assert warned(options, 'images.file_name') == []


def test_labels_of_the_turned_picture_are_seen(tmp_path):
    write(tmp_path / 'a.jpg', 6)
    options = annotate(tmp_path, ['a.jpg'], SIZE[::-1])
    (finding,) = warned(options, 'images.width, height')
    assert finding.examples == ['image id 1, a.jpg: 60x40, not 40x60; its EXIF orientation is 6']
    write(tmp_path / 'b.jpg', 1, np.ascontiguousarray(picture().transpose(1, 0, 2)))
    options = annotate(tmp_path, ['a.jpg', 'b.jpg'], SIZE[::-1])
    dataset = DASDataset(**options, pipeline=[dict(type='LoadImage'), dict(type='PackDASInputs')])
    assert dataset[0].get('data_samples').metainfo['img_id'] == 2  # the other takes its place
    assert dataset.skipped == [str(tmp_path / 'a.jpg')]


@pytest.mark.parametrize('ending', ['jpg', 'webp'])
def test_previous_frames_are_not_turned_either(tmp_path, ending):
    for name in ('a', 'b'):
        write(tmp_path / f'{name}.{ending}', 6)
    options = annotate(tmp_path, [f'a.{ending}', f'b.{ending}'])
    steps = [dict(type='LoadImage'), dict(type='AddPreviousFrame', photometric=None)]
    sample = DASVideoDataset(**options, pipeline=steps)[0]
    assert np.array_equal(sample['previous_img'], sample['img'])
    alone = DASDataset(
        **options, pipeline=[dict(type='LoadImage'), dict(type='AddPreviousFrame', static_shift=0, static_scale=0)]
    )
    assert np.array_equal(alone[0]['previous_img'], alone[0]['img'])


def test_what_has_no_pixels_is_told(tmp_path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / 'a.tif')
    (tmp_path / 'b.png').write_bytes(b'no image')
    for name, problem in (
        ('a.tif', 'floating-point numbers, whose range is not known'),
        ('b.png', 'no known image format'),
        ('c.png', 'No such file'),
    ):
        with pytest.raises(UserError, match=problem) as caught:
            read_image(tmp_path / name, upright=False)
        assert caught.value.file == tmp_path / name and caught.value.remedy
