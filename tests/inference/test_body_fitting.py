"""Bodies for the people of results: from files to files, by the verb, and behind a predictor."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from das_mm.bodies.pose_mixture import load_pose_mixture
from das_mm.cli import main
from das_mm.errors import UserError
from das_mm.fitting import PeopleFitOptions
from das_mm.inference.body_fitting import BodyFitter
from das_mm.inference.body_surfaces import mesh_vertices
from das_mm.inference.fitted_predictor import FittedPredictor
from das_mm.inference.fitted_results import AssumedSigma, fit_results, told_keypoints
from das_mm.inference.predictor import Prediction
from das_mm.inference.result_camera import resolve_for_camera
from das_mm.inference.result_files import result_schema, result_text
from das_mm.inference.results import make_result
from das_mm.models.body_models import SMPLBody
from das_mm.structures import KeypointSet, get_keypoint_set, project
from das_mm.structures.people import People
from tests.json_schema import violations

K = np.array([[700.0, 0, 160], [0, 710, 120], [0, 0, 1]])
SIZE = (320, 240)
SIGMA_PX, SIGMA_MM = 3.0, 40.0
QUICK = PeopleFitOptions(phases=((25, 0.1), (25, 0.03)))
MODEL = dict(config=None, weights=None, weights_sha256=None, das_mm='0', score_thr=0.1)


@pytest.fixture(scope='module')
def body():
    return SMPLBody()


@pytest.fixture(scope='module', params=['panoptic15', 'coco17'])
def fitter(request, body):
    return BodyFitter(body, request.param, options=QUICK)


@pytest.fixture(scope='module')
def quick(body):
    return BodyFitter(body, 'panoptic15', options=QUICK)


def true_keypoints(body, keypoint_set: str, num: int) -> np.ndarray:
    """(num, K, 3) mm of people side by side."""
    pose = np.zeros((num, 24, 3))
    pose[:, 0] = [np.pi, 0, 0]
    pose[:, 1:] = load_pose_mixture().means[np.arange(num) % 8].reshape(num, 23, 3)
    vertices, joints = body.posed(pose, np.zeros((num, 10)))
    matrix = body.keypoint_matrix(get_keypoint_set(keypoint_set).keypoints)
    points = np.stack([matrix @ one for one in np.concatenate([vertices, joints], axis=1)])
    return 1000 * points + np.array([[-600, 100, 3500], [500, 150, 4200], [0, 0, 5000]])[np.arange(num) % 3][:, None]


def people_like(points: np.ndarray, keypoint_set: str, sigma: bool = True, seed: int = 0) -> People:
    """What a network tells that errs by ``SIGMA_PX`` and ``SIGMA_MM``."""
    rng, root = np.random.default_rng(seed), list(get_keypoint_set(keypoint_set).root_sources)
    roots = points[:, root].mean(1)
    pixels = project(points, K) + rng.normal(scale=SIGMA_PX, size=(*points.shape[:2], 2))
    depths = points[..., 2] - roots[:, 2:] + rng.normal(scale=SIGMA_MM, size=points.shape[:2])
    num, size = points.shape[:2]
    return People(
        scores=np.full(num, 0.9),
        bboxes_px=np.concatenate([pixels.min(1), pixels.max(1)], axis=1),
        roots_px=project(roots, K),
        root_depths_mm=roots[:, 2],
        keypoints_px=pixels,
        keypoint_scores=np.full((num, size), 0.8),
        keypoints_sigma=np.broadcast_to([SIGMA_PX, SIGMA_PX, SIGMA_MM], (num, size, 3)) if sigma else None,
        data=dict(root_depths_norm=roots[:, 2] / (700 * 710) ** 0.5, relative_depths_mm=depths),
    )


def result_of(people: People, keypoint_set: str, name: str = 'street', frame: int | None = None) -> dict:
    about = dict(file=f'{name}.jpg', name=name, width=SIZE[0], height=SIZE[1], frame=frame, time_s=None)
    camera = dict(K=K, dist=None, source='user', detail=None)
    return json.loads(result_text(make_result(people, camera, about, MODEL, keypoint_set)[0]))


def relative_error(keypoints: np.ndarray, truth: np.ndarray, keypoint_set: str) -> np.ndarray:
    root = list(get_keypoint_set(keypoint_set).root_sources)
    centred = lambda points: points - points[:, root].mean(1, keepdims=True)
    return np.linalg.norm(centred(keypoints) - centred(truth), axis=-1).mean(1)


def test_bodies_are_nearer_to_the_truth_than_what_was_told(body, fitter):
    name = fitter.keypoint_set.name
    truth = true_keypoints(body, name, 3)
    result = result_of(people_like(truth, name), name)
    before = json.dumps(result)
    (fitted,) = fit_results([(None, result)], fitter)
    assert json.dumps(result) == before  # it is not changed
    assert violations(fitted.result, result_schema()) == [] and fitted.fits.fitted.all()

    told = np.array([person['keypoints_cam_mm'] for person in result['people']])
    start, end = fitted.reprojection_px
    assert (end < start).all() and end.mean() < 2 * SIGMA_PX
    error = relative_error(fitted.fits.keypoints_cam_mm, truth, name)
    assert error.mean() < relative_error(told, truth, name).mean()
    assert error.mean() < relative_error(fitted.fits.start_cam_mm, truth, name).mean()

    vertices = mesh_vertices(fitted.result, body)
    told = [person['smpl'] for person in fitted.result['people']]
    pose = np.array([[one['global_orient'], *one['body_pose']] for one in told])
    joints = 1000 * body.posed_joints(pose, np.array([one['betas'] for one in told]))
    joints += np.array([one['transl_mm'] for one in told])[:, None]
    matrix = body.keypoint_matrix(fitter.keypoint_set.keypoints)
    points = np.stack([matrix @ one for one in np.concatenate([vertices, joints], axis=1)])
    np.testing.assert_allclose(points, fitted.fits.keypoints_cam_mm, atol=1.0)  # the mesh of the file is the fit
    moved = resolve_for_camera(fitted.result, 2 * K * [[0.5], [0.5], [0.5]])  # the same camera again
    np.testing.assert_allclose(moved['people'][0]['smpl']['transl_mm'], fitted.result['people'][0]['smpl']['transl_mm'])


def test_people_of_several_images_do_not_depend_on_each_other(body, quick):
    truth = true_keypoints(body, 'panoptic15', 3)
    results = [
        result_of(people_like(truth[:1], 'panoptic15'), 'panoptic15', 'a'),
        result_of(people_like(truth[:0], 'panoptic15'), 'panoptic15', 'nobody'),
        result_of(people_like(truth[1:], 'panoptic15'), 'panoptic15', 'b'),
    ]
    found = list(fit_results([(None, result) for result in results], quick))
    assert [one.result['image']['name'] for one in found] == ['a', 'nobody', 'b'] and not found[1].result['people']
    (alone,) = fit_results([(None, results[2])], quick)
    np.testing.assert_allclose(alone.fits.keypoints_cam_mm, found[2].fits.keypoints_cam_mm, atol=2)


def test_who_cannot_be_fitted_is_told_why(body, quick):
    truth = true_keypoints(body, 'panoptic15', 3)
    result = result_of(people_like(truth, 'panoptic15'), 'panoptic15')
    sound = told_keypoints(result)
    sound.keypoints_px[0, :10] = np.nan
    sound.root_cam_mm[1] = np.nan
    fits = quick.fit(sound)
    assert (
        fits.reasons[0].startswith('5 keypoints') and 'no root in front' in fits.reasons[1] and fits.reasons[2] is None
    )
    assert np.isnan(fits.fields['smpl_betas'][:2]).all() and np.isfinite(fits.fields['smpl_betas'][2]).all()

    result['people'][1].update(root_cam_mm=None, keypoints_cam_mm=None, keypoints_sigma_mm=None)
    (fitted,) = fit_results([(None, result)], quick)
    assert [person['smpl'] is None for person in fitted.result['people']] == [False, True, False]
    assert violations(fitted.result, result_schema()) == []
    flat = [dict(person, root_depth_mm_per_px=None, relative_depths_mm=None) for person in result['people'][1:2]]
    assert quick.fit(told_keypoints(dict(result, people=flat))).reasons == ['no root in front of the camera is told']


def test_results_without_scales(body, quick):
    people = people_like(true_keypoints(body, 'panoptic15', 1), 'panoptic15', sigma=False)
    result = result_of(people, 'panoptic15')
    with pytest.raises(UserError, match=r'street.json: people.keypoints_sigma_px: .*\n.*--fit-sigma'):
        list(fit_results([('street.json', result)], quick))
    for assumed in (AssumedSigma(4.0), AssumedSigma(4.0, 50.0)):
        (fitted,) = fit_results([(None, result)], quick, assumed)
        assert fitted.fits.fitted.all()
    assert AssumedSigma.parse('8,80') == AssumedSigma(8, 80)
    for wrong in ('x', '1,2,3', '-1', '0,5', 'nan'):
        with pytest.raises(UserError, match='fit_sigma'):
            AssumedSigma.parse(wrong)


def test_other_keypoint_sets(body, quick):
    people = people_like(true_keypoints(body, 'coco17', 1), 'coco17')
    with pytest.raises(UserError, match="'coco17', others are of 'panoptic15'"):
        list(fit_results([(None, result_of(people, 'coco17'))], quick))
    assert BodyFitter(body, 'spin49').keypoint_set.num_keypoints == 49  # its names are those of a superset
    other = KeypointSet('cat', ('tail', 'left_hip', 'right_hip'), (), 'mid_hip', (0.1, 0.1, 0.1))
    with pytest.raises(UserError, match="no tail of the keypoint set 'cat'"):
        BodyFitter(body, other)


def test_behind_a_predictor(body, quick):
    """Meshes come out as of a model of meshes; who has no fit has numbers that are not finite."""
    people = people_like(true_keypoints(body, 'panoptic15', 2), 'panoptic15')
    people.root_depths_mm[1] = np.nan
    inner = SimpleNamespace(
        uses_sigma=True, keypoint_set='panoptic15', max_frame_gap=None, provenance=MODEL, tasks={}, score_thr=0.1,
        predict=lambda *_: [Prediction(one, dict(K=K)) for one in (people, people.select([]))],
    )  # fmt: skip
    predictor = FittedPredictor(inner, quick)
    first, nobody = predictor.predict([None, None], with_sigma=False)
    assert first.people.keypoints_sigma is None and not len(nobody.people)
    assert np.isfinite(first.people.data['smpl_body_pose'][0]).all()
    assert np.isnan(first.people.data['smpl_body_pose'][1]).all()
    told = predictor.tasks['mesh']
    assert told.body['root'] == ['mid_hip'] and predictor.body is body
    result = make_result(first.people, dict(K=K, source='user'), result_of(people, 'panoptic15')['image'], MODEL,
                         'panoptic15', body.name, fields=told.fields)[0]  # fmt: skip
    vertices = mesh_vertices(result, body)
    assert np.isfinite(vertices[0]).all()
    inner.uses_sigma = False
    with pytest.raises(UserError, match='--fit-sigma'):
        FittedPredictor(inner, quick)


def annotations(points: np.ndarray, path):
    pixels = project(points, K)
    entries = [
        dict(
            id=row + 1, image_id=1, category_id=1, iscrowd=0, area=5000.0,
            bbox=[*pixels[row].min(0).tolist(), *np.ptp(pixels[row], axis=0).tolist()],
            keypoints=np.concatenate([pixels[row], np.full((15, 1), 2.0)], axis=1).flatten().tolist(), num_keypoints=15,
            keypoints_3d=points[row].tolist(), keypoints_3d_valid=[1] * 15,
            root_depth=float(points[row, 2, 2]), is_valid=True,
        )
        for row in range(len(points))
    ]  # fmt: skip
    camera = dict(K=K.tolist(), R=np.eye(3).tolist(), T=[0, 0, 0], dist=None)
    image = dict(id=1, file_name='street.jpg', width=SIZE[0], height=SIZE[1], cam_param=camera, has_3d=True)
    path.write_text(json.dumps(dict(info=dict(joints='panoptic15'), images=[image], annotations=entries)))
    return path


def test_the_verb(body, tmp_path, capsys):
    truth = true_keypoints(body, 'panoptic15', 2)
    result = result_of(people_like(truth, 'panoptic15'), 'panoptic15')
    result['people'][1].update(root_cam_mm=None, keypoints_cam_mm=None, keypoints_sigma_mm=None)
    (tmp_path / 'street.json').write_text(result_text(result))
    out = tmp_path / 'out'
    told = ['--truth', str(annotations(truth, tmp_path / 'truth.json')), '--export', 'ply']
    assert main(['fit', str(tmp_path / 'street.json'), '--out', str(out), *told]) == 0
    said = capsys.readouterr().out
    assert '1 of 2 people in 1 images have a body' in said and 'person 1: no root in front of the camera' in said
    assert '1 people are in the annotations' in said and 'MPJPE' in said and 'drawn on grey' in said
    written = json.loads((out / 'predictions' / 'street.json').read_text())
    assert written['people'][0]['smpl']['body'] == 'generated' and written['people'][1]['smpl'] is None
    assert all(
        (out / name).stat().st_size > 1000 for name in ('overlays/street.jpg', 'meshes/street.ply', 'viewer.html')
    )


def test_the_verb_on_what_it_cannot_read(tmp_path, capsys):
    other = tmp_path / 'other.json'
    other.write_text('{"format": "das_mm.result/9"}')
    out = ['--out', str(tmp_path / 'out')]
    for given, words in (
        ([str(other)], 'no result of the format'),
        ([str(tmp_path / 'missing.json')], 'cannot be read'),
        ([str(other), '--fit-sigma', 'wide'], 'fit_sigma'),
        ([str(other), '--truth', str(tmp_path / 'none.json')], 'truth: there is no such file'),
    ):
        assert main(['fit', *given, *out]) == 2
        assert words in capsys.readouterr().err
    (tmp_path / 'empty').mkdir()
    assert main(['fit', str(tmp_path / 'empty'), *out]) == 2
    assert 'no results in this folder' in capsys.readouterr().err
