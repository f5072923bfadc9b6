"""From a sketch to SMPL poses: image -> figures -> keypoints -> bone directions -> rotations, contacts -> result."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from . import __version__, kinematics
from .api import N_BETAS, PRESENT, Figure, Generator, Hypothesis, ImageResult, Keypoint, Stage
from .body import Body, load_body
from .contacts import Surface, likely_contacts, surface_of
from .correction import hypothesis_of
from .drawings import Drawing
from .engines.batching import AT_ONCE, BatchingEngine
from .errors import InputError, SketchPoseError
from .figures import NO_FIGURE, Ink, propose_figures, read_ink, reading_order, tightened
from .finder import LEAST_SCORE, Finder, belief, candidates, corrected, find_with
from .hypotheses import Alternative, alternatives, most_telling
from .images import Picture, from_array, from_image, read_image, read_image_bytes
from .keypoints import Detection, Engine, detect, detect_parts
from .skeleton import KEYPOINT_NAMES, KEYPOINT_PARENTS, N_KEYPOINTS

#: A figure whose keypoints have a lower mean score than this is taken for something else than a person.
LEAST_FIGURE_SCORE = 0.26
#: A figure that the ink alone has found is not looked for with the network where it scores at least this.
SURE_FIGURE_SCORE = 0.4
#: Where all that is drawn is one thing, it is a figure from this score on, even if the finder does not believe it.
LONE_FIGURE_SCORE = 0.46
#: Where several figures are asked for, a place that is a figure's with less probability than this is none.
LEAST_BELIEF = 0.54
#: So much likelier must another part of a page be than the page taken as a whole to be the figure instead.
WHOLE_PAGE_BONUS = 0.02
#: A reading with left and right exchanged is told where it is at least so probable.
LEAST_OTHER_READING = 0.02
#: So many poses of a figure are offered where all are asked for.
OFFERED_HYPOTHESES = 8
#: Of so many readings for each pose that is asked for the most telling are given.
ALTERNATIVES_A_POSE = 2
#: Two figures overlap at most this share of the smaller one's box.
MOST_OVERLAP = 0.5

Sketch: TypeAlias = "str | Path | Drawing | bytes | np.ndarray | Image.Image"
#: Is told which stage has been done, and which share of it; what it raises ends the work.
Report: TypeAlias = Callable[[Stage, float], None]


@dataclass(frozen=True, eq=False)
class Places:
    """Where figures may be on a page: the page taken as a whole first, where there is ink.

    Attributes:
        boxes: (N, 4) float32 page pixels.
        detections: what is read in each.
        chances: (N,) float32 how likely the finder network holds each to be a figure, 0..1.
    """

    boxes: np.ndarray
    detections: list[Detection]
    chances: np.ndarray

    @property
    def scores(self) -> np.ndarray:
        """(N,) mean scores of their keypoints, 0..1."""
        return np.array([_score(detection) for detection in self.detections])

    @property
    def evidence(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What :func:`.finder.belief` judges by."""
        present = [1.0 if d.present is None else float(d.present.mean()) for d in self.detections]
        return self.chances, self.scores, np.array(present)


def _tell_nobody(stage: Stage, share: float) -> None:
    """A report that nobody waits for."""


class Pipeline:
    """Poses the figures in drawings.

    Args:
        engine: runs the network, see :mod:`.engines.choice`; None for ONNX Runtime with the weights that ship.
        body: an SMPL-format body or the path of its ``.npz``; None for the body that ships.
        finder: looks for figures where the ink alone does not tell them; None for the network that ships, which is
            loaded when the first page needs it.

    Attributes:
        at_once: so many threads may call :meth:`pose` together and gain by it: on a GPU they share the network's
            runs, on a processor there is nothing to gain.

    Raises:
        InstallError: the weights or ONNX Runtime are missing or damaged.
        InputError: the body file cannot be used.
    """

    def __init__(
        self,
        engine: Engine | None = None,
        body: Body | Path | str | None = None,
        finder: Finder | None = None,
    ) -> None:
        if engine is None:
            from .engines.choice import make_engine

            engine = make_engine()
        self.at_once = 1 if engine.device == "cpu" else AT_ONCE
        self.engine = engine if engine.device == "cpu" else BatchingEngine(engine)
        # The network tells the shape in the coefficients of the body that ships; any other has coefficients of its own.
        self.tells_shape = body is None
        self.body = body if isinstance(body, Body) else load_body(body)
        if finder is None:
            from .engines.finder import make_finder

            finder = make_finder(engine.name)
        self.finder = finder

    @cached_property
    def rest_keypoints(self) -> np.ndarray:
        """(30, 3) float64 keypoints of the body's T-pose, metres, y up."""
        return np.asarray(self.body.rest_keypoints(), np.float64)

    @cached_property
    def _shape_directions(self) -> np.ndarray:
        """(30, 3, 10) float64 metres that those keypoints move by a unit of each shape coefficient."""
        shaped = self.body.rest_keypoints(np.eye(N_BETAS, dtype=np.float32))
        return np.moveaxis(shaped - self.rest_keypoints, 0, -1)

    @cached_property
    def _surface(self) -> Surface:
        """What of the body may touch."""
        return surface_of(self.body)

    @property
    def generator(self) -> Generator:
        """What makes the results, for ``poses.json``."""
        return Generator(__version__, self.engine.name, self.engine.device, self.engine.weights_id)

    def pose(
        self,
        sketch: Sketch,
        *,
        figures: int | None = 1,
        box: Sequence[float] | None = None,
        hypotheses: int = 2,
        report: Report = _tell_nobody,
    ) -> ImageResult:
        """Pose the figures in one drawing.

        Args:
            sketch: an image file, a board or page as :func:`.drawings.drawings_of` gives them, an image file's
                content as bytes, a Pillow image, or an array (H, W), (H, W, 3) or (H, W, 4), uint8 or float 0..1.
            figures: how many figures at most, the largest ones; None for all. 1 takes the drawing as a
                whole, parts that lie near each other being one figure, unless the network sees a
                person more clearly in a part of it.
            box: x0, y0, x1, y1 around one figure, pixels of the image; None to find figures by their ink.
            hypotheses: how many poses of each figure at most. The first two are the figure as read and, where
                that is in doubt, with left and right exchanged; more turn limbs round in depth.
            report: is told of the progress, and may end the work by raising something.

        Returns:
            The poses, in reading order.

        Raises:
            InputError: the image cannot be read, the box lies outside it, it shows no figure, or fewer
                than one was asked for.
            Exception: what ``report`` raises.
        """
        if figures is not None and figures < 1:
            raise InputError(f"{figures} figures were asked for; give 1, 2, ... or None for all.")
        picture = _picture(sketch)
        report("opened", 1.0)
        if box is not None:
            boxes = _given_box(box, picture)
            report("found", 1.0)
            detections = detect(self.engine, picture.gray, boxes)
            chosen = [0] if _score(detections[0]) >= LEAST_FIGURE_SCORE else []
        else:
            boxes, detections, chosen = self._looked_for(picture.gray, figures, report)
        if not chosen:
            raise InputError(NO_FIGURE)
        boxes, detections = boxes[chosen], [detections[i] for i in chosen]
        detections = detect_parts(self.engine, picture.gray, boxes, detections)
        report("read", 1.0)
        found = []
        for detection, place in zip(detections, boxes, strict=True):
            found.append(self._figure(detection, place, picture, hypotheses))
            report("lifted", len(found) / len(chosen))
        return ImageResult(file_name(sketch), picture.width, picture.height, None, tuple(found))

    def pose_many(
        self,
        sketches: Iterable[Sketch],
        *,
        figures: int | None = 1,
        box: Sequence[float] | None = None,
        hypotheses: int = 2,
    ) -> Iterator[ImageResult]:
        """Pose many drawings, one result each, in order; a drawing that fails has ``error`` set.

        Args:
            sketches: as for :meth:`pose`; few more are taken than have been posed.
            figures: as for :meth:`pose`.
            box: likewise.
            hypotheses: likewise.
        """

        def pose(sketch: Sketch) -> ImageResult:
            return self.try_pose(sketch, figures=figures, box=box, hypotheses=hypotheses)

        if self.at_once == 1:
            yield from map(pose, sketches)
            return
        with ThreadPoolExecutor(self.at_once) as threads:
            begun: deque[Future[ImageResult]] = deque()
            for sketch in sketches:
                if len(begun) == self.at_once:
                    yield begun.popleft().result()
                begun.append(threads.submit(pose, sketch))
            while begun:
                yield begun.popleft().result()

    def try_pose(
        self,
        sketch: Sketch,
        *,
        figures: int | None = 1,
        box: Sequence[float] | None = None,
        hypotheses: int = 2,
    ) -> ImageResult:
        """As :meth:`pose`, with the sentence that says what went wrong in ``error`` instead of an exception."""
        try:
            return self.pose(sketch, figures=figures, box=box, hypotheses=hypotheses)
        except SketchPoseError as error:
            return ImageResult(file_name(sketch), *_size(sketch), error=str(error))
        except MemoryError:
            return ImageResult(
                file_name(sketch), 0, 0, error="There is not enough memory for this image; make it smaller."
            )
        except Exception as error:  # noqa: BLE001 - one bad image must not end the batch
            reason = f"{type(error).__name__}: {error}".replace("\n", " ")
            return ImageResult(
                file_name(sketch), 0, 0, error=f"An unexpected error occurred ({reason}); please report it."
            )

    def places(self, gray: np.ndarray) -> Places:
        """Where all figures of a page may be, with what speaks for it: (H, W) float32, 0 black to 1 white."""
        return self._places(gray, *_grouped(gray), [], None, _tell_nobody)

    def _looked_for(
        self, gray: np.ndarray, count: int | None, report: Report
    ) -> tuple[np.ndarray, list[Detection], list[int]]:
        """Places on a page, how each is read, and which of them are figures, in reading order."""
        ink, groups = _grouped(gray)
        whole = detect(self.engine, gray, groups) if len(groups) == 1 else []
        if count == 1 and whole and _score(whole[0]) >= SURE_FIGURE_SCORE:
            # A figure alone on plain paper: its ink says where it is, and how it is read, that it is one.
            report("found", 1.0)
            return groups, whole, [0]
        places = self._places(gray, ink, groups, whole, count, report)
        beliefs = np.where(places.scores >= LEAST_FIGURE_SCORE, belief(*places.evidence), 0.0)
        chosen = believed(beliefs, places.boxes, count)
        if not chosen and whole and _score(whole[0]) >= LONE_FIGURE_SCORE:
            # All that is drawn is one thing, and a person is read in it.
            return groups, whole, [0]
        return places.boxes, places.detections, chosen

    def _places(
        self,
        gray: np.ndarray,
        ink: Ink | None,
        groups: np.ndarray,
        known: list[Detection],
        count: int | None,
        report: Report,
    ) -> Places:
        """See :meth:`places`; ``known`` are readings of the first of the ink's ``groups``."""
        found, scores = find_with(self.finder, gray)
        report("found", 1.0)
        boxes, chances = candidates(groups, found if ink is None else tightened(ink, found), found, scores)
        told = len(groups)
        if count != 1 and len(found):  # where the network sees nothing, no keypoints make up for it
            seen = chances >= LEAST_SCORE
            boxes, chances, told = boxes[seen], chances[seen], int(seen[:told].sum())
        known = known if told == len(groups) else []
        detections = [*known, *detect(self.engine, gray, boxes[len(known) :])]
        if detections:
            keypoints = np.stack([detection.keypoints for detection in detections])
            boxes = np.clip(corrected(boxes, keypoints, told), 0, np.tile(gray.shape[::-1], 2))
        return Places(boxes, detections, chances)

    def _figure(self, detection: Detection, box: np.ndarray, picture: Picture, hypotheses: int) -> Figure:
        keypoints = _original_pixels(detection, picture.scale)
        scores = _scores(detection)
        visible = np.clip(np.asarray(detection.visible, np.float64), 0, 1)
        present = np.ones(N_KEYPOINTS) if detection.present is None else detection.present
        score = float(scores.mean())
        return Figure(
            box=_floats(box * picture.scale),
            score=score,
            keypoints={
                name: Keypoint(_floats(keypoints[i]), float(scores[i]), float(visible[i]), float(present[i]))
                for i, name in enumerate(KEYPOINT_NAMES)
            },
            hypotheses=tuple(self._hypotheses(detection, picture.scale, score, hypotheses)),
            proportions={}
            if detection.lengths is None
            else dict(zip(KEYPOINT_NAMES[1:], _floats(detection.lengths), strict=True)),
        )

    def _hypotheses(
        self, detection: Detection, page_scale: float, score: float, count: int
    ) -> list[Hypothesis]:
        """Poses of a figure: as read, and others; ``page_scale``: original pixels a pixel of the page."""
        readings = [detection]
        if detection.other_way_round().sides >= LEAST_OTHER_READING:
            readings.append(detection.other_way_round())
        rest, betas = self.rest_keypoints, np.zeros(N_BETAS)
        if self.tells_shape and detection.betas is not None:
            betas = detection.betas
            rest = rest + self._shape_directions @ betas
        lifted = [_lifted(reading, page_scale, rest) for reading in readings]
        if count <= len(readings):
            chosen = [Alternative(lifted[i], 1.0) for i in range(count)]
            origins = list(range(count))
        else:
            found = [
                (alternative, origin)
                for origin, reading in enumerate(readings)
                for alternative in alternatives(
                    _original_pixels(reading, page_scale),
                    lifted[origin],
                    reading.directions,
                    rest,
                    ALTERNATIVES_A_POSE * count,
                )
            ]
            shares = np.array([a.share * readings[origin].sides for a, origin in found])
            order = most_telling(np.array([a.directions for a, _ in found]), shares, count)
            order = [order[0], *sorted(order[1:], key=lambda index: -shares[index])]
            chosen, origins = [found[i][0] for i in order], [found[i][1] for i in order]
        all_scores = [_scores(readings[origin]) for origin in origins]
        bone_scores = [_bone_scores(s, readings[o].present) for s, o in zip(all_scores, origins, strict=True)]
        solved = kinematics.solve_rotations(
            np.array([alternative.directions for alternative in chosen]), rest, np.array(bone_scores)
        )
        poses = []
        for index, (alternative, origin) in enumerate(zip(chosen, origins, strict=True)):
            solution = kinematics.Solution(solved.world[index], solved.residuals[index])
            keypoints = _original_pixels(readings[origin], page_scale)
            share = score * readings[origin].sides * alternative.share
            pose = hypothesis_of(solution, rest, keypoints, all_scores[index], share)
            camera = kinematics.Camera(
                np.array(pose.camera.scale), np.array([pose.camera.tx, pose.camera.ty])
            )
            contacts = likely_contacts(
                self._surface, solution, rest, camera, keypoints, readings[origin].present
            )
            poses.append(replace(pose, betas=_floats(betas), contacts=contacts, exchanged=origin > 0))
        return poses


def _lifted(reading: Detection, page_scale: float, rest: np.ndarray) -> np.ndarray:
    """(29, 3) bone directions of a reading, as drawn and with the depths that viewers would see."""
    lifted = kinematics.lift_to_drawing(
        _original_pixels(reading, page_scale), reading.directions, _scores(reading)
    )
    lifted = kinematics.straighten_limbs(kinematics.straighten_torso(lifted, rest))
    return kinematics.straighten_knees(lifted, rest)


def _bone_scores(scores: np.ndarray, present: np.ndarray | None) -> np.ndarray:
    """(29,) how far each bone follows the drawing: not at all where neither of its ends is part of it."""
    parents = list(KEYPOINT_PARENTS[1:])
    both = np.minimum(scores[1:], scores[parents])
    if present is None:
        return both
    ends = present[1:] >= PRESENT, present[parents] >= PRESENT
    # Of a bone that leaves the page the network knows the direction, but not the place of its end.
    leaving = np.maximum(both, kinematics.FULL_CONFIDENCE)
    return np.select([ends[0] & ends[1], ends[0] | ends[1]], [both, leaving], 0.0)


def _original_pixels(reading: Detection, page_scale: float) -> np.ndarray:
    """(30, 2) keypoints; pixels count from their centres, at working size and in the original."""
    return (np.asarray(reading.keypoints, np.float64) + 0.5) * page_scale - 0.5


def _scores(reading: Detection) -> np.ndarray:
    return np.clip(np.asarray(reading.scores, np.float64), 0, 1)


def _score(detection: Detection) -> float:
    return float(detection.scores.mean())


def _grouped(gray: np.ndarray) -> tuple[Ink | None, np.ndarray]:
    """A page's ink and the (N, 4) boxes of its groups; None and no box where no ink could be a figure's."""
    try:
        ink = read_ink(gray)
    except InputError:  # the network has the last word
        return None, np.zeros((0, 4), np.float32)
    return ink, propose_figures(ink)


def believed(
    beliefs: np.ndarray, boxes: np.ndarray, count: int | None, least: float = LEAST_BELIEF
) -> list[int]:
    """Indices of the figures among overlapping places, in reading order.

    Where one figure is asked for, it is the likeliest place, whatever its probability; else the likeliest
    first, and then what does not overlap what is taken already, of which the largest ``count`` stay.

    Args:
        beliefs: (N,) probability of each place to be a figure's; 0 where the network sees no person.
        boxes: (N, 4) the places; the first is the page taken as a whole, where there is ink.
        count: how many at most; None for all.
        least: where several are asked for, a place that is believed less is none.
    """
    order = np.argsort(-(beliefs + WHOLE_PAGE_BONUS * (np.arange(len(beliefs)) == 0)), kind="stable")
    taken: list[int] = []
    for index in order[: 1 if count == 1 else None]:
        apart = all(_shared(boxes[index], boxes[other]) < MOST_OVERLAP for other in taken)
        if beliefs[index] > 0 and (count == 1 or beliefs[index] >= least) and apart:
            taken.append(int(index))
    sizes = [float(np.prod(boxes[index, 2:] - boxes[index, :2])) for index in taken]
    largest = [taken[i] for i in np.argsort(-np.array(sizes), kind="stable")[:count]]
    return [largest[i] for i in reading_order(boxes[largest])]


def _shared(a: np.ndarray, b: np.ndarray) -> float:
    """The share of the smaller of two boxes that lies in the other."""
    inner = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)
    return float(np.prod(inner) / max(min(np.prod(a[2:] - a[:2]), np.prod(b[2:] - b[:2])), 1e-9))


def _floats(values: np.ndarray) -> Any:
    return tuple(float(value) for value in values)


def _picture(sketch: Sketch) -> Picture:
    if isinstance(sketch, Drawing):
        return sketch.read()
    if isinstance(sketch, np.ndarray):
        return from_array(sketch)
    if isinstance(sketch, Image.Image):
        return from_image(sketch)
    if isinstance(sketch, bytes):
        return read_image_bytes(sketch)
    return read_image(sketch)


def file_name(sketch: Sketch) -> str:
    """The file as the user named it; "" for an image that has none."""
    name = getattr(sketch, "filename", "") if isinstance(sketch, Image.Image) else sketch
    name = name.file if isinstance(name, Drawing) else name
    if not isinstance(name, str | Path):
        return ""
    # A file name on disk may hold bytes that are no text; JSON cannot.
    return str(name).encode("utf-8", "replace").decode("utf-8")


def _size(sketch: Sketch) -> tuple[int, int]:
    """Width and height where they can still be told, else zeros."""
    try:
        picture = _picture(sketch)
    except SketchPoseError:
        return 0, 0
    return picture.width, picture.height


def _given_box(box: Sequence[float], picture: Picture) -> np.ndarray:
    try:
        values = np.asarray(box, np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (4,) or not np.isfinite(values).all():
        raise InputError("The box is not four numbers; give x0,y0,x1,y1 in pixels.")
    x0, y0 = np.maximum(values[:2], 0)
    x1, y1 = np.minimum(values[2:], (picture.width, picture.height))
    if x1 - x0 < 2 or y1 - y0 < 2:
        raise InputError(
            f"The box holds no part of the image, which is {picture.width} x {picture.height} pixels; "
            "give x0,y0,x1,y1 with x0 < x1 and y0 < y1."
        )
    return np.array([[x0, y0, x1, y1]], np.float32) / picture.scale
