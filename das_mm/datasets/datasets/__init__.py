from .annotation_file import AnnotationFile, People, read_annotation_file
from .das_dataset import DASDataset
from .image_files import image_fault, looks_complete
from .records import make_records

__all__ = ['AnnotationFile', 'DASDataset', 'People', 'image_fault', 'looks_complete', 'make_records',
           'read_annotation_file']
