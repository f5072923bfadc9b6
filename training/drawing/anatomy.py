"""What lies where on the body: the bone each vertex belongs to, how far along it, and the features of the face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from backend.body import Body, load_body
from backend.skeleton import N_JOINTS, PART_ENDS, keypoint_index


@dataclass(frozen=True, eq=False)
class Anatomy:
    """A body with what the drawing machine needs to know of it.

    Attributes:
        body: the body, numpy.
        faces: (F, 3) int32 triangles.
        rest_joints: (24, 3) metres at zero betas.
        rest_keypoints: (30, 3) metres at zero betas.
        part: (V,) int joint that moves the vertex most.
        along: (V,) float32 place along that joint's bone, 0 at the joint, 1 at its child.
        axes: (24, 3) float32 unit bone direction of every joint in the rest pose.
        rest_normals: (V, 3) float32 unit normals in the rest pose.
    """

    body: Body
    faces: np.ndarray
    rest_joints: np.ndarray
    rest_keypoints: np.ndarray
    part: np.ndarray
    along: np.ndarray
    axes: np.ndarray
    rest_normals: np.ndarray

    def surface_vertex(self, target: np.ndarray) -> int:
        """The vertex nearest to a (3,) rest-pose position, metres."""
        return int(np.argmin(((self.body.v_template - target) ** 2).sum(1)))

    @property
    def face_vertices(self) -> dict[str, int]:
        """Vertices of both eyes, the mouth's corners, the chin and the tip of the nose."""
        nose = self.rest_keypoints[keypoint_index("nose")]
        height = self.rest_keypoints[keypoint_index("head_top"), 1] - nose[1]
        offsets = {
            "left_eye": (0.21, 0.26),
            "right_eye": (-0.21, 0.26),
            "left_mouth": (0.16, -0.32),
            "right_mouth": (-0.16, -0.32),
            "chin": (0.0, -0.62),
            "nose": (0.0, 0.0),
        }
        return {
            name: self.surface_vertex(nose + np.array([dx * height, dy * height, -0.02]))
            for name, (dx, dy) in offsets.items()
        }


@cache
def load_anatomy(path: str | None = None) -> Anatomy:
    """Describe a body file (None: the default body)."""
    from .gbuffer import vertex_normals

    body = load_body(path)
    vertices, joints = body.rest()
    keypoints = body.rest_keypoints()
    axes = keypoints[list(PART_ENDS)] - keypoints[:N_JOINTS]
    lengths = np.linalg.norm(axes, axis=1, keepdims=True)
    axes = axes / lengths
    part = body.weights.argmax(1)
    along = ((vertices - joints[part]) * axes[part]).sum(1) / lengths[part, 0]
    faces = body.faces.astype(np.int32)
    normals = vertex_normals(np.ascontiguousarray(vertices, np.float32), faces)
    return Anatomy(
        body,
        faces,
        joints.astype(np.float32),
        keypoints.astype(np.float32),
        part,
        along.astype(np.float32),
        axes.astype(np.float32),
        normals,
    )
