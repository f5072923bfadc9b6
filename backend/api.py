"""The boundary: what the backend is asked and answers, as plain data. Standard library only.

Both sides share this one file: the backend fills these types, the Blender extension reads them. The
JSON form of results is the schema ``sketch2pose/1``; ``poses.schema.json`` beside this file describes it
for other programs, ``service.openapi.json`` the local service's requests and answers.

Camera frame: x right, y down, z away from the viewer. left and right are the character's own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from .errors import InputError
from .skeleton import JOINT_NAMES, KEYPOINT_NAMES, N_JOINTS

SCHEMA = "sketch2pose/1"
#: The JSON Schema of ``poses.json``.
SCHEMA_FILE = Path(__file__).with_name("poses.schema.json")
N_BETAS = 10
#: The version of the local service's protocol, and the header that both sides name it in.
PROTOCOL = 1
PROTOCOL_HEADER = "Sketch2Pose-Protocol"
#: Most figures and readings that may be asked for by number, and most bytes of an image.
MOST_FIGURES = 100
MOST_HYPOTHESES = 16
MOST_IMAGE_BYTES = 64 * 2**20
#: A keypoint that is present with a lower probability lies outside the drawing. Low, since a drawn limb that is lost is
#: worse than an undrawn one that is guessed: of 910 labelled joints of drawings by people 0.2 % lie below.
PRESENT = 0.15
#: No pixel, metre or radian is as large as this; NaN and infinity are caught by it too.
_HUGE = 1e12

Vector2 = tuple[float, float]
Vector3 = tuple[float, float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Keypoint:
    """A drawn keypoint.

    Attributes:
        xy: pixels of the original image, x right, y down.
        score: 0..1, how sure its place is.
        visible: 0..1, how likely it is drawn rather than hidden behind the figure.
        present: 0..1, how likely it is part of what is drawn, be it hidden: the joints of figures that the page's
            edge cuts off, and of limbs that were left out, are not.
    """

    xy: Vector2
    score: float
    visible: float
    present: float = 1.0


@dataclass(frozen=True)
class CameraPose:
    """Weak perspective: pixel = scale * (x, y) + (tx, ty), for joints3d of the same hypothesis."""

    scale: float
    tx: float
    ty: float


@dataclass(frozen=True)
class Contact:
    """Two joints whose body parts probably touch.

    A part is named by the joint that moves it: left_hand is the palm with the fingers, left_elbow the forearm,
    left_shoulder the upper arm, left_hip the thigh, left_knee the shin, left_foot the foot with the heel.

    Attributes:
        first: the joint that comes first in SMPL's order.
        second: the other one.
        score: the probability, 0..1.
    """

    first: str
    second: str
    score: float


@dataclass(frozen=True)
class Hypothesis:
    """One reading of a figure as a pose of the SMPL skeleton.

    Attributes:
        score: 0..1.
        global_orient: axis-angle of the pelvis, radians, rest frame to camera frame.
        body_pose: axis-angle of the 23 other joints, radians, relative to the parent, SMPL order.
        betas: 10 shape coefficients of the body that ships; all zero where a pose is of another body.
        camera: where joints3d lie in the image.
        joints3d: the 24 joints by name, metres, camera frame, pelvis at the origin.
        contacts: parts that probably touch, the likeliest first; the pose is not bent to bring them together. Empty
            once a person has corrected the pose, and where rotations did not come from a drawing.
        residuals: of the rigid parts ``pelvis``, ``spine3`` and ``head``: root mean square angle between
            their bones as read and as posed, radians; grows with the drawing's foreign proportions.
        exchanged: whether it reads left and right the other way round than the figure's keypoints do.
    """

    score: float
    global_orient: Vector3
    body_pose: tuple[Vector3, ...]
    betas: tuple[float, ...]
    camera: CameraPose
    joints3d: Mapping[str, Vector3]
    contacts: tuple[Contact, ...] = ()
    residuals: Mapping[str, float] = field(default_factory=dict)
    exchanged: bool = False


@dataclass(frozen=True)
class Corrections:
    """What a person has corrected in a figure; the figure itself stays as it was read.

    Keypoints and bones are named as in the figure's keypoints, whichever hypothesis is shown; a bone is
    named by the keypoint where it ends.

    Attributes:
        moved: keypoint -> its place, pixels of the original image.
        pinned: keypoints whose place is right: they stay where they are when others are dragged.
        ignored: keypoints whose place says nothing: bones at them go to the neutral pose.
        sides: bone -> -1.0 where its end is nearer to the viewer than its start, 1.0 where it is farther.
        exchanged: whether left and right are exchanged against the hypothesis that is shown.
        shown: index of the hypothesis that the corrections are put on top of.
    """

    moved: Mapping[str, Vector2] = field(default_factory=dict)
    pinned: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    sides: Mapping[str, float] = field(default_factory=dict)
    exchanged: bool = False
    shown: int = 0

    @property
    def changes_nothing(self) -> bool:
        """Whether the hypothesis that is shown stands as it is."""
        return not (self.moved or self.pinned or self.ignored or self.sides or self.exchanged)


@dataclass(frozen=True)
class Figure:
    """One drawn figure.

    Attributes:
        box: x0, y0, x1, y1, pixels of the original image.
        score: 0..1, mean score of the keypoints.
        keypoints: the 30 keypoints by name.
        hypotheses: best first, at least one.
        corrections: what a person has corrected and has not been carried out yet; None for nothing.
        proportions: length in space of the bone that ends in a keypoint over an adult's, by the keypoint's name;
            only their ratios count, since the figure's size is not known. Empty where it is not estimated.
    """

    box: Box
    score: float
    keypoints: Mapping[str, Keypoint]
    hypotheses: tuple[Hypothesis, ...]
    corrections: Corrections | None = None
    proportions: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ImageResult:
    """What was found in one image; ``error`` is the sentence that says why nothing was, else None.

    Attributes:
        file: the image as the user named it.
        width: pixels of the original image, 0 where it could not be read.
        height: the same.
        error: one sentence or None.
        figures: in reading order.
    """

    file: str
    width: int
    height: int
    error: str | None = None
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Generator:
    """What made a result: program version, engine, device, weights as ``<name>@<sha256>``."""

    version: str
    engine: str
    device: str
    weights: str


@dataclass(frozen=True)
class PoseResult:
    """The whole of ``poses.json``."""

    generator: Generator
    images: tuple[ImageResult, ...] = field(default=())


@dataclass(frozen=True)
class PoseRequest:
    """One drawing to pose.

    Attributes:
        image: the content of an image file.
        figures: how many figures at most, the largest ones; None for all.
        box: where the one figure is, pixels of the image; None to find figures.
        hypotheses: how many readings of a figure at most; None for all.
    """

    image: bytes
    figures: int | None = 1
    box: Box | None = None
    hypotheses: int | None = None

    def query(self) -> dict[str, str]:
        """The options as the query of ``POST /v1/jobs``; the image is its body."""
        query = {"figures": "all" if self.figures is None else str(self.figures)}
        if self.box is not None:
            query["box"] = ",".join(f"{value:.6g}" for value in self.box)
        if self.hypotheses is not None:
            query["hypotheses"] = str(self.hypotheses)
        return query

    @staticmethod
    def from_query(query: Mapping[str, str], image: bytes) -> PoseRequest:
        """The request of a query and a body.

        Raises:
            InputError: an option is unknown or malformed.
        """
        unknown = sorted(set(query) - {"figures", "box", "hypotheses"})
        if unknown:
            raise InputError(f"The option {unknown[0][:40]!r} is unknown; give figures, box or hypotheses.")
        figures = query.get("figures", "1")
        return PoseRequest(
            image,
            None if figures == "all" else _count(figures, "figures", MOST_FIGURES),
            _box(query["box"]) if "box" in query else None,
            _count(query["hypotheses"], "hypotheses", MOST_HYPOTHESES) if "hypotheses" in query else None,
        )


def _count(text: str, name: str, most: int) -> int:
    if text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= most:
        return int(text)
    raise InputError(f"The option {name} is {text[:40]!r}; give a number from 1 to {most}.")


def _box(text: str) -> Box:
    try:
        x0, y0, x1, y1 = (float(part) for part in text.split(","))
    except ValueError:
        x0 = y0 = x1 = y1 = math.nan
    if not (-_HUGE < x0 < x1 < _HUGE and -_HUGE < y0 < y1 < _HUGE):
        raise InputError(f"The box is {text[:80]!r}; give x0,y0,x1,y1 in pixels with x0 < x1 and y0 < y1.")
    return x0, y0, x1, y1


JobState = Literal["waiting", "running", "done", "failed", "cancelled"]
JOB_STATES: tuple[str, ...] = get_args(JobState)
#: What has been done of a drawing: the image was opened, the figures were found, their keypoints read, and the last
#: figure that is ready was lifted to a pose.
Stage = Literal["opened", "found", "read", "lifted"]
STAGES: tuple[str, ...] = get_args(Stage)
#: How much of the work that is, 0..1; for the last stage where all figures are ready.
PROGRESS_AT: dict[Stage, float] = {"opened": 0.1, "found": 0.3, "read": 0.7, "lifted": 1.0}
#: Why a request or job failed: the client decides by it, a person reads the sentence.
#: input: the drawing or an option cannot be used. install: a part of the installation is missing or damaged,
#: so that the service is of no use until it is repaired. busy: too many jobs wait; ask again later.
FailureCode = Literal[
    "input", "install", "busy", "unauthorised", "protocol", "too_large", "not_found", "late", "cancelled",
    "remote", "unexpected",
]  # fmt: skip
FAILURE_CODES: tuple[str, ...] = get_args(FailureCode)


@dataclass(frozen=True)
class Failure:
    """Why something was not done: a code for programs and one sentence for a person."""

    code: FailureCode
    message: str


@dataclass(frozen=True)
class JobStatus:
    """How far a job is.

    Attributes:
        id: the job's name in the service.
        state: what becomes of it; the last three are final.
        progress: 0..1.
        failure: why it failed, else None.
        stage: what has been done last; None before the first stage, and from services that do not tell.
    """

    id: str
    state: JobState
    progress: float
    failure: Failure | None = None
    stage: Stage | None = None


# ------------------------------------------------------------------------------------------------ to JSON


def status_to_json(status: JobStatus) -> dict[str, Any]:
    """The status as plain objects; the schema is in ``service.openapi.json``."""
    error = None if status.failure is None else failure_to_json(status.failure)["error"]
    return {
        "id": status.id,
        "state": status.state,
        "progress": status.progress,
        "stage": status.stage,
        "error": error,
    }


def failure_to_json(failure: Failure) -> dict[str, Any]:
    """The failure as plain objects."""
    return {"error": {"code": failure.code, "message": failure.message}}


def to_json(result: PoseResult) -> dict[str, Any]:
    """The result as the plain objects of schema ``sketch2pose/1``."""
    generator = result.generator
    return {
        "schema": SCHEMA,
        "generator": {
            "version": generator.version,
            "engine": generator.engine,
            "device": generator.device,
            "weights": generator.weights,
        },
        "images": [_image_to_json(image) for image in result.images],
    }


def dumps(result: PoseResult) -> str:
    """The result as the text of ``poses.json``: UTF-8, one image a line, numbers to 6 decimals."""
    plain = _rounded(to_json(result))
    images = plain.pop("images")
    head = json.dumps(plain, ensure_ascii=False)[:-1]
    body = ",\n".join(json.dumps(image, ensure_ascii=False, allow_nan=False) for image in images)
    return f'{head}, "images": [\n{body}\n]}}\n'


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value


def _image_to_json(image: ImageResult) -> dict[str, Any]:
    return {
        "file": image.file,
        "width": image.width,
        "height": image.height,
        "error": image.error,
        "figures": [figure_to_json(figure) for figure in image.figures],
    }


def figure_to_json(figure: Figure) -> dict[str, Any]:
    """The figure as the plain object that stands in ``poses.json``."""
    plain = {
        "box": list(figure.box),
        "score": figure.score,
        "keypoints": {
            name: {
                "xy": list(point.xy),
                "score": point.score,
                "visible": point.visible,
                "present": point.present,
            }
            for name, point in figure.keypoints.items()
        },
        "hypotheses": [_hypothesis_to_json(hypothesis) for hypothesis in figure.hypotheses],
    }
    if figure.proportions:
        plain["proportions"] = dict(figure.proportions)
    if figure.corrections is not None:
        plain["corrections"] = _corrections_to_json(figure.corrections)
    return plain


def _corrections_to_json(corrections: Corrections) -> dict[str, Any]:
    return {
        "moved": {name: list(place) for name, place in corrections.moved.items()},
        "pinned": sorted(corrections.pinned),
        "ignored": sorted(corrections.ignored),
        "sides": dict(corrections.sides),
        "exchanged": corrections.exchanged,
        "shown": corrections.shown,
    }


def _hypothesis_to_json(hypothesis: Hypothesis) -> dict[str, Any]:
    camera = hypothesis.camera
    return {
        "score": hypothesis.score,
        "global_orient": list(hypothesis.global_orient),
        "body_pose": [list(rotation) for rotation in hypothesis.body_pose],
        "betas": list(hypothesis.betas),
        "camera": {"scale": camera.scale, "tx": camera.tx, "ty": camera.ty},
        "joints3d": {name: list(point) for name, point in hypothesis.joints3d.items()},
        "contacts": [[contact.first, contact.second, contact.score] for contact in hypothesis.contacts],
        "residuals": dict(hypothesis.residuals),
        "exchanged": hypothesis.exchanged,
    }


# ---------------------------------------------------------------------------------------------- from JSON


def loads(text: str | bytes) -> PoseResult:
    """Read the text of a ``poses.json``.

    Raises:
        InputError: it is no JSON, or no ``sketch2pose/1``; the sentence names the place.
    """
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            "The pose file is not JSON; write it again with `python -m backend pose`."
        ) from error
    return from_json(plain)


def from_json(plain: Any) -> PoseResult:
    """Read the plain objects of schema ``sketch2pose/1``; unknown keys are ignored.

    Raises:
        InputError: something is missing or of another type; the sentence names the place.
    """
    root = _Reader(plain, "")
    if root.text("schema") != SCHEMA:
        raise root.wrong(f"schema is not {SCHEMA!r}")
    generator = root.item("generator")
    return PoseResult(
        Generator(*(generator.text(key) for key in ("version", "engine", "device", "weights"))),
        tuple(_image_from_json(image) for image in root.items("images")),
    )


def status_from_json(plain: Any) -> JobStatus:
    """Read a job's status.

    Raises:
        InputError: it is none.
    """
    root = _Reader(plain, "")
    state = root.text("state")
    if state not in JOB_STATES:
        raise root.wrong("state is unknown")
    failure = None if root.value("error") is None else failure_from_json(plain)
    stage = plain.get("stage")
    if stage not in STAGES:
        stage = None
    return JobStatus(root.text("id"), state, root.number("progress"), failure, stage)  # pyright: ignore[reportArgumentType]


def failure_from_json(plain: Any) -> Failure:
    """Read a failure; one with an unknown code is "unexpected".

    Raises:
        InputError: it is none.
    """
    error = _Reader(plain, "").item("error")
    code = error.text("code")
    return Failure(code if code in FAILURE_CODES else "unexpected", error.text("message"))  # pyright: ignore[reportArgumentType]


def _image_from_json(image: _Reader) -> ImageResult:
    error = image.value("error")
    return ImageResult(
        image.text("file"),
        int(image.number("width")),
        int(image.number("height")),
        None if error is None else image.text("error"),
        tuple(_read_figure(figure) for figure in image.items("figures")),
    )


def figure_from_json(plain: Any) -> Figure:
    """Read the plain object of one figure.

    Raises:
        InputError: something is missing or of another type; the sentence names the place.
    """
    return _read_figure(_Reader(plain, ""))


def _read_figure(figure: _Reader) -> Figure:
    keypoints = figure.item("keypoints")
    points = {name: keypoints.item(name) for name in KEYPOINT_NAMES}
    hypotheses = tuple(_hypothesis_from_json(h) for h in figure.items("hypotheses"))
    if not hypotheses:
        raise figure.wrong("hypotheses is empty")
    x0, y0, x1, y1 = figure.numbers("box", 4)
    return Figure(
        (x0, y0, x1, y1),
        figure.number("score"),
        {name: _keypoint_from_json(point) for name, point in points.items()},
        hypotheses,
        _read_corrections(figure.item("corrections")) if "corrections" in figure.plain else None,
        figure.item("proportions").all_numbers() if "proportions" in figure.plain else {},
    )


def _keypoint_from_json(point: _Reader) -> Keypoint:
    present = point.number("present") if "present" in point.plain else 1.0
    return Keypoint(point.pair("xy"), point.number("score"), point.number("visible"), present)


def _read_corrections(corrections: _Reader) -> Corrections:
    moved, sides = corrections.item("moved"), corrections.item("sides")
    pinned, ignored = corrections.values("pinned"), corrections.values("ignored")
    for name in (*moved.plain, *sides.plain, *pinned, *ignored):
        if name not in KEYPOINT_NAMES:
            raise corrections.wrong("something is named that is no keypoint")
    told = {name: sides.number(name) for name in sides.plain}
    if not all(side in (-1.0, 1.0) for side in told.values()) or KEYPOINT_NAMES[0] in told:
        raise corrections.wrong("sides holds something else than bones with -1 or 1")
    shown = corrections.number("shown")
    if shown != int(shown) or shown < 0:
        raise corrections.wrong("shown is no index")
    return Corrections(
        {name: moved.pair(name) for name in moved.plain},
        frozenset(pinned),
        frozenset(ignored),
        told,
        corrections.truth("exchanged"),
        int(shown),
    )


def _hypothesis_from_json(hypothesis: _Reader) -> Hypothesis:
    camera = hypothesis.item("camera")
    joints = hypothesis.item("joints3d")
    pose = hypothesis.values("body_pose")
    if len(pose) != N_JOINTS - 1:
        raise hypothesis.wrong(f"body_pose has no {N_JOINTS - 1} rotations")
    rotations = _Reader(dict(enumerate(pose)), f"{hypothesis.place}body_pose.")
    return Hypothesis(
        hypothesis.number("score"),
        hypothesis.triple("global_orient"),
        tuple(rotations.triple(index) for index in range(N_JOINTS - 1)),
        hypothesis.numbers("betas", N_BETAS),
        CameraPose(camera.number("scale"), camera.number("tx"), camera.number("ty")),
        {name: joints.triple(name) for name in JOINT_NAMES},
        tuple(_contact_from_json(hypothesis, contact) for contact in hypothesis.values("contacts")),
        hypothesis.item("residuals").all_numbers() if "residuals" in hypothesis.plain else {},
        hypothesis.truth("exchanged") if "exchanged" in hypothesis.plain else False,
    )


def _contact_from_json(hypothesis: _Reader, contact: Any) -> Contact:
    match contact:
        case [str(first), str(second), float() | 0 | 1 as score]:
            return Contact(first, second, float(score))
    raise hypothesis.wrong("contacts holds something else than [joint, joint, score]")


class _Reader:
    """Typed look-ups in a JSON object that raise InputError with the place where something is wrong."""

    def __init__(self, plain: Any, place: str) -> None:
        self.place = place
        if not isinstance(plain, Mapping):
            raise self.wrong("no object is there")
        self.plain = plain

    def wrong(self, what: str) -> InputError:
        place = self.place.rstrip(".")
        where = f" at {place}" if place else ""
        return InputError(f"The pose file is not {SCHEMA}{where}: {what}; write it again.")

    def value(self, key: str | int) -> Any:
        if key not in self.plain:
            raise self.wrong(f"{key} is missing")
        return self.plain[key]

    def text(self, key: str) -> str:
        value = self.value(key)
        if not isinstance(value, str):
            raise self.wrong(f"{key} is no text")
        return value

    def truth(self, key: str) -> bool:
        value = self.value(key)
        if not isinstance(value, bool):
            raise self.wrong(f"{key} is neither true nor false")
        return value

    def number(self, key: str) -> float:
        return self._as_number(self.value(key), key)

    def numbers(self, key: str | int, count: int) -> tuple[float, ...]:
        values = self.value(key)
        if not isinstance(values, list) or len(values) != count:
            raise self.wrong(f"{key} has no {count} numbers")
        return tuple(self._as_number(value, key) for value in values)

    def all_numbers(self) -> dict[str, float]:
        return {key: self.number(key) for key in self.plain}

    def pair(self, key: str) -> Vector2:
        x, y = self.numbers(key, 2)
        return x, y

    def triple(self, key: str | int) -> Vector3:
        x, y, z = self.numbers(key, 3)
        return x, y, z

    def item(self, key: str) -> _Reader:
        return _Reader(self.value(key), f"{self.place}{key}.")

    def values(self, key: str) -> list[Any]:
        values = self.value(key)
        if not isinstance(values, list):
            raise self.wrong(f"{key} is no list")
        return values

    def items(self, key: str) -> list[_Reader]:
        return [
            _Reader(value, f"{self.place}{key}[{index}].") for index, value in enumerate(self.values(key))
        ]

    def _as_number(self, value: Any, key: str | int) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _HUGE:
            raise self.wrong(f"{key} is no number")
        return float(value)
