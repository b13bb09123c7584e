"""The command line as a person uses it, right and wrong."""

import errno
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from functools import partial

import numpy as np
import pytest

import tinyvae as tv
from tinyvae.cli import commands, look, main, train
from tinyvae.cli.recipes import RECIPES, Recipe
from tinyvae.cli.runs import Run
from tinyvae.cli.settings import Config
from tinyvae.foundation import files, machine
from tinyvae.foundation.text import table

DIGITS = ["--hidden", "16", "--latent-dim", "2", "--epochs", "2", "--quiet"]  # what the fixture's run was made with
TINY = ["--hidden", "8", "--latent-dim", "1", "--epochs", "1", "--quiet"]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# ---- train -----------------------------------------------------------------------------------------


def test_train_makes_a_whole_run_folder(digits):
    names = set(contents(digits))
    assert names == {"config.json", "checkpoint.npz", "history.csv", "results.json", "model.npz", "curves.png",
                     "latent.png", "reconstructions.png", "samples.png", "manifold.png", "traversal.png",
                     "interpolation.png"}
    config = json.loads((digits / "config.json").read_text())
    assert config["settings"]["hidden"] == [16]
    assert config["binarization"] == "dynamic"
    assert config["versions"]["blas"] == machine.blas()
    assert config["data"]["fingerprint"] == tv.datasets.load(validation=1000).fingerprint
    results = json.loads((digits / "results.json").read_text())
    assert results["test_elbo"] == pytest.approx(-(results["test_reconstruction"] + results["test_kl"]))
    assert results["binarization"] == "dynamic"
    vae = tv.load(digits / "model.npz")
    data = tv.datasets.load().test
    again = tv.evaluation.elbo(vae, data.x, rng=0)
    assert again["elbo"] == pytest.approx(results["test_elbo"])


def test_config_json_records_what_decides_the_speed(digits):
    hardware = json.loads((digits / "config.json").read_text())["hardware"]
    assert hardware == machine.hardware()
    assert hardware["processor"]
    blas = json.loads((digits / "config.json").read_text())["versions"]["blas"]
    assert f"{hardware['kernel']}, threads: {hardware['threads']}" in blas


@pytest.mark.skipif(not shutil.which("lscpu"), reason="another program that knows the processor")
def test_the_processor_is_the_one_that_lscpu_names():
    told = subprocess.check_output(["lscpu"], text=True, env=os.environ | {"LC_ALL": "C"})
    assert (name := re.search(r"^Model name:\s*(.+)$", told, re.MULTILINE))
    if platform.machine() == "x86_64":
        family = re.search(r"^CPU family:\s*(\d+)$", told, re.MULTILINE).group(1)
        assert machine.processor() == f"{name.group(1)}, family {family}"


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64") or "openblas" not in machine.blas(),
                    reason="a kernel that can be asked for")
def test_kernel_and_threads_are_those_that_blas_was_told_to_take(python):
    code = "from tinyvae.foundation import machine; h = machine.hardware(); print(h['kernel'], h['threads'])"
    told = {"OPENBLAS_CORETYPE": "Nehalem", "OPENBLAS_NUM_THREADS": "1"}
    assert python(code, env=os.environ | told) == "Nehalem 1\n"


def test_encoder_and_decoder_start_from_different_numbers(run, rows, here):
    assert run("train", "--data", rows, *TINY, "--hidden", 40, "--epochs", 0, "--out", "fresh")[0] == 0
    p = tv.load("fresh/model.npz").parameters()
    a, b = (p[name].ravel()[:40] for name in ("encoder.0.W", "decoder.0.W"))
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.7


def test_train_names_its_files_and_the_next_command(run, here):
    os.makedirs("runs/mnist-small-1")  # of another run
    status, out, _ = run("train", "--hidden", 8, "--latent-dim", 2, "--epochs", 1)
    assert status == 0
    for name in ("samples.png", "reconstructions.png", "curves.png", "latent.png", "tinyvae evaluate"):
        assert name in out
    assert sorted(os.listdir("runs")) == ["mnist-small-1", "mnist-small-2"]
    assert not os.listdir("runs/mnist-small-1")


def test_quiet_says_nothing(rows, here, capfd):
    assert main(["train", "--data", str(rows), *TINY]) == 0
    assert capfd.readouterr() == ("", "")


def test_the_same_seed_makes_the_same_model(run, rows, here):
    for out, seed in [("one", 0), ("again", 0), ("other", 1)]:
        assert run("train", "--data", rows, *TINY, "--seed", seed, "--out", out)[0] == 0
    assert (here / "again/model.npz").read_bytes() == (here / "one/model.npz").read_bytes()
    assert (here / "other/model.npz").read_bytes() != (here / "one/model.npz").read_bytes()
    assert run("train", "--data", rows, *TINY, "--resume", "--out", "new")[0] == 0  # starts what is not there yet
    assert (here / "new/model.npz").read_bytes() == (here / "one/model.npz").read_bytes()


@pytest.mark.parametrize("rule", ["dynamic", "static", "threshold", "none"])
def test_a_run_is_what_fit_makes_of_its_settings(run, rows, here, rule):
    assert run("train", "--data", rows, *TINY, "--seed", 3, "--binarization", rule, "--out", "r")[0] == 0
    for_weights, for_training = map(np.random.default_rng, np.random.SeedSequence(3).spawn(2))
    grey = tv.datasets.load(rows).hold_out(18)  # a tenth of the 180 that are not for the test
    data, left = grey, rule
    if rule == "static":
        data, left = data.freeze(3), "none"
    vae = tv.VAE(12, 1, (8,), rng=for_weights)
    vae.start_from(grey.train.x)
    history = tv.fit(vae, data.train.x, epochs=1, rng=for_training, validation=data.validation.x, binarization=left,
                     progress=False)
    np.testing.assert_array_equal(tv.load("r/model.npz").theta, vae.theta)
    kept = tv.History.load("r/history.csv")
    assert [kept[0][name] for name in ("elbo", "validation_elbo")] == \
        [history[0][name] for name in ("elbo", "validation_elbo")]
    config, results = (json.loads((here / "r" / name).read_text()) for name in ("config.json", "results.json"))
    assert (config["binarization"], results["binarization"]) == (rule, rule)
    assert config["data"]["fingerprint"] == results["fingerprint"] == data.fingerprint
    assert results["test_elbo"] == tv.evaluation.elbo(vae, data.test.x, binarization=left, rng=3)["elbo"]


def test_a_finished_run_is_never_touched(run, digits):
    before = contents(digits)
    status, _, err = run("train", *DIGITS, "--out", digits)
    assert (status, "not empty" in err) == (2, True)
    status, out, _ = run("train", *DIGITS, "--out", digits, "--resume")
    assert (status, "finished" in out) == (0, True)
    status, _, err = run("train", "--epochs", 9, "--out", digits, "--resume")
    assert (status, "--epochs 9 was given, but the run in" in err) == (2, True)
    assert contents(digits) == before


def test_an_unfinished_run_is_not_measured_but_gone_on_with(run, digits, here):
    shutil.copytree(digits, "cut")
    os.remove("cut/model.npz")
    for command in ("evaluate", "plot", "sample"):
        status, _, err = run(command, "cut")
        assert (status, "go on with tinyvae train --resume --out cut" in err) == (2, True)
    assert run("train", "--resume", "--quiet", "--hidden", 16, "--out", "cut")[0] == 0
    assert contents(here / "cut") == contents(digits)


def test_a_run_to_resume_that_is_not_there_is_a_slip_or_begins_and_says_so(run, rows, here):
    (here / "runs" / "one").mkdir(parents=True)
    assert run("train", "--data", rows, *TINY, "--quiet", "--out", "runs/one")[0] == 0
    status, _, err = run("train", "--resume", "--out", "runs/on")
    assert (status, f"did you mean {os.path.join('runs', 'one')}?" in err, err.count("\n")) == (2, True, 1)
    assert not (here / "runs" / "on").exists()
    status, out, _ = run("train", "--data", rows, *TINY[:-1], "--resume", "--out", "new")
    assert (status, "There is no run in new to resume: a new one begins." in out) == (0, True)


def test_a_checkpoint_of_another_seed_is_refused(run, rows, here):
    for seed in (0, 9):
        assert run("train", "--data", rows, *TINY, "--quiet", "--seed", seed, "--out", f"s{seed}")[0] == 0
    shutil.copy("s9/checkpoint.npz", "s0/checkpoint.npz")
    os.remove("s0/model.npz")
    status, _, err = run("train", "--resume", "--out", "s0")
    assert (status, "checkpoint.npz was made with another seed" in err) == (2, True)


@pytest.mark.parametrize(("rule", "said"), [("none", True), ("dynamic", False), ("static", False)])
def test_evaluate_says_that_grey_pixels_have_no_log_p(run, rows, here, rule, said):
    assert run("train", "--data", rows, *TINY, "--binarization", rule, "--out", "r")[0] == 0
    status, out, _ = run("evaluate", "r", "--samples", 2, "--quiet")
    assert (status, "of grey pixels, to which a Bernoulli gives no probability" in out) == (0, said)


def test_a_doubt_is_one_line_and_ends_nothing(run, here):
    np.savez("dark.npz", x=np.random.default_rng(0).integers(0, 17, (200, 4), dtype=np.uint8))
    status, _, err = run("train", "--data", "dark.npz", *TINY, "--quiet", "--out", "r")
    assert status == 0
    assert err == "tinyvae: x is uint8 with no value above 16, taken for grey levels 0..255, which makes it nearly " \
                  "black; if 16 is white, pass x / 16\n"
    np.save("small.npy", 0.1 * np.random.default_rng(0).standard_normal((200, 4)))
    for start, said in (("--no-bias-from-data", True), ("--bias-from-data", False)):
        status, _, err = run("train", "--data", "small.npy", "--likelihood", "gaussian-shared", *TINY, start, "--quiet")
        assert (status, "tinyvae: sigma begins at 1, but x has" in err) == (0, said)


def test_a_run_of_an_older_config_starts_as_it_did(run, rows, here):
    """config.json of version 0.1 says so: bias_from_data was false unless it was asked for."""
    assert run("train", "--data", rows, *TINY, "--no-bias-from-data", "--quiet", "--out", "old")[0] == 0
    weights = np.random.default_rng(np.random.SeedSequence(0).spawn(2)[0])
    config = json.loads((here / "old/config.json").read_text())
    assert config["settings"]["bias_from_data"] is False
    os.remove("old/model.npz")
    np.testing.assert_array_equal(Run.open(here / "old", finished=False).vae.theta,
                                  tv.VAE(12, 1, (8,), rng=weights).theta)


@pytest.mark.skipif(os.name == "nt", reason="SIGINT is sent otherwise on Windows")
def test_ctrl_c_says_how_to_go_on_and_the_result_is_the_same(run, rows, here):
    options = ["train", "--data", str(rows), "--hidden", "8", "--latent-dim", "1", "--epochs", "1000"]
    command = [sys.executable, "-m", "tinyvae", *options, "--out", "cut"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not (here / "cut" / "checkpoint.npz").exists():
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.005)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130, err
    assert "tinyvae train --resume --out cut" in err
    assert "Traceback" not in err
    assert not (here / "cut/model.npz").exists()
    for out in ("cut", "whole"):
        assert run(*options, "--out", out, "--resume")[0] == 0
    assert (here / "cut/model.npz").read_bytes() == (here / "whole/model.npz").read_bytes()


def test_own_data_trains_with_a_gaussian(run, here):
    np.save("own.npy", np.random.default_rng(0).standard_normal((200, 5)))
    status, _, err = run("train", *TINY, "--data", "own.npy", "--out", "bernoulli")
    assert (status, "Gaussian" in err) == (2, True)
    assert not (here / "bernoulli").exists()
    for likelihood in ("gaussian", "gaussian-shared", "gaussian-network"):
        assert run("train", *TINY, "--data", "own.npy", "--likelihood", likelihood, "--out", likelihood)[0] == 0
        assert (here / likelihood / "curves.png").exists()
        assert not (here / likelihood / "samples.png").exists()


@pytest.mark.parametrize("options", [["--objective", "iwae", "--samples", "2"], ["--hidden", "0"],
                                     ["--binarization", "static"], ["--hidden", "8,6", "--activation", "Tanh"],
                                     ["--warmup", "1", "--beta", "0.5", "--free-bits", "0.1"], ["--bias-from-data"],
                                     ["--init", "normal", "--optimizer", "sgd", "--lr", "1e-4"]])
def test_every_option_trains(run, rows, here, options):
    assert run("train", "--data", rows, *TINY, *options, "--out", "run")[0] == 0
    assert run("evaluate", "run", "--samples", 3, "--rows", 9, "--quiet")[0] == 0


def test_a_conditional_model_has_pictures_and_is_evaluated(run, images, here):
    assert run("train", "--data", images, *TINY, "--conditional", "--out", "run")[0] == 0
    assert (here / "run" / "interpolation.png").exists()
    assert run("evaluate", "run", "--samples", 3, "--rows", 9, "--quiet")[0] == 0


def test_a_diverging_run_ends_with_status_1(run, rows, here):
    status, _, err = run("train", "--data", rows, *TINY, "--lr", "1e30", "--out", "run")
    assert (status, "diverged" in err) == (1, True)


def test_rows_that_are_no_images_are_not_drawn_as_images(run, here):
    np.save("rows.npy", np.random.default_rng(0).standard_normal((40, 4)))
    status, out, _ = run("train", "--data", "rows.npy", *TINY[:-1], "--likelihood", "gaussian", "--out", "r")
    assert (status, "no images" in out) == (0, True)
    status, _, err = run("sample", "r", "--out", "x.png")
    assert (status, "use --out samples.npy" in err) == (2, True)
    assert run("sample", "r", "--out", "x.npy")[0] == 0


def test_two_runs_started_at_once_get_a_folder_each(rows, here):
    command = [sys.executable, "-m", "tinyvae", "train", "--data", str(rows), *TINY]
    for process in [subprocess.Popen(command) for _ in range(3)]:
        assert process.wait(120) == 0
    assert sorted(os.listdir("runs")) == ["rows-1", "rows-2", "rows-3"]


def test_a_file_where_all_runs_would_be_is_named(run, rows, here):
    (here / "runs").write_text("mine")
    status, _, err = run("train", "--data", rows, *TINY)
    assert status == 2
    assert err.startswith("tinyvae: runs: ")
    assert err.count("\n") == 1
    assert (here / "runs").read_text() == "mine"


# ---- evaluate --------------------------------------------------------------------------------------


def test_evaluate_measures_and_writes_what_it_measured(run, digits, here):
    shutil.copytree(digits, "r")
    status, out, _ = run("evaluate", "r", "--samples", 20, "--rows", 50, "--quiet")
    assert status == 0
    found = json.loads((here / "r" / "evaluation.json").read_text())
    first = found["first_row"]
    for name, value in [("ELBO", found["test_elbo"]), ("distortion", found["test_reconstruction"]),
                        ("rate", found["test_kl"]), ("log p(x)", found["test_log_likelihood"]),
                        ("±", found["standard_error"]), ("gap", found["gap"]),
                        ("KL by dimension", max(found["kl_per_dimension"])),
                        ("the first row    log p(x)", first["log_p"]),
                        ("KL(q(z|x) || p(z|x))", first["kl_to_posterior"])]:
        assert re.search(rf"{re.escape(name)} +{value:.2f}\b", out), name
    assert f"which adds {found['sampling_error']:.2g}" in out
    assert f"active units     {found['active_units']} of 2" in out
    assert (found["seed"], found["binarization"], found["version"]) == (0, "dynamic", tv.__version__)
    # The numbers of the first row, from the model and the data as any reader has them.
    vae, x = tv.load("r/model.npz"), tv.datasets.load().test.x
    x = tv.datasets.binarize(x, "dynamic", np.random.default_rng(np.random.SeedSequence(0).spawn(2)[0]))[:1]
    exact = tv.evaluation.exact_posterior(vae, x, n=801, span=12)
    mu, logvar = vae.encode(x)
    assert first["log_p"] == pytest.approx(exact.log_p, abs=1e-2)
    assert first["kl_to_posterior"] == pytest.approx(exact.kl_from(mu[0], logvar[0]), abs=1e-2)
    assert (here / "r" / first["picture"]).exists()
    assert found["test_log_likelihood"] > found["test_elbo"]
    assert found["test_rows"] == 50
    assert found["importance_samples"] == 20
    assert found["active_units"] == sum(variance > 0.01 for variance in found["unit_variance"])
    assert found["gap"] == pytest.approx(found["test_log_likelihood"] - found["test_elbo"])
    assert sum(found["kl_per_dimension"]) == pytest.approx(found["test_kl"], rel=1e-5)


def test_a_posterior_that_is_not_on_the_grid_is_named_and_the_rest_is_written(run, here):
    np.save("rows.npy", np.full((60, 2), 50.0))
    assert run("train", "--data", "rows.npy", "--hidden", 0, "--latent-dim", 2, "--epochs", 0, "--quiet",
               "--likelihood", "gaussian", "--out", "r")[0] == 0
    vae = tv.load("r/model.npz")
    vae.theta[:] = 0  # q(z|x) is the prior, and p(z|x) ends up at z = 50
    vae.parameters()["decoder.0.W"][:] = 10 * np.eye(2)
    vae.parameters()["decoder.0.b"][:] = -450
    os.remove("r/model.npz")
    tv.save("r/model.npz", vae)
    status, out, _ = run("evaluate", "r", "--quiet", "--samples", 2)
    assert (status, "give exact_posterior a larger span" in out) == (0, True)
    assert json.loads((here / "r" / "evaluation.json").read_text())["first_row"]["log_p"] is None


def test_a_linear_model_is_also_evaluated_in_closed_form(run, here):
    np.save("rows.npy", np.random.default_rng(0).standard_normal((400, 4)) * [3, 2, 1, 1])
    assert run("train", "--data", "rows.npy", "--hidden", 0, "--latent-dim", 1, "--epochs", 300, "--lr", 0.03,
               "--quiet", "--likelihood", "gaussian-shared", "--out", "r")[0] == 0
    status, out, _ = run("evaluate", "r", "--quiet", "--samples", 2000)
    assert status == 0
    assert "exactly" in out
    assert "so few" not in out
    found = json.loads((here / "r" / "evaluation.json").read_text())
    assert found["exact_log_likelihood"] == pytest.approx(found["test_log_likelihood"], abs=0.05)


def test_a_published_value_stands_with_the_command_that_measures_the_same(digits):
    def published(found, name, **changes):
        one = Run(replace(RECIPES[name].config, **changes))
        one.folder = digits
        return str(train.compared(one, {"test_rows": 1000} | found))

    compare = f"evaluate {digits} --samples 5000 --rows 10000"
    assert "-86.76" in published({}, "fast-vae")
    assert compare in published({}, "fast-vae")
    assert compare in published({"test_rows": 10_000, "importance_samples": 200}, "fast-vae")
    assert "to compare" not in published({"test_rows": 10_000, "importance_samples": 5000}, "fast-vae")
    assert f"evaluate {digits} --rows 10000" in published({}, "pytorch-example")
    assert "to compare" not in published({"test_rows": 10_000}, "pytorch-example")
    assert published({}, "fast-vae", epochs=3) == "[]"


def test_train_and_evaluate_print_the_published_value(run, rows, here, monkeypatch):
    config = Config(recipe="mine", data=str(rows), hidden=(8,), latent_dim=1, epochs=1)
    monkeypatch.setitem(RECIPES, "mine", Recipe("a test", "a table", config, (({}, -12.34),)))
    status, out, _ = run("train", "--recipe", "mine", "--out", "r")
    assert (status, "  published  " in out, "-12.34   (log p(x)" in out) == (0, True, True)
    status, out, _ = run("evaluate", "r", "--samples", 2, "--quiet")
    assert (status, "  published        -12.34   (log p(x)" in out) == (0, True)
    assert re.search(r"\n  to compare +\S.* evaluate r --samples 5000 --rows 10000\n", out)


# ---- sample, plot, gradcheck, data -----------------------------------------------------------------


def test_sample_writes_pictures_and_numbers_and_overwrites_nothing(run, digits, here):
    assert run("sample", digits, "--n", 7, "--out", "x.npy", "--seed", 3)[0] == 0
    np.testing.assert_array_equal(np.load("x.npy"), tv.load(digits / "model.npz").sample(7, 3))
    status, _, err = run("sample", digits, "--n", 7, "--out", "x.npy")
    assert (status, "exists" in err) == (2, True)
    assert run("sample", digits)[0] == 0
    assert (here / "samples.png").read_bytes()[:4] == b"\x89PNG"
    assert run("sample", digits, "--out", "x.txt")[0] == 2


def test_one_label_is_sampled_from_a_conditional_model_only(run, digits, rows, here):
    status, _, err = run("sample", digits, "--label", 3, "--out", "x.png")
    assert (status, "not conditional on labels" in err) == (2, True)
    assert run("train", "--data", rows, *TINY, "--conditional", "--out", "c")[0] == 0
    assert run("sample", "c", "--label", 3, "--n", 7, "--out", "x.npy")[0] == 0
    np.testing.assert_array_equal(np.load("x.npy"), tv.load("c/model.npz").sample(7, 0, 3))
    status, out, _ = run("evaluate", "c", "--samples", 3, "--rows", 20, "--quiet")
    assert status == 0
    assert "  log p(x|y)       -" in out
    assert "what q(z|x,y) falls short" in out
    assert "so few make it little more than a better bound" in out
    status, _, err = run("sample", "c", "--label", 10, "--out", "y.npy")
    assert (status, "expected 0 to 9" in err) == (2, True)
    assert not (here / "y.npy").exists()


def test_plot_draws_the_pictures_again(run, digits, here):
    shutil.copytree(digits, "r")
    for path in (here / "r").glob("*.png"):
        path.unlink()
    status, out, _ = run("plot", "r")
    assert (status, "samples.png" in out) == (0, True)
    assert contents(here / "r") == contents(digits)


def test_gradcheck_prints_one_row_for_everything(run, monkeypatch):
    monkeypatch.setattr(look, "check_gradients", partial(look.check_gradients, entries=2))  # test_gradients: all
    status, out, _ = run("gradcheck")
    assert status == 0
    assert "149 of 149 gradients agree" in out
    assert "WRONG" not in out


def test_gradcheck_shows_a_wrong_gradient_and_ends_with_status_1(run, monkeypatch):
    class Wrong(tv.Tanh):
        def backward(self, da):
            return 2 * super().backward(da)

    x = np.random.default_rng(0).standard_normal((3, 2))
    monkeypatch.setattr(look, "cases", lambda rng: [("right", tv.Tanh(), (x,)), ("wrong", Wrong(), (x,))])
    status, out, _ = run("gradcheck")
    assert status == 1
    assert re.search(r"^wrong .* WRONG", out, re.MULTILINE)
    assert out.endswith("1 of 2 gradients agree with both numerical derivatives\n")


def test_data_describes_a_data_set(run):
    status, out, _ = run("data")
    assert status == 0
    assert "10000 rows" in out
    assert tv.datasets.load().fingerprint in out


# ---- the settings ----------------------------------------------------------------------------------


def test_every_setting_is_an_option_with_its_default_in_the_help(run):
    _, out, _ = run("train", "--help")
    entries = re.split(r"\n  (?=--)", out.partition("options:")[2])
    helps = {entry.split()[0].rstrip(","): " ".join(entry.split()) for entry in entries}
    switches = {"--conditional"}
    no_default = {"--recipe", "--data-dir", "--binarization"}
    for name, value in vars(Config()).items():
        flag = f"--{name.replace('_', '-')}"
        shown = re.search(r"\(([^()]*)\)$", helps[flag])
        if flag == "--bias-from-data":
            assert value is True
            assert "--no-bias-from-data" in helps[flag]
        elif flag in switches:
            assert value is False
        elif flag in no_default:
            assert value is None
        elif name == "data":
            assert re.sub("- ", "-", shown[1]) == value  # it is broken at its hyphen
        elif name == "hidden":
            assert shown[1] == "400"
            assert value == (400,)
        else:
            assert type(value)(shown[1]) == value, name
    assert commands._parser().parse_args(["train"]).__dict__.keys() == {"run", "out", "resume", "quiet"}


@pytest.mark.parametrize(("option", "name", "value"), [
    ("--lr 0.5", "lr", 0.5), ("--epochs 3", "epochs", 3), ("--hidden 3,4", "hidden", (3, 4)),
    ("--hidden 0", "hidden", ()), ("--conditional", "conditional", True), ("--bias-from-data", "bias_from_data", True),
    ("--no-bias-from-data", "bias_from_data", False),
    ("--beta 0", "beta", 0.0), ("--data x.npz", "data", "x.npz"), ("--data-dir here", "data_dir", "here"),
    ("--binarization threshold", "binarization", "threshold"), ("--free-bits 0.1", "free_bits", 0.1)])
def test_an_option_becomes_a_setting_of_its_type(option, name, value):
    args = vars(commands._parser().parse_args(["train", *option.split()]))
    given = {field.name: args[field.name] for field in fields(Config) if field.name in args}
    assert given == {name: value}
    assert type(given[name]) is type(value)
    assert getattr(Config(**given), name) == value


@pytest.mark.parametrize(("settings", "words"), [
    ({"lr": 0}, "lr is 0; expected a finite number above 0"), ({"hidden": (3, 0)}, "a hidden size is 0"),
    ({"likelihood": "x"}, "likelihood is 'x'; expected one of bernoulli, gaussian"), ({"samples": 0}, "samples is 0"),
    ({"binarization": "x"}, "expected one of dynamic, static, threshold, none"), ({"samples": 1.0}, "whole number"),
    ({"free_bits": -1}, "free_bits is -1"), ({"adam_eps": "x"}, "adam_eps is 'x'; expected a number"),
    ({"objective": "iwae", "warmup": 1}, "take the objective elbo"),
    ({"objective": "iwae", "free_bits": 0.1}, "take the objective elbo")])
def test_settings_that_make_no_run_are_refused(settings, words):
    with pytest.raises((ValueError, TypeError), match=re.escape(words)):
        Config(**settings)


# ---- what is wrong is said in one line -------------------------------------------------------------


@pytest.mark.parametrize(("argv", "words"), [
    (["train", "--epochs", "-1"], "at least 0"), (["train", "--epochs", "x"], "whole number"),
    (["train", "--lr", "0"], "'0' was given; expected a number above 0"),
    (["train", "--lr", "nan"], "number"), (["train", "--beta", "-1"], "at least"),
    (["train", "--hidden", "4,,5"], "whole number"), (["train", "--likelihood", "poisson"], "poisson"),
    (["train", "--data", "mnist-smal"], "mnist-small"), (["train", "--data", "no/such.npy"], "no/such.npy"),
    (["train", "--resume"], "--out"), (["evaluate", "nowhere"], "nowhere"), (["plot", "nowhere"], "nowhere"),
    (["sample", "nowhere"], "nowhere"), (["trian"], "trian"), ([], "COMMAND"),
    (["evaluate", "nowhere", "--samples", "0"], "at least 1"), (["evaluate", "nowhere", "--rows", "0"], "at least 1"),
    (["train", "--data", "mnist", "--data-dir", "."], "train-images"),
    (["train", "--objective", "iwae", "--samples", "5", "--beta", "3"], "take the objective elbo"),
    (["train", "--data", "own.npy", "--likelihood", "gaussian", "--conditional"], "labels"),
    (["train", "--latent", "2"], "--latent"), (["sample"], "RUN"), (["tran"], "tran"),
    (["train", "--out", "own.npy"], "own.npy is a file"),
])
def test_bad_input_gets_one_line_and_changes_nothing(run, here, argv, words):
    np.save("own.npy", np.random.default_rng(0).standard_normal((50, 3)))
    status, _, err = run(*argv)
    assert status == 2
    assert words in err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert os.listdir(here) == ["own.npy"]


def test_a_run_with_another_model_is_refused_and_a_mistyped_one_answered_with_the_nearest(run, digits, here):
    shutil.copytree(digits, "digits-1")
    os.remove("digits-1/model.npz")
    tv.save("digits-1/model.npz", tv.VAE(784, 3, (16,)))
    for command in ("evaluate", "plot", "sample"):
        status, _, err = run(command, "digits-1")
        assert status == 2
        assert "another model than the config.json beside it says: <VAE 784 – 16 – 3" in err
    status, _, err = run("evaluate", "digit-1")
    assert (status, "did you mean digits-1?" in err) == (2, True)


def test_data_that_changed_since_the_run_are_refused(run, here):
    x = np.random.default_rng(0).random((60, 4))
    np.save("rows.npy", x)
    assert run("train", "--data", "rows.npy", *TINY, "--out", "r")[0] == 0
    os.makedirs("elsewhere")
    os.chdir("elsewhere")  # the run knows where its data are
    assert run("evaluate", "../r", "--samples", 2, "--quiet")[0] == 0
    np.save("../rows.npy", x[::-1])
    for command in ("evaluate", "plot", "sample"):
        status, _, err = run(command, "../r")
        assert (status, "changed since" in err) == (2, True)


@pytest.mark.parametrize("settings", [
    {"likelihood": "foo"}, {"objective": "foo"}, {"validation": "x"}, {"hidden": 3}, {"epochs": -1}, {"lr": 0},
    {"unknown": 1}, {"seed": None}])
def test_a_config_of_nonsense_is_named(run, digits, here, settings):
    os.makedirs("r")
    config = json.loads((digits / "config.json").read_text())
    config["settings"] |= settings
    (here / "r" / "config.json").write_text(json.dumps(config))
    status, _, err = run("train", "--resume", "--out", "r")
    assert status == 2
    assert "config.json is not the config of a run" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("text", ["[" * 100_000, "", "{}", '{"settings": {}}', "\0",
                                  '{"settings": {"hidden": []}, "data": {"fingerprint": null}}'])
def test_a_damaged_config_is_named(run, here, text):
    os.makedirs("r")
    (here / "r" / "config.json").write_text(text)
    status, _, err = run("evaluate", "r")
    assert (status, "config.json is not the config of a run" in err) == (2, True)


@pytest.mark.parametrize("text", ["epoch,elbo\n1,x\n", "epoch,elbo\n1\n", "epoch\n1,2\n", "\0\n\0\n"])
def test_a_damaged_history_is_named(run, digits, here, text):
    shutil.copytree(digits, "r")
    (here / "r" / "history.csv").write_text(text)
    status, _, err = run("plot", "r")
    assert (status, "history.csv is not the history of a run" in err) == (2, True)


def test_a_history_comes_back_from_its_file(here):
    history = tv.History([{"epoch": 1, "elbo": -1 / 3}, {"epoch": 2, "elbo": -1e-30}])
    history.save("history.csv")
    assert tv.History.load("history.csv") == history
    tv.History().save("empty.csv")
    assert tv.History.load("empty.csv") == []


def test_too_much_memory_is_said_in_one_line(run, digits, here):
    status, _, err = run("sample", digits, "--n", 10**13, "--out", "x.npy")
    assert (status, "not enough memory" in err) == (2, True)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes among its files")
def test_a_pipe_is_no_data(run, here):
    os.mkfifo("p.npy")
    status, _, err = run("data", "p.npy")
    assert (status, "neither a file nor a folder" in err) == (2, True)


@pytest.mark.skipif(os.name == "nt", reason="no SIGPIPE on Windows")
def test_a_reader_that_stops_early_hears_no_complaint():
    command = [sys.executable, "-m", "tinyvae", "recipes"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


def test_a_closed_pipe_of_windows_is_no_invalid_argument_and_the_other_way_round(run, here, monkeypatch):
    monkeypatch.setattr(commands, "CLOSED", (errno.EPIPE, errno.EINVAL))
    invalid = errno.EINVAL, "Invalid argument"
    for error, status, said in ((OSError(*invalid), 141, ""),
                                (OSError(*invalid, "a?"), 2, "tinyvae: a?: Invalid argument\n")):
        def fail(args, error=error):
            raise error

        fail.__name__ = "data"
        with monkeypatch.context() as patch:
            patch.setattr(look, "data", fail)
            patch.setattr(sys, "stdout", sys.stdout)  # which is another one afterwards
            assert run("data")[::2] == (status, said)
            if status == 141:
                sys.stdout.close()


# ---- what it all stands on -------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["train", "evaluate", "sample", "plot", "gradcheck", "data"])
def test_help_shows_an_example(run, command):
    status, out, _ = run(command, "--help")
    assert (status, f"examples:\n  tinyvae {command}" in out) == (0, True)


def test_importing_the_package_imports_nothing_slow(python):
    code = ("import sys, tinyvae\n"
            "print([m for m in ('matplotlib', 'tqdm', 'argparse', 'csv', 'tinyvae.cli') if m in sys.modules])")
    assert python(code).strip() == "[]"


def test_the_command_line_starts_without_what_only_some_commands_need(python):
    code = "import sys, tinyvae.cli.commands\n" \
           "print([m for m in ('matplotlib', 'tqdm', 'threadpoolctl') if m in sys.modules])"
    assert python(code).strip() == "[]"


@pytest.mark.parametrize(("called", "named"), [
    ("bin/tinyvae", "bin/tinyvae"), ("/elsewhere/tinyvae", "/elsewhere/tinyvae"), ("/on/the/path/tinyvae", "tinyvae"),
    ("x/__main__.py", "python -m tinyvae")])
def test_the_next_command_is_named_as_this_one_was_called(monkeypatch, called, named):
    monkeypatch.setattr(sys, "argv", [called])
    monkeypatch.setattr(train.shutil, "which", lambda name: "/on/the/path/tinyvae")
    assert train.program() == named


def test_a_file_is_written_whole_as_text_as_bytes_and_as_json(here):
    files.write("text", "σ = 1\n")
    files.write("bytes", memoryview(b"\0\1"))
    files.write_json("value.json", {"a": [1, None]})
    assert (here / "text").read_bytes() == b"\xcf\x83 = 1\n"
    assert (here / "bytes").read_bytes() == b"\0\1"
    assert json.loads((here / "value.json").read_text()) == {"a": [1, None]}
    before = contents(here)
    with pytest.raises(ValueError, match="JSON"):
        files.write_json("value.json", {"a": float("nan")})
    assert contents(here) == before


def test_a_table_has_columns():
    assert table([["a", "bb", ""], ["ccc", "d", "e"], ["", "f", ""]]) == "a    bb\nccc  d   e\n     f"
