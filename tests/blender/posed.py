"""Random poses, what the backend says of them, and what stands in Blender."""

import bpy
import numpy as np

from backend.api import CameraPose, Hypothesis
from backend.body import pose_body
from backend.skeleton import JOINT_NAMES

#: Camera frame (x right, y down, z away) -> Blender's front view.
CAMERA_TO_BLENDER = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
FACING = (np.pi, 0.0, 0.0)


def hypothesis(body, pose, betas=None):
    """A hypothesis of the boundary for (24, 3) axis-angle and (10,) betas, with the backend's joints3d."""
    betas = np.zeros(10) if betas is None else betas
    joints = pose_body(body, np.asarray(pose, np.float64), betas).joints
    joints = joints - joints[0]
    return Hypothesis(
        score=1.0,
        global_orient=tuple(map(float, pose[0])),
        body_pose=tuple(tuple(map(float, rotation)) for rotation in pose[1:]),
        betas=tuple(map(float, betas)),
        camera=CameraPose(1.0, 0.0, 0.0),
        joints3d={name: tuple(map(float, joint)) for name, joint in zip(JOINT_NAMES, joints, strict=True)},
    )


def random_pose(rng, spread=0.7):
    """(24, 3) axis-angle; the pelvis turns any way."""
    pose = rng.normal(size=(24, 3)) * spread
    pose[0] = rng.normal(size=3) * 2
    return pose


def joints_in_blender(armature):
    """(24, 3) world places of the bones' heads, metres."""
    bpy.context.view_layer.update()
    return np.array([armature.matrix_world @ armature.pose.bones[name].head for name in JOINT_NAMES])


def expected_joints(posed):
    """(24, 3) what joints_in_blender should be, relative to the pelvis."""
    return np.array([posed.joints3d[name] for name in JOINT_NAMES]) @ CAMERA_TO_BLENDER.T


def skin_in_blender(armature):
    """(V, 3) world places of the posed skin, metres."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    figure = armature.children[0].evaluated_get(depsgraph)
    mesh = figure.to_mesh()
    places = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", places)
    matrix = np.array(figure.matrix_world)
    return places.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
