"""What a script needs: load a model, find people in images and videos, read and re-solve results.

People who come from mmpose look here first. A name is loaded when it is asked for.
"""

from das_mm.lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        '..checkpoints.weight_loader': 'load_checkpoint_strict',
        '..checkpoints.model_loader': 'build_model load_model',
        '.das_inferencer': 'DASInferencer predict_images',
        '..inference.inferencer': 'Inferencer',
        '..inference.predictor_choice': 'open_predictor',
        '..inference.inputs': 'open_sources',
        '..inference.intrinsics': 'CameraFinder parse_intrinsics',
        '..inference.mesh_files': 'export_meshes',
        '..inference.body_surfaces': 'mesh_vertices',
        '..inference.one_euro': 'OneEuro',
        '..inference.outputs': 'OutputFolders',
        '..inference.overlays': 'OverlayOptions',
        '..inference.people_smoother': 'PeopleSmoother SmoothingSettings',
        '..inference.predictor': 'InputImage Prediction Predictor',
        '..inference.result_camera': 'resolve_for_camera',
        '..inference.result_files': 'read_results result_schema',
        '..inference.results': 'make_result people_of',
        '..inference.run_options': 'RunOptions',
        '..inference.track_files': 'write_track_files',
    },
)
