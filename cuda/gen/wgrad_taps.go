package gen

// placeParams are the parameters of the gradient of a convolution's weight: the
// side of the taps, the pixels of padding before the image, the binary logarithm
// of the stride, whether (1) the convolution doubles x first, the images, and the
// sizes of x and of dy, or of a convolution that doubles x of the sums of dy's boxes.
// The grid's third dimension are the taps, side², for each of which C holds a matrix M×N.
var placeParams = []Param{{"u32", "side"}, {"u32", "pad"}, {"u32", "shift"}, {"u32", "up"},
	{"u32", "images"}, {"u32", "H"}, {"u32", "W"}, {"u32", "HO"}, {"u32", "WO"}}

// A viewed is a place in the sequence of outputs through which a tap sees pixels
// inside of x: images ascending, in each the rows of the view of conv.Shape.View, then
// columns. Outputs beyond the last have image ≥ images.
type viewed struct {
	*builder
	v             map[string]string
	image, row, l string // l: column
	rows, cols    string // of the view; cols without end after the last image
	y, x, oy, ox  string // first pixel that is seen, first output
	log           int    // binary logarithm of the bytes of an element
}

// viewed returns the outputs of a tap, and how many there are; begin goes to the first.
func (b *builder) viewed(v map[string]string, tap string, log int) (p *viewed, count string) {
	p = &viewed{builder: b, v: v, log: log}
	ky := b.def('r', "div.u32 %s, %s", tap, v["side"])
	kx := b.def('r', "sub.u32 %s, %s", b.rest(tap, ky, v["side"]), v["pad"])
	ky = b.def('r', "sub.u32 %s, %s", ky, v["pad"])
	doubled := b.test("setp.ne.u32 %s, 0", v["up"])
	p.rows, p.y, p.oy = p.side(ky, doubled, "H", "HO")
	p.cols, p.x, p.ox = p.side(kx, doubled, "W", "WO")
	p.cols = b.def('r', "selp.b32 0, %s, %s", p.cols, b.test("setp.eq.u32 %s, 0", p.rows))
	p.rows = b.def('r', "selp.b32 0, %s, %s", p.rows, b.test("setp.eq.u32 %s, 0", p.cols))
	return p, b.def('r', "mul.lo.u32 %s, %s", b.def('r', "mul.lo.u32 %s, %s", p.rows, p.cols), v["images"])
}

// begin goes to output number l of an image.
func (p *viewed) begin(image, l string) {
	p.image, p.row, p.l = p.def('r', "mov.u32 %s", image), p.def('r', "mov.u32 0"), p.def('r', "mov.u32 %s", l)
	p.end()
	p.settle()
}

// end makes rows without end after the last image.
func (p *viewed) end() {
	p.emit("selp.b32 %s, %s, -1, %s;", p.cols, p.cols, p.test("setp.lt.u32 %s, %s", p.image, p.v["images"]))
}

// side computes one axis of the view for tap k less the padding: how many outputs, the
// first pixel seen and the first output; of doubled x all pixels, from output 1 − k on.
// Shifts of negative numbers round down, so that an image that ends before the tap gives
// none.
func (p *viewed) side(k, doubled, size, outs string) (count, first, out string) {
	s := p.def('r', "selp.b32 0, %s, %s", k, doubled)
	stride := p.def('r', "shl.b32 1, %s", p.v["shift"])
	lo := p.def('r', "max.s32 %s, 0", p.def('r', "neg.s32 %s", s))
	lo = p.def('r', "shr.u32 %s, %s", p.def('r', "sub.u32 %s, 1", p.def('r', "add.u32 %s, %s", lo, stride)), p.v["shift"])
	hi := p.def('r', "sub.s32 %s, 1", p.def('r', "sub.s32 %s, %s", p.v[size], s))
	hi = p.def('r', "add.s32 %s, 1", p.def('r', "shr.s32 %s, %s", hi, p.v["shift"]))
	hi = p.def('r', "min.s32 %s, %s", hi, p.def('r', "shr.u32 %s, %s", p.v[outs], p.v["up"]))
	count = p.def('r', "max.s32 %s, 0", p.def('r', "sub.s32 %s, %s", hi, lo))
	first = p.def('r', "add.s32 %s, %s", p.def('r', "shl.b32 %s, %s", lo, p.v["shift"]), s)
	out = p.def('r', "selp.b32 %s, %s, %s", p.def('r', "sub.s32 1, %s", k), lo, doubled)
	return count, first, out
}

// advance goes on by n outputs.
func (p *viewed) advance(n int) {
	p.emit("add.u32 %s, %s, %d;", p.l, p.l, n)
	p.settle()
}

// settle carries columns into rows and rows into images.
func (p *viewed) settle() {
	again, done := p.label("CARRY"), p.label("PLACE")
	p.mark(again)
	p.jump(done, "setp.lt.u32 %s, %s", p.l, p.cols)
	p.emit("sub.u32 %s, %s, %s;", p.l, p.l, p.cols)
	p.emit("add.u32 %s, %s, 1;", p.row, p.row)
	p.jump(again, "setp.lt.u32 %s, %s", p.row, p.rows)
	p.emit("mov.u32 %s, 0;", p.row)
	p.emit("add.u32 %s, %s, 1;", p.image, p.image)
	p.end()
	p.emit("bra %s;", again)
	p.mark(done)
}

// firstInput is where the first pixel that is seen lies in x at base, firstOutput the
// first output in dy.
func (p *viewed) firstInput(base, pitch string) string {
	return p.first(base, p.y, p.x, "W", pitch)
}

func (p *viewed) firstOutput(base, pitch string) string {
	return p.first(base, p.oy, p.ox, "WO", pitch)
}

func (p *viewed) first(base, y, x, w, pitch string) string {
	pixel := p.def('r', "mad.lo.u32 %s, %s, %s", y, p.v[w], x)
	return p.def('d', "add.u64 %s, %s", base, p.def('d', "shl.b64 %s, %d", p.def('d', "mul.wide.u32 %s, %s", pixel, p.v[pitch]), p.log))
}

// input is the offset of the pixel of x from the first, output that of the pixel of dy,
// in bytes.
func (p *viewed) input(pitch string) string { return p.offset("shift", "H", "W", pitch) }

func (p *viewed) output(pitch string) string { return p.offset("up", "HO", "WO", pitch) }

func (p *viewed) offset(shift, h, w, pitch string) string {
	y, x := p.def('r', "shl.b32 %s, %s", p.row, p.v[shift]), p.def('r', "shl.b32 %s, %s", p.l, p.v[shift])
	line := p.def('r', "mad.lo.u32 %s, %s, %s", p.image, p.v[h], y)
	pixel := p.def('r', "mad.lo.u32 %s, %s, %s", line, p.v[w], x)
	return p.def('d', "shl.b64 %s, %d", p.def('d', "mul.wide.u32 %s, %s", pixel, p.v[pitch]), p.log)
}
