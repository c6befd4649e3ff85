"""From a naked posed body to a dressed person: cloth stands off the skin, hair has volume, skirts hang."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from das_mm.bodies import load_generated_body

from .appearance import Look
from .materials import Plain
from .parts import apply_frame, body_normals, part_frame, rest_coords
from .person_material import FOLD_WAVES, PersonMaterial
from .regions import bottom_weight, hair_weight, landmark, ramp, shoe_weight, top_weight
from .suits import Suit, SuitMaterial
from .surfaces import Surface, box, ellipsoid

_HAIR_M = {'bald': 0.0, 'short': 0.012, 'full': 0.03, 'long': 0.026, 'bun': 0.014, 'tail': 0.014, 'cap': 0.02}
_RIM_M = 0.025  # cloth rises to its full thickness over this length
_RINGS, _SEGMENTS = 10, 40


def dress(vertices: np.ndarray, look: Look, owner: int) -> list[Surface]:
    """The surfaces of one person.

    Args:
        vertices (V, 3): Posed body, m, any frame whose axes are orthonormal.
        look: The person's look.
        owner: The person's index in the scene.

    Returns:
        The body with cloth first, then loose pieces; all are the person's in masks and depth.
    """
    vertices = np.asarray(vertices, np.float64)
    dressed = vertices + body_normals(vertices) * cloth_thickness(look)[:, None]
    material = SuitMaterial(look) if isinstance(look, Suit) else PersonMaterial(look)
    body = Surface(dressed, body_normals(dressed), load_generated_body().faces, rest_coords(), material, owner)
    pieces = [_skirt(vertices, look, material, owner)] if look.skirt_hem > 0 else []
    return [body, *pieces, *_worn(vertices, look, owner)]


def cloth_thickness(look: Look) -> np.ndarray:
    """(V,) distance in metres by which cloth and hair stand off the body's skin."""
    coords = rest_coords()
    height, side = coords[:, 1], np.abs(coords[:, 0])
    top, bottom = top_weight(look, coords, _RIM_M), bottom_weight(look, coords, _RIM_M)
    # shirts fall away from the body towards the hem, trousers towards the ankle, sleeves towards the wrist
    fall = np.clip((1.3 - height) / 0.35, 0, 1) * (side < 0.3) + np.clip((side - 0.2) / 0.4, 0, 1)
    folds = np.sin(coords @ FOLD_WAVES[0]) * np.sin(coords @ FOLD_WAVES[1]) + 0.5 * np.sin(coords @ FOLD_WAVES[2])
    shirt = top * (0.004 + look.loose_top * (0.45 + 0.75 * fall + 0.22 * folds))
    legs = bottom * (0.004 + look.loose_bottom * (0.5 + 0.7 * np.clip((0.9 - height) / 0.8, 0, 1) + 0.2 * folds))
    # both thighs have room for no more than this where they meet
    legs *= np.clip((side - 0.01) / 0.05, 0.2, 1)
    shoes = shoe_weight(look, coords, _RIM_M) * 0.009 * (height > 0.02)
    hair = hair_weight(look, coords, 0.03) * _HAIR_M[look.hair_style] * (1 + 0.25 * folds)
    return np.maximum.reduce([shirt, legs, shoes]) + hair


def _skirt(vertices: np.ndarray, look: Look, material: PersonMaterial, owner: int) -> Surface:
    """A tube from the waist to the hem, hung between the hips and the thighs."""
    coords = rest_coords()
    heights = np.linspace(look.waist, look.skirt_hem, _RINGS)
    angle = np.linspace(0, 2 * np.pi, _SEGMENTS + 1)
    rows, widest = [], np.zeros(3)
    for height in heights:
        near = coords[(np.abs(coords[:, 1] - height) < 0.03) & (np.abs(coords[:, 0]) < 0.3)]
        room = 0.012 + look.loose_bottom + 0.10 * (look.waist - height)
        reach = np.array([np.abs(near[:, 0]).max(), near[:, 2].max(), -near[:, 2].min()]) + room
        widest = np.maximum(widest, reach)  # never narrower below than above
        pleat = 1 + 0.03 * np.sin(9 * angle) * (look.waist - height) / 0.4
        depth = np.where(np.sin(angle) > 0, widest[1], widest[2])
        across, along = widest[0] * np.cos(angle) * pleat, depth * np.sin(angle) * pleat
        rows.append(np.stack([across, np.full_like(angle, height), along], 1))
    rest = np.concatenate(rows)
    first = (np.arange(_RINGS - 1)[:, None] * (_SEGMENTS + 1) + np.arange(_SEGMENTS)).ravel()
    below = first + _SEGMENTS + 1
    faces = np.concatenate([np.stack([first, below, first + 1], 1), np.stack([first + 1, below, below + 1], 1)])
    posed = _hang(vertices, rest)
    a, b, c = posed[faces].transpose(1, 0, 2)
    normals = np.zeros_like(posed)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], np.cross(b - a, c - a))
    # the seam's two columns are one place
    normals = normals.reshape(_RINGS, -1, 3)
    normals[:, 0] = normals[:, -1] = normals[:, 0] + normals[:, -1]
    normals = normals.reshape(-1, 3)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    # coloured as cloth well inside the skirt, whatever the legs under it wear
    return Surface(posed, normals, faces, np.maximum(rest, [-9, look.skirt_hem + 0.1, -9]), material, owner)


def _hang(vertices: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Rest points of a skirt moved with the pelvis above and with the nearer leg below."""
    left = np.clip(0.5 + rest[:, 0] / 0.16, 0, 1)
    leg = ramp(0.86 - rest[:, 1], 0.2)
    shank = 0.7 * ramp(0.46 - rest[:, 1], 0.2)
    weights = {
        'pelvis': 1 - leg,
        'left_thigh': leg * left * (1 - shank),
        'right_thigh': leg * (1 - left) * (1 - shank),
        'left_shank': leg * left * shank,
        'right_shank': leg * (1 - left) * shank,
    }
    moved = (weight[:, None] * apply_frame(part_frame(vertices, name), rest) for name, weight in weights.items())
    return np.asarray(sum(moved))


def _worn(vertices: np.ndarray, look: Look, owner: int) -> list[Surface]:
    """Rigid pieces: buns, tails, brims, bags."""
    hair, pieces = Plain(tuple(look.hair), gloss=0.12), []
    crown = (landmark('head_top') + landmark('left_ear') * [0, 1, 1]) / 2
    if look.hair_style == 'bun':
        pieces.append(('hair', ellipsoid((0.045, 0.045, 0.045), hair, crown + [0, 0.02, -0.1], rows=9)))
    elif look.hair_style == 'tail':
        pieces.append(('hair', ellipsoid((0.03, 0.12, 0.035), hair, crown + [0, -0.1, -0.12], rows=9)))
    elif look.hair_style == 'long':
        pieces.append(('hair', ellipsoid((0.095, 0.19, 0.06), hair, crown + [0, -0.13, -0.06], rows=10)))
    elif look.hair_style == 'cap':
        eye = landmark('left_eye')
        brim = ellipsoid((0.078, 0.008, 0.1), Plain(tuple(look.hat.base)), [0, eye[1] + 0.052, eye[2] + 0.01], rows=9)
        pieces.append(('hair', brim))
    if look.bag == 'backpack':
        pieces.append(
            ('chest', ellipsoid((0.15, 0.21, 0.10), Plain(tuple(look.hat.second)), [0, 1.24, -0.19], rows=10))
        )
    elif look.bag == 'shoulder':
        pieces.append(('pelvis', box((0.09, 0.24, 0.28), Plain(tuple(look.hat.second), gloss=0.1), (0.235, 0.93, 0))))
    out = []
    for part, piece in pieces:
        frame = part_frame(vertices, part)
        normals = piece.normals @ np.linalg.inv(frame[:, :3])  # normals go by the inverse transpose
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        out.append(replace(piece, vertices=apply_frame(frame, piece.vertices), normals=normals, owner=owner))
    return out
