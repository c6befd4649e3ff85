"""Projects: found by Python behind all else, their configs by name, and trusted where the files are ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from das_mm import config_files, project_packages
from das_mm.checkpoints.conversion import CONVERSIONS, convert_checkpoint
from das_mm.cli import main
from das_mm.engine import config_rules
from das_mm.engine.config_rules import ConfigRules
from das_mm.errors import UserError

PACKAGE = """
from das_mm.checkpoints.conversion import CONVERSIONS, Conversion, Ledger, SourceKind

@CONVERSIONS.register('zebra')
class ZebraCheckpoint(SourceKind):
    title = 'the zebra network'

    @classmethod
    def recognises(cls, weights):
        return 'stripes.weight' in weights

    @classmethod
    def convert(cls, source, config=None):
        ledger = Ledger(source.weights, source.path)
        ledger.use('stripes.weight', 'backbone.stripes.weight')
        ledger.drop('', 'not of a zebra')
        return Conversion(cls.title, ledger, {}, 'feed it: {dst}')
"""


@pytest.fixture
def projects(tmp_path, monkeypatch):
    """A root of projects with one, `zebra`, in the place of ours."""
    root = tmp_path / 'ours' / 'projects'
    package = root / 'zebra' / 'zebra'
    package.mkdir(parents=True)
    (package / '__init__.py').write_text(PACKAGE)
    (root / 'zebra' / 'configs' / '_base_').mkdir(parents=True)
    (root / 'zebra' / 'configs' / 'zebra_tiny.py').write_text('x = 1\n')
    (root / 'zebra' / 'configs' / '_base_' / 'zebra_base.py').write_text('x = 1\n')
    for module in (project_packages, config_files, config_rules):
        monkeypatch.setattr(module, 'project_root', lambda: root)
    known = [name for name in sys.modules if name.split('.')[0] == 'projects']
    for name in known:
        monkeypatch.delitem(sys.modules, name)
    ours = str(Path(project_packages.__file__).parents[1])
    monkeypatch.setattr(sys, 'path', [entry for entry in sys.path if entry not in (ours, '', '.')])
    monkeypatch.setattr(CONVERSIONS, '_registered', {})
    project_packages.offer_projects()
    yield root
    for name in [name for name in sys.modules if name.split('.')[0] == 'projects' and name not in known]:
        del sys.modules[name]


def test_configs_are_found_by_name(projects):
    assert 'projects/zebra/configs/zebra_tiny.py' in config_files.runnable_configs()
    assert not any('zebra_base' in name for name in config_files.runnable_configs())
    wanted = projects / 'zebra' / 'configs' / 'zebra_tiny.py'
    for name in ('zebra_tiny', 'zebra_tiny.py', 'das_mm::projects/zebra/configs/zebra_tiny.py'):
        assert Path(config_files.config_path(name)) == wanted
    assert config_files.config_name(wanted) == 'projects/zebra/configs/zebra_tiny.py'
    assert config_files.config_name(projects / 'other.py') is None
    with pytest.raises(UserError, match='zebra_tiny'):
        config_files.config_path('zebra_tin')


def test_modules_of_ours_alone_are_trusted(projects, tmp_path, monkeypatch):
    rules = ConfigRules()
    assert rules.permits_module('projects.zebra.zebra') and rules.permits_config(
        projects / 'zebra/configs/zebra_tiny.py'
    )
    assert not rules.permits_module('projects.zebra.zebra.__main__')
    assert not rules.permits_module('projects.zebra.other')
    assert 'projects.zebra.zebra' not in sys.modules
    theirs = tmp_path / 'theirs' / 'projects' / 'lion' / 'lion'
    theirs.mkdir(parents=True)
    marker = tmp_path / 'ran'
    (theirs / '__init__.py').write_text(f'open({str(marker)!r}, "w")')
    monkeypatch.setattr(sys, 'path', [str(tmp_path / 'theirs'), *sys.path])
    assert not rules.permits_module('projects.lion.lion') and rules.permits_module('projects.zebra.zebra')
    assert ConfigRules(['projects.lion']).permits_module('projects.lion.lion')
    (theirs.parents[1] / 'zebra' / 'zebra').mkdir(parents=True)
    (theirs.parents[1] / 'zebra' / 'zebra' / '__init__.py').write_text(f'open({str(marker)!r}, "w")')
    for name in [name for name in sys.modules if name.split('.')[0] == 'projects']:
        del sys.modules[name]
    assert not rules.permits_module('projects.zebra.zebra')  # Python would take theirs
    assert not marker.exists()


def test_a_package_of_the_users_with_code_is_joined(projects, tmp_path, monkeypatch):
    theirs = tmp_path / 'theirs' / 'projects'
    theirs.mkdir(parents=True)
    (theirs / '__init__.py').write_text('mine = 1')
    monkeypatch.setattr(sys, 'path', [str(tmp_path / 'theirs'), *sys.path])
    assert not ConfigRules().permits_module('projects.zebra.zebra') and 'projects' not in sys.modules
    with pytest.raises(UserError, match='stands before'):
        project_packages.import_project('zebra')
    import projects as both  # whoever runs it trusts it

    project_packages.join_projects()
    assert both.mine == 1
    project_packages.import_project('zebra')


def test_a_projects_checkpoint_is_recognised_without_naming_it(projects, tmp_path, capsys):
    weights = {
        'stripes.weight': torch.ones(2),
        'layer1.0.conv1.weight': torch.ones(2),  # as a ResNet, which is asked later
    }
    torch.save(weights, tmp_path / 'zebra.pth')
    assert main(['convert-checkpoint', str(tmp_path / 'zebra.pth'), str(tmp_path / 'out.pth')]) == 0
    assert 'the zebra network' in capsys.readouterr().out
    torch.save(dict(net=weights, optimizer=dict(state={}, steps=3), epoch=2), tmp_path / 'parts.pth')
    assert main(['convert-checkpoint', str(tmp_path / 'parts.pth'), str(tmp_path / 'b.pth')]) == 2
    said = capsys.readouterr().err
    assert '2 weights of an unknown model: net.stripes.weight' in said and 'zebra (the zebra network)' in said
    given = ['--project', 'zebra']
    assert main(['convert-checkpoint', str(tmp_path / 'zebra.pth'), str(tmp_path / 'b.pth'), *given]) == 0
    with pytest.raises(UserError, match='no project') as caught:
        convert_checkpoint(tmp_path / 'zebra.pth', tmp_path / 'c.pth', project='lion')
    assert 'zebra' in caught.value.remedy
    torch.save({'spots.weight': torch.ones(2)}, tmp_path / 'spots.pth')
    with pytest.raises(UserError) as caught:
        convert_checkpoint(tmp_path / 'spots.pth', tmp_path / 'c.pth', project='zebra')
    assert caught.value.remedy == 'give a checkpoint of one of: zebra (the zebra network)'


def test_programs_of_projects(projects, capsys):
    (projects / 'zebra' / 'zebra' / 'count.py').write_text(
        'HELP = "counts stripes"\n\n\ndef add_arguments(parser):\n    parser.add_argument("--stripes", type=int)\n\n\n'
        'def run(args):\n    print("stripes:", args.stripes)\n    return 3\n'
    )
    assert project_packages.list_programs() == ['zebra.count']
    assert main(['project', 'zebra.count', '--stripes', '7']) == 3
    assert 'stripes: 7' in capsys.readouterr().out
    assert main(['project', 'zebra.other']) == 2
    assert 'use one of: zebra.count' in capsys.readouterr().err


def test_a_broken_project_is_named(projects, tmp_path):
    (projects / 'lion' / 'lion').mkdir(parents=True)
    (projects / 'lion' / 'lion' / '__init__.py').write_text('import no_such_package')
    torch.save({'spots.weight': torch.ones(2)}, tmp_path / 'spots.pth')
    with pytest.raises(UserError, match='the project lion was not asked.*no_such_package'):
        convert_checkpoint(tmp_path / 'spots.pth', tmp_path / 'c.pth')


def test_ours_can_be_imported_from_any_folder(tmp_path):
    code = (
        "import das_mm, sys; from importlib.util import find_spec; print(find_spec('projects') is not None);"
        "print(sys.path[-1] or 'last')"
    )
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == 'True'


def test_outside_converters_by_import(tmp_path, monkeypatch, capsys):
    (tmp_path / 'outside_converters.py').write_text(
        'from das_mm.datasets.converters import CONVERTERS\n'
        'from das_mm.datasets.converters.lsp import LSPConverter\n'
        "@CONVERTERS.register('outside')\n"
        'class Outside(LSPConverter):\n'
        "    title = 'people from outside'\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SystemExit):
        main(['convert', '--import', 'outside_converters', 'outside', '--help'])
    assert 'people from outside' in capsys.readouterr().out
    assert main(['convert', '--import', 'no_such_module', 'outside']) == 2
    assert "'no_such_module' cannot be imported" in capsys.readouterr().err
