"""The ONNX graph of weights that come with the package, made and compared with PyTorch.

python -m das_mm.deploy.package_graph das_mm/assets/*.pth
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from das_mm.checkpoints.model_loader import load_model
from das_mm.checkpoints.onnx_model import load_onnx_model
from das_mm.checkpoints.package_maker import STORAGES
from das_mm.engine import atomic_write
from das_mm.errors import UserError

from .comparison import check_onnx
from .onnx_export import export_onnx


def write_package_graph(
    checkpoint: str | Path, images: str | Path = 'synthetic', number: int = 20, storage: str = 'float32'
) -> Path:
    """Writes the graph beside a checkpoint that :func:`.package_weights` made, and what it was compared on into its
    card.

    Args:
        checkpoint: The ``.pth``, with its card ``.json``.
        images: A folder of images to compare on, or 'synthetic'.
        number: At most so many.
        storage: As of :func:`.export_onnx`, for a checkpoint that was packaged so too.

    Returns:
        The ``.onnx``.

    Raises:
        UserError: The graph does not give what PyTorch gives.
    """
    checkpoint = Path(checkpoint)
    model: Any = load_model(checkpoint, device='cpu')
    file = export_onnx(model, checkpoint.with_suffix('.onnx'), storage=storage)
    report = check_onnx(model, load_onnx_model(file, 'cpu'), file, images, number)
    if not report['passed']:
        file.unlink()
        raise UserError(
            'the graph does not give what PyTorch gives',
            file=file,
            remedy='compare them: das-mm export onnx --check 20',
        )
    card = checkpoint.with_suffix('.json')
    told = json.loads(card.read_text(encoding='utf-8'))
    told['onnx'] = _words(report)
    atomic_write(card, (json.dumps(told, indent=2) + '\n').encode())
    return file


def _words(report: dict[str, Any]) -> dict[str, Any]:
    parts = [report['at_threshold_of_model'], report['crowded'], *report['shapes']]
    return dict(
        sha256=report['sha256'],
        opset=report['opset'],
        images=report['images']['number'],
        people=sum(part['people_torch'] for part in parts),
        max_difference=max(part['max_difference'] for part in parts),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoints', nargs='+')
    parser.add_argument('--storage', choices=STORAGES, default='float32', help='what large weights are kept in')
    args = parser.parse_args()
    for checkpoint in args.checkpoints:
        print(write_package_graph(checkpoint, storage=args.storage))


if __name__ == '__main__':
    main()
