"""An exported graph as a predictor: onnxruntime, numpy and opencv, neither torch nor an mm package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from das_mm.bodies.posable_body import PosableBody
from das_mm.checkpoints.onnx_file import NORMALISED, SCORE_THR
from das_mm.checkpoints.onnx_session import check_graph, people_per_image
from das_mm.engine import file_sha256
from das_mm.errors import UserError
from das_mm.structures.image_frame import known_camera, poses_in_image
from das_mm.structures.people import People
from das_mm.structures.task_fields import TaskDescription, fields_in_image
from das_mm.structures.thresholds import with_defaults
from das_mm.version import __version__

from .numpy_pipeline import NumpyPipeline, pipeline_obstacle
from .predictor import InputImage, Prediction
from .tracking_memory import TrackingMemory, tracking_obstacle

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_SIGMA_FIELDS = ('keypoints_sigma', 'keypoint_scores')


def onnx_obstacle(said: Mapping[str, Any]) -> str | None:
    """Why a graph cannot be used without torch, in words; None if it can.

    Args:
        said: Of :func:`.read_description`.
    """
    if said['tasks'] is None or said['pipeline'] is None:
        return 'it was exported before das_mm told all in the file'
    undeclared = [task.name for task in said['tasks'] if not task.declared]
    if undeclared:
        return f'code of its own stands behind the task {undeclared[0]}'
    if said['tracking'] is not None and (obstacle := tracking_obstacle(said['tracking'])):
        return obstacle
    return pipeline_obstacle(said['pipeline'])


@dataclass(frozen=True)
class PreparedImage:
    """The input of a graph.

    Attributes:
        pixels: (h, w, 3) uint8 BGR.
        warp: (2, 3) float32, px of the original image to those of ``pixels``.
        image: What it was made of.
    """

    pixels: np.ndarray
    warp: np.ndarray
    image: InputImage


class OnnxPredictor:
    """Runs a graph; see :class:`.Predictor`.

    Args:
        session: Of onnxruntime.
        said: What the file says of itself (:func:`.read_description`), without an obstacle (:func:`onnx_obstacle`).
        path: The file.

    Raises:
        UserError: The licensed body file of a model of meshes is missing.
    """

    def __init__(self, session: InferenceSession, said: Mapping[str, Any], path: str | Path):
        self._session, self._said, self._path = session, said, path
        self._outputs = [output.name for output in session.get_outputs()]
        check_graph(session, path)
        self._pipeline = NumpyPipeline(said['pipeline'])
        self._memory = None if said['tracking'] is None else TrackingMemory(said['tracking'])
        self.keypoint_set = said['dataset_meta']['keypoint_set']
        self.tasks: Mapping[str, TaskDescription] = {task.name: task for task in said['tasks']}
        self.body = _body_of(said)
        self.uses_sigma = _SIGMA_FIELDS[0] in self._outputs
        self.score_thr = float(with_defaults(said['test_cfg'])['score_thr'])
        self.max_frame_gap = None if self._memory is None else self._memory.max_frame_gap
        self.tracker = None if self._memory is None else self._memory.tracker
        self.provenance: Mapping[str, Any] = dict(
            config=said['config_name'] or None,
            weights=Path(path).name,
            weights_sha256=file_sha256(path),
            das_mm=__version__,
        )

    def forget(self) -> None:
        if self._memory is not None:
            self._memory.forget()

    def prepare(self, image: InputImage) -> PreparedImage:
        pixels, warp = self._pipeline(image.pixels)
        return PreparedImage(pixels, warp, image)

    def predict(
        self, prepared: Sequence[PreparedImage], score_thr: float | None = None, with_sigma: bool | None = None
    ) -> list[Prediction]:
        score_thr = self.score_thr if score_thr is None else score_thr
        left_out = _SIGMA_FIELDS if with_sigma is False else ()
        predictions: dict[int, Prediction] = {}
        for rows in self._together(prepared):
            some = [prepared[row] for row in rows]
            if self._memory is not None:
                self._memory.turn_to(some[0].image)
            inputs = self._network_input(some)
            for row, fields in zip(rows, self._run(inputs, score_thr)):
                fields = {name: values for name, values in fields.items() if name not in left_out}
                predictions[row] = self._prediction(fields, prepared[row], inputs)
        return [predictions[row] for row in range(len(prepared))]

    def _together(self, prepared: Sequence[PreparedImage]) -> Iterator[list[int]]:
        """Rows that the graph can take together: of one size, and one by one where it sees the frame before."""
        rows = range(len(prepared))
        if self._memory is not None:
            yield from ([row] for row in rows)
            return
        size = lambda row: prepared[row].pixels.shape[:2]
        for _, some in groupby(sorted(rows, key=size), key=size):
            yield list(some)

    def _network_input(self, prepared: Sequence[PreparedImage]) -> np.ndarray:
        """(B, C, H, W) float32."""
        pixels = np.stack([one.pixels for one in prepared]).transpose(0, 3, 1, 2).astype(np.float32)
        if self._said['input']['kind'] != NORMALISED:
            return np.ascontiguousarray(pixels)
        assert self._memory is not None  # only a network that sees the frame before takes its input normalised
        (image,) = _normalised(pixels, self._said['preprocessor'], self._said['input']['divisor'])
        return self._memory.network_input(image, prepared[0].warp)[None]

    def _run(self, inputs: np.ndarray, score_thr: float) -> list[dict[str, np.ndarray]]:
        given = {'images': inputs, SCORE_THR: np.asarray(score_thr, np.float32)}
        try:
            values = self._session.run(self._outputs, given)
        except Exception as error:  # onnxruntime's own exceptions have no common base
            raise UserError(
                f'onnxruntime cannot run it: {" ".join(str(error).split())[:300]}',
                file=self._path,
                field='graph',
                remedy='export it again: das-mm export onnx CONFIG CHECKPOINT --out FILE',
            ) from error
        arrays = cast('list[np.ndarray]', values)
        return people_per_image(dict(zip(self._outputs, arrays)), len(inputs))

    def _prediction(self, fields: dict[str, np.ndarray], prepared: PreparedImage, inputs: np.ndarray) -> Prediction:
        image, shape = prepared.image, prepared.image.pixels.shape
        camera = known_camera(image.camera, shape, self._said['test_cfg'].get('default_fov_deg'))
        pose, rest = poses_in_image(fields, camera, prepared.warp, shape)
        for task in self.tasks.values():
            rest = fields_in_image(rest, task.fields, prepared.warp)
            if task.body is not None:
                from das_mm.bodies.body_in_camera import place_bodies  # loaded for models of meshes only

                assert self.body is not None  # loaded from the description of this very task
                root, placement = task.body['root'], task.body['placement']
                rest = place_bodies(rest, pose, camera, prepared.warp, self.body, root, placement)
        people = People.from_instances({**pose, **rest})
        if self._memory is not None:
            pixels = inputs[0, :3] if self._said['input']['kind'] == NORMALISED else None
            people = replace(people, track_ids=self._memory.identify(people, image, camera['K'], pixels))
        return Prediction(people, camera)


def _body_of(said: Mapping[str, Any]) -> PosableBody | None:
    described = next((task.body for task in said['tasks'] if task.body is not None), None)
    if described is None:
        return None
    from das_mm.bodies.numpy_body import load_described_body  # half a second, for models of meshes only

    return load_described_body(described)


def _normalised(pixels: np.ndarray, preprocessor: Mapping[str, Any], divisor: int) -> np.ndarray:
    """(B, 3, H, W) as mmpose's ``PoseDataPreprocessor`` leaves them: channels, mean and deviation, padding."""
    if preprocessor['swaps_channels']:
        pixels = pixels[:, ::-1]
    if preprocessor['mean'] is not None:
        mean, std = (np.asarray(preprocessor[name], np.float32).reshape(3, 1, 1) for name in ('mean', 'std'))
        pixels = (pixels - mean) / std
    height, width = pixels.shape[-2:]
    padding = ((0, 0), (0, 0), (0, -height % divisor), (0, -width % divisor))
    return np.pad(pixels, padding, constant_values=preprocessor['pad_value'])
