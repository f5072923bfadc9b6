"""A generated Rigify rig, in FK and in IK, exported as FBX and glTF and read back."""

import bpy
import numpy as np
import pytest
from animated_rigify import (
    FRAMES,
    animated,  # noqa: F401 - a fixture
    imported,
    places,
)

from sketch2pose_blender.rig.exporting import export_fbx, export_gltf


@pytest.mark.parametrize("kind", ["fbx", "glb"])
def test_files_of_deform_bones_come_back_with_every_joint_in_its_place(animated, tmp_path, kind):  # noqa: F811
    rig, _ = animated
    export = {"fbx": export_fbx, "glb": export_gltf}[kind]
    export(rig, FRAMES, tmp_path / f"a.{kind}", deform_only=True)
    group, add_on = {"fbx": ("fbx", "io_scene_fbx"), "glb": ("gltf", "io_scene_gltf2")}[kind]
    bpy.ops.preferences.addon_enable(module=add_on)
    back = imported(getattr(bpy.ops.import_scene, group), tmp_path / f"a.{kind}")
    names = [bone.name for bone in back.data.bones if bone.name.startswith("DEF-")]
    assert len(names) > 60
    assert not [bone.name for bone in back.data.bones if bone.name.endswith("_end")]  # no leaf bones
    first = round(back.animation_data.action.frame_range[0])
    frames = [first + frame - FRAMES[0] for frame in FRAMES]
    # The formats know no shear, which limbs in IK have where they stretch.
    near = 0.01 if rig.sketch2pose_rig.keep_ik else 1e-3
    np.testing.assert_allclose(places(back, names, frames), places(rig, names), atol=near)
