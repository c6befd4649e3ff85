"""Configs in yaml and json are data; configs in python are programs of the user's."""

from __future__ import annotations

import argparse
import json
import sys

import pytest
import yaml

from das_mm.engine.config_reader import read_config
from das_mm.errors import UserError
from das_mm.tools.support.run_config import load_run_config, running

TINY = 'das_mm::das_tiny_1xb8-12e_synthetic-448x256'


@pytest.fixture
def written(tmp_path):
    """Writes files by name; gives the path of the first. ``evil.py`` lies beside them, and leaves a marker when run."""
    (tmp_path / 'evil.py').write_text(f'open({str(tmp_path / "marker")!r}, "w")\nmodel = dict()\n')

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace('_in_', '.')
            path.write_text(text if isinstance(text, str) else json.dumps(text), encoding='utf-8')
        return tmp_path / next(iter(files)).replace('_in_', '.')

    return write


def test_data_is_read_with_its_base(written):
    text = (
        f'_base_: {TINY}\nsizes: !!python/tuple [1, 2]\ntrain_cfg: {{max_epochs: 3}}\nname: "{{{{ fileBasename }}}}"\n'
    )
    for path in (written(a_in_yaml=text), written(b_in_yml=text)):
        cfg = read_config(path)
        assert cfg.sizes == (1, 2) and cfg.train_cfg.max_epochs == 3 and cfg.model.type == 'DAS'
        assert cfg.name == path.name
    cfg = read_config(written(c_in_json=dict(_base_='d.json', b=1), d_in_json=dict(model=dict(type='DAS'), b=2)))
    assert cfg.b == 1 and cfg.model.type == 'DAS'


RUN = '{marker}'
TAGS = (
    "!!python/object/apply:os.system ['touch {marker}']",
    "!!python/object/new:os.system ['touch {marker}']",
    '!!python/object/apply:builtins.open [{marker}, w]',
    '!!python/name:os.system',
    '!!python/module:antigravity',
    '{{{{$NOPE:!!python/object/apply:os.system}}}} [x]',
)


@pytest.mark.parametrize('tag', TAGS)
@pytest.mark.parametrize('place', ['model: {}', 'a: {{b: [{}]}}', '? {}\n: 1'])
def test_tags_of_python_are_refused(written, tmp_path, tag, place):
    path = written(x_in_yaml=place.format(tag.format(marker=tmp_path / 'marker')))
    with pytest.raises(UserError) as caught:
        read_config(path)
    assert caught.value.file == path and caught.value.field == 'config' and caught.value.remedy
    assert not (tmp_path / 'marker').exists() and 'antigravity' not in sys.modules


@pytest.mark.parametrize(
    'files',
    [
        dict(x_in_yaml='_base_: evil.py'),
        dict(x_in_yaml='_base_: [{folder}/evil.py]'),
        dict(x_in_yaml='_base_: mmpose::{folder}/evil.py'),
        dict(x_in_yaml='"{{{{$NOPE:_base_}}}}": evil.py'),
        dict(x_in_json='{{"_base_": "evil.py"}}'),
        dict(x_in_yaml='_base_: y.json', y_in_json='{{"_base_": "./evil.py"}}'),
    ],
)
def test_programs_are_no_base_of_data(written, tmp_path, files):
    path = written(**{name: text.format(folder=tmp_path) for name, text in files.items()})
    with pytest.raises(UserError, match='a program that would be run') as caught:
        read_config(path)
    assert caught.value.field == '_base_' and '--allow' in caught.value.remedy and caught.value.file is not None
    assert not (tmp_path / 'marker').exists()
    read_config(path, allow=[str(tmp_path / 'evil.py')])
    assert (tmp_path / 'marker').exists()


def test_a_python_config_is_a_program(written, tmp_path):
    assert read_config(tmp_path / written(x_in_py="_base_ = 'evil.py'\na = len('abc')\n")).a == 3
    assert (tmp_path / 'marker').exists()


@pytest.mark.parametrize(
    'name, text, said',
    [
        ('x.yaml', '', 'no mapping of names'),
        ('x.yaml', '- 1', 'no mapping of names'),
        ('x.yaml', '1: 2', 'no mapping of names'),
        ('x.yaml', 'a: [', 'cannot be read as data'),
        ('x.yaml', '[' * 3000, 'cannot be read as data'),
        ('x.yaml', 'a: &a [*a]', 'more than 1000000 values'),
        (
            'x.yaml',
            'a0: &a0 [1, 1]\n' + ''.join(f'a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n' for i in range(1, 40)),
            'more than 1000000 values',
        ),
        ('x.json', '[' * 100_000, 'cannot be read as data'),
        ('x.json', '\ufeff{}', 'byte order mark'),
        ('x.json', '{"a": 1', 'cannot be read as data'),
        ('x.json', '{"filename": 1}', 'reserved'),
        ('x.yaml', '_base_: none.yaml', 'does not exist'),
        ('x.yaml', '_base_: 5', 'cannot be read'),
        ('x.py', 'a = (', 'not python'),
        ('x.py', 'raise RuntimeError("no")', 'RuntimeError: no'),
        ('x.YAML', 'a: 1', 'Only py/yml/yaml/json'),
    ],
)
def test_configs_that_cannot_be_read(tmp_path, name, text, said):
    (tmp_path / name).write_text(text, encoding='utf-8')
    with pytest.raises(UserError, match=said) as caught:
        read_config(tmp_path / name)
    assert caught.value.file == tmp_path / name and caught.value.field == 'config' and caught.value.remedy


def test_types_and_imports_of_data_are_asked_for(written, tmp_path):
    path = written(x_in_json=dict(model=dict(backbone=[dict(type='os.system')])))
    with pytest.raises(UserError, match="'os.system' is not among what") as caught:
        read_config(path)
    assert caught.value.field == 'model.backbone[0].type'
    path = written(x_in_yaml='custom_imports: {imports: [antigravity]}')
    with pytest.raises(UserError, match="would import 'antigravity'") as caught:
        read_config(path)
    assert caught.value.field == 'custom_imports.imports' and 'antigravity' not in sys.modules
    with pytest.raises(UserError, match="'no_such_package' cannot be imported"):
        read_config(written(x_in_yaml='custom_imports: {imports: no_such_package}'), allow=['no_such_package'])


def test_a_run_from_data_looks_up_nothing_by_name(written, tmp_path, monkeypatch):
    """Also where a name stands under a key that no walk knows."""
    from mmengine.registry import MODELS

    monkeypatch.chdir(tmp_path)
    path = written(x_in_yaml='strange_key: os.path.basename')
    args = argparse.Namespace(
        config=str(path), cfg_options=[], seed=None, work_dir=tmp_path / 'out', launcher='none', device='auto',
        gpus=None, local_rank=0, allow=[],
    )  # fmt: skip
    cfg = load_run_config(args)
    with running(cfg, args.allow), pytest.raises(RuntimeError, match='Failed to get'):
        MODELS.build(dict(type=cfg.strange_key, p='a/b'))
    with running(cfg, ['os.path']):
        assert MODELS.build(dict(type=cfg.strange_key, p='a/b')) == 'b'
    assert MODELS.build(dict(type=cfg.strange_key, p='a/b')) == 'b'  # elsewhere mmengine is as it was


def test_yaml_of_mmengine_is_read_as_data(tmp_path):
    import mmengine

    (tmp_path / 'x.yaml').write_text('a: !!python/object/apply:os.getcwd []\n')
    with pytest.raises(yaml.YAMLError):
        mmengine.load(tmp_path / 'x.yaml')
    mmengine.dump(dict(a=(1, 2)), tmp_path / 'y.yaml')
    assert mmengine.load(tmp_path / 'y.yaml') == dict(a=(1, 2))
