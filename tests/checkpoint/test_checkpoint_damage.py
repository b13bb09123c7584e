"""No file, however bad, does harm: it is refused in one line that names it, runs nothing, and costs little memory."""

import io
import itertools
import json
import os
import pickle
import random
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hostile import BODY, DAMAGED, Bomb, dumped, header, memory_below, names, npy, put, zipped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_runs import bits, model, run

import tinyvae
from tinyvae.checkpoint import describe, load, load_state, save
from tinyvae.foundation.npy import Promise
from tinyvae.vae import VAE

P = model().theta.size
ROOT = Path(tinyvae.__file__).parents[1]


def refused(path, message=".", kind=ValueError):
    """Both readers refuse the file with one line that names it."""
    for read in (load, load_state):
        with pytest.raises(kind, match=message) as caught:
            read(path)
        assert names(caught.value, path)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 700 + len(str(path))


def entries_of(path):
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def write_zip(path, entries, compression=zipfile.ZIP_STORED):
    put(path, zipped(entries, compression))


@pytest.fixture
def good(tmp_path):
    """A good checkpoint: its path, its content, its entries."""
    path = tmp_path / "run.npz"
    save(path, *run())
    return path, bits(*load_state(path)), entries_of(path)


def attempt(path):
    """What load_state gives, or None, and its message."""
    try:
        return load_state(path), ""
    except ValueError as error:
        return None, str(error)


def harmless(path, content):
    """The file is refused, or says exactly what the good one said."""
    found, message = attempt(path)
    assert str(path) in message if found is None else bits(*found) == content
    return found is not None


def test_a_file_cut_off_anywhere_is_refused(good):
    path, content, _ = good
    whole = path.read_bytes()
    for length in range(len(whole)):
        put(path, whole[:length])
        assert not harmless(path, content), length


def test_a_changed_byte_is_noticed_or_does_not_matter(good):
    path, content, _ = good
    whole = path.read_bytes()
    rng = random.Random(0)
    read = 0
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= rng.choice([1 << rng.randrange(8), 0xFF, rng.randrange(1, 256)])
        put(path, damaged)
        read += harmless(path, content)
    assert read < len(whole) // 10  # dates, permissions and the like


def test_holes_repetitions_and_exchanged_parts_are_noticed_or_do_not_matter(good):
    path, content, _ = good
    whole = path.read_bytes()
    rng = random.Random(1)
    for _ in range(1000):
        a, b, c = sorted(rng.randrange(len(whole) + 1) for _ in range(3))
        damaged = rng.choice([
            whole[:a] + whole[b:], whole[:b] + whole[a:], whole[:a] + whole[b:c] + whole[a:b] + whole[c:],
            whole[:a] + bytes(b - a) + whole[b:], whole[:a] + rng.randbytes(b - a) + whole[b:],
            whole + whole[a:b], whole[a:b] + whole])
        put(path, damaged)
        harmless(path, content)


def mutated(text, rng):
    """Bytes with a few characters or pieces of it changed."""
    pieces = [bytes([c]) for c in b"'\"()[]{},:-90O\\<>U \n\0\xff"]
    pieces += [b"f4", b"True", b"None", b"lambda", b"NaN", b"1e999", b"9" * 20]
    text = bytearray(text)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text))
        text[at : at + rng.choice([0, 1, 1, 3])] = rng.choice(pieces)
    return bytes(text)


def test_changed_headers_with_right_checksums_are_refused_or_do_not_matter(good):
    path, content, entries = good
    rng = random.Random(2)
    for i in range(700):
        name = rng.choice(list(entries))
        head, body = entries[name][10:128], entries[name][128:]
        new = mutated(head.rstrip(), rng)
        if i % 3:
            new = new.ljust(117)[:117] + b"\n"
        write_zip(path, {**entries, name: npy(new, body)})
        harmless(path, content)


def test_changed_json_with_right_checksums_gives_a_model_or_is_refused(good):
    path, _, entries = good
    rng = random.Random(3)
    for _ in range(700):
        name = rng.choice(["config.npy", "state.npy", "format.npy"])
        text = str(np.load(io.BytesIO(entries[name]))).encode()
        write_zip(path, {**entries, name: dumped(np.array(mutated(text, rng).decode("latin1")))})
        found, message = attempt(path)
        if found is None:
            assert str(path) in message
        else:
            assert found[0].theta.size == P
            json.dumps(found[1], allow_nan=False)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_any_bytes_are_refused(tmp_path, content):
    for bytes_ in (content, b"PK\x03\x04" + content + b"PK\x05\x06" + bytes(18)):
        put(tmp_path / "any", bytes_)
        refused(tmp_path / "any")


def test_files_of_other_kinds_are_refused(tmp_path):
    path = tmp_path / "file"
    others = {
        "text": b"not an archive, a text\n" * 10, "nothing": b"", "npy": dumped(np.zeros(3)),
        "pickle": pickle.dumps(Bomb()), "empty zip": b"PK\x05\x06" + bytes(18)}
    for content in others.values():
        put(path, content)
        refused(path)
    np.savez(path.with_suffix(".npz"), weights=np.zeros(3))
    refused(path.with_suffix(".npz"), "no entry 'format': it is not from tinyvae")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb()))  # as torch.save writes them
    refused(path, "no entry 'format'")


def test_a_missing_file_a_folder_and_a_device_are_called_by_name(tmp_path):
    refused(tmp_path / "missing.npz", "No such file", FileNotFoundError)
    refused(tmp_path, "This is a folder", IsADirectoryError)
    with pytest.raises(TypeError):
        load(3)  # a file descriptor would be read, too


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "device or a pipe")
    refused("/dev/zero", "device or a pipe")


def test_entries_must_be_there_once_and_be_known(good):
    path, _, entries = good
    for name in ["format.npy", "config.npy", "theta.npy"]:
        write_zip(path, {k: v for k, v in entries.items() if k != name})
        refused(path, f"no entry '{name[:-4]}'")
    write_zip(path, {k: v for k, v in entries.items() if k != "state.npy"})
    refused(path, "arrays but no state")
    for name in ["extra.npy", "theta", "theta.npy~", "arrays/../x.npy", "arrays/.npy", "arrays/a b.npy", "/etc/passwd"]:
        write_zip(path, {**entries, name: entries["theta.npy"]})
        refused(path, "unknown entry")
    for name in entries:
        with pytest.warns(UserWarning, match="Duplicate name"):
            write_zip(path, [*entries.items(), (name, entries[name])])
        refused(path, "two entries of the same name")


def test_exchanged_entries_are_refused(good):
    """All but vectors of one dtype and length, such as theta and m: only their names tell them apart."""
    path, _, entries = good
    for a, b in itertools.combinations(entries, 2):
        if not {a, b} <= {"theta.npy", "arrays/m.npy", "arrays/order.npy"}:
            write_zip(path, {**entries, a: entries[b], b: entries[a]})
            refused(path)


def test_a_model_without_state_is_nothing_to_resume(tmp_path):
    save(tmp_path / "model.npz", model())
    with pytest.raises(ValueError, match=r"model\.npz: it holds a model without .*nothing to resume"):
        load_state(tmp_path / "model.npz")


@pytest.mark.parametrize(("written", "message"), [
    *((text, "newer tinyvae .*upgrade") for text in ["tinyvae 2", "tinyvae 999999"]),
    *((text, "expected 'tinyvae 1'") for text in [
        "", "tinyvae", "tinyvae 0", "tinyvae 1 ", "tinyvae 1.5", "othervae 1", "tinyvae \u0661"]),
    ("t" * 101, "at most 100")])
def test_formats_of_another_time_are_told_apart(good, written, message):
    path, _, entries = good
    write_zip(path, {**entries, "format.npy": dumped(np.array(written)), "novelty.npy": b""})
    refused(path, message)


CONFIG = describe(model())
BAD_CONFIGS = {
    "size zero": ({"data_dim": 0}, "data_dim is 0"),
    "negative": ({"latent_dim": -2}, "latent_dim is -2"),
    "float": ({"data_dim": 5.0}, "data_dim is 5.0"),
    "bool": ({"latent_dim": True}, "latent_dim is True"),
    "text": ({"data_dim": "5"}, "data_dim is '5'"),
    "null": ({"n_classes": None}, "n_classes is None"),
    "other size": ({"data_dim": 6}, rf"theta is float32 \({P},\); config describes float32 \({P + 7},\)"),
    "2 to the 31": ({"data_dim": 2**31}, "config describes"),
    "absurd": ({"data_dim": 2**63}, "data_dim is absurd"),
    "more absurd": ({"latent_dim": 10**4000}, "latent_dim is absurd"),
    "negative absurd": ({"n_classes": -(10**4000)}, "n_classes"),
    "wrapping around": ({"data_dim": 2**31, "hidden": [2**31], "latent_dim": 2**31}, "config describes"),
    "hidden absurd": ({"hidden": [3, 2**40]}, r"hidden\[1\] is absurd"),
    "hidden zero": ({"hidden": [0]}, r"hidden\[0\] is 0"),
    "hidden number": ({"hidden": 3}, "hidden is 3"),
    "hidden nested": ({"hidden": [[3]]}, r"hidden\[0\] is \[3\]"),
    "hidden object": ({"hidden": {"0": 3}}, "hidden is {"),
    "hidden text": ({"hidden": "3"}, "hidden is '3'"),
    "many layers": ({"hidden": [1] * 5000}, "config describes"),
    "too many layers": ({"hidden": [1] * 9000}, "at most 16384"),
    "likelihood": ({"likelihood": "poisson"}, "likelihood is 'poisson'"),
    "no likelihood": ({"likelihood": None}, "likelihood is"),
    "likelihood list": ({"likelihood": ["bernoulli"]}, "likelihood is"),
    "empty": ({"likelihood": {}}, "likelihood is"),
    "two": ({"likelihood": {"gaussian": 1.0, "bernoulli": 1}}, "likelihood is"),
    "std": ({"likelihood": {"gaussian": 0.0}}, "std is 0.0"),
    "std true": ({"likelihood": {"gaussian": True}}, "std is True"),
    "std text": ({"likelihood": {"gaussian": "wide"}}, "'wide'"),
    "std list": ({"likelihood": {"gaussian": [1]}}, r"std is \[1\]"),
    "std huge": ({"likelihood": {"gaussian": 10**400}}, "config: "),
    "std null": ({"likelihood": {"gaussian": None}}, "std is None"),
    "activation": ({"activation": "Exec"}, "activation is 'Exec'"),
    "builtin": ({"activation": "__class__"}, "activation is"),
    "activation list": ({"activation": ["ReLU"]}, "activation is"),
    "other dtype": ({"dtype": "float64"}, "config describes float64"),
    "float16": ({"dtype": "float16"}, "dtype is 'float16'"),
    "object": ({"dtype": "O"}, "dtype is 'O'"),
    "dtype list": ({"dtype": ["float32"]}, "dtype is"),
    "dtype number": ({"dtype": 4}, "dtype is 4"),
    "extra": ({"dropout": 0.5}, "config has the keys"),
    "another": ({"__class__": "os.system"}, "config has the keys"),
}


@pytest.mark.parametrize("case", BAD_CONFIGS)
def test_a_config_of_no_model_is_refused_in_words(good, case):
    changes, message = BAD_CONFIGS[case]
    path, _, entries = good
    write_zip(path, {**entries, "config.npy": dumped(np.array(json.dumps(CONFIG | changes)))})
    refused(path, message)


def test_a_config_needs_every_key(good):
    path, _, entries = good
    for name in CONFIG:
        config = {key: value for key, value in CONFIG.items() if key != name}
        write_zip(path, {**entries, "config.npy": dumped(np.array(json.dumps(config)))})
        refused(path, "config has the keys")


@pytest.mark.parametrize("text", [
    "", "{", "null", "3", "[]", '"text"', "{}{}", "{} x", "\ufeff{}", "{}\u2028;", "{'data_dim': 5}",
    '{"a": NaN}', '{"a": Infinity}', '{"a": -Infinity}', '{"a": 1e999}', '{"a": 01}', '{"a": "\\ud8"}',
    '{"a": 1, "a": 2}', '{"a": {"b": 1, "b": 1}}',
    "[" * 100_000, '{"a":' * 100_000, '{"a": ' + "9" * 1_000_000 + "}"])
def test_json_that_is_none_or_ambiguous_is_refused(good, text):
    path, _, entries = good
    if "9" * 5000 in text and not hasattr(sys, "get_int_max_str_digits"):
        pytest.skip("this Python turns a million digits into an int, in its time")
    for name in ["config.npy", "state.npy"]:
        write_zip(path, {**entries, name: dumped(np.array(text))})
        refused(path, name[:-4])


OTHERS = {  # sound arrays that are no theta
    "scalar": npy(header(shape=()), BODY[:4]),
    "row": npy(header(shape=(1, P)), BODY),
    "float64": npy(header("<f8", (P // 2,)), BODY[: P // 2 * 8]),
    "int32": npy(header("<i4"), BODY),
    "big-endian": npy(header(">f4"), BODY),
    "half": npy(header("<f2", (2 * P,)), BODY),
    "sub-array": npy(header(("<f4", (P,)), ()), BODY),
    "NaN": npy(header(), BODY[:-4] + np.float32("nan").tobytes()),
    "infinity": npy(header(), np.float32("-inf").tobytes() + BODY[4:]),
}
BAD_HEADERS = DAMAGED | OTHERS


@pytest.mark.parametrize("case", BAD_HEADERS)
def test_an_array_that_is_not_what_config_promised_is_refused(good, case):
    path, _, entries = good
    write_zip(path, {**entries, "theta.npy": BAD_HEADERS[case]})
    refused(path, "theta")
    for name in ["config.npy", "state.npy", "format.npy"]:
        write_zip(path, {**entries, name: BAD_HEADERS[case]})
        refused(path, name[:-4])
    if case not in ("float64", "int32"):
        write_zip(path, {**entries, "arrays/m.npy": BAD_HEADERS[case]})
        with pytest.raises(ValueError, match="arrays/m"):
            load_state(path)


def test_text_that_is_no_unicode_is_refused(good):
    path, _, entries = good
    for body in (b"\xff\xff\xff\xff", b"\x00\xd8\x00\x00"):
        write_zip(path, {**entries, "config.npy": npy(header("<U1", ()), body)})
        refused(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_entries_are_refused_with_the_remedy(good, compression):
    path, _, entries = good
    write_zip(path, entries, compression)
    refused(path, r"'format' is compressed or encrypted; write it with np\.savez")


@pytest.mark.parametrize(("field", "value"), [("flags", 1), ("method", 8), ("length", 0xFF)])
def test_entries_that_only_claim_to_be_compressed_or_encrypted_are_refused(good, field, value):
    path = good[0]
    whole = bytearray(path.read_bytes())
    offsets = {"flags": (6, 8), "method": (8, 10), "length": (22, 24)}[field]  # in both kinds of header
    for signature, offset in zip([b"PK\x03\x04", b"PK\x01\x02"], offsets, strict=True):
        for match in re.finditer(signature, bytes(whole)):
            whole[match.start() + offset] |= value
    put(path, whole)
    refused(path, r"compressed or encrypted; write it with np\.savez")


def test_pickles_are_called_by_name(good):
    path, _, entries = good
    for case in ["objects", "objects by header", "object fields"]:
        write_zip(path, {**entries, "theta.npy": BAD_HEADERS[case]})
        refused(path, "'theta' is a pickle, which could run any code")


def test_a_lack_of_memory_is_not_blamed_on_the_file(good, monkeypatch):
    def fail(promise):
        raise MemoryError

    monkeypatch.setattr(Promise, "read", fail)
    with pytest.raises(MemoryError):
        load(good[0])


# ---- bounded memory

def test_bombs_take_little_memory(good):
    path, _, entries = good
    deflated = zipfile.ZIP_DEFLATED
    zeros = npy(header(shape=(2**22,)), bytes(2**24))
    for name in ["theta.npy", "config.npy", "arrays/m.npy"]:
        with zipfile.ZipFile(path, "w") as archive:
            for key, content in entries.items():
                bomb = key == name
                archive.writestr(zipfile.ZipInfo(key), zeros if bomb else content, deflated if bomb else None)
        with memory_below(2e6):
            refused(path, "compressed")


def test_absurd_promises_take_little_memory(good):
    path, _, entries = good
    configs = [dumped(np.array(json.dumps(CONFIG | changes))) for changes, _ in BAD_CONFIGS.values()]
    thetas = BAD_HEADERS.values()
    for case in [*({"theta.npy": theta} for theta in thetas), *({"config.npy": c} for c in configs)]:
        write_zip(path, {**entries, **case})
        with memory_below(4e6):
            refused(path)


def test_json_bombs_take_little_memory(good):
    """JSON may cost some multiple of its length, which has a limit."""
    path, _, entries = good
    for n, entry in [(50_000, "state.npy"), (300_000, "config.npy")]:
        bombs = ['{"a": [' + "{}," * n + "1", '{"a": [' + "[]," * n + "1]}", '{"a": "' + "\\u0000" * n + '"}']
        for text in bombs:
            write_zip(path, {**entries, entry: dumped(np.array(text))})
            if entry == "state.npy":
                with memory_below(40 * len(text)):
                    found, message = attempt(path)
                    assert found or str(path) in message
            else:
                with memory_below(2e6):
                    refused(path, "at most 16384")
    write_zip(path, {**entries, "state.npy": npy(header(f"<U{2**28}", ()))})
    with memory_below(2e6):
        refused(path)


def test_a_long_table_of_contents_takes_little_memory(tmp_path):
    path = tmp_path / "many"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(20_000):
            archive.writestr(zipfile.ZipInfo(f"arrays/{i}.npy"), b"")
    with memory_below(4e6):
        refused(path, "table of contents is absurdly long")


def test_entries_that_overlap_are_refused(tmp_path):
    """The quine-like zip bomb without compression: every entry contains the next ones."""
    path = tmp_path / "overlap"
    write_zip(path, {"format.npy": dumped(np.zeros(1000)), "config.npy": b"", "theta.npy": b""})
    whole = bytearray(path.read_bytes())
    end = whole.index(b"PK\x05\x06")
    start = int.from_bytes(whole[end + 16 : end + 20], "little")
    for match in list(re.finditer(rb"PK\x01\x02", whole[start:end])):
        at = start + match.start()
        whole[at + 20 : at + 28] = (start - 200).to_bytes(4, "little") * 2
    put(path, whole)
    refused(path, "table of contents does not fit")


def test_loading_takes_a_few_times_the_memory_of_the_model(tmp_path):
    vae = VAE(784, 20)
    save(tmp_path / "model", vae)
    with memory_below(8 * vae.theta.nbytes):
        load(tmp_path / "model")


def test_nothing_in_a_file_is_executed(good):
    path, _, entries = good
    cases = ["objects", "objects by header", "object fields", "pickle", "code"]
    for case in cases:
        write_zip(path.with_name(case), {**entries, "theta.npy": BAD_HEADERS[case]})
    code = f"""
import sys; sys.path.insert(0, {str(ROOT)!r}); import tinyvae as tv
for case in {cases}:
    try:
        tv.load({str(path.parent)!r} + "/" + case)
    except ValueError:
        print(case)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr  # not the bomb's 86
    assert done.stdout.splitlines() == cases
