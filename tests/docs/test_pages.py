"""Links lead somewhere, what is generated is up to date, and what pages show of the code works as they say."""

from __future__ import annotations

import json
import re
import unicodedata

import numpy as np
import pytest
import torch

from das_mm.cli import main
from das_mm.datasets.converters import CONVERTERS
from das_mm.models.task_modules import PersonLabels
from das_mm.registry import MODELS
from docs.docstring_dialect import as_markdown
from docs.model_zoo import ASSETS, PAGE, model_zoo
from docs.repository_links import ROOT, links, prose, resolve
from tests.docs.documents import blocks, documents

PAGES = ROOT / 'docs' / 'pages'


def anchor_of(heading: str) -> str:
    """As GitHub and the site make it."""
    words = re.sub(r'[`*]|\[([^\]]*)\]\([^)]*\)', lambda match: match[1] or '', heading).strip().lower()
    words = unicodedata.normalize('NFC', words)
    return re.sub(r'[^\w\- ]', '', words).replace(' ', '-')


def anchors(path) -> set[str]:
    text = ''.join(prose(path.read_text(encoding='utf-8'))[::2])
    return {anchor_of(heading) for heading in re.findall(r'^#+ (.*)$', text, flags=re.MULTILINE)}


@pytest.mark.parametrize('path', documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links(path):
    origin = path.relative_to(ROOT).as_posix()
    for link in links(path.read_text(encoding='utf-8')):
        target, anchor = link[3], link[4]
        if ':' in target:
            continue
        place = ROOT / resolve(origin, target) if target else path
        assert place.exists(), f'{origin}: {target}'
        if anchor and place.suffix == '.md':
            assert anchor[1:] in anchors(place), f'{origin}: {target}{anchor}'


def test_the_zoo_is_up_to_date():
    assert PAGE.read_text(encoding='utf-8') == model_zoo(), 'python -m docs.model_zoo'


@pytest.mark.parametrize('card', sorted(ASSETS.glob('*.json')), ids=lambda card: card.stem)
def test_the_zoo_tells_all_of_a_weight(card):
    told = json.loads(card.read_text())
    section = model_zoo().split(f'### `{card.stem}`')[1].split('\n### ')[0]
    for value in (told['sha256'], told['data'], *told['command'], told['licence'].split('see das_mm/')[0]):
        assert value in section
    assert '(../../das_mm/bodies/LICENCES.md)' in section.split('| licence |')[1].split('\n')[0]


def test_every_data_set_has_a_section():
    """With its splits, and the files that its converter asks for."""
    page = (PAGES / 'data' / 'real_sets.md').read_text(encoding='utf-8')
    for name in CONVERTERS.names():
        converter = CONVERTERS.get(name)
        section = page.split(f'\n## {converter.title}\n')[1].split('\n## ')[0]
        assert f'das-mm convert {name} --root' in section and converter.tree in section
        assert all(f'`{split}`' in section for split in converter.splits)


def test_the_branch_of_the_page_works():
    code = next(code for code in blocks(PAGES / 'extending.md', 'python') if 'SizeOfPeople' in code)
    try:
        exec(code, {})
        branch = MODELS.build(
            dict(type='SizeOfPeople', in_channels=8, feat_channels=8, norm_cfg=dict(type='GN', num_groups=2))
        )
    finally:
        MODELS.module_dict.pop('SizeOfPeople', None)
    boxes = torch.tensor([[0.0, 0, 20, 40], [10, 10, 50, 90]])
    labels, points = PersonLabels(torch.zeros(2), dict(bboxes=boxes)), torch.zeros(2, 2)
    strides, person = torch.tensor([8.0, 16.0]), torch.tensor([1, 0])
    sizes = torch.tensor([[40.0, 80], [20, 40]])
    raw = (sizes / strides[:, None]).log()
    assert branch.loss(raw, labels, person, points, strides, torch.tensor(2.0))['loss_size'] < 1e-5
    assert torch.allclose(branch.decode(raw, points, strides)['sizes_px'], sizes)
    assert branch(torch.zeros(1, 8, 4, 4)).shape == (1, 2, 4, 4)
    assert branch.describe().fields[0].frame == 'vectors_px'


def test_the_converter_of_the_page_works(tmp_path, monkeypatch):
    code = next(code for code in blocks(PAGES / 'extending.md', 'python') if 'MineConverter' in code)
    (tmp_path / 'converter_of_a_page.py').write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(CONVERTERS, '_registered', dict(CONVERTERS._registered))  # other tests count them
    person = np.column_stack([np.linspace(100, 300, 17), np.linspace(50, 400, 17), np.full(17, 2)]).tolist()
    (tmp_path / 'labels.json').write_text(json.dumps({'a.jpg': {'size': [640, 480], 'people': [person]}}))
    words = ['convert', '--import', 'converter_of_a_page', 'mine', '--root', str(tmp_path), '--workers', '0']
    assert main([*words, '--out', str(tmp_path / 'train.json')]) == 0
    content = json.loads((tmp_path / 'train.json').read_text())
    assert content['info']['joints'] == 'coco17' and len(content['annotations']) == 1


def test_docstrings_become_markdown():
    text = as_markdown(
        'Words of :func:`.project` and ``x``.\n\n'
        '=====  ======\n``a``  one\n       two\n``b``  c | d\n=====  ======\n\n'
        'Example::\n\n    f(1)\n\nExample:\n    >>> 1\n    1\n'
    )
    assert 'Words of `project` and `x`.' in text
    assert '|  |  |\n| --- | --- |\n| `a` | one two |\n| `b` | c \\| d |' in text
    assert 'Examples:\n    ```python\n    f(1)\n    ```' in text and 'Examples:\n    >>> 1' in text
