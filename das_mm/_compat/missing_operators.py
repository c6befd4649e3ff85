"""What is said of an operator of mmcv that nothing installed provides."""

from __future__ import annotations

from das_mm.errors import UserError

FULL_MMCV_REMEDY = (
    'install the full mmcv in place of mmcv-lite, or ask for another layer in the config; '
    'docs/pages/install.md has the commands ("With the full mmcv")'
)


def missing_operator(name: str) -> UserError:
    """The error of an operator of mmcv that is neither compiled nor in torchvision."""
    return UserError(
        f"mmcv's operator '{name}' is not compiled here, and torchvision has none that could stand in",
        remedy=FULL_MMCV_REMEDY,
    )
