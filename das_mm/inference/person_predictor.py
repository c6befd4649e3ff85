"""An estimator that reads crops of people as a predictor: boxes, crops in batches, and people back in their images."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from mmengine.dataset import pseudo_collate
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from das_mm.structures import get_keypoint_set
from das_mm.structures.image_frame import known_camera
from das_mm.structures.people import People

from .person_boxes import BoxSource, FoundBoxes
from .person_record import person_record, told_of
from .predictor import InputImage, Prediction
from .torch_predictor import TorchPredictor

CROPS_PER_BATCH = 64


@dataclass(frozen=True)
class PreparedImage:
    """An image, and what the source of boxes wants of it."""

    image: InputImage
    for_boxes: Any


class PersonPredictor:
    """Runs an estimator on a crop of each person; see :class:`.Predictor`.

    Boxes that show nothing of their image are left out, counted and told. So is who the estimator says nothing of.

    Args:
        crops: Runs the estimator (``input_view`` 'person', see :mod:`das_mm.models.estimator_protocol`).
        boxes: Says where people are.
        crops_per_batch: Crops that go through the network together.
    """

    max_frame_gap: int | None = None

    def __init__(self, crops: TorchPredictor, boxes: BoxSource, crops_per_batch: int = CROPS_PER_BATCH):
        self.crops, self.boxes, self.crops_per_batch = crops, boxes, crops_per_batch
        self.keypoint_set, self.tasks = crops.keypoint_set, crops.tasks
        self.pipeline = crops.pipeline
        self.provenance: Mapping[str, Any] = dict(crops.provenance, boxes=boxes.words)

    def with_boxes(self, boxes: BoxSource) -> PersonPredictor:
        """The same with boxes from elsewhere."""
        return PersonPredictor(self.crops, boxes, self.crops_per_batch)

    @property
    def body(self):
        return self.crops.body

    @property
    def uses_sigma(self) -> bool:
        return self.crops.uses_sigma

    @property
    def score_thr(self) -> float:
        return self.crops.score_thr

    def forget(self) -> None:
        self.crops.forget()
        self.boxes.forget()

    def draw_samples(self, number: int) -> None:
        """See :meth:`.TorchPredictor.draw_samples`."""
        self.crops.draw_samples(number)
        self.tasks = self.crops.tasks

    def prepare(self, image: InputImage) -> PreparedImage:
        return PreparedImage(image, self.boxes.prepare(image))

    def predict(
        self, prepared: Sequence[PreparedImage], score_thr: float | None = None, with_sigma: bool | None = None
    ) -> list[Prediction]:
        found = self.boxes.find([one.for_boxes for one in prepared])
        boxes = [self._sound(one.image, some) for one, some in zip(prepared, found)]
        samples = self._samples(prepared, boxes, with_sigma)
        threshold = self.score_thr if score_thr is None else score_thr
        predictions = [self._gathered(one.image, some, samples, threshold) for one, some in zip(prepared, boxes)]
        if with_sigma is False:  # whatever the estimator gives
            return [one.with_people(replace(one.people, keypoints_sigma=None)) for one in predictions]
        return predictions

    @staticmethod
    def collate(prepared: Sequence[PreparedImage]) -> list[PreparedImage]:
        """A batch of what :meth:`prepare` gave."""
        return list(prepared)

    def forward(
        self, batch: Sequence[PreparedImage], score_thr: float | None = None, with_sigma: bool | None = None
    ) -> list[PoseDataSample]:
        """Data samples of a collated batch of images."""
        return [prediction.sample for prediction in self.predict(batch, score_thr, with_sigma)]

    def _sound(self, image: InputImage, boxes: FoundBoxes) -> FoundBoxes:
        boxes, reasons = boxes.sound(image.pixels.shape)
        if reasons:
            _warn(image, f'{reasons.total()} boxes are left out', reasons)
        return boxes

    def _samples(
        self, prepared: Sequence[PreparedImage], boxes: Sequence[FoundBoxes], with_sigma: bool | None
    ) -> Iterator[PoseDataSample]:
        """Of all people of the images, in order; crops of several images share a batch."""
        keypoint_set = get_keypoint_set(self.keypoint_set)
        waiting: list[dict[str, Any]] = []

        def flush() -> Iterator[PoseDataSample]:
            yield from self.crops.forward(pseudo_collate(waiting), with_sigma=with_sigma)
            waiting.clear()

        for one, some in zip(prepared, boxes):
            for row, (box, score) in enumerate(zip(some.xyxy_px, some.scores.tolist())):
                record = person_record(one.image, box, score, row, keypoint_set)
                told = told_of(record, one.image)
                if some.keypoints is not None:
                    told['detected_keypoints'] = some.keypoints[row]
                waiting.append(self.crops.prepare_record(record, told))
                if len(waiting) == self.crops_per_batch:
                    yield from flush()
        if waiting:
            yield from flush()

    def _gathered(
        self, image: InputImage, boxes: FoundBoxes, samples: Iterator[PoseDataSample], score_thr: float
    ) -> Prediction:
        """The people of one image, best first, out of the samples of all."""
        some = [next(samples) for _ in boxes.scores]
        rows = [self._person(sample, box) for sample, box in zip(some, boxes.xyxy_px)]
        if missed := sum(len(person) == 0 for person in rows):
            _warn(image, f'of {missed} boxes the model says nothing', {})
        people = _joined([person for person in rows if len(person)], get_keypoint_set(self.keypoint_set).num_keypoints)
        order = np.argsort(-people.scores, kind='stable')
        people = people.select(order[people.scores[order] >= score_thr])
        fov_deg = (self.crops.estimator.test_cfg or {}).get('default_fov_deg')
        camera = known_camera(image.camera, image.pixels.shape, fov_deg)
        camera = next((sample.metainfo['camera'] for sample in some if _has_camera(sample)), camera)
        return Prediction(people, camera, _sample_of(image, people, camera))

    def _person(self, sample: PoseDataSample, box: np.ndarray) -> People:
        """One person (or nobody) with the box and the root in the image; the root is where the keypoints have it."""
        person = People.from_instances(sample.pred_instances)
        if not len(person):
            return person
        roots = person.roots_px
        if roots is None:
            sources = list(get_keypoint_set(self.keypoint_set).root_sources)
            roots = np.asarray(person.keypoints_px)[:, sources].mean(axis=1)
        return replace(person, roots_px=roots, bboxes_px=np.asarray(box, np.float32)[None])


def _has_camera(sample: PoseDataSample) -> bool:
    return (sample.metainfo.get('camera') or {}).get('K') is not None


def _joined(rows: Sequence[People], num_keypoints: int) -> People:
    if not rows:
        return replace(
            People.empty(num_keypoints), keypoints_cam_mm=None, roots_px=np.zeros((0, 2)), keypoints_sigma=None
        )
    arrays = [person.arrays() for person in rows]
    joined = {name: np.concatenate([one[name] for one in arrays]) for name in arrays[0]}
    data = {name: np.concatenate([person.data[name] for person in rows]) for name in rows[0].data}
    return People(**joined, data=data)


def _sample_of(image: InputImage, people: People, camera: Mapping[str, Any]) -> PoseDataSample:
    """mmpose's container of the whole image."""
    sample = PoseDataSample(
        metainfo=dict(
            img_path=image.file or image.name,
            img_id=image.name,
            ori_shape=image.pixels.shape[:2],
            camera=dict(camera),
            seq=image.name,
            view='',
            frame=image.frame,
            time_s=image.time_s,
        )
    )
    found = InstanceData()
    for name, values in people.instances().items():
        found.set_field(values, name)
    sample.pred_instances = found
    return sample


def _warn(image: InputImage, problem: str, reasons: Mapping[str, int] | Counter[str]) -> None:
    told = ', '.join(f'{count} {reason}' for reason, count in reasons.items())
    frame = '' if image.frame is None else f', frame {image.frame}'
    logging.getLogger('das_mm').warning(f'{image.name}{frame}: {problem}{f": {told}" if told else ""}')
