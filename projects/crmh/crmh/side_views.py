"""People of images from the front and from the side, before and after: ``das-mm project crmh.side_views``.

Whether bodies stand in each other, or one before whom it is behind, is hard to see from where the image was taken.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

from das_mm.apis import DASInferencer
from das_mm.command import run_script
from das_mm.engine.image_files import read_image
from das_mm.errors import UserError
from das_mm.inference.body_surfaces import mesh_vertices
from das_mm.visualization.mesh_overlay import draw_meshes
from das_mm.visualization.sheets import contact_sheet

HELP = 'draw people of images from the front and from the side, as several weights tell them'

_PAPER = 245
_FAR = 12.0  # of the side's camera, in half widths of the scene: almost no perspective


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('images', nargs='+', help='images or folders')
    parser.add_argument('--weights', nargs='+', type=Path, required=True, metavar='PTH', help='one row of views each')
    parser.add_argument('--titles', nargs='+', metavar='TEXT', help='of the weights; their folders where not given')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='gets a picture of each image')
    parser.add_argument('--score-thr', type=float, default=0.3, metavar='X', help='leave out people of a lower score')


def run(args: argparse.Namespace) -> int:
    """Draw them.

    Raises:
        UserError: Weights without bodies, or as many titles as there are weights are not given.
    """
    titles = args.titles or [path.parent.name or path.stem for path in args.weights]
    if len(titles) != len(args.weights):
        raise UserError(
            f'{len(titles)} titles of {len(args.weights)} weights', field='--titles', remedy='give one each'
        )
    views: dict[str, list[tuple[str, np.ndarray]]] = {}
    for title, weights in zip(titles, args.weights):
        inferencer = DASInferencer(weights=weights)
        if inferencer.body is None:
            raise UserError('this model tells no bodies', file=weights, field='--weights', remedy='give one of meshes')
        for result in inferencer(args.images, score_thr=args.score_thr):
            found = result['predictions'][0]
            file = found['image']['file']
            vertices = mesh_vertices(found, inferencer.body)
            vertices = vertices[np.isfinite(vertices).all((1, 2))]
            faces = np.asarray(inferencer.body.faces)
            front, side = both_views(read_image(file, upright=True), vertices, faces, np.asarray(found['camera']['K']))
            views.setdefault(file, []).extend([(title, front), ('from the side', side)])
    args.out.mkdir(parents=True, exist_ok=True)
    for file, cells in views.items():
        sheet = contact_sheet([view for _, view in cells], 2, [title for title, _ in cells])
        path = args.out / f'{Path(file).stem}.png'
        cv2.imwrite(str(path), sheet)
        print(path)
    return 0


def both_views(
    image_bgr: np.ndarray, vertices_mm: np.ndarray, faces: np.ndarray, K: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Bodies (n, V, 3) over their image, and on paper as seen from their left, what is far on the right."""
    height, width = image_bgr.shape[:2]
    paper = np.full_like(image_bgr, _PAPER)
    if not len(vertices_mm):
        return image_bgr, paper
    turned, side_K = from_the_side(vertices_mm, (width, height))
    return draw_meshes(image_bgr, vertices_mm, faces, K), draw_meshes(paper, turned, faces, side_K)


def from_the_side(vertices_mm: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Bodies (n, V, 3) turned a quarter about the vertical and moved before a camera that has them all.

    Args:
        vertices_mm: Camera frame of the image.
        size: (width, height) of the picture.

    Returns:
        (n, V, 3) mm and the camera (3, 3).
    """
    points = vertices_mm.reshape(-1, 3).astype(float)
    middle = (points.min(0) + points.max(0)) / 2
    moved = vertices_mm - middle
    half = np.maximum((points.max(0) - points.min(0)) / 2, 1.0)
    wanted = max(half[2] * size[1] / size[0], half[1], half[0])  # half the height of what is shown, mm
    turned = np.stack([moved[..., 2], moved[..., 1], -moved[..., 0]], axis=-1) + [0, 0, _FAR * wanted]
    focal = 0.9 * (size[1] / 2) * (_FAR - 1)
    return turned, np.array([[focal, 0, (size[0] - 1) / 2], [0, focal, (size[1] - 1) / 2], [0, 0, 1]])


if __name__ == '__main__':
    run_script(sys.modules[__name__])
