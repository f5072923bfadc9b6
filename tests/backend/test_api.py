"""The boundary types: JSON there and back, the schema, and refusals of files that are not ours."""

import copy
import json
import random
import subprocess
import sys

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend import api
from backend.errors import InputError
from backend.skeleton import JOINT_NAMES, KEYPOINT_NAMES

SCHEMA = json.loads(api.SCHEMA_FILE.read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

TEXTS = ("", "a.png", "絵コンテ/эскиз №1.png", 'quote " and \\ slash', "line\nbreak", "\u2028 🙂 \x7f")


def random_result(seed: int) -> api.PoseResult:
    """A result with every field filled at random."""
    rng = random.Random(seed)

    def number() -> float:
        return rng.choice((0.0, -0.0, 1.0, 1e5, rng.uniform(-1, 1), rng.gauss(0, 1e3), 1e-9))

    def vector() -> tuple[float, float, float]:
        return number(), number(), number()

    def hypothesis() -> api.Hypothesis:
        return api.Hypothesis(
            score=rng.random(),
            global_orient=vector(),
            body_pose=tuple(vector() for _ in range(23)),
            betas=tuple(number() for _ in range(10)),
            camera=api.CameraPose(rng.uniform(0.01, 1e4), number(), number()),
            joints3d={name: vector() for name in JOINT_NAMES},
            contacts=tuple(
                api.Contact(rng.choice(JOINT_NAMES), rng.choice(JOINT_NAMES), rng.random())
                for _ in range(rng.randrange(3))
            ),
            residuals={part: rng.random() for part in ("pelvis", "spine3", "head")[: rng.randrange(4)]},
            exchanged=rng.random() < 0.5,
        )

    def some() -> list[str]:
        return rng.sample(KEYPOINT_NAMES[1:], rng.randrange(4))

    def corrections() -> api.Corrections:
        return api.Corrections(
            {name: (number(), number()) for name in some()},
            frozenset(some()),
            frozenset(some()),
            {name: rng.choice((-1.0, 1.0)) for name in some()},
            rng.random() < 0.5,
            rng.randrange(3),
        )

    def figure() -> api.Figure:
        return api.Figure(
            box=(number(), number(), number(), number()),
            score=rng.random(),
            keypoints={
                name: api.Keypoint((number(), number()), rng.random(), rng.choice((0.0, 1.0, 0.5)))
                for name in KEYPOINT_NAMES
            },
            hypotheses=tuple(hypothesis() for _ in range(rng.randint(1, 2))),
            corrections=rng.choice((None, corrections())),
        )

    return api.PoseResult(
        api.Generator("0.1.0", "onnx", "cpu", "lite@" + rng.randbytes(32).hex()),
        tuple(
            api.ImageResult(
                rng.choice(TEXTS),
                rng.randrange(16384),
                rng.randrange(16384),
                rng.choice((None, *TEXTS)),
                tuple(figure() for _ in range(rng.randrange(3))),
            )
            for _ in range(rng.randrange(3))
        ),
    )


@pytest.mark.parametrize("seed", range(25))
def test_json_there_and_back(seed):
    result = random_result(seed)
    plain = api.to_json(result)
    VALIDATOR.validate(plain)
    assert api.from_json(plain) == result
    text = api.dumps(result)
    VALIDATOR.validate(json.loads(text))
    assert api.dumps(api.loads(text)) == text
    for ours, theirs in zip(result.images, api.loads(text).images, strict=True):
        assert (ours.file, ours.error) == (theirs.file, theirs.error)
        for a, b in zip(ours.figures, theirs.figures, strict=True):
            assert a.hypotheses[0].global_orient == pytest.approx(b.hypotheses[0].global_orient, abs=1e-6)


def example() -> dict:
    zero = [0.0, 0.0, 0.0]
    return {
        "schema": "sketch2pose/1",
        "generator": {"version": "0", "engine": "onnx", "device": "cpu", "weights": "w@" + "0" * 64},
        "images": [
            {
                "file": "a.png", "width": 4, "height": 4, "error": None,
                "figures": [
                    {
                        "box": [0, 0, 4, 4],
                        "score": 1,
                        "keypoints": {n: {"xy": [1, 2], "score": 1, "visible": 0.5} for n in KEYPOINT_NAMES},
                        "hypotheses": [
                            {
                                "score": 0.5, "global_orient": zero, "body_pose": [zero] * 23,
                                "betas": [0.0] * 10, "camera": {"scale": 10, "tx": 0, "ty": 0},
                                "joints3d": dict.fromkeys(JOINT_NAMES, zero),
                                "contacts": [["left_hand", "left_hip", 0.5]],
                            }
                        ],
                        "corrections": {
                            "moved": {"left_knee": [1, 2]}, "pinned": ["nose"], "ignored": ["left_toe"],
                            "sides": {"left_wrist": -1}, "exchanged": False, "shown": 0,
                        },
                    }
                ],
            }
        ],
    }  # fmt: skip


def test_the_example_of_the_contract_is_read():
    VALIDATOR.validate(example())
    result = api.from_json(example())
    figure = result.images[0].figures[0]
    assert figure.keypoints["left_knee"] == api.Keypoint((1.0, 2.0), 1.0, 0.5)
    assert figure.hypotheses[0].contacts == (api.Contact("left_hand", "left_hip", 0.5),)
    assert result.images[0].error is None


def places(value, path=()):
    """Every place in a JSON document, as a path of keys."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


PLACES = [path for path in places(example()) if path]


@given(
    st.sampled_from(PLACES), st.sampled_from([None, "x", 3, [], {}, [1, 2], float("nan"), True, -1, "remove"])
)
@settings(max_examples=250, deadline=None)
def test_a_damaged_document_is_read_or_refused_in_a_sentence(path, value):
    document = copy.deepcopy(example())
    owner = document
    for key in path[:-1]:
        owner = owner[key]
    if value == "remove":
        del owner[path[-1]]
    else:
        owner[path[-1]] = value
    try:
        result = api.from_json(document)
    except InputError as error:
        text = str(error)
        assert "\n" not in text
        assert text.endswith(".")
    else:
        assert isinstance(result, api.PoseResult)


@pytest.mark.parametrize(
    "path", [("schema",), ("generator",), ("images",), ("images", 0, "figures", 0, "keypoints", "nose"),
             ("images", 0, "figures", 0, "hypotheses", 0, "body_pose"), ("images", 0, "error")],
)  # fmt: skip
def test_missing_parts_are_refused_by_reader_and_schema(path):
    document = example()
    owner = document
    for key in path[:-1]:
        owner = owner[key]
    del owner[path[-1]]
    assert not VALIDATOR.is_valid(document)
    with pytest.raises(InputError, match=str(path[-1])):
        api.from_json(document)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, b"\xff\xfe", '{"schema": "other/1"}'])
def test_other_files_are_refused(text):
    with pytest.raises(InputError):
        api.loads(text)


def test_a_figure_without_a_hypothesis_is_refused():
    document = example()
    document["images"][0]["figures"][0]["hypotheses"] = []
    assert not VALIDATOR.is_valid(document)
    with pytest.raises(InputError, match="hypotheses"):
        api.from_json(document)


def test_the_boundary_and_the_package_load_the_standard_library_alone():
    code = (
        "import sys, backend, backend.api; "
        "print([m for m in ('numpy', 'PIL', 'onnxruntime', 'torch', 'scipy') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
