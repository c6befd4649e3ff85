"""DAS as one ONNX file, and an ONNX file as a DAS. The packages it needs are those of the extra ``export``."""
from .comparison import check_onnx, write_report
from .exporting import DEFAULT_OPSET, export_onnx
from .onnx_file import is_onnx
from .onnx_model import load_onnx_model

__all__ = ['DEFAULT_OPSET', 'check_onnx', 'export_onnx', 'is_onnx', 'load_onnx_model', 'write_report']
