from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform
from mmpose.utils.typing import ConfigType

from das_mm.engine.image_files import read_image
from das_mm.errors import UserError
from das_mm.registry import TRANSFORMS
from das_mm.structures import compose_warps, get_keypoint_set, root_of, warp_points

from .geometry import MEAN_BGR, begin_geometry, warp_boxes, warp_image


@TRANSFORMS.register_module()
class AddPreviousFrame(BaseTransform):
    """The previous frame of a tracking network, as seen through the same augmentation, and what it teaches.

    Put it behind all geometric transforms and before ``PackDASInputs``. It reads ``previous``, the record of another
    frame of the video (:class:`.FramePairs`). Where there is none (images that stand alone, COCO's for instance) the
    image itself, shifted and scaled a little, is the frame before (journal paper §3.4; CenterTrack). It adds

    * ``previous_img``, which ``PackDASInputs`` stacks on the image (six channels);
    * ``previous_centers_px`` (M, 2) and ``previous_sizes_px`` (M, 2) of the network input, as a tracker would know
      them:
      jittered, with people missed and people invented;
    * labels ``previous_root_px`` (N, 2), ``previous_root_weights`` (N,), ``previous_keypoints`` (N, K, 2) and
      ``previous_keypoints_weights`` (N, K): where the people of this frame were, undisturbed.

    Args:
        center_jitter: σ of the noise on previous centres, in sides of the person's box.
        miss_prob: A person was not found in the previous frame.
        false_prob: A false centre near a person's.
        static_shift: σ of the shift of a still image, in sides of the image; static_scale: σ of its change of scale.
        photometric: Transform on the previous image's colours (that of the current image, with other random numbers).
    """

    def __init__(
        self,
        center_jitter: float = 0.05,
        miss_prob: float = 0.4,
        false_prob: float = 0.1,
        static_shift: float = 0.05,
        static_scale: float = 0.05,
        photometric: ConfigType | None = None,
    ):
        self.center_jitter, self.miss_prob, self.false_prob = center_jitter, miss_prob, false_prob
        self.static_shift, self.static_scale = static_shift, static_scale
        self.photometric = None if photometric is None else TRANSFORMS.build(photometric)

    def transform(self, results: dict) -> dict:
        begin_geometry(results)
        record, warp = results.get('previous'), results['warp_mat']
        image = None if record is None else _pixels(record)
        if record is None or image is None:  # no neighbour, or one that cannot be read: the image was still
            record, image, warp = self._still(results)
        height, width = results['img'].shape[:2]
        previous = warp_image(image, warp, (width, height), MEAN_BGR)
        if self.photometric is not None:
            previous = np.clip(np.rint(self.photometric(dict(img=previous.astype(np.float32)))['img']), 0, 255)
        results['previous_img'] = previous.astype(np.uint8)
        people = _seen_through(record, warp, results)
        self._add_known_centers(results, people)
        self._add_labels(results, people)
        return results

    def _still(self, results: dict) -> tuple[dict, np.ndarray, np.ndarray]:
        """This very image, moved a little: its record as stored, the image, and the warp to the network input."""
        image = read_image(results['img_path'], upright=False)
        height, width = results['img'].shape[:2]
        scale = np.exp(np.clip(np.random.normal(0, self.static_scale), -2 * self.static_scale, 2 * self.static_scale))
        shift = np.random.normal(0, self.static_shift, 2).clip(-2 * self.static_shift, 2 * self.static_shift)
        middle = (np.array([width, height]) - 1) / 2
        move = np.concatenate([scale * np.eye(2), ((1 - scale) * middle + shift * (width, height))[:, None]], axis=1)
        record = dict(results['gt'], **{name: results[name] for name in ('track_id', 'is_valid', 'iscrowd', 'ann_id')})
        record['same_people'] = True
        return record, image, compose_warps(move, results['warp_mat'])

    def _add_known_centers(self, results: dict, people: dict) -> None:
        """What a tracker would know of the previous frame."""
        height, width = results['img'].shape[:2]
        known = people['root_known'] & (people['root_px'] >= 0).all(1) & (people['root_px'] < (width, height)).all(1)
        centers, sizes = people['root_px'][known], people['sizes_px'][known]
        noise = np.random.normal(0, self.center_jitter, centers.shape) * sizes
        kept = np.random.rand(len(centers)) >= self.miss_prob
        false = np.random.rand(len(centers)) < self.false_prob
        elsewhere = centers[false] + np.random.normal(0, 0.5, (false.sum(), 2)) * sizes[false]
        results['previous_centers_px'] = np.concatenate([(centers + noise)[kept], elsewhere]).astype(np.float32)
        results['previous_sizes_px'] = np.concatenate([sizes[kept], sizes[false]]).astype(np.float32)

    @staticmethod
    def _add_labels(results: dict, people: dict) -> None:
        """Rows of the people of this frame; weight 0 for who was not there."""
        before = {identity: row for row, identity in enumerate(people['identities'].tolist()) if identity >= 0}
        now = results['ann_id'] if people['same_people'] else results['track_id']
        rows = np.array([before.get(identity, -1) for identity in now.tolist()], dtype=int)
        there = rows >= 0
        count, keypoints = len(rows), results['keypoints'].shape[1]
        labels = dict(
            previous_root_px=np.zeros((count, 2)),
            previous_root_weights=np.zeros(count),
            previous_keypoints=np.zeros((count, keypoints, 2)),
            previous_keypoints_weights=np.zeros((count, keypoints)),
        )
        labels['previous_root_px'][there] = people['root_px'][rows[there]]
        labels['previous_root_weights'][there] = people['root_known'][rows[there]] & (results['root_flags'][there] > 0)
        labels['previous_keypoints'][there] = people['keypoints'][rows[there]]
        labels['previous_keypoints_weights'][there] = people['flags'][rows[there]] > 0
        results['extra_labels'] = {**results.get('extra_labels', {}), **labels}

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(center_jitter={self.center_jitter}, miss_prob={self.miss_prob}, '
            f'false_prob={self.false_prob}, static_shift={self.static_shift}, static_scale={self.static_scale})'
        )


def _pixels(record: dict) -> np.ndarray | None:
    """(H, W, 3) of a record as its labels have it; None where it cannot be read or is of another size than they say."""
    try:
        image = read_image(record['img_path'], upright=False)
    except UserError:
        return None
    return image if image.shape[:2] == tuple(record['ori_shape']) else None


def _seen_through(record: dict, warp: np.ndarray, results: dict) -> dict:
    """The people of a record in the network input: sides exchanged where it is mirrored."""
    kset = get_keypoint_set(results['keypoint_set'])
    order = list(kset.flip_indices) if results['flip'] else slice(None)
    keypoints = warp_points(record['keypoints'].astype(np.float64), warp)[:, order]
    flags = record['keypoints_flags'][:, order]
    boxes = warp_boxes(record['bbox'].astype(np.float64), warp)
    root_px, root_flags = root_of(keypoints, flags, kset)
    same = record.get('same_people', False)
    usable = record['is_valid'].astype(bool) & ~record['iscrowd'].astype(bool)
    return dict(
        keypoints=keypoints,
        flags=flags,
        root_px=root_px,
        root_known=(root_flags > 0) & usable,
        sizes_px=(boxes[:, 2:] - boxes[:, :2]).clip(1),
        same_people=same,
        identities=record['ann_id'] if same else record['track_id'],
    )
