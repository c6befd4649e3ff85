"""Damaged configs in checkpoints, and damaged ONNX files: an error in words or a model that runs."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
import torch
from mmengine.config import Config

from das_mm.checkpoints.config_text import parse_config_text
from das_mm.checkpoints.model_loader import load_model
from das_mm.checkpoints.onnx_file import PREFIX, read_description
from das_mm.checkpoints.onnx_session import open_session
from das_mm.checkpoints.packaged import packaged_graph
from das_mm.errors import UserError
from das_mm.inference.onnx_predictor import OnnxPredictor, onnx_obstacle
from das_mm.inference.predictor import InputImage
from das_mm.inference.torch_predictor import TorchPredictor
from tests.datasets.mutations import damaged_bytes, mutations

IMAGE = InputImage(np.zeros((48, 64, 3), np.uint8), dict(K=None, dist=None, source='none', detail=None), 'x')


def told(error: UserError, file) -> None:
    assert str(error.file).endswith(str(file)) and error.field and error.remedy and len(str(error)) < 3000


def test_damaged_texts_of_configs(checkpoint):
    """Each is refused, or read as the values that stand there."""
    text = Config.fromfile(checkpoint.parent / 'toy.py').pretty_text
    read = 0
    for words, data in damaged_bytes(text.encode(), 400, seed=1):
        try:
            parse_config_text(data.decode('utf-8', errors='surrogateescape'), 'x.pth')
            read += 1
        except UserError as error:
            told(error, 'x.pth')
        except Exception as error:
            raise AssertionError(words) from error
    assert 20 < read < 400


def test_damaged_values_of_configs(checkpoint, tmp_path):
    """Each is refused, or gives a model that the checkpoint's weights fit wholly and that can predict."""
    content = torch.load(checkpoint, weights_only=True)
    config = Config.fromfile(checkpoint.parent / 'toy.py').to_dict()
    parts = {name: config[name] for name in ('model', 'test_dataloader', 'default_scope', 'custom_imports')}
    path, read = tmp_path / 'x.pth', 0
    for words, damaged in mutations(parts, 30, seed=2):
        content['meta']['cfg'] = '\n'.join(f'{name} = {value!r}' for name, value in damaged.items())
        torch.save(content, path)
        try:
            predictor = TorchPredictor(load_model(path, device='cpu'))
            predictor.predict([predictor.prepare(IMAGE)])
            read += 1
        except UserError as error:
            told(error, path.name)
        except Exception as error:
            raise AssertionError(words) from error
    assert 3 < read < 30


@pytest.fixture(scope='module')
def graph():
    session = open_session(packaged_graph('pose'), 'cpu', 1)
    return session, dict(session.get_modelmeta().custom_metadata_map)


def test_damaged_onnx_files(tmp_path):
    """All the damage is seen, so onnxruntime reads none of them."""
    whole, path = packaged_graph('pose').read_bytes(), tmp_path / 'x.onnx'
    for words, data in damaged_bytes(whole, 40, seed=3):
        path.write_bytes(data)
        if data == whole:
            continue
        try:
            open_session(path, 'cpu', 1)
        except UserError as error:
            told(error, path.name)
        else:
            raise AssertionError(words)


def test_damaged_metadata(graph):
    """Each is refused, or gives a predictor that runs."""
    session, metadata = graph
    names = [name for name, text in metadata.items() if text[:1] in '[{' and name != PREFIX + 'config']
    plain = {name: json.loads(metadata[name]) for name in names}
    generator, ran = random.Random(5), 0
    for words, damaged in mutations(plain, 400, seed=4):
        told_by_file = {name: text for name, text in metadata.items() if name not in plain or name in damaged}
        try:
            told_by_file.update({name: json.dumps(value) for name, value in damaged.items()})
            said = read_description(told_by_file, 'x.onnx')
            if onnx_obstacle(said) is None:
                predictor = OnnxPredictor(session, said, packaged_graph('pose'))
                if generator.random() < 0.1:
                    predictor.predict([predictor.prepare(IMAGE)])
                    ran += 1
        except UserError as error:
            assert error.remedy
        except Exception as error:
            raise AssertionError(words) from error
    assert ran > 3
