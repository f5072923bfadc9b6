"""One posed, disproportioned, dressed body seen by one camera: what every style draws from.

Frames: the body is y up, metres; the camera frame is x right, y down, z away from the viewer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from backend.skeleton import JOINT_PARENTS, KEYPOINT_PARENTS, N_JOINTS, keypoint_index

from .anatomy import Anatomy
from .camera import Camera
from .chance import pick
from .gbuffer import GBuffer, render, seen_values, vertex_normals
from .outfit import Outfit, dress
from .placement import CANVAS, Fit, Placement
from .skin import pose_joints, shape_and_skin, skin

_PARENTS = np.array(JOINT_PARENTS)

#: How far a novice's left limbs depart from the right ones: spread of the logarithm of their lengths.
_UNEVEN = 0.12


@dataclass(frozen=True)
class Proportions:
    """How a drawn body departs from the anatomical one (Sketch2PoseNet's disproportion, on mesh and skeleton).

    Attributes:
        length: (24,) factor of every joint's part along its bone.
        width: (24,) factor across it.
        axes: (24, 3) unit bone directions of the rest pose.
    """

    length: np.ndarray
    width: np.ndarray
    axes: np.ndarray

    @property
    def stretch(self) -> np.ndarray:
        """(24, 3, 3) float32 linear map of the rest pose around every joint: longer, wider, bigger."""
        along = self.axes[:, :, None] * self.axes[:, None, :]
        linear = self.width[:, None, None] * (np.eye(3) - along) + self.length[:, None, None] * along
        return linear.astype(np.float32)

    @classmethod
    def sample(cls, rng: np.random.Generator, anatomy: Anatomy, expert: bool) -> Proportions:
        """Random length and width for every limb, and a head of 0.7-3 times.

        An expert draws the limbs of both sides nearly alike, a novice one longer or thicker than the other.
        """
        length = np.ones(N_JOINTS)
        width = np.ones(N_JOINTS)
        amount = pick(rng, [0.04, 0.12, 0.25], [0.4, 0.4, 0.2])

        def factor(spread: float) -> float:
            return math.exp(rng.normal(0, spread))

        limb_width = factor(amount * 0.8)
        uneven = 0.015 if expert else abs(rng.normal(0, _UNEVEN))
        for pair in (
            ("hip",),
            ("knee",),
            ("ankle", "foot"),
            ("collar",),
            ("shoulder",),
            ("elbow",),
            ("wrist", "hand"),
        ):
            long, wide = factor(amount), factor(amount * 0.5) * limb_width
            if pair[0] in ("ankle", "wrist") and rng.random() < 0.25:
                long, wide = (rng.uniform(1.0, 1.9),) * 2  # big hands and feet, as cartoons have them
            for side in ("left", "right"):
                longer, wider = factor(uneven), factor(0.6 * uneven)
                for name in pair:
                    joint = keypoint_index(f"{side}_{name}")
                    length[joint], width[joint] = long * longer, wide * wider
        torso_long, torso_wide = factor(amount * 0.7), factor(amount * 0.8)
        for name in ("pelvis", "spine1", "spine2", "spine3"):
            joint = keypoint_index(name)
            length[joint], width[joint] = torso_long, torso_wide * factor(0.05)
        neck = keypoint_index("neck")
        length[neck] = factor(amount)
        head = keypoint_index("head")
        size = pick(
            rng, [rng.uniform(0.7, 1.25), rng.uniform(1.25, 1.9), rng.uniform(1.9, 3.0)], [0.66, 0.22, 0.12]
        )
        length[head] = width[head] = size
        if size > 1.5:  # chibi: short limbs under a big head
            shrink = rng.uniform(0.6, 1.0)
            for joint in range(1, N_JOINTS):
                if joint not in (neck, head):
                    length[joint] *= shrink
        return cls(length, width, anatomy.axes)


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure ready to be drawn on a CANVAS x CANVAS page.

    Attributes:
        anatomy: the body it is made from.
        outfit: clothes, hair and props.
        pose: (24, 3, 3) float32 local rotations; the first one is in the camera frame.
        betas: (B,) float32 shape of the body.
        proportions: how the body departs from the anatomical one.
        camera: from where it is seen.
        fit: where it stands on the page.
        vertices: (V', 3) float32 body and outfit, camera frame, metres, pelvis at 0.
        points: (V', 2) float32 the same, canvas pixels.
        keypoints3d: (30, 3) float32 camera frame, metres, pelvis at 0.
        keypoints: (30, 2) float32 canvas pixels.
        size: longer side of the whole figure's box, pixels, also where the page cuts it off; what styles measure by.
        facing: cosine between the chest's forward and the viewer: 1 front view, -1 back view.
        head_facing: the same of the head.
        light: (3,) unit vector towards the light, camera frame.
    """

    anatomy: Anatomy
    outfit: Outfit
    pose: np.ndarray
    betas: np.ndarray
    proportions: Proportions
    camera: Camera
    fit: Fit
    vertices: np.ndarray
    points: np.ndarray
    keypoints3d: np.ndarray
    keypoints: np.ndarray
    size: float
    facing: float
    head_facing: float
    light: np.ndarray

    @property
    def scale(self) -> float:
        """Pixels a metre."""
        return self.fit.scale

    def project(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) camera-frame metres, pelvis at 0 -> (..., 2) canvas pixels."""
        return self.camera.project(points) * self.fit.scale + self.fit.offset

    @cached_property
    def normals(self) -> np.ndarray:
        """(V', 3) unit vertex normals, camera frame."""
        return vertex_normals(np.ascontiguousarray(self.vertices), self.outfit.faces)

    @cached_property
    def buffer(self) -> GBuffer:
        """The dressed mesh as it is seen."""
        depths = np.ascontiguousarray(self.vertices[:, 2])
        return render(self.points, depths, self.normals, self.outfit.faces, CANVAS, self.light)

    @cached_property
    def part_map(self) -> np.ndarray:
        """(S, S) int16: the joint whose part is seen at each pixel, -1 for none."""
        return seen_values(self.buffer.triangle, self.outfit.face_part, -1)

    @cached_property
    def label_map(self) -> np.ndarray:
        """(S, S) uint8: the material label seen at each pixel, 0 for none."""
        return seen_values(self.buffer.triangle, self.outfit.face_label, 0)

    @cached_property
    def drawn(self) -> np.ndarray:
        """(30,) bool: which keypoints are not behind another part of the body."""
        x, y = np.clip(np.round(self.keypoints), 0, CANVAS - 1).astype(int).T
        front = self.buffer.depth[y, x]
        return ~np.isfinite(front) | (self.keypoints3d[:, 2] - front < 0.13)


def sample_figure(
    rng: np.random.Generator,
    anatomy: Anatomy,
    pose: np.ndarray,
    placement: Placement,
    camera: Camera,
    expert: bool = True,
    plain: bool = False,
) -> Figure:
    """Pose, disproportion, dress and view a body.

    Args:
        rng: source of chance.
        anatomy: the body.
        pose: (24, 3, 3) float32 local rotations, facing +z.
        placement: where on the page it is wanted.
        camera: from where it is seen.
        expert: False for a novice's hand, which makes the two sides uneven.
        plain: True for styles that draw no mesh: no clothes are made.
    """
    outfit = dress(rng, anatomy, plain)
    proportions = Proportions.sample(rng, anatomy, expert)
    body = anatomy.body
    betas = rng.normal(0, 1.0, body.n_betas).astype(np.float32) * (rng.random() < 0.7)
    moved = anatomy.shaped_joints @ betas
    seen = pose.copy()
    seen[0] = camera.rotation @ pose[0]
    joints = anatomy.rest_joints + moved
    world, positions, affine = pose_joints(seen, proportions.stretch, joints, _PARENTS)
    extras = len(outfit.extra_vertices)
    vertices, flat, box = shape_and_skin(
        body.v_template,
        outfit.offset,
        body.shapedirs,
        betas,
        anatomy.carriers,
        affine,
        camera.distance,
        extras,
    )
    if extras:
        hung = outfit.extra_vertices + moved[outfit.extra_anchor]
        vertices[-extras:], flat[-extras:], more = skin(hung, outfit.extra_weights, affine, camera.distance)
        box = np.stack([np.minimum(box[0], more[0]), np.maximum(box[1], more[1])])
    marks = body.surface_vertices
    bare = body.v_template[marks] + body.shapedirs[marks] @ betas
    surface, _, _ = skin(bare, body.weights[marks], affine, camera.distance)
    keypoints3d = np.concatenate([positions, surface])
    flat_keypoints = camera.project(keypoints3d)
    fit = placement.fit(box, flat_keypoints)
    flat *= np.float32(fit.scale)
    flat += fit.offset.astype(np.float32)
    chest, head = keypoint_index("spine3"), keypoint_index("head")
    light = rng.normal(0, 1, 3) * (1, 0.6, 0.5) + (0, -0.8, -1.0)
    return Figure(
        anatomy,
        outfit,
        seen,
        betas,
        proportions,
        camera,
        fit,
        vertices,
        flat,
        keypoints3d.astype(np.float32),
        (flat_keypoints * fit.scale + fit.offset).astype(np.float32),
        fit.scale * float((box[1] - box[0]).max()),
        float(-world[chest, 2, 2]),
        float(-world[head, 2, 2]),
        (light / np.linalg.norm(light)).astype(np.float32),
    )


def bone_directions(keypoints3d: np.ndarray) -> np.ndarray:
    """(..., 29, 3) unit bone directions of (..., 30, 3) keypoints, in the keypoints' frame."""
    bones = keypoints3d[..., 1:, :] - keypoints3d[..., list(KEYPOINT_PARENTS[1:]), :]
    return bones / np.maximum(np.linalg.norm(bones, axis=-1, keepdims=True), 1e-8)
