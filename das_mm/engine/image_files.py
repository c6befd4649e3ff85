"""What is wrong with an image file, in words a user understands."""

from __future__ import annotations

import os

from PIL import Image

# the mark that ends a complete file, by the mark that begins it
_END_MARKS = {b'\xff\xd8': b'\xff\xd9', b'\x89P': b'IEND'}
_TAIL_BYTES = 4096  # end marks are looked for here; cameras may append a little after them


def looks_complete(path: str) -> bool:
    """Whether the file ends as a JPEG or PNG must; True for other kinds. Two small reads, no decoding.

    Decoders fill the missing part of a cut JPEG with grey and say nothing, so it must be looked for. False means
    "look closer" (:func:`image_fault`), e.g. for a phone's picture with a video behind it.

    Raises:
        OSError: The file cannot be read.
    """
    with open(path, 'rb') as stream:
        end_mark = _END_MARKS.get(stream.read(2))
        if end_mark is None:
            return True
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - _TAIL_BYTES))
        return end_mark in stream.read()


def image_fault(path: str) -> str | None:
    """Decodes the file wholly and says what is wrong with it, None if nothing."""
    if not os.path.exists(path):
        return 'the file does not exist'
    try:
        with Image.open(path) as image:
            image.load()
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error… on broken files
        reason = 'no known image format' if 'cannot identify' in str(error) else error
        return f'the file cannot be decoded ({reason})'
    return None
