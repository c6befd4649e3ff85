"""Image files of every kind, as stored and upright by one rule; what cannot be read says so before it is decoded."""

from __future__ import annotations

import io
import os
import random
import socket
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from das_mm.engine.image_files import image_fault, read_image
from das_mm.engine.image_header import MAX_IMAGE_PIXELS, image_header
from das_mm.errors import UserError
from tests.pictures import picture

ORIENTATION = 274


def write(path, kind, orientation=1):
    """The stored pixels, RGB, in a file that says how to turn them."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    said = exif if kind == 'TIFF' else exif.tobytes()
    Image.fromarray(picture()[..., ::-1]).save(path, kind, exif=said, **({'lossless': True} if kind == 'WEBP' else {}))
    return path


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP', 'TIFF'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_stored_and_upright_of_every_kind(tmp_path, kind, orientation):
    path = write(tmp_path / 'a', kind, orientation)
    plain = Image.fromarray(picture()[..., ::-1])
    plain.getexif()[ORIENTATION] = orientation
    upright = np.asarray(ImageOps.exif_transpose(plain))[..., ::-1]
    header = image_header(path)
    # whatever reads a TIFF turns it: it is stored so
    stored = upright if kind == 'TIFF' else picture()
    assert (header.kind, header.orientation) == (kind, 1 if kind == 'TIFF' else orientation)
    for is_upright, expected, size in ((True, upright, header.upright_size), (False, stored, header.size)):
        found = read_image(path, is_upright)
        assert found.shape == expected.shape and found.shape[1::-1] == size
        assert np.abs(found.astype(int) - expected).mean() < (5 if kind == 'JPEG' else 0.01)


def test_exif_behind_the_pixels_of_a_png(tmp_path):
    path = write(tmp_path / 'a.png', 'PNG')
    data, exif = path.read_bytes(), Image.Exif()
    exif[ORIENTATION] = 6
    content = b'eXIf' + exif.tobytes().removeprefix(b'Exif\0\0')
    chunk = struct.pack('>I', len(content) - 4) + content + struct.pack('>I', zlib.crc32(content))
    start = data.index(b'eXIf') - 4
    plain = data[:start] + data[start + 12 + int.from_bytes(data[start : start + 4], 'big') :]
    path.write_bytes(plain[:-12] + chunk + plain[-12:])
    np.testing.assert_array_equal(read_image(path, upright=True), np.rot90(picture(), -1))
    np.testing.assert_array_equal(read_image(path, upright=False), picture())


def png_of(width, height, bits=8, color=2):
    def chunk(kind, content):
        return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))

    begin = chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, bits, color, 0, 0, 0))
    return b'\x89PNG\r\n\x1a\n' + begin + chunk(b'IDAT', zlib.compress(b'\0' * 100)) + chunk(b'IEND', b'')


def gif_of(width, height):
    stream = io.BytesIO()
    Image.new('P', (9, 9)).save(stream, 'GIF')
    return b'GIF89a' + struct.pack('<HH', width, height) + stream.getvalue()[10:]


def tiff_of(width, height, bits=8):
    entries = [(256, width), (257, height), (258, bits), (262, 1), (273, 8), (277, 1), (278, height), (279, 1)]
    body = b''.join(struct.pack('<HHII', tag, 4, 1, value) for tag, value in entries)
    return b'II*\0' + struct.pack('<I', 8) + struct.pack('<H', len(entries)) + body + b'\0' * 4


@pytest.mark.parametrize(
    'data',
    [
        png_of(60000, 60000),
        png_of(32000, 32000, bits=1, color=0),
        b'P5\n60000 60000\n255\n',
        b'BM' + struct.pack('<IIIIiiHHI', 54, 0, 54, 40, 60000, 60000, 1, 24, 0) + b'\0' * 20,
        tiff_of(60000, 60000),
        tiff_of(40000, 40000, bits=1),
        gif_of(60000, 60000),
    ],
)
def test_an_absurd_size_is_refused_in_words_before_it_is_decoded(tmp_path, data):
    (tmp_path / 'bomb').write_bytes(data)
    with pytest.raises(UserError, match=r'it says that it is \d+×\d+ px, .* million are allowed') as caught:
        read_image(tmp_path / 'bomb', upright=True)
    assert caught.value.file == tmp_path / 'bomb' and caught.value.remedy == 'make it smaller'
    assert '268 million are allowed' in image_fault(tmp_path / 'bomb') and MAX_IMAGE_PIXELS == 1 << 28


def test_few_bytes_hold_no_many_pixels(tmp_path):
    (tmp_path / 'a.png').write_bytes(png_of(16000, 16000))  # 770 MB, of a file of 70 bytes
    with pytest.raises(UserError, match='cut short: too few bytes for 16000×16000 px'):
        read_image(tmp_path / 'a.png', upright=True)
    Image.new('L', (9000, 9000)).save(tmp_path / 'plain.png')  # as dense as it gets
    assert read_image(tmp_path / 'plain.png', upright=True).shape == (9000, 9000, 3)


@pytest.mark.parametrize('data', [png_of(0, 5), png_of(5, 0)])
def test_an_image_without_a_pixel(tmp_path, data):
    (tmp_path / 'none').write_bytes(data)
    with pytest.raises(UserError, match=r'it says that it is \d×\d px'):
        read_image(tmp_path / 'none', upright=True)


@pytest.mark.parametrize('pixels', [picture().astype(np.float32) / 255, picture()[..., 0].astype(np.float64)])
def test_floating_point_pixels_have_no_known_range(tmp_path, pixels):
    path = tmp_path / 'a.tif'
    assert cv2.imwrite(str(path), pixels, [cv2.IMWRITE_TIFF_COMPRESSION, 1])
    with pytest.raises(UserError, match='floating-point numbers') as caught:
        read_image(path, upright=False)
    assert caught.value.remedy == 'store it with 8 or 16 bits a channel'
    assert 'floating-point' in image_fault(path)


def test_numbers_of_32_bits_have_no_known_range(tmp_path):
    Image.fromarray(picture()[..., 0].astype(np.int32)).save(tmp_path / 'a.tif')
    with pytest.raises(UserError, match='numbers of 32 bits'):
        read_image(tmp_path / 'a.tif', upright=True)


def test_a_deep_tiff_keeps_its_range(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.tif'), picture().astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_image(tmp_path / 'a.tif', upright=True), picture())


def test_pipes_devices_sockets_and_folders_are_no_files(tmp_path):
    os.mkfifo(tmp_path / 'pipe.png')
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / 'socket.png'))
    named = {'pipe.png': 'a named pipe', '/dev/zero': 'a device', 'socket.png': 'a socket', '.': 'a folder'}
    for name, words in named.items():
        with pytest.raises(UserError, match=f'it is {words}, not a file') as caught:
            read_image(tmp_path / name, upright=True)
        assert caught.value.remedy
    server.close()


def test_a_name_that_is_no_utf8(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b'/caf\xe9.png')
    write(path, 'PNG')
    np.testing.assert_array_equal(read_image(path, upright=True), picture())
    os.truncate(path, 100)
    with pytest.raises(UserError) as caught:
        read_image(path, upright=True)
    assert caught.value.file == path and 'caf\\xe9.png' in str(caught.value)


def test_files_that_would_start_other_programs_are_no_images(tmp_path):
    (tmp_path / 'a.jpg').write_bytes(b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n')
    with pytest.raises(UserError, match='no known image format'):
        read_image(tmp_path / 'a.jpg', upright=True)


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP', 'TIFF', 'GIF', 'BMP', 'PPM', 'JPEG2000'])
def test_damaged_bytes_give_an_error_or_an_image_of_the_size_told(tmp_path, kind):
    path = tmp_path / 'a'
    Image.fromarray(picture()[..., ::-1]).save(path, kind)
    whole, chance, outcomes = path.read_bytes(), random.Random(kind), set()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 1, 3, 20])):
            place = chance.randrange(min(len(data), chance.choice([40, len(data)])))
            data[place] = chance.choice([0, 0xFF, chance.randrange(256)])
        path.write_bytes(data[: chance.choice([len(data), chance.randrange(len(data))])])
        try:
            image = read_image(path, upright=True)
        except UserError as error:
            assert error.file == path and error.remedy
            outcomes.add('error')
        else:
            assert image.dtype == np.uint8 and image.shape == (*image_header(path).upright_size[::-1], 3)
            outcomes.add('image')
    assert outcomes == {'error', 'image'}
