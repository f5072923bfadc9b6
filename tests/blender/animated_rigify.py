"""A generated Rigify rig with three keyed frames, its limbs in FK or in IK."""

import bpy
import numpy as np
import pytest
from posed import hypothesis, random_pose

from backend.body import load_body
from sketch2pose_blender.rig.animation import retarget
from sketch2pose_blender.rig.armature import build_character
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


@pytest.fixture(params=["FK", "IK"])
def animated(request, rigify_rig, extension):
    """The rig with three keyed frames, its limbs in FK or in IK, and the poses."""
    assert extension
    rig = rigify_rig
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
