"""What precision a CPU computes in: by what it has, and near float32 in results."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from das_mm.engine import precision as precision_module
from das_mm.engine.optim_wrappers import BFloat16OptimWrapper
from das_mm.engine.precision import has_bfloat16, resolve_precision
from das_mm.errors import UserError
from das_mm.inference.predictor import InputImage
from das_mm.inference.torch_predictor import TorchPredictor


@pytest.mark.parametrize(
    'text, has',
    [
        ('processor : 0\nflags\t: fpu sse2 avx512f avx512_bf16\n', True),
        ('flags : fpu avx2 amx_tile amx_bf16', True),
        ('Features : fp asimd bf16', True),
        ('flags : fpu avx2 avx512f\nmodel name : bf16 amx_bf16', False),
        ('', False),
    ],
)
def test_what_processors_say(text, has):
    assert has_bfloat16(text) is has


def test_auto_follows_the_processor(monkeypatch):
    for has, chosen in ((True, 'bf16'), (False, 'fp32')):
        monkeypatch.setattr(precision_module, 'processor_has_bfloat16', lambda has=has: has)
        assert resolve_precision('auto') == chosen
    assert resolve_precision('bf16') == 'bf16' and resolve_precision('fp32') == 'fp32'
    with pytest.raises(UserError, match="'fp16' is no precision"):
        resolve_precision('fp16')


@pytest.mark.parametrize('precision, dtype', [('bf16', torch.bfloat16), ('fp32', torch.float32)])
def test_a_training_step_computes_in_it(precision, dtype):
    layer = torch.nn.Linear(4, 4)
    wrapper = BFloat16OptimWrapper(torch.optim.SGD(layer.parameters(), 0.1), precision=precision)
    with wrapper.optim_context(layer):
        out = layer(torch.ones(2, 4))
    assert out.dtype == dtype
    before = layer.weight.detach().clone()
    wrapper.update_params(out.float().sum())
    assert layer.weight.dtype == torch.float32 and not torch.equal(before, layer.weight)


def test_people_are_the_same_to_a_tolerance(inferencer):
    """bf16 has 8 bits: parts of a hundred in scores, parts of a pixel in keypoints of a toy of 128 px."""
    pixels = np.random.default_rng(0).integers(0, 255, (128, 160, 3), dtype=np.uint8)
    image = InputImage(pixels=pixels, camera=dict(K=None, source='unknown'), name='noise')
    found = {}
    for precision in ('fp32', 'bf16'):
        predictor = TorchPredictor(inferencer.model, precision=precision)
        (prediction,) = predictor.predict([predictor.prepare(image)], score_thr=0.0)
        found[precision] = prediction.people
    exact, near = found['fp32'], found['bf16']
    assert len(exact) > 3 and abs(len(exact) - len(near)) <= 0.2 * len(exact)
    assert abs(exact.scores[0] - near.scores[0]) < 0.02 * exact.scores[0]
    distances = np.linalg.norm(exact.keypoints_px[:, None] - near.keypoints_px[None], axis=-1).mean(axis=-1).min(axis=1)
    assert np.median(distances) < 1.0 and distances.max() > 0
