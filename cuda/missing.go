package cuda

import (
	"heavytail/internal/shapes"
	"heavytail/tensor"
)

// The methods whose kernels do not exist yet: they check what they are given, and
// panic with a *MissingError. TestMissing lists them.

// without starts a method that has no kernel.
func (d *Device) without(op string, ts ...*tensor.Tensor) {
	defer d.begin(op, ts...).end()
	d.missing("%s", op)
}

func (d *Device) Linear(y, x, w, b *tensor.Tensor) {
	shapes.Linear("Linear", y, x, w, b)
	d.without("Linear", y, x, w, b)
}

func (d *Device) LinearBackward(dx, dw, db, dy, x, w *tensor.Tensor) {
	shapes.LinearBackward(dx, dw, db, dy, x, w)
	d.without("LinearBackward", dx, dw, db, dy, x, w)
}

func (d *Device) Conv2D(y, x, w, b, res *tensor.Tensor, opt tensor.ConvOpt) {
	shapes.Conv2D(y, x, w, b, res, opt)
	d.without("Conv2D", y, x, w, b, res)
}

func (d *Device) Conv2DBackward(dx, dw, db, dy, x, w *tensor.Tensor, opt tensor.ConvOpt) {
	shapes.Conv2DBackward(dx, dw, db, dy, x, w, opt)
	d.without("Conv2DBackward", dx, dw, db, dy, x, w)
}

func (d *Device) Resample(y, x *tensor.Tensor, opt tensor.ResampleOpt) {
	shapes.Resample("Resample", y, x, opt)
	d.without("Resample", y, x)
}

func (d *Device) ResampleBackward(dx, dy *tensor.Tensor, opt tensor.ResampleOpt) {
	shapes.Resample("ResampleBackward", dy, dx, opt)
	d.without("ResampleBackward", dx, dy)
}

func (d *Device) SumPixels(dv, dy *tensor.Tensor) {
	shapes.Channels("SumPixels", dy, dv)
	d.without("SumPixels", dv, dy)
}

func (d *Device) GroupNorm(y, x, gamma, beta, ss, stats *tensor.Tensor, opt tensor.NormOpt) {
	shapes.GroupNorm("GroupNorm", y, x, gamma, beta, ss, stats, opt.Groups)
	d.without("GroupNorm", y, x, gamma, beta, ss, stats)
}

func (d *Device) GroupNormBackward(dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss, stats *tensor.Tensor, opt tensor.NormOpt) {
	shapes.GroupNormBackward(dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss, stats, opt.Groups)
	d.without("GroupNormBackward", dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss, stats)
}

func (d *Device) LayerNorm(y, x, gamma, beta, stats *tensor.Tensor, opt tensor.NormOpt) {
	shapes.LayerNorm("LayerNorm", y, x, gamma, beta, stats)
	d.without("LayerNorm", y, x, gamma, beta, stats)
}

func (d *Device) LayerNormBackward(dx, dgamma, dbeta, dy, x, gamma, beta, stats *tensor.Tensor, opt tensor.NormOpt) {
	shapes.LayerNormBackward(dx, dgamma, dbeta, dy, x, gamma, beta, stats)
	d.without("LayerNormBackward", dx, dgamma, dbeta, dy, x, gamma, beta, stats)
}

func (d *Device) Attention(y, qkv *tensor.Tensor, heads int) {
	shapes.Attention("Attention", y, qkv, heads)
	d.without("Attention", y, qkv)
}

func (d *Device) AttentionBackward(dqkv, dy, qkv *tensor.Tensor, heads int) {
	shapes.AttentionBackward(dqkv, dy, qkv, heads)
	d.without("AttentionBackward", dqkv, dy, qkv)
}

func (d *Device) EmbeddingBackward(dtable, dy *tensor.Tensor, ids []int) {
	shapes.Embedding("EmbeddingBackward", dy, dtable, ids)
	d.without("EmbeddingBackward", dtable, dy)
}

func (d *Device) Loss(out []float64, pred, target *tensor.Tensor, kind tensor.LossKind, p float64) {
	shapes.Loss("Loss", pred, target, kind, len(out))
	d.without("Loss", pred, target)
}

func (d *Device) LossBackward(dpred, pred, target *tensor.Tensor, kind tensor.LossKind, p float64, w []float64) {
	shapes.Match("LossBackward", dpred, pred)
	shapes.Loss("LossBackward", pred, target, kind, len(w))
	d.without("LossBackward", dpred, pred, target)
}

func (d *Device) SumSq(x *tensor.Tensor) float64 {
	shapes.Flat("SumSq", x, x.Len())
	d.without("SumSq", x)
	return 0
}

func (d *Device) AdamW(p, g, m, v *tensor.Tensor, opt tensor.AdamWOpt) {
	shapes.AdamW(p, g, m, v, opt.Step)
	d.without("AdamW", p, g, m, v)
}
