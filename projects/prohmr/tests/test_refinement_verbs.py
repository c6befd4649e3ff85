"""`das-mm infer --fit` and `das-mm fit-views` with a small ProHMR, from image files to results."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from das_mm import cli
from das_mm.datasets.synthetic.posed_people import posed_people
from das_mm.structures import KEYPOINT_SETS
from das_mm.structures.tensor_rotations import axis_angle_to_matrix, matrix_to_rotation_6d

from .conftest import CROP, make_model, model_config

_PIPELINE = [dict(type='LoadImage'), dict(type='PersonCrop', crop_px=CROP), dict(type='PackPersonInputs')]


@pytest.fixture(scope='module')
def files(tmp_path_factory, people):
    """Checkpoint and config of a small ProHMR about upright poses, two images, and the keypoints in them."""
    folder = tmp_path_factory.mktemp('refinement')
    torch.manual_seed(0)
    model = make_model()
    bodies = posed_people(np.random.default_rng(0), 40).axis_angle.copy()
    bodies[:, 0] = [np.pi, 0, 0]
    poses = matrix_to_rotation_6d(axis_angle_to_matrix(torch.tensor(bodies).float())).flatten(1)
    model.train().initialize_flow(poses + 0.02 * torch.randn_like(poses), torch.randn(40, 32))
    config = folder / 'small.py'
    config.write_text(
        "custom_imports = dict(imports='projects.prohmr.prohmr')\ndefault_scope = 'das_mm'\n"
        f"keypoint_set = 'prohmr44'\nmodel = {model_config()!r}\n"
        f'test_dataloader = dict(dataset=dict(pipeline={_PIPELINE!r}))\n'
    )
    torch.save(
        dict(meta=dict(dataset_meta=dict(keypoint_set='prohmr44')), state_dict=model.state_dict()), folder / 'a.pth'
    )
    content = json.loads(people.annotations['gt24'].read_text())
    table, images = {}, []
    for image, person in zip(content['images'][:2], content['annotations'][:2]):
        images.append(str(people.root / image['file_name']))
        places = np.array(person['keypoints']).reshape(-1, 3)
        table[images[-1]] = [np.where(places[:, 2:] > 0, places, 0).tolist()]
    (folder / 'keypoints.json').write_text(json.dumps(table))
    return folder / 'a.pth', config, images, folder / 'keypoints.json'


def run(files, out, *arguments):
    weights, config, *_ = files
    common = ['--weights', str(weights), '--config', str(config), '--device', 'cpu', '--out', str(out)]
    return cli.main([*arguments, *common, '--no-overlays', '--no-viewer'])


def results_of(out):
    return [json.loads(path.read_text()) for path in sorted((out / 'predictions').glob('*.json'))]


def test_bodies_are_fitted_to_the_keypoints_of_a_file(tmp_path, files):
    _, _, images, keypoints = files
    assert run(files, tmp_path / 'plain', 'infer', images[0], '--boxes', 'image') == 0
    options = ['--fit', str(keypoints), '--keypoint-set', 'gt24', '--fit-steps', '2']
    assert run(files, tmp_path / 'fit', 'infer', images[0], *options) == 0
    table = json.loads(keypoints.read_text())
    names = KEYPOINT_SETS['prohmr44'].keypoints
    rows = [
        row for row, name in enumerate(names) if not name.endswith('_op') and 'hip' not in name and name != 'pelvis'
    ]
    gt = [KEYPOINT_SETS['gt24'].index(names[row]) for row in rows]

    def distance(result):
        true = np.array(table[result['image']['file']][0])[gt]
        off = np.array(result['people'][0]['keypoints_px'])[rows] - true[:, :2]
        return np.linalg.norm(off, axis=1)[true[:, 2] > 0].mean()

    for plain, fitted in zip(results_of(tmp_path / 'plain'), results_of(tmp_path / 'fit')):
        assert distance(fitted) < 0.5 * distance(plain)
        assert 'keypoints.json' in fitted['model']['boxes']
        assert fitted['people'][0]['smpl'] is not None


def test_one_body_for_two_views(tmp_path, files, capsys):
    _, _, images, _ = files
    assert run(files, tmp_path / 'plain', 'infer', *images, '--boxes', 'image') == 0
    assert run(files, tmp_path / 'fit', 'fit-views', *images, '--boxes', 'image') == 0
    assert '2 views of one person' in capsys.readouterr().out
    rig = {name.rsplit('/', 1)[-1]: dict(R=np.eye(3).tolist()) for name in images}
    (tmp_path / 'rig.json').write_text(json.dumps(rig))
    cameras = ['--cameras', str(tmp_path / 'rig.json')]
    assert run(files, tmp_path / 'rig', 'fit-views', *images, '--boxes', 'image', *cameras) == 0

    def apart(name, what):
        smpl = [result['people'][0]['smpl'] for result in results_of(tmp_path / name)]
        turns = [axis_angle_to_matrix(torch.tensor(one[what])) for one in smpl]
        return (turns[0] - turns[1]).abs().mean().item(), smpl

    before, _ = apart('plain', 'body_pose')
    for name in ('fit', 'rig'):
        after, smpl = apart(name, 'body_pose')
        assert after < 0.2 * before and smpl[0]['betas'] == smpl[1]['betas']
    assert apart('rig', 'global_orient')[0] < 0.2 * apart('plain', 'global_orient')[0]


def test_the_program_that_measures_fits(capsys):
    config = 'prohmr_tiny_1xb32-16e_synthetic-96x96'
    assert cli.main(['project', 'prohmr.latent_fitting_speed', config, '--people', '2', '--steps', '1']) == 0
    told = json.loads(capsys.readouterr().out)
    assert told['people'] == told['fitted'] == 2 and told['seconds'] > 0
    # 20 iterations and their line searches at most, and the two looks at the end
    assert 20 < told['evaluations'] <= 27


def test_what_cannot_be_refined_is_told(tmp_path, files, capsys):
    _, _, images, keypoints = files
    with pytest.raises(SystemExit):
        run(files, tmp_path, 'infer', '--fit', images[0])
    assert 'no file of keypoints' in capsys.readouterr().err
    boxes = tmp_path / 'boxes.json'
    boxes.write_text(json.dumps({images[0]: [[5, 5, 60, 90, 1], [30, 5, 90, 90, 1]], images[1]: [[5, 5, 90, 90, 1]]}))
    for arguments, words in (
        (['infer', images[0], '--fit', '--boxes', 'image'], 'bring no keypoints'),
        (['infer', images[0], '--fit', str(keypoints), '--boxes', 'image'], 'says where the people are'),
        (['fit-views', images[0]], 'no other view'),
        (['fit-views', images[0], images[0]], 'given twice'),
        (['fit-views', *images, '--boxes', str(boxes)], '3 people in 2 views'),
        (['fit-views', *images, '--cameras', str(keypoints)], 'no R of this view'),
    ):
        assert run(files, tmp_path / 'bad', *arguments) == 2
        assert words in ' '.join(capsys.readouterr().err.split())
