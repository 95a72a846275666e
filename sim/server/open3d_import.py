"""The one place that imports open3d.

open3d-cpu links against ``libusb-1.0.so.0`` (for depth cameras that nothing here uses), which a fresh Debian or Ubuntu
lacks. The package ``libusb-package`` carries that library: once it is loaded, the dynamic loader is satisfied, without
root.
"""

import ctypes
import importlib.util
import re
from pathlib import Path
from types import ModuleType

from drivevla.errors import MissingExtra, require

__all__ = ["APT_PACKAGES", "import_open3d", "lend_libusb", "missing_library_error"]

APT_PACKAGES = {
    "libusb-1.0.so.0": "libusb-1.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libX11.so.6": "libx11-6",
    "libudev.so.1": "libudev1",
    "libgomp.so.1": "libgomp1",
}
"""The shared libraries that open3d-cpu 0.20 needs beyond the C++ runtime, and the Debian/Ubuntu package of each."""

_ABSENT_LIBRARY = re.compile(r"(?P<library>lib[^\s:]+\.so[.\d]*): cannot open shared object file")


def import_open3d() -> ModuleType:
    """Import open3d, first lending it the libusb that a bare machine lacks; calling it again is free.

    Raises:
        MissingExtra: open3d is not installed, or a shared library that it links to is absent.
    """
    lend_libusb()
    try:
        return require("open3d", "sim")
    except ImportError as error:
        explained = missing_library_error(str(error))
        if explained is None:
            raise
        raise explained from error


def missing_library_error(loader_message: str) -> MissingExtra | None:
    """What to install, from the dynamic loader's message; None when the message is about something else."""
    match = _ABSENT_LIBRARY.search(loader_message)
    if match is None:
        return None
    library = match["library"]
    if library == "libusb-1.0.so.0":
        remedy = "pip install 'drivevla[sim]' (it brings libusb-package), or apt install libusb-1.0-0"
    elif library in APT_PACKAGES:
        remedy = f"apt install {APT_PACKAGES[library]}"
    else:
        remedy = f"find its package with: apt-file search {library}"
    return MissingExtra(f"open3d cannot load the shared library {library}: {remedy}")


def lend_libusb() -> None:
    """Load the libusb that ``libusb-package`` carries into this process, where that package is installed."""
    # The package's own module drags in importlib_resources; its file is all that is wanted.
    spec = importlib.util.find_spec("libusb_package")
    if spec is None or spec.origin is None:
        return  # a system libusb may serve; if there is none, the import of open3d names it
    library = Path(spec.origin).with_name("libusb-1.0.so")
    if library.is_file():
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
