package data

import "heavytail/internal/dmath"

// powFrac returns r^(a/b) in float64, the same bits on every machine.
func powFrac(r float64, a, b int) float64 { return dmath.Pow(r, float64(a)/float64(b)) }

// convert brings 8-bit images to o's channels and size.
func (s *Set) convert(o Options) {
	h, w, c := s.Shape[0], s.Shape[1], s.Shape[2]
	if o.Channels > 0 && o.Channels != c {
		s.bytes = channels(s.bytes, c, o.Channels)
		c = o.Channels
	}
	if o.Size > 0 && (h != o.Size || w != o.Size) {
		n := len(s.bytes) / (h * w * c)
		out := make([]byte, n*o.Size*o.Size*c)
		r := newResizer(h, w, c, o.Size, o.Size)
		for i := range n {
			r.run(out[i*o.Size*o.Size*c:], s.bytes[i*h*w*c:])
		}
		s.bytes, h, w = out, o.Size, o.Size
	}
	s.Shape = []int{h, w, c}
}

// channels makes colour of grey by repetition, or grey of colour with the
// weights of ITU-R 601.
func channels(x []byte, from, to int) []byte {
	n := len(x) / from
	out := make([]byte, 0, n*to)
	for i := range n {
		if from == 1 {
			out = append(out, x[i], x[i], x[i])
			continue
		}
		r, g, b := int(x[3*i]), int(x[3*i+1]), int(x[3*i+2])
		out = append(out, byte((19595*r+38470*g+7471*b+1<<15)>>16))
	}
	return out
}

// A resizer scales images with a triangle filter whose width grows with the
// reduction, so that nothing aliases: first along rows, then along columns,
// in integers, so every machine gives the same bytes.
type resizer struct {
	h, w, c, oh, ow int
	across, down    []taps
	mid             []byte
}

// taps are the weights of the inputs lo, lo+1, … of one output, in units of
// 2^-22.
type taps struct {
	lo int
	w  []int64
}

const tapBits = 22

func newResizer(h, w, c, oh, ow int) *resizer {
	return &resizer{h: h, w: w, c: c, oh: oh, ow: ow, across: filter(w, ow), down: filter(h, oh), mid: make([]byte, h*ow*c)}
}

// filter returns the taps that make out values of in.
func filter(in, out int) []taps {
	scale := float64(in) / float64(out)
	reach := max(scale, 1)
	all := make([]taps, out)
	for i := range all {
		centre := float64((float64(i) + 0.5) * scale)
		lo, hi := max(int(centre-reach+0.5), 0), min(int(centre+reach+0.5), in)
		raw, sum := make([]float64, hi-lo), 0.0
		for j := range raw {
			d := (float64(lo+j) + 0.5 - centre) / reach
			raw[j] = max(1-max(d, -d), 0)
			sum += raw[j]
		}
		all[i] = taps{lo, make([]int64, hi-lo)}
		for j, v := range raw {
			all[i].w[j] = int64(float64(v/sum*(1<<tapBits)) + 0.5)
		}
	}
	return all
}

// run scales src to dst.
func (r *resizer) run(dst, src []byte) {
	for y := range r.h {
		pass(r.mid[y*r.ow*r.c:], src[y*r.w*r.c:], r.across, r.c, r.c)
	}
	row := r.ow * r.c
	pass(dst, r.mid, r.down, row, row)
}

// pass filters along one axis: output i, lane k at dst[i·lanes+k] sums inputs
// at src[j·stride+k].
func pass(dst, src []byte, f []taps, lanes, stride int) {
	for i, t := range f {
		for k := range lanes {
			sum := int64(1) << (tapBits - 1)
			for j, w := range t.w {
				sum += w * int64(src[(t.lo+j)*stride+k])
			}
			dst[i*lanes+k] = byte(min(max(sum>>tapBits, 0), 255))
		}
	}
}
