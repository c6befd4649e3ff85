"""Part segmentations and IUV images in the place of photographs."""

import cv2
import numpy as np
import pytest

from das_mm.errors import UserError
from projects.graphcmr.graphcmr.input_maps import PARTS, CropInputMap

SIZE = (40, 60)  # height, width


@pytest.fixture
def record(tmp_path):
    """A crop of 20 px from the middle of a photograph, twice as small."""
    return dict(
        img_path=str(tmp_path / 'photo.jpg'),
        ori_shape=SIZE,
        img_shape=(20, 20),
        warp_mat=np.array([[0.5, 0, -5.0], [0, 0.5, 0.0]]),
        flip=False,
        img=np.zeros((20, 20, 3), np.uint8),
    )


def write(record, suffix, image):
    cv2.imwrite(record['img_path'].replace('.jpg', suffix), image)


def halves():
    """Left arm (3) on the left half of the image, right arm (4) on the other."""
    labels = np.full(SIZE, 3, np.uint8)
    labels[:, 30:] = 4
    return labels


def test_parts_are_cut_out_without_new_labels_and_change_sides_in_a_mirror(record):
    write(record, '_parts.png', halves())
    load = CropInputMap('parts', '{folder}/{stem}_parts.png')
    upright = load.transform(dict(record))['img']
    assert upright.shape == (20, 20, 3) and upright.dtype == np.uint8
    colours = np.unique(upright.reshape(-1, 3), axis=0)
    assert len(colours) == 2  # no mixture of two labels
    assert (upright[:, 2] != upright[:, -2]).any()
    mirror = np.array([[-0.5, 0, 24.5], [0, 0.5, 0.0]])  # u -> 19 - u
    mirrored = load.transform(dict(record, warp_mat=mirror, flip=True))['img']
    # what was the left arm is the right arm of the mirrored person: again the left arm's colour stands on the left
    assert np.array_equal(mirrored[:, 1:-1], upright[:, 1:-1])
    assert len(PARTS) == 6


def test_iuv_images_keep_their_channels_and_are_never_mirrored(record):
    image = np.zeros((*SIZE, 3), np.uint8)
    image[...] = 24, 100, 200
    write(record, '_IUV.png', image)
    load = CropInputMap('iuv', '{folder}/{stem}_IUV.png')
    assert load.transform(dict(record))['img'][10, 10].tolist() == [240, 100, 200]
    with pytest.raises(UserError, match='mirrored') as raised:
        load.transform(dict(record, flip=True))
    assert 'flip_prob=0.0' in raised.value.remedy


@pytest.mark.parametrize(
    'kind, image, problem',
    [
        ('parts', None, 'not there'),
        ('parts', halves()[:20], '60 x 20 px, its photograph 60 x 40'),
        ('parts', halves() + 4, 'the label 8; labels are 0 to 6'),
        ('parts', np.zeros((*SIZE, 3), np.uint8), '3 channels of uint8'),
        ('iuv', halves(), '1 channels of uint8'),
        ('iuv', np.full((*SIZE, 3), 25, np.uint8), 'the label 25; labels are 0 to 24'),
    ],
)
def test_maps_that_do_not_fit_are_refused(record, kind, image, problem):
    if image is not None:
        write(record, '_map.png', image)
    with pytest.raises(UserError, match=problem) as raised:
        CropInputMap(kind, '{folder}/{stem}_map.png').transform(dict(record))
    assert raised.value.file and raised.value.field and raised.value.remedy
    with pytest.raises(UserError, match='no kind of map'):
        CropInputMap('depth', 'x')
