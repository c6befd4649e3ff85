"""DAS as one ONNX file, and an ONNX file as a DAS; DAS as a program of torch.export.

ONNX needs the packages of the extra ``export``.
"""

from das_mm.checkpoints.onnx_file import is_onnx
from das_mm.checkpoints.onnx_model import load_onnx_model

from .comparison import check_onnx, write_report
from .onnx_export import DEFAULT_OPSET, export_onnx
from .torch_program import export_torch

__all__ = ['DEFAULT_OPSET', 'check_onnx', 'export_onnx', 'export_torch', 'is_onnx', 'load_onnx_model', 'write_report']
