"""What is installed here and whether it works. Imports nothing that could be broken."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata, util

from .probes import PROBES, run_probes
from .wanted_packages import SAME_MODULE


@dataclass(frozen=True)
class Environment:
    """What was found.

    Args:
        python: Its version.
        versions: Of each distribution that is installed, by its name in lower case and with hyphens.
        errors: The error of each probe that failed, by the probe's name.
        chromium: Path of a browser, if there is one.
        pip: The command that installs into this environment.
    """

    python: str
    versions: Mapping[str, str | None]
    errors: Mapping[str, str] = field(default_factory=dict)
    chromium: str | None = None
    pip: str = 'pip install'

    def providers(self, package: str) -> list[str]:
        """Distributions installed here that bring the module of `package`; more than one overwrite each other."""
        return [name for name in SAME_MODULE.get(package, (package,)) if self.versions.get(name)]

    @property
    def uninstall(self) -> str:
        """The command that removes packages from this environment without a question."""
        return self.pip.replace(' install', ' uninstall') + ('' if self.pip.startswith('uv ') else ' -y')

    @property
    def torch_works(self) -> bool:
        """It is installed and can be imported."""
        return bool(self.versions.get('torch')) and 'torch' not in self.errors


@dataclass(frozen=True)
class Clash:
    """One thing that is wrong, and the command that mends it."""

    name: str
    problem: str
    command: str


def look_around(
    installed: Callable[[], Mapping[str, str]] | None = None,
    probe: Callable[[dict[str, str]], dict[str, str]] | None = None,
) -> Environment:
    """Find versions in the packages' metadata and try what matters away from this process.

    Args:
        installed: Version of each distribution by its name, this interpreter's by default.
        probe: Runs named pieces of Python code and returns the error of each, '' if it went well.
    """
    versions = (installed or installed_versions)()
    found = Environment(platform.python_version(), versions)
    # das-mm itself may run from a checkout
    tried = {name: code for name, (owner, code) in PROBES.items() if owner == 'das-mm' or found.providers(owner)}
    errors = (probe or run_probes)(tried)
    return Environment(
        found.python,
        versions,
        {name: text for name, text in errors.items() if text},
        shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome'),
        _pip(),
    )


def installed_versions() -> dict[str, str]:
    """Version of each distribution of this interpreter, by its name in lower case and with hyphens."""
    versions: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata['Name']  # None where the metadata is damaged
        if name:
            versions.setdefault(re.sub('[-_.]+', '-', name).lower(), distribution.version)  # the first one is imported
    return versions


def _pip() -> str:
    """How packages get into this very environment; those that uv makes have no pip."""
    if util.find_spec('pip') is not None:
        return f'{sys.executable} -m pip install'
    return f'uv pip install --python {sys.executable}'
