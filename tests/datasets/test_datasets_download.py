"""Downloads against a local server with every bad habit: what arrives is right, or nothing does."""

import hashlib
import http.server
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tinyvae.datasets import download, fetch, load, write_idx
from tinyvae.datasets.download import FILES, cache_folder

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Four small IDX files as a mirror would serve them: {name: bytes}."""
    folder = tmp_path_factory.mktemp("published")
    rng = np.random.default_rng(0)
    for file, n in zip(FILES, (20, 20, 10, 10), strict=True):
        shape = (n, 28, 28) if "images" in file else (n,)
        write_idx(folder / f"{file}.gz", rng.integers(0, 10, shape, dtype=np.uint8))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Handler(http.server.BaseHTTPRequestHandler):
    """GET /habit/file serves the file with the habit named first."""

    def do_GET(self):
        _, habit, name = self.path.split("/")
        self.server.requests.append(f"{habit}/{name}")
        body = self.server.files[name]
        if habit == "missing":
            return self.send_error(404)
        if habit == "broken":
            return self.send_error(500)
        if habit == "moved":
            self.send_response(302)
            self.send_header("Location", f"/good/{name}")
            return self.end_headers()
        if habit == "mute":
            return self.server.stop.wait(30)
        self.send_response(200)
        if habit in ("good", "garbage", "cut"):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if habit in ("good", "unannounced"):
            self.wfile.write(body)
        elif habit == "together":  # the first file ends only when all three clients have received a half
            self.wfile.write(body[:100])
            if name == names()[0]:
                self.server.barrier.wait(20)
            self.wfile.write(body[100:])
        elif habit == "garbage":
            self.wfile.write(bytes(len(body)))
        elif habit in ("cut", "short"):
            self.wfile.write(body[:-1])
        elif habit == "long":
            self.wfile.write(body + b"\0")
        elif habit == "stalling":
            self.wfile.write(body[:100])
            self.server.stop.wait(30)
        else:
            while not self.server.stop.is_set():
                self.wfile.write(bytes(1 << 20) if habit == "endless" else b"\0")
                if habit == "trickling":
                    self.server.stop.wait(0.02)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        assert isinstance(sys.exc_info()[1], OSError)  # the client hung up, as it should on the endless ones


@pytest.fixture
def server(published):
    server = Server(("127.0.0.1", 0), Handler)
    server.files, server.requests, server.stop = published, [], threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.stop.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def mirrors(server, published, monkeypatch):
    """Let "mnist" be the small files, to be had from mirrors with these habits."""

    def use(*habits):
        checksums = [(len(data), hashlib.sha256(data).hexdigest()) for data in map(published.get, names())]
        urls = tuple(f"http://127.0.0.1:{server.server_port}/{habit}/" for habit in habits)
        monkeypatch.setitem(download.SOURCES, "mnist", (urls, tuple(checksums)))

    monkeypatch.setenv("no_proxy", "*")
    return use


def names():
    return [f"{file}.gz" for file in FILES]


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("habit", ["good", "unannounced", "moved"])
def test_a_good_mirror_is_enough(mirrors, published, tmp_path, habit):
    mirrors(habit)
    assert fetch("mnist", tmp_path / "new" / "folder") == tmp_path / "new" / "folder"
    assert content(tmp_path / "new" / "folder") == published


BAD_HABITS = {
    "missing": "HTTPError: HTTP Error 404",
    "broken": "HTTPError: HTTP Error 500",
    "garbage": "OSError: SHA-256 [0-9a-f]{64}, expected",
    "cut": r"OSError: only \d+ of the expected \d+ bytes|IncompleteRead",
    "short": r"OSError: only \d+ of the expected \d+ bytes",
    "long": r"OSError: more than the expected \d+ bytes",
    "endless": r"OSError: more than the expected \d+ bytes",
}
SLOW_HABITS = {
    "mute": "timed out",
    "stalling": "timed out",
    "trickling": r"TimeoutError: only \d+ bytes in \d+ seconds",
}


@pytest.mark.parametrize("habit", BAD_HABITS)
def test_a_bad_mirror_is_left_for_the_next(mirrors, published, server, tmp_path, habit):
    mirrors(habit, "good")
    fetch("mnist", tmp_path)
    assert server.requests == [f"{mirror}/{name}" for name in names() for mirror in (habit, "good")]
    assert content(tmp_path) == published


@pytest.mark.parametrize("habit", SLOW_HABITS)
def test_a_slow_mirror_is_left_for_the_next(mirrors, published, server, tmp_path, monkeypatch, habit):
    monkeypatch.setattr(download, "TIMEOUT", 1.0)
    for name in names()[1:]:  # one file to fetch is enough: each costs a timeout
        (tmp_path / name).write_bytes(published[name])
    mirrors(habit, "good")
    fetch("mnist", tmp_path)
    assert server.requests == [f"{habit}/{names()[0]}", f"good/{names()[0]}"]
    assert content(tmp_path) == published


@pytest.mark.parametrize(("habit", "reason"), (BAD_HABITS | SLOW_HABITS).items())
def test_without_a_good_mirror_nothing_is_left_and_the_error_helps(mirrors, tmp_path, monkeypatch, habit, reason):
    if habit in SLOW_HABITS:
        monkeypatch.setattr(download, "TIMEOUT", 1.0)
    mirrors(habit)
    with pytest.raises(OSError, match=reason) as error:
        fetch("mnist", tmp_path)
    message = str(error.value)
    assert "\n" not in message
    assert all(name in message for name in (*names(), str(tmp_path), f"/{habit}/", "'mnist-small'"))
    assert not list(tmp_path.iterdir())


def test_a_second_try_fetches_only_what_is_missing(mirrors, published, server, tmp_path):
    mirrors("good")
    fetch("mnist", tmp_path)
    (tmp_path / names()[2]).unlink()
    server.requests.clear()
    fetch("mnist", tmp_path)
    assert server.requests == [f"good/{names()[2]}"]
    assert content(tmp_path) == published


def test_plain_files_count_as_present(mirrors, tmp_path):
    mirrors("missing")
    for file in FILES:
        (tmp_path / file).touch()
    assert fetch("mnist", tmp_path) == tmp_path


def test_without_a_network_the_error_names_the_files_and_the_folder_in_the_cache(tmp_path, monkeypatch):
    _, checksums = download.SOURCES["mnist"]
    monkeypatch.setitem(download.SOURCES, "mnist", (("http://127.0.0.1:1/",), checksums))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("TINYVAE_CACHE", str(tmp_path))
    monkeypatch.delenv("TINYVAE_DATA", raising=False)
    with pytest.raises(OSError, match=r"from http://127\.0\.0\.1:1/ \(URLError: ") as error:
        load("mnist")
    assert f"put {', '.join(names())} into {tmp_path / 'mnist'}" in str(error.value)


def test_ctrl_c_leaves_nothing_behind(mirrors, tmp_path, monkeypatch):
    mirrors("good")

    class Interrupted:
        def __init__(self, **kwargs):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def update(self, n):
            assert len(list(tmp_path.iterdir())) == 1  # the temporary file
            raise KeyboardInterrupt

    monkeypatch.setattr("tqdm.tqdm", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch("mnist", tmp_path)
    assert not list(tmp_path.iterdir())


def test_progress_is_shown_by_file(mirrors, tmp_path, capsys):
    mirrors("good")
    fetch("mnist", tmp_path)
    shown = capsys.readouterr().err
    assert all(name in shown for name in names())
    assert "100%" in shown


def test_processes_that_start_at_once_all_succeed(mirrors, published, server, tmp_path):
    mirrors("together")
    server.barrier = threading.Barrier(3)
    code = (
        "import sys; from tinyvae.datasets import download as d;"
        f"d.SOURCES['mnist'] = {download.SOURCES['mnist']!r};"
        "d.fetch('mnist', sys.argv[1])"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path)]
    processes = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) for _ in range(3)]
    assert [process.wait(30) for process in processes] == [0, 0, 0]
    assert content(tmp_path) == published


@pytest.mark.filterwarnings("ignore:x is uint8 with no value above")  # dark images, but numbered ones
def test_load_downloads_once_into_the_cache(mirrors, server, tmp_path, monkeypatch):
    mirrors("good")
    monkeypatch.delenv("TINYVAE_DATA", raising=False)
    monkeypatch.setenv("TINYVAE_CACHE", str(tmp_path))
    first = load("mnist")
    assert first.train.x.shape == (20, 784)
    assert first.test.y.shape == (10,)
    assert sorted(path.name for path in (tmp_path / "mnist").iterdir()) == sorted(names())
    second = load("mnist")
    assert len(server.requests) == 4
    assert second.fingerprint == first.fingerprint


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="'mnist-small' cannot be downloaded; expected one of mnist,"):
        fetch("mnist-small")


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, "home/.cache/tinyvae"),
        ("linux", {"XDG_CACHE_HOME": "xdg"}, "xdg/tinyvae"),
        ("darwin", {"XDG_CACHE_HOME": "xdg"}, "home/Library/Caches/tinyvae"),
        ("win32", {}, "home/AppData/Local/tinyvae"),
        ("win32", {"LOCALAPPDATA": "local"}, "local/tinyvae"),
        ("linux", {"TINYVAE_CACHE": "mine", "XDG_CACHE_HOME": "xdg"}, "mine"),
        ("darwin", {"TINYVAE_CACHE": "mine"}, "mine"),
        ("linux", {"TINYVAE_CACHE": "~/mine"}, "home/mine"),
    ],
)
def test_the_cache_is_where_the_system_wants_it(monkeypatch, platform, environment, expected):
    for name in ("TINYVAE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "home")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder() == Path(expected)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_sources_are_four_files_with_a_size_and_a_sha256_each(name):
    mirrors, checksums = download.SOURCES[name]
    assert len(mirrors) >= 2
    assert all(mirror.startswith("http") and mirror.endswith("/") for mirror in mirrors)
    assert len(checksums) == len(FILES)
    assert all(size > 4000 and len(bytes.fromhex(sha256)) == 32 for size, sha256 in checksums)
    assert len(set(checksums)) == 4
