"""What inference asks of an estimator, so that others than DAS can be used by it.

There are two kinds. One reads whole images and finds the people in them, as DAS does. The other reads a crop of one
person (``input_view = 'person'``): inference finds the boxes, makes a record of each, sends it through the pipeline of
the test data set, and puts up to 64 crops into one batch, also of several images.

The record of a person, with which the pipeline begins (there are no labels: their confidences and validities are 0):

=====================  ==============================================================================================
``img``                (H, W, 3) uint8 BGR, upright; with ``img_path``, ``img_id``, ``img_shape`` and ``ori_shape``
``bbox``               (1, 4) float32 x1, y1, x2, y2 px of the image, about the whole person; ``bbox_score`` (1,)
``box_center``         (2,) px and ``box_scale`` px: the square that is 1.2 times as long as the box
``camera``             ``K`` (3, 3) or None, ``dist``, ``source``; ``camera_matrix``: that K
``keypoint_set``       name of the estimator's, and ``flip_indices`` of it
``sample_key``         (name of the image, number of the person in it)
=====================  ==============================================================================================

and the label fields of :class:`das_mm.datasets.PersonViewDataset`. The metainfo of each sample that ``test_step`` is
given has, whatever the pipeline packs, ``camera``, ``ori_shape``, ``bbox`` (4,), ``bbox_score`` (a float),
``box_center``, ``box_scale``, ``sample_key``, ``seq``, ``frame`` and ``time_s``, and where the source of the boxes
knows keypoints ``detected_keypoints`` (:class:`das_mm.structures.detected_keypoints.DetectedKeypoints`); what else it
needs (``crop_to_image``, ``input_center``, …) its own pipeline packs.

One that says ``refinements`` can do better than its first answer, where its ``test_cfg`` asks for it under one of these
names: ``'fit'`` moves a body to the detected keypoints, ``'views'`` takes all samples of a batch as views of one person
(``das-mm infer --fit``, ``das-mm fit-views``).

It answers with samples in the same order, each with ``pred_instances`` of that one person, or of nobody (length 0)
where nothing sensible can be said, which is counted:

* always ``keypoints`` (1, K, 2) px of the original image, ``keypoint_scores`` (1, K), ``scores`` (1,) in [0, 1];
* where it knows depths ``keypoints_3d`` (1, K, 3) mm, ``root_depths_mm`` (1,), ``root_depths_norm`` (1,) mm per px of
  focal length and ``relative_depths_mm`` (1, K), by which results are solved for any camera. An estimator of the image
  plane alone leaves all four out: nothing in mm is told of its people then, and nothing is invented;
* ``roots_px`` (1, 2); without it, where the keypoint set has its root;
* ``keypoints_sigma`` (1, K, 2 or 3) px, px, mm where ``with_sigma`` is set in ``test_cfg``; the fields of its tasks.

Every person of an image has the same fields. ``bboxes`` are set to the box that was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from das_mm.structures.task_fields import TaskDescription

if TYPE_CHECKING:  # mmpose's models take ten seconds to load
    from mmengine.config import Config
    from mmpose.structures import PoseDataSample

    from .body_models.protocol import BodyModelProtocol

#: whole images, a crop of one person, or keypoints that were found before (a lifter, which inference does not run)
INPUT_VIEWS = ('image', 'person', 'keypoints')


def input_view(estimator: Any) -> str:
    """What an estimator reads, out of :data:`INPUT_VIEWS`: its ``input_view``, 'image' where it does not say.

    Raises:
        ValueError: It says something else.
    """
    view = getattr(estimator, 'input_view', 'image')
    if view not in INPUT_VIEWS:
        raise ValueError(f'input_view of a {type(estimator).__name__} is {view!r}, not one of {INPUT_VIEWS}')
    return view


@runtime_checkable
class EstimatorProtocol(Protocol):
    """A model as mmpose has them, with a few words on itself.

    It may also have ``input_view``: 'image' (where it is absent), 'person' or 'keypoints'; see
    :mod:`.estimator_protocol`.

    Attributes:
        cfg: Its config, whose test data set has the pipeline of its input.
        dataset_meta: What is known of its data, ``keypoint_set`` at least.
        test_cfg: Its options; ``score_thr`` and ``with_sigma`` are set there for a call.
        tasks: What it does, by name: 'pose', 'mesh', 'tracking', a user's own.
        body: The body of a model of meshes, else None.
        num_keypoints: K.
        uses_sigma: It can tell the scales of its errors (``keypoints_sigma``).
        score_thr: Its threshold.
        max_frame_gap: Of a model that remembers the frame before, and so wants frames in order, and that gives
            ``track_ids``: frames that may be missing within a video. None: it sees images alone.
    """

    cfg: Config
    dataset_meta: dict[str, Any]
    test_cfg: Mapping[str, Any]
    max_frame_gap: int | None

    @property
    def tasks(self) -> Mapping[str, TaskDescription]: ...

    @property
    def body(self) -> BodyModelProtocol | None: ...

    @property
    def num_keypoints(self) -> int: ...

    @property
    def uses_sigma(self) -> bool: ...

    @property
    def score_thr(self) -> float: ...

    def test_step(self, data: dict[str, Any]) -> list[PoseDataSample]:
        """Samples with ``pred_instances`` as :meth:`.DAS.predict` gives them (original image px, camera mm, arrays) and
        the ``camera`` used in their metainfo; of crops as the head of this module says."""
        ...

    def forget(self) -> None:
        """Another video begins."""
