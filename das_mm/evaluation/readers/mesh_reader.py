"""SMPL parameters out of data samples, for metrics and baselines of meshes. Letters: N people."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from das_mm.errors import UserError
from das_mm.structures.arrays import to_numpy

from ..functional.mesh import BodyParameters
from .sample_reader import as_dict

_SHAPES = dict(smpl_global_orient=(3,), smpl_body_pose=(23, 3), smpl_betas=None, smpl_transl_mm=(3,))


def read_true_bodies(sample: Mapping, count: int) -> tuple[BodyParameters, np.ndarray, np.ndarray]:
    """SMPL truth of the ``count`` people of ``gt_instances``.

    Returns:
        Parameters (zeros for people without), ``has_smpl`` (N,) bool, and genders (N,) of ``'m'``, ``'f'``, ``'n'``.

    Raises:
        UserError: Fields that do not fit, or a person with SMPL truth that is not finite.
    """
    instances, where = as_dict(sample.get('gt_instances') or {}), f'gt_instances of image {sample.get("img_id")}'
    genders = np.array(
        ['n'] * count
        if instances.get('smpl_gender') is None
        else [str(gender)[:1] or 'n' for gender in instances['smpl_gender']],
        dtype='<U1',
    )
    if instances.get('has_smpl') is None or count == 0:
        return _nobody(count), np.zeros(count, bool), genders
    known = to_numpy(instances['has_smpl'], np.float64) > 0
    people = _read(instances, where, count)
    if not (people.finite | ~known).all():
        raise UserError(
            f'{where} has SMPL parameters that are not finite',
            field='smpl_body_pose',
            remedy='mend the SMPL file, or set has_smpl to false for that person',
        )
    return people, known, genders


def read_predicted_bodies(sample: Mapping, count: int) -> BodyParameters:
    """SMPL parameters of the ``count`` people of ``pred_instances``.

    Raises:
        UserError: The model predicts no meshes, or fields do not fit.
    """
    instances = as_dict(sample.get('pred_instances') or {})
    return _read(instances, f'pred_instances of image {sample.get("img_id")}', count)


def read_scored_bodies(sample: Mapping, score_thr: float) -> BodyParameters:
    """Bodies of the predictions that pass a score threshold, in the order of ``read_predictions``.

    Raises:
        UserError: As :func:`read_predicted_bodies`.
    """
    instances = as_dict(sample['pred_instances'])
    scores = instances.get('scores')
    scores = np.ones(len(instances['keypoints'])) if scores is None else to_numpy(scores, np.float64)
    return read_predicted_bodies(sample, scores.size)[~(scores.ravel() < score_thr)]


def _nobody(count: int, num_betas: int = 10) -> BodyParameters:
    return BodyParameters(
        np.zeros((count, 3)), np.zeros((count, 23, 3)), np.zeros((count, num_betas)), np.zeros((count, 3))
    )


def _read(instances: Mapping, where: str, count: int) -> BodyParameters:
    columns = []
    for name, shape in _SHAPES.items():
        value = instances.get(name)
        if value is None:
            if count:
                raise UserError(
                    f'{where} has no {name}',
                    field=name,
                    remedy='test a model with a mesh branch on data with SMPL parameters',
                )
            return _nobody(0)
        value = to_numpy(value, np.float64)
        shape = value.shape[1:] if shape is None and value.ndim == 2 else shape
        if value.size == 0 and count == 0:
            value = value.reshape(0, *(shape or (10,)))
        if shape is None or value.shape != (count, *shape):
            raise UserError(
                f'{where}.{name} has shape {value.shape}, expected ({count}, '
                f'{", ".join(map(str, shape or ("betas",)))})',
                field=name,
                remedy='SMPL parameters are axis-angle: 3, 23 × 3, betas, 3 numbers a person',
            )
        columns.append(value)
    return BodyParameters(*columns)
