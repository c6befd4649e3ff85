"""Build hook: a wheel carries configs and model index in `das_mm/.mim`, where mim and mmengine look for them."""

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class MimLayout(BuildHookInterface):
    """Not for editable installs: they read the checkout, and copies made for them would grow old."""

    def initialize(self, version, build_data):
        if version == 'standard':
            build_data['force_include'].update(
                {'configs': 'das_mm/.mim/configs', 'model-index.yml': 'das_mm/.mim/model-index.yml'}
            )
