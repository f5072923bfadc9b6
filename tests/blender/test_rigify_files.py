"""A generated Rigify rig, in FK and in IK: copied from, and exported as BVH and SMPL poses that others read."""

import bpy
import numpy as np
import pytest
from animated_rigify import (
    BODY,
    FRAMES,
    LIMBS,
    SIDES,
    animated,  # noqa: F401 - a fixture
    imported,
    places,
)

from backend.body import global_rotations, pose_body
from backend.skeleton import JOINT_NAMES
from sketch2pose_blender.core.rest_frames import joint_rotations
from sketch2pose_blender.rig.animation import read_motion
from sketch2pose_blender.rig.exporting import export_bvh, export_npz


def test_poses_are_read_back_and_written_as_npz(animated, tmp_path):  # noqa: F811
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


def test_bvh_comes_back_with_every_limb_in_its_place(animated, tmp_path):  # noqa: F811
    rig, _ = animated
    export_bvh(rig, FRAMES, tmp_path / "a.bvh", BODY)
    bpy.ops.preferences.addon_enable(module="io_anim_bvh")
    back = imported(bpy.ops.import_anim.bvh, tmp_path / "a.bvh", frame_start=1)
    named, shown = zip(*LIMBS.values(), strict=True)
    # Bones of the file cannot stretch as the rig's in IK do.
    near = 0.02 if rig.sketch2pose_rig.keep_ik else 1e-3
    np.testing.assert_allclose(places(back, named), places(rig, shown), atol=near)
