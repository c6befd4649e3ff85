"""One picture of each keypoint set: names, indices, links and sides, on a body that faces the reader."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from das_mm.bodies import keypoints_from_body, linear_blend_skinning, load_generated_body
from das_mm.structures import DERIVATIONS, KEYPOINT_SETS, OPENPOSE_SUFFIX, KeypointSet, get_keypoint_set, root_of
from das_mm.structures.people import People

from . import canvas
from .files import save_image
from .overlay import draw_people
from .palette import PERSON_COLORS, bgr, limb_color
from .sheets import contact_sheet
from .skeletons import skeleton_of

_SIZE = (1160, 1180)  # (w, h) px
_SCALE_PX_PER_M = 590.0
_CENTRE_PX = (580, 590)
_TILT = np.radians(14)  # seen a little from above: toes before heels, the face before the head's top
_ARMS_DOWN = np.radians(62)
_PAPER_BGR, _INK_BGR, _FAINT_BGR = (250, 248, 246), (30, 30, 30), (130, 130, 130)
_SKIN_BGR, _LIGHT = np.array([196.0, 204, 214]), np.array([0.35, -0.55, -0.75])
_LABEL_PX, _ROW_PX = 19, 27
_COLUMN_PX = 262  # labels end here, measured from the sides
_LEFT_SHOULDER, _RIGHT_SHOULDER = 15, 16  # of ``body_pose``


def draw_skeleton_sheet(keypoint_set: str | KeypointSet) -> np.ndarray:
    """One set on the generated body, drawn as everywhere in the package: left limbs light, right ones dark.

    Returns:
        (1180, 1160, 3) uint8 BGR.

    Raises:
        UserError: There is no set of that name.
    """
    kset = get_keypoint_set(keypoint_set, field='keypoint_set')
    picture, places = posed_body()
    points = np.array([places[name.removesuffix(OPENPOSE_SUFFIX)] for name in kset.keypoints])
    labels = _place_labels(kset, points)
    image = picture.copy()
    for label in labels:  # below the skeleton
        canvas.draw_segment(image, label.point, label.end, _FAINT_BGR, 1)
    image = draw_people(image, People(keypoints_px=points[None], track_ids=np.zeros(1)), kset, labels=False)
    root, _ = root_of(points, np.ones(len(points)), kset)
    canvas.draw_disc(image, root, 19, _INK_BGR, thickness=2)
    for label in labels:
        canvas.draw_text(image, label.text, label.top_left, _LABEL_PX, _INK_BGR, background=None)
    _draw_captions(image, kset)
    return image


def write_skeleton_sheets(folder: str | Path) -> list[Path]:
    """``NAME.png`` for every keypoint set, and ``all.png``; the paths, the last one's is that of all.

    Raises:
        UserError: The folder cannot be written.
    """
    sheets = {name: draw_skeleton_sheet(name) for name in KEYPOINT_SETS}
    paths = [save_image(Path(folder) / f'{name}.png', sheet) for name, sheet in sheets.items()]
    overview = contact_sheet(list(sheets.values()), columns=6, cell_width_px=560)
    return [*paths, save_image(Path(folder) / 'all.png', overview)]


@lru_cache(maxsize=1)
def posed_body() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The empty picture of the body, (H, W, 3) uint8 BGR, and name -> (2,) px of all keypoints of a body."""
    body = load_generated_body()
    pose = np.zeros((1, 23, 3))
    pose[0, _LEFT_SHOULDER, 2], pose[0, _RIGHT_SHOULDER, 2] = -_ARMS_DOWN, _ARMS_DOWN
    vertices, joints = linear_blend_skinning(body, np.zeros((1, 3)), pose, np.zeros((1, 10)), np.zeros((1, 3)))
    keypoints = keypoints_from_body(body, vertices, joints)
    seen = _view(vertices[0].astype(np.float64))
    centre = (seen.min(0) + seen.max(0))[:2] / 2

    def to_px(points: np.ndarray) -> np.ndarray:
        return (points[..., :2] - centre) * _SCALE_PX_PER_M + _CENTRE_PX

    picture = _shaded(to_px(seen), seen, body.faces)
    picture.setflags(write=False)  # shared by all sheets
    return picture, {name: to_px(_view(place[0])) for name, place in keypoints.items()}


def _view(points_m: np.ndarray) -> np.ndarray:
    """Body frame (x left, y up, z forward) to that of a far camera before and a little above: x right, y down."""
    x, y, z = np.moveaxis(points_m, -1, 0)
    cos, sin = np.cos(_TILT), np.sin(_TILT)
    return np.stack([x, -cos * y + sin * z, -sin * y - cos * z], axis=-1)  # the person's left is on the right


def _shaded(points_px: np.ndarray, points_m: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """The surface, far triangles first."""
    corners = points_m[faces]  # (F, 3, 3)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing = normals[:, 2] < 0  # towards the camera
    smooth = np.zeros_like(points_m)
    for corner in range(3):
        np.add.at(smooth, faces[:, corner], normals)
    normals = smooth[faces].sum(1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    light = 0.68 + 0.32 * np.clip(normals @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)
    picture = np.empty((_SIZE[1], _SIZE[0], 3), np.uint8)
    picture[:] = _PAPER_BGR
    order = np.argsort(-corners[:, :, 2].mean(1))
    fixed = np.rint(points_px * 16).astype(np.int32)
    for face in order[facing[order]]:
        color = (_SKIN_BGR * light[face]).tolist()
        cv2.fillConvexPoly(picture, fixed[faces[face]], color, cv2.LINE_8, shift=4)
    return picture


@dataclass(frozen=True)
class _Label:
    """``index name`` at ``top_left`` px, with a line from the keypoint ``point`` (2,) to ``end`` (2,)."""

    text: str
    top_left: tuple[int, int]
    point: np.ndarray
    end: np.ndarray


def _place_labels(kset: KeypointSet, points: np.ndarray) -> list[_Label]:
    """A column on either side, in the order of the keypoints from top to bottom."""
    sides = skeleton_of(kset).sides
    columns: dict[str, list[int]] = {'left': [], 'right': []}
    for index in np.argsort(points[:, 1], kind='stable'):
        # a label stands where its keypoint is, on the right for the person's left; the middle goes where there is room
        side = sides[index] if sides[index] != 'middle' else min(columns, key=lambda name: len(columns[name]))
        columns[side].append(int(index))
    return [
        _label(f'{index}  {kset.keypoints[index]}', points[index], row_px, side)
        for side, indices in columns.items()
        for index, row_px in zip(indices, _spread(points[indices, 1]))
    ]


def _spread(wanted_px: np.ndarray) -> np.ndarray:
    """Rows as near as possible to those wanted (ascending), at least ``_ROW_PX`` apart and inside the picture."""
    steps = _ROW_PX * np.arange(len(wanted_px))
    # the nearest non-decreasing sequence: pool neighbours that would overlap
    blocks: list[list[float]] = []
    for value in wanted_px - steps:
        blocks.append([value])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    rows = np.array([np.mean(block) for block in blocks for _ in block]) + steps
    return np.clip(rows, 105 + steps, _SIZE[1] - 100 - steps[::-1])


def _label(text: str, point: np.ndarray, row_px: float, side: str) -> _Label:
    width, height = canvas.text_size(text, _LABEL_PX)
    if side == 'left':  # in the column on the picture's right
        left, end = _SIZE[0] - _COLUMN_PX, _SIZE[0] - _COLUMN_PX - 4
    else:
        left, end = _COLUMN_PX - width, _COLUMN_PX + 4
    return _Label(text, (left, round(row_px - height / 2)), point, np.array([end, row_px]))


def _draw_captions(image: np.ndarray, kset: KeypointSet) -> None:
    canvas.draw_text(image, kset.name, (20, 12), 38, _INK_BGR, background=None)
    root = f'root (ring): {kset.root}'
    if kset.root_index is None:
        root += f', the mean of {" and ".join(DERIVATIONS[kset.root])}'
    canvas.draw_text(image, f'{kset.num_keypoints} keypoints; {root}', (20, 58), 20, _INK_BGR, background=None)
    y = _SIZE[1] - 52
    for x, side, text in (
        (24, 'right', "the person's right: dark"),
        (790, 'left', "the person's left: light"),
        (500, 'middle', 'middle'),
    ):
        canvas.draw_segment(
            image, np.array([x, y + 14]), np.array([x + 48, y + 14]), bgr(limb_color(PERSON_COLORS[0], side)), 9
        )
        canvas.draw_text(image, text, (x + 56, y), 20, _INK_BGR, background=None)
