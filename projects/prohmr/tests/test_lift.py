"""`das-mm lift`, from a detector's file to poses in space."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from das_mm import cli
from das_mm.config_files import config_path
from das_mm.registry import MODELS
from das_mm.structures import KEYPOINT_SETS, project
from das_mm.structures.keypoint_conversion import convert_indices
from projects.prohmr.prohmr.skeleton_data import SampledSkeletons
from projects.prohmr.prohmr.skeleton_joints import INPUT_JOINTS, rows_of

WIDTH = 16


@pytest.fixture(scope='module')
def people():
    return SampledSkeletons(num_people=6, seed=4)


@pytest.fixture(scope='module')
def lifter(tmp_path_factory, people):
    """Checkpoint and config of a small ProSkeleton."""
    folder = tmp_path_factory.mktemp('lifter')
    config = folder / 'small.py'
    config.write_text(
        f'_base_ = {str(config_path("proskeleton_tiny_1xb64-12e_synthetic-poses"))!r}\n'
        f'model = dict(backbone=dict(hidden_channels={WIDTH}), head=dict(context_channels={WIDTH}, '
        f'hidden_channels={WIDTH}))\n'
    )
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='ProSkeleton',
            standardiser=dict(type='KeypointStandardiser', frame='person'),
            backbone=dict(type='LiftingNetwork', hidden_channels=WIDTH),
            head=dict(type='SkeletonFlow', context_channels=WIDTH, hidden_channels=WIDTH),
            _scope_='das_mm',
        )
    )
    places = [torch.tensor(person['keypoints_2d'][rows_of(INPUT_JOINTS), :2]).float() for person in people]
    model.standardiser.learn(places)
    model.initialized.fill_(True)
    torch.save(dict(meta=dict(dataset_meta=dict(keypoint_set='j17')), state_dict=model.state_dict()), folder / 'a.pth')
    return folder / 'a.pth', config


def test_skeletons_are_what_the_camera_sees(people):
    for person in people:
        points, places = person['keypoints_3d'][:, :3], person['keypoints_2d'][:, :2]
        np.testing.assert_allclose(places, project(points, person['camera']['K']), atol=1e-3)
        assert (points[:, 2] > 2).all()
        head, ankle = (points[KEYPOINT_SETS['j17'].index(name)] for name in ('head_h36m', 'left_ankle'))
        assert head[1] < ankle[1]  # y points down
    again = SampledSkeletons(num_people=6, seed=4)[3]
    np.testing.assert_array_equal(again['keypoints_2d'], people[3]['keypoints_2d'])


def test_from_a_detectors_file_to_poses(tmp_path, lifter, people, capsys):
    weights, config = lifter
    table = convert_indices('j17', 'coco17')
    rows = []
    for number in range(4):
        seen = people[number]['keypoints_2d'][table]
        seen[table < 0] = [0, 0, 0]  # no face
        if number == 1:
            seen[KEYPOINT_SETS['coco17'].index('left_knee'), 2] = 0
        rows.append(seen.tolist())
    (tmp_path / 'found.json').write_text(json.dumps({'a.jpg': rows[:3], 'b.jpg': rows[3:]}))
    arguments = ['--weights', str(weights), '--config', str(config), '--out', str(tmp_path / 'out')]
    samples = ['--samples', '5', '--samples-of', '40']
    assert cli.main(['lift', str(tmp_path / 'found.json'), *arguments, *samples, '--device', 'cpu']) == 0
    told = capsys.readouterr().out
    assert '3 poses' in told and '1 people are left out' in told and '3 people have no spine' in told
    content = json.loads((tmp_path / 'out' / 'found.json').read_text())
    assert content['format'] == 'das_mm.lifted/1' and content['keypoint_set'] == 'j17'
    assert [person['image'] for person in content['people']] == ['a.jpg', 'a.jpg', 'b.jpg']
    for person in content['people']:
        assert np.shape(person['keypoints_mm']) == (17, 3) and np.shape(person['samples']['keypoints_mm']) == (5, 17, 3)
        assert person['keypoints_mm'][KEYPOINT_SETS['j17'].index('pelvis')] == [0, 0, 0]
        assert person['log_prob'] >= max(person['samples']['log_prob'])
    # people are lifted as alone, wherever in the image they stand
    moved = np.array(rows[3]) + [30, -20, 0]
    (tmp_path / 'moved.json').write_text(json.dumps({'b.jpg': [moved.tolist()]}))
    assert cli.main(['lift', str(tmp_path / 'moved.json'), *arguments, '--device', 'cpu']) == 0
    again = json.loads((tmp_path / 'out' / 'moved.json').read_text())['people'][0]
    np.testing.assert_allclose(again['keypoints_mm'], content['people'][2]['keypoints_mm'], atol=0.1)
    assert 'samples' not in again


def test_nobody_to_lift_and_models_of_other_kinds(tmp_path, lifter, people, capsys):
    weights, config = lifter
    seen = people[0]['keypoints_2d'].copy()
    seen[0, 2] = 0
    (tmp_path / 'found.json').write_text(json.dumps({'a.jpg': [seen.tolist()]}))
    arguments = [str(tmp_path / 'found.json'), '--keypoint-set', 'j17', '--out', str(tmp_path / 'out')]
    assert cli.main(['lift', *arguments, '--weights', str(weights), '--config', str(config), '--device', 'cpu']) == 2
    assert 'can be lifted' in capsys.readouterr().err
    assert cli.main(['infer', 'photo.jpg', '--weights', str(weights), '--config', str(config), '--out', 'o']) == 2
    assert 'reads keypoints, not images' in capsys.readouterr().err
