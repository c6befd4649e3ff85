"""The predictor for what a user names: a checkpoint, an exported graph, or a task of the package's small models."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from das_mm.checkpoints.onnx_file import is_onnx, read_description
from das_mm.checkpoints.onnx_session import open_session
from das_mm.checkpoints.packaged import PACKAGED, packaged_graph, packaged_model
from das_mm.checkpoints.pretrained import MODEL_SUFFIXES, is_pretrained_name, pretrained_weights
from das_mm.errors import UserError

from .box_files import BoxFile
from .onnx_predictor import OnnxPredictor, onnx_obstacle
from .person_boxes import Boxes, BoxSource, DetectedPeople, WholeImage
from .predictor import Predictor, check_task
from .prompted_predictor import PromptedPredictor
from .prompts import BoxPrompts, PointPrompts, Points

if TYPE_CHECKING:
    from das_mm.models.estimator_protocol import EstimatorProtocol

    from .person_predictor import PersonPredictor
    from .torch_predictor import TorchPredictor

RUNTIMES = ('auto', 'torch', 'onnx')


def open_predictor(
    weights: str | Path | None = None,
    config: str | Path | None = None,
    device: str | None = None,
    task: str | None = None,
    runtime: str = 'auto',
    precision: str = 'fp32',
    allow: Iterable[str] = (),
    boxes: Boxes | None = None,
    points: Points | None = None,
) -> Predictor:
    """A predictor that is ready.

    Args:
        weights: Checkpoint file (.pth, .safetensors), an ONNX file that ``das-mm export onnx`` wrote, a folder of
            ``das-mm package``, or the name of one on the hub (:func:`.pretrained_weights`). With neither this nor a
            config: the small model of the package for ``task``.
        config: Path or name of the checkpoint's config; by default the one in it.
        device: 'cpu', 'cuda', …; None or 'auto': a GPU where there is one.
        task: 'pose', 'mesh' or 'tracking', where the package's model is to be used; of another model it is asked
            whether it does that.
        runtime: What runs the network: 'torch'; 'onnx', which needs a graph; or 'auto': of the package's models the
            graph on a CPU, which starts in seconds, and torch on a GPU; of others whatever their file is for.
        precision: 'fp32', 'bf16' or 'auto', of a network that torch runs on a CPU; a graph has its own.
        allow: Code of other packages that a file may name; see :func:`.load_model`.
        boxes: Where people are; see :func:`open_boxes`. A model that reads crops takes them there (None: the package's
            DAS finds them); one that reads whole images tells of its people those in the boxes (None: all).
        points: On the people who are wanted, in place of boxes; see :data:`.Points`.

    Raises:
        UserError: No weights, a file that cannot be read or does not fit the config, a device or graph that is not
            there, no such precision, or a task that the model does not do.
    """
    if weights is not None and is_pretrained_name(weights):
        weights = pretrained_weights(weights)
    if weights is None and config is None:
        weights, config = _of_package('pose' if task is None else task, device, runtime)
    if runtime == 'onnx' and not is_onnx(weights or ''):
        raise UserError(
            'a checkpoint is run by torch',
            file=weights,
            field='runtime',
            remedy='leave --runtime out, or write a graph first: das-mm export onnx CONFIG CHECKPOINT',
        )
    if weights is not None and is_onnx(weights) and config is None:
        predictor = _graph(weights, device, runtime, precision, allow)
    else:
        predictor = _torch(weights, config, device, precision, allow)
    predictor = asked_for(predictor, boxes, points, device, allow)
    if task is not None:
        check_task(predictor.tasks, task)
    return predictor


def open_boxes(boxes: Boxes = 'das', device: str | None = None, allow: Iterable[str] = ()) -> BoxSource:
    """Where people are.

    Args:
        boxes: 'das': the small model of the package finds them; 'image': one person fills each image; the path of a
            file of boxes (:class:`.BoxFile`), or of the weights (.pth, .onnx) of another model that finds people.
        device: Of the model.
        allow: As of :func:`open_predictor`.

    Raises:
        UserError: There is no such file, or it holds something else.
    """
    if not isinstance(boxes, (str, Path)):
        return boxes
    if str(boxes) == 'das':
        return DetectedPeople(lambda: open_predictor(device=device, task='pose'), f'found by {PACKAGED["pose"]}')
    if str(boxes) == 'image':
        return WholeImage()
    path = Path(boxes)
    if not path.is_file():
        raise UserError(
            'there is no such file',
            file=path,
            field='boxes',
            remedy="give a file of boxes, the weights of a model that finds people, 'das' or 'image'",
        )
    if path.suffix.lower() in MODEL_SUFFIXES:
        return DetectedPeople(lambda: _finder(path, device, allow), f'found by {path.name}')
    return BoxFile(path)


def asked_for(
    predictor: Predictor,
    boxes: Boxes | None = None,
    points: Points | None = None,
    device: str | None = None,
    allow: Iterable[str] = (),
) -> Predictor:
    """A predictor of the people in boxes, or at points.

    Args:
        predictor: Of whole images: it tells its people there, however unsure of them it is
            (:class:`.PromptedPredictor`). Of crops: boxes are where it takes them, points are where the package's DAS
            looks for the people whose crops it takes.
        boxes, points, device, allow: As of :func:`open_predictor`.

    Raises:
        UserError: Both are given, they cannot be read, or the predictor follows people itself.
    """
    if boxes is not None and points is not None:
        raise UserError('boxes and points are both given', field='points', remedy='give one of the two')
    reads_crops = hasattr(predictor, 'with_boxes')
    if points is not None:
        if not reads_crops:
            return PromptedPredictor(predictor, PointPrompts(points, predictor.keypoint_set))
        finder = lambda: asked_for(open_predictor(device=device, task='pose'), points=points)
        return cast('PersonPredictor', predictor).with_boxes(
            DetectedPeople(finder, f'found at points by {PACKAGED["pose"]}')
        )
    if boxes is None or (str(boxes) == 'das' and not reads_crops):
        return predictor  # finds people itself, or has what finds them
    source = open_boxes(boxes, device, allow)
    if reads_crops:
        return cast('PersonPredictor', predictor).with_boxes(source)
    return PromptedPredictor(predictor, BoxPrompts(source))


def predictor_of(
    estimator: EstimatorProtocol, scope: str = 'das_mm', precision: str = 'fp32', device: str | None = None
) -> TorchPredictor | PersonPredictor:
    """An estimator as a predictor; of one that reads crops the package's DAS finds the people.

    Args:
        estimator: In evaluation mode.
        scope, precision: Of :class:`.TorchPredictor`.
        device: Of the model that finds people.

    Raises:
        UserError: The estimator reads keypoints.
    """
    from das_mm.models.estimator_protocol import input_view

    from .person_predictor import PersonPredictor
    from .torch_predictor import TorchPredictor

    if input_view(estimator) == 'keypoints':
        raise UserError(
            'this model reads keypoints, not images',
            field='weights',
            remedy='find keypoints with another model, and lift them: das-mm lift KEYPOINTS.json --weights FILE',
        )
    predictor = TorchPredictor(estimator, scope, precision)
    return PersonPredictor(predictor, open_boxes('das', device)) if input_view(estimator) == 'person' else predictor


def _finder(weights: Path, device: str | None, allow: Iterable[str]) -> Predictor:
    predictor = open_predictor(weights, device=device, allow=allow)
    if hasattr(predictor, 'with_boxes'):
        raise UserError(
            'this model reads crops and finds nobody',
            file=weights,
            field='boxes',
            remedy='give the weights of a DAS model, or a file of boxes',
        )
    return predictor


def _of_package(task: str, device: str | None, runtime: str) -> tuple[Path, str | None]:
    """Graph, or checkpoint and name of its config, of the package's model for a task."""
    graph = packaged_graph(task) if task in PACKAGED else None
    on_cpu = device == 'cpu' or (device in (None, 'auto') and not _has_gpu())
    if graph is not None and (runtime == 'onnx' or (runtime == 'auto' and on_cpu)):
        return graph, None
    return packaged_model(task)


def _graph(weights: str | Path, device: str | None, runtime: str, precision: str, allow: Iterable[str]) -> Predictor:
    if runtime == 'torch':  # what stands before and behind the graph is torch's then
        return _torch(weights, None, device, precision, allow)
    session = open_session(weights, device)
    said = read_description(session.get_modelmeta().custom_metadata_map, weights)
    obstacle = onnx_obstacle(said)
    if obstacle is None:
        return OnnxPredictor(session, said, weights)
    if runtime == 'onnx':
        raise UserError(
            f'this graph needs torch about it: {obstacle}', file=weights, field='runtime', remedy='leave --runtime out'
        )
    logging.getLogger('das_mm').info(f'{weights}: torch is loaded, for {obstacle}')
    return _torch(weights, None, device, precision, allow)


def _torch(
    weights: str | Path | None, config: str | Path | None, device: str | None, precision: str, allow: Iterable[str]
) -> Predictor:
    # torch and the mm packages take ten seconds and more: they are loaded for those who need them
    from das_mm.checkpoints.model_loader import load_model

    return predictor_of(load_model(weights, config, device, allow), precision=precision, device=device)


def _has_gpu() -> bool:
    """Whether the driver of NVIDIA shows a GPU; asked without torch."""
    try:
        driver = ctypes.CDLL('libcuda.so.1')
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
