// Package diffusion holds the processes, the training examples, the losses and
// the samplers of heavy-tailed diffusion: DLPM, DLIM and LIM with α-stable
// noise, t-EDM and t-Flow with Student-t noise, EDM with noise of jumps, and their
// Gaussian limits DDPM, DDIM, EDM and flow matching.
//
//	method       process  samplers                            examples    noise
//	DLPM, DLIM   DLPM     DLPMSampler, DLIM, DLIM2, DLIMSDE   DLPMNoiser  α-stable
//	DDPM, DDIM   DLPM     the same at α = 2, DPMSolver        DLPMNoiser  N(0, 2)
//	LIM          LIM      LIMSampler, SDE and ODE             LIMNoiser   α-stable
//	t-EDM        EDM      EDMSampler, TEDMAncestral, TEDMSDE  EDMNoiser   Student-t
//	jump         EDM      EDMSampler, JumpSampler, DPMSolver  EDMNoiser   variance gamma
//	EDM          EDM      the same at ν = ∞, DPMSolver        EDMNoiser   N(0, 1)
//	t-Flow       Flow     FlowSampler                         FlowNoiser  Student-t
//	flow         Flow     the same at ν = ∞                   FlowNoiser  N(0, 1)
//
// # The process of DLPM
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
//	α     DLPM.Alpha              tail index, 1 < α ≤ 2
//	T     DLPM.Steps              number of levels; a sampler makes T−1 steps
//	γ γ̄   DLPMSchedule.Gamma, GammaBar
//	σ σ̄   DLPMSchedule.Sigma, SigmaBar
//	A     stable.Noise            multiplier of the variance
//	Σ     DLPMSchedule.Variances  conditional variance
//	Γ     DLPMSchedule.Posterior  share of the noise that a step removes
//	ε̂     Denoiser                the network's estimate of ε
//	x̂_0                           (x_t − σ̄_t·ε̂)/γ̄_t
//	η ρ   DLIM.Eta                ρ = η·σ̄_{t−1}
//
// # The processes of t-EDM and t-Flow
//
// Noise is a multivariate Student-t vector, n = z/√κ with one κ ~ χ²(ν)/ν per
// sample (or per channel, see Nu), of variance a = ν/(ν−2) per element. EDM adds
// it, a Flow mixes it with the data:
//
//	x = x_0 + σ·n                       D(x; σ) = E[x_0 | x]
//	x_t = t·x_1 + (1−t)·n               v(x, t) = E[x_1 − n | x_t]
//
// x_t/t is x at σ = (1−t)/t, so both are one process and one ODE, exact for
// every law of noise:
//
//	dx/dσ = (x − D(x; σ))/σ             dx/dt = v = (D(x/t; (1−t)/t) − x)/(1−t)
//
// A network F stands behind D or v through a wrapper: EDM.Precondition,
// Flow.Velocity, DLPM.DataDenoiser (for DDPM), and Flow.FromData and
// Flow.DataDenoiser turn each into the other. So every such network drives every
// such sampler. EDM's wrapper keeps F's input and target at variance 1:
//
//	D = σ_d²/(aσ²+σ_d²)·x + √a·σ·σ_d/√(aσ²+σ_d²)·F(x/√(aσ²+σ_d²), ln(σ)/4)
//
// a is 1 at ν = ∞, where all of this is the Gaussian method bit for bit. The
// levels that samplers and wrappers are told are σ, never √a·σ. Two levels s < t
// of t-EDM share κ, which makes the posterior
//
//	x_s | x_t, x_0 ~ t_d(x_0 + r·(x_t−x_0), (ν+δ²)/(ν+d)·σ̄²·I, ν+d)
//	δ² = |x_t−x_0|²/σ_t²,  r = s²/t²,  σ̄² = s²·(1−s²/t²)
//
// The tail lives in the factor (ν+δ²)/(ν+d): TEDMAncestral keeps it, the
// published sampler drops it, and TEDMSDE has its own form of it.
//
//	ν        Nu                        degrees of freedom, above 2
//	κ        stable.Key.Kappa          χ²(ν)/ν
//	a        Nu.Inflation              ν/(ν−2)
//	σ σ_i    EDM.Sigmas                level of noise, raw
//	σ_d      EDM.SigmaData             deviation of the data
//	D        DataDenoiser              estimate of the data
//	v        Velocity                  dx/dt
//	F        Denoiser                  the network itself
//	n f      TargetNoise               what a Flow's network may predict
//
// # The process of LIM
//
// LIM is continuous in time, with unit noise ε as DLPM's for α < 2 but N(0, 1)
// at α = 2:
//
//	x_t = γ(t)·x_0 + σ(t)·ε,  γ(t) = cos((t+s)/(1+s)·π/2)/cos(s/(1+s)·π/2),  γ^α + σ^α = 1
//
// (DLPM's γ̄ is this γ to the power 2/α.) Its network predicts −ε/α; the sampler
// takes ε̂ as DLPM does, LIM.FromScore is between them. The ODE reaches its target
// for every α. The published SDE does for α = 2 only: for α < 2 its samples are
// wider by (α−1)^{−1/α} even with an exact denoiser and any number of steps, as
// the time reversal it is built on leaves out a term; clamps hide this partly.
//
// # Training
//
// A DLPMNoiser makes x_t, the target ε = √A·z and the time t/T from data. The
// network's output ε̂ goes with the target through the device:
//
//	kind, p := loss.Elementwise()
//	dev.Loss(m, pred, target, kind, p)            // one mean per row
//	value := loss.Reduce(w, m, batch)             // the loss, and ∂loss/∂m
//	dev.LossBackward(dpred, pred, target, kind, p, w)
//
// The examples of EDMNoiser and FlowNoiser take the plain square (the weight
// 1/c_out² of EDM is in the target's scale already), those of LIMNoiser Huber's.
//
// The published criterion of DLPM is E_A[(E_z‖ε̂−ε‖²)^{1/2}], Root here: the plain
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
// The samplers of EDM and Flow are the same with a float64 state, of which only
// the network sees a float32 copy. They yield the number of steps that are left.
//
// # Guidance, starts from an image, kept elements
//
// Guide mixes the estimates with and without a condition, u + w·(c − u), of
// whichever kind. Every sampler has an Edit: an image to start from, noised by
// the process's own law to a level in between, and elements of it to keep. The
// estimate of the data is the image's at the kept elements, so the sampler's
// own posterior takes them along the forward process given its end, with the
// same A or κ as the rest; nothing is drawn for them aside. What that does to
// the rest is said at Edit.
//
// # One process by another's name
//
// Flow matching is EDM at σ = (1−t)/t, so a network that EDM.Precondition wraps
// is a preconditioned flow: EDMNoiser's ln σ ~ N(P_mean, P_std²) are logit-normal
// times t, and FlowSampler draws from it through Flow.FromData.
//
// # Differences from the published code
//
// Schedules are float64 and do not cancel; a change of the number of steps
// keeps the scale; the quadratic exploding grid reaches σ_max; an exploding
// chain ends at x̂_0 (DLPMSampler.KeepSigmaMin restores the other end); groups of
// the median of means are grouped as they were drawn, and the root is taken
// after the inner mean; a residual of zero has gradient zero. The start that
// ignores the chain's own A stays the default, since published numbers use it;
// DLPMSampler.ConsistentStart is the consistent one.
//
// t-EDM: the samplers divide by the raw σ; churn has noise for Student's process, for
// finite ν a Student-t with a state-dependent scale that leaves out the spread of x_0, or,
// with IndependentNoise, the noise that keeps the marginals. t-Flow: the
// field at t = 0 is its limit E[x_1] − x and not 0/0, both slopes of Heun's
// method are used in every interval. LIM: the start at α = 2 has the variance
// that the steps have.
//
// Sources: [Shariatian, Simsekli and Durmus 2025] for DLPM and DLIM, [Ho, Jain
// and Abbeel 2020] for DDPM, [Song, Meng and Ermon 2021] for DDIM, [Nichol and
// Dhariwal 2021] for the cosine schedule, [Karras et al. 2022] for the
// exploding one and EDM, [Pandey et al. 2025] for t-EDM and t-Flow, [Yoon et al.
// 2023] for LIM, [Wakatsuki and Shimazaki 2026] for the state-dependent SDE,
// [Lu et al. 2022] for DPM-Solver++, [Lipman et al. 2023] and [Liu et al. 2023]
// for flow matching, [Baule 2025] for jumps.
//
// [Shariatian, Simsekli and Durmus 2025]: https://arxiv.org/abs/2407.18609
// [Ho, Jain and Abbeel 2020]: https://arxiv.org/abs/2006.11239
// [Song, Meng and Ermon 2021]: https://arxiv.org/abs/2010.02502
// [Nichol and Dhariwal 2021]: https://arxiv.org/abs/2102.09672
// [Karras et al. 2022]: https://arxiv.org/abs/2206.00364
// [Pandey et al. 2025]: https://arxiv.org/abs/2410.14171
// [Wakatsuki and Shimazaki 2026]: https://arxiv.org/abs/2606.01645
// [Yoon et al. 2023]: https://openreview.net/forum?id=0Wp3VHX0Gm
// [Lu et al. 2022]: https://arxiv.org/abs/2211.01095
// [Lipman et al. 2023]: https://arxiv.org/abs/2210.02747
// [Liu et al. 2023]: https://arxiv.org/abs/2209.03003
// [Baule 2025]: https://arxiv.org/abs/2503.06558
package diffusion
