"""Pictures of what the model sees: 2D overlays, meshes, the 3D viewer, density, offset and target plots, curves."""
from .calibration import plot_calibration
from .curves import plot_metrics, plot_training_curves
from .density import plot_error_density
from .files import save_image
from .ground import Ground, estimate_ground
from .labels import draw_labels, draw_relative_depths
from .mesh_overlay import draw_meshes
from .offset_maps import plot_offset_maps
from .overlay import draw_people, draw_truth_and_prediction
from .people import People
from .sheets import contact_sheet
from .targets import draw_targets
from .tracks import Trails, draw_tracks, draw_trails
from .viewer import Scene, write_viewer
from .visualizer import DASVisualizer

__all__ = ['DASVisualizer', 'Ground', 'People', 'Scene', 'Trails', 'contact_sheet', 'draw_labels', 'draw_meshes',
           'draw_people', 'draw_relative_depths', 'draw_targets', 'draw_tracks', 'draw_trails',
           'draw_truth_and_prediction', 'estimate_ground',
           'plot_calibration', 'plot_error_density', 'plot_metrics', 'plot_offset_maps', 'plot_training_curves', 'save_image',
           'write_viewer']
