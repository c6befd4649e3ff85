"""The generated body's mesh pyramid, built once for all tests of the project."""

from __future__ import annotations

import pytest


@pytest.fixture(scope='session')
def body_pyramid(tmp_path_factory):
    """Built, and kept in a cache folder that :func:`mesh_cache` names."""
    from das_mm.bodies import load_generated_body
    from projects.graphcmr.graphcmr.pyramid_files import pyramid_of_body

    body = load_generated_body()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('DAS_MM_CACHE', str(tmp_path_factory.getbasetemp() / 'mesh_cache'))
        return pyramid_of_body(body.v_template, body.faces)


@pytest.fixture
def mesh_cache(body_pyramid, tmp_path_factory, monkeypatch):
    """Heads find the pyramid of the generated body there."""
    monkeypatch.setenv('DAS_MM_CACHE', str(tmp_path_factory.getbasetemp() / 'mesh_cache'))
