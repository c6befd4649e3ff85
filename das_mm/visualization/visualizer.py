"""mmengine's visualizer for people in 3D, usable wherever mmpose's ``PoseLocalVisualizer`` is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import master_only
from mmpose.structures import PoseDataSample
from mmpose.visualization import PoseLocalVisualizer

from das_mm.registry import VISUALIZERS
from das_mm.structures.people import People

from .files import save_image
from .overlay import draw_people
from .skeleton_marks import Strokes
from .skeletons import Skeleton, skeleton_of, skeleton_of_metainfo


@VISUALIZERS.register_module()
class DASVisualizer(PoseLocalVisualizer):
    """Draws the people of a data sample, prediction over truth in one picture, with score and root depth.

    It takes the place of mmpose's visualizer in a config, so that mmpose's ``PoseVisualizationHook`` and its
    inferencers drive it::

        visualizer = dict(type='das_mm.DASVisualizer', vis_backends=[dict(type='LocalVisBackend')])
        default_hooks = dict(visualization=dict(type='PoseVisualizationHook', enable=True))

    Args:
        name: Of the instance in mmengine's register of visualizers.
        keypoint_set: Name of the keypoint set; the skeleton in the dataset meta when not given.
        draw_sigmas: Draw the ellipse of one standard error about each keypoint that has one.
        radius: Of joints, px; None: it grows with the person. mmpose's inferencers set it.
        line_width: Of limbs, in the same way.
        kwargs: Of ``PoseLocalVisualizer`` (``vis_backends``, ``save_dir``, …).
    """

    def __init__(
        self,
        name: str = 'visualizer',
        keypoint_set: str | None = None,
        draw_sigmas: bool = False,
        radius: float | None = None,
        line_width: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **dict(kwargs, radius=radius, line_width=line_width))
        self.keypoint_set = keypoint_set
        self.draw_sigmas = draw_sigmas

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: PoseDataSample,
        draw_gt: bool = True,
        draw_pred: bool = True,
        draw_heatmap: bool = False,
        draw_bbox: bool = False,
        show_kpt_idx: bool = False,
        skeleton_style: str = 'mmpose',
        show: bool = False,
        wait_time: float = 0,
        out_file: str | Path | None = None,
        kpt_thr: float = 0.3,
        step: int = 0,
    ) -> np.ndarray:
        """Draw a sample and hand the picture to the window, the file or the backends.

        Args:
            name: Title of the picture in the backends.
            image: (H, W, 3) uint8 **RGB**, mmengine's order, in the frame of the original image.
            data_sample: With ``gt_instances``, ``pred_instances``, both or neither.
            draw_gt: Draw the truth as white dashes.
            draw_pred: Draw the prediction.
            draw_heatmap: For mmpose's callers; this family of models has no heat maps.
            draw_bbox: Draw the boxes of the predicted people.
            show_kpt_idx: For mmpose's callers; names of keypoints are in the 3D viewer.
            skeleton_style: For mmpose's callers; there is one style.
            show: Open a window (needs a display).
            wait_time: Seconds the window stays; 0 waits for a key.
            out_file: Write the picture here (whole or not at all) instead of to the backends.
            kpt_thr: Keypoints with a lower score are left out.
            step: Of the backends.

        Returns:
            (H, W, 3) uint8 RGB.

        Raises:
            UserError: ``out_file`` cannot be written.
        """
        truth = People.from_instances(data_sample.gt_instances) if draw_gt and 'gt_instances' in data_sample else None
        people = People()
        if draw_pred and 'pred_instances' in data_sample:
            people = People.from_instances(data_sample.pred_instances).with_keypoints_above(kpt_thr)
        drawn = draw_people(
            image[..., ::-1],
            people,
            self._skeleton(),
            truth=truth,
            boxes=draw_bbox,
            sigmas=self.draw_sigmas,
            strokes=Strokes(self.line_width, self.radius),
        )[..., ::-1]
        self.set_image(drawn)
        if show:
            self.show(drawn, win_name=name, wait_time=wait_time)
        if out_file is not None:
            save_image(out_file, drawn[..., ::-1])
        else:
            self.add_image(name, drawn, step)
        return self.get_image()

    def _skeleton(self) -> Skeleton:
        if self.keypoint_set is not None:
            return skeleton_of(self.keypoint_set)
        return skeleton_of_metainfo(self.dataset_meta)
