"""PoseTrack 2018 (Andriluka et al.): videos in COCO's style, with identities, boxes of heads, and regions to ignore."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS

from .base import Job, flags_in_image, image_size, person_entry
from .coco import CocoStyleConverter

_EARS = [index for index, name in enumerate(KEYPOINT_SETS['posetrack17'].keypoints) if name.endswith('_ear')]
_DAMAGED = 'the file is damaged: download or copy it again'


class PoseTrack18Converter(CocoStyleConverter):
    """The original json files, one a video, or mmpose's, which has all of a split.

    Ids are kept. Identities are those of the files: unique in their video. Frames without labels are kept too, as
    ``is_labeled`` false: they are neighbours of others. Both ears are never labelled, whatever a file says. A keypoint
    is labelled or not: those in the image count as visible.

    Args:
        root: Folder of the data set.
        annotations: A json, or a folder of them, where they do not lie as usual.
        images: The folder that ``file_name`` (``images/val/…``) is relative to, by default the root.
    """

    name = 'posetrack18'
    title = 'PoseTrack 2018'
    keypoint_set = 'posetrack17'
    splits = ('train', 'val')
    tree = """\
posetrack18/
  annotations/{train,val}/003418_mpii_test.json …       (or annotations/posetrack18_{train,val}.json of mmpose)
  images/{train,val}/003418_mpii_test/000000.jpg …      (both also below posetrack_data/)"""
    _SEQUENCES = dict(train='593, as widely cited', val='170, as widely cited')

    def usual_annotations(self) -> list[Path]:
        """Folders of one json a video, then mmpose's files."""
        names = (
            f'annotations/{self.split}',
            f'posetrack_data/annotations/{self.split}',
            f'annotations/posetrack18_{self.split}.json',
            f'posetrack18_{self.split}.json',
        )
        return [self.root / name for name in names]

    def usual_image_folders(self) -> list[Path]:
        return [self.root, self.root / 'posetrack_data']

    def annotation_file(self) -> Path:
        """The json, or the folder that holds one for every video."""
        usual = self.usual_annotations()
        found = (path for path in usual if path.is_file() or any(path.glob('*.json')))
        return self.require(self.annotations or next(found, usual[0]), 'the folder or file of the annotations')

    def image_folder(self) -> Path:
        """The folder that ``file_name`` is relative to."""
        if self.images is not None:
            return self.require(self.images, 'the folder of the images')
        usual = self.usual_image_folders()
        folder = next((folder for folder in usual if (folder / 'images').is_dir()), usual[0])
        self.require(folder / 'images', 'the folder of the images')
        return folder

    def jobs(self) -> list[Job]:
        source, folder = self.annotation_file(), self.image_folder()
        files = sorted(source.glob('*.json')) if source.is_dir() else [source]
        return [Job(file.stem, dict(file=str(file), folder=str(folder)), (file,)) for file in files]

    def expected(self) -> dict[str, str]:
        return {'sequences': self._SEQUENCES[self.split]}

    def _image(self, image: dict, people: list[dict], folder: Path, file: str, counts: Counter) -> dict:
        path = folder / image['file_name']
        size = (image['width'], image['height']) if 'width' in image and 'height' in image else image_size(path)
        if size is None:
            raise UserError('it is no image', file=path, remedy='copy the image again')
        width, height = map(int, size)
        labelled = bool(image.get('is_labeled', True))
        regions = _ignore_regions(image, file)
        entries = [self._tracked_person(person, (width, height), file, counts) for person in people]
        entries = [entry for entry in entries if entry is not None]
        counts.update({'labelled images': int(labelled), 'images with ignored regions': int(bool(regions))})
        more = dict(ignore_regions=regions) if regions else {}
        return dict(
            id=image['id'],
            file_name=path.relative_to(self.image_root).as_posix(),
            width=width,
            height=height,
            has_3d=False,
            seq=path.parent.name,
            frame=_frame_number(path, file),
            is_labeled=labelled,
            **more,
            annotations=entries,
        )

    def _tracked_person(self, person: dict, size: tuple[int, int], file: str, counts: Counter) -> dict | None:
        """The entry; None for somebody who is neither labelled nor has a box."""
        number = KEYPOINT_SETS[self.keypoint_set].num_keypoints
        try:
            keypoints = np.asarray(person['keypoints'], np.float64).reshape(number, 3)
            bbox, head = (
                None if person.get(name) is None else np.asarray(person[name], np.float64).reshape(4).tolist()
                for name in ('bbox', 'bbox_head')
            )
            known = (keypoints[:, 2] > 0) & (keypoints[:, :2] != 0).any(1) & np.isfinite(keypoints).all(1)
            track_id, ident = int(person['track_id']), int(person['id'])
        except KeyError as error:
            raise UserError(
                f'it lacks {error}', file=file, field=f'annotations, id {person.get("id")}', remedy=_DAMAGED
            ) from None
        except (TypeError, ValueError) as error:
            raise UserError(
                f'it does not hold what it should ({error}); expected are {number} keypoints of '
                '(x, y, flag), boxes of 4 and an identity',
                file=file,
                field=f'annotations, id {person.get("id")}',
                remedy=_DAMAGED,
            ) from None
        known[_EARS] = False
        if not known.any() and bbox is None:
            counts['people dropped: neither keypoints nor box'] += 1
            return None
        counts['people with labelled keypoints' if known.any() else 'people without labelled keypoints'] += 1
        counts['people without a box of the head'] += head is None
        return person_entry(
            self.keypoint_set,
            keypoints[:, :2],
            flags_in_image(keypoints[:, :2], known, size),
            size,
            bbox_xywh=bbox,
            id=ident,
            track_id=track_id,
            head_bbox=head,
        )


def _frame_number(path: Path, file: str) -> int:
    if not path.stem.isdigit():
        raise UserError(
            f'{path.name} is no number of a frame',
            file=file,
            field='images, file_name',
            remedy='frames are called 000000.jpg, 000001.jpg, …',
        )
    return int(path.stem)


def _ignore_regions(image: dict, file: str) -> list[list[list[float]]]:
    """Polygons out of the lists of x and of y; what has no area is left out."""
    xs, ys = (image.get(f'ignore_regions_{axis}') or [] for axis in 'xy')
    try:
        regions = [
            np.column_stack([np.asarray(side, np.float64).reshape(-1) for side in pair])
            for pair in zip(xs, ys, strict=True)
        ]
    except (TypeError, ValueError) as error:
        raise UserError(
            f'its regions to ignore do not fit together ({error})',
            file=file,
            field=f'images, id {image.get("id")}, ignore_regions_x',
            remedy=_DAMAGED,
        ) from None
    return [region.tolist() for region in regions if len(region) >= 3]
