"""The truth of scenes, computed without drawing them."""

from __future__ import annotations

import numpy as np
import pytest

from das_mm.bodies import linear_blend_skinning, load_generated_body
from das_mm.datasets.synthetic.appearance import sample_look
from das_mm.datasets.synthetic.body_clearance import gap_m
from das_mm.datasets.synthetic.camera_sampling import FOV_DEG, HEIGHT_M, sample_shot
from das_mm.datasets.synthetic.clips import layout_clip
from das_mm.datasets.synthetic.clothing import dress
from das_mm.datasets.synthetic.config import SyntheticConfig
from das_mm.datasets.synthetic.ground_truth import keypoint_names, person_geometry
from das_mm.datasets.synthetic.layout import LEAST_GAP_M, layout_scene
from das_mm.datasets.synthetic.viewpoint import look_rotation
from das_mm.errors import UserError
from das_mm.structures.cameras import project

CONFIG = SyntheticConfig(num_images=3, image_size=(832, 512), people=(1, 5), seed=11)
NAMES = keypoint_names(('panoptic15', 'coco17'))
PEOPLE, CHECKSUM = [2, 4, 4], 23086.60


@pytest.fixture(scope='module')
def layouts():
    return [layout_scene(CONFIG, index) for index in range(3)]


def geometry(person, view):
    surfaces = dress(person.vertices, sample_look(np.random.default_rng(0)), 0)
    return person_geometry(person, surfaces, view, NAMES)


def weighed_sum(layouts) -> float:
    """A checksum that survives the last bits of another machine: fixed random weights on all mm, px and parameters."""
    values = []
    for layout in layouts:
        values += [layout.view.K.ravel(), layout.view.rotation.ravel() * 1000, layout.view.translation_mm]
        for person in layout.people:
            truth = geometry(person, layout.view)
            values += [
                np.round(list(truth.keypoints_mm.values()), 2).ravel(),
                np.round(list(truth.keypoints_px.values()), 3).ravel(),
                100 * truth.global_orient,
                1000 * truth.transl,
                100 * person.body_pose.ravel(),
                person.betas,
            ]
    values = np.concatenate(values)
    return float(values @ np.random.Generator(np.random.PCG64(0)).uniform(-1, 1, len(values)))


def test_checksum_of_the_truth(layouts):
    assert [len(layout.people) for layout in layouts] == PEOPLE
    # one millimetre in one coordinate changes the sum by up to 1
    assert weighed_sum(layouts) == pytest.approx(CHECKSUM, abs=0.5)


def test_another_index_or_seed_gives_another_scene(layouts):
    again = layout_scene(SyntheticConfig(num_images=50, image_size=(832, 512), people=(1, 5), seed=11), 0)
    assert weighed_sum([again]) == weighed_sum(layouts[:1])  # the number of images plays no part
    other_seed = layout_scene(SyntheticConfig(image_size=(832, 512), people=(1, 5), seed=12), 0)
    other_split = layout_scene(SyntheticConfig(image_size=(832, 512), people=(1, 5), seed=11, split='val'), 0)
    assert len({weighed_sum([x]) for x in (layouts[0], layouts[1], other_seed, other_split)}) == 4


def test_camera_points_project_to_the_pixels(layouts):
    for layout in layouts:
        for person in layout.people:
            truth = geometry(person, layout.view)
            points = np.array(list(truth.keypoints_mm.values()))
            assert (points[:, 2] > 0).all()
            np.testing.assert_allclose(
                project(points, layout.view.K), np.array(list(truth.keypoints_px.values())), atol=0.01
            )


def test_smpl_parameters_give_the_camera_frame_body(layouts):
    body = load_generated_body()
    for layout in layouts:
        for person in layout.people:
            truth = geometry(person, layout.view)
            vertices, joints = linear_blend_skinning(
                body, truth.global_orient[None], person.body_pose[None], person.betas[None], truth.transl[None]
            )
            np.testing.assert_allclose(vertices[0], layout.view.to_camera(person.vertices), atol=1e-4)
            np.testing.assert_allclose(1000 * joints[0, 16], truth.keypoints_mm['left_shoulder'], atol=0.1)


def test_world_to_camera_in_millimetres(layouts):
    view, person = layouts[0].view, layouts[0].people[0]
    world_mm = 1000 * person.joints
    np.testing.assert_allclose(
        world_mm @ view.rotation.T + view.translation_mm, 1000 * view.to_camera(person.joints), atol=1e-6
    )
    np.testing.assert_allclose(view.rotation @ view.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(view.rotation) == pytest.approx(1)


def test_camera_looks_where_it_is_told():
    # x right, y down, z forward: what lies above the camera is at negative y, what lies to its right at positive x
    rotation = look_rotation(yaw=0.0, pitch=0.0, roll=0.0)
    np.testing.assert_allclose(rotation @ [0, 0, 1], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(rotation @ [0, 1, 0], [0, -1, 0], atol=1e-12)
    down = look_rotation(yaw=0.3, pitch=0.5, roll=0.0)
    assert down[2, 1] == pytest.approx(-np.sin(0.5))  # the optical axis points below the horizon
    assert down[2] @ [np.sin(0.3), 0, np.cos(0.3)] == pytest.approx(np.cos(0.5))


def test_people_stand_on_the_ground_apart():
    for index in range(6):
        people = layout_scene(SyntheticConfig(people=(3, 8), seed=5), index).people
        assert 3 <= len(people) <= 8
        for i, person in enumerate(people):
            assert -1e-6 < person.vertices[:, 1].min() < 0.5
            for other in people[:i]:
                assert gap_m(person.joints, other.joints) >= min(LEAST_GAP_M.values())


def test_nobody_where_nobody_is_wanted():
    assert layout_scene(SyntheticConfig(people=(0, 0)), 0).people == []


def test_cameras_vary_within_their_limits():
    rng = np.random.default_rng(0)
    shots = [sample_shot(rng, CONFIG) for _ in range(200)]
    fov = np.array([2 * np.degrees(np.arctan(416 / shot.view.K[0, 0])) for shot in shots])
    heights = np.array([shot.view.position[1] for shot in shots])
    assert FOV_DEG[0] <= fov.min() < 40 and 70 < fov.max() <= FOV_DEG[1]
    assert HEIGHT_M[0] <= heights.min() < 1 and 3 < heights.max() <= HEIGHT_M[1]


def test_a_clip_frame_does_not_depend_on_how_many_are_asked_for():
    config = SyntheticConfig(kind='clips', clip_length=16, people=(1, 2), seed=2, image_size=(160, 96))
    short, long = layout_clip(config, 0, 3), layout_clip(config, 0, 16)
    for a, b in zip(short, long):
        assert np.array_equal(a.view.rotation, b.view.rotation)
        assert all(np.array_equal(p.joints, q.joints) for p, q in zip(a.people, b.people))


@pytest.mark.parametrize(
    'field, value',
    [
        ('num_images', 0),
        ('image_size', (20, 20)),
        ('people', (3, 2)),
        ('kind', 'films'),
        ('clip_length', 8),
        ('split', '../x'),
        ('seed', -1),
        ('joint_sets', ()),
        ('jpeg_quality', 0),
        ('fps', 0),
    ],
)
def test_impossible_settings_name_the_field(field, value):
    with pytest.raises(UserError) as error:
        SyntheticConfig(**{field: value})
    assert error.value.field == field and error.value.remedy


def test_sets_the_body_cannot_serve_are_refused():
    with pytest.raises(UserError, match='no_such_set'):
        keypoint_names(('no_such_set',))
