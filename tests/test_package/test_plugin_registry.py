"""What a package of a user's own adds by name: a converter and a layout, reached by the command line."""

from __future__ import annotations

import doctest
import json

import pytest

from das_mm import plugin_registry
from das_mm.cli import main
from das_mm.datasets.converters import CONVERTERS, Converter, Job, Part, person_entry
from das_mm.datasets.synthetic.layouts import LAYOUTS, Layout
from das_mm.errors import UserError
from das_mm.plugin_registry import PluginRegistry


def test_examples():
    outcome = doctest.testmod(plugin_registry)
    assert outcome.attempted and not outcome.failed


class ListLayout(Layout):
    """``list.json``: of every scene its size and the COCO keypoints of its people."""

    name = 'lists'

    def write(self, scenes, root, split):
        rows = [
            [scene.width, scene.height, [person.px('coco17').tolist() for person in scene.people]] for scene in scenes
        ]
        (root / 'list.json').write_text(json.dumps(rows))


class ListConverter(Converter):
    """Reads what :class:`ListLayout` writes."""

    name, title, keypoint_set, tree = 'lists', 'Lists', 'coco17', 'root/list.json'

    def jobs(self):
        return [Job('all', sources=[self.require(self.root / 'list.json', 'the list')])]

    def convert(self, job):
        part = Part()
        for number, (width, height, people) in enumerate(json.loads((self.root / 'list.json').read_text())):
            entries = [person_entry('coco17', points, [2] * 17, (width, height)) for points in people]
            part.images.append(dict(file_name=f'{number}.png', width=width, height=height, annotations=entries))
        return part


@pytest.fixture
def lists(monkeypatch):
    """Both registered for one test."""
    for registry in (CONVERTERS, LAYOUTS):
        monkeypatch.setattr(registry, '_registered', dict(registry._registered))
    LAYOUTS.register('lists')(ListLayout)
    CONVERTERS.register('lists')(ListConverter)


def test_the_command_line_finds_a_converter_and_a_layout_from_outside(lists, tmp_path, capsys):
    root, out = tmp_path / 'root', tmp_path / 'lists.json'
    options = ['--num', '1', '--size', '64x48', '--people', '2', '2', '--workers', '0']
    assert main(['synth', '--out', str(root), '--layout', 'lists', *options]) == 0
    assert main(['convert', 'lists', '--root', str(root), '--out', str(out), '--workers', '0', '--skip-checks']) == 0
    written, stored = json.loads((root / 'list.json').read_text()), json.loads(out.read_text())
    assert len(written[0][2]) == len(stored['annotations']) > 0
    assert stored['annotations'][0]['keypoints'][:2] == pytest.approx(written[0][2][0][0], abs=1e-3)
    assert 'Lists' in capsys.readouterr().out


def test_unknown_names_are_answered_with_the_known_ones(lists):
    with pytest.raises(UserError, match="(?s)NAME: 'lsit' is no converter.*use one of: panoptic, .*, lists"):
        CONVERTERS.get('lsit')


def test_a_name_belongs_to_one():
    registry = PluginRegistry('shout', {'path': 'pathlib:PurePath'})
    for name in ('path', 'list'):
        registry.register('list')(ListLayout)  # once more is no second one
        with pytest.raises(ValueError, match=name):
            registry.register(name)(ListConverter)
    assert registry.names() == ['path', 'list'] and 'list' in registry and 'lists' not in registry


def test_an_installed_package_adds_an_entry_without_being_imported(tmp_path, monkeypatch):
    info = tmp_path / 'shouter-1.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: shouter\nVersion: 1\n')
    (info / 'entry_points.txt').write_text('[das_mm.shouts]\ntext = textwrap:dedent\nbroken = no_such_module:x\n')
    monkeypatch.syspath_prepend(tmp_path)
    registry = PluginRegistry('shout')
    assert registry.names() == ['text', 'broken'] and registry.get('text')('  a') == 'a'
    with pytest.raises(UserError, match=r'no_such_module:x.*cannot be imported'):
        registry.get('broken')
