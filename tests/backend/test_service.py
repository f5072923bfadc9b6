"""The service as a program: real sockets, real parents that die, real files that are missing."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from backend.api import PROTOCOL_HEADER, loads
from backend.service import description
from tests.backend.service_process import ROOT, TOKEN, Service, one_sentence

DRAWING = ROOT / "examples" / "stick_wave.png"


@pytest.fixture(scope="module")
def service():
    started = Service()
    yield started
    started.stop()


def gone(pid):
    """Whether a process has ended; a zombie has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_drawing_is_posed_as_the_library_poses_it(service, pipeline):
    status, plain = service.result(service.submit(DRAWING.read_bytes()))
    assert status == 200
    posed = loads(json.dumps(plain)).images[0].figures[0]
    expected = pipeline.pose(DRAWING).figures[0]
    assert posed.box == pytest.approx(expected.box, abs=1e-5)
    for joint, place in expected.hypotheses[0].joints3d.items():
        assert posed.hypotheses[0].joints3d[joint] == pytest.approx(place, abs=1e-4)


@pytest.fixture(scope="module")
def pipeline():
    from backend import Pipeline

    return Pipeline()


def test_options_are_those_of_the_library(service, pipeline):
    group = (ROOT / "examples" / "storyboard" / "panel_02.png").read_bytes()
    expected = pipeline.pose(group, figures=None)
    _, plain = service.result(service.submit(group, "?figures=all&hypotheses=1"))
    figures = plain["images"][0]["figures"]
    assert len(figures) == len(expected.figures)
    assert all(len(figure["hypotheses"]) == 1 for figure in figures)
    x0, y0, x1, y1 = figures[0]["box"]
    box = f"{x0 - 4:.0f},{y0 - 4:.0f},{x1 + 4:.0f},{y1 + 4:.0f}"
    _, boxed = service.result(service.submit(group, f"?box={box}"))
    assert boxed["images"][0]["figures"][0]["box"] == pytest.approx([float(v) for v in box.split(",")])


@pytest.mark.parametrize(
    "query", ["?figures=0", "?figures=two", "?box=1,2,3", "?box=9,9,1,1", "?hypotheses=-1", "?path=/etc/passwd",
              "?figures=1&figures=2", "?box=nan,0,1,1"],
)  # fmt: skip
def test_wrong_options_are_one_sentence(service, query):
    status, plain, _ = service.ask("POST", f"/v1/jobs{query}", DRAWING.read_bytes())
    assert status == 422
    one_sentence(plain)


def test_an_empty_request_is_one_sentence(service):
    status, plain, _ = service.ask("POST", "/v1/jobs", b"")
    assert status == 422
    assert "no image" in one_sentence(plain)


@pytest.mark.parametrize("image", [b"no image", b"/etc/passwd", b"\x89PNG\r\n\x1a\n broken"])
def test_what_is_no_image_is_one_sentence(service, image):
    status, plain = service.result(service.submit(image))
    assert status == 422
    assert plain["error"]["code"] == "input"
    one_sentence(plain)


def test_more_pixels_than_may_be_are_never_decoded(service):
    """An image of a few bytes that says it is 20,000 pixels wide and high."""
    bomb = b"P5\n20000 20000\n255\n" + bytes(100)
    start = time.monotonic()
    status, plain = service.result(service.submit(bomb))
    assert status == 422
    assert "too large" in one_sentence(plain)
    assert time.monotonic() - start < 10


def test_a_body_over_the_limit_is_refused_before_it_is_sent(service):
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as line:
        line.sendall(
            f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Content-Length: 99999999999\r\n\r\n".encode()
        )
        assert line.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_body_without_a_length_is_limited_too(service):
    def endless():
        for _ in range(80):
            yield bytes(2**20)

    try:
        status, plain, _ = service.ask("POST", "/v1/jobs", endless())
    except OSError:  # it hung up while we were still sending, as it may
        return
    assert status == 413
    one_sentence(plain)


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "ä" * 32])
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/jobs"), ("GET", "/v1/info"), ("GET", "/nothing")])
def test_nobody_comes_in_without_the_token(service, token, method, path):
    status, plain, _ = service.ask(method, path, b"", token=token.encode().decode("latin-1"))
    assert status == 401
    assert plain["error"]["code"] == "unauthorised"
    one_sentence(plain)


@pytest.mark.parametrize("spoken", ["0", "2", "1.0", "", "x" * 500])
def test_another_protocol_is_refused_in_one_sentence(service, spoken):
    status, plain, headers = service.ask("GET", "/v1/info", headers={PROTOCOL_HEADER: spoken})
    assert status == 426
    assert "same version" in one_sentence(plain)
    assert headers[PROTOCOL_HEADER] == "1"


def test_tells_what_it_is(service):
    status, plain, headers = service.ask("GET", "/v1/info", headers={PROTOCOL_HEADER: "1"})
    assert status == 200
    assert headers[PROTOCOL_HEADER] == "1"
    jsonschema.validate(plain, {"$ref": "#/components/schemas/Info", **description()})


def test_the_description_is_served_and_sound(service):
    status, plain, _ = service.ask("GET", "/openapi.json", token="none")
    assert status == 200
    assert plain == description()
    for schema in plain["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_an_unknown_job_and_address_are_one_sentence(service):
    for method, path, expected in (
        ("GET", "/v1/jobs/" + "0" * 32, 404),
        ("DELETE", "/v1/jobs/" + "0" * 32, 404),
        ("GET", "/v1/jobs/..%2f..%2fetc%2fpasswd/result", 404),
        ("GET", "/nothing", 404),
        ("PUT", "/v1/jobs", 405),
    ):
        status, plain, _ = service.ask(method, path)
        assert status == expected
        one_sentence(plain)


def test_listens_on_this_machine_alone(service):
    """The kernel's own table: the port is bound to 127.0.0.1."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    addresses = [line.split()[1] for line in lines if line.split()[3] == "0A"]
    assert f"0100007F:{service.port:04X}" in addresses
    assert [a for a in addresses if a.endswith(f":{service.port:04X}")] == [f"0100007F:{service.port:04X}"]


def test_the_token_is_on_no_command_line(service):
    command = Path(f"/proc/{service.child.pid}/cmdline").read_bytes()
    environment = Path(f"/proc/{service.child.pid}/environ").read_bytes()
    assert TOKEN.encode() not in command + environment


def test_writes_nothing_to_disk(tmp_path):
    """With no file allowed to grow and a temporary folder that is not there, drawings are posed all the same."""
    import resource

    def no_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    environment = {**os.environ, "TMPDIR": str(tmp_path / "none")}
    service = Service(preexec_fn=no_files, env=environment)
    try:
        assert service.result(service.submit(DRAWING.read_bytes()))[0] == 200
    finally:
        service.stop()


def test_ends_with_its_input():
    service = Service()
    service.child.stdin.close()
    assert service.child.wait(5) == 0
    assert not listens(service.port)


@pytest.mark.parametrize(
    "kept_open", [False, True], ids=["pipe closes", "pipe is kept open by another process"]
)
def test_ends_when_its_parent_is_killed(kept_open):
    """kill -9 of the parent, while it poses; with the pipe inherited by a third process, too."""
    program = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "backend", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdin.write(b"{TOKEN}\\n"); child.stdin.flush()
line = child.stdout.readline().decode().strip()
other = None
if {kept_open}:
    other = subprocess.Popen(["sleep", "60"], pass_fds=[child.stdin.fileno()])
print(child.pid, other.pid if other else 0, line, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    pid, other, announced = parent.stdout.readline().split(" ", 2)
    port = json.loads(announced)["port"]
    try:
        assert listens(port)
        parent.kill()
        start = time.monotonic()
        parent.wait()
        # The first thread is a zombie a moment before the last one closes the port.
        while not gone(int(pid)) or listens(port):
            assert time.monotonic() - start < 5
            time.sleep(0.02)
    finally:
        if int(other):
            os.kill(int(other), signal.SIGKILL)
        parent.stdout.close()


def test_a_port_that_is_taken_is_one_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "backend", "serve", "--port", str(port)],
            input=TOKEN + "\n", capture_output=True, text=True, cwd=ROOT, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 1
    assert str(port) in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("token", ["", "short", "with a blank in it 0123456789", "0123456789äöü0123456789"])
def test_a_token_that_is_none_is_one_sentence(token):
    done = subprocess.run(
        [sys.executable, "-m", "backend", "serve"],
        input=token + "\n", capture_output=True, text=True, cwd=ROOT, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "token" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_token_file_is_for_its_owner_alone_and_ctrl_c_stops(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    path.chmod(0o644)
    command = [sys.executable, "-m", "backend", "serve", "--token-file", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=60)
    assert done.returncode == 1
    assert "chmod 600" in done.stderr
    path.chmod(0o600)
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    address = child.stdout.readline()
    assert "http://127.0.0.1:" in address
    port = int(address.rpartition(":")[2].split(";")[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/v1/info", headers={"Authorization": f"Bearer {TOKEN}"})
    assert connection.getresponse().status == 200
    connection.close()
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=10)
    assert "Traceback" not in said
    assert not listens(port)
