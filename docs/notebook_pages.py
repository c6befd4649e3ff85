"""Notebooks as pages: their text, code, and the outputs that are stored in them."""

from __future__ import annotations

import nbformat
from nbconvert import MarkdownExporter


def notebook_page(text: str, name: str) -> tuple[str, dict[str, bytes]]:
    """A notebook as Markdown.

    Args:
        text: The notebook's json.
        name: Before the names of its pictures.

    Returns:
        The page, and its pictures by their names.
    """
    exporter = MarkdownExporter()
    body, resources = exporter.from_notebook_node(
        nbformat.reads(text, as_version=4), resources={'output_files_dir': '', 'unique_key': name}
    )
    return body, {file.lstrip('/'): content for file, content in resources['outputs'].items()}
