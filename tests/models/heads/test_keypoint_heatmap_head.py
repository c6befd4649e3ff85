"""The auxiliary heat maps: targets by hand, what is not taught, and that they come with the estimator in training."""

import torch

from das_mm.models.heads import KeypointHeatmapHead
from das_mm.models.task_modules import PersonLabels

from .samples import NUM_KEYPOINTS, SHAPES, make_sample, small_feats


def head():
    torch.manual_seed(0)
    return KeypointHeatmapHead(NUM_KEYPOINTS, 16, stride=8, feat_channels=16, norm_cfg=dict(type='GN', num_groups=4))


def targets(samples, partial):
    labels = PersonLabels.from_instances([one.gt_instance_labels for one in samples], torch.device('cpu'))
    return head().targets(labels, torch.tensor(partial), torch.Size([len(samples), NUM_KEYPOINTS, *SHAPES[0]]))


def test_a_map_peaks_at_its_keypoint():
    sample = make_sample(1, seed=3)
    sample.gt_instance_labels.keypoints[0, 1] = torch.tensor([5 * 8 + 3.5, 7 * 8 + 3.5])  # on the point (5, 7)
    target, weight = targets([sample], [False])
    assert target[0, 1, 7, 5] == 1 and target[0, 1].argmax() == 7 * SHAPES[0][1] + 5
    assert (weight == 1).all() and target.amax() <= 1 and target.amin() >= 0
    neighbour = torch.exp(torch.tensor(-64.0 / (2 * 4.0**2)))  # σ is half a stride at least, and here it is
    size = (sample.gt_instance_labels.keypoints[0] - sample.gt_instance_labels.root_px[0]).norm(dim=-1).max()
    assert 0.06 * size < 4 and torch.isclose(target[0, 1, 7, 6], neighbour)


def test_what_is_not_labelled_is_not_taught():
    sample = make_sample(1, seed=3)
    labels = sample.gt_instance_labels
    labels.keypoints_weights[0, 3] = 0
    labels.keypoints[0, 3] = float('nan')
    target, weight = targets([sample, sample], [False, True])
    left, top, right, bottom = labels.bboxes[0].nan_to_num().tolist()
    y, x = (torch.arange(n) * 8 + 3.5 for n in SHAPES[0])
    inside = ((y >= top) & (y <= bottom))[:, None] & ((x >= left) & (x <= right))
    assert inside.any() and (target[:, 3] == 0).all() and torch.isfinite(target).all()
    assert (weight[:, 3][:, inside] == 0).all() and (weight[0, 3][~inside] == 1).all()
    # in an image in which not everyone is labelled the world outside the box is unknown too
    assert (weight[1, 1][inside] == 1).all()
    assert (weight[1, 1][~inside & (target[1, 1] < 0.05)] == 0).all()


def test_the_loss_falls():
    module, feats, samples = head(), small_feats(), [make_sample(2, 0), make_sample(0, 1)]
    optimizer = torch.optim.Adam(module.parameters(), lr=0.03)
    values = []
    for _ in range(15):
        (loss,) = module.loss(feats, samples).values()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    assert values[-1] < 0.5 * values[0]
