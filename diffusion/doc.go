// Package diffusion holds the process, the training examples, the losses and
// the samplers of heavy-tailed diffusion: DLPM and DLIM with α-stable noise,
// and their Gaussian limits DDPM and DDIM at α = 2.
//
// # Process
//
// The data x_0 are noised in T levels t = 0…T−1 (level 0 is the data):
//
//	x_t = γ_t·x_{t−1} + σ_t·ε_t        x_t = γ̄_t·x_0 + σ̄_t·ε
//
// with unit symmetric α-stable noise ε = √A·z, where z ~ N(0, I) and A is
// positive stable of index α/2, E exp(−sA) = exp(−(2s)^{α/2}). Hence
// E exp(iuε) = exp(−|u|^α): at α = 2 the noise has variance 2, not 1. One A
// scales the whole sample (Isotropic) or each element has its own.
//
// Given the A of all levels the chain is Gaussian, which is what makes it
// tractable:
//
//	x_t | x_0, A ~ N(γ̄_t·x_0, Σ_t·I)   Σ_t = σ_t²·A_t + γ_t²·Σ_{t−1}
//	x_{t−1} | x_t, x_0, A ~ N((x_t − Γ_t·σ̄_t·ε)/γ_t, Γ_t·Σ_{t−1}·I)
//	Γ_t = 1 − γ_t²·Σ_{t−1}/Σ_t
//
// # Symbols
//
//	α     Process.Alpha      tail index, 1 < α ≤ 2
//	T     Process.Steps      number of levels; a sampler makes T−1 steps
//	γ γ̄   Schedule.Gamma, GammaBar
//	σ σ̄   Schedule.Sigma, SigmaBar
//	A     stable.Noise       multiplier of the variance
//	Σ     Schedule.Variances conditional variance
//	Γ     Schedule.Posterior share of the noise that a step removes
//	ε̂     Denoiser           the network's estimate of ε
//	x̂_0                      (x_t − σ̄_t·ε̂)/γ̄_t
//	η ρ   DLIM.Eta           ρ = η·σ̄_{t−1}
//
// # Training
//
// A Noiser makes x_t, the target ε = √A·z and the time t/T from data. The
// network's output ε̂ goes with the target through the device:
//
//	kind, p := loss.Elementwise()
//	dev.Loss(m, pred, target, kind, p)            // one mean per row
//	value := loss.Reduce(w, m, batch)             // the loss, and ∂loss/∂m
//	dev.LossBackward(dpred, pred, target, kind, p, w)
//
// The published criterion is E_A[(E_z‖ε̂−ε‖²)^{1/2}], Root here: the plain
// square has no finite mean for α < 2.
//
// # Sampling
//
// DLPM and DLIM are plain values: the process, the options and one method for
// all samples (Sample) or step by step (Trajectory). They take a Denoiser, any
// function that computes ε̂, and know nothing of networks. Sample i is a
// function of its own seed: the noise of step t has the address (seed, sample
// 0, step t, element), the initial noise has a step key of its own, so it is
// the same for every number of steps. The state is float32, the coefficients
// are float64 rounded to float32 once per step, and every result is the same
// bits at every CPU level, for any number of goroutines and any batch split, as
// far as the denoiser is.
//
// # Differences from the published code
//
// Schedules are float64 and do not cancel; a change of the number of steps
// keeps the scale; the quadratic exploding grid reaches σ_max; an exploding
// chain ends at x̂_0 (Options.KeepSigmaMin restores the other end); groups of
// the median of means are grouped as they were drawn, and the root is taken
// after the inner mean; a residual of zero has gradient zero. The start that
// ignores the chain's own A stays the default, since published numbers use it;
// Options.ConsistentStart is the consistent one.
//
// Sources: [Shariatian, Simsekli and Durmus 2025] for DLPM and DLIM, [Ho, Jain
// and Abbeel 2020] for DDPM, [Song, Meng and Ermon 2021] for DDIM, [Nichol and
// Dhariwal 2021] for the cosine schedule, [Karras et al. 2022] for the
// exploding one.
//
// [Shariatian, Simsekli and Durmus 2025]: https://arxiv.org/abs/2407.18609
// [Ho, Jain and Abbeel 2020]: https://arxiv.org/abs/2006.11239
// [Song, Meng and Ermon 2021]: https://arxiv.org/abs/2010.02502
// [Nichol and Dhariwal 2021]: https://arxiv.org/abs/2102.09672
// [Karras et al. 2022]: https://arxiv.org/abs/2206.00364
package diffusion
