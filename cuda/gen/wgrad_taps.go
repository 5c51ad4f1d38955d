package gen

// placeParams are the parameters of the gradient of a convolution's weight: the
// side of the taps, the pixels of padding before the image, the binary logarithm
// of the stride, whether (1) the convolution doubles x first, the images, and the
// sizes of x and dy. The grid's third dimension are the taps, side², for each of
// which C holds a matrix M×N.
var placeParams = []Param{{"u32", "side"}, {"u32", "pad"}, {"u32", "shift"}, {"u32", "up"},
	{"u32", "images"}, {"u32", "H"}, {"u32", "W"}, {"u32", "HO"}, {"u32", "WO"}}

// A viewed is a place in the sequence of outputs through which a tap sees pixels
// inside of x: images ascending, in each the views of conv.Shape.Views, in each
// rows, then columns. Outputs beyond the last have image ≥ images.
type viewed struct {
	*builder
	v                  map[string]string
	ky, kx             string
	image, par, row, l string // l: column
	rows, cols         string // of the view
	y, x, oy, ox       string // first pixel that is seen, first output
	log                int    // binary logarithm of the bytes of an element
}

// viewed returns output number start, and how many there are.
func (b *builder) viewed(v map[string]string, tap, start string) (p *viewed, count string) {
	p = &viewed{builder: b, v: v, log: 2}
	p.ky = b.def('r', "div.u32 %s, %s", tap, v["side"])
	p.kx = b.def('r', "sub.u32 %s, %s", b.rest(tap, p.ky, v["side"]), v["pad"])
	p.ky = b.def('r', "sub.u32 %s, %s", p.ky, v["pad"])
	for _, r := range []*string{&p.image, &p.par, &p.row} {
		*r = b.def('r', "mov.u32 0")
	}
	p.l = b.def('r', "mov.u32 %s", start)
	for _, r := range []*string{&p.rows, &p.cols, &p.y, &p.x, &p.oy, &p.ox} {
		*r = b.reg('r')
	}
	count = b.def('r', "mov.u32 0")
	next := b.label("VIEW")
	b.mark(next)
	p.view()
	b.emit("mad.lo.u32 %s, %s, %s, %s;", count, p.rows, p.cols, count)
	b.emit("add.u32 %s, %s, 1;", p.par, p.par)
	b.jump(next, "setp.lt.u32 %s, %s", p.par, p.views())
	b.emit("mov.u32 %s, 0;", p.par)
	p.view()
	p.settle()
	return p, b.def('r', "mul.lo.u32 %s, %s", count, v["images"])
}

// views is their number: one, or of a convolution that doubles x, four.
func (p *viewed) views() string { return p.def('r', "mad.lo.u32 %s, 3, 1", p.v["up"]) }

// view computes view par: conv.Shape.Views.
func (p *viewed) view() {
	p.side(p.ky, p.def('r', "shr.u32 %s, 1", p.par), "H", "HO", p.rows, p.y, p.oy)
	p.side(p.kx, p.def('r', "and.b32 %s, 1", p.par), "W", "WO", p.cols, p.x, p.ox)
	p.emit("selp.b32 %s, 0, %s, %s;", p.cols, p.cols, p.test("setp.eq.u32 %s, 0", p.rows))
}

// side computes one axis of a view for tap k less the padding and parity par: how
// many outputs, the first pixel seen and the first output. Shifts of negative
// numbers round down, so that an image that ends before the tap gives none.
func (p *viewed) side(k, par, size, outs, count, first, out string) {
	s := p.def('r', "shr.s32 %s, %s", p.def('r', "add.s32 %s, %s", k, par), p.v["up"])
	stride := p.def('r', "shl.b32 1, %s", p.v["shift"])
	lo := p.def('r', "max.s32 %s, 0", p.def('r', "neg.s32 %s", s))
	lo = p.def('r', "shr.u32 %s, %s", p.def('r', "sub.u32 %s, 1", p.def('r', "add.u32 %s, %s", lo, stride)), p.v["shift"])
	hi := p.def('r', "sub.s32 %s, 1", p.def('r', "sub.s32 %s, %s", p.v[size], s))
	hi = p.def('r', "add.s32 %s, 1", p.def('r', "shr.s32 %s, %s", hi, p.v["shift"]))
	hi = p.def('r', "min.s32 %s, %s", hi, p.def('r', "shr.u32 %s, %s", p.v[outs], p.v["up"]))
	p.emit("max.s32 %s, %s, 0;", count, p.def('r', "sub.s32 %s, %s", hi, lo))
	p.emit("add.s32 %s, %s, %s;", first, p.def('r', "shl.b32 %s, %s", lo, p.v["shift"]), s)
	p.emit("add.s32 %s, %s, %s;", out, p.def('r', "shl.b32 %s, %s", lo, p.v["up"]), par)
}

// advance goes on by n outputs.
func (p *viewed) advance(n int) {
	p.emit("add.u32 %s, %s, %d;", p.l, p.l, n)
	p.settle()
}

// settle carries columns into rows, views and images. After the last image the
// view is without end.
func (p *viewed) settle() {
	again, done := p.label("CARRY"), p.label("PLACE")
	p.mark(again)
	p.jump(done, "setp.lt.u32 %s, %s", p.l, p.cols)
	p.emit("sub.u32 %s, %s, %s;", p.l, p.l, p.cols)
	p.emit("add.u32 %s, %s, 1;", p.row, p.row)
	p.jump(again, "setp.lt.u32 %s, %s", p.row, p.rows)
	p.emit("mov.u32 %s, 0;", p.row)
	p.emit("add.u32 %s, %s, 1;", p.par, p.par)
	last := p.test("setp.eq.u32 %s, %s", p.par, p.views())
	p.emit("selp.b32 %s, 0, %s, %s;", p.par, p.par, last)
	p.emit("@%s add.u32 %s, %s, 1;", last, p.image, p.image)
	p.view()
	p.emit("selp.b32 %s, %s, -1, %s;", p.cols, p.cols, p.test("setp.lt.u32 %s, %s", p.image, p.v["images"]))
	p.emit("bra %s;", again)
	p.mark(done)
}

// input is the offset of the pixel of x, output that of the pixel of dy, in bytes.
func (p *viewed) input(pitch string) string {
	return p.offset(p.y, p.x, "shift", "H", "W", pitch)
}

func (p *viewed) output(pitch string) string {
	return p.offset(p.oy, p.ox, "up", "HO", "WO", pitch)
}

func (p *viewed) offset(y, x, shift, h, w, pitch string) string {
	y = p.def('r', "add.u32 %s, %s", y, p.def('r', "shl.b32 %s, %s", p.row, p.v[shift]))
	x = p.def('r', "add.u32 %s, %s", x, p.def('r', "shl.b32 %s, %s", p.l, p.v[shift]))
	line := p.def('r', "mad.lo.u32 %s, %s, %s", p.image, p.v[h], y)
	pixel := p.def('r', "mad.lo.u32 %s, %s, %s", line, p.v[w], x)
	return p.def('d', "shl.b64 %s, %d", p.def('d', "mul.wide.u32 %s, %s", pixel, p.v[pitch]), p.log)
}
