"""Links between documents: written as they are true in the repository, turned into those of the site.

A link leads to the page that a file has become; a picture comes along; of any other file, and of a folder, the words
are left without a link, as there is no place on the site where they lie.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: folder of pages that are written for the site
PAGES = 'docs/pages'
LINK = re.compile(r'(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#]*)(#[^)\s]*)?\)')
_CODE = re.compile(r'^( *```.*?^ *```[^\n]*$)', re.DOTALL | re.MULTILINE)


def prose(text: str) -> list[str]:
    """Parts of a document: prose, a block of code, prose, …"""
    return _CODE.split(text)


def links(text: str) -> list[re.Match]:
    """Links and pictures of a document outside of its code: sign, words, target, anchor."""
    return [link for part in prose(text)[::2] for link in LINK.finditer(part)]


def resolve(origin: str, target: str) -> str:
    """Path in the repository of what a link in the file `origin` leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin), target))


def turn_links(
    text: str, origin: str, page: str, pages: Mapping[str, str], beside: Collection[str] = ()
) -> tuple[str, set[str]]:
    """A document of the repository as a page of the site.

    Args:
        text: Markdown.
        origin: Path of the document in the repository.
        page: Path of its page on the site.
        pages: Path in the repository -> page, of all that become pages.
        beside: Names of pictures that are made for the page and lie beside it.

    Returns:
        The page, and the repository's files that it shows: they lie on the site at :func:`place_of`.

    Raises:
        ValueError: A link leads nowhere.
    """
    shown: set[str] = set()

    def turned(link: re.Match) -> str:
        sign, words, target, anchor = link[1], link[2], link[3], link[4] or ''
        if not target or ':' in target or target in beside:
            return link[0]
        path = resolve(origin, target)
        if not (ROOT / path).exists():
            raise ValueError(f'{origin}: {target} leads nowhere')
        if path not in pages and not sign:
            return words
        if path not in pages:
            shown.add(path)
        place = pages.get(path, place_of(path))
        return f'{sign}[{words}]({posixpath.relpath(place, posixpath.dirname(page) or ".")}{anchor})'

    parts = prose(text)
    return ''.join(part if number % 2 else LINK.sub(turned, part) for number, part in enumerate(parts)), shown


def place_of(path: str) -> str:
    """Where on the site a file of the repository lies that is no page."""
    inside = path.removeprefix(f'{PAGES}/')
    return inside if inside != path else f'repository/{path}'
