"""A generated Rigify rig, in FK and in IK: copied from, and exported as files that others read."""

import bpy
import numpy as np
import pytest
from posed import hypothesis, random_pose

from backend.body import global_rotations, load_body, pose_body
from backend.skeleton import JOINT_NAMES
from sketch2pose_blender.core.rest_frames import joint_rotations
from sketch2pose_blender.rig.animation import read_motion, retarget
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.rig.exporting import export_bvh, export_fbx, export_gltf, export_npz
from sketch2pose_blender.rig.posing import apply_pose

BODY = load_body()
FRAMES = (1, 2, 3)
SIDES = (("left", "L"), ("right", "R"))
#: Joint -> the rig's control, and the bone that shows where the joint is.
LIMBS = {
    f"{side}_{joint}": (f"{bone}_fk.{letter}", f"ORG-{bone}.{letter}")
    for side, letter in SIDES
    for joint, bone in (
        ("shoulder", "upper_arm"), ("elbow", "forearm"), ("wrist", "hand"),
        ("hip", "thigh"), ("knee", "shin"), ("ankle", "foot"),
    )
}  # fmt: skip


@pytest.fixture(scope="module")
def file_with_rig(tmp_path_factory):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    bpy.ops.pose.rigify_generate()
    path = str(tmp_path_factory.mktemp("rigify") / "rig.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    return path


@pytest.fixture(params=["FK", "IK"])
def animated(request, file_with_rig, extension):
    """The rig with three keyed frames, its limbs in FK or in IK, and the poses."""
    assert extension
    bpy.ops.wm.open_mainfile(filepath=file_with_rig)
    rig = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE" and "rig_id" in thing.data)
    rig.location, rig.rotation_euler = (1, 2, 0), (0, 0, 0.5)
    rig.sketch2pose_rig.keep_ik = request.param == "IK"
    source = build_character(bpy.context, BODY, np.zeros(10, np.float32), "Source")
    rng = np.random.default_rng(2)
    poses = [hypothesis(BODY, random_pose(rng, 0.4)) for _ in FRAMES]
    for frame, pose in zip(FRAMES, poses, strict=True):
        apply_pose(source, pose, BODY, frame)
    retarget(source, rig, frames=FRAMES, body=BODY)
    assert rig.pose.bones["thigh_parent.L"]["IK_FK"] == (0 if request.param == "IK" else 1)
    return rig, poses


def places(armature, names, frames=FRAMES):
    found = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        bpy.context.view_layer.update()
        found.append([tuple(armature.matrix_world @ armature.pose.bones[name].head) for name in names])
    return np.array(found)


def imported(operator, path, **options):
    before = set(bpy.data.objects)
    operator(filepath=str(path), **options)
    (armature,) = [thing for thing in set(bpy.data.objects) - before if thing.type == "ARMATURE"]
    return armature


def test_poses_are_read_back_and_written_as_npz(animated, tmp_path):
    """Limbs' directions of what is read are those of the poses that were copied, in FK and in IK."""
    rig, poses = animated
    motion = read_motion(rig, FRAMES, BODY)
    export_npz(rig, FRAMES, tmp_path / "a.npz", BODY)
    with np.load(tmp_path / "a.npz") as archive:
        written = archive["poses"].reshape(-1, 24, 3)
    ends = {"shoulder": "elbow", "elbow": "wrist", "hip": "knee", "knee": "ankle"}
    for frame, pose in enumerate(poses):
        meant = pose_body(BODY, joint_rotations(pose).astype(np.float32)).joints
        read = pose_body(BODY, motion.rotations[frame].astype(np.float32)).joints
        filed = pose_body(BODY, written[frame]).joints
        turn = global_rotations(motion.rotations[frame])[0]
        for side, _ in SIDES:
            for start, end in ends.items():
                a, b = (JOINT_NAMES.index(f"{side}_{joint}") for joint in (start, end))
                ways = [(j[b] - j[a]) / np.linalg.norm(j[b] - j[a]) for j in (meant, read)]
                assert np.degrees(np.arccos(min(1.0, ways[0] @ ways[1]))) < 1.0
                # The file is in the world: the same pose, turned as a whole.
                assert np.linalg.norm(filed[b] - filed[a]) == pytest.approx(
                    np.linalg.norm(read[b] - read[a]), rel=1e-3
                )
        lengths = [np.linalg.norm(j[:, None] - j[None], axis=-1) for j in (read, filed)]
        np.testing.assert_allclose(*lengths, atol=2e-3)
        assert np.linalg.det(turn) == pytest.approx(1)


def test_bvh_comes_back_with_every_limb_in_its_place(animated, tmp_path):
    rig, _ = animated
    export_bvh(rig, FRAMES, tmp_path / "a.bvh", BODY)
    bpy.ops.preferences.addon_enable(module="io_anim_bvh")
    back = imported(bpy.ops.import_anim.bvh, tmp_path / "a.bvh", frame_start=1)
    named, shown = zip(*LIMBS.values(), strict=True)
    # Bones of the file cannot stretch as the rig's in IK do.
    near = 0.02 if rig.sketch2pose_rig.keep_ik else 1e-3
    np.testing.assert_allclose(places(back, named), places(rig, shown), atol=near)


@pytest.mark.parametrize("kind", ["fbx", "glb"])
def test_files_of_deform_bones_come_back_with_every_joint_in_its_place(animated, tmp_path, kind):
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
