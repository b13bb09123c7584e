"""A file is written whole or not at all: checkpoints, and whatever else goes through `replacing`."""

import errno
import gc
import io
import os
import random
import re
import signal
import subprocess
import sys
import textwrap
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from hostile import names
from small_runs import bits, model, run

import tinyvae
from tinyvae.checkpoint import load, load_state, save
from tinyvae.foundation import files
from tinyvae.foundation.files import replacing

ROOT = Path(tinyvae.__file__).parents[1]


def only(folder, *names):
    assert sorted(p.name for p in folder.iterdir()) == sorted(names)


class Failing(io.FileIO):
    """A file on a disk that fails after so many bytes."""

    left, error = 0, OSError()

    def write(self, data):
        if self.left == 0:
            raise self.error
        written = super().write(data[: self.left])
        self.left -= written
        return written


FAILURES = [
    OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    OSError(errno.EIO, os.strerror(errno.EIO)),
    KeyboardInterrupt(),
    MemoryError(),
]


def broken(monkeypatch, error, after):
    def fake(path, mode):
        raw = Failing(path, mode.replace("b", ""))
        raw.left, raw.error = after, error
        return io.BufferedWriter(raw, 100)

    monkeypatch.setattr(files, "open", fake, raising=False)


@pytest.mark.parametrize("error", FAILURES, ids=repr)
def test_a_write_that_fails_anywhere_leaves_the_old_file(tmp_path, monkeypatch, error):
    path = tmp_path / "run.npz"
    save(path, *run(1))
    old = path.read_bytes()
    for after in range(0, len(old), 97):
        broken(monkeypatch, error, after)
        with pytest.raises(type(error)) as caught:
            save(path, *run(2))
        monkeypatch.undo()
        if isinstance(error, OSError):
            assert caught.value.errno == error.errno
            assert re.search(rf"{error.strerror}; nothing was written.*run\.npz", str(caught.value))
            assert "\n" not in str(caught.value)
        assert path.read_bytes() == old
        only(tmp_path, "run.npz")


@pytest.mark.parametrize("error", FAILURES, ids=repr)
@pytest.mark.parametrize("stage", ["fsync", "replace"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_failure_after_the_write_leaves_the_old_file(tmp_path, monkeypatch, error, stage, exists):
    def fail(*args):
        raise error

    if exists:
        save(tmp_path / "run.npz", *run(1))
    with monkeypatch.context() as patch:
        patch.setattr(os, stage, fail)
        with pytest.raises(type(error)):
            save(tmp_path / "run.npz", *run(2))
    if exists:
        assert bits(*load_state(tmp_path / "run.npz")) == bits(*run(1))
    only(tmp_path, *(["run.npz"] if exists else []))


def test_a_folder_that_cannot_be_synced_is_no_failure(tmp_path, monkeypatch):
    def fail(*args):
        raise PermissionError(errno.EACCES, "as on Windows")

    monkeypatch.setattr(os, "open", fail)
    save(tmp_path / "run.npz", *run())
    assert bits(*load_state(tmp_path / "run.npz")) == bits(*run())


def test_the_file_reaches_the_disk_before_it_takes_the_name_and_the_folder_after(tmp_path, monkeypatch):
    calls = []
    for name in ["fsync", "replace"]:
        true = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, true=true, name=name: (calls.append(name), true(*args)))
    save(tmp_path / "run.npz", model())
    assert calls == (["fsync", "replace"] if os.name == "nt" else ["fsync", "replace", "fsync"])


def test_a_name_that_is_held_for_a_moment_is_asked_for_again(tmp_path, monkeypatch):
    """As a virus scanner does on Windows; elsewhere it would be a right that is missing, and there are no pauses."""
    assert os.name == "nt" or files.PAUSES == ()
    plain, asked = os.replace, []

    def held(*names, times):
        asked.append(names)
        if len(asked) <= times:
            raise PermissionError(errno.EACCES, "held by another program")
        plain(*names)

    monkeypatch.setattr(files, "PAUSES", (0.0, 0.0))
    for times, fails in ((2, False), (3, True)):
        asked.clear()
        monkeypatch.setattr(os, "replace", lambda *names, times=times: held(*names, times=times))
        with pytest.raises(PermissionError, match="nothing was written") if fails else nullcontext():
            files.write(tmp_path / str(times), "text")
        assert len(asked) == 3
    only(tmp_path, "2")


def test_a_folder_that_is_none_gives_one_clear_line_and_changes_nothing(tmp_path):
    file = tmp_path / "file"
    file.write_text("old")
    for path, kind in [
        (tmp_path / "missing" / "m.npz", FileNotFoundError),
        (file / "m.npz", OSError),
        (tmp_path, FileExistsError),
    ]:
        with pytest.raises(kind) as caught:
            save(path, model())
        assert names(caught.value, path)
        assert "\n" not in str(caught.value)
        assert ".part" not in str(caught.value)
    assert file.read_text() == "old"
    only(tmp_path, "file")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_read_only_folder_gives_one_clear_line_and_keeps_the_old_file(tmp_path):
    save(tmp_path / "run.npz", *run(1))
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match=r"nothing was written.*run\.npz"):
            save(tmp_path / "run.npz", *run(2))
        assert bits(*load_state(tmp_path / "run.npz")) == bits(*run(1))
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="this system has no /dev/null")
def test_a_device_is_not_replaced():
    with pytest.raises(FileExistsError, match="device"):
        save("/dev/null", model())
    assert not os.path.isfile("/dev/null")


def test_a_full_disk_leaves_the_old_file(tmp_path):
    """For real, by the limit that the system puts on the size of files."""
    resource = pytest.importorskip("resource")
    save(tmp_path / "run.npz", *run(1))
    size = (tmp_path / "run.npz").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (0, size // 2, size - 1):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with pytest.raises(OSError, match=r"nothing was written.*run\.npz"):
                save(tmp_path / "run.npz", *run(2))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert bits(*load_state(tmp_path / "run.npz")) == bits(*run(1))
        only(tmp_path, "run.npz")


def test_a_file_system_without_room_leaves_the_old_file(tmp_path):
    """For real, on a file system of 64 kB."""
    mounted = (
        sys.platform == "linux"
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], capture_output=True, check=False
        ).returncode
        == 0
    )
    if not mounted:
        pytest.skip("mounting a file system needs Linux and root")
    try:
        save(tmp_path / "run.npz", *run(1))
        with pytest.raises(OSError, match=r"No space left on device; nothing was written.*run\.npz"):
            save(tmp_path / "run.npz", model(), {}, {"v": np.zeros(20_000)})
        assert bits(*load_state(tmp_path / "run.npz")) == bits(*run(1))
        only(tmp_path, "run.npz")
    finally:
        subprocess.run(["umount", tmp_path], check=True)


KILLED = textwrap.dedent("""
    import os, random, signal, sys, time
    sys.path.insert(0, sys.argv[1])
    os.chdir(sys.argv[2])
    import numpy as np
    from tinyvae.checkpoint import load_state, save
    from tinyvae.vae import VAE

    vae = VAE(784, 20, hidden=(100,))  # 164,000 parameters, 2 MB with the moments
    def write(version):
        vae.theta[:] = version
        vector = np.full(vae.theta.size, version, np.float32)
        save("run.npz", vae, {"version": version}, {"m": vector, "v": vector})

    write(0)
    random.seed(0)
    seen = set()
    for i in range(int(sys.argv[3])):
        child = os.fork()
        if child == 0:
            for version in range(10**9):
                write(version % 7)
        time.sleep(random.uniform(0.001, 0.04))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        back, state, arrays = load_state("run.npz")
        version = state["version"]
        assert (back.theta == version).all() and all((a == version).all() for a in arrays.values())
        seen.add(version)
    print(sorted(seen))
""")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("kills", [10, pytest.param(80, marks=pytest.mark.slow)])
def test_kill_9_at_any_moment_leaves_one_whole_version(tmp_path, kills):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(ROOT), str(tmp_path), str(kills)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    leftovers = [p.name for p in tmp_path.iterdir() if p.name != "run.npz"]
    assert all(re.fullmatch(r"run\.npz\.[0-9a-f]{16}\.part", name) for name in leftovers)  # as documented
    print(done.stdout, len(leftovers))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timer")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("interrupts", [100, pytest.param(400, marks=pytest.mark.slow)])
def test_an_interrupt_at_any_moment_leaves_one_whole_version_and_nothing_else(tmp_path, monkeypatch, interrupts):
    """Ctrl-C by the clock: whatever bytecode it hits, what is there is whole.

    Between `open` and `with`, only the garbage collector can close a file; it may complain.
    """
    monkeypatch.setattr(sys, "unraisablehook", lambda complaint: None)

    class Tick(BaseException):
        pass

    def interrupt(signum, frame):
        raise Tick

    runs = {seed: bits(*run(seed)) for seed in (1, 2)}
    path = tmp_path / "run.npz"
    save(path, *run(1))
    before = signal.signal(signal.SIGALRM, interrupt)
    rng = random.Random(0)
    try:
        for _ in range(interrupts):
            given = run(rng.choice([1, 2]))
            try:
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-4, 2e-3))
                save(path, *given)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Tick:
                pass
            assert bits(*load_state(path)) in runs.values()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    gc.collect()
    only(tmp_path, "run.npz")


# ---- for other files -------------------------------------------------------------------------------

def test_replacing_writes_any_file_whole(tmp_path):
    path = tmp_path / "history.csv"
    for text in ["epoch,loss\n", "epoch,loss\n1,2\n"]:
        with replacing(path) as file:
            file.write(text.encode())
        assert path.read_bytes() == text.encode()
    only(tmp_path, "history.csv")


def test_an_error_inside_replacing_keeps_the_old_file_and_is_not_renamed(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("old")
    other = FileNotFoundError(errno.ENOENT, "No such file", "other.csv")
    for error in [ZeroDivisionError(), KeyboardInterrupt(), OSError("without a number"), other]:
        with pytest.raises(type(error)) as caught, replacing(path) as file:  # noqa: PT012
            file.write(b"new")
            raise error
        assert caught.value is error
        assert path.read_text() == "old"
    only(tmp_path, "history.csv")


def test_two_writers_at_once_do_not_mix(tmp_path):
    with replacing(tmp_path / "a") as one, replacing(tmp_path / "a") as two:
        one.write(b"1" * 10_000)
        two.write(b"2" * 10_000)
        one.write(b"1" * 10_000)
    assert (tmp_path / "a").read_bytes() == b"1" * 20_000
    only(tmp_path, "a")


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege on Windows, modes do not exist")
def test_replacing_writes_through_a_link_and_with_the_users_mode(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far" / "model.npz")
    save(tmp_path / "link", model())
    assert (tmp_path / "link").is_symlink()
    assert bits(load(tmp_path / "far" / "model.npz")) == bits(model())
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert (tmp_path / "far" / "model.npz").stat().st_mode == plain.stat().st_mode
