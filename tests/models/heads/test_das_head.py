"""The DAS head: sparse against dense, every mixture of labels, switches, plug-in branches."""

import pytest
import torch

from das_mm.models.heads import BaseTaskBranch
from das_mm.models.heads.towers import gather_points
from das_mm.models.layers import PointIndex
from das_mm.models.task_modules import PersonLabels
from das_mm.registry import MODELS

from .samples import NUM_KEYPOINTS, SHAPES, make_sample, small_feats, small_head

L1 = dict(type='das_mm.L1PoseLoss')
UPDATES = [
    dict(type='das_mm.NoUpdate'),
    dict(type='das_mm.PlainUpdate', num_layers=2),
    dict(type='das_mm.MultiSourceUpdate', num_layers=1, feat_channels=16, num_groups=4),
]


def total(losses):
    return sum(value for name, value in losses.items() if 'loss' in name)


def parameters_without_gradient(module):
    return [name for name, parameter in module.named_parameters() if parameter.grad is None]


@pytest.mark.parametrize('update', UPDATES, ids=lambda one: one['type'])
def test_points_equal_the_dense_maps(update):
    head, feats = small_head(update=update), small_feats(batch=3)
    maps = head(feats)
    for level, feat in enumerate(feats):
        height, width = feat.shape[-2:]
        # image 1 has no points: it must not be needed
        points = PointIndex(torch.tensor([0, 0, 2, 2]), torch.tensor([0, height - 1, 1, 1]), torch.tensor([0, 2, 1, 1]))
        out = head.forward_points(feat, level, points, with_sigma=True)
        close = lambda sparse, dense: torch.testing.assert_close(
            sparse.flatten(1), gather_points(dense, points), atol=1e-4, rtol=1e-4
        )
        close(out.root, maps.root[level])
        close(out.sigma, maps.sigma[level])
        close(out.centerness[:, None], maps.centerness[level])
        assert len(out.pose) == 1 + head.update.num_layers == len(maps.pose[level])
        for sparse, dense in zip(out.pose, maps.pose[level]):
            close(sparse, dense)


@pytest.mark.parametrize('people', [(3, 2), (2, 0), (0, 0)], ids=str)
@pytest.mark.parametrize('loss', [None, L1], ids=['rle', 'l1'])
def test_losses_and_gradients_with_and_without_people(people, loss):
    head = small_head(loss_pose=loss, loss_pose_2d=loss) if loss else small_head()
    samples = [make_sample(n, seed) for seed, n in enumerate(people)]
    losses = head.loss(small_feats(), samples)
    assert {'loss_cls', 'loss_centerness', 'loss_root', 'loss_pose', 'loss_pose_update1', 'loss_pose_update2'} <= set(
        losses
    )
    assert all(torch.isfinite(value) for value in losses.values())
    total(losses).backward()
    assert parameters_without_gradient(head) == []
    moved = head.pose_tower.convs[0].conv.weight.grad.abs().sum()
    assert (moved > 0) == (sum(people) > 0)
    if not sum(people):
        assert losses['loss_pose'] == 0 and losses['loss_root'] == 0 and losses['loss_centerness'] == 0
        assert losses['loss_cls'] > 0


def test_the_root_s_depth_may_weigh_more_than_its_offsets():
    torch.manual_seed(0)
    plain = small_head()
    heavy = small_head(losses=dict(root_depth=dict(type='mmdet.L1Loss', loss_weight=3.0)))
    depth_only = small_head(
        losses=dict(root=dict(type='mmdet.L1Loss', loss_weight=0.0), root_depth=dict(type='mmdet.L1Loss'))
    )
    feats, samples = small_feats(), [make_sample(2, 0), make_sample(1, 1)]
    for head in (heavy, depth_only):
        head.load_state_dict(plain.state_dict())
    of = [head.loss(feats, samples)['loss_root'] for head in (plain, heavy, depth_only)]
    assert of[2] > 0
    torch.testing.assert_close(of[1] - of[0], 2 * of[2])


def test_l1_head_has_no_sigma_branch():
    head = small_head(loss_pose=L1, loss_pose_2d=L1)
    assert not hasattr(head, 'sigma_branch')
    assert head(small_feats()).sigma == [None] * 3
    with pytest.raises(ValueError, match='sigma'):
        head.predict(small_feats(), [make_sample(0)] * 2, dict(with_sigma=True))


def test_two_dimensional_people_give_depth_no_gradient():
    head = small_head()
    losses = head.loss(small_feats(), [make_sample(3, 1, with_3d=False), make_sample(2, 2, with_3d=False)])
    total(losses).backward()
    assert head.depth_branch.out.weight.grad.abs().sum() == 0
    flows = {name: sum(p.grad.abs().sum() for p in loss.flow.parameters()) for name, loss in head.pose_losses.items()}
    assert flows['initial_3d'] == flows['updated_3d'] == 0
    assert flows['initial_2d'] > 0 and flows['updated_2d'] > 0
    by_axis = head.pose_branch.out.weight.grad.reshape(NUM_KEYPOINTS, 3, -1).abs().sum((0, 2))
    assert by_axis[0] > 0 and by_axis[1] > 0


def test_mixed_batch_is_the_sum_of_its_people():
    """3D and 2D-only persons in one batch: each keypoint counts once in the shared normaliser."""
    head, feats = small_head(update=UPDATES[0], loss_pose=L1, loss_pose_2d=L1), small_feats()
    full, flat = make_sample(2, 1), make_sample(2, 2, with_3d=False)
    mixed = head.loss(feats, [full, flat])['loss_pose']
    nobody = make_sample(0)
    parts = [head.loss(feats, pair) for pair in ([full, nobody], [nobody, flat])]
    counts = [count_points(head, pair) * NUM_KEYPOINTS for pair in ([full, nobody], [nobody, flat])]
    expected = sum(part['loss_pose'] * count for part, count in zip(parts, counts)) / sum(counts)
    torch.testing.assert_close(mixed, expected)


def count_points(head, samples):
    labels = PersonLabels.from_instances([one.gt_instance_labels for one in samples], torch.device('cpu'))
    return sum(len(one.person) for one in head.assigner.assign(labels, len(samples), SHAPES))


def test_nan_in_masked_labels_is_harmless():
    sample = make_sample(2, 3)
    labels = sample.gt_instance_labels
    labels.keypoints_weights[:, 0] = 0
    labels.keypoints[:, 0] = float('nan')
    labels.relative_depths_weights[:, 1] = 0
    labels.relative_depths_mm[:, 1] = float('nan')
    labels.root_depths_weights[:] = 0
    labels.root_depths_norm[:] = float('nan')
    head = small_head()
    losses = head.loss(small_feats(1), [sample])
    assert all(torch.isfinite(value) for value in losses.values())
    total(losses).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in head.parameters())


def test_outlier_gives_finite_loss():
    sample = make_sample(3, 3)
    sample.gt_instance_labels.keypoints[0, 0] = 1e6
    sample.gt_instance_labels.relative_depths_mm[1, 1] = -1e8
    losses = small_head().loss(small_feats(1), [sample])
    assert all(torch.isfinite(value) for value in losses.values())


def test_autocast_bfloat16():
    head = small_head()
    with torch.autocast('cpu', torch.bfloat16):
        losses = head.loss(small_feats(), [make_sample(3, 1), make_sample(1, 2, with_3d=False)])
        found = head.predict(small_feats(), [make_sample(0)] * 2, dict(with_sigma=True))
    total(losses).backward()
    assert all(torch.isfinite(value) for value in losses.values())
    assert all(values.dtype == torch.float32 for values in found[0].values())


@pytest.mark.parametrize('update', UPDATES, ids=lambda one: one['type'])
def test_predict_equals_decoding_the_dense_maps(update):
    head, feats = small_head(update=update, nms=dict(type='das_mm.OKSNMS', threshold=1.0)), small_feats()
    thr = 0.3
    found = head.predict(feats, [make_sample(0)] * 2, dict(score_thr=thr))
    maps, expected = head(feats), [[], []]
    for level, stride in enumerate(head.strides):
        score = maps.cls[level].sigmoid() * maps.centerness[level].sigmoid()
        for image, _, y, x in torch.nonzero(score > thr).tolist():
            pose = maps.pose[level][-1][image, :, y, x].reshape(NUM_KEYPOINTS, 3)
            point = torch.tensor([x, y]) * stride + (stride - 1) / 2
            expected[image].append((score[image, 0, y, x], point + pose[:, :2] * stride))
    assert any(expected)
    for result, wanted in zip(found, expected):
        wanted = sorted(wanted, key=lambda one: -one[0])[:100]
        assert len(result) == len(wanted)
        if wanted:
            torch.testing.assert_close(result.scores, torch.stack([score for score, _ in wanted]))
            torch.testing.assert_close(
                result.keypoints_px, torch.stack([pose for _, pose in wanted]), atol=2e-3, rtol=1e-4
            )


def test_towers_run_only_for_images_and_levels_with_candidates():
    head, feats = small_head(), small_feats(batch=3)
    torch.nn.init.constant_(head.cls_branch.out.weight, 0)
    torch.nn.init.constant_(head.cls_branch.out.bias, -20)
    runs = []
    head.pose_tower.register_forward_hook(lambda module, args, out: runs.append(tuple(args[0].shape)))
    head.reg_tower.register_forward_hook(lambda module, args, out: runs.append(tuple(args[0].shape)))
    head.sigma_branch.register_forward_hook(lambda *_: runs.append('sigma'))
    assert [len(one) for one in head.predict(feats, [make_sample(0)] * 3)] == [0, 0, 0]
    assert runs == []

    head.forward_centers = lambda feats: [_one_candidate(feat, level) for level, feat in enumerate(feats)]
    head.predict(feats, [make_sample(0)] * 3, dict(score_thr=1e-6))
    assert runs == [(1, 16, 8, 10)] * 2  # level 1 of image 2 alone, through each tower once; no sigma


def _one_candidate(feat, level):
    logits = torch.full((feat.shape[0], *feat.shape[2:]), -30.0)
    if level == 1:
        logits[2, 3, 4] = 5.0
    return logits


def test_sigma_only_when_asked_for():
    head, feats = small_head(), small_feats()
    plain, asked = (
        head.predict(feats, [make_sample(0)] * 2, dict(score_thr=0.2, with_sigma=flag))[0] for flag in (False, True)
    )
    assert 'keypoints_sigma' not in plain and asked.keypoints_sigma.shape == (len(asked), NUM_KEYPOINTS, 3)
    assert ((asked.keypoint_scores >= 0) & (asked.keypoint_scores <= 1)).all()
    torch.testing.assert_close(plain.keypoints_px, asked.keypoints_px)


def test_sigma_is_a_standard_deviation():
    """A network without flow says so exactly: the deviation of a Laplace density of scale sigma is sqrt(2) sigma."""
    nll = dict(type='das_mm.LaplaceNLLLoss')
    head, feats = small_head(loss_pose=nll, loss_pose_2d=nll, update=UPDATES[0]), small_feats()
    found = head.predict(feats, [make_sample(0)] * 2, dict(score_thr=0.2, with_sigma=True))[0]
    sigma = head.coder.decode_sigma(
        head(feats).sigma[0][0].permute(1, 2, 0).reshape(-1, NUM_KEYPOINTS, 3), torch.full((16 * 20,), 8.0)
    )
    ratio = found.keypoints_sigma[:, None] / (2**0.5 * sigma)  # (n, points of level 0, K, 3)
    level_0 = ((ratio - 1).abs() < 0.03).flatten(2).all(-1).any(-1)
    assert level_0.any()


def test_candidates_are_limited_per_level_and_image():
    head = small_head(nms=dict(type='das_mm.OKSNMS', threshold=1.0, max_people=10000))
    every = head.predict(small_feats(), [make_sample(0)] * 2, dict(score_thr=1e-6, nms_pre=10000))
    few = head.predict(small_feats(), [make_sample(0)] * 2, dict(score_thr=1e-6, nms_pre=7))
    assert [len(one) for one in every] == [16 * 20 + 8 * 10 + 4 * 5] * 2
    assert [len(one) for one in few] == [21, 21]
    torch.testing.assert_close(few[0].scores[0], every[0].scores[0])


def test_two_dimensional_model():
    head = small_head(dims=2, update=dict(type='das_mm.PlainUpdate', num_layers=1))
    assert set(head.pose_losses) == {'initial_2d', 'updated_2d'}
    losses = head.loss(small_feats(), [make_sample(2, 1), make_sample(2, 2, with_3d=False)])
    total(losses).backward()
    assert parameters_without_gradient(head) == []
    found = head.predict(small_feats(), [make_sample(0)] * 2, dict(score_thr=0.3))[0]
    assert (found.relative_depths_mm == 0).all()


def test_deformable_towers_start_without_offsets():
    head = small_head(last_conv_cfg=dict(type='das_mm.ModulatedDeformConv2d'))
    offsets = [value for name, value in head.named_parameters() if 'conv_offset' in name]
    assert len(offsets) == 2 * (3 + 2) and all((value == 0).all() for value in offsets)
    losses = head.loss(small_feats(), [make_sample(2, 1), make_sample(0)])
    total(losses).backward()
    assert parameters_without_gradient(head) == []


@MODELS.register_module(force=True)
class SizeBranch(BaseTaskBranch):
    """A user's own task: the height of a person's box, in strides."""

    def __init__(self, **kwargs):
        super().__init__(out_channels=1, **kwargs)

    def loss(self, raw, labels, person, points_px, strides, num_pos):
        height = labels.bboxes[person, 3] - labels.bboxes[person, 1]
        return dict(loss_size=(raw[:, 0] - height / strides).abs().sum() / num_pos)

    def decode(self, raw, points_px, strides):
        return dict(heights_px=raw[:, 0] * strides)


@pytest.mark.parametrize('people', [(3, 2), (0, 0)], ids=str)
def test_plug_in_branch(people):
    branch = dict(
        type='das_mm.SizeBranch',
        in_channels=16,
        feat_channels=16,
        stacked_convs=1,
        norm_cfg=dict(type='GN', num_groups=4),
    )
    head, plain = small_head(branches=dict(size=branch)), small_head()
    plain.load_state_dict({name: value for name, value in head.state_dict().items() if 'branches' not in name})
    samples = [make_sample(n, seed) for seed, n in enumerate(people)]
    assert head.branches['size'].branch.out.weight.std() < 0.02  # normal(0, 0.01) like all others
    losses = head.loss(small_feats(), samples)
    assert (losses['loss_size'] > 0) == (sum(people) > 0)
    total(losses).backward()
    assert parameters_without_gradient(head) == []
    found = head.predict(small_feats(), samples, dict(score_thr=0.3))
    assert all(len(one.heights_px) == len(one.scores) for one in found)
    # the pose does not know that the branch is there
    torch.testing.assert_close(
        found[0].keypoints_px, plain.predict(small_feats(), samples, dict(score_thr=0.3))[0].keypoints_px
    )


def test_scales_may_be_greater_than_a_stride():
    """``sigma_limit`` multiplies σ everywhere alike, and a keypoint at the limit has no confidence."""
    feats, points = small_feats(), PointIndex(*torch.tensor([[0, 1], [2, 3], [4, 5]]))
    plain, wide = small_head(), small_head(sigma_limit=4.0)
    wide.load_state_dict(plain.state_dict())
    outs = [head.forward_points(feats[0], 0, points, with_sigma=True) for head in (plain, wide)]
    torch.testing.assert_close(outs[1].sigma, 4 * outs[0].sigma)
    torch.testing.assert_close(wide(feats).sigma[0], 4 * plain(feats).sigma[0])
    spread, scores = torch.ones(3), torch.ones(2)
    plain_fields, wide_fields = (head.decoder.decode(out, scores, spread) for head, out in zip((plain, wide), outs))
    torch.testing.assert_close(wide_fields['keypoint_scores'], plain_fields['keypoint_scores'])
    torch.testing.assert_close(wide_fields['keypoints_sigma'], 4 * plain_fields['keypoints_sigma'])
