"""Well-known mistakes, and the test that must find each.

{test: {mistake: (file, [(what stands there, the mistake), …])}}. What stands there stands in the file exactly once.
"""

# ruff: noqa: E501  some lines of the source are long

MUTANTS = {
    "test_identities.py::test_latent_samples_have_the_encoders_mean_and_variance": {
        "exp(logvar) as the standard deviation, consistently": ("gaussian.py", [
            ("return np.exp(0.5 * logvar)", "return np.exp(logvar)"),
            ("dz * (0.5 * std(logvar)) * eps", "dz * std(logvar) * eps")]),
    },
    "test_identities.py::test_kl_equals_quadrature": {
        "KL without its -1": ("gaussian.py", [("- logvar - 1)", "- logvar)")]),
        "KL with the wrong sign, consistently": ("gaussian.py", [
            ("return 0.5 * (mu * mu + np.exp(logvar) - logvar - 1)", "return -0.5 * (mu * mu + np.exp(logvar) - logvar - 1)"),
            ("return dkl * mu, dkl * (0.5 * (np.exp(logvar) - 1))", "return -dkl * mu, dkl * (0.5 * (1 - np.exp(logvar)))")]),
        "KL of a log-std, consistently": ("gaussian.py", [
            ("np.exp(logvar) - logvar - 1)", "np.exp(2 * logvar) - 2 * logvar - 1)"),
            ("(0.5 * (np.exp(logvar) - 1))", "(np.exp(2 * logvar) - 1)")]),
    },
    "test_identities.py::test_elbo_equals_log_evidence_minus_posterior_kl": {
        "noise a hundred times too small, consistently": ("gaussian.py", [
            ("mu + std(logvar) * eps", "mu + std(logvar) * (0.01 * eps)"),
            ("dz * (0.5 * std(logvar)) * eps", "dz * (0.5 * std(logvar)) * (0.01 * eps)")]),
        "log of pi instead of 2 pi": ("gaussian.py", [("math.log(2 * math.pi)", "math.log(math.pi)")]),
        "Gaussian without log sigma": ("likelihoods.py", [("D * LOG_2PI) - log_volume", "D * LOG_2PI)")]),
        "one learned log sigma counted once": ("likelihoods.py", [("D * log_std  #", "log_std  #")]),
    },
    "test_identities.py::test_iwae_of_one_sample_equals_the_single_sample_bound": {
        "log-density without 2 pi": ("gaussian.py", [("(r * r + logvar + LOG_2PI)", "(r * r + logvar)")]),
        "one 2 pi for all dimensions": ("gaussian.py", [("z.shape[-1] * LOG_2PI", "LOG_2PI")]),
    },
    "test_identities.py::test_samples_have_the_moments_of_the_likelihood": {
        "pixels sampled with softplus": ("likelihoods.py", [("(rng.random(out.shape) < sigmoid(out))", "(rng.random(out.shape) < np.log1p(np.exp(out)))")]),
        "Gaussian sampled with the root of sigma": ("likelihoods.py", [("np.exp(log_std) * noise", "np.exp(0.5 * log_std) * noise")]),
    },
    "test_identities.py::test_bernoulli_sums_to_one_over_all_binary_x": {
        "reconstruction averaged over pixels, consistently": ("likelihoods.py", [
            ("return log_p.sum(-1)", "return log_p.mean(-1)"),
            ("dlog[..., None] * (self.x - self.p)", "dlog[..., None] * (self.x - self.p) / self.x.shape[-1]")]),
        "sigmoid twice": ("likelihoods.py", [("p = sigmoid(out)", "p = sigmoid(sigmoid(out))")]),
    },
    "test_identities.py::test_gaussian_integrates_to_one_with_the_right_variance": {
        "Gaussian without its constant": ("likelihoods.py", [("(self.squares + D * LOG_2PI)", "self.squares")]),
        "variance taken for the standard deviation": ("likelihoods.py", [("np.exp(-log_std)", "np.exp(-0.5 * log_std)")]),
    },
    "test_identities.py::test_dense_weights_start_uniform_with_the_variance_of_glorot": {
        "weights start as for one side only": ("layers.py", [("6 / (self.n_in + self.n_out)", "6 / self.n_in")]),
    },
    "test_identities.py::test_the_four_mappings_are_those_of_the_paper": {
        "layers without activations": ("vae.py", [("for layer in (activation(), dense)]", "for layer in (dense,)]")]),
        "mu and logvar exchanged": ("vae.py", [
            ("code[:, : self.latent_dim], code[:, self.latent_dim :]", "code[:, self.latent_dim :], code[:, : self.latent_dim]")]),
    },
    "test_identities.py::test_loss_is_summed_over_dimensions_and_averaged_over_examples": {
        "KL averaged over the latent dimensions, consistently": ("objectives.py", [
            ("np.maximum(rate_j, self.free_bits).sum()", "np.maximum(rate_j, self.free_bits).mean()"),
            ("self.beta / len(self.mu)", "self.beta / self.mu.size")]),
    },
    "test_identities.py::test_importance_weights_are_the_evidence_when_q_is_the_posterior": {
        "importance ratio inverted": ("objectives.py", [("log_p_z - log_q", "log_p_z + log_q")]),
        "log p(x) without log K": ("evaluation.py", [("log_sum - math.log(K)", "log_sum")]),
    },
    "test_identities.py::test_iwae_bound_rises_with_the_number_of_samples_on_average": {
        "mean of the log-weights": ("functions.py", [("return logsumexp(a, axis) - math.log(a.shape[axis])", "return a.mean(axis)")]),
    },
    "test_derivatives.py::test_the_derivative_of_the_kl_is_zero_at_the_prior": {
        "KL gradient not zero at the prior": ("gaussian.py", [("(0.5 * (np.exp(logvar) - 1))", "(0.5 * np.exp(logvar))")]),
    },
    "test_derivatives.py::test_the_derivative_of_a_reparameterized_z": {
        "noise never enters backward": ("gaussian.py", [("dz * (0.5 * std(logvar)) * eps", "0 * dz")]),
        "one half lost in reparameterize_backward": ("gaussian.py", [("(0.5 * std(logvar))", "std(logvar)")]),
        "samples averaged on the way back": ("gaussian.py", [("d.reshape(-1, *shape).sum(0)", "d.reshape(-1, *shape).mean(0)")]),
    },
    "test_derivatives.py::test_the_derivatives_of_every_likelihood": {
        "shared sigma never shrinks": ("likelihoods.py", [("(self.squares - D)", "self.squares")]),
        "log-sigma gradient with the wrong sign": ("likelihoods.py", [("(self.r * self.r - 1)", "(1 - self.r * self.r)")]),
    },
    "test_derivatives.py::test_the_derivatives_of_every_layer": {
        "bias averaged over the batch": ("layers.py", [("np.sum(dy, axis=0, out=self.db)", "np.mean(dy, axis=0, out=self.db)")]),
        "gradients added up over steps": ("layers.py", [("np.matmul(self.x.T, dy, out=self.dW)", "self.dW += self.x.T @ dy")]),
        "ReLU passes the gradient everywhere": ("layers.py", [("self.y > 0", "self.y >= 0")]),
        "tanh without its square": ("layers.py", [("1 - self.y * self.y", "1 - self.y")]),
    },
    "test_derivatives.py::test_the_derivatives_of_every_layer[square Dense]": {
        "W transposed in backward": ("layers.py", [("dy @ self.W.T if", "dy @ self.W if")]),
    },
    "test_derivatives.py::test_the_derivatives_of_every_objective": {
        "fresh noise in backward": ("vae.py", [("(dz, self.logvar, self.eps)", "(dz, self.logvar, np.random.default_rng().normal(size=shape))")]),
        "loss averaged, gradient summed": ("objectives.py", [("-1 / self.log_p_x.size", "-1.0")]),
        "beta forgotten in the gradient": ("objectives.py", [("self.beta / len(self.mu)", "1 / len(self.mu)")]),
        "free bits with a gradient": ("objectives.py", [("self.above = rate_j > self.free_bits", "self.above = rate_j > 0")]),
        "importance weights from the losses": ("objectives.py", [("softmax(self.log_weights)", "softmax(-self.log_weights)")]),
        "no gradient through log q": ("objectives.py", [("0.5 * dlog_w.sum(0)", "0 * dlog_w.sum(0)")]),
        "no path from the KL to logvar": ("vae.py", [("dlogvar_path + dlogvar", "dlogvar_path")]),
        "no path from log p(z) to z": ("vae.py", [(".reshape(shape) + dz  #", ".reshape(shape)  #")]),
    },
    "test_activations.py::test_functions_have_their_values_at_points_where_they_are_known": {
        "logmeanexp without log K": ("functions.py", [("- math.log(a.shape[axis])", "")]),
        "softmax over everything": ("functions.py", [("return e / e.sum(axis, keepdims=True)", "return e / e.sum()")]),
    },
    "test_activations.py::test_the_decoder_mirrors_the_encoder": {
        "a decoder that does not mirror": ("vae.py", [("*hidden[::-1], ", "*hidden, ")]),
    },
    "test_activations.py::test_the_log_variance_is_not_clipped": {
        "logvar clipped": ("vae.py", [
            ("code[:, : self.latent_dim], code[:, self.latent_dim :]",
             "code[:, : self.latent_dim], np.clip(code[:, self.latent_dim :], -10, 10)")]),
    },
    "test_activations.py::test_labels_stand_behind_the_data_and_behind_z": {
        "the label before the data": ("vae.py", [
            ("np.concatenate([a, np.broadcast_to(label, (*a.shape[:-1], self.n_classes))], axis=-1)",
             "np.concatenate([np.broadcast_to(label, (*a.shape[:-1], self.n_classes)), a], axis=-1)")]),
        "an encoder that is not told the label": ("vae.py", [
            ("self.encoder.forward(self._append(x, y))", "self.encoder.forward(self._append(x, None if y is None else 0 * y))")]),
    },
    "test_activations.py::test_activations_have_the_values_and_slopes_of_the_textbook": {
        "a leaky ReLU, consistently": ("layers.py", [
            ("self.y = np.maximum(x, 0)", "self.y = np.maximum(x, 0.01 * x)"),
            ("np.multiply(dy, self.y > 0, out=dy)", "np.multiply(dy, np.where(self.y > 0, 1, 0.01).astype(dy.dtype), out=dy)")]),
        "the sigmoid of 2x, consistently": ("layers.py", [
            ("self.y = sigmoid(x)", "self.y = sigmoid(2 * x)"),
            ("np.multiply(dy, self.y * (1 - self.y), out=dy)", "np.multiply(dy, 2 * self.y * (1 - self.y), out=dy)")]),
        "a softplus through the origin, consistently": ("layers.py", [
            ("self.y = softplus(x)", "self.y = softplus(x) - math.log(2)"),
            ("-np.expm1(-self.y)", "1 - 0.5 * np.exp(-self.y)")]),
        "a stretched tanh, consistently": ("layers.py", [
            ("self.y = np.tanh(x)", "self.y = 1.7159 * np.tanh(2 / 3 * x)"),
            ("np.multiply(dy, 1 - self.y * self.y, out=dy)",
             "np.multiply(dy, 2 / 3 * (1.7159 - self.y * self.y / 1.7159), out=dy)")]),
        "a ReLU that stops at six": ("layers.py", [
            ("self.y = np.maximum(x, 0)", "self.y = np.minimum(np.maximum(x, 0), 6)"),
            ("np.multiply(dy, self.y > 0, out=dy)", "np.multiply(dy, (self.y > 0) & (self.y < 6), out=dy)")]),
    },
    "test_sampling.py::test_samples_of_a_linear_model_have_mean_b_and_covariance_wtw_plus_noise": {
        "samples that are means": ("vae.py", [
            ("self.likelihood.sample(self._decode(z, checks.labels(y, n, self.n_classes)), rng)",
             "self.likelihood.mean(self._decode(z, checks.labels(y, n, self.n_classes)))")]),
        "one z for all samples": ("vae.py", [
            ('rng.standard_normal((checks.whole(n, "n"), self.latent_dim), dtype=self.theta.dtype)',
             "rng.standard_normal((1, self.latent_dim), dtype=self.theta.dtype).repeat(n, 0)")]),
        "one noise for all dimensions": ("likelihoods.py", [
            ("rng.standard_normal(mean.shape, dtype=out.dtype)", "rng.standard_normal((*mean.shape[:-1], 1), dtype=out.dtype)")]),
    },
    "test_sampling.py::test_a_label_moves_the_mean_of_its_own_rows_as_the_decoder_says": {
        "samples of the first class only": ("vae.py", [
            ("self._decode(z, checks.labels(y, n, self.n_classes))",
             "self._decode(z, checks.labels(0 if self.n_classes else None, n, self.n_classes))")]),
    },
    "test_sampling.py::test_without_noise_samples_are_the_means_of_normal_z": {
        "z from a uniform prior of the right variance": ("vae.py", [
            ('rng.standard_normal((checks.whole(n, "n"), self.latent_dim), dtype=self.theta.dtype)',
             "rng.uniform(-(3**0.5), 3**0.5, (n, self.latent_dim)).astype(self.theta.dtype)")]),
    },
    "test_sampling.py::test_pixels_are_independent_given_z": {
        "one uniform number for all pixels": ("likelihoods.py", [("rng.random(out.shape) < sigmoid(out)", "rng.random((*out.shape[:-1], 1)) < sigmoid(out)")]),
    },
    "test_sampling.py::test_binary_samples_have_the_joint_probabilities_of_the_integral_over_z": {
        "grey samples": ("likelihoods.py", [
            ("(rng.random(out.shape) < sigmoid(out)).astype(out.dtype)",
             "rng.beta(1e-9 + sigmoid(out), 1 - sigmoid(out) + 1e-9).astype(out.dtype)")]),
    },
    "test_sampling.py::test_a_decoded_z_is_the_mean_of_x_and_a_reconstruction_is_that_of_mu": {
        "decoded logits instead of means": ("vae.py", [
            ("return self.likelihood.mean(self._decode(z, checks.labels(y, len(z), self.n_classes)))",
             "return self._decode(z, checks.labels(y, len(z), self.n_classes))")]),
        "reconstructions from logvar": ("vae.py", [("self._encode(x, y)[0], y)", "self._encode(x, y)[1], y)")]),
    },
    "test_feeds.py::test_every_order_of_the_rows_is_equally_likely": {
        "examples never reshuffled": ("training.py", [("self.rng.permutation(len(self.data))", "np.arange(len(self.data))")]),
        "the order only turned round": ("training.py", [("self.rng.permutation(len(self.data))", "np.roll(np.arange(len(self.data)), self.rng.integers(len(self.data)))")]),
    },
    "test_feeds.py::test_a_step_is_one_of_the_optimizer_along_the_gradient_of_the_batch": {
        "bias correction by epoch": ("training.py", [("self.optimizer.step()", "self.optimizer.t = self.epoch; self.optimizer.step()")]),
        "a step along the gradient of the batch before": ("training.py", [
            ("self.objective.backward()\n                self.optimizer.step()",
             "self.optimizer.step()\n                self.objective.backward()")]),
    },
    "test_feeds.py::test_every_row_comes_once_an_epoch_with_its_own_label": {
        "labels not shuffled with their rows": ("rows.py", [("else self.y[index])", "else self.y[: len(self.x[index])])")]),
        "rows drawn with replacement": ("training.py", [("self.rng.permutation(len(self.data))", "self.rng.integers(0, len(self.data), len(self.data))")]),
    },
    "test_feeds.py::test_each_row_gets_as_many_samples_as_were_asked_for": {
        "one sample, whatever K": ("training.py", [
            ("self.rng.standard_normal((K, len(x), J), dtype=x.dtype)",
             "self.rng.standard_normal((1, len(x), J), dtype=x.dtype)")]),
    },
    "test_feeds.py::test_the_noise_of_training_is_standard_normal_and_fresh_at_every_step": {
        "the same noise at every step": ("training.py", [("eps = self.rng.standard_normal(", "eps = np.random.default_rng(0).standard_normal(")]),
        "uniform noise of the right variance": ("training.py", [
            ("self.rng.standard_normal((K, len(x), J), dtype=x.dtype)",
             "self.rng.uniform(-(3**0.5), 3**0.5, (K, len(x), J)).astype(x.dtype)")]),
        "one noise for all rows of a batch": ("training.py", [
            ("self.rng.standard_normal((K, len(x), J), dtype=x.dtype)",
             "np.repeat(self.rng.standard_normal((K, 1, J), dtype=x.dtype), len(x), 1)")]),
    },
    "test_feeds.py::test_bits_come_with_their_own_labels_too": {
        "the last small batch dropped": ("training.py", [
            ("math.ceil(len(self.data) / self.batch_size)", "len(self.data) // self.batch_size"),
            ("len(order), self.batch_size)", "len(order) - self.batch_size + 1, self.batch_size)")]),
    },
    "test_feeds.py::test_the_history_is_the_mean_over_all_rows_and_free_of_beta_and_free_bits": {
        "the last small batch weighs as much as the others": ("training.py", [("total + M * term", "total + len(self.data) / self.steps_per_epoch * term")]),
        "sums that go on over the epochs": ("training.py", [
            ("self.history.append(row)\n        self.sums, self.seconds = [0.0, 0.0, 0.0], 0.0", "self.history.append(row)")]),
        "the history's bound is the loss": ("training.py", [('"elbo": -(reconstruction + kl)', '"elbo": -loss')]),
        "beta in the reported KL": ("objectives.py", [("self.kl = kl_j.sum(1)  # (M,)", "self.kl = self.beta * kl_j.sum(1)  # (M,)")]),
    },
    "test_feeds.py::test_validation_measures_the_model_at_the_end_of_the_epoch_on_the_same_pixels_each_time": {
        "validation on training data": ("training.py", [("evaluation.elbo(self.vae, self.held_out, rng=0)", "evaluation.elbo(self.vae, self.data, rng=0)")]),
    },
    "test_feeds.py::test_validation_is_of_the_held_out_rows_with_their_labels_and_the_same_noise_each_epoch": {
        "validation with labels of another class": ("training.py", [
            ("held_out = dataset(vae, x, y, data.binarization",
             "held_out = rows(vae, x, None if y is None else (y + 1) % vae.n_classes, data.binarization")]),
        "validation with other noise each epoch": ("training.py", [("self.held_out, rng=0)", "self.held_out, rng=self.epoch)")]),
    },
    "test_feeds.py::test_pixels_are_drawn_anew_with_their_grey_level_as_probability_independently": {
        "pixels binarized once for all epochs": ("training.py", [
            ("x, y = self.data[batch].draw(self.rng)",
             "x, y = (a if a is None else a[batch] for a in self.data.draw(np.random.default_rng(0)))")]),
    },
    "test_training.py::test_a_run_stopped_at_any_step_ends_with_the_same_bits[17-Adam]": {
        "generator not restored": ("resuming.py", [("run.rng.bit_generator.state, run.order_state = now.state, before.state", "run.order_state = before.state")]),
        "optimizer's clock not restored": ("resuming.py", [("run.optimizer.t = t\n", "pass\n")]),
    },
    "test_training.py::test_the_weight_of_the_kl_warms_up_step_by_step": {
        "warm-up by epochs": ("training.py", [("(self.epoch + self.step / self.steps_per_epoch) / self.warmup_epochs", "self.epoch / self.warmup_epochs")]),
    },
    "test_measures.py::test_log_p_x_is_that_of_every_row_with_its_label_and_so_many_samples": {
        "standard error of one weight": ("evaluation.py", [("1 / self.effective_samples - 1 / K", "K / self.effective_samples - 1")]),
        "the same proposals for every part of log p(x)": ("evaluation.py", [("yield some, samples, batch, rng.standard_normal(", "yield some, samples, batch, np.random.default_rng(0).standard_normal(")]),
        "the last part of the samples forgotten": ("evaluation.py", [
            ("for samples in _chunks(K, SAMPLES):", "for samples in list(_chunks(K, SAMPLES))[: max(K // SAMPLES, 1)]:")]),
    },
    "test_measures.py::test_the_bound_is_that_of_every_row_with_its_label_and_so_many_samples": {
        "the last rows of a part lost": ("rows.py", [("range(0, len(self), size)", "range(0, len(self) - size + 1, size)")]),
        "one sample for the bound, whatever is asked": ("evaluation.py", [("(n_samples, len(x), vae.latent_dim)", "(1, len(x), vae.latent_dim)")]),
        "parts of unequal size weighed alike": ("evaluation.py", [
            ("sums += objective.reconstruction.sum(dtype=np.float64), objective.kl.sum(dtype=np.float64)",
             "sums += objective.reconstruction.mean() * (ROWS // n_samples), objective.kl.mean() * (ROWS // n_samples)")]),
        "the reported KL sampled": ("objectives.py", [
            ("self.mu, self.logvar, _, out", "self.mu, self.logvar, z, out"),
            ("self.kl = kl_j.sum(1)  # (M,)",
             "self.kl = (gaussian.log_density(z, self.mu, self.logvar) - gaussian.log_standard_density(z)).mean(0)")]),
        "the reconstruction of the first sample": ("objectives.py", [
            ("self.reconstruction = -self.log_p_x.mean(0)  # (M,), AEVB", "self.reconstruction = -self.log_p_x[0]  # (M,), AEVB")]),
    },
    "test_measures.py::test_the_noise_of_the_bound_is_standard_normal_and_fresh_in_each_part": {
        "the same noise in each part": ("evaluation.py", [("eps = rng.standard_normal((n_samples", "eps = np.random.default_rng(0).standard_normal((n_samples")]),
    },
    "test_measures.py::test_reconstruction_and_kl_of_each_row_are_free_of_beta_free_bits_and_noise_in_the_kl": {
        "free bits in the reported KL": ("objectives.py", [("self.kl = kl_j.sum(1)  # (M,)", "self.kl = np.maximum(kl_j, self.free_bits).sum(1)  # (M,)")]),
    },
    "test_measures.py::test_means_kls_and_active_units_are_those_of_every_row_with_its_label": {
        "the KL of each dimension without its mean": ("evaluation.py", [("gaussian.kl(*vae._encode(*part.draw()))", "gaussian.kl(0.0, vae._encode(*part.draw())[1])")]),
        "active units by the deviation": ("evaluation.py", [(".astype(np.float64).var(0)", ".astype(np.float64).std(0)")]),
        "active units counted about zero": ("evaluation.py", [
            ("variance = means(vae, x, y).astype(np.float64).var(0)",
             "variance = (means(vae, x, y).astype(np.float64) ** 2).mean(0)")]),
    },
    "test_evaluation.py::test_all_weights_are_equal_when_q_is_the_posterior": {
        "the mean of log w for the log of the mean": ("evaluation.py", [("logsumexp(log_w), logsumexp(2 * log_w)", "log_w.mean(0), logsumexp(2 * log_w)")]),
        "effective samples from the log-weights": ("evaluation.py", [("logsumexp(2 * log_w)", "logsumexp(log_w)")]),
    },
    "test_evaluation.py::test_the_bound_plus_the_kl_to_the_exact_posterior_is_log_p_x": {
        "the posterior's KL the other way round": ("exact.py", [("(q * (log_q - self.log_density))", "(q * (self.log_density - log_q))")]),
    },
    "test_evaluation.py::test_linear_log_likelihood_equals_the_integral_over_z": {
        "the evidence without the noise's variance": ("exact.py", [("W.T @ W + np.exp(2 * log_std) * np.eye(vae.data_dim)", "W.T @ W + np.exp(log_std) * np.eye(vae.data_dim)")]),
    },
    "test_evaluation.py::test_probabilistic_pca_is_the_best_linear_model_and_its_bound_has_no_gap": {
        "PCA's noise the smallest eigenvalue": ("exact.py", [("eigenvalues[:-J].mean()", "eigenvalues[:-J].min()")]),
    },
    "test_evaluation.py::test_the_exact_posterior_of_a_linear_model_is_the_gaussian_of_the_textbook": {
        "a posterior without its prior": ("exact.py", [("(log_p_x + gaussian.log_standard_density(z[part]))[:, 0]", "log_p_x[:, 0]")]),
    },
    "test_symptoms.py::test_a_gaussian_starts_at_the_mean_of_x_and_a_learned_sigma_at_its_deviation": {
        "a sigma that starts at the variance": ("likelihoods.py", [("self.log_std[:] = math.log(deviation)", "self.log_std[:] = 2 * math.log(deviation)")]),
        "a decoded sigma that starts at the variance": ("likelihoods.py", [("np.full_like(mean, math.log(deviation))", "np.full_like(mean, 2 * math.log(deviation))")]),
    },
    "test_symptoms.py::test_the_deviation_is_that_from_the_mean_row_in_the_units_of_a_pixel": {
        "a deviation from zero": ("rows.py", [("(part.x / self.white - mean)", "(part.x / self.white)")]),
        "a deviation in grey levels": ("rows.py", [("(part.x / self.white - mean)", "(part.x - mean * self.white)")]),
    },
    "test_symptoms.py::test_an_epoch_that_is_several_times_worse_than_the_untrained_model_is_a_divergence": {
        "a finite loss is always good": ("training.py", [("if self.watch.absurd and", "if not np.isfinite(loss) and")]),
    },
    "test_symptoms.py::test_a_loss_is_judged_without_what_beta_and_free_bits_add_to_it": {
        "a large beta taken for divergence": ("symptoms.py", [("min(beta, 1.0) * kl", "beta * kl")]),
        "free bits taken for divergence": ("symptoms.py", [("self.absurd = min(loss, reconstruction", "self.absurd = max(loss, reconstruction")]),
    },
    "test_symptoms.py::test_a_resumed_run_is_judged_by_its_own_first_step": {
        "a resumed run judged by its latest step": ("resuming.py", [("[loss, reconstruction, kl], untrained", "[loss, reconstruction, kl], None")]),
    },
    "test_symptoms.py::test_a_first_batch_that_was_a_good_one_is_no_measure_of_the_rest[Adam]": {
        "the first batch taken for the untrained model": ("training.py", [(" and symptoms.worse_than_untrained(self.vae, self.data, self.theta0)", "")]),
    },
    "test_symptoms.py::test_an_untrained_model_that_fails_is_not_laid_to_the_learning_rate_at_a_later_step_either": {
        "the learning rate blamed from the second step on": ("training.py", [("first or not math.isfinite(symptoms.untrained_bound(self.vae, self.data, self.theta0))", "first")]),
    },
    "test_evaluation.py::test_grey_pixels_have_no_log_p_under_a_bernoulli": {
        "one grey pixel passes": ("rows.py", [("if any(((part.x != 0)", "if all(((part.x != 0)")]),
    },
    "test_evaluation.py::test_log_p_of_grey_pixels_is_that_of_bits_drawn_once_for_all_samples": {
        "other bits for each part of the samples": ("evaluation.py", [("yield some, samples, batch, rng", "yield some, samples, data[some].draw(rng), rng")]),
    },
    "test_evaluation.py::test_a_kl_to_the_posterior_is_that_of_the_two_gaussians_or_refused": {
        "a hundredth of a density off its grid": ("exact.py", [("OUTSIDE = 1e-5", "OUTSIDE = 1e-2")]),
    },
    "test_optimizers.py::test_adam_follows_algorithm_1[3]": {
        "Adam without bias correction": ("optimizers.py", [("/ (1 - self.beta1**self.t)", "")]),
        "Adam without its first moment": ("optimizers.py", [("* (m / (np.sqrt(v)", "* (grad / (np.sqrt(v)")]),
        "eps inside Adam's root": ("optimizers.py", [("(np.sqrt(v) + self.eps / c2)", "np.sqrt(v + self.eps / c2)")]),
    },
    "test_optimizers.py::test_an_average_that_dies_away_never_becomes_a_denormal_number": {
        "averages end as denormal numbers": ("optimizers.py", [("] = 0\n", "] += 0\n")]),
        "Muon's average ends as denormal numbers": ("optimizers.py", [
            ("decay(m, self.beta1, self.t)\n        m += grad\n        theta", "m *= self.beta1\n        m += grad\n        theta")]),
    },
    "test_optimizers.py::test_muon_follows_its_recursion_and_is_adam_for_what_is_no_matrix": {
        "Muon without its scale": ("optimizers.py", [("lr * 0.2 * math.sqrt(max(theta.shape))", "lr")]),
        "Muon without Nesterov's look ahead": ("optimizers.py", [("orthogonal(grad + self.beta1 * m)", "orthogonal(m)")]),
    },
    "test_optimizers.py::test_orthogonal_moves_the_singular_values_and_leaves_the_vectors": {
        "a Newton-Schulz iteration of the third degree": ("optimizers.py", [("+ c * gram @ gram)", ")")]),
    },
    "test_optimizers.py::test_schedules_give_the_rates_they_promise": {
        "one learning rate for ever": ("optimizers.py", [("self.lr(self.t)", "self.lr(0)")]),
        "a whole period of the cosine": ("optimizers.py", [("math.cos(math.pi * progress)", "math.cos(2 * math.pi * progress)")]),
        "a stage that starts one step late": ("optimizers.py", [("t >= boundary", "t > boundary")]),
    },
    "test_optimizers.py::test_sgd_follows_the_momentum_recursion": {
        "a momentum that damps the gradient": ("optimizers.py", [("u += grad\n", "u += (1 - self.momentum) * grad\n")]),
    },
    "test_optimizers.py::test_adagrad_follows_equation_1": {
        "Adagrad that forgets": ("optimizers.py", [
            ("v += grad * grad\n        theta -= lr * grad", "v *= 0.9\n        v += grad * grad\n        theta -= lr * grad")]),
    },
    "test_defaults.py::test_defaults_are_those_of_the_papers_and_of_the_design": {
        "ten times Adam's learning rate": ("optimizers.py", [("lr: LearningRate = 1e-3, beta1: float = 0.9, ", "lr: LearningRate = 1e-2, beta1: float = 0.9, ")]),
    },
    "test_defaults.py::test_adam_with_nothing_said_is_algorithm_1_with_the_numbers_of_its_paper": {
        "another beta2": ("optimizers.py", [("beta1: float = 0.9, beta2: float = 0.999", "beta1: float = 0.9, beta2: float = 0.99")]),
    },
    "test_defaults.py::test_an_average_is_kept_exactly_until_it_is_all_but_the_smallest_number": {
        "small averages swept away": ("optimizers.py", [("DYING = 1e8 ", "DYING = 1e25 ")]),
    },
    "test_defaults.py::test_a_new_model_starts_with_glorots_weights_and_zeros": {
        "weights that start at zero": ("vae.py", [("part.init(rng)", "pass")]),
    },
    "test_defaults.py::test_grey_pixels_are_drawn_for_a_bernoulli_and_kept_for_a_gaussian": {
        "grey pixels cut at one half by default": ("rows.py", [('return "dynamic" if', 'return "threshold" if')]),
    },
    "datasets/test_datasets_binarization.py::test_threshold_splits_at_one_half": {
        "every grey pixel taken for white": ("rows.py", [("(127 if", "(0 if")]),
    },
    "datasets/test_datasets_binarization.py::test_none_gives_the_grey_values": {
        "grey levels out of 256": ("rows.py", [("np.divide(x, 255, dtype=dtype)", "np.divide(x, 256, dtype=dtype)")]),
    },
    "datasets/test_datasets_binarization.py::test_white_is_always_one_and_black_always_zero[uint8-dynamic]": {
        "black pixels that may be drawn white": ("rows.py", [("return u < x", "return u <= x")]),
    },
    "datasets/test_datasets_binarization.py::test_floats_are_one_with_their_probability": {
        "one draw for all pixels of a row": ("rows.py", [("rng.random(x.shape, dtype=np.float32)", "rng.random((len(x), 1), dtype=np.float32)")]),
    },
    "datasets/test_datasets_binarization.py::test_freezing_is_one_draw_determined_by_its_seed": {
        "a frozen set whatever its seed": ("datasets/binarization.py", [("bits(x, np.random.default_rng(seed))", "bits(x, np.random.default_rng(0))")]),
    },
    "test_gradients.py::test_weights_that_round_to_nothing_make_no_denormal_numbers": {
        "weights that make denormal numbers": ("objectives.py", [("w[w < NEGLIGIBLE] = 0", "pass")]),
    },
    "test_machine.py::test_each_thread_has_a_likelihood_of_its_own": {
        "threads that share a model": ("evaluation.py", [("IWAE(copy.deepcopy(vae))", "IWAE(vae)")]),
    },
    "test_gradcheck.py::test_a_right_gradient_passes": {
        "a difference to one side": ("gradcheck/measure.py", [("return (terms(plus) - terms(minus)).sum() / (2 * h)", "return (terms(plus) - terms(v)).sum() / h")]),
        "complex numbers never tried": ("gradcheck/check.py", [("self.complex_works = bool(", "self.complex_works = False and bool(")]),
    },
    "test_gradcheck.py::test_a_wrong_gradient_does_not": {
        "differences whose verdict is always yes": ("gradcheck/check.py", [("ok = bool((central_errors <= limits.central_tolerance + found.resolution / scale).all())", "ok = True")]),
        "differences that allow a million times too much": ("gradcheck/check.py", [("central_errors <= limits.central_tolerance + ", "central_errors <= 1e6 * limits.central_tolerance + ")]),
    },
    "test_gradcheck.py::test_what_is_no_number_is_wrong_and_shown": {
        "NaN is not above the limit": ("gradcheck/check.py", [("ok = bool((central_errors <= limits.central_tolerance + found.resolution / scale).all())", "ok = not (central_errors > limits.central_tolerance + found.resolution / scale).any()")]),
    },
    "test_gradcheck.py::test_a_kink_within_the_step_makes_no_right_gradient_wrong_and_no_wrong_one_right": {
        "one step for all": ("gradcheck/check.py", [("        central[i], found.resolution[i] = best_difference(terms, v, directions[i], noise)", "        pass")]),
        "a kink nearby is a kink": ("gradcheck/measure.py", [("if changes or (not shortest and", "if changes or (False and")]),
    },
    "test_gradcheck.py::test_an_error_is_relative_to_the_gradient": {
        "absolute errors": ("gradcheck/check.py", [("scale = found.scale or 1.0  #", "scale = 1.0  #")]),
    },
    "test_gradcheck.py::test_a_constant_sum_hides_nothing_from_a_random_cotangent": {
        "a cotangent of ones": ("gradcheck/check.py", [("dy = rng.standard_normal(_value(problem).shape)", "dy = np.ones(_value(problem).shape)")]),
    },
    "test_gradcheck.py::test_gradients_that_are_added_to_instead_of_overwritten_are_wrong": {
        "gradients of parts that start at zero": ("gradcheck/problems.py", [("grad = np.full(size, blank)", "grad = np.zeros(size)")]),
    },
    "test_gradcheck.py::test_a_likelihood_that_adds_to_its_gradient_is_wrong_by_itself_and_in_an_objective": {
        "gradients of models that start at zero": ("gradcheck/problems.py", [("grad = np.full(theta.size, blank)", "grad = np.zeros(theta.size)")]),
    },
    "test_gradcheck.py::test_the_parameters_of_the_check_hide_no_wrong_input_gradient": {
        "parameters checked at zero": ("gradcheck/problems.py", [("theta = rng.standard_normal(size)", "theta = np.zeros(size)")]),
    },
    "test_gradcheck.py::test_a_wrong_entry_that_was_not_chosen_shows_along_the_direction": {
        "no direction through all entries": ("gradcheck/check.py", [("    if some:\n", "    if False:\n")]),
    },
    "test_runs.py::test_evaluation_json_is_what_the_library_measures[False]": {
        "the same noise for every block of test rows": ("cli/evaluate.py", [('[depends_on["seed"], start]', '[depends_on["seed"]]')]),
        "an error of the mean that shrinks with the root of the rows only": ("cli/evaluate.py", [("(estimate.standard_error**2).sum() ** 0.5 / M", "(estimate.standard_error**2).sum() ** 0.5 / M**0.5")]),
    },
    "test_runs.py::test_estimates_that_were_kept_belong_to_their_model": {
        "kept estimates taken for another model's": ("cli/evaluate.py", [("state == depends_on and np.array_equal(vae.theta, run.vae.theta)", "state == depends_on")]),
    },
    "test_runs.py::test_the_bias_from_the_data_is_the_logit_of_the_mean_row": {
        "a bias of probabilities for one of logits": ("likelihoods.py", [("return np.log(p / (1 - p))", "return p")]),
    },
    "test_runs.py::test_the_cosine_ends_with_the_last_step_also_where_the_last_batch_is_small": {
        "a schedule that forgets the last batch": ("cli/runs.py", [("math.ceil(len(self.data.train.x) / config.batch_size)", "(len(self.data.train.x) // config.batch_size)")]),
    },
    "test_resuming.py::test_ctrl_c_leaves_all_steps_in_the_checkpoint": {
        "Ctrl-C without a checkpoint": ("training.py", [(" or bool(asked)", "")]),
    },
    "test_resuming.py::test_seconds_count_the_steps_of_each_epoch_also_across_an_interruption": {
        "seconds that add up over the epochs": ("training.py", [("self.sums, self.seconds = [0.0, 0.0, 0.0], 0.0", "self.sums = [0.0, 0.0, 0.0]")]),
    },
    "test_faults.py::test_a_lock_is_held_by_one_and_free_again_after": {
        "a lock that nobody asks the system for": ("foundation/locks.py", [("    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)", "    pass")]),
    },
    "test_faults.py::test_a_lock_whose_file_its_holder_has_just_removed_is_no_lock": {
        "a lock on a file that is gone": ("foundation/locks.py", [("if os.path.samestat(os.fstat(descriptor), os.stat(path)):", "if True:")]),
    },
    "test_faults.py::test_what_a_run_killed_at_its_beginning_left_locks_no_folder": {
        "the lock file alone locks a folder": ("cli/runs.py", [("if path.name != LOCK and path.suffix", "if path.suffix")]),
    },
    "test_faults.py::test_a_fork_while_threads_work_has_threads_of_its_own": {
        "a lock that a fork inherits": ("foundation/machine.py", [("    os.register_at_fork(after_in_child=_after_fork)", "    pass")]),
    },
    "test_npy.py::test_how_much_a_file_may_become": {
        "two gigabytes of zeros from two megabytes": ("foundation/npy.py", [("if compressed else MAX_BYTES", "if False else MAX_BYTES")]),
    },
    "test_gradcheck_foreign.py::test_a_parameter_without_a_gradient_is_not_ok_and_the_report_says_what_to_do": {
        "parameters that nobody looks for": ("gradcheck/parameters.py", [("if parameters else problem", "if False else problem")]),
    },
    "test_gradcheck_foreign.py::test_caches_and_running_statistics_are_no_parameters": {
        "every array is a parameter": ("gradcheck/parameters.py", [("parameters = [] if np.array_equal(everywhere, value) else [each for each in candidates if matters(each)]", "parameters = candidates")]),
    },
    "test_gradcheck_foreign.py::test_a_parameter_behind_zeros_is_found": {
        "what changes nothing alone is no parameter": ("gradcheck/parameters.py", [(" and np.array_equal(value_with(others), everywhere))", ")")]),
    },
    "test_gradcheck_foreign.py::test_parameters_of_ones_and_zeros_hide_nothing": {
        "parameters checked where they were": ("gradcheck/parameters.py", [("value = near if value.any() else 0.1 * rng.standard_normal(value.shape)", "pass")]),
    },
    "test_gradcheck_foreign.py::test_what_lies_outside_of_both_slopes_is_wrong_on_a_kink": {
        "all is forgiven on a kink": ("gradcheck/check.py", [("found.kinks[i] = len(directions[i].at) > 1 or ", "found.kinks[i] = True or ")]),
    },
    "test_gradcheck_foreign.py::test_where_everything_lies_on_a_kink_nothing_is_told": {
        "kinks hide what is beside them": ("gradcheck/check.py", [("or not found.said.any()) and point.beside:", "or not found.said.any()) and False:")]),
    },
    "test_gradcheck_foreign.py::test_large_values_make_no_wrong_gradient_right_and_no_right_one_wrong": {
        "no allowance for rounding": ("gradcheck/measure.py", [("return np.maximum(np.where(np.isfinite(measured), measured, 0), precision * abs(terms(v)))", "return np.zeros_like(terms(v))")]),
        "what differences do not resolve is ok": ("gradcheck/check.py", [("told = coarse <= max(COARSE, 10 * limits.central_tolerance) * scale", "told = True")]),
        "complex numbers tried with a fixed step": ("gradcheck/check.py", [("central, resolution = best_difference(self.terms, v, everywhere, self.noise)", "central, resolution = central_difference(self.terms, v, everywhere, 1e-9), 0.0")]),
    },
    "test_gradcheck_foreign.py::test_a_factor_of_the_cotangent_is_no_cause": {
        "a factor for one cotangent is a cause": ("gradcheck/check.py", [("exact = same and tolerance < 1e-5", "exact = True")]),
    },
    "test_gradcheck_foreign.py::test_float32_within_a_function_is_noticed": {
        "float32 by its dtype alone": ("gradcheck/measure.py", [("return float(np.finfo(np.float32).eps) if staircase else EPS", "return EPS")]),
    },
    "test_gradcheck_foreign.py::test_a_report_is_as_true_as_it_is_ok": {
        "a report is true": ("gradcheck/report.py", [("        return self.ok\n", "        return True\n")]),
    },
}
