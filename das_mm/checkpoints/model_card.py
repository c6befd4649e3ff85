"""The card of a model for a hub: what it is, how it is used, what it has learnt from, what is known of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from das_mm.version import __version__

_TOLD_APART = ('config', 'sha256', 'learnt_from', 'data', 'licence', 'metrics', 'note', 'command', 'onnx')
_TAGS = ['das_mm', 'pose-estimation', '3d-human-pose', 'multi-person']


@dataclass(frozen=True)
class ModelFacts:
    """What is read off a model.

    Attributes:
        name: Of the card.
        config: Name of its config, where it has one.
        tasks: What it does.
        keypoint_set: Name of the set; ``num_keypoints`` of them.
        num_keypoints: K.
        num_parameters: Learnt numbers.
        reads: 'image' or 'person': whole images, or crops of people.
        body: Of a model of meshes, which body it was trained with; else None.
        files: sha256 by name.
    """

    name: str
    config: str | None
    tasks: tuple[str, ...]
    keypoint_set: str
    num_keypoints: int
    num_parameters: int
    reads: str
    body: str | None
    files: Mapping[str, str]


def model_card(facts: ModelFacts, told: Mapping[str, Any], licence: str = 'other') -> str:
    """Text of ``README.md``, with the head that hubs read.

    Args:
        facts: Of the model.
        told: What only its makers know, as the cards of the package's weights have it: ``learnt_from``, ``data``,
            ``licence``, ``metrics``, ``command``, ``note`` and others.
        licence: Of the weights, a word that the hub knows ('apache-2.0', 'cc-by-nc-4.0', 'other').
    """
    head = dict(library_name='das_mm', pipeline_tag='keypoint-detection', license=licence, tags=list(_TAGS))
    parts = [f'---\n{yaml.safe_dump(head, sort_keys=False)}---\n', f'# {facts.name}\n', _what(facts), _use(facts)]
    unknown = 'Nobody has told. Say it here: which data, under which terms.'
    parts.append(f'## Data\n\n{told.get("data") or told.get("learnt_from") or unknown}\n')
    parts.append(_measured(told))
    if told.get('command'):
        commands = told['command'] if isinstance(told['command'], list) else [told['command']]
        parts.append('## Training\n\n```bash\n' + '\n'.join(map(str, commands)) + '\n```\n')
    if told.get('note'):
        parts.append(f'{told["note"]}\n')
    parts.append(_limits(facts, told))
    parts.append(_files(facts))
    return '\n'.join(parts)


def _what(facts: ModelFacts) -> str:
    reads = 'whole images' if facts.reads == 'image' else 'a crop of each person'
    lines = [
        f'A model of das_mm {__version__}: people in photographs and videos, in 3D.\n',
        '| | |\n|---|---|',
        f'| tasks | {", ".join(facts.tasks)} |',
        f'| reads | {reads} |',
        f'| keypoints | {facts.num_keypoints}, of the set `{facts.keypoint_set}` |',
        f'| parameters | {facts.num_parameters:,} |',
    ]
    lines += [f'| config | `{facts.config}` |'] if facts.config else []
    lines += [f'| body | {facts.body} |'] if facts.body else []
    return '\n'.join(lines) + '\n'


def _use(facts: ModelFacts) -> str:
    return f"""## Use

```python
from das_mm.apis import DASInferencer

inferencer = DASInferencer.from_pretrained('{facts.name}')  # a folder, or owner/model on the hub
for result in inferencer('photo.jpg'):
    print(result['predictions'])
```

```bash
das-mm infer photo.jpg --out results --weights FOLDER
```

Without a network give the folder. Nothing in these files is run when they are loaded: the config is read as text.
"""


def _measured(told: Mapping[str, Any]) -> str:
    metrics = told.get('metrics')
    if not metrics:
        return '## Measured\n\nNothing that is told here.\n'
    rows = ['| what | on | value |', '|---|---|---|']
    for name, value in metrics.items():
        values = value if isinstance(value, Mapping) else {'': value}
        where = values.get('on', '')
        numbers = ', '.join(f'{key} {number}'.strip() for key, number in values.items() if key != 'on')
        rows.append(f'| {name} | {where} | {numbers} |')
    return '## Measured\n\n' + '\n'.join(rows) + '\n'


def _limits(facts: ModelFacts, told: Mapping[str, Any]) -> str:
    lines = [
        'Without the true intrinsics of the camera, metres are a guess, and results say so. It finds people who look '
        'like those that it has learnt from; others it may miss. It is not made to tell who somebody is.',
        f'Licence of the weights: {told.get("licence") or "to be told by who publishes them"}.',
    ]
    if facts.body:
        lines.append(
            'Weights of meshes were trained through `smplx`, which is for research alone; a licensed SMPL file is not '
            'among these files, and who runs a model that was trained with one must have it.'
        )
    rest = {key: value for key, value in told.items() if key not in _TOLD_APART}
    lines += [f'{key}: {value if isinstance(value, str) else json.dumps(value)}' for key, value in rest.items()]
    return '## Limits and licence\n\n' + '\n\n'.join(lines) + '\n'


def _files(facts: ModelFacts) -> str:
    rows = [f'| `{name}` | `{sha256}` |' for name, sha256 in facts.files.items()]
    return '## Files\n\n| file | sha256 |\n|---|---|\n' + '\n'.join(rows) + '\n'
