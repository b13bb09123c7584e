"""The command line as a person uses it, right and wrong."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

import tinyvae as tv
from tinyvae.cli import commands, main
from tinyvae.cli.recipes import RECIPES
from tinyvae.foundation import machine

TINY = ["--hidden", "16", "--latent-dim", "2", "--epochs", "2", "--quiet"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run on the bundled digits."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    assert main(["train", *TINY, "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_train_makes_a_whole_run_folder(run):
    names = set(contents(run))
    assert names == {"config.json", "checkpoint.npz", "history.csv", "results.json", "model.npz", "curves.png",
                     "latent.png", "reconstructions.png", "samples.png", "manifold.png", "traversal.png",
                     "interpolation.png"}
    config = json.loads((run / "config.json").read_text())
    assert config["settings"]["hidden"] == [16]
    assert config["binarization"] == "dynamic"
    assert config["versions"]["blas"] == machine.blas()
    assert config["data"]["fingerprint"] == tv.datasets.load(validation=1000).fingerprint
    results = json.loads((run / "results.json").read_text())
    assert results["test_elbo"] == pytest.approx(-(results["test_reconstruction"] + results["test_kl"]))
    assert results["binarization"] == "dynamic"
    vae = tv.load(run / "model.npz")
    data = tv.datasets.load().test
    again = tv.evaluation.elbo(vae, data.x, rng=0)
    assert again["elbo"] == pytest.approx(results["test_elbo"])


def test_encoder_and_decoder_start_from_different_numbers(here):
    assert main(["train", *TINY[:4], "--epochs", "0", "--quiet", "--out", "fresh"]) == 0
    p = tv.load("fresh/model.npz").parameters()
    a, b = (p[name].ravel()[: 2 * 16] for name in ("encoder.0.W", "decoder.0.W"))
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.7


def test_train_names_its_files_and_the_next_command(here, capsys):
    assert main(["train", *TINY[:-1], "--epochs", "1"]) == 0
    out = capsys.readouterr().out
    for name in ("samples.png", "reconstructions.png", "curves.png", "latent.png", "tinyvae evaluate"):
        assert name in out
    assert main(["train", *TINY, "--epochs", "1"]) == 0  # a second run gets a folder of its own
    assert sorted(os.listdir("runs")) == ["mnist-small-1", "mnist-small-2"]


def test_quiet_says_nothing(here, capfd):
    assert main(["train", *TINY, "--epochs", "1"]) == 0
    assert capfd.readouterr() == ("", "")


def test_the_same_seed_makes_the_same_model(run, here):
    assert main(["train", *TINY, "--out", "again"]) == 0
    assert (here / "again/model.npz").read_bytes() == (run / "model.npz").read_bytes()
    assert main(["train", *TINY, "--seed", "1", "--out", "other"]) == 0
    assert (here / "other/model.npz").read_bytes() != (run / "model.npz").read_bytes()


def test_a_finished_run_is_never_touched(run, capsys):
    before = contents(run)
    assert main(["train", *TINY, "--out", str(run)]) == 2
    assert "not empty" in capsys.readouterr().err
    assert main(["train", *TINY, "--out", str(run), "--resume"]) == 0
    assert "finished" in capsys.readouterr().out
    assert main(["train", "--epochs", "9", "--out", str(run), "--resume"]) == 2
    assert "--epochs 9" in capsys.readouterr().err
    assert contents(run) == before


def test_resume_starts_a_run_that_does_not_exist(run, here):
    assert main(["train", *TINY, "--resume", "--out", "new"]) == 0
    assert (here / "new/model.npz").read_bytes() == (run / "model.npz").read_bytes()


def tinyvae(*args):
    return subprocess.Popen([sys.executable, "-m", "tinyvae", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)


@pytest.mark.skipif(os.name == "nt", reason="SIGINT is sent otherwise on Windows")
def test_ctrl_c_says_how_to_go_on_and_the_result_is_the_same(here):
    options = ["train", "--hidden", "16", "--latent-dim", "2", "--epochs", "12"]
    with tinyvae(*options, "--out", "cut") as process:
        while not (here / "cut" / "config.json").exists():
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.005)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130, err
    assert "tinyvae train --resume --out cut" in err
    assert "Traceback" not in err
    assert not (here / "cut/model.npz").exists()
    for out in ("cut", "whole"):
        with tinyvae(*options, "--out", out, "--resume") as process:
            _, err = process.communicate()
            assert process.returncode == 0, err
    assert (here / "cut/model.npz").read_bytes() == (here / "whole/model.npz").read_bytes()


def test_evaluate_measures_and_writes_what_it_measured(run, capsys):
    assert main(["evaluate", str(run), "--samples", "20", "--rows", "50", "--quiet"]) == 0
    out = capsys.readouterr().out
    found = json.loads((run / "evaluation.json").read_text())
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
    vae, rows = tv.load(run / "model.npz"), tv.datasets.load().test.x
    x = tv.datasets.binarize(rows, "dynamic", np.random.default_rng(np.random.SeedSequence(0).spawn(2)[0]))[:1]
    exact = tv.evaluation.exact_posterior(vae, x, n=801, span=12)
    mu, logvar = vae.encode(x)
    assert first["log_p"] == pytest.approx(exact.log_p, abs=1e-2)
    assert first["kl_to_posterior"] == pytest.approx(exact.kl_from(mu[0], logvar[0]), abs=1e-2)
    assert found["test_log_likelihood"] > found["test_elbo"]
    assert found["test_rows"] == 50
    assert found["importance_samples"] == 20
    assert found["active_units"] == sum(variance > 0.01 for variance in found["unit_variance"])
    assert found["gap"] == pytest.approx(found["test_log_likelihood"] - found["test_elbo"])
    assert sum(found["kl_per_dimension"]) == pytest.approx(found["test_kl"], rel=1e-5)
    for name in ("evaluation.json", "evaluation-20.npz", "posterior.png"):
        (run / name).unlink()


def test_a_posterior_that_is_not_on_the_grid_is_named_and_the_rest_is_written(here, capsys):
    np.save("rows.npy", np.full((60, 2), 50.0))
    assert main(["train", "--data", "rows.npy", "--hidden", "0", "--latent-dim", "2", "--epochs", "1", "--quiet",
                 "--likelihood", "gaussian", "--out", "r"]) == 0
    vae = tv.load("r/model.npz")
    vae.theta[:] = 0  # q(z|x) is the prior, and p(z|x) ends up at z = 50
    vae.parameters()["decoder.0.W"][:] = 10 * np.eye(2)
    vae.parameters()["decoder.0.b"][:] = -450
    os.remove("r/model.npz")
    tv.save("r/model.npz", vae)
    assert main(["evaluate", "r", "--quiet", "--samples", "2"]) == 0
    assert "give exact_posterior a larger span" in capsys.readouterr().out
    assert json.loads((here / "r" / "evaluation.json").read_text())["first_row"]["log_p"] is None


def test_a_published_value_is_printed_with_the_command_that_measures_the_same(run, capsys):
    def published(found, name, **settings):
        commands._compare(replace(RECIPES[name].config, **settings), {"test_rows": 1000} | found, run)
        return capsys.readouterr().out

    compare = f"evaluate {run} --samples 5000 --rows 10000"
    assert "-86.76" in published({}, "fast-vae")
    assert compare in published({}, "fast-vae")
    assert compare in published({"test_rows": 10_000, "importance_samples": 200}, "fast-vae")
    assert "to compare" not in published({"test_rows": 10_000, "importance_samples": 5000}, "fast-vae")
    assert f"evaluate {run} --rows 10000" in published({}, "pytorch-example")
    assert "to compare" not in published({"test_rows": 10_000}, "pytorch-example")
    assert published({}, "fast-vae", epochs=3) == ""


def test_a_linear_model_is_also_evaluated_in_closed_form(here, capsys):
    np.save("rows.npy", np.random.default_rng(0).standard_normal((400, 4)) * [3, 2, 1, 1])
    assert main(["train", "--data", "rows.npy", "--hidden", "0", "--latent-dim", "1", "--epochs", "300", "--lr", "0.03",
                 "--quiet", "--likelihood", "gaussian-shared", "--out", "r"]) == 0
    assert main(["evaluate", "r", "--quiet", "--samples", "2000"]) == 0
    out = capsys.readouterr().out
    assert "exactly" in out
    assert "so few" not in out
    found = json.loads((here / "r" / "evaluation.json").read_text())
    assert found["exact_log_likelihood"] == pytest.approx(found["test_log_likelihood"], abs=0.05)


def test_sample_writes_pictures_and_numbers_and_overwrites_nothing(run, here, capsys):
    assert main(["sample", str(run), "--n", "7", "--out", "x.npy", "--seed", "3"]) == 0
    np.testing.assert_array_equal(np.load("x.npy"), tv.load(run / "model.npz").sample(7, 3))
    assert main(["sample", str(run), "--n", "7", "--out", "x.npy"]) == 2
    assert "exists" in capsys.readouterr().err
    assert main(["sample", str(run)]) == 0
    assert (here / "samples.png").read_bytes()[:4] == b"\x89PNG"
    assert main(["sample", str(run), "--out", "x.txt"]) == 2


def test_plot_draws_the_pictures_again(run, capsys):
    (run / "samples.png").unlink()
    assert main(["plot", str(run)]) == 0
    assert (run / "samples.png").exists()
    assert "samples.png" in capsys.readouterr().out


def test_gradcheck_prints_one_row_for_everything(capsys):
    assert main(["gradcheck"]) == 0
    out = capsys.readouterr().out
    assert "149 of 149 gradients agree" in out
    assert "WRONG" not in out


def test_data_describes_a_data_set(capsys):
    assert main(["data"]) == 0
    out = capsys.readouterr().out
    assert "10000 rows" in out
    assert tv.datasets.load().fingerprint in out


def test_own_data_trains_with_a_gaussian(here, capsys):
    rng = np.random.default_rng(0)
    np.save("own.npy", rng.standard_normal((200, 5)))
    assert main(["train", *TINY, "--data", "own.npy", "--out", "bernoulli"]) == 2
    assert "Gaussian" in capsys.readouterr().err
    assert not (here / "bernoulli").exists()
    for likelihood in ("gaussian", "gaussian-shared", "gaussian-network"):
        assert main(["train", *TINY, "--data", "own.npy", "--likelihood", likelihood, "--out", likelihood]) == 0
        assert (here / likelihood / "curves.png").exists()
        assert not (here / likelihood / "samples.png").exists()


@pytest.mark.parametrize("options", [["--conditional"], ["--objective", "iwae", "--samples", "2"], ["--hidden", "0"],
                                     ["--binarization", "static"], ["--hidden", "8,6", "--activation", "Tanh"],
                                     ["--warmup", "1", "--beta", "0.5", "--free-bits", "0.1"]])
def test_every_option_trains(here, options):
    assert main(["train", *TINY, "--epochs", "1", *options, "--out", "run"]) == 0
    assert main(["evaluate", "run", "--samples", "3", "--rows", "9", "--quiet"]) == 0


@pytest.mark.parametrize(("argv", "words"), [
    (["train", "--epochs", "-1"], "at least 0"), (["train", "--epochs", "x"], "whole number"),
    (["train", "--lr", "0"], "above 0"), (["train", "--lr", "nan"], "number"), (["train", "--beta", "-1"], "at least"),
    (["train", "--hidden", "4,,5"], "whole number"), (["train", "--likelihood", "poisson"], "poisson"),
    (["train", "--data", "mnist-smal"], "mnist-small"), (["train", "--data", "no/such.npy"], "no/such.npy"),
    (["train", "--resume"], "--out"), (["evaluate", "nowhere"], "nowhere"), (["plot", "nowhere"], "nowhere"),
    (["sample", "nowhere"], "nowhere"), (["trian"], "trian"), ([], "COMMAND"),
    (["evaluate", "nowhere", "--samples", "0"], "at least 1"), (["evaluate", "nowhere", "--rows", "0"], "at least 1"),
    (["train", "--data", "mnist", "--data-dir", "."], "train-images"),
    (["train", "--objective", "iwae", "--samples", "5", "--beta", "3"], "take the objective elbo"),
    (["train", "--data", "own.npy", "--likelihood", "gaussian", "--conditional"], "labels"),
])
def test_bad_input_gets_one_line_and_changes_nothing(here, capsys, argv, words):
    np.save("own.npy", np.random.default_rng(0).standard_normal((50, 3)))
    try:
        status = main(argv)
    except SystemExit as stop:  # argparse's own errors
        status = stop.code
    assert status == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert words in message
    assert "Traceback" not in message
    assert os.listdir(here) == ["own.npy"]


def test_a_run_with_another_model_is_refused_and_a_mistyped_one_answered_with_the_nearest(run, here, capsys):
    shutil.copytree(run, "digits-1")
    os.remove("digits-1/model.npz")
    tv.save("digits-1/model.npz", tv.VAE(784, 3, (16,)))
    for command in ("evaluate", "plot", "sample"):
        assert main([command, "digits-1"]) == 2
        assert "another model than the config.json beside it says: <VAE 784 – 16 – 3" in capsys.readouterr().err
    assert main(["evaluate", "digit-1"]) == 2
    assert "did you mean digits-1?" in capsys.readouterr().err


def test_a_diverging_run_ends_with_status_1(here, capsys):
    assert main(["train", *TINY, "--lr", "1e30", "--out", "run"]) == 1
    assert "diverged" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["train", "evaluate", "sample", "plot", "gradcheck", "data"])
def test_help_shows_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"examples:\n  tinyvae {command}" in capsys.readouterr().out


def test_importing_the_package_imports_nothing_slow():
    code = ("import sys, tinyvae\n"
            "print([m for m in ('matplotlib', 'tqdm', 'argparse', 'csv', 'tinyvae.cli') if m in sys.modules])")
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_one_label_is_sampled_from_a_conditional_model_only(run, here, capsys):
    assert main(["sample", str(run), "--label", "3", "--out", "x.png"]) == 2
    assert "not conditional on labels" in capsys.readouterr().err
    assert main(["train", *TINY, "--conditional", "--epochs", "1", "--out", "c"]) == 0
    assert main(["sample", "c", "--label", "3", "--n", "7", "--out", "x.npy"]) == 0
    np.testing.assert_array_equal(np.load("x.npy"), tv.load("c/model.npz").sample(7, 0, 3))
    assert main(["evaluate", "c", "--samples", "3", "--rows", "20", "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "  log p(x|y)       -" in out
    assert "what q(z|x,y) falls short" in out
    assert "so few make it little more than a better bound" in out
    assert main(["sample", "c", "--label", "10", "--out", "y.npy"]) == 2
    assert "expected 0 to 9" in capsys.readouterr().err
    assert not (here / "y.npy").exists()


def test_rows_that_are_no_images_are_not_drawn_as_images(here, capsys):
    np.save("rows.npy", np.random.default_rng(0).standard_normal((40, 4)))
    options = ["--hidden", "8", "--latent-dim", "2", "--epochs", "1", "--likelihood", "gaussian"]
    assert main(["train", "--data", "rows.npy", *options, "--out", "r"]) == 0
    assert "no images" in capsys.readouterr().out
    assert main(["sample", "r", "--out", "x.png"]) == 2
    assert "use --out samples.npy" in capsys.readouterr().err
    assert main(["sample", "r", "--out", "x.npy"]) == 0


def test_an_error_in_the_options_is_one_line(capsys):
    for command in (["train", "--lr", "0"], ["train", "--latent", "2"], ["sample"], ["tran"]):
        with pytest.raises(SystemExit) as stop:
            main(command)
        assert stop.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_data_that_changed_since_the_run_are_refused(here, capsys):
    rows = np.random.default_rng(0).random((60, 4))
    np.save("rows.npy", rows)
    assert main(["train", "--data", "rows.npy", *TINY, "--epochs", "1", "--out", "r"]) == 0
    os.makedirs("elsewhere")
    os.chdir("elsewhere")  # the run knows where its data are
    assert main(["evaluate", "../r", "--samples", "2", "--quiet"]) == 0
    np.save("../rows.npy", rows[::-1])
    for command in ("evaluate", "plot", "sample"):
        assert main([command, "../r"]) == 2
        assert "changed since" in capsys.readouterr().err


@pytest.mark.parametrize("settings", [
    {"likelihood": "foo"}, {"objective": "foo"}, {"validation": "x"}, {"hidden": 3}, {"epochs": -1}, {"lr": 0},
    {"unknown": 1}, {"seed": None}])
def test_a_config_of_nonsense_is_named(run, here, capsys, settings):
    os.makedirs("r")
    config = json.loads((run / "config.json").read_text())
    config["settings"] |= settings
    (here / "r" / "config.json").write_text(json.dumps(config))
    assert main(["train", "--resume", "--out", "r"]) == 2
    err = capsys.readouterr().err
    assert "config.json is not the config of a run" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("text", ["[" * 100_000, "", "{}", '{"settings": {}}', "\0"])
def test_a_damaged_config_is_named(here, capsys, text):
    os.makedirs("r")
    (here / "r" / "config.json").write_text(text)
    assert main(["evaluate", "r"]) == 2
    assert "config.json is not the config of a run" in capsys.readouterr().err


def test_too_much_memory_is_said_in_one_line(run, here, capsys):
    assert main(["sample", str(run), "--n", str(10**13), "--out", "x.npy"]) == 2
    assert "not enough memory" in capsys.readouterr().err


def test_two_runs_started_at_once_get_a_folder_each(here):
    command = [sys.executable, "-m", "tinyvae", "train", *TINY, "--epochs", "1"]
    for process in [subprocess.Popen(command) for _ in range(3)]:
        assert process.wait(120) == 0
    assert sorted(os.listdir("runs")) == ["mnist-small-1", "mnist-small-2", "mnist-small-3"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes among its files")
def test_a_pipe_is_no_data(here, capsys):
    os.mkfifo("p.npy")
    assert main(["data", "p.npy"]) == 2
    assert "neither a file nor a folder" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="no SIGPIPE on Windows")
def test_a_reader_that_stops_early_hears_no_complaint():
    command = [sys.executable, "-m", "tinyvae", "recipes"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


@pytest.mark.parametrize(("called", "named"), [
    ("bin/tinyvae", "bin/tinyvae"), ("/elsewhere/tinyvae", "/elsewhere/tinyvae"), ("/on/the/path/tinyvae", "tinyvae"),
    ("x/__main__.py", "python -m tinyvae")])
def test_the_next_command_is_named_as_this_one_was_called(monkeypatch, called, named):
    monkeypatch.setattr(sys, "argv", [called])
    monkeypatch.setattr(commands.shutil, "which", lambda name: "/on/the/path/tinyvae")
    assert commands._program() == named
