"""From results to clips: who is who, what is missing, rates, the ground; and the verb."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from das_mm.checkpoints.optional_packages import require
from das_mm.cli import main
from das_mm.deploy.motion import clip_motion, export_results
from das_mm.deploy.motion.exporters import MOTION_EXPORTERS, check_motion_formats
from das_mm.deploy.motion.frame_rate import frame_rate, steady_motion
from das_mm.errors import UserError
from das_mm.structures.rotations import axis_angle_to_matrix
from das_mm.tools.support.motion_output import MotionOutput

from .toy_clip import FRAMES, WORLD, toy_body, toy_results, write_results


@pytest.fixture(scope='module')
def body():
    return toy_body()


@pytest.mark.parametrize(
    'times, wanted',
    [
        (np.arange(30) / 25, (25, True)),
        (np.round(np.arange(300) * 1001 / 30000, 6), (30000 / 1001, True)),
        (np.arange(20) / 17.3, (17.3, True)),
        (np.r_[np.arange(10) / 30, 2 + np.arange(10) / 30], (30, False)),
        ([0.0], (25, True)),
    ],
)
def test_frame_rate(times, wanted):
    rate, steady = frame_rate(np.arange(len(times)), np.asarray(times, float))
    assert rate == pytest.approx(wanted[0], rel=1e-5) and steady == wanted[1]


def test_gaps_are_put_in_between(body):
    clip = clip_motion(toy_results(), body.model, 'generated')
    person = next(person for person in clip.people if person.identity == 7)
    steady = steady_motion(clip, person)
    assert steady.frames.tolist() == list(range(10))
    assert np.flatnonzero(~steady.observed).tolist() == [4, 5, 6, 7]
    before, after = person.pelvis_m[3], person.pelvis_m[4]  # frames 3 and 8
    np.testing.assert_allclose(steady.pelvis_m[5], before + 0.4 * (after - before))
    turns = axis_angle_to_matrix(steady.axis_angle[3:9])
    steps = [np.arccos(np.clip((np.trace(a.T @ b) - 1) / 2, -1, 1)) for a, b in zip(turns[:-1, 1], turns[1:, 1])]
    np.testing.assert_allclose(steps, steps[0], atol=1e-6)


def test_a_varying_rate_is_made_steady(body):
    results = toy_results()
    for result in results[6:]:
        result['image']['time_s'] += 0.5
    clip = clip_motion(results, body.model, 'generated')
    assert clip.fps == pytest.approx(25) and not clip.has_steady_rate
    person = next(person for person in clip.people if person.identity == 2)
    steady = steady_motion(clip, person)
    shown = clip.times_s[clip.is_seen(person)]
    assert len(steady.frames) == round((shown[-1] - shown[0]) * 25) + 1
    assert steady.observed.sum() < len(person.frames) + 2 and steady.observed[[0, -1]].all()


def test_shapes_that_vary_leave_the_pelvis_where_it_is(body):
    results = toy_results()
    wanted = []
    for result in results:
        for person in result['people']:
            smpl = person['smpl']
            smpl['betas'] = (np.array(smpl['betas']) + 0.3 * np.sin(result['image']['frame'] + np.arange(10))).tolist()
            if person['track_id'] == 7:
                turns = np.array([[smpl['global_orient'], *smpl['body_pose']]])
                wanted.append(
                    body.posed_joints(turns, np.array([smpl['betas']]))[0, 0] + np.array(smpl['transl_mm']) / 1000
                )
    clip = clip_motion(results, body.model, 'generated')
    person = next(person for person in clip.people if person.identity == 7)
    np.testing.assert_allclose(person.joints_m[:, 0], WORLD.to_world(1000 * np.array(wanted)), atol=1e-9)
    assert 0.5 < person.shape_spread_mm < 20


def test_the_ground_is_guessed_from_feet(body):
    clip = clip_motion(toy_results(with_world=False), body.model, 'generated')
    assert 'guessed from the feet of 2 people' in clip.world.ground
    lean = np.degrees(np.arccos(clip.world.rotation[1] @ WORLD.up))
    assert lean < 4 and abs(clip.world.camera_m[1] - 1.6) < 0.2  # both by the few people that there are
    lowest = np.concatenate([person.surface_m(slice(None))[..., 1].min(axis=1) for person in clip.people])
    assert abs(np.median(lowest)) < 0.02 and np.abs(lowest).max() < 0.15
    assert np.allclose(clip.world.rotation @ clip.world.rotation.T, np.eye(3))
    plain = clip_motion(toy_results(), body.model, 'generated', on_ground=False)
    assert plain.world.ground is None and (plain.world.rotation == np.diag([1, -1, -1])).all()


def test_images(body, tmp_path):
    (result,) = copy.deepcopy(toy_results(with_world=False, tracked=False)[3:4])
    result['image'].update(frame=None, time_s=None, name='photo')
    clip = clip_motion([result], body.model, 'generated')
    assert clip.is_still and clip.fps is None
    assert [(one.name, one.identity) for one in clip.people] == [('person_1', None), ('person_2', None)]
    result['people'] = []
    assert clip_motion([result], body.model, 'generated').people == []
    path = tmp_path / 'photo.json'
    path.write_text(json.dumps(result))
    written = export_results(path, tmp_path / 'out', list(MOTION_EXPORTERS.names()), body)
    assert [one.name for one in written] == ['photo.glb', 'photo.usdc', 'photo.motion.json']
    data = written[0].read_bytes()  # of nobody: one part, no buffer
    assert len(data) == int.from_bytes(data[8:12], 'little') == 20 + int.from_bytes(data[12:16], 'little')
    assert json.loads(data[20:])['cameras'] and 'buffers' not in json.loads(data[20:])


def faulty(change):
    results = toy_results()
    change(results)
    return results


@pytest.mark.parametrize(
    'change, said',
    [
        (lambda results: results.clear(), 'it is empty'),
        (lambda results: results[1]['people'][0].pop('track_id'), 'its people are not followed'),
        (lambda results: results[1]['people'][0].pop('smpl'), 'it tells no bodies'),
        (lambda results: results[1]['people'][0]['smpl'].update(body='f00'), 'its bodies are f00, not generated'),
        (lambda results: results.reverse(), 'frame 9 comes after frame 10'),
    ],
)
def test_faults(body, change, said):
    with pytest.raises(UserError, match=said) as raised:
        clip_motion(faulty(change), body.model, 'generated', 'walk.jsonl')
    assert raised.value.file == 'walk.jsonl' and raised.value.field and raised.value.remedy


def test_who_has_no_body_or_no_name_is_missing(body):
    results = toy_results()
    results[0]['people'][0]['smpl'] = None
    results[1]['people'][0]['track_id'] = None
    clip = clip_motion(results, body.model, 'generated')
    assert clip.people[1].frames.tolist() == [2, 3, 8, 9] and clip.about['people_without_identity'] == 1
    assert clip.frames.tolist() == FRAMES


def test_the_verb(tmp_path, capsys):
    file = write_results(tmp_path / 'walk.jsonl', toy_results())
    assert main(['export-motion', str(file), '--to', 'npz', '--to', 'bvh', '--out', str(tmp_path / 'out')]) == 0
    assert len(list((tmp_path / 'out').iterdir())) == 5 and 'walk_person_7.bvh' in capsys.readouterr().out
    assert main(['export-motion', str(file), '--to', 'fbx', '--out', str(tmp_path / 'out')]) == 2
    assert "'fbx' is no motion_exporter" in capsys.readouterr().err
    write_results(file, [dict(one, people=[]) for one in toy_results()])
    assert main(['export-motion', str(file), '--to', 'npz', '--out', str(tmp_path / 'out')]) == 2
    assert 'there is nobody in it' in capsys.readouterr().err


def test_what_a_run_of_inference_writes(tmp_path, body):
    assert MotionOutput(['glb', 'obj'], track=False).mesh_formats == ['glb', 'obj']
    only = MotionOutput(['bvh', 'dae'], track=False)
    assert only.mesh_formats == ['dae'] and only.needs_tracks
    with pytest.raises(UserError, match='tells no meshes') as raised:
        only.check_body(None)
    assert '--fit' in raised.value.remedy
    (tmp_path / 'predictions').mkdir()
    write_results(tmp_path / 'predictions' / 'walk.jsonl', toy_results())
    said = []
    report = type('Report', (), dict(wrote=said.append, note=said.append))()
    for formats, track, names, wanted in (
        (['npz'], False, ['walk'], 3),
        (['npz'], False, ['other'], 0),
        (['glb'], False, ['walk'], 0),
        (['glb'], True, None, 2),
        ([], True, None, 0),
    ):
        said.clear()
        MotionOutput(formats, track).write(tmp_path, body, names, report)
        assert len(said) == wanted


def test_a_package_that_is_missing(monkeypatch):
    check_motion_formats(['bvh', 'npz', 'glb'])
    monkeypatch.setitem(__import__('sys').modules, 'pxr', None)
    with pytest.raises(UserError, match=r"the package usd-core is not installed[^']*\n.*das_mm\[motion\]"):
        require('pxr', extra='motion')
