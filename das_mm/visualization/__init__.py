"""Pictures of what the model sees: 2D overlays, meshes, the 3D viewer, density, offset and target plots, curves."""

from das_mm.lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        '.calibration': 'plot_calibration',
        '.curves': 'plot_metrics plot_training_curves',
        '.density': 'plot_error_density',
        '.files': 'save_image',
        '.ground': 'Ground estimate_ground',
        '.labels': 'draw_labels draw_relative_depths',
        '.mesh_overlay': 'draw_meshes',
        '.offset_maps': 'plot_offset_maps',
        '.overlay': 'draw_people draw_ground_truth_and_prediction',
        'das_mm.structures.people': 'People',
        '.sheets': 'contact_sheet',
        '.targets': 'draw_targets',
        '.tracks': 'Trails draw_tracks draw_trails',
        '.viewer': 'Scene write_viewer',
        '.visualizer': 'DASVisualizer',
    },
)
