"""A headless Chromium without a network, driven through its own debugging pipe, for the viewer's tests.

Chromium reads DevTools commands (JSON, ended by a zero byte) from file descriptor 3 and answers on 4; no driver, port
or client library is needed, and waiting is for what the page says of itself, never for a length of time.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

CHROMIUM = next(
    (path for name in ('chromium', 'chromium-browser', 'google-chrome', 'chrome') if (path := shutil.which(name))), None
)
PATIENCE_S = 180.0
_FLAGS = (
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--hide-scrollbars',
    '--use-angle=swiftshader',
    '--enable-unsafe-swiftshader',  # WebGL in software
    '--host-resolver-rules=MAP * ~NOTFOUND',
    '--force-device-scale-factor=1',
    '--window-size=900,700',
    '--remote-debugging-pipe',
)


class Browser:
    """One Chromium with one page; a context manager. ``profile`` is an empty folder of its own."""

    def __init__(self, profile: Path) -> None:
        to_child, self._commands = os.pipe()
        self._answers, from_child = os.pipe()
        # out of the way of 3 and 4, which the child gets
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (to_child, from_child)]
        with open(profile / 'chromium.log', 'wb') as log:
            self._process = subprocess.Popen(
                [CHROMIUM, *_FLAGS, f'--user-data-dir={profile / "profile"}', 'about:blank'],
                stdout=log,
                stderr=log,
                pass_fds=(3, 4),
                preexec_fn=lambda: [os.dup2(end, number) for end, number in zip(ends, (3, 4))],
            )
        for end in (to_child, from_child, *ends):
            os.close(end)
        self._pending, self._number, self._session = b'', 0, None
        target = self.command('Target.createTarget', url='about:blank')['targetId']
        self._session = self.command('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        self.command('Page.enable')
        self.command('Emulation.setDeviceMetricsOverride', width=900, height=700, deviceScaleFactor=1, mobile=False)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: Any) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._commands)
        os.close(self._answers)

    def command(self, method: str, **params: Any) -> dict:
        """Send one DevTools command and return its result; events that come between are dropped."""
        self._number += 1
        message = {'id': self._number, 'method': method, 'params': params}
        if self._session is not None:
            message['sessionId'] = self._session
        os.write(self._commands, json.dumps(message).encode() + b'\0')
        deadline = time.monotonic() + PATIENCE_S
        while True:
            while b'\0' not in self._pending:
                if not select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))[0]:
                    raise TimeoutError(f'Chromium did not answer {method} within {PATIENCE_S:.0f} s')
                chunk = os.read(self._answers, 1 << 16)
                if not chunk:
                    raise ConnectionError(f'Chromium ended during {method}')
                self._pending += chunk
            text, self._pending = self._pending.split(b'\0', 1)
            answer = json.loads(text)
            if answer.get('id') == self._number:
                assert 'error' not in answer, (method, answer)
                return answer['result']

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression (awaited if it is a promise), as far as JSON can carry it."""
        answer = self.command('Runtime.evaluate', expression=expression, awaitPromise=True, returnByValue=True)
        assert 'exceptionDetails' not in answer, answer['exceptionDetails']
        return answer['result'].get('value')

    def wait_for(self, condition: str) -> None:
        """Until a JavaScript condition holds, looking after each drawn frame of the page."""
        deadline = time.monotonic() + PATIENCE_S
        while not self.evaluate(condition):
            assert time.monotonic() < deadline, f'never came true: {condition}; {self.body()}'
            time.sleep(0.05)

    def open(self, page: Path, fragment: str = '') -> None:
        """Load a page and wait until it says that it is drawn."""
        self.command('Page.navigate', url='about:blank')
        self.command('Page.navigate', url=page.resolve().as_uri() + fragment)
        self.wait_for('Boolean(document.body && (document.body.dataset.ready || document.body.dataset.failure))')

    def body(self) -> dict[str, str]:
        """The page's state: ``document.body.dataset``."""
        return self.evaluate('({...document.body.dataset})')

    def text(self, element: str) -> str:
        """The visible text of the element with this id, '' while it is hidden."""
        return self.evaluate(f'(e => e.checkVisibility() ? e.innerText : "")(document.getElementById({element!r}))')

    def screenshot(self) -> np.ndarray:
        """(700, 900, 3) uint8 BGR."""
        data = base64.b64decode(self.command('Page.captureScreenshot', format='png')['data'])
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)

    def mouse(self, kind: str, x: float, y: float, pressed: bool = False) -> None:
        """A real mouse event: ``mouseMoved``, ``mousePressed`` or ``mouseReleased``."""
        button = 'left' if pressed or kind != 'mouseMoved' else 'none'
        self.command(
            'Input.dispatchMouseEvent',
            type=kind,
            x=x,
            y=y,
            button=button,
            buttons=int(pressed),
            clickCount=int(kind != 'mouseMoved'),
        )

    def press(self, key: str) -> None:
        """Press and release a key by its name, such as ``ArrowRight``."""
        self.command('Input.dispatchKeyEvent', type='keyDown', key=key)
        self.command('Input.dispatchKeyEvent', type='keyUp', key=key)

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        """Real fingers: ``touchStart`` or ``touchMove`` with where they are now, ``touchEnd`` without."""
        places = [{'x': x, 'y': y, 'id': number} for number, (x, y) in enumerate(points)]
        self.command('Input.dispatchTouchEvent', type=kind, touchPoints=places)

    def be_phone(self, is_phone: bool) -> None:
        """A screen of 390 × 844 that is touched, or the window of before."""
        width, height = (390, 844) if is_phone else (900, 700)
        self.command(
            'Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=is_phone
        )
        self.command('Emulation.setTouchEmulationEnabled', enabled=is_phone)
