import subprocess
import sys

import pytest

from drivevla.errors import MissingExtra
from drivevla.sim.server.open3d_import import APT_PACKAGES, missing_library_error


@pytest.mark.parametrize(("library", "package"), sorted(APT_PACKAGES.items()))
def test_an_absent_library_is_explained_with_its_apt_package(library: str, package: str) -> None:
    error = missing_library_error(f"{library}: cannot open shared object file: No such file or directory")

    assert isinstance(error, MissingExtra)
    assert library in str(error)
    assert f"apt install {package}" in str(error)


def test_an_absent_libusb_is_first_of_all_a_matter_for_pip() -> None:
    error = missing_library_error("libusb-1.0.so.0: cannot open shared object file: No such file or directory")

    assert "pip install 'drivevla[sim]'" in str(error)


def test_an_import_error_about_something_else_is_left_alone() -> None:
    assert missing_library_error("cannot import name 'geometry' from 'open3d'") is None


def test_open3d_casts_a_ray_after_being_imported_twice() -> None:
    program = """
from drivevla.sim.server.open3d_import import import_open3d
o3d = import_open3d()
assert import_open3d() is o3d
scene = o3d.t.geometry.RaycastingScene()
scene.add_triangles(o3d.t.geometry.TriangleMesh.from_legacy(o3d.geometry.TriangleMesh.create_box()))
hit = scene.cast_rays(o3d.core.Tensor([[0.5, 0.5, 5.0, 0.0, 0.0, -1.0]], dtype=o3d.core.float32))
print(float(hit["t_hit"].numpy()[0]))
"""
    pytest.importorskip("libusb_package", reason="open3d is part of the extra sim")

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100)

    assert run.returncode == 0, run.stderr
    assert float(run.stdout) == pytest.approx(4.0)  # from z = 5 down to the unit box's top at z = 1
