"""What `mim search das_mm` reads: every config is listed under its own name, and nothing else."""
from __future__ import annotations

from pathlib import Path

import yaml

from tests.toy_run import REPOSITORY

INDEX = yaml.safe_load((REPOSITORY / 'model-index.yml').read_text())


def test_the_index_lists_each_config_once():
    metafiles = [yaml.safe_load((REPOSITORY / path).read_text()) for path in INDEX['Import']]
    collections = {entry['Name'] for metafile in metafiles for entry in metafile['Collections']}
    models = [entry for metafile in metafiles for entry in metafile['Models']]
    for model in models:
        assert model['Name'] == Path(model['Config']).stem
        assert model['In Collection'] in collections
        assert model['Metadata']['Training Data']
    folders = [Path(path).parent for path in INDEX['Import']]
    there = [path for folder in folders for path in (REPOSITORY / folder).rglob('*.py')]
    there = sorted(path.relative_to(REPOSITORY).as_posix() for path in there)
    assert sorted(model['Config'] for model in models) == there
