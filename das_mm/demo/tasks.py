"""The tasks that the demo knows; a project adds its own to :data:`DEMO_TASKS`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from das_mm.plugin_registry import PluginRegistry

if TYPE_CHECKING:
    from .base import DemoTask

#: name -> class of the task; an installed package adds one by an entry point of the group ``das_mm.demos``
DEMO_TASKS: PluginRegistry[type[DemoTask]] = PluginRegistry(
    'demo',
    {
        'pose': 'das_mm.demo.pose:PoseTask',
        'mesh': 'das_mm.demo.mesh:MeshTask',
        'tracking': 'das_mm.demo.tracking:TrackingTask',
    },
    field='--task',
)
