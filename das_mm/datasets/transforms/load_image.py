"""The image of a record, in the pixels that its labels lie on."""

from __future__ import annotations

from mmengine import fileio
from mmpose.datasets.transforms import LoadImage as MMPoseLoadImage

from das_mm.engine.image_files import decode_image
from das_mm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadImage(MMPoseLoadImage):
    """mmpose's, but for EXIF orientations: pixels stay as they are stored, in every kind of file.

    Labels of the annotation format are those of the stored image. mmpose's transform turns JPEG and PNG files and
    leaves WebP files alone, so labels and pixels would part. ``color_type`` other than ``'color'`` is mmpose's affair.

    Args:
        kwargs: As of mmpose's transform.

    Raises:
        UserError: The image cannot be decoded.
    """

    def transform(self, results: dict) -> dict | None:
        if 'img' not in results and self.color_type == 'color':
            path = results['img_path']
            results['img'] = decode_image(fileio.get(path, backend_args=self.backend_args), path, upright=False)
        return super().transform(results)
