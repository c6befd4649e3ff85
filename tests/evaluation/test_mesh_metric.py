"""MeshMetric: errors against the body model by hand, who counts, missed people, genders, files, baselines."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from das_mm.bodies import linear_blend_skinning, load_generated_body
from das_mm.bodies.shape_space import GENDER_BETAS
from das_mm.errors import UserError
from das_mm.evaluation.baselines.mean_body import fit_mean_body_to_samples, mean_body_scores
from das_mm.evaluation.metrics.mesh_metric import MeshMetric

from .scenes import META, A, B, make_sample

FIELDS = ('global_orient', 'body_pose', 'betas', 'transl_mm')


def bodies(count: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    upright = (
        (
            Rotation.from_rotvec([np.pi, 0, 0])
            * Rotation.from_rotvec([[0, yaw, 0] for yaw in rng.uniform(-1, 1, count)])
        ).as_rotvec()
        if count
        else np.zeros((0, 3))
    )
    return dict(
        zip(
            FIELDS,
            (
                upright,
                0.2 * rng.normal(size=(count, 23, 3)),
                rng.normal(size=(count, 10)),
                np.array([0, 0, 4000.0]) + 300 * rng.normal(size=(count, 3)),
            ),
        )
    )


def sample(gt=(A, B), pred=(A, B), true=None, guess=None, has_smpl=None, gender=None, **more) -> dict:
    """Two people (A, B) with SMPL truth and predictions of the same parameters unless told otherwise."""
    true = bodies(len(gt)) if true is None else true
    guess = bodies(len(pred)) if guess is None else guess
    fields = {f'smpl_{name}': value for name, value in true.items()}
    fields['has_smpl'] = np.ones(len(gt), bool) if has_smpl is None else np.asarray(has_smpl)
    if gender is not None:
        fields['smpl_gender'] = gender
    made = make_sample(gt, pred, **fields, **more)
    made['pred_instances'].update({f'smpl_{name}': value for name, value in guess.items()})
    return made


@pytest.fixture(scope='module')
def build():
    def make(**kwargs):
        metric = MeshMetric(**kwargs)
        metric.dataset_meta = META
        return metric

    return make


def score(metric: MeshMetric, *samples: dict) -> dict[str, float]:
    for one in samples:
        metric.process(None, [one])
    return {name.removeprefix('mesh/'): value for name, value in metric.evaluate(len(samples)).items()}


def picked(parameters, *rows):
    return {name: value[list(rows)] for name, value in parameters.items()}


def mesh(parameters):
    """(N, V, 3) mm untranslated, by the other implementation of skinning."""
    return 1000 * linear_blend_skinning(
        load_generated_body(), *(parameters[name] for name in FIELDS[:3]), np.zeros((len(parameters['betas']), 3))
    )[0].astype(float)


def test_true_meshes_have_no_error(build):
    table = score(build(), sample())
    assert all(table[f'{name}_mm'] < 1e-3 for name in ('mpjpe', 'pa_mpjpe', 'pve_root', 'pve_zero_transl', 'pve_abs'))
    assert table['recall'] == table['precision'] == 100
    assert table['num_gt_smpl'] == table['num_matched_smpl'] == 2


def test_errors_are_those_of_the_meshes(build):
    true, guess = bodies(2), bodies(2, seed=1)
    table = score(build(), sample(true=true, guess=guess))
    pred, gt = mesh(guess), mesh(true)
    zero = np.linalg.norm(pred - gt, axis=-1).mean()
    assert table['pve_zero_transl_mm'] == pytest.approx(zero, rel=1e-4)
    absolute = np.linalg.norm(pred + guess['transl_mm'][:, None] - gt - true['transl_mm'][:, None], axis=-1).mean()
    assert table['pve_abs_mm'] == pytest.approx(absolute, rel=1e-4)
    assert 10 < table['pa_mpjpe_mm'] < table['mpjpe_mm'] < table['pve_abs_mm']


def test_a_turned_person_keeps_pa(build):
    """Another orientation and another place: PA-MPJPE cannot see them, MPJPE and PVE do; the place only pve_abs."""
    guess = bodies(2)
    guess['transl_mm'] = guess['transl_mm'] + [0, 0, 500]
    moved = score(build(), sample(guess=guess))
    assert moved['pve_root_mm'] < 1e-3 and moved['pve_abs_mm'] == pytest.approx(500)
    turn = Rotation.from_rotvec([0, 0, 0.5])
    guess['global_orient'] = (turn * Rotation.from_rotvec(guess['global_orient'])).as_rotvec()
    turned = score(build(), sample(guess=guess))
    assert turned['pa_mpjpe_mm'] < 1e-2 and turned['mpjpe_mm'] > 50 and turned['pve_root_mm'] > 50


def test_people_are_matched_before_they_are_compared(build):
    true = bodies(2)
    swapped = score(build(), sample(pred=(B, A), guess=picked(true, 1, 0)))
    assert swapped['mpjpe_mm'] < 1e-3 and swapped['recall'] == 100
    wrong = score(build(), sample(guess=picked(true, 1, 0)))
    assert wrong['mpjpe_mm'] > 30


def test_missed_people_are_counted_and_stand_in_the_mean_body(build):
    true = bodies(2)
    table = score(build(), sample(pred=(A,), guess=picked(true, 0)))
    assert table['recall'] == 50 and table['precision'] == 100 and table['num_matched_smpl'] == 1
    assert table['mpjpe_mm'] < 1e-3 and table['mpjpe_all_mm'] > 10 and table['pve_root_all_mm'] > 10
    nothing = score(build(), sample(pred=(), guess=bodies(0)))
    assert nothing['recall'] == 0 and np.isnan(nothing['mpjpe_mm']) and np.isfinite(nothing['mpjpe_all_mm'])


def test_people_without_smpl_count_for_recall_alone(build):
    true = bodies(2)
    for name in FIELDS:
        true[name][1] = np.nan
    table = score(build(), sample(true=true, has_smpl=[True, False]))
    assert table['num_gt'] == 2 and table['recall'] == 100 and table['num_gt_smpl'] == 1 and table['mpjpe_mm'] < 1e-3
    plain = make_sample()  # a data set that knows no SMPL at all
    plain['pred_instances'].update({f'smpl_{name}': value for name, value in bodies(2).items()})
    table = score(build(), plain)
    assert table['recall'] == 100 and table['num_gt_smpl'] == 0 and np.isnan(table['pve_root_mm'])
    with pytest.raises(UserError, match='not finite'):
        build().process(None, [sample(true=true)])


def test_ignored_people_and_scores_and_numbers_that_are_none(build):
    table = score(build(), sample(is_valid=np.array([True, False])))
    assert table['num_gt'] == 1 and table['num_pred'] == 1 and table['num_pred_on_ignored'] == 1
    table = score(build(score_thr=0.5), sample(scores=[0.2, 0.9], pred=(B, A), guess=picked(bodies(2), 1, 0)))
    assert table['num_matched'] == 1 and table['mpjpe_mm'] < 1e-3  # the first prediction fell away, its body with it
    guess = bodies(2)
    guess['body_pose'][0] = np.nan
    table = score(build(), sample(guess=guess))
    assert table['recall'] == 50 and table['precision'] == 50 and table['num_pred_not_finite'] == 1


def test_samples_without_meshes_are_told(build):
    made = sample()
    del made['pred_instances']['smpl_betas']
    with pytest.raises(UserError, match='smpl_betas'):
        build().process(None, [made])
    made = sample()
    made['pred_instances']['smpl_body_pose'] = np.zeros((2, 69))
    with pytest.raises(UserError, match=r'expected \(2, 23, 3\)'):
        build().process(None, [made])
    betas = bodies(2)
    betas['betas'] = np.zeros((2, 4))
    with pytest.raises(UserError, match='betas'):
        score(build(), sample(guess=betas))
    for wrong in (dict(matching='by_luck'), dict(person_file='errors.txt')):
        with pytest.raises(UserError):
            build(**wrong)


def test_romps_rule_is_not_exclusive(build):
    true = picked(bodies(1), 0, 0)
    table = score(build(matching='nearest_root'), sample(true=true, pred=(B + 5,), guess=picked(true, 0)))
    assert table['num_matched'] == 2 and table['num_pred'] == 1 and table['precision'] == 100
    assert table['mpjpe_mm'] < 1e-3


def test_gendered_truth(build):
    """Betas of a gendered file mean another body; the metric takes that file for the truth if it is given one."""
    true, neutral = bodies(2), bodies(2)
    for row, gender in enumerate(('male', 'female')):
        true['betas'][row] = neutral['betas'][row] - GENDER_BETAS[gender]
    made = sample(true=true, guess=neutral, gender=np.array(['m', 'f']))
    gendered = dict(m=dict(type='SMPLBody', gender='male'), f=dict(type='SMPLBody', gender='female'))
    assert score(build(true_bodies=gendered), made)['pve_root_mm'] < 0.01
    assert score(build(), made)['pve_root_mm'] > 5


def test_files_of_people(build, tmp_path):
    rows = {}
    for ending in ('csv', 'json'):
        path = tmp_path / f'people.{ending}'
        score(build(person_file=str(path)), sample(pred=(A,), guess=picked(bodies(2), 0)), sample(img_id=2))
        rows[ending] = list(csv.DictReader(path.open())) if ending == 'csv' else json.loads(path.read_text())
    assert [row['image_id'] for row in rows['json']] == [1, 1, 2, 2]
    assert [row['ann_id'] for row in rows['json']] == [10, 11, 20, 21]
    assert [row['partner'] for row in rows['json']] == [0, -1, 0, 1] and rows['json'][1]['pve_root_mm'] is None
    assert [row['matched'] for row in rows['csv']] == ['1', '0', '1', '1'] and rows['csv'][1]['mpjpe_mm'] == ''


def test_tensors_and_many_people(build, monkeypatch):
    from das_mm.evaluation.metrics import mesh_metric

    monkeypatch.setattr(mesh_metric, '_CHUNK', 3)
    samples = []
    for image in range(4):
        true, guess = bodies(2, seed=image), bodies(2, seed=image + 10)
        made = sample(true=true, guess=guess, img_id=image)
        for part in ('gt_instances', 'pred_instances'):
            made[part] = {name: torch.as_tensor(value) for name, value in made[part].items()}
        samples.append(made)
    together = score(build(), *samples)
    alone = [score(build(), one) for one in samples]
    for name in ('mpjpe_mm', 'pa_mpjpe_mm', 'pve_root_mm', 'pve_abs_mm'):
        assert together[name] == pytest.approx(np.mean([table[name] for table in alone]), rel=1e-6)


def test_the_mean_body_as_a_baseline(build):
    train = [sample(true=bodies(2, seed=seed)) for seed in range(8)]
    test = [sample(true=bodies(2, seed=seed)) for seed in (20, 21)]
    for one in train + test:
        del one['pred_instances']
    mean = fit_mean_body_to_samples(train)
    plain = mean_body_scores(train, test, build())
    informed = mean_body_scores(train, test, build(), orientation='true')
    assert plain['mesh/recall'] == plain['mesh/precision'] == 100
    assert informed['mesh/mpjpe_mm'] < plain['mesh/mpjpe_mm']
    assert informed['mesh/pa_mpjpe_mm'] == pytest.approx(plain['mesh/pa_mpjpe_mm'], abs=1e-3)
    # by hand for one person
    gt = bodies(2, seed=20)
    placed = dict(global_orient=mean.global_orient, body_pose=mean.body_pose, betas=mean.betas)
    one = score(
        build(), sample(gt=(A,), pred=(A,), true=picked(gt, 0), guess={**placed, 'transl_mm': gt['transl_mm'][:1]})
    )
    alone = dict(sample(gt=(A,), pred=(A,), true=picked(gt, 0)))
    assert mean_body_scores(train, [alone], build())['mesh/pve_root_mm'] == pytest.approx(one['pve_root_mm'])
    with pytest.raises(UserError, match='no person with SMPL'):
        mean_body_scores([sample(has_smpl=[False, False])], test, build())
