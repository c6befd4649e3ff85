"""SMPL labels and the bodies posed by them: those of one body pass, others are an error that names file and remedy."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from das_mm.datasets.datasets import SyntheticPeople
from das_mm.errors import UserError
from das_mm.models.body_models import SMPLBody
from das_mm.registry import HOOKS


@pytest.fixture(scope='module')
def synthetic(tmp_path_factory):
    root = tmp_path_factory.mktemp('scenes')
    return SyntheticPeople(
        root=root, num_images=3, image_size=(96, 64), people=(1, 2), seed=0, split='train', workers=0
    )


class OtherLabels:
    """The same people with the labels of somebody who fitted another body: other shapes."""

    def __init__(self, dataset, change):
        self.dataset_, self.change = dataset, change
        self.ann_file, self.keypoint_set = dataset.ann_file, dataset.keypoint_set

    def __len__(self):
        return len(self.dataset_)

    def get_data_info(self, index):
        record = self.dataset_.get_data_info(index)
        return self.change({**record})


def of_another_body(record):
    return record | dict(smpl_betas=record['smpl_betas'] + np.float32(2))


def of_other_people(record):
    return record | dict(keypoints_3d=record['keypoints_3d'][..., ::-1] * 1.5)


class Model(torch.nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body


def check(dataset, body, metrics=()):
    runner = SimpleNamespace(
        model=Model(body),
        train_dataloader=SimpleNamespace(dataset=dataset),
        val_dataloader=SimpleNamespace(dataset=dataset),
        val_evaluator=SimpleNamespace(metrics=list(metrics)),
    )
    hook = HOOKS.build(dict(type='das_mm.LabelBodyHook'))
    hook.before_val(runner) if metrics else hook.before_train(runner)


def real_body() -> SMPLBody:
    """A body that is not the generated one: a file's, as far as this can tell."""
    body = SMPLBody()
    body.source = '/licensed/SMPL_NEUTRAL.pkl'
    body.v_template += 0.05 * body.v_template.roll(1, 0)
    return body


def test_labels_of_the_body_pass(synthetic):
    check(synthetic, SMPLBody())
    check(SimpleNamespace(datasets=[synthetic, SimpleNamespace(dataset=synthetic)]), SMPLBody())


def test_labels_of_another_body_are_refused(synthetic):
    with pytest.raises(UserError, match='not of the generated body, which the model poses by them') as caught:
        check(OtherLabels(synthetic, of_another_body), SMPLBody())
    assert caught.value.file == synthetic.ann_file and 'smpl_path=FILE' in caught.value.remedy
    with pytest.raises(UserError, match='of the generated body, and the model has /licensed/SMPL_NEUTRAL.pkl'):
        check(synthetic, real_body())


def test_the_metrics_body_counts_too(synthetic):
    metric = SimpleNamespace(body=real_body())
    with pytest.raises(UserError, match='and SimpleNamespace has /licensed'):
        check(synthetic, SMPLBody(), [metric])


def test_real_labels_may_differ_as_markers_do_and_not_more(synthetic):
    check(OtherLabels(synthetic, of_another_body), real_body())
    with pytest.raises(UserError, match=r'posed by its SMPL labels, is \d{3,} mm off its keypoints') as caught:
        check(OtherLabels(synthetic, of_other_people), real_body())
    assert 'convert the data set again' in caught.value.remedy


def test_data_without_smpl_is_passed_over(synthetic):
    def without(record):
        return {name: value for name, value in record.items() if name != 'has_smpl'}

    check(OtherLabels(synthetic, without), real_body())
    check([1, 2, 3], real_body())
