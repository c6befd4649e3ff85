"""The page of models, made from the metafiles and from the cards of the weights: `python -m docs.model_zoo`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from docs.repository_links import ROOT

PAGE = ROOT / 'docs' / 'pages' / 'models.md'
ASSETS = ROOT / 'das_mm' / 'assets'
LICENCES = 'das_mm/bodies/LICENCES.md'
_INTRODUCTION = """# Models

<!-- Made by `python -m docs.model_zoo` from model-index.yml and das_mm/assets/*.json; do not edit. -->

Weights that come with the package, and the configs of the papers' models. Numbers of weights were measured here, by
the commands that stand beside them; numbers of configs are the papers', on real data, and none of those was trained on
real data here. `das-mm infer` takes a weight by its task, `das-mm train` and `das-mm test` a config by its name.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(model_zoo(), encoding='utf-8')


def model_zoo() -> str:
    """The page, in Markdown."""
    return '\n'.join(
        [_INTRODUCTION, '## Weights of the package', '', *_overview(), *_weights(), '## Configs', '', *_configs()]
    )


def _cards() -> list[tuple[Path, dict[str, Any]]]:
    return [(path, json.loads(path.read_text(encoding='utf-8'))) for path in sorted(ASSETS.glob('*.json'))]


def _overview() -> Iterator[str]:
    yield '| weights | checkpoint | graph (ONNX) | stored as |'
    yield '|---|---:|---:|---|'
    for path, card in _cards():
        graph = path.with_suffix('.onnx')
        sizes = (_megabytes(file) for file in (path.with_suffix('.pth'), graph))
        yield f'| [`{path.stem}`](#{path.stem}) | {" | ".join(sizes)} | {card["storage"]} |'
    yield ''


def _weights() -> Iterator[str]:
    for path, card in _cards():
        yield f'### `{path.stem}`'
        yield ''
        rows = {
            'learnt from': card['learnt_from'],
            'data': card['data'],
            'licence': card['licence'].replace(LICENCES, f'[{LICENCES}](../../{LICENCES})'),
            'seed': card['seed'],
            'machine': card['machine'],
            'sha256 of the checkpoint': f'`{card["sha256"]}`',
        }
        if 'onnx' in card:
            graph = card['onnx']
            rows['sha256 of the graph'] = f'`{graph["sha256"]}`'
            rows['graph and PyTorch differ by'] = (
                f'{graph["max_difference"]:.1g} (mm, px, scores) on {graph["images"]} images'
            )
        yield '| | |'
        yield '|---|---|'
        yield from (f'| {name} | {value} |' for name, value in rows.items())
        yield from ['', 'Trained by', '', '```bash', *card['command'], '```', '']
        if 'note' in card:
            yield from [f'({card["note"]}.)', '']
        yield from ['Measured:', '', *_measured(card['metrics']), '']


def _measured(metrics: dict[str, Any], indent: str = '') -> Iterator[str]:
    """A list, nested as the card's numbers are; on what stands first, the command last."""
    for name, value in metrics.items():
        if isinstance(value, dict):
            yield f'{indent}- {name}'
            yield from _measured(value, f'{indent}    ')
        else:
            yield f'{indent}- {name}: {f"`{value}`" if name == "command" else value}'


def _configs() -> Iterator[str]:
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text(encoding='utf-8'))
    for file in index['Import']:
        metafile = yaml.safe_load((ROOT / file).read_text(encoding='utf-8'))
        yield f'### {", ".join(entry["Name"] for entry in metafile["Collections"])}'
        yield from ['', '| config | data | paper |', '|---|---|---|']
        yield from (_config_row(model) for model in metafile['Models'])
        yield ''
    yield 'Those of [projects](../../projects/README.md) stand in their READMEs.'
    yield ''


def _config_row(model: dict[str, Any]) -> str:
    told = model['Metadata']
    paper = told.get('Paper')
    words = ''
    if paper:
        numbers = ', '.join(f'{name} {value}' for name, value in paper['Metrics'].items())
        words = f'{numbers} ({paper["Table"]}; {paper["Dataset"]})'
    return f'| [`{model["Name"]}`](../../{model["Config"]}) | {", ".join(told["Training Data"])} | {words} |'


def _megabytes(file: Path) -> str:
    return f'{file.stat().st_size / 1e6:.1f} MB' if file.is_file() else 'none'


if __name__ == '__main__':
    main()
