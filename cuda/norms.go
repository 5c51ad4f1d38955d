package cuda

import (
	"heavytail/cuda/gen"
	"heavytail/internal/shapes"
	"heavytail/tensor"
)

// groups is the grid and the shared memory of a group normalisation of x, and the
// parameters of its shape.
func groups(x *tensor.Tensor, opt tensor.NormOpt) (blocks [3]uint32, shared int, shape [4]arg) {
	n, c := x.Dim(0), x.Cols()
	cpg := c / opt.Groups
	width := gen.GroupNormWidth(cpg)
	return grid(up(c, width), n, 1), gen.GroupNormShared(cpg), [4]arg{num(x.Rows() / n), num(c), num(cpg), num(width)}
}

// GroupNorm sets y = act(n·(1+scale) + shift), n = (x−mean)·rstd·gamma + beta, and
// stats, as kernels.CPU.GroupNorm defines them. It panics on shapes that do not fit.
func (d *Device) GroupNorm(y, x, gamma, beta, ss, stats *tensor.Tensor, opt tensor.NormOpt) {
	shapes.GroupNorm("GroupNorm", y, x, gamma, beta, ss, stats, opt.Groups)
	defer d.begin("GroupNorm", y, x, gamma, beta, ss, stats).end()
	y.Touch()
	stats.Touch()
	if x.Len() == 0 {
		return
	}
	blocks, shared, s := groups(x, opt)
	d.launch("groupnorm", "groupnorm", blocks, shared, ptr(at(y)), ptr(at(x)), ptr(at(gamma)), ptr(at(beta)), ptr(at(ss)), ptr(at(stats)),
		s[0], s[1], s[2], s[3], num(y.Pitch()), num(x.Pitch()), f32(opt.Eps), flag(opt.SiLU))
}

// GroupNormBackward computes the gradients of GroupNorm as kernels.CPU does: dx
// (added to if opt.AddDX), dgamma +=, dbeta += (sample after sample; both nil: skipped),
// dss overwritten (nil if ss is nil). It panics on shapes that do not fit.
func (d *Device) GroupNormBackward(dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss, stats *tensor.Tensor, opt tensor.NormOpt) {
	shapes.GroupNormBackward(dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss, stats, opt.Groups)
	if ss == nil {
		dss = nil
	}
	defer d.begin("GroupNormBackward", dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss, stats).end()
	for _, t := range [...]*tensor.Tensor{dx, dgamma, dbeta, dss} {
		if t != nil {
			t.Touch()
		}
	}
	if x.Len() == 0 {
		return
	}
	entry := "groupnorm_backward"
	if opt.SiLU {
		entry = "groupnorm_silu_backward"
	}
	n, c := x.Dim(0), x.Cols()
	grads := d.room(n * 2 * c)
	blocks, shared, s := groups(x, opt)
	d.launch("groupnorm", entry, blocks, shared, ptr(at(dx)), ptr(at(dy)), ptr(at(x)), ptr(at(gamma)), ptr(at(beta)), ptr(at(ss)), ptr(at(stats)),
		ptr(grads), ptr(at(dss)), s[0], s[1], s[2], s[3], num(dx.Pitch()), num(dy.Pitch()), num(x.Pitch()), flag(opt.AddDX))
	if dgamma != nil {
		d.columnSums(at(dgamma), c, matrix{grads, n, c, 2 * c}, 1, true)
		d.columnSums(at(dbeta), c, matrix{grads + 4*uint64(c), n, c, 2 * c}, 1, true)
	}
}

// rowsPerBlock is how many rows a block of a row kernel has.
const rowsPerBlock = 8

// LayerNorm sets y = act((x−mean)·rstd·gamma + beta) over rows, and stats, as
// kernels.CPU.LayerNorm defines them. It panics on shapes that do not fit.
func (d *Device) LayerNorm(y, x, gamma, beta, stats *tensor.Tensor, opt tensor.NormOpt) {
	shapes.LayerNorm("LayerNorm", y, x, gamma, beta, stats)
	defer d.begin("LayerNorm", y, x, gamma, beta, stats).end()
	y.Touch()
	stats.Touch()
	if x.Len() == 0 {
		return
	}
	d.launch("layernorm", "layernorm", grid(up(x.Rows(), rowsPerBlock), 1, 1), 0, ptr(at(y)), ptr(at(x)), ptr(at(gamma)), ptr(at(beta)), ptr(at(stats)),
		num(x.Rows()), num(x.Cols()), num(y.Pitch()), num(x.Pitch()), f32(opt.Eps), flag(opt.SiLU))
}

// LayerNormBackward computes the gradients of LayerNorm as kernels.CPU does: dx
// (added to if opt.AddDX; it may be dy), dgamma += and dbeta += (both nil: skipped). It
// panics on shapes that do not fit.
func (d *Device) LayerNormBackward(dx, dgamma, dbeta, dy, x, gamma, beta, stats *tensor.Tensor, opt tensor.NormOpt) {
	shapes.LayerNormBackward(dx, dgamma, dbeta, dy, x, gamma, beta, stats)
	defer d.begin("LayerNormBackward", dx, dgamma, dbeta, dy, x, gamma, beta, stats).end()
	for _, t := range [...]*tensor.Tensor{dx, dgamma, dbeta} {
		if t != nil {
			t.Touch()
		}
	}
	if x.Len() == 0 {
		return
	}
	m, c, act := num(x.Rows()), num(x.Cols()), flag(opt.SiLU)
	if dgamma != nil {
		d.launch("layernorm", "layernorm_params", grid(up(x.Cols(), 32), 1, 1), 0, ptr(at(dgamma)), ptr(at(dbeta)), ptr(at(dy)), ptr(at(x)),
			ptr(at(gamma)), ptr(at(beta)), ptr(at(stats)), m, c, num(dy.Pitch()), num(x.Pitch()), act)
	}
	d.launch("layernorm", "layernorm_backward", grid(up(x.Rows(), rowsPerBlock), 1, 1), 0, ptr(at(dx)), ptr(at(dy)), ptr(at(x)), ptr(at(gamma)),
		ptr(at(beta)), ptr(at(stats)), m, c, num(dx.Pitch()), num(dy.Pitch()), num(x.Pitch()), flag(opt.AddDX), act)
}
