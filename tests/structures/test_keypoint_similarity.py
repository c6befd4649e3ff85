from __future__ import annotations

import numpy as np
import pytest
import torch

from das_mm.structures.keypoint_similarity import object_keypoint_similarity


def test_equals_pycocotools():
    from xtcocotools.cocoeval import COCOeval

    rng, sigmas = np.random.default_rng(0), np.linspace(0.03, 0.1, 17)
    true, found = rng.normal(0, 40, (2, 17, 2)) + 100, rng.normal(0, 40, (3, 17, 2)) + 100
    labelled, areas = rng.random((2, 17)) > 0.3, np.array([9000.0, 2500.0])
    judge = COCOeval(iouType='keypoints', sigmas=sigmas)
    judge.params.imgIds, judge.params.catIds = [1], [1]
    annotations = [
        dict(keypoints=np.column_stack([px, 2 * seen]).ravel().tolist(), area=area, bbox=[0, 0, 300, 300])
        for px, seen, area in zip(true, labelled, areas)
    ]
    predictions = [
        dict(keypoints=np.column_stack([px, np.ones(17)]).ravel().tolist(), score=1 - 0.1 * row)
        for row, px in enumerate(found)
    ]
    judge._gts[1, 1], judge._dts[1, 1] = annotations, predictions
    squared = ((true[:, None] - found) ** 2).sum(-1)
    ours = object_keypoint_similarity(squared, areas[:, None], sigmas, labelled[:, None])
    assert judge.computeOks(1, 1) == pytest.approx(ours.T, abs=1e-12)
    same = object_keypoint_similarity(
        torch.from_numpy(squared),
        torch.from_numpy(areas[:, None]),
        torch.from_numpy(sigmas),
        torch.from_numpy(labelled[:, None]),
    )
    assert same.numpy() == pytest.approx(ours)


@pytest.mark.parametrize('kind', [np.float32, np.float64])
def test_people_without_extent_or_labels(kind):
    squared, areas = np.array([[0.0, 0.0], [1.0, 1.0]], kind), np.zeros(2, kind)
    for make in (np.asarray, torch.from_numpy):
        found = object_keypoint_similarity(make(squared), make(areas), 0.1)
        assert found.tolist() == [1, 0] and str(found.dtype).endswith(np.dtype(kind).name)
        nobody = object_keypoint_similarity(make(squared), make(areas), 0.1, make(np.zeros((2, 2), bool)))
        assert np.isnan(np.asarray(nobody)).all()
