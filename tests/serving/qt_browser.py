"""Chromium's engine from PyPI (the extra 'browser'), for machines without a browser; no test, but started by one.

Called as Chromium is: ``qt_browser.py --user-data-dir=FOLDER URL``; the port of its protocol stands in the folder, too.
"""

import os
import signal
import socket
import sys
from pathlib import Path

from drivevla.errors import require


def main(arguments: list[str]) -> int:
    """Show the page until the process is ended."""
    folder = Path(next(each for each in arguments if each.startswith("--user-data-dir=")).partition("=")[2])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ["QTWEBENGINE_REMOTE_DEBUGGING"] = str(port)
    os.environ["QTWEBENGINE_CHROMIUM_FLAGS"] = "--no-sandbox --disable-gpu"
    core, widgets, web = (require(f"PyQt6.{part}", "browser") for part in ("QtCore", "QtWidgets", "QtWebEngineWidgets"))
    application = widgets.QApplication(["browser"])  # after the web's import, which Qt demands
    view = web.QWebEngineView()
    view.load(core.QUrl(arguments[-1]))
    view.show()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    keeps_python_awake = core.QTimer()  # else no signal is ever seen
    keeps_python_awake.timeout.connect(lambda: None)
    keeps_python_awake.start(200)
    (folder / "DevToolsActivePort").write_text(f"{port}\n")
    return int(application.exec())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
