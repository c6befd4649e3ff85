"""DAS as one ONNX file, and an ONNX file as a DAS; DAS as a program of torch.export; other formats by a registry.

ONNX needs the packages of the extra ``export``.
"""

from das_mm.lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        '.comparison': 'check_onnx write_report',
        '.exporter': 'EXPORTERS Exporter',
        '.onnx_export': 'DEFAULT_OPSET export_onnx',
        '.torch_program': 'export_torch',
        'das_mm.checkpoints.onnx_file': 'is_onnx',
        'das_mm.checkpoints.onnx_model': 'load_onnx_model',
    },
)
