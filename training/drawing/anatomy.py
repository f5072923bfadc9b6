"""What lies where on the body: the bone each vertex belongs to, how far along it, and the features of the face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numba
import numpy as np

from backend.body import Body, load_body
from backend.skeleton import N_JOINTS, PART_ENDS, keypoint_index

from .skin import Carriers


@dataclass(frozen=True, eq=False)
class Spans:
    """Least and greatest value of a field on every edge and triangle: (2, E) and (2, F) float32."""

    edges: np.ndarray
    faces: np.ndarray

    @classmethod
    def of(cls, field: np.ndarray, edges: np.ndarray, faces: np.ndarray) -> Spans:
        """Those of a (V,) float32 field."""
        return cls(_spans(field, edges), _spans(field, faces))


@numba.njit(cache=True, nogil=True)
def _spans(field: np.ndarray, items: np.ndarray) -> np.ndarray:
    spans = np.empty((2, len(items)), np.float32)
    for k in range(len(items)):
        low = high = field[items[k, 0]]
        for corner in range(1, items.shape[1]):
            value = field[items[k, corner]]
            low, high = min(low, value), max(high, value)
        spans[0, k], spans[1, k] = low, high
    return spans


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

    @cached_property
    def edges(self) -> np.ndarray:
        """(E, 2) vertices of every edge of the mesh."""
        pairs = np.concatenate([self.faces[:, [0, 1]], self.faces[:, [1, 2]], self.faces[:, [2, 0]]])
        return np.unique(np.sort(pairs, 1), axis=0).astype(np.int32)

    @cached_property
    def face_part(self) -> np.ndarray:
        """(F,) int16 joint that each triangle belongs to."""
        return self.part[self.faces[:, 0]].astype(np.int16)

    @cached_property
    def carriers(self) -> Carriers:
        """The joints that move each vertex."""
        return Carriers.of(self.body.weights)

    @cached_property
    def shaped_joints(self) -> np.ndarray:
        """(24, 3, B) metres that a unit of each shape coefficient moves every joint by."""
        return np.einsum("jv,vab->jab", self.body.J_regressor, self.body.shapedirs)

    @cached_property
    def arm_field(self) -> np.ndarray:
        """(V,) float32: 0 at the shoulders, 1 at the elbows, 2 at the wrists, 3 at the knuckles; less than 0 on the trunk."""
        joints = [self._at(f"left_{n}")[0] for n in ("shoulder", "elbow", "wrist", "hand")]
        x, y, _ = self.body.v_template.T
        reach = np.interp(np.abs(x), [0, *joints], [-1, 0, 1, 2, 3])
        # The trunk and the legs are as far out as the shoulders, but lower.
        return (reach - 20 * (self._at("left_shoulder")[1] - 0.09 - y).clip(0)).astype(np.float32)

    @cached_property
    def height_field(self) -> np.ndarray:
        """(V,) float32: -1 at the neck, 0 at the hips, 1 at the knees, 2 at the ankles, beyond 2 on the feet."""
        stops = [self._at(n)[1] for n in ("neck", "left_hip", "left_knee", "left_ankle")]
        top, low = self.body.v_template[:, 1].max(), self.body.v_template[:, 1].min()
        y = self.body.v_template[:, 1]
        return np.interp(y, [low, *stops[::-1], top], [2.3, 2, 1, 0, -1, -1.6]).astype(np.float32)

    @cached_property
    def neck_field(self) -> np.ndarray:
        """(V,) float32 metres from the middle of the neck; 0 on the head."""
        away = np.linalg.norm(self.body.v_template - self._at("neck") - (0, 0.02, 0), axis=1)
        return np.where(self.part == keypoint_index("head"), 0, away).astype(np.float32)

    @cached_property
    def spans(self) -> dict[int, Spans]:
        """Those of the three fields, by their ``id``: hems are cut along these again and again."""
        fields = (self.arm_field, self.height_field, self.neck_field)
        return {id(field): Spans.of(field, self.edges, self.faces) for field in fields}

    @cached_property
    def on_head(self) -> np.ndarray:
        """(V,) bool: the vertices of the head and the neck."""
        return np.isin(self.part, (keypoint_index("head"), keypoint_index("neck")))

    @cached_property
    def head_place(self) -> np.ndarray:
        """(V, 3) float32 rest-pose place as seen from the head joint, in heights of the head."""
        head = self._at("head")
        height = self._at("head_top")[1] - head[1]
        return ((self.body.v_template - head) / height).astype(np.float32)

    def _at(self, name: str) -> np.ndarray:
        return self.rest_keypoints[keypoint_index(name)]


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
