"""The service behind Ray Serve: two workers on this machine, asked over HTTP as any client would."""

import http.client
import json
import os
import secrets
import signal
import socket
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend import Pipeline
from backend.api import MOST_IMAGE_BYTES, PROTOCOL_HEADER, loads
from backend.commands.serve import PipelinePoser
from backend.errors import InputError
from backend.service import description

serve = pytest.importorskip("ray.serve", reason="needs ray[serve]", exc_type=ImportError)
import ray  # noqa: E402

from backend import ray_service  # noqa: E402

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DRAWING = ROOT / "examples" / "stick_wave.png"
TOKEN = "a-token-for-the-tests-0123456789"
#: A request for so many readings is never done, only cancelled.
ENDLESS = 7


@pytest.fixture(scope="module")
def port():
    """Two workers and a queue of four on this machine; the port that they are asked at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"PYTHONPATH": str(ROOT)}
    patch = pytest.MonkeyPatch()
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))  # else Ray writes one into the home folder
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": environment})
    serve.start(http_options={"host": "127.0.0.1", "port": port})

    class PidTelling(PipelinePoser):  # a class inside a function travels to the workers by value
        """The service's own poser; tells in which process it runs."""

        def pose(self, request, report):
            while request.hypotheses == ENDLESS:
                report("opened", 0.5)
                time.sleep(0.05)
            result = super().pose(request, report)
            time.sleep(0.3)  # the other worker gets its share
            return replace(result, generator=replace(result.generator, device=f"process {os.getpid()}"))

    serve.run(ray_service.deploy(PidTelling, TOKEN, workers=2, most_waiting=4))
    yield port
    serve.shutdown()
    ray.shutdown()
    patch.undo()


def ask(port, method, path, body=None, headers=None, token=TOKEN):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        given = {"Authorization": f"Bearer {token}", **(headers or {})}
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def submit(port, query="hypotheses=1", image=None):
    status, job = ask(port, "POST", f"/v1/jobs?{query}", image or DRAWING.read_bytes())
    assert status == 202, job
    return job["id"]


def result(port, job):
    for _ in range(4):
        status, plain = ask(port, "GET", f"/v1/jobs/{job}/result?wait=20")
        if status != 202:
            return status, plain
    raise AssertionError("no result within 80 seconds")


def test_two_workers_share_the_drawings_and_give_the_pipelines_poses(port):
    jobs = [submit(port) for _ in range(4)]
    answers = [result(port, job) for job in jobs]
    assert [status for status, _ in answers] == [200] * 4
    results = [loads(json.dumps(plain).encode()) for _, plain in answers]
    assert len({told.generator.device for told in results}) == 2
    (expected,) = Pipeline().pose(DRAWING, hypotheses=1).figures
    for told in results:
        (figure,) = told.images[0].figures
        np.testing.assert_allclose(
            figure.hypotheses[0].body_pose, expected.hypotheses[0].body_pose, atol=1e-3
        )


def test_it_is_the_same_application(port):
    """The description, the door, and the refusals."""
    plain = description()
    assert ask(port, "GET", "/openapi.json", token="")[1] == plain
    assert ask(port, "GET", "/v1/info", token="wrong")[0] == 401
    assert ask(port, "GET", "/v1/info", headers={PROTOCOL_HEADER: "999"})[0] == 426
    too_large = {"Content-Length": str(MOST_IMAGE_BYTES + 1)}
    assert ask(port, "POST", "/v1/jobs", b"x", too_large)[0] == 413
    status, plain = result(port, submit(port, image=b"no image"))
    assert (status, plain["error"]["code"]) == (422, "input")


def test_busy_and_cancelled(port):
    """Both workers held and four drawings waiting: one more is refused; cancelling frees the workers."""
    held = [submit(port, f"hypotheses={ENDLESS}") for _ in range(2)]
    deadline = time.monotonic() + 30
    while {ask(port, "GET", f"/v1/jobs/{job}")[1]["stage"] for job in held} != {"opened"}:
        assert time.monotonic() < deadline, "the workers never told their stage"
    held += [submit(port, f"hypotheses={ENDLESS}") for _ in range(4)]
    status, plain = ask(port, "POST", "/v1/jobs", DRAWING.read_bytes())
    assert (status, plain["error"]["code"]) == (503, "busy")
    for job in held:
        assert ask(port, "DELETE", f"/v1/jobs/{job}")[1]["state"] == "cancelled"
    assert result(port, submit(port))[0] == 200


def test_a_worker_that_is_killed_is_one_sentence_and_is_replaced(port):
    status, plain = result(port, submit(port))
    assert status == 200
    held = [submit(port, f"hypotheses={ENDLESS}") for _ in range(2)]
    while {ask(port, "GET", f"/v1/jobs/{job}")[1]["stage"] for job in held} != {"opened"}:
        pass
    os.kill(int(plain["generator"]["device"].split()[1]), signal.SIGKILL)
    status, plain = 202, {}
    while status == 202:
        answers = [ask(port, "GET", f"/v1/jobs/{job}/result?wait=1") for job in held]
        status, plain = max(answers, key=lambda answer: answer[0])
    assert status == 500
    assert plain["error"]["message"] == ray_service._DIED
    for job in held:
        ask(port, "DELETE", f"/v1/jobs/{job}")
    results = [result(port, job) for job in [submit(port) for _ in range(3)]]
    assert [status for status, _ in results] == [200] * 3


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "token_file=FILE"),
        ({"workers": "0"}, "workers cannot be '0'"),
        ({"engine": "steam"}, "engine cannot be 'steam'"),
        ({"colour": "red"}, "colour is unknown"),
        ({"token_file": "/nowhere/token"}, "cannot be read"),
    ],
)
def test_options_that_cannot_be_used(options, sentence):
    with pytest.raises(InputError, match=sentence):
        ray_service.build(options)


def test_built_from_options_as_serve_run_gives_them(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(0o600)
    assert isinstance(ray_service.build({"token_file": str(path), "workers": "2"}), serve.Application)
