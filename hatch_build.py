"""Build hooks: what a wheel carries beside the package, and how its page on an index reads."""

import re
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface


class MimLayout(BuildHookInterface):
    """Configs, projects and model index in `das_mm/.mim`, where mim and mmengine look for them.

    Not for editable installs: they read the checkout, and copies made for them would grow old.
    """

    def initialize(self, version, build_data):
        self.names = Path(tempfile.mkdtemp())
        if version != 'standard':
            return
        for name in self.config_names():
            (self.names / name).touch()
        build_data['force_include'].update(
            {
                'configs': 'das_mm/.mim/configs',
                **self.project_files(),
                'model-index.yml': 'das_mm/.mim/model-index.yml',
                str(self.names): 'das_mm/.mim/names',
            }
        )

    def finalize(self, version, build_data, artifact_path):
        shutil.rmtree(self.names)

    def project_files(self) -> dict[str, str]:
        """What is in the projects' folders, but for their tests."""
        parts = Path(self.root, 'projects').glob('*/*')
        files = ['projects/README.md', *(f'projects/{part.parent.name}/{part.name}' for part in parts)]
        return {file: f'das_mm/.mim/{file}' for file in files if not file.endswith('/tests')}

    def config_names(self) -> list[str]:
        """Names without `.py` of the configs that can be run, but for names that several of them have.

        mim takes what it is given only if there is a file called exactly so; `das_mm.config_files` knows these.
        """
        root = Path(self.root)
        configs = [*root.glob('configs/**/*.py'), *root.glob('projects/*/configs/**/*.py')]
        count = Counter(path.stem for path in configs if '_base_' not in path.parts)
        return sorted(name for name, times in count.items() if times == 1)


class IndexPage(MetadataHookInterface):
    """The README without what an index cannot show: pictures of the repository, and links to its files."""

    def update(self, metadata):
        text = Path(self.root, 'README.md').read_text(encoding='utf-8')
        text = re.sub(r'^!\[[^\]]*\]\((?!https?:)[^)]*\)\n+', '', text, flags=re.MULTILINE)
        text = re.sub(r'\[([^\]]+)\]\((?!https?:|#)[^)]*\)', r'\1', text)
        metadata['readme'] = {'content-type': 'text/markdown', 'text': text}
