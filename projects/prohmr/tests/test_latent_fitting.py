"""Bodies fitted to keypoints in the latent space, and made to agree over views."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmpose.structures import PoseDataSample

from das_mm.datasets.synthetic.posed_people import posed_people
from das_mm.errors import UserError
from das_mm.fitting import FittingCamera, LBFGSOptions
from das_mm.models.body_models import SMPLBody, superset_layer
from das_mm.models.pose_estimators.crop_bodies import RegressedBody
from das_mm.structures import KEYPOINT_SETS
from das_mm.structures.crop_cameras import camera_translation, full_frame_translation, project_crop
from das_mm.structures.crop_transform import crop_warp
from das_mm.structures.detected_keypoints import DetectedKeypoints
from das_mm.structures.tensor_rotations import axis_angle_to_matrix, matrix_to_rotation_6d
from projects.prohmr.prohmr.latent_bodies import LatentBodies
from projects.prohmr.prohmr.latent_fitting import HIPS, LatentEnergy, LatentFitter
from projects.prohmr.prohmr.latent_fitting_crops import CropFitOptions, CropFitter
from projects.prohmr.prohmr.multi_view import MultiViewRefiner, disagreement_deg, rotation_average
from projects.prohmr.prohmr.multi_view_groups import view_groups
from projects.prohmr.prohmr.smpl_flow_head import SMPLFlowHead

CAMERA = FittingCamera(torch.tensor([[800.0, 0, 320], [0, 800.0, 240], [0, 0, 1]]))
STEPS, VIEW_STEPS = LBFGSOptions(outer_steps=1, inner_steps=30), LBFGSOptions(outer_steps=2, inner_steps=20)
IMAGE_PX = torch.tensor(640.0)
CONTEXT = 6


@pytest.fixture(scope='module')
def points():
    return superset_layer(SMPLBody(), 'prohmr44')


@pytest.fixture(scope='module')
def head():
    """A flow about the poses of generated people."""
    torch.manual_seed(0)
    head = SMPLFlowHead(CONTEXT, hidden_features=16, num_layers=2, blocks_per_layer=1, fc_channels=8)
    people = posed_people(np.random.default_rng(0), 80)
    upright = people.axis_angle.copy()
    upright[:, 0] = [np.pi, 0, 0]
    poses = matrix_to_rotation_6d(axis_angle_to_matrix(torch.tensor(upright).float())).flatten(1)
    poses = poses + 0.02 * torch.randn_like(poses)  # joints that never move
    head.train().log_prob(poses[:, None], torch.randn(80, CONTEXT))
    with torch.no_grad():  # the context matters
        for module in head.flow._transform._transforms[2::3]:
            module.transform_net.final_layer.weight.normal_(0, 0.3)
    return head.eval()


@pytest.fixture(scope='module')
def people(head, points):
    """Three people: their distributions, and keypoints of bodies out of these."""
    torch.manual_seed(1)
    bodies = LatentBodies(head, torch.randn(3, CONTEXT))
    truth = bodies.rotations(0.8 * torch.randn(3, 144), torch.arange(3)).detach()
    betas, place = 0.5 * torch.randn(3, 10), torch.tensor([[0.2, 0.1, 4.0], [-0.5, 0.0, 5.0], [0.0, 0.3, 4.5]])
    keypoints = CAMERA.project(points(truth[:, 0], truth[:, 1:], betas) + place[:, None])
    return bodies, torch.cat([keypoints, torch.ones(3, 44, 1)], -1), place


def fitted(people, points, keypoints=None, rows=slice(None), **weights):
    bodies, own, place = people
    keypoints = own if keypoints is None else keypoints
    some = LatentBodies(bodies.head, bodies.context[rows])
    num = len(some.context)
    fitter = LatentFitter(points, LatentEnergy(**weights), STEPS)
    start = place[rows] + torch.tensor([0.05, -0.05, 0.3])
    return fitter.fit(some, torch.zeros(num, 10), start, keypoints[rows], CAMERA, IMAGE_PX.expand(num))


@pytest.fixture(scope='module')
def fit(people, points):
    return fitted(people, points)


def plain_energy(points, fit, keypoints, row):
    """By the thesis's formula, in numpy and one keypoint after the other."""
    with torch.no_grad():
        joints = points(fit.rotations[:, 0], fit.rotations[:, 1:], fit.betas)[row].double().numpy()
    joints = joints + fit.translation[row].double().numpy()
    total = 0.0
    for k in range(44):
        if k in (8, 9, 12, 27, 28, 39):
            continue
        x = 800 * joints[k, :2] / joints[k, 2] + [320, 240]
        for off in x - keypoints[row, k, :2].double().numpy():
            total += (1000 / 640) ** 2 * keypoints[row, k, 2].item() ** 2 * off**2 / (1 + off**2 / 100**2)
    return total + 16 * fit.latents[row].double().square().sum().item() + 36 * fit.betas[row].square().sum().item()


def test_the_energy_is_the_theses_and_falls(people, points, fit):
    bodies, keypoints, place = people
    assert fit.valid.all()
    for row in range(3):
        assert fit.energy[row].item() == pytest.approx(plain_energy(points, fit, keypoints, row), rel=1e-3)
    start = LatentFitter(points, LatentEnergy(), LBFGSOptions(outer_steps=1, inner_steps=1))
    first = start.fit(bodies, torch.zeros(3, 10), place, keypoints, CAMERA, IMAGE_PX.expand(3))
    assert (fit.energy < 0.5 * first.energy).all()
    # all three kinds of unknowns move, and the pose stays likely
    assert (fit.latents.norm(dim=1) > 0.5).all() and (fit.latents.norm(dim=1) < 12).all()
    assert (fit.betas.abs().max(1).values > 1e-2).all() and ((fit.translation - place).norm(dim=1) < 0.5).all()
    seen = CAMERA.project(points(fit.rotations[:, 0], fit.rotations[:, 1:], fit.betas) + fit.translation[:, None])
    used = [k for k in range(44) if k not in HIPS]
    assert (seen - keypoints[..., :2])[:, used].norm(dim=-1).mean() < 4


def test_it_goes_where_the_authors_optimiser_goes(people, points):
    """One L-BFGS over z, betas and translation of one person, as released."""
    bodies, keypoints, place = people
    one, steps = LatentBodies(bodies.head, bodies.context[:1]), LBFGSOptions(outer_steps=2, inner_steps=6)
    start = place[:1] + torch.tensor([0.05, -0.05, 0.3])
    ours = LatentFitter(points, options=steps).fit(
        one, torch.zeros(1, 10), start, keypoints[:1], CAMERA, IMAGE_PX.expand(1)
    )
    z, betas = torch.zeros(1, 144, requires_grad=True), torch.zeros(1, 10, requires_grad=True)
    moved = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([z, betas, moved], lr=1.0, max_iter=6, line_search_fn='strong_wolfe')
    weight = keypoints[:1, :, 2:].clone()
    weight[:, [8, 9, 12, 27, 28, 39]] = 0

    def closure():
        optimizer.zero_grad()
        turns = bodies.rotations(z, torch.tensor([0]))
        joints = points(turns[:, 0], turns[:, 1:], betas) + moved[:, None]
        off = (800 * joints[..., :2] / joints[..., 2:] + torch.tensor([320, 240]) - keypoints[:1, :, :2]).square()
        data = ((1000 / 640) ** 2 * weight**2 * 1e4 * off / (1e4 + off)).sum()
        value = data + 16 * z.square().sum() + 36 * betas.square().sum()
        value.backward()
        return value

    for _ in range(steps.outer_steps):
        optimizer.step(closure)
    assert ours.energy[0].item() == pytest.approx(closure().item(), rel=2e-2)
    assert (ours.latents - z.detach()).norm() < 0.05 * z.detach().norm()


def test_hips_do_not_count_unless_asked(people, points, fit):
    moved = people[1].clone()
    moved[:, list(HIPS), 0] += 40
    given = moved.clone()
    again = fitted(people, points, moved)
    assert torch.equal(moved, given)  # arguments stay as they are
    torch.testing.assert_close(again.energy, fit.energy, rtol=1e-5, atol=1e-3)
    assert (fitted(people, points, moved, hips=True).energy > 1.1 * fit.energy).all()
    names = [KEYPOINT_SETS['prohmr44'].keypoints[row] for row in HIPS]
    assert all('hip' in name or name == 'pelvis' for name in names) and HIPS == (8, 9, 12, 27, 28, 39)


def test_nobody_depends_on_the_others_and_bad_people_are_left_as_they_are(people, points, fit):
    keypoints = people[1].clone()
    keypoints[0, :, 2] = 0
    keypoints[1, 3, 0] = torch.nan
    found = fitted(people, points, keypoints)
    assert found.valid.tolist() == [False, False, True]
    assert found.energy.isinf().tolist() == [True, True, False]
    assert found.latents[:2].abs().max() == 0 and found.rotations.isfinite().all()
    assert found.energy[2].item() == pytest.approx(fit.energy[2].item(), rel=1e-2)
    hips_alone = people[1].clone()
    hips_alone[:, [k for k in range(44) if k not in HIPS], 2] = 0
    assert not fitted(people, points, hips_alone).valid.any()


def test_a_head_that_trains_is_refused(head):
    head.train()
    with pytest.raises(ValueError, match='evaluation mode'):
        LatentBodies(head, torch.zeros(1, CONTEXT))
    head.eval()


def crop_sample(keypoints: np.ndarray, sigma: np.ndarray | None = None) -> PoseDataSample:
    center, side = np.array([330.0, 250.0]), 420.0
    warp = crop_warp(center, side, 64, np.eye(3))
    found = DetectedKeypoints('prohmr44', keypoints[:, :2], keypoints[:, 2], sigma)
    meta = dict(
        ori_shape=(480, 640), img_shape=(64, 64), box_center=center, box_scale=side, warp_mat=warp,
        camera=dict(K=CAMERA.K.numpy(), dist=None), sample_key=('a', 0),
        detected_keypoints=_Found(found),
    )  # fmt: skip
    return PoseDataSample(metainfo=meta)


class _Found:
    """Keypoints that are in the superset already."""

    def __init__(self, keypoints):
        self.keypoints = keypoints

    def in_superset(self, superset):
        return self.keypoints


@pytest.mark.parametrize('frame', ['image', 'crop'])
def test_crops_are_fitted_in_the_image_or_in_the_crop(people, points, frame):
    bodies, keypoints, _ = people
    one = LatentBodies(bodies.head, bodies.context[:1])
    sample = crop_sample(keypoints[0].numpy())
    with torch.no_grad():
        start = RegressedBody(one.rotations(torch.zeros(1, 144), torch.tensor([0])), torch.zeros(1, 10),
                              torch.tensor([[0.9, 0.0, 0.0]]))  # fmt: skip
    fitter = CropFitter(points, 64, CropFitOptions(frame=frame, outer_steps=2))
    found = fitter(one, start, [sample])
    place = full_frame_translation(found.camera, torch.tensor([[330.0, 250.0]]), torch.tensor([420.0]), CAMERA.K[None])

    def distance(body, place):
        seen = CAMERA.project(points(body.rotations[:, 0], body.rotations[:, 1:], body.betas) + place[:, None])
        return (seen - keypoints[:1, :, :2]).norm(dim=-1)[:, 25:].mean().item()

    far = full_frame_translation(start.camera, torch.tensor([[330.0, 250.0]]), torch.tensor([420.0]), CAMERA.K[None])
    # a crop's camera is not quite that of the image (its focal length is a convention): nearer, not as near
    assert distance(found, place) < (5 if frame == 'image' else 0.5 * distance(start, far))
    nobody = crop_sample(np.zeros((44, 3)))
    kept = fitter(one, start, [nobody])
    for before, after in zip(start, kept):
        assert torch.equal(before, after)


def test_the_baseline_reaches_the_keypoints_without_the_image(people, points):
    """From the same start under a generic prior; the same options otherwise."""
    bodies, keypoints, _ = people
    one = LatentBodies(bodies.head, bodies.context[:1])
    sample = crop_sample(keypoints[0].numpy())
    with torch.no_grad():
        rotations = one.rotations(torch.zeros(1, 144), torch.tensor([0]))
    start = RegressedBody(rotations, torch.zeros(1, 10), torch.tensor([[0.9, 0.0, 0.0]]))
    fitter = CropFitter(points, 64, CropFitOptions(prior='generic', outer_steps=3))
    found = fitter(one, start, [sample])
    observed = torch.tensor(fitter._keypoints(sample))[None]
    used = torch.tensor([row for row in range(25, 44) if row not in HIPS])

    def distance(body):
        joints = points(body.rotations[:, 0], body.rotations[:, 1:], body.betas)
        seen = 112 * (project_crop(joints, camera_translation(body.camera)) + 1)
        return (seen - observed[..., :2]).norm(dim=-1)[:, used].mean().item()

    assert distance(found) < 0.5 * distance(start)


def test_scales_of_a_detector_weigh_its_keypoints(points):
    keypoints = np.ones((44, 3))
    fitter = CropFitter(points, 64)
    plain = fitter._keypoints(crop_sample(keypoints))
    assert plain[:, 2].max() == 1
    sigma = np.full((44, 2), 4 * 0.64)  # 4 px of an image of 1000
    sigma[3] *= 2
    weighed = fitter._keypoints(crop_sample(keypoints, sigma))
    assert weighed[0, 2] == pytest.approx(1) and weighed[3, 2] == pytest.approx(0.5)


def test_options_are_checked():
    for options, words in ((dict(frame='box'), 'box'), (dict(keypoints='x'), "'x'"), (dict(outer_steps=0), 'positive')):
        with pytest.raises(UserError, match=words):
            CropFitOptions(**options)


# ---------------------------------------------------------------- several views


@pytest.fixture(scope='module')
def views(head):
    torch.manual_seed(2)
    context = torch.randn(1, CONTEXT) + 2 * torch.randn(4, CONTEXT)
    return LatentBodies(head, context), 0.3 * torch.randn(4, 10)


def chordal_mean(turns: np.ndarray) -> np.ndarray:
    """Σ R / N projected by SVD, as the thesis writes it."""
    left, _, right = np.linalg.svd(turns.mean(0))
    signs = np.diag([1, 1, np.linalg.det(left @ right)])
    return left @ signs @ right


def test_the_average_is_the_projected_mean_without_the_root(views):
    bodies, _ = views
    with torch.no_grad():
        modes = bodies.rotations(torch.zeros(4, 144), torch.arange(4))
    averaged = rotation_average(modes)
    assert torch.equal(averaged[:, 0], modes[:, 0])
    for joint in (1, 7, 23):
        np.testing.assert_allclose(averaged[2, joint], chordal_mean(modes[:, joint].double().numpy()), atol=1e-5)


def test_views_are_made_to_agree(views):
    bodies, betas = views
    refiner = MultiViewRefiner(options=VIEW_STEPS)
    found = refiner.refine(bodies, betas)
    before, after = found.disagreement_deg
    assert before > 1 and after < 0.2 * before
    torch.testing.assert_close(found.betas, betas.mean(0))
    with torch.no_grad():
        modes = bodies.rotations(torch.zeros(4, 144), torch.arange(4))
    # by the thesis's formula; lower than at the modes, and than what the prior alone would pay for the average
    apart = lambda turns: (turns[:, 1:] - turns[:, 1:].mean(0)).square().sum().item()
    plain = found.latents.square().sum().item() + 300**2 * apart(found.rotations)
    assert found.energy == pytest.approx(plain, rel=1e-3) and found.energy < 0.2 * 300**2 * apart(modes)
    # a weaker pull leaves the views farther apart and likelier
    weak = MultiViewRefiner(consistency=3.0, options=VIEW_STEPS).refine(bodies, betas)
    assert weak.disagreement_deg[1] > after and weak.latents.norm() < found.latents.norm()


def test_people_are_refined_together_as_alone(views):
    bodies, betas = views
    refiner = MultiViewRefiner(options=LBFGSOptions(outer_steps=1, inner_steps=6))
    together = refiner.refine_people(bodies, betas, [[0, 2], [3, 1]])
    for rows, found in zip(([0, 2], [3, 1]), together):
        alone = refiner.refine(LatentBodies(bodies.head, bodies.context[rows]), betas[rows])
        torch.testing.assert_close(found.rotations, alone.rotations, rtol=0, atol=1e-3)
        assert found.energy == pytest.approx(alone.energy, rel=1e-2)


def test_a_calibrated_rig_agrees_on_the_root_too(views):
    bodies, betas = views
    to_camera = axis_angle_to_matrix(torch.tensor([[0.0, 0.3 * n, 0.0] for n in range(4)]))
    with torch.no_grad():
        modes = bodies.rotations(torch.zeros(4, 144), torch.arange(4))

    def apart(rotations):
        roots = to_camera.mT @ rotations[:, 0]
        return (roots - roots.mean(0)).square().sum().item()

    free = MultiViewRefiner(options=VIEW_STEPS).refine(bodies, betas).rotations
    rig = MultiViewRefiner(options=VIEW_STEPS).refine(bodies, betas, to_camera).rotations
    assert apart(rig) < 0.05 * apart(modes) and apart(rig) < 0.05 * apart(free)
    assert apart(rotation_average(modes, to_camera)) < 1e-8


def test_views_that_are_not_of_one_person(views):
    bodies, betas = views
    one = LatentBodies(bodies.head, bodies.context[:1])
    refiner = MultiViewRefiner(options=VIEW_STEPS)
    with pytest.raises(UserError, match='1 view of a person'):
        refiner.refine(one, betas[:1])
    with pytest.raises(UserError, match='of 4 views'):
        refiner.refine(bodies, betas, torch.eye(3).expand(3, 3, 3))
    with pytest.raises(UserError, match='not finite'):
        refiner.refine(bodies, betas * torch.nan)
    with pytest.raises(UserError, match='different people or moments'):
        MultiViewRefiner(most_disagreement_deg=0.1).refine(bodies, betas)
    sample = lambda image, **meta: PoseDataSample(metainfo=dict(sample_key=(image, 0), **meta))
    assert view_groups([sample('a'), sample('b')]) == [[0, 1]]
    for samples, words in (([sample('a'), sample('a')], '2 people in 1 views'), ([sample('a')], '1 people in 1')):
        with pytest.raises(UserError, match=words):
            view_groups(samples)
    moments = [sample(n, seq='s', frame=n // 2, view=n % 2) for n in range(5)]
    moments.append(sample(5, seq='s', frame=1, view=1))  # somebody else in the same view
    assert view_groups(moments, by='moment') == [[0, 1]]


def test_one_view_disagrees_with_nobody(views):
    turns = torch.eye(3).expand(3, 24, 3, 3)
    assert disagreement_deg(turns) == pytest.approx(0, abs=1e-3)
