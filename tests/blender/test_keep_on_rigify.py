"""Mirrored, blended and keyed poses of a generated Rigify rig, in FK and in IK."""

import bpy
import numpy as np
import pytest
from posed import hypothesis, random_pose
from rigs import RIGIFY
from test_mirror import BODY, MIRROR, directions, far_from_mirrored, worst

from sketch2pose_blender.rig.humanoid import find_humanoid, pose_humanoid
from sketch2pose_blender.rig.keys import action_channels
from sketch2pose_blender.rig.pose_blend import blend_pose, keep_pose_before
from sketch2pose_blender.rig.pose_mirror import mirror_pose


@pytest.fixture
def rig(rigify_rig, extension):
    assert extension
    return rigify_rig


@pytest.mark.parametrize("limbs", ["FK", "IK", "one of each"])
def test_a_mirrored_pose(rig, limbs):
    rig.sketch2pose_rig.keep_ik = limbs != "FK"
    switch = rig.pose.bones["thigh_parent.L"]
    if limbs == "one of each":
        switch["IK_FK"] = 1.0
    rng = np.random.default_rng(4)
    pose_humanoid(find_humanoid(rig), hypothesis(BODY, random_pose(rng, 0.5)), BODY)
    for name in ("f_index.01.L", "f_middle.02.R"):
        rig.pose.bones[name].rotation_quaternion = (0.9, 0.4, 0.1, 0)
    before = directions(rig, RIGIFY)
    finger = np.array(rig.pose.bones["DEF-f_index.02.L"].matrix)[:3, 1]
    assert far_from_mirrored(before)
    mirror_pose(rig)
    assert worst(before, directions(rig, RIGIFY)) < 0.1
    # Rigify's own fingers do not rest quite alike.
    rest = [np.array(rig.data.bones[f"DEF-f_index.02.{side}"].matrix_local)[:3, 1] for side in "LR"]
    uneven = np.linalg.norm(rest[1] - MIRROR * rest[0])
    mirrored = np.array(rig.pose.bones["DEF-f_index.02.R"].matrix)[:3, 1]
    assert np.linalg.norm(mirrored - MIRROR * finger) < uneven + 1e-3
    if limbs == "one of each":
        assert (switch["IK_FK"], rig.pose.bones["thigh_parent.R"]["IK_FK"]) == (0.0, 1.0)


def test_blending_begins_at_what_limbs_in_ik_showed(rig):
    bones = rig.pose.bones
    bones["hand_ik.L"].location = (0.1, 0.2, 0.3)
    bones["foot_ik.R"].location = (0, -0.3, 0.2)
    bones["torso"].rotation_mode = "QUATERNION"
    bones["torso"].rotation_quaternion = (0.95, 0.2, 0.1, 0)
    shows = [
        f"ORG-{bone}.{side}" for side in "LR" for bone in ("upper_arm", "forearm", "hand", "thigh", "shin")
    ]

    def shown():
        bpy.context.view_layer.update()
        # Directions alone: a limb that reaches too far is stretched in IK.
        return np.array([bones[name].matrix.to_3x3().normalized().col[1] for name in shows])

    before = shown()
    keep_pose_before(rig)
    pose_humanoid(find_humanoid(rig), hypothesis(BODY, random_pose(np.random.default_rng(4), 0.5)), BODY)
    after = shown()
    assert np.abs(after - before).max() > 0.5
    blend_pose(rig, 0.0)
    np.testing.assert_allclose(shown(), before, atol=3e-3)
    blend_pose(rig, 1.0)
    np.testing.assert_allclose(shown(), after, atol=1e-3)


@pytest.mark.parametrize("limbs", ["FK", "IK"])
def test_keys_hold_the_pose_without_those_of_the_mechanism(rig, limbs):
    rig.sketch2pose_rig.keep_ik = limbs == "IK"
    bpy.context.view_layer.objects.active = rig
    humanoid, bones = find_humanoid(rig), rig.pose.bones
    pose_humanoid(humanoid, hypothesis(BODY, random_pose(np.random.default_rng(4), 0.5)), BODY)

    def shown():
        bpy.context.view_layer.update()
        return np.array([bone.matrix for bone in bones])

    before = shown()
    bpy.ops.sketch2pose.key_pose()
    keyed = {curve.data_path.split('"')[1] for curve in action_channels(rig).fcurves}
    assert not [name for name in keyed if name.startswith(("DEF-", "ORG-", "MCH-"))]
    assert {"root", "jaw_master", "hand_ik.L", *humanoid.mapping.bones.values()} <= keyed
    for bone in bones:
        bone.matrix_basis.identity()
    assert np.abs(shown() - before).max() > 0.5
    bpy.context.scene.frame_set(bpy.context.scene.frame_current)
    np.testing.assert_allclose(shown(), before, atol=1e-3)
