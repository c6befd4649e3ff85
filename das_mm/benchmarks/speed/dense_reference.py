"""The dense reference: the DAS head evaluated as the authors' released code does it, to compare with.

Every map is computed at every pixel of every level, σ as well, with the recursion dense (the reference evaluation that
the layers come with); candidates then become dicts that a Python loop compares one with another. In training the maps
of all levels are laid end to end and read at the positive points, as heads of this kind do it: the backward pass then
goes through every level, also where nobody is. Weights are those of the head it is given. Nothing but the benchmark
and its tests uses this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.evaluation.functional import oks_nms
from mmpose.structures import PoseDataSample
from torch import Tensor

from das_mm.models.heads import DASHead, DenseMaps, PointOutputs
from das_mm.models.layers import PointIndex
from das_mm.models.task_modules import OKSNMS, DASPoseCoder
from das_mm.structures.thresholds import with_defaults


class DenseReference:
    """The same results as :meth:`DASHead.predict` and :meth:`DASHead.loss`, from whole maps.

    Args:
        head: Its weights and settings are used; it is not changed.
        test_cfg: Overrides the head's, as the estimator's does.
    """

    def __init__(self, head: DASHead, test_cfg: Mapping[str, Any] | None = None):
        self.head, self.nms = head, head.nms
        self.cfg = with_defaults(head.test_cfg, test_cfg)

    # ---------------------------------------------------------------- inference

    @torch.no_grad()
    def predict(self, feats: Sequence[Tensor], batch_data_samples: Sequence[PoseDataSample]) -> list[list[dict]]:
        """People of every image, best first; see :func:`loop_over_dicts`."""
        candidates, scores = self.candidates(feats)
        return [
            self.loop(candidates[candidates.image == image], scores[candidates.image == image])
            for image in range(len(batch_data_samples))
        ]

    def loop(self, outputs: PointOutputs, scores: Tensor) -> list[dict]:
        """Candidates of one image to people; see :func:`loop_over_dicts`."""
        return loop_over_dicts(self.head.coder, self.nms, outputs, scores)

    def candidates(self, feats: Sequence[Tensor]) -> tuple[PointOutputs, Tensor]:
        """What the dense maps say at the points whose score passes, image by image, and these scores."""
        maps = self.head(feats)
        points, scores = [], []
        for cls, centerness in zip(maps.cls, maps.centerness):
            score = cls.float().sigmoid()[:, 0] * centerness.float().sigmoid()[:, 0]
            width, best = score.shape[2], score.flatten(1).topk(min(self.cfg['nms_pre'], score[0].numel()))
            image, rank = torch.nonzero(best.values > self.cfg['score_thr'], as_tuple=True)
            flat = best.indices[image, rank]
            points.append(PointIndex(image, flat // width, flat % width))
            scores.append(best.values[image, rank])
        return self._read(maps, points), torch.cat(scores)

    def _read(self, maps: DenseMaps, points: Sequence[PointIndex]) -> PointOutputs:
        """The maps of all levels, laid end to end, at points of each level."""
        head = self.head
        sizes = [one.shape[-2:] for one in maps.cls]
        index, begin = [], 0
        for (height, width), at in zip(sizes, points):
            index.append(begin + (at.batch * height + at.y) * width + at.x)
            begin += len(maps.cls[0]) * height * width
        index = torch.cat(index)

        def pick(levels: Sequence[Tensor]) -> Tensor:
            rows = [one.permute(0, 2, 3, 1).reshape(-1, one.shape[1]) for one in levels]
            return torch.cat(rows)[index].float()

        shape = (len(index), head.num_keypoints, head.dims)
        sigma = [one for one in maps.sigma if one is not None]  # of every level where the head learns it
        strides = torch.cat([torch.full_like(at.x, stride) for at, stride in zip(points, head.strides)])
        return PointOutputs(
            centerness=pick(maps.centerness)[:, 0],
            root=pick(maps.root),
            pose=[pick(step).reshape(shape) for step in zip(*maps.pose)],
            sigma=pick(sigma).reshape(shape) if head.uses_sigma else None,
            points_px=torch.cat([head.level(level).points_px(at) for level, at in enumerate(points)]),
            strides=strides,
            image=torch.cat([at.batch for at in points]),
            tasks={name: pick([level[name] for level in maps.tasks]) for name in head.branches},
        )

    # ---------------------------------------------------------------- training

    def loss(self, feats: Sequence[Tensor], batch_data_samples: list[PoseDataSample]) -> dict[str, Tensor]:
        """Losses of a batch; gradients go back through all maps of all levels."""
        labels, targets = self.head.assign_targets(feats, batch_data_samples)
        maps = self.head(feats)
        outputs = self._read(maps, [target.points for target in targets])
        return self.head.loss_by_feat([one[:, 0] for one in maps.cls], [outputs], targets, labels)


def loop_over_dicts(coder: DASPoseCoder, nms: OKSNMS, outputs: PointOutputs, scores: Tensor) -> list[dict]:
    """Decodes the candidates of one image and suppresses doubles, a dict each, in a loop over pairs (mmpose's).

    Returns:
        The people who stay, best first: ``score``, ``keypoints_px`` (K, 2), ``relative_depths_mm`` (K,), ``root_px``
        (2,), ``root_depth_norm``, all numpy.
    """
    people = []
    for row in range(len(scores)):
        decoded = coder.decode(
            outputs.root[row : row + 1],
            outputs.pose[-1][row : row + 1],
            outputs.points_px[row : row + 1],
            outputs.strides[row : row + 1],
        )
        keypoints = decoded.keypoints_px[0].cpu().numpy()
        # the loop compares in double precision, and wants a third coordinate, which it does not use
        flat = np.concatenate([keypoints.astype(np.float64), np.ones((len(keypoints), 1))], axis=1)
        people.append(
            dict(
                score=float(scores[row]),
                keypoints=flat,
                area=float(np.prod(flat[:, :2].max(0) - flat[:, :2].min(0))),
                keypoints_px=keypoints,
                relative_depths_mm=decoded.relative_depths_mm[0].cpu().numpy(),
                root_px=decoded.roots_px[0].cpu().numpy(),
                root_depth_norm=float(decoded.root_depths_norm[0]),
            )
        )
    kept = oks_nms(people, nms.threshold, sigmas=np.full(outputs.pose[-1].shape[1], nms.kappa))
    return [people[index] for index in kept[: nms.max_people]]


def largest_difference(people: InstanceData, dicts: Sequence[dict]) -> float:
    """How far the head's people of one image are from the reference's.

    Returns:
        The largest of: keypoints and roots px, scores × 100, relative depths mm, root depths mm per 1000 px of focal
        length; infinity where there are more people in one result than in the other.
    """
    if len(people) != len(dicts):
        return float('inf')
    if not dicts:
        return 0.0
    stack = lambda name: torch.as_tensor(np.stack([one[name] for one in dicts]))
    found: Any = people
    pairs = (
        (found.keypoints_px, stack('keypoints_px'), 1),
        (found.roots_px, stack('root_px'), 1),
        (found.scores, stack('score'), 100),
        (found.relative_depths_mm, stack('relative_depths_mm'), 1),
        (found.root_depths_norm, stack('root_depth_norm'), 1000),
    )
    return max(float((ours.cpu().double() - theirs.double()).abs().max()) * unit for ours, theirs, unit in pairs)
