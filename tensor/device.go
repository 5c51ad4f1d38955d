package tensor

// A Device computes on tensors that it made. Destinations are explicit and
// come first; no method keeps a reference or allocates in a steady state.
//
// Conventions, for every method:
//   - N batch, H W spatial, C input channels, O output channels, M rows,
//     T tokens. Images are [N,H,W,C], rows are [M,C].
//   - Activations may be column views (Pitch > Cols); parameters and their
//     gradients are dense.
//   - Gradients are named d + the forward name. Gradients of parameters
//     accumulate (+=) and continue the same chain of additions, so two
//     batches of 8 give the bits of one batch of 16. Gradients of activations
//     are overwritten.
//   - A nil destination is not computed where the method says so.
//   - Wrong shapes panic with the shapes in the text.
//   - A result depends on the inputs only: not on the level, the number of
//     threads or how a batch is split.
type Device interface {
	// Name says what computes, for logs: "cpu avx512, 2 threads".
	Name() string
	// New returns a zeroed tensor, aligned to Align.
	New(shape ...int) *Tensor
	// Upload copies src into dst (row-major, all elements).
	Upload(dst *Tensor, src []float32)
	// Download copies src into dst (row-major, all elements).
	Download(dst []float32, src *Tensor)
	// Fill sets every element of t to v.
	Fill(t *Tensor, v float32)
	// Copy sets dst = src (equal shapes, any pitches).
	Copy(dst, src *Tensor)
	// Add sets dst = a + b (equal shapes, any pitches; dst may be a or b).
	Add(dst, a, b *Tensor)

	// Linear sets y = x·w + b: x [M,C], w [C,O] (the transpose of PyTorch's
	// weight), b [O] or nil, y [M,O].
	Linear(y, x, w, b *Tensor)
	// LinearBackward: dx = dy·wᵀ, dw += xᵀ·dy, db += Σ_rows dy, each nil: skipped.
	LinearBackward(dx, dw, db, dy, x, w *Tensor)

	// Conv2D sets y = conv(x, w) + b + res. x [N,H,W,C]; w [k,k,C,O] with
	// k 1 or 3, padding k/2 (see ConvOpt.After); b [O]; res nil or of y's shape
	// (may be y itself).
	// opt.Up doubles H and W by repeating pixels first; opt.Stride 1 or 2;
	// opt.Normalized allows a form with fewer multiplications, see ConvOpt.
	Conv2D(y, x, w, b, res *Tensor, opt ConvOpt)
	// Conv2DBackward: dx, dw += , db += , each nil: skipped. The gradient of res is
	// dy itself.
	Conv2DBackward(dx, dw, db, dy, x, w *Tensor, opt ConvOpt)

	// Resample filters every channel of x [N,H,W,C] with the same taps f along
	// both sides, changing the size as opt says. Beyond the image x is zero.
	//
	//	opt.Up:   y[o] = Σ_i f[o+Pad−2i]·x[i],     H' = 2(H−1) + len(f) − 2·Pad
	//	else:     y[i] = Σ_k f[k]·x[Stride·i+k−Pad], H' = ⌊(H + 2·Pad − len(f))/Stride⌋ + 1
	//
	// (one side shown). y [N,H',W',C].
	Resample(y, x *Tensor, opt ResampleOpt)
	// ResampleBackward sets dx, the transpose of Resample applied to dy.
	ResampleBackward(dx, dy *Tensor, opt ResampleOpt)

	// AddChannels adds row n of v [N,C] to every pixel of sample n: y = x + v,
	// x, y [N,H,W,C]; y may be x.
	AddChannels(y, x, v *Tensor)
	// SumPixels sets row n of dv [N,C] to the sum of the pixels of sample n of
	// dy [N,H,W,C]: the gradient at v of AddChannels.
	SumPixels(dv, dy *Tensor)

	// GroupNorm sets y = act(n·(1+scale) + shift), n = (x−mean)·rstd·gamma + beta,
	// mean and rstd over each group of C/Groups channels and all pixels of a
	// sample. ss is nil or dense [N,2C] (scale in the first half); stats, dense
	// [N,2C], receives what the backward pass needs. Shapes: x, y [N,H,W,C].
	GroupNorm(y, x, gamma, beta, ss, stats *Tensor, opt NormOpt)
	// GroupNormBackward: dx, dgamma +=, dbeta += (both nil: skipped), dss (overwritten;
	// nil if ss is nil). If opt.AddDX, dx += instead of dx =.
	GroupNormBackward(dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss, stats *Tensor, opt NormOpt)

	// LayerNorm is GroupNorm's counterpart over the last dimension: x, y [M,C],
	// stats [M,2]. opt.Groups is ignored.
	LayerNorm(y, x, gamma, beta, stats *Tensor, opt NormOpt)
	// LayerNormBackward: dx, dgamma +=, dbeta += (both nil: skipped).
	LayerNormBackward(dx, dgamma, dbeta, dy, x, gamma, beta, stats *Tensor, opt NormOpt)

	// SiLU sets y = x·sigmoid(x). It is the only activation of a device: what
	// reads a network with another (relu, gelu, mish) refuses it by name.
	SiLU(y, x *Tensor)
	// SiLUBackward sets dx = dy·silu'(x).
	SiLUBackward(dx, dy, x *Tensor)

	// Attention sets y = softmax(q·kᵀ/√d)·v per head, d = C/heads, at most
	// MaxHead. qkv [N,T,3C] in the published order: head-major, inside each head
	// q, k, v; y [N,T,C].
	Attention(y, qkv *Tensor, heads int)
	// AttentionBackward sets dqkv, recomputing the probabilities.
	AttentionBackward(dqkv, dy, qkv *Tensor, heads int)

	// TimestepEmbedding sets row i of y [N,D] to [cos(a_ik)…, sin(a_ik)…] with
	// a_ik = opt.Scale·t_i·f_k and f_k = 10000^(−k/(D/2 − opt.Shift)), k < D/2;
	// the sines first if opt.SinFirst.
	TimestepEmbedding(y *Tensor, t []float32, opt TimeOpt)
	// Embedding adds row ids[i] of table [K,C] to row i of y [N,C]; a negative
	// id adds nothing.
	Embedding(y, table *Tensor, ids []int)
	// EmbeddingBackward: dtable[ids[i]] += dy[i].
	EmbeddingBackward(dtable, dy *Tensor, ids []int)

	// Dropout sets y = x·mask/(1−p), 0 ≤ p < 1. Element j of sample i is dropped
	// when word j mod 4 of Philox4x32-10 under the key seed at the counter
	// (j/4, keys[i]), both as 64 bits, is less than p·2³².
	Dropout(y, x *Tensor, p float32, seed uint64, keys []uint64)

	// Loss sets out[i] to the mean over sample i of kind's function of
	// r = pred − target.
	Loss(out []float64, pred, target *Tensor, kind LossKind, p float64)
	// LossBackward sets dpred = w[i]·∂out[i]/∂pred.
	LossBackward(dpred, pred, target *Tensor, kind LossKind, p float64, w []float64)

	// SumSq returns Σ x² of a dense tensor in a fixed order.
	SumSq(x *Tensor) float64
	// Scale sets x = s·x.
	Scale(x *Tensor, s float32)
	// ScaleSamples sets sample i of y to s[i] times sample i of x (equal shapes,
	// any pitches; y may be x).
	ScaleSamples(y, x *Tensor, s []float32)
	// AdamW updates p (and m, v) from g; see AdamWOpt. All dense, equal length.
	AdamW(p, g, m, v *Tensor, opt AdamWOpt)
	// Lerp sets dst = mu·dst + (1−mu)·src: the moving average of weights.
	Lerp(dst, src *Tensor, mu float64)
}

// ConvOpt chooses the form of a convolution.
type ConvOpt struct {
	Stride int // 1 or 2; 0 means 1
	// Up doubles the image by nearest neighbours before the convolution. One of 3×3 may
	// take a form of fewer products, chosen by H, W and the channels of one sample, whose
	// outputs depend on no pixel that they do not see.
	Up bool

	// After pads by one row below and one column on the right and not before: a
	// 3×3 convolution of stride 2 sees pixels 2i to 2i+2, and H' = ⌊H/2⌋. So do
	// the networks of DDPM and diffusers where downsample_padding is 0. It needs
	// k = 3, Stride 2 and images of at least 2×2.
	After bool

	// Normalized says that the magnitudes of x's pixels are alike, as they are
	// after a normalisation. Then a 3×3 convolution of stride 1 without Up may
	// take a form whose rounding errors, and those of the gradient at x, follow
	// the largest pixel of a square of up to 6×6 and not only of the nine that
	// an output sees; NaN and infinities spread over that square. The gradient of
	// the weight may take such a form too: its nine taps, sums over all pixels, then
	// share the rounding errors of the largest product of x and dy. Which form each
	// takes depends on H, W and the channels of one sample.
	Normalized bool

	// Next is the weight of a convolution that will follow soon, or nil: a device may
	// fetch it into its caches meanwhile (the processor does, between 3×3 convolutions
	// without Up). It changes no result.
	Next *Tensor
}

// MaxHead is the largest head size d of attention that every device takes.
const MaxHead = 512

// TimeOpt chooses the form of an embedding of times: improved-diffusion's has
// the cosines first and no shift; diffusers' flip_sin_to_cos is !SinFirst and
// its freq_shift is Shift.
type TimeOpt struct {
	Scale    float32 // multiplies the times
	SinFirst bool
	Shift    int // 0 or 1; D/2 must be larger
}

// ResampleOpt chooses the form of a resampling.
type ResampleOpt struct {
	Taps   []float32 // f, 1 to MaxTaps values
	Stride int       // 1 or 2; 0 means 1
	Up     bool      // doubles the size; Stride must be 0 or 1
	Pad    int       // zeros assumed before and after each side; with Up, outputs left out
}

// MaxTaps is the longest filter of a resampling.
const MaxTaps = 4

// Out returns the size of one side of the result for n pixels, which may be
// less than 1 if n is too small for the filter.
func (o ResampleOpt) Out(n int) int {
	if o.Up {
		return 2*(n-1) + len(o.Taps) - 2*o.Pad
	}
	return (n+2*o.Pad-len(o.Taps))/max(o.Stride, 1) + 1
}

// NormOpt chooses the form of a normalisation.
type NormOpt struct {
	Groups int     // of channels that are normalised together
	Eps    float32 // added to the variance
	SiLU   bool    // apply SiLU to the result
	AddDX  bool    // backward: dx += instead of dx =
}

// LossKind is the function of the residual that Loss averages.
type LossKind int

const (
	Squared LossKind = iota // r²
	Huber                   // r²/2 if |r| < 1, else |r| − ½
	PNorm                   // |r|^p, p being the argument of Loss
)

// AdamWOpt holds one AdamW step's constants: p ← p(1−LR·WeightDecay), then
// Adam with bias corrections 1−β^Step. GradScale multiplies g first (clipping).
type AdamWOpt struct {
	LR, Beta1, Beta2, Eps, WeightDecay float64 // the letters lr, β₁, β₂, ε, wd of AdamW
	GradScale                          float64 // g is multiplied by it first
	Step                               int     // n ≥ 1, of this update
}
