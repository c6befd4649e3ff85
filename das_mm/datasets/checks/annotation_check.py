"""Checks an annotation file for people who made it themselves: everything at once, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from das_mm.errors import UserError

from ..annotations.annotation_file import AnnotationFile, load_annotations, read_content, require_lists, source_set
from ..datasets.smpl_columns import smpl_columns
from .entries import find_faults
from .file_names import odd_places
from .findings import Finding, Findings, Kind
from .image_files import check_images
from .labels import Labels
from .oddities import find_oddities
from .summary import summarise


@dataclass
class CheckReport:
    """What is to be said of a file.

    Attributes:
        file: Its path.
        faults: Why it cannot be used; empty if :func:`.read_annotation_file` takes it.
        warnings: What is odd.
        summary: Of what is sound (:func:`.summarise`); None if too little is.
        sound: The labels without the entries at fault; None likewise.
    """

    file: str
    faults: list[Finding]
    warnings: list[Finding]
    summary: dict | None = None
    sound: AnnotationFile | None = field(default=None, repr=False)

    def as_dict(self) -> dict:
        """Plain values for json."""
        return dict(
            file=self.file,
            faults=[finding.as_dict() for finding in self.faults],
            warnings=[finding.as_dict() for finding in self.warnings],
            summary=self.summary,
        )


def check_annotation_file(
    file: str | Path,
    keypoint_set: str | None = None,
    images: str | Path | None = None,
    advance: Callable[[], None] = lambda: None,
) -> CheckReport:
    """Lists all kinds of faults and oddities of a file.

    The reader of the trainings has the last word: without faults here, it takes the file. Only if it refuses, each
    entry is looked at; what is left without those at fault is then checked for oddities all the same.

    Args:
        file: The json.
        keypoint_set: In which its keypoints are stored, if the file does not say so.
        images: Folder that ``file_name`` is relative to; without it the images are not looked at.
        advance: Called once an image file.

    Raises:
        UserError: There is no such file, it is no json, or no annotation file at all; there is no folder ``images``.
    """
    file, findings = str(file), Findings()
    content = load_annotations(file)
    require_lists(content, file)
    try:
        sound = read_content(content, file, source_set(content, keypoint_set, None, file))
    except UserError as refusal:
        sound = _look_closer(file, keypoint_set, refusal, findings)
    report = CheckReport(file, [], [], sound=sound)
    if sound is not None:
        _try_bodies(file, sound, findings)
        labels = Labels(sound)
        odd_places(sound.images, findings)
        if images is not None:
            check_images(sound.images, images, findings, advance)
        find_oddities(labels, findings)
        report.summary = summarise(labels)
    report.faults, report.warnings = findings.faults, findings.warnings
    return report


def _look_closer(file: str, keypoint_set: str | None, refusal: UserError, findings: Findings) -> AnnotationFile | None:
    """All faults of a file that the reader refuses; what is left without the entries at fault."""
    content = load_annotations(file)
    kset = None
    try:
        kset = source_set(content, keypoint_set, None, file)
    except UserError as error:
        _add(findings, error)
    rest = find_faults(content, file, kset, findings)
    if not findings.faults:
        _add(findings, refusal)
    if kset is None or not rest['images']:
        return None
    try:
        return read_content(rest, file, kset)
    except UserError as error:  # of the file as a whole
        if findings.faults[-1].kind.problem != error.problem:
            _add(findings, error)
        return None


def _try_bodies(file: str, sound: AnnotationFile, findings: Findings) -> None:
    """The SMPL file that belongs to the annotations is read as a training reads it."""
    try:
        smpl_columns(file, sound)
    except UserError as error:
        _add(findings, error)


def _add(findings: Findings, error: UserError) -> None:
    findings.fault(Kind(error.field or 'file', error.problem, 'a training refuses the file', error.remedy or ''), [])
