// Package stable makes heavy-tailed random variates: uniform, normal,
// exponential and α-stable ones, and the noise of DLPM.
//
// # One value, one address
//
// There is no generator to advance. A variate is a function of its address
//
//	(seed, sample, step, family, element)
//
// alone, through Philox4x32-10, so that any order of calls, any cut of a range
// into pieces, any number of threads and every instruction-set level give the
// same bits. A Key holds the first three parts; the method names the family
// and its argument off the first element.
//
// The address becomes key and counter of Philox as follows:
//
//	key k0, k1   low and high half of the 64-bit seed
//	counter c0   block = element/4, or element/2 for families with two words each
//	        c1   step, 32 bits
//	        c2   low 32 bits of the sample
//	        c3   family tag (bits 24–31) and bits 32–55 of the sample (bits 0–23)
//
// A block has four words w0…w3. Families with one word per variate (words,
// uniform, exponential, normal, tables) take element 4n+j from block n: word j,
// or for normals words 0, 1 → elements 4n, 4n+1 and 2, 3 → 4n+2, 4n+3.
// Families with two words per variate (the stable laws) take elements 2n and
// 2n+1 from words 0, 1 and 2, 3 of block n. The multiplier A of isotropic noise
// is made in float64 from block 0 of a family of its own, two words per uniform.
// So is a gamma variate, which owns 64 blocks: one attempt of its rejection after
// the other has its own counters.
// The float64 families use two words per uniform too, the even one on top: of
// uniforms, exponentials and normals block n gives elements 2n and 2n+1, of all
// others element n, so that those hold 2^32 elements.
// So a family holds 2^34, 2^33 or 2^32 elements per (sample, step), gammas 2^26;
// samples go up to 2^56 − 1 and steps to 2^32 − 1.
//
// Sampling with the seeds 0 to 63 uses Seed = 0 … 63 with Sample = 0; training
// uses the seed of the run and counts its samples. Two streams that differ in
// any part, and two families of one stream, are independent.
//
// # Stable variates
//
// Three ways to one law, with streams of their own:
//
//	Sampler                  table of the inverse distribution: fastest, one word and
//	                         32 bits per variate, any law with α ≥ 0.5
//	Symmetric, Skewed        Chambers, Mallows and Stuck in float32: 63 bits
//	Symmetric64, Skewed64    the same in float64: 128 bits
//
// Positive gives the positive laws (Kanter), SubGaussian isotropic vectors, and
// Noise what DLPM adds. The comments state the errors that the tests measured.
//
// # Laws
//
// Parameters follow Nolan: S1 and S0 are always named, never a default, since
// mixing them up is the usual mistake (see Param). The scale γ is 1 and the
// location 0; a symmetric law has the characteristic function exp(−|t|^α), so
// at α = 2 it is N(0, 2).
//
// A Law or a StudentT, of any scale and location, gives density, log-density,
// distribution, survival function and quantiles, each tail with its own relative
// precision; a Table is the fast form of a Law for many evaluations. Absolute and
// logarithmic moments are closed forms (AbsMoment, LogMean, LogVariance), and
// Law.LogDensityGradient gives the derivatives of ln f by all parameters.
//
// Two ways to cut a law are not the same and have two names: Truncated is the
// law under the condition that X lies in an interval, Clamped that of
// min(max(X, Lo), Hi), with atoms at the ends. The clamps of Noise are of the
// second kind: NewClamped(MultiplierLaw(alpha), 0, n.ClampA) is the law of n.A.
//
// Tempered is the law of stable jumps whose large ones are exponentially rare.
//
// In d dimensions Elliptical is the law of √A·L·G, with its density, and Spectral
// that of a discrete spectral measure; both draw vectors, project to a Law and know
// the dependence of their tails. FitElliptical and FitSpectral find them.
//
// # Estimation
//
// From data to a law, all in S0 and with standard errors:
//
//	FitStable      maximum likelihood: the most exact, α ≥ 0.5
//	KogonWilliams  characteristic function: for large samples and any α
//	McCulloch      five quantiles: robust, and blind to what lies beyond 95 %
//	LogMoments     symmetric laws about 0, one logarithm per value
//	FitStudent     Student's t by maximum likelihood
//	TailIndex      no law at all: the extremes alone, both tails; Hill for one tail
//	Compare        which of a stable and a Student-t fit is nearer to the data
//	Regress        a linear model with stable errors, by maximum likelihood
//
// Data without an answer (too few, constant, tied, not finite) are errors that
// name the remedy.
package stable
