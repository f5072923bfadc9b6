"""The client: whatever the pose program does, it answers with a result or one sentence, and never waits."""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest

from backend.api import Generator, PoseResult, dumps
from backend.errors import InputError, InstallError, SketchPoseError
from sketch2pose_blender.core import client, pasted
from sketch2pose_blender.core.client import LocalServer, PoseClient, ServerError
from sketch2pose_blender.core.pasted import Pasted

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
DRAWING = EXAMPLES / "stick_wave.png"
NO_IMAGES = dumps(PoseResult(Generator("", "", "", "")))
#: No call of the client may take longer, seconds. A busy disk or host holds a process up now and then: of a
#: hundred calls two may take longer for that, but never as long as anything that the client could wait for.
LONGEST_CALL = 0.05
LONGEST_INTERRUPTION = 0.5


def own_time():
    """Seconds by the clock, without those in which this thread could have run and others had the processor."""
    try:
        queued = int(Path("/proc/thread-self/schedstat").read_text().split()[1])
    except FileNotFoundError:  # a kernel that does not count them
        queued = 0
    return time.perf_counter() - 1e-9 * queued


class Stopwatch:
    """Times every call of a job's methods."""

    def __init__(self):
        self.times = []

    def __call__(self, call, *arguments, **options):
        start = own_time()
        try:
            return call(*arguments, **options)
        finally:
            self.times.append(own_time() - start)

    def finish(self, job, limit=60):
        """Poll as Blender's timer would, until the job ends."""
        deadline = time.monotonic() + limit
        while (result := self(job.poll)) is None:
            assert time.monotonic() < deadline, job.state
            time.sleep(0.005)
        return result


@pytest.fixture
def stopwatch():
    """Fails the test where the client made the caller wait."""
    watch = Stopwatch()
    yield watch
    long = sorted(seconds for seconds in watch.times if seconds > LONGEST_CALL)
    print(f"\n{len(watch.times)} calls, worst {1e3 * max(watch.times, default=0):.1f} ms")
    assert len(long) <= max(1, len(watch.times) // 50)
    assert long[-1:] <= [LONGEST_INTERRUPTION]


@pytest.fixture
def poser():
    """A client of the real pose program."""
    made = PoseClient(LocalServer())
    yield made
    made.close()


#: A server of the test's own in the pose program's place: ``answer(line)`` is called for each connection.
PRELUDE = """
import json, socket, sys, time
token = sys.stdin.readline().strip()
listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen()
def announce(**what):
    print(json.dumps({"protocol": 1, "version": "x", "port": listener.getsockname()[1], **what}), flush=True)
def request(line):
    data = b""
    while b"\\r\\n\\r\\n" not in data:
        data += line.recv(65536)
    head, _, body = data.partition(b"\\r\\n\\r\\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\\r\\n")[0])
    while len(body) < length:
        body += line.recv(65536)
    return head
def reply(line, status, content, length=None, protocol=1):
    length = len(content) if length is None else length
    line.sendall(f"HTTP/1.1 {status} X\\r\\nSketch2Pose-Protocol: {protocol}\\r\\nContent-Length: {length}\\r\\n\\r\\n".encode() + content)
JOB = json.dumps({"id": "ab", "state": "waiting", "progress": 0, "error": None}).encode()
def serve(answer):
    announce()
    while True:
        line, _ = listener.accept()
        answer(line)
        line.close()
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Makes a client of a server of the test's own."""
    made = []

    def make(source):
        program = tmp_path / "program.py"
        program.write_text(PRELUDE + source)
        monkeypatch.setattr(client, "_BOOTSTRAP", program)
        made.append(PoseClient(LocalServer()))
        return made[-1]

    yield make
    for each in made:
        each.close()


def gone(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def one_sentence(error):
    sentence = str(error)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert len(sentence) < 500
    return sentence


def test_poses_a_drawing_without_waiting(poser, stopwatch):
    job = stopwatch(poser.submit, DRAWING, hypotheses=1)
    assert job.state == "starting"
    result = stopwatch.finish(job)
    assert Path(result.images[0].file) == DRAWING
    (hypothesis,) = result.images[0].figures[0].hypotheses
    assert len(hypothesis.body_pose) == 23
    assert (job.state, job.progress, job.error, job.running) == ("done", 1.0, None, False)
    assert job.result is result
    assert job.poll() is result


def test_one_process_poses_drawing_after_drawing(poser, stopwatch):
    stopwatch.finish(stopwatch(poser.submit, DRAWING))
    pid = poser.pid
    image = (EXAMPLES / "runner_gesture.png").read_bytes()
    jobs = [stopwatch(poser.submit, image, name=f"panel {i}") for i in range(3)]
    while any(job.running for job in jobs):
        for job in jobs:
            stopwatch(job.poll)
        time.sleep(0.005)
    assert [job.result.images[0].file for job in jobs] == ["panel 0", "panel 1", "panel 2"]
    assert poser.pid == pid


def test_path_with_any_letters(poser, tmp_path):
    strange = tmp_path / "-Zeichnung ä 絵 'x' .png"
    strange.write_bytes(DRAWING.read_bytes())
    result = poser.submit(strange).wait()
    assert Path(result.images[0].file) == strange


def test_a_job_says_what_it_does(fake, stopwatch):
    """The service tells stage after stage; the panel shows the words."""
    stages = [None, "opened", "found", "read", "lifted", "a stage of a later version"]
    answers = [
        json.dumps({"id": "ab", "state": "running", "progress": 0.5, "stage": s, "error": None})
        for s in stages
    ]
    told = fake(f"""
answers = iter({[answer.encode() for answer in answers]!r})
def answer(line):
    head = request(line)
    time.sleep(0.05)  # longer than a call of the client works, so that it comes back after each
    reply(line, 202, JOB if b"POST" in head else next(answers))
serve(answer)""")
    job = told.submit(DRAWING)
    words = []
    assert job.doing == "starting the pose program"
    while not words or job.running:
        try:
            stopwatch(job.poll)
        except SketchPoseError:
            break
        if job.doing not in words:
            words.append(job.doing)
        time.sleep(0.002)
    order = ["waiting for other drawings", "opening the drawing", "looking for figures", "reading the keypoints",
             "working out the pose"]  # fmt: skip
    assert [each for each in words if each in order] == order
    assert job.doing == ""


def test_a_large_file_is_read_piece_by_piece(poser, stopwatch, tmp_path):
    """40 MB: a gray page of 8,000 x 5,000 pixels with the drawing's pixels repeated."""
    import numpy as np
    from PIL import Image

    page = np.asarray(Image.open(DRAWING).convert("L").resize((8000, 5000)))
    large = tmp_path / "large.pgm"
    large.write_bytes(b"P5\n8000 5000\n255\n" + page.tobytes())
    assert stopwatch.finish(stopwatch(poser.submit, large)).images[0].width == 8000


def test_a_file_over_the_limit_is_one_sentence(poser, tmp_path):
    huge = tmp_path / "huge.png"
    with huge.open("wb") as file:
        file.truncate(70 * 2**20)
    with pytest.raises(InputError, match="larger than 64 MB"):
        poser.submit(huge).wait()


@pytest.mark.parametrize("content", [None, b"", b"\x89PNG\r\n\x1a\n broken"])
def test_bad_image_is_one_sentence_and_the_process_stays(poser, tmp_path, content):
    poser.submit(DRAWING).wait()
    pid = poser.pid
    path = tmp_path / "bad.png"
    if content is not None:
        path.write_bytes(content)
    job = poser.submit(path)
    with pytest.raises(InputError) as caught:
        job.wait()
    assert one_sentence(caught.value) == job.error
    assert job.state == "failed"
    assert poser.pid == pid
    assert poser.submit(DRAWING).wait()


def test_bad_body_is_one_sentence(tmp_path):
    poser = PoseClient(LocalServer(body=tmp_path / "none.npz"))
    with pytest.raises(SketchPoseError, match="body"):
        poser.submit(DRAWING).wait()
    poser.close()


def test_cancel_leaves_the_process_for_the_next_job(poser, stopwatch):
    stopwatch.finish(stopwatch(poser.submit, DRAWING))
    pid = poser.pid
    slow = [poser.submit(DRAWING) for _ in range(6)]
    for job in slow:
        while job.state in ("starting", "sending"):
            stopwatch(job.poll)
    for job in slow:
        stopwatch(job.cancel)
        stopwatch(job.cancel)
        assert not job.running
        with pytest.raises(SketchPoseError, match="cancelled"):
            job.poll()
    assert stopwatch.finish(stopwatch(poser.submit, DRAWING))
    assert poser.pid == pid


def test_more_drawings_than_may_wait_are_answered_busy(poser):
    poser.submit(DRAWING).wait()
    os.kill(poser.pid, signal.SIGSTOP)
    jobs = [poser.submit(DRAWING) for _ in range(30)]
    for job in jobs:
        job.poll()
    os.kill(poser.pid, signal.SIGCONT)
    pid = poser.pid
    busy = []
    while any(job.running for job in jobs):
        for job in jobs:
            try:
                if job.running:
                    job.poll()
            except SketchPoseError as error:
                busy.append(one_sentence(error))
        time.sleep(0.005)
    assert busy
    assert all("busy" in sentence for sentence in busy)
    assert len(busy) + sum(job.state == "done" for job in jobs) == 30
    assert poser.pid == pid


# --------------------------------------------------------------------------- what another program hands out


def test_what_is_handed_out_slowly_is_posed(poser, stopwatch):
    slow = Pasted(["sh", "-c", f"sleep 0.5; cat '{DRAWING}'"])
    job = stopwatch(poser.submit, slow, name="Clipboard")
    assert (job.state, job.doing) == ("pasting", "reading the clipboard")
    assert stopwatch.finish(job).images[0].figures
    assert len(stopwatch.times) > 5


def test_a_program_that_hands_out_nothing_ever_is_given_up(poser, stopwatch, monkeypatch):
    stopwatch.finish(stopwatch(poser.submit, DRAWING))
    pid = poser.pid
    monkeypatch.setattr(pasted, "PATIENCE", 0.5)
    silent = stopwatch(Pasted, [sys.executable, "-c", "import time; time.sleep(60)"])
    job = stopwatch(poser.submit, silent)
    with pytest.raises(InputError, match="does not hand out") as caught:
        stopwatch.finish(job, limit=10)
    assert job.error == one_sentence(caught.value)
    assert len(stopwatch.times) > 5
    while not gone(silent._program.pid):
        time.sleep(0.01)
    assert poser.pid == pid


@pytest.mark.parametrize("program", ["raise SystemExit(1)", "print('half'); raise SystemExit(1)", "pass"])
def test_a_program_that_has_no_image_is_one_sentence(poser, stopwatch, program):
    job = stopwatch(poser.submit, Pasted([sys.executable, "-c", program]))
    with pytest.raises(InputError, match="no image on the clipboard"):
        stopwatch.finish(job)
    with pytest.raises(InputError, match="no image on the clipboard"):
        Pasted(["/nowhere/xclip"])


def test_a_cancelled_job_ends_the_program_that_hands_out(poser, stopwatch):
    silent = Pasted([sys.executable, "-c", "import time; time.sleep(60)"])
    job = stopwatch(poser.submit, silent)
    stopwatch(job.poll)
    stopwatch(job.cancel)
    assert job.state == "cancelled"
    while not gone(silent._program.pid):
        time.sleep(0.01)


# ------------------------------------------------------------------------------------- the process fails


def test_a_killed_process_is_one_sentence_and_the_next_job_starts_another(poser, stopwatch):
    stopwatch.finish(stopwatch(poser.submit, DRAWING))
    pid = poser.pid
    jobs = [stopwatch(poser.submit, DRAWING) for _ in range(8)]
    while jobs[-1].state in ("starting", "sending"):
        for job in jobs:
            stopwatch(job.poll)
    os.kill(pid, signal.SIGKILL)
    job = jobs[-1]
    with pytest.raises(ServerError) as caught:
        stopwatch.finish(job)
    assert "signal 9" in one_sentence(caught.value)
    assert poser.pid is None
    assert stopwatch.finish(stopwatch(poser.submit, DRAWING))
    assert poser.pid not in (None, pid)


#: Accepts a job, then breaks off the connection and does nothing more.
BREAKS_OFF = """
def answer(line):
    if b"POST" in request(line):
        reply(line, 202, JOB)
    else:
        line.close()
        time.sleep(60)
serve(answer)"""


def break_off(breaking, stopwatch):
    """A job whose connection has ended while its process lives."""
    job = stopwatch(breaking.submit, DRAWING)
    while job._exchange is None or job._exchange._lost_since is None:
        stopwatch(job.poll)
    return job


def test_how_a_process_ended_is_told_though_its_connection_ended_first(fake, stopwatch, monkeypatch):
    monkeypatch.setattr(client, "_ENDING_SECONDS", 60)
    dying = fake(BREAKS_OFF)
    job = break_off(dying, stopwatch)
    for _ in range(20):
        assert stopwatch(job.poll) is None
    os.kill(dying.pid, signal.SIGKILL)
    with pytest.raises(ServerError, match="signal 9"):
        stopwatch.finish(job)
    assert dying.pid is None


def test_a_process_that_breaks_off_and_lives_on_is_given_up_soon(fake, stopwatch):
    living = fake(BREAKS_OFF)
    job = break_off(living, stopwatch)
    pid = living.pid
    with pytest.raises(ServerError, match="broke off"):
        stopwatch.finish(job, limit=10)
    assert living.pid is None
    while not gone(pid):
        time.sleep(0.01)


def test_jobs_of_a_process_that_ended_leave_the_next_one_alone(poser, stopwatch):
    stopwatch.finish(stopwatch(poser.submit, DRAWING))
    old = [stopwatch(poser.submit, DRAWING) for _ in range(8)]
    while old[-1].state in ("starting", "sending"):
        for job in old:
            stopwatch(job.poll)
    os.kill(poser.pid, signal.SIGKILL)
    with pytest.raises(ServerError):
        stopwatch.finish(old[-1])
    new = stopwatch(poser.submit, DRAWING)
    while new.state in ("starting", "sending"):
        stopwatch(new.poll)
    pid = poser.pid
    with pytest.raises(ServerError, match="signal 9"):
        stopwatch.finish(old[-2])
    assert poser.pid == pid
    assert stopwatch.finish(new)


def test_a_process_killed_between_jobs_is_not_noticed(poser, stopwatch):
    stopwatch.finish(stopwatch(poser.submit, DRAWING))
    pid = poser.pid
    os.kill(pid, signal.SIGKILL)
    while not gone(pid):
        time.sleep(0.01)
    assert stopwatch.finish(stopwatch(poser.submit, DRAWING))
    assert poser.pid != pid


def test_a_server_that_accepts_and_never_answers(fake, stopwatch, monkeypatch):
    monkeypatch.setattr(client, "ANSWER_SECONDS", 1.5)
    hung = fake("announce()\nwhile True: kept = listener.accept(), globals().get('kept')")
    job = stopwatch(hung.submit, bytes(40 * 2**20))  # more than the sockets' buffers take
    with pytest.raises(ServerError, match="no answer") as caught:
        stopwatch.finish(job)
    one_sentence(caught.value)
    assert len(stopwatch.times) > 10
    assert hung.pid is None


def test_a_hung_process_is_replaced(poser, stopwatch, monkeypatch):
    stopwatch.finish(stopwatch(poser.submit, DRAWING))
    pid = poser.pid
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.5)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ServerError, match="no answer"):
        stopwatch.finish(stopwatch(poser.submit, DRAWING))
    while not gone(pid):
        time.sleep(0.01)
    monkeypatch.undo()
    assert stopwatch.finish(stopwatch(poser.submit, DRAWING))


def test_a_slow_server_is_given_up_in_the_end(fake, stopwatch):
    """A byte now and then keeps the connection alive; the job's own time is limited."""
    slow = fake("""
def answer(line):
    request(line)
    line.sendall(b"HTTP/1.1 202 X\\r\\n")
    while True:
        time.sleep(0.05); line.sendall(b"a")
serve(answer)""")
    job = stopwatch(slow.submit, DRAWING.read_bytes(), timeout=1.5)
    with pytest.raises(ServerError, match="longer than"):
        stopwatch.finish(job, limit=10)
    assert slow.pid is None


def test_a_process_that_never_says_its_port(fake, stopwatch, monkeypatch):
    monkeypatch.setattr(client, "START_SECONDS", 0.5)
    silent = fake("time.sleep(60)")
    with pytest.raises(ServerError, match="did not start"):
        stopwatch.finish(stopwatch(silent.submit, DRAWING))
    assert silent.pid is None


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("sys.exit('No onnxruntime is here.')", InstallError, "No onnxruntime is here"),
        ("sys.exit(3)", InstallError, "exit code 3"),
        ("import os; os.abort()", InstallError, "signal 6"),
        ("print('x' * 10_000_000); sys.exit(2)", InstallError, r"exit code 2.*xxx"),
        ("print('hello', flush=True); time.sleep(60)", ServerError, "hello"),
        ("print('[' * 50_000, flush=True); time.sleep(60)", ServerError, "unexpected"),
        ("announce(port='80'); time.sleep(60)", ServerError, "unexpected"),
        ("announce(protocol=2); time.sleep(60)", ServerError, "same version"),
        ("listener.close(); announce = print; print('{\"protocol\": 1, \"port\": 1}', flush=True); time.sleep(60)",
         ServerError, "broke off"),
    ],
)  # fmt: skip
def test_a_process_that_starts_badly_is_one_sentence(fake, stopwatch, source, error, words):
    broken = fake(source)
    job = stopwatch(broken.submit, DRAWING)
    with pytest.raises(error, match=words) as caught:
        stopwatch.finish(job)
    assert job.error == one_sentence(caught.value)
    assert broken.pid is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("line.sendall(b'\\0\\xff garbage \\r\\n\\r\\n' * 100)", "makes no sense"),
        ("line.sendall(b'a' * 100_000)", "makes no sense"),
        ("line.sendall(b'HTTP/1.1 200 X\\r\\n' + b'a: b\\r\\n' * 100_000)", "makes no sense"),
        ("line.sendall(b'HTTP/1.1 200 X\\r\\n\\r\\n' + JOB)", "makes no sense"),
        ("request(line); reply(line, 202, b'')", "makes no sense"),
        ("request(line); reply(line, 202, b'{}')", "makes no sense"),
        ("request(line); reply(line, 202, b'[' * 100_000)", "makes no sense"),
        ("request(line); reply(line, 202, b'\\xff')", "makes no sense"),
        ("request(line); reply(line, 202, JOB.replace(b'ab', b'../../x'))", "makes no sense"),
        ("request(line); reply(line, 302, JOB)", "makes no sense"),
        ("request(line); reply(line, 202, JOB, length=len(JOB) + 9)", "broke off"),
        ("request(line); reply(line, 202, JOB, length=5)", "makes no sense"),
        ("request(line); reply(line, 202, JOB, length=-5)", "makes no sense"),
        ("request(line); reply(line, 202, JOB, length=10**8)", "too large"),
        ("request(line); reply(line, 202, JOB, protocol=2)", "same version"),
        ("request(line); line.sendall(b'HTTP/1.1 2')", "broke off"),
        ("line.close()", "broke off"),
        ("request(line); sys.exit(7)", "exit code 7"),
        ("reply(line, 202, JOB) if b'POST' in request(line) else reply(line, 200, b'{}')", "makes no sense"),
        (f"reply(line, 202, JOB) if b'POST' in request(line) else reply(line, 200, {NO_IMAGES.encode()!r})", "no pose"),
        ("reply(line, 202, JOB) if b'POST' in request(line) else reply(line, 200, b'[' * 1_000_000)", "makes no sense"),
    ],
)  # fmt: skip
def test_a_lying_server_is_one_sentence(fake, stopwatch, answer, words):
    lying = fake(f"def answer(line):\n    {answer}\nserve(answer)")
    job = stopwatch(lying.submit, DRAWING)
    stopwatch(job.poll)
    pid = lying.pid
    with pytest.raises(ServerError, match=words) as caught:
        stopwatch.finish(job)
    assert job.error == one_sentence(caught.value)
    assert lying.pid is None
    while not gone(pid):
        time.sleep(0.01)


def test_what_the_server_says_is_cut_to_a_sentence(fake, stopwatch):
    said = json.dumps({"error": {"code": "input", "message": "bad\n\x1b[31m" + "x" * 9000}}).encode()
    with pytest.raises(InputError) as caught:
        stopwatch.finish(
            fake(f"serve(lambda line: (request(line), reply(line, 422, {said!r})))").submit(DRAWING)
        )
    assert len(str(caught.value)) <= 400
    assert str(caught.value).isprintable()


def test_a_wrong_token_is_one_sentence(poser, stopwatch):
    stopwatch.finish(stopwatch(poser.submit, DRAWING))
    poser._process.token = "wrong"
    with pytest.raises(ServerError, match="token"):
        stopwatch.finish(stopwatch(poser.submit, DRAWING))
    assert stopwatch.finish(stopwatch(poser.submit, DRAWING))


@pytest.mark.parametrize("damage", ["missing", "corrupt"])
def test_weights_that_are_no_good_are_one_sentence_until_they_are_repaired(
    tmp_path, monkeypatch, stopwatch, damage
):
    """In a copy of the extension; once it is repaired, the next job is done by a new process."""
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "backend", copy / "backend", ignore=shutil.ignore_patterns("__pycache__"))
    (weights,) = (copy / "backend" / "weights").glob("*_s.safetensors")
    sound = weights.read_bytes()
    if damage == "missing":
        weights.unlink()
    else:
        weights.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    monkeypatch.setattr(client, "IMPORT_FOLDER", copy)
    poser = PoseClient(LocalServer())
    with pytest.raises(InstallError, match=r"weights file .* install Sketch2Pose again"):
        stopwatch.finish(stopwatch(poser.submit, DRAWING))
    assert poser.pid is None
    weights.write_bytes(sound)
    assert stopwatch.finish(stopwatch(poser.submit, DRAWING))
    poser.close()


def test_no_interpreter_is_one_sentence(monkeypatch, poser):
    monkeypatch.setattr(sys, "executable", str(Path(tempfile.gettempdir()) / "no-python-here"))
    with pytest.raises(InstallError, match="could not be started"):
        poser.submit(DRAWING).wait()


# ------------------------------------------------------------------------------------- it leaves nothing


def test_shut_down_leaves_no_process_and_no_file(tmp_path, monkeypatch, stopwatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    job = stopwatch(client.client_of(LocalServer()).submit, DRAWING)
    stopwatch.finish(job)
    pid = client.client_of(LocalServer()).pid
    stopwatch(client.shut_down)
    while not gone(pid):
        time.sleep(0.01)
    assert list(tmp_path.rglob("*")) == []


def test_other_preferences_end_the_process_that_had_the_old_ones(tmp_path):
    first = client.client_of(LocalServer())
    first.submit(DRAWING).wait()
    pid = first.pid
    assert client.client_of(LocalServer()) is first
    client.client_of(LocalServer(import_folders=(tmp_path,)))
    while not gone(pid):
        time.sleep(0.01)
    client.shut_down()


def test_the_token_is_neither_on_the_command_line_nor_in_the_environment(poser):
    poser.submit(DRAWING).wait()
    for name in ("cmdline", "environ"):
        assert poser._process.token.encode() not in Path(f"/proc/{poser.pid}/{name}").read_bytes()
