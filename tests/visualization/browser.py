"""Opening a page in a headless Chromium without a network, for the viewer's tests."""
from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

CHROMIUM = next((path for name in ('chromium', 'chromium-browser', 'google-chrome', 'chrome')
                 if (path := shutil.which(name))), None)
FLAGS = ('--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync', '--hide-scrollbars',
         '--use-angle=swiftshader', '--enable-unsafe-swiftshader',  # WebGL in software
         '--host-resolver-rules=MAP * ~NOTFOUND', '--force-device-scale-factor=1', '--window-size=1200,900')


@dataclass(frozen=True)
class Opened:
    """What the browser made of a page: ``body``, its data attributes; ``dom``, its text; ``screenshot``, BGR."""
    body: dict[str, str]
    dom: str
    screenshot: np.ndarray

    @property
    def log(self) -> dict:
        """What the injected script left in ``document.body.dataset.log``."""
        return json.loads(self.body['log'])


def open_page(page: Path, folder: Path, *, fragment: str = '', script: str | None = None,
              virtual_ms: int = 20000) -> Opened:
    """Load a page (with ``script`` put at its end, run when the page is ready) and wait until it rests."""
    if script is not None:
        runner = ('<script>(async () => { const ready = () => document.body.dataset.ready;'
                  'const rest = (ms = 50) => new Promise(done => setTimeout(done, ms));'
                  'const log = {}; try { while (!ready()) await rest();' + script +
                  '} catch (error) { log.error = String(error); }'
                  'document.body.dataset.log = JSON.stringify(log); })();</script>')
        head, tail = page.read_text().rsplit('</body>', 1)
        page = folder / f'scripted-{page.name}'
        page.write_text(head + runner + '</body>' + tail)
    picture = folder / 'screenshot.png'
    run = subprocess.run([CHROMIUM, *FLAGS, f'--user-data-dir={folder / "profile"}',
                          f'--virtual-time-budget={virtual_ms}', f'--screenshot={picture}', '--dump-dom',
                          page.resolve().as_uri() + fragment],
                         capture_output=True, timeout=240, check=True)
    dom = run.stdout.decode()
    tag = re.search(r'<body([^>]*)>', dom)[1]
    body = {name.replace('-', ''): html.unescape(value) for name, value in re.findall(r'data-([\w-]+)="([^"]*)"', tag)}
    return Opened(body, re.sub(r'<script.*?</script>', '', dom, flags=re.DOTALL), cv2.imread(str(picture)))
