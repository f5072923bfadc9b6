"""Machines that the zip's packages do not run on are told so in one sentence."""

import pytest

from sketch2pose_blender.core.machine import obstacle

MAC = [
    "onnxruntime-1.32.0-cp311-cp311-macosx_14_0_arm64.whl", "onnxruntime-1.32.0-cp313-cp313-macosx_14_0_arm64.whl",
    "pillow-13.0.0-cp311-cp311-macosx_11_0_arm64.whl", "pillow-13.0.0-cp313-cp313-macosx_11_0_arm64.whl",
    "h11-0.16.0-py3-none-any.whl",
]  # fmt: skip
LINUX = [name.replace("macosx_14_0_arm64", "manylinux_2_28_x86_64") for name in MAC]


@pytest.mark.parametrize("macos", ["14.0", "14.7.1", "15.1", "26.0"])
@pytest.mark.parametrize("python", [(3, 11), (3, 13)])
def test_nothing_is_in_the_way(macos, python):
    assert obstacle(MAC, python=python, macos=macos) is None
    assert obstacle(LINUX, python=python, macos="") is None


@pytest.mark.parametrize("macos", ["13.6.1", "12.0", "10.15.7"])
def test_an_old_macos(macos):
    said = obstacle(MAC, python=(3, 11), macos=macos)
    assert said == f"Sketch2Pose needs macOS 14.0 or later, and this is macOS {macos}; update macOS."


@pytest.mark.parametrize("wheels", [MAC, LINUX])
@pytest.mark.parametrize("python", [(3, 10), (3, 12), (3, 14)])
def test_another_python(wheels, python):
    said = obstacle(wheels, python=python, macos="15.0")
    assert said is not None
    assert f"Python {python[0]}.{python[1]}" in said
    assert "3.11 and 3.13" in said


@pytest.mark.parametrize(("python", "fits"), [((3, 11), False), ((3, 13), True), ((3, 14), True)])
def test_a_wheel_of_the_stable_interface_suits_later_pythons(python, fits):
    wheel = "psd_tools-1.26.0-cp313-abi3-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl"
    assert (obstacle([wheel], python=python, macos="") is None) == fits


def test_run_from_the_repository():
    assert obstacle() is None
