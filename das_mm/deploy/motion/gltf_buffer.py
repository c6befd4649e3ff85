"""Arrays in the binary part of a glTF file: accessors with what the standard asks of each."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pygltflib as gltf

_COMPONENTS = {
    np.dtype(np.float32): gltf.FLOAT,
    np.dtype(np.uint8): gltf.UNSIGNED_BYTE,
    np.dtype(np.uint16): gltf.UNSIGNED_SHORT,
    np.dtype(np.uint32): gltf.UNSIGNED_INT,
}
_TYPES = {(): gltf.SCALAR, (3,): gltf.VEC3, (4,): gltf.VEC4, (4, 4): gltf.MAT4}
_ALIGNMENT = 4


class GltfBuffer:
    """Adds arrays to a file; an array that is there already is not written again.

    Args:
        tree: The file.
    """

    def __init__(self, tree: gltf.GLTF2):
        self._tree, self._blob = tree, bytearray()
        self._known: dict[tuple, int] = {}

    def add(self, array: np.ndarray, target: int | None = None, bounds: bool = False) -> int:
        """The accessor of an array.

        Args:
            array: (n,), (n, 3), (n, 4), or matrices (n, 4, 4) row by row; of a type that glTF has.
            target: What a view is for: ``ARRAY_BUFFER``, ``ELEMENT_ARRAY_BUFFER``; None: anything else.
            bounds: Tell least and greatest values, as positions and times must.
        """
        shape = array.shape[1:]
        # glTF's matrices go column by column
        data = np.ascontiguousarray(np.swapaxes(array, 1, 2) if len(shape) == 2 else array).tobytes()
        key = (data, str(array.dtype), shape, target)
        if key in self._known:
            return self._known[key]
        self._blob += b'\0' * (-len(self._blob) % _ALIGNMENT)
        self._tree.bufferViews.append(
            gltf.BufferView(buffer=0, byteOffset=len(self._blob), byteLength=len(data), target=target)
        )
        self._blob += data
        accessor = gltf.Accessor(
            bufferView=len(self._tree.bufferViews) - 1,
            componentType=_COMPONENTS[array.dtype],
            count=len(array),
            type=_TYPES[shape],
        )
        if bounds:
            rows = array.reshape(len(array), -1)
            accessor.min, accessor.max = rows.min(axis=0).tolist(), rows.max(axis=0).tolist()
        self._tree.accessors.append(accessor)
        self._known[key] = len(self._tree.accessors) - 1
        return self._known[key]

    def file(self) -> bytes:
        """The whole file (.glb)."""
        if not self._blob:
            return _without_arrays(self._tree)
        self._blob += b'\0' * (-len(self._blob) % _ALIGNMENT)
        self._tree.buffers = [gltf.Buffer(byteLength=len(self._blob))]
        self._tree.set_binary_blob(bytes(self._blob))
        return b''.join(self._tree.save_to_bytes())


def _without_arrays(tree: gltf.GLTF2) -> bytes:
    """A file of a scene of nobody; pygltflib would write an empty part, which glTF forbids."""
    writer: Any = tree  # which takes no indent as well
    text = writer.gltf_to_json(separators=(',', ':'), indent=None).encode()
    text += b' ' * (-len(text) % _ALIGNMENT)
    head = 12 + 8  # of the file and of its one part
    return b'glTF' + struct.pack('<III', 2, head + len(text), len(text)) + b'JSON' + text
