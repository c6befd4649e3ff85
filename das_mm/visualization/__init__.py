"""Pictures of what the model sees: 2D overlays, the 3D viewer, distribution, offset and target plots, curves."""
from .files import save_image
from .ground import Ground, estimate_ground
from .overlay import draw_people, draw_truth_and_prediction
from .people import People
from .sheets import contact_sheet
from .viewer import Scene, write_viewer
from .visualizer import DASVisualizer

__all__ = ['DASVisualizer', 'Ground', 'People', 'Scene', 'contact_sheet', 'draw_people', 'draw_truth_and_prediction',
           'estimate_ground', 'save_image', 'write_viewer']
