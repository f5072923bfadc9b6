"""What the fuzzer sends as a drawing: sound images, damaged ones, and no images at all."""

from pathlib import Path

import schemathesis
from hypothesis import strategies as st

EXAMPLES = Path(__file__).parents[2] / "examples"
SOUND = [(EXAMPLES / name).read_bytes() for name in ("stick_wave.png", "runner_gesture.png")]


@st.composite
def damaged(draw):
    """A drawing that was cut off or has other bytes somewhere."""
    image = bytearray(draw(st.sampled_from(SOUND)))
    del image[draw(st.integers(0, len(image))) :]
    for place in draw(st.lists(st.integers(0, max(len(image) - 1, 0)), max_size=5)) if image else ():
        image[place] = draw(st.integers(0, 255))
    return bytes(image)


drawings = st.sampled_from(SOUND) | damaged() | st.binary(max_size=300)
schemathesis.openapi.media_type("application/octet-stream", drawings)
