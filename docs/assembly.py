"""Puts the site together and builds it: `python -m docs.assembly`; `--serve` shows it while pages are written.

Pages are those of `docs/pages`, its notebooks, documents that lie elsewhere in the repository, and the reference, which
is read off the code. All are laid into `docs/build`, and Zensical makes a site of them that may hold no broken link.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from docs.api_pages import ROOMS, api_page
from docs.notebook_pages import notebook_page
from docs.repository_links import PAGES, ROOT, place_of, turn_links

BUILD = ROOT / 'docs' / 'build'
#: document of the repository -> the page that it becomes
DOCUMENTS = {
    'das_mm/datasets/README.md': 'data/format.md',
    'configs/benchmark/README.md': 'evidence.md',
    'CONTRIBUTING.md': 'contributing.md',
    'das_mm/bodies/LICENCES.md': 'licences.md',
    'CHANGELOG.md': 'changelog.md',
    'projects/README.md': 'projects/index.md',
    **{
        f'projects/{path.parent.name}/README.md': f'projects/{path.parent.name}.md'
        for path in ROOT.glob('projects/*/README.md')
    },
}


def main() -> int:
    """Assemble, then build or serve; the exit status is the builder's, and 1 where a name of the reference is none."""
    parser = argparse.ArgumentParser(prog='python -m docs.assembly', description='build the documentation site')
    parser.add_argument('--serve', action='store_true', help='show the site and build it anew when docs/build changes')
    args = parser.parse_args()
    assemble(BUILD)
    zensical, config = [sys.executable, '-m', 'zensical'], ['-f', str(BUILD / 'mkdocs.yml')]
    if args.serve:
        return subprocess.run([*zensical, 'serve', *config]).returncode
    done = subprocess.run([*zensical, 'build', '--strict', *config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    told = done.stdout.decode()
    print(told)
    return done.returncode or int('could not be found' in told)  # which Zensical says and passes over


def assemble(folder: Path) -> None:
    """Lay pages, pictures and the builder's config into a folder.

    Raises:
        ValueError: A link of a page leads nowhere.
    """
    written = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / PAGES).rglob('*') if path.is_file()}
    pages = {**DOCUMENTS, **{path: _page_of(path) for path in written if path.endswith(('.md', '.ipynb'))}}
    files: dict[str, bytes] = {place_of(path): file.read_bytes() for path, file in written.items() if path not in pages}
    for path, page in pages.items():
        text, pictures = (ROOT / path).read_text(encoding='utf-8'), {}
        if path.endswith('.ipynb'):
            text, pictures = notebook_page(text, Path(path).stem)
            files |= {f'{Path(page).parent.as_posix()}/{name}': content for name, content in pictures.items()}
        text, shown = turn_links(text, path, page, pages, beside=pictures)
        files |= {page: text.encode(), **{place_of(name): (ROOT / name).read_bytes() for name in shown}}
    files |= {f'api/{room}.md': api_page(room).encode() for room in ROOMS}
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        file = folder / 'pages' / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (folder / 'mkdocs.yml').write_text(_config(), encoding='utf-8')


def _page_of(path: str) -> str:
    return f'{place_of(path).rsplit(".", 1)[0]}.md'


def _config() -> str:
    """The builder's, with the menu filled in."""
    config = yaml.safe_load((ROOT / 'docs' / 'mkdocs.yml').read_text(encoding='utf-8'))
    generated = {
        'Projects': sorted(page for page in DOCUMENTS.values() if page.startswith('projects/')),
        'API': [f'api/{room}.md' for room in ROOMS],
    }
    config['nav'] = [{key: generated.get(key, value) for key, value in entry.items()} for entry in config['nav']]
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True)


if __name__ == '__main__':
    sys.exit(main())
