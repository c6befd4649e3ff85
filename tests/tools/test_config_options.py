"""Values of ``--cfg-options``."""

from __future__ import annotations

import pytest
from mmengine.config import Config

from das_mm.errors import UserError
from das_mm.tools.support.run_config import _merge_options


def config() -> Config:
    return Config(dict(model=dict(fit=dict(keypoints='own'), init_cfg=None, scales=[1, 2]), lr=0.1))


def test_numbers_lists_and_dictionaries():
    cfg = config()
    words = ["model.fit={'prior': 'generic', 'counts': {'first': [1, 5]}}", 'lr=1e-3', 'model.scales=[3,4]']
    _merge_options(cfg, words)
    assert cfg.model.fit == dict(keypoints='own', prior='generic', counts=dict(first=[1, 5]))
    assert cfg.lr == 1e-3 and cfg.model.scales == [3, 4]


def test_a_dictionary_in_the_place_of_nothing():
    cfg = config()
    _merge_options(cfg, ["model.init_cfg={'_delete_':True,'type':'Pretrained'}"])
    assert cfg.model.init_cfg == dict(type='Pretrained')


def test_dictionaries_as_configs_write_them():
    cfg = config()
    _merge_options(
        cfg, ["model.fit=dict(prior='generic', counts=dict(first=[1, 5]))", "model.scales=[dict(n=1),{'n':2}]"]
    )
    assert cfg.model.fit == dict(keypoints='own', prior='generic', counts=dict(first=[1, 5]))
    assert cfg.model.scales == [dict(n=1), dict(n=2)]


@pytest.mark.parametrize(
    'word, said',
    [
        ("model.fit={'prior':", "--cfg-options model.fit: {'prior': is no dictionary"),
        ("model.fit={'prior'}", 'is no dictionary'),
        ('model.fit=dict(prior=print(1))', 'is no dictionary'),
        ("model.init_cfg={'type':'Pretrained'}", 'the config has no place for model.init_cfg'),
        ('lr.value.more=1', 'the config has no place for lr.value.more'),
        ('model.scales.7=1', 'the config has no place for model.scales.7'),
        ('lr', "'lr' is not KEY=VALUE"),
    ],
)
def test_what_does_not_fit_is_said(word, said):
    with pytest.raises(UserError) as caught:
        _merge_options(config(), [word])
    assert said in str(caught.value)
