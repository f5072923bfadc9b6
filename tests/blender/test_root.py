"""What the root does when an armature takes a pose: it stands, it walks along on its feet, or it stays."""

import bpy
import numpy as np
import pytest
from posed import hypothesis
from rigs import MIXAMO, random_humanoid

from backend.body import load_body
from backend.skeleton import JOINT_NAMES
from sketch2pose_blender.rig.armature import build_character
from sketch2pose_blender.ui.operators import pose_armature

BODY = load_body()


@pytest.fixture(autouse=True)
def switched_on(extension):
    return extension


def stride(forward, back):
    """A step: one leg forward, the other one back."""
    pose = np.zeros((24, 3))
    pose[0] = (np.pi, 0, 0)
    pose[JOINT_NAMES.index(f"{forward}_hip")] = (-0.5, 0, 0)
    pose[JOINT_NAMES.index(f"{back}_hip")] = (0.5, 0, 0)
    pose[JOINT_NAMES.index("spine1")] = (0.1, 0, 0)
    return hypothesis(BODY, pose)


def lifted(side):
    """Standing on one leg, the other one's knee lifted."""
    pose = np.zeros((24, 3))
    pose[0] = (np.pi, 0, 0)
    pose[JOINT_NAMES.index(f"{side}_hip")] = (-1.0, 0, 0)
    pose[JOINT_NAMES.index(f"{side}_knee")] = (1.2, 0, 0)
    return hypothesis(BODY, pose)


def mixamo():
    armature = random_humanoid(np.random.default_rng(4), MIXAMO)
    armature.scale, armature.rotation_euler = (0.01, 0.01, 0.01), (0.3, 0, 1)
    return armature, MIXAMO


def smpl():
    return build_character(bpy.context, BODY, np.zeros(10, np.float32), "Figure"), {n: n for n in JOINT_NAMES}


def places(armature, bones):
    bpy.context.view_layer.update()
    return {j: np.array(armature.pose.bones[bones[j]].head) for j in ("pelvis", "left_ankle", "right_ankle")}


@pytest.mark.parametrize("figure", [mixamo, smpl])
def test_a_planted_foot_stays_and_the_figure_walks_along(figure):
    armature, bones = figure()
    armature.sketch2pose_rig.root = "FOOT"
    poses = [
        stride("left", "right"),
        lifted("right"),
        stride("right", "left"),
        lifted("left"),
        stride("left", "right"),
    ]
    stands_on = ["left", "left", "right", "right"]
    pose_armature(armature, poses[0], BODY, 1)
    start = before = places(armature, bones)
    size = np.linalg.norm(start["left_ankle"] - start["right_ankle"])
    for number, (pose, foot) in enumerate(zip(poses[1:], stands_on, strict=True)):
        pose_armature(armature, pose, BODY, 2 + number)
        now = places(armature, bones)
        way = now[f"{foot}_ankle"] - before[f"{foot}_ankle"]
        assert np.linalg.norm(way[:2]) < 1e-3 * size
        before = now
    # Two steps on, the same pose has come forward by two strides; keyed, so that it plays.
    gone = before["pelvis"] - start["pelvis"]
    assert gone[1] == pytest.approx(-2 * size, rel=0.1)
    assert abs(gone[2]) < 0.02 * size
    bpy.context.scene.frame_set(1)
    np.testing.assert_allclose(places(armature, bones)["pelvis"], start["pelvis"], atol=1e-3 * size)


@pytest.mark.parametrize("figure", [mixamo, smpl])
def test_on_the_ground_it_stays_sideways(figure):
    armature, bones = figure()
    for pose in (stride("left", "right"), lifted("right")):
        pose_armature(armature, pose, BODY, None)
        rest = armature.data.bones[bones["pelvis"]].head_local
        np.testing.assert_allclose(places(armature, bones)["pelvis"][:2], rest[:2], atol=1e-5)


@pytest.mark.parametrize("figure", [mixamo, smpl])
def test_a_root_that_stays_is_neither_moved_nor_keyed(figure):
    armature, bones = figure()
    armature.sketch2pose_rig.root = "STAY"
    root = armature.pose.bones[bones["pelvis"]]
    root.location = (0.1, 0.2, 0.3)
    pose_armature(armature, lifted("left"), BODY, 5)
    assert np.allclose(root.location, (0.1, 0.2, 0.3))
    root.location = (0, 0, 0)
    bpy.context.scene.frame_set(5)
    assert np.allclose(root.location, 0)
    foot = places(armature, bones)
    assert foot["left_ankle"][2] > foot["right_ankle"][2]
