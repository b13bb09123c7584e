"""What a picture shows is what the model says: read back from its artists, not from its pixels."""

import copy
import pickle
import subprocess
import sys
from statistics import NormalDist

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Circle

import tinyvae as tv
from tinyvae import evaluation, plots
from tinyvae.plots import charts, images

H, W = 3, 5  # not square, so that swapped sides show
D, M = H * W, 13
SHAPE = (H, W)


def model(J=2, D=D, C=0, likelihood=None):
    vae = tv.VAE(D, J, (7,), likelihood, n_classes=C, dtype=np.float64, rng=0)
    vae.theta += 0.3 * np.random.default_rng(1).standard_normal(vae.theta.size)
    return vae


X = np.random.default_rng(2).random((M, D))
Y = np.arange(M) % 3
HISTORY = [{"epoch": e, "elbo": -100.0 / e, "reconstruction": 90.0 / e, "kl": 10.0 / e,
            "validation_elbo": -110.0 / e, "validation_reconstruction": 95.0 / e, "validation_kl": 15.0 / e}
           for e in (1, 2, 3)]


def tiles(figure, shape=SHAPE):
    """The images of a figure as (R, C, D), read from its one AxesImage."""
    (image,) = figure.axes[0].images
    picture = np.asarray(image.get_array().filled(np.nan))
    h, w = shape
    R, C = picture.shape[0] // h, picture.shape[1] // w
    return np.array([[picture[r * h : (r + 1) * h, c * w : (c + 1) * w].ravel() for c in range(C)]
                     for r in range(R)])


def ticks(axis):
    return [tick.get_text() for tick in axis.get_ticklabels()]


def every_figure(vae):
    return [plots.curves(HISTORY), plots.reconstructions(vae, X, image_shape=SHAPE),
            plots.samples(vae, 5, 0, image_shape=SHAPE), plots.manifold(vae, 4, image_shape=SHAPE, dims=(0, 1)),
            plots.traversal(vae, X, image_shape=SHAPE), plots.interpolation(vae, X[0], X[1], image_shape=SHAPE),
            plots.latent_scatter(vae, X, Y)]


@pytest.fixture(scope="module")
def drawn():
    """Every picture as a user has it, and what was there before they were drawn: settings, data, parameters."""
    vae, before = model(3), (copy.deepcopy(dict(rcParams)), X.copy(), model(3).theta)
    return every_figure(vae), before, (dict(rcParams), X, vae.theta)


@pytest.fixture
def figures(drawn):
    return drawn[0]


@pytest.fixture(autouse=True)
def not_laid_out(monkeypatch):
    """All others keep their first size: what is read back of them does not depend on it, and it is half of the work."""
    for room in (charts, images):
        monkeypatch.setattr(room, "fit", lambda figure: figure)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """The folder of two pictures that a process of its own drew, and whether it had imported matplotlib and pyplot."""
    folder = tmp_path_factory.mktemp("plots")
    code = f"""
import sys, numpy as np, tinyvae.plots
print('matplotlib' in sys.modules)
vae = tinyvae.VAE(9, 2, (4,), rng=0)
tinyvae.plots.latent_scatter(vae, np.zeros((3, 9))).savefig({str(folder / 'a.png')!r}, dpi=20)
tinyvae.plots.manifold(vae, 3).savefig({str(folder / 'b.pdf')!r})
print('matplotlib.pyplot' in sys.modules)"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return folder, result.stdout.split()


# ---- all of them ---------------------------------------------------------------------------------


def test_importing_plots_does_not_import_matplotlib(elsewhere):
    _, (matplotlib, _) = elsewhere
    assert matplotlib == "False"


def test_drawing_and_saving_does_not_import_pyplot(elsewhere):
    folder, (_, pyplot) = elsewhere
    assert pyplot == "False"
    assert (folder / "a.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "b.pdf").read_bytes().startswith(b"%PDF")


def test_every_picture_leaves_rcparams_model_and_data_as_they_were(drawn):
    _, before, after = drawn
    for old, new in zip(before, after, strict=True):
        np.testing.assert_equal(new, old)


def test_every_picture_is_a_figure_with_a_title_that_shows_itself_in_a_notebook(figures):
    for figure in figures:
        assert type(figure) is Figure
        assert figure.get_suptitle()
        dpi = figure.get_dpi()
        figure.set_dpi(30)
        assert figure._repr_png_().startswith(b"\x89PNG")
        figure.set_dpi(dpi)


def test_a_figure_survives_pickling_and_still_shows_itself():
    figure = pickle.loads(pickle.dumps(plots.curves(HISTORY)))
    figure.set_dpi(30)
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_every_image_is_grey_from_0_to_1_without_interpolation(figures):
    images = [image for figure in figures for ax in figure.axes for image in ax.images]
    assert len(images) == 5
    for image in images:
        assert image.get_cmap().name == "gray"
        assert image.get_clim() == (0, 1)
        assert image.get_interpolation() == "nearest"


def test_pixels_are_square_and_no_paper_is_wasted(figures):
    for figure in figures[1:]:  # all but the curves
        figure.draw_without_rendering()
        ax, paper = figure.axes[0], figure.get_size_inches()
        width, height = ax.get_position().size * paper
        rows, columns = ax.images[0].get_array().shape if ax.images else (1, 1)
        assert height / rows == pytest.approx(width / columns, rel=0.01)
        assert ax.get_aspect() != "auto"  # and so they stay, whatever becomes of the paper
        assert (paper - figure.get_tightbbox().size < 0.27).all()  # a tenth of an inch on each side, and a little


def test_axes_say_nats_and_prior_standard_deviations():
    vae = model(3)
    labels = [(ax.get_xlabel(), ax.get_ylabel()) for ax in plots.curves(HISTORY).axes]
    assert labels == [("epoch", "nats per example")] * 3
    for figure in (plots.manifold(vae, 3, image_shape=SHAPE, dims=(2, 0)), plots.latent_scatter(vae, X, dims=(2, 0))):
        assert figure.axes[0].get_xlabel() == "z[2] (prior standard deviations)"
        assert figure.axes[0].get_ylabel() == "z[0] (prior standard deviations)"


# ---- curves --------------------------------------------------------------------------------------


def test_curves_show_each_term_in_training_and_validation():
    for ax, name in zip(plots.curves(HISTORY).axes, ["elbo", "reconstruction", "kl"], strict=True):
        for line, prefix in zip(ax.lines, ["", "validation_"], strict=True):
            assert list(line.get_xdata()) == [1, 2, 3]
            assert list(line.get_ydata()) == [row[prefix + name] for row in HISTORY]


def test_curves_name_the_last_value():
    legend = plots.curves(HISTORY).axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["training, last −33.3", "validation, last −36.7"]


@pytest.mark.parametrize("absent", ["missing", None, float("nan")])
def test_curves_without_validation_have_one_line(absent):
    training = [{key: row[key] for key in ("epoch", "elbo", "reconstruction", "kl")} for row in HISTORY]
    if absent != "missing":
        training = [row | {"validation_elbo": absent, "validation_kl": absent} for row in training]
    assert [len(ax.lines) for ax in plots.curves(training).axes] == [1, 1, 1]


def test_curves_join_the_epochs_that_were_validated():
    history = [HISTORY[0], HISTORY[1] | {"validation_elbo": None}, HISTORY[2]]
    assert list(plots.curves(history).axes[0].lines[1].get_xdata()) == [1, 3]


def test_one_epoch_is_a_visible_point_at_a_whole_number():
    ax = plots.curves(HISTORY[:1]).axes[0]
    assert ax.lines[0].get_marker() == "o"
    left, right = ax.get_xlim()
    assert [tick for tick in ax.get_xticks() if left <= tick <= right] == [1]


@pytest.mark.parametrize("history", [[], [{"epoch": 1, "elbo": -1.0}], {"epoch": [1]}, None, [3.0]])
def test_curves_ask_for_what_fit_returns(history):
    with pytest.raises(ValueError, match="expected what `fit` returns"):
        plots.curves(history)


def test_curves_draw_the_history_of_fit():
    vae = model()
    history = tv.fit(vae, X, epochs=2, rng=0, validation=X, progress=False)
    ax = plots.curves(history).axes[0]
    assert list(ax.lines[1].get_ydata()) == [row["validation_elbo"] for row in history]


# ---- images --------------------------------------------------------------------------------------


def test_reconstructions_are_the_inputs_above_what_reconstruct_says():
    vae = model()
    shown = tiles(plots.reconstructions(vae, X, image_shape=SHAPE, n=4))
    assert np.array_equal(shown[0], X[:4])
    assert np.allclose(shown[1], vae.reconstruct(X[:4]))


def test_reconstructions_show_all_there_is_when_it_is_less_than_n():
    assert tiles(plots.reconstructions(model(), X[:3], image_shape=SHAPE)).shape == (2, 3, D)


def test_grey_levels_are_shown_as_the_model_sees_them():
    grey = np.arange(2 * D, dtype=np.uint8).reshape(2, D) * 8
    assert np.allclose(tiles(plots.reconstructions(model(), grey, image_shape=SHAPE))[0], grey / 255)
    line = tiles(plots.interpolation(model(), grey[0], grey[1], image_shape=SHAPE))[0]
    assert np.allclose(line[[0, -1]], grey / 255)


def test_samples_are_the_decoded_draws_row_by_row_and_other_places_stay_empty():
    vae = model()
    shown = tiles(plots.samples(vae, 7, 5, image_shape=SHAPE))
    z = np.random.default_rng(5).standard_normal((7, 2))
    assert shown.shape == (3, 3, D)
    assert np.allclose(shown.reshape(9, D)[:7], vae.decode(z))
    assert np.isnan(shown.reshape(9, D)[7:]).all()


def test_samples_are_the_means_of_what_vae_sample_draws():
    vae = model(likelihood=tv.Gaussian(std=1e-9))
    shown = tiles(plots.samples(vae, 4, 3, image_shape=SHAPE))
    assert np.allclose(shown.reshape(4, D), vae.sample(4, 3), atol=1e-6)


def test_manifold_has_z0_to_the_right_and_z1_upwards_in_equal_steps_of_probability():
    vae, n = model(), 5
    shown = tiles(plots.manifold(vae, n, image_shape=SHAPE))
    for right in range(n):
        for up in range(n):
            z = [NormalDist().inv_cdf((right + 0.5) / n), NormalDist().inv_cdf((up + 0.5) / n)]
            assert np.allclose(shown[n - 1 - up, right], vae.decode([z])[0])


def test_the_ticks_of_the_manifold_are_where_its_points_lie():
    n = 7
    ax = plots.manifold(model(), n, image_shape=SHAPE).axes[0]
    for axis, centres in [(ax.xaxis, np.arange(n) + 0.5), (ax.yaxis, n - 0.5 - np.arange(n))]:
        assert ticks(axis) == ["−2", "−1", "0", "1", "2"]
        points = [NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)]
        assert axis.get_ticklocs()[1:4] == pytest.approx(  # linear between tiles is right to a tenth of one
            np.interp([-1, 0, 1], points, centres), abs=0.1)


def test_manifold_of_chosen_dimensions_holds_the_others_at_zero():
    vae, n = model(4), 3
    shown = tiles(plots.manifold(vae, n, image_shape=SHAPE, dims=(3, 1)))
    a = NormalDist().inv_cdf(0.5 / n)
    assert np.allclose(shown[0, 0], vae.decode([[0, -a, 0, a]])[0])


def test_manifold_of_many_dimensions_asks_which():
    with pytest.raises(ValueError, match=r"this model 4: pass dims=\(i, j\)"):
        plots.manifold(model(4), image_shape=SHAPE)


def test_traversal_without_data_moves_each_dimension_about_the_prior_mean():
    vae = model(3)
    figure = plots.traversal(vae, image_shape=SHAPE, span=2.0, steps=5)
    shown = tiles(figure)
    assert shown.shape == (3, 5, D)
    for j in range(3):
        assert np.allclose(shown[j], vae.decode(np.linspace(-2, 2, 5)[:, None] * np.eye(3)[j]))
    assert ticks(figure.axes[0].yaxis) == ["z[0]", "z[1]", "z[2]"]
    assert ticks(figure.axes[0].xaxis) == ["−2", "−1", "0", "1", "2"]
    assert figure.axes[0].get_xticks() == pytest.approx([0.5, 1.5, 2.5, 3.5, 4.5])


def test_traversal_with_data_moves_the_most_active_dimensions_first_about_the_mean_of_the_first():
    vae = model(5)
    mu = vae.encode(X)[0]
    order = np.argsort(-mu.var(0))
    assert not np.array_equal(order[:3], [0, 1, 2])
    figure = plots.traversal(vae, X, image_shape=SHAPE, steps=4, rows=3)
    shown = tiles(figure)
    assert shown.shape == (3, 4, D)
    for row, j in enumerate(order[:3]):
        z = np.tile(mu[0], (4, 1))
        z[:, j] = np.linspace(-3, 3, 4)
        assert np.allclose(shown[row], vae.decode(z))
    assert ticks(figure.axes[0].yaxis) == [f"z[{j}]" for j in order[:3]]
    (right,) = figure.axes[0].child_axes
    assert ticks(right.yaxis) == [f"{mu.var(0)[j]:.2f}" for j in order[:3]]
    assert figure.axes[0].get_title() == "the 3 most active of 5 dimensions, the others at μ(x[0])"


def test_traversal_of_one_example_keeps_the_order_of_the_dimensions():
    figure = plots.traversal(model(3), X[:1], image_shape=SHAPE, rows=2)
    assert ticks(figure.axes[0].yaxis) == ["z[0]", "z[1]"]
    assert figure.axes[0].child_axes == []


def test_interpolation_goes_straight_from_mean_to_mean_between_the_originals():
    vae = model(3)
    (line,) = tiles(plots.interpolation(vae, X[0], X[1], steps=5, image_shape=SHAPE))
    assert line.shape == (7, D)
    assert np.array_equal(line[[0, -1]], X[:2])
    assert np.allclose(line[[1, -2]], vae.reconstruct(X[:2]))
    mu = vae.encode(X[:2])[0]
    assert np.allclose(line[2], vae.decode([0.75 * mu[0] + 0.25 * mu[1]])[0])


def test_interpolation_of_several_pairs_has_a_row_for_each():
    vae = model()
    rows = tiles(plots.interpolation(vae, X[:3], X[3:6], image_shape=SHAPE))
    for row, a, b in zip(rows, X[:3], X[3:6], strict=True):
        assert np.allclose(row, tiles(plots.interpolation(vae, a, b, image_shape=SHAPE))[0])


def test_a_conditional_model_is_told_its_label_in_every_picture():
    vae, n = model(2, C=3), 3
    mu = vae.encode(X, Y)[0]
    shown = tiles(plots.reconstructions(vae, X, Y, SHAPE, n=4))
    assert np.allclose(shown[1], vae.reconstruct(X[:4], Y[:4]))
    shown = tiles(plots.reconstructions(vae, X, 2, SHAPE, n=4))  # one label for all rows
    assert np.allclose(shown[1], vae.reconstruct(X[:4], [2, 2, 2, 2]))
    z = np.random.default_rng(0).standard_normal((6, 2))
    for y in (2, np.arange(6) % 3):
        shown = tiles(plots.samples(vae, 6, 0, y, SHAPE)).reshape(-1, D)
        assert np.allclose(shown, vae.decode(z, np.broadcast_to(y, 6)))
    assert np.allclose(tiles(plots.manifold(vae, n, image_shape=SHAPE, y=1))[1, 1], vae.decode([[0, 0]], [1])[0])
    shown = tiles(plots.traversal(vae, y=2, image_shape=SHAPE))
    assert np.allclose(shown[0, 4], vae.decode([[0, 0]], [2])[0])
    shown = tiles(plots.traversal(vae, X[1:], Y[1:], image_shape=SHAPE, steps=2))
    first = np.argmax(mu[1:].var(0))
    z = mu[1:2].copy()
    z[0, first] = -3
    assert np.allclose(shown[0, 0], vae.decode(z, Y[1:2])[0])
    line = tiles(plots.interpolation(vae, X[0], X[1], y=2, image_shape=SHAPE))[0]
    assert np.allclose(line[[1, -2]], vae.reconstruct(X[:2], [2, 2]))
    lines = tiles(plots.interpolation(vae, X[:3], X[3:6], steps=5, y=[0, 1, 2], image_shape=SHAPE))
    assert np.allclose(lines[:, 1], vae.reconstruct(X[:3], [0, 1, 2]))
    assert np.allclose(plots.latent_scatter(vae, X, Y).axes[0].collections[0].get_offsets(), mu)


def test_square_images_need_no_shape():
    assert tiles(plots.manifold(model(D=16), 2), (4, 4)).shape == (2, 2, 16)


# ---- latent space --------------------------------------------------------------------------------


def test_scatter_points_are_the_means_in_the_order_of_the_data():
    vae = model()
    x = np.random.default_rng(0).random((2 * evaluation.ROWS + 1, D))  # in three chunks
    points = plots.latent_scatter(vae, x).axes[0].collections[0].get_offsets()
    assert np.allclose(points, vae.encode(x)[0])


def test_scatter_of_many_dimensions_shows_the_two_most_active():
    vae = model(5)
    mu = vae.encode(X)[0]
    right, up = np.argsort(-mu.var(0))[:2]
    ax = plots.latent_scatter(vae, X).axes[0]
    assert np.allclose(ax.collections[0].get_offsets(), mu[:, [right, up]])
    assert ax.get_xlabel().startswith(f"z[{right}]")
    assert ax.get_ylabel().startswith(f"z[{up}]")


def test_scatter_colours_belong_to_labels_and_each_class_is_named_in_its_colour():
    y = np.array([3, 8] * M, np.uint8)[:M]  # classes that are absent take no colour away
    ax = plots.latent_scatter(model(), X, y).axes[0]
    colors = [to_hex(color) for color in ax.collections[0].get_facecolors()]
    assert colors == [plots.COLORS[label] for label in y]
    named = {text.get_text(): to_hex(text.get_bbox_patch().get_edgecolor()) for text in ax.texts}
    assert named == {"3": plots.COLORS[3], "8": plots.COLORS[8]}


def test_a_class_is_named_at_its_median():
    vae = model()
    (name,) = plots.latent_scatter(vae, X, np.full(M, 47)).axes[0].texts
    assert name.get_text() == "47"
    assert np.allclose(name.get_position(), np.median(vae.encode(X)[0], axis=0))


def test_names_that_would_cover_each_other_move_apart():
    far = charts._apart(np.array([[0.0, 0.0], [5.0, 5.0]]), 1.0)
    assert np.array_equal(far, [[0, 0], [5, 5]])
    near = charts._apart(np.array([[0.0, 0.0], [0.1, 0.0], [9.0, 9.0]]), 1.0)
    assert near == pytest.approx(np.array([[-0.45, 0], [0.55, 0], [9, 9]]), abs=1e-6)


def test_ten_classes_have_ten_colours():
    assert len(set(plots.COLORS)) == 10


def test_scatter_has_equal_aspect_and_the_priors_circles_in_view():
    ax = plots.latent_scatter(model(), X[:5], Y[:5]).axes[0]
    assert ax.get_aspect() == 1
    circles = [patch for patch in ax.patches if isinstance(patch, Circle)]
    assert [circle.radius for circle in circles] == [1, 2]
    assert all(circle.center == (0, 0) for circle in circles)
    assert ax.get_xlim() == ax.get_ylim()
    assert ax.get_xlim()[1] > 2
    assert (np.abs(ax.collections[0].get_offsets()) < ax.get_xlim()[1]).all()


def test_scatter_works_for_data_that_are_no_images():
    vae = model(D=2, likelihood=tv.Gaussian())
    x = np.random.default_rng(0).standard_normal((1, 2))
    assert np.allclose(plots.latent_scatter(vae, x).axes[0].collections[0].get_offsets(), vae.encode(x)[0])


# ---- how good a model is -------------------------------------------------------------------------


def test_the_posterior_is_drawn_on_its_grid_with_q_in_it():
    vae = model()
    x = (X[:1] > 0.5).astype(np.float32)
    figure = plots.posterior(vae, x, image_shape=SHAPE, n=101, span=5)
    image, ax = figure.axes
    np.testing.assert_array_equal(image.images[0].get_array(), x.reshape(SHAPE))
    np.testing.assert_allclose(ax.images[0].get_array(), np.exp(evaluation.exact_posterior(vae, x, n=101, span=5)[1]))
    assert ax.images[0].get_extent() == [-5, 5, -5, 5]
    mu, logvar = vae.encode(x)
    for ellipse, radius in zip(ax.patches, (1, 2), strict=True):
        np.testing.assert_allclose(ellipse.get_center(), mu[0], rtol=1e-6)
        np.testing.assert_allclose((ellipse.width, ellipse.height), 2 * radius * np.exp(0.5 * logvar[0]), rtol=1e-6)


def test_rate_and_distortion_are_joined_in_the_order_of_the_rates():
    points = [{"kl": 9.0, "reconstruction": 80.0, "label": "b"}, {"kl": 3.0, "reconstruction": 99.0, "label": "a"}]
    ax = plots.rate_distortion(points).axes[0]
    bound, curve = ax.lines
    np.testing.assert_array_equal(curve.get_xydata(), [[3, 99], [9, 80]])
    assert bound.get_xydata().sum(1).tolist() == [89, 89]
    assert [text.get_text() for text in ax.texts] == ["a", "b"]
    with pytest.raises(ValueError, match="kl, reconstruction and label"):
        plots.rate_distortion([{"kl": 1.0}])


# ---- the doors -----------------------------------------------------------------------------------

IMAGES = {
    "reconstructions": lambda vae, **shape: plots.reconstructions(vae, X, **shape),
    "samples": lambda vae, **shape: plots.samples(vae, **shape),
    "manifold": lambda vae, **shape: plots.manifold(vae, **shape),
    "traversal": lambda vae, **shape: plots.traversal(vae, **shape),
    "interpolation": lambda vae, **shape: plots.interpolation(vae, X[0], X[1], **shape),
}


@pytest.mark.parametrize("draw", IMAGES.values(), ids=IMAGES)
def test_data_that_are_no_square_need_an_image_shape(draw):
    with pytest.raises(ValueError, match=r"data_dim is 15, not a square: pass image_shape=\(height, width\)"):
        draw(model())


@pytest.mark.parametrize("shape", [(3, 4), (15,), 15, (-3, -5), (3.0, 5.0), ("3", "5"), (3, 5, 1)])
@pytest.mark.parametrize("draw", IMAGES.values(), ids=IMAGES)
def test_an_image_shape_must_hold_the_data(draw, shape):
    with pytest.raises(ValueError, match=r"image_shape is .*; expected \(height, width\) with .* = 15"):
        draw(model(), image_shape=shape)


@pytest.mark.parametrize("dims", [(0, 0), (0, 3), (-1, 0), (0, 1, 2), 1, (0.0, 1.0), "01"])
def test_dims_must_be_two_dimensions_of_z(dims):
    for draw in (lambda: plots.manifold(model(3), image_shape=SHAPE, dims=dims),
                 lambda: plots.latent_scatter(model(3), X, dims=dims)):
        with pytest.raises(ValueError, match="expected two different whole numbers from 0 to 2"):
            draw()


def test_one_latent_dimension_is_for_traversal():
    for draw in (lambda: plots.manifold(model(1), image_shape=SHAPE), lambda: plots.latent_scatter(model(1), X)):
        with pytest.raises(ValueError, match="use traversal"):
            draw()
    assert tiles(plots.traversal(model(1), image_shape=SHAPE)).shape == (1, 9, D)


def test_a_conditional_model_without_label_is_refused():
    vae = model(C=3)
    for draw in (plots.samples, plots.manifold, plots.traversal):
        with pytest.raises(ValueError, match="pass y, from 0 to 2"):
            draw(vae, image_shape=SHAPE)


def test_a_diverged_model_is_not_drawn():
    vae = model()
    vae.theta[3] = np.nan
    for draw in (lambda: plots.samples(vae, image_shape=SHAPE), lambda: plots.latent_scatter(vae, X)):
        with pytest.raises(ValueError, match="theta is not finite"):
            draw()


@pytest.mark.parametrize(("draw", "error", "message"), [
    (lambda vae: plots.reconstructions(vae, X[0], image_shape=SHAPE), ValueError, r"one example is a row"),
    (lambda vae: plots.reconstructions(vae, X[:0], image_shape=SHAPE), ValueError, "no rows"),
    (lambda vae: plots.reconstructions(vae, X, image_shape=SHAPE, n=0), ValueError, "n is 0"),
    (lambda vae: plots.reconstructions(vae, X, Y, image_shape=SHAPE), ValueError, "without classes"),
    (lambda vae: plots.samples(vae, n=2.5, image_shape=SHAPE), TypeError, "n is 2.5"),
    (lambda vae: plots.manifold(vae, 0, image_shape=SHAPE), ValueError, "n is 0"),
    (lambda vae: plots.traversal(vae, image_shape=SHAPE, steps=1), ValueError, "steps is 1"),
    (lambda vae: plots.traversal(vae, image_shape=SHAPE, span=-1.0), ValueError, "span is -1"),
    (lambda vae: plots.traversal(vae, X.reshape(M, H, W), image_shape=SHAPE), ValueError, "flatten images"),
    (lambda vae: plots.interpolation(vae, X[:2], X[:3], image_shape=SHAPE), ValueError, "2 rows and x_to 3"),
    (lambda vae: plots.interpolation(vae, X[0], X[1], 1, image_shape=SHAPE), ValueError, "steps is 1"),
    (lambda vae: plots.latent_scatter(vae, X, Y[:4]), ValueError, r"labels y have shape \(4,\)"),
    (lambda vae: plots.latent_scatter(vae, X, Y / 2), TypeError, "expected integers"),
    (lambda vae: plots.latent_scatter(vae, X[:0]), ValueError, "no rows"),
    (lambda vae: plots.latent_scatter(vae, [[0.0] * D, [0.0]]), ValueError, "x has rows of different lengths"),
    (lambda vae: plots.traversal(vae, 3, image_shape=SHAPE), ValueError, r"x has shape \(\); expected \(M, 15\)"),
])
def test_wrong_arguments_are_named(draw, error, message):
    with pytest.raises(error, match=message):
        draw(model())
