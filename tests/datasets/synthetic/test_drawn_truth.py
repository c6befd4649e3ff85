"""What is written of drawn scenes: every field against the picture, the depth map and the others."""

from __future__ import annotations

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from das_mm.datasets.synthetic import load_smpl, vertices_from_row
from das_mm.structures.cameras import project
from das_mm.structures.keypoint_sets import KEYPOINT_SETS


def test_files_follow_the_annotation_format(scenes):
    for name, stored in scenes.stored.items():
        joints = KEYPOINT_SETS[name].keypoints
        assert stored['info']['joints'] == name and stored['info']['units'] == 'mm'
        assert [image['id'] for image in stored['images']] == [1, 2, 3, 4]
        assert len({a['id'] for a in stored['annotations']}) == len(stored['annotations']) > 4
        for image in stored['images']:
            picture = cv2.imread(str(scenes.paths.root / image['file_name']))
            assert picture.shape == (image['height'], image['width'], 3) == (96, 160, 3)
            assert picture.std() > 5  # something is drawn
            assert np.array(image['cam_param']['K']).shape == np.array(image['cam_param']['R']).shape == (3, 3)
            assert image['cam_param']['dist'] is None and image['has_3d'] is True
        for annotation in stored['annotations']:
            for field, shape in (
                ('keypoints', (3 * len(joints),)),
                ('keypoints_3d', (len(joints), 3)),
                ('bbox', (4,)),
                ('keypoints_3d_valid', (len(joints),)),
                ('visibility', (len(joints),)),
            ):
                assert np.shape(annotation[field]) == shape
            flags, seen = scenes.keypoints(annotation)[:, 2], np.array(annotation['visibility'])
            assert ((flags == 2) == (seen == 2)).all() and (flags[seen < 2] == 1).all()
            assert annotation['num_keypoints'] == len(joints)


def test_both_joint_sets_tell_of_the_same_people(scenes):
    panoptic, coco = (scenes.stored[name]['annotations'] for name in ('panoptic15', 'coco17'))
    shoulder = [KEYPOINT_SETS[name].index('left_shoulder') for name in ('panoptic15', 'coco17')]
    hips = [KEYPOINT_SETS['coco17'].index(f'{side}_hip') for side in ('left', 'right')]
    for a, b in zip(panoptic, coco, strict=True):
        assert (a['image_id'], a['bbox'], a['track_id'], a['smpl']) == (
            b['image_id'],
            b['bbox'],
            b['track_id'],
            b['smpl'],
        )
        assert a['keypoints_3d'][shoulder[0]] == b['keypoints_3d'][shoulder[1]]
        # COCO's root is derived from the hips; Panoptic's is stored
        assert a['root_depth'] == a['keypoints_3d'][KEYPOINT_SETS['panoptic15'].root_index][2]
        assert abs(b['root_depth'] - np.mean([b['keypoints_3d'][hip][2] for hip in hips])) < 2e-3


def test_stored_camera_points_project_to_the_stored_pixels(scenes):
    for image, people, _ in scenes.images():
        for annotation in people:
            places = project(np.array(annotation['keypoints_3d']), np.array(image['cam_param']['K']))
            np.testing.assert_allclose(places, scenes.keypoints(annotation)[:, :2], atol=0.01)


def test_visibility_agrees_with_the_depth_map(scenes):
    counted = {0: 0, 1: 0, 2: 0}
    for image, people, depth in scenes.images():
        for annotation in people:
            mask = coco_mask.decode(annotation['segmentation']).astype(bool)
            for (u, v, _), z, seen in zip(
                scenes.keypoints(annotation), np.array(annotation['keypoints_3d'])[:, 2], annotation['visibility']
            ):
                counted[seen] += 1
                x, y = int(np.floor(u + 0.5)), int(np.floor(v + 0.5))
                inside = 0 <= x < image['width'] and 0 <= y < image['height']
                assert inside == (seen > 0)
                if not inside or depth[y, x] == 0:
                    continue
                if seen == 2:  # nothing far in front
                    assert depth[y, x] > z - 250
                elif not mask[y, x]:  # hidden by something else, which must be nearer
                    assert depth[y, x] < z
                else:  # hidden by another part of the same body
                    assert depth[y, x] < z - 35
    assert min(counted.values()) > 5  # all three cases occur


def test_masks_are_disjoint_and_lie_at_the_depth_of_their_people(scenes):
    for _, people, depth in scenes.images():
        taken = np.zeros(depth.shape, int)
        for annotation in people:
            mask = coco_mask.decode(annotation['segmentation']).astype(bool)
            taken += mask
            assert mask.sum() == annotation['area']
            if not mask.any():
                assert not annotation['is_valid']
                continue
            z = np.array(annotation['keypoints_3d'])[:, 2]
            assert (depth[mask] > z.min() - 500).all() and (depth[mask] < z.max() + 500).all()
            rows, columns = np.nonzero(mask)
            x, y, w, h = annotation['bbox']
            # the box is that of the geometry: the mask never reaches more than rounding beyond it
            assert columns.min() >= x - 1 and columns.max() <= x + w + 1
            assert rows.min() >= y - 1 and rows.max() <= y + h + 1
        assert taken.max() == 1


def test_vertices_of_the_smpl_file_lie_on_the_masks(scenes):
    smpl = load_smpl(scenes.paths.smpl)
    shares = []
    for image, people, depth in scenes.images():
        K = np.array(image['cam_param']['K'])
        for annotation in people:
            mask = coco_mask.decode(annotation['segmentation']).astype(np.uint8)
            if annotation['area'] < 80:
                continue
            vertices = vertices_from_row(smpl, annotation['smpl'])
            places = np.floor(project(1000 * vertices.astype(float), K) + 0.5).astype(int)
            inside = ((places >= 0) & (places < [image['width'], image['height']])).all(1)
            x, y = places[inside].T
            in_front = 1000 * vertices[inside, 2] < depth[y, x] + 60.0  # the others are behind something
            wide = cv2.dilate(mask, np.ones((3, 3), np.uint8))
            shares.append(wide[y, x][in_front].mean())
    assert len(shares) > 4 and np.mean(shares) > 0.97 and min(shares) > 0.9


def test_smpl_file_rows_belong_to_the_annotations(scenes):
    smpl, stored = load_smpl(scenes.paths.smpl), scenes.stored['panoptic15']
    names = {image['id']: image['file_name'] for image in stored['images']}
    assert str(smpl['keypoints_convention']) == 'panoptic15'
    for row, annotation in enumerate(stored['annotations']):
        assert annotation['smpl'] == row
        assert smpl['image_path'][row] == names[annotation['image_id']]
        np.testing.assert_allclose(1000 * smpl['keypoints3d'][row, :, :3], annotation['keypoints_3d'], atol=1e-6)
        assert smpl['track_id'][row] == annotation['track_id']
    for image, (first, last) in enumerate(smpl['frame_range']):
        assert all(a['image_id'] == image + 1 for a in stored['annotations'][first:last])


def test_clip_keeps_identities_and_moves_continuously(clip):
    stored = clip.stored['panoptic15']
    assert [image['frame'] for image in stored['images']] == list(range(16))
    assert {image['seq'] for image in stored['images']} == {'train_clip_0000'}
    smpl = load_smpl(clip.paths.smpl)
    world: dict[int, dict[int, np.ndarray]] = {}
    for image, people, _ in clip.images('panoptic15'):
        R, T = np.array(image['cam_param']['R']), np.array(image['cam_param']['T'])
        assert len({a['track_id'] for a in people}) == len(people)
        for annotation in people:
            world.setdefault(annotation['track_id'], {})[image['frame']] = (
                np.array(annotation['keypoints_3d']) - T
            ) @ R
    assert len(world) >= 2
    moved = []
    for track, frames in world.items():
        rows = [a['smpl'] for a in stored['annotations'] if a['track_id'] == track]
        assert np.ptp(smpl['betas'][rows], axis=0).max() == 0  # one body through the clip
        for frame in sorted(frames)[:-1]:
            if frame + 1 in frames:
                step = np.linalg.norm(frames[frame + 1] - frames[frame], axis=1)
                moved.append(step.max())
                assert step.max() * clip.config.fps < 12_000  # mm/s; a runner's foot does 10 m/s
    assert np.mean(moved) > 1


def test_clip_people_keep_their_clothes(clip):
    """The mean colour of a person's mask changes little from frame to frame."""
    last: dict[int, np.ndarray] = {}
    changes = []
    for image, people, _ in clip.images():
        picture = cv2.imread(str(clip.paths.root / image['file_name'])).astype(float)
        for annotation in people:
            mask = coco_mask.decode(annotation['segmentation']).astype(bool)
            if mask.sum() < 60:
                continue
            colour = picture[mask].mean(0)
            if annotation['track_id'] in last:
                changes.append(np.abs(colour - last[annotation['track_id']]).max())
            last[annotation['track_id']] = colour
    assert len(changes) > 5 and np.median(changes) < 10
