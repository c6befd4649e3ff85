"""Background that looks like a person is spared, in images in which not everyone is labelled."""

import torch

from das_mm.models.heads.unlabelled_people import spare_likely_people

from .samples import make_sample, small_feats, small_head


def test_only_likely_background_of_partly_labelled_images():
    head, samples = small_head(), [make_sample(2, 0), make_sample(2, 0)]
    samples[1].set_metainfo(dict(everyone_labelled=False))
    _, targets = head.assign_targets(small_feats(), samples)
    logits = [torch.full_like(target.cls, -4.0) for target in targets]
    for one in logits:
        one[:, 1, 2] = 4.0
    before = [target.cls_weight.clone() for target in targets]
    spare_likely_people(targets, logits, samples, confidence=0.5)
    for target, was in zip(targets, before):
        changed = target.cls_weight != was
        assert changed[1, 1, 2] == (target.cls[1, 1, 2] == 0) and changed.sum() == changed[1, 1, 2]


def test_a_head_without_the_option_teaches_all():
    """A confidence is never above 1, the default."""
    samples = [make_sample(2, 0), make_sample(2, 1)]
    plain = small_head().loss(small_feats(), samples)['loss_cls']
    for sample in samples:
        sample.set_metainfo(dict(everyone_labelled=False))
    assert small_head().loss(small_feats(), samples)['loss_cls'] == plain
    sparing = small_head(targets=dict(unlabelled_confidence=0.1)).loss(small_feats(), samples)['loss_cls']
    assert sparing < plain
