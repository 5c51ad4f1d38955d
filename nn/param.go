package nn

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"heavytail/tensor"
)

// layout is how a parameter's PyTorch form relates to ours.
type layout int

const (
	vector layout = iota // [n], the same
	matrix               // [out,in] there, [in,out] here
	kernel               // [out,in,k,k] there, [k,k,in,out] here
	point                // [out,in,1] there, [1,1,in,out] here
	pixel                // [out,in] there, [1,1,in,out] here
	table                // [rows,cols], the same
)

// A Param is one parameter of a network.
type Param struct {
	Name    string         // in the published state_dict
	Aliases []string       // other names of the same tensor there
	Shape   []int          // the shape there
	Tensor  *tensor.Tensor // the values, in this project's layout
	Grad    *tensor.Tensor // their gradient, nil until Params.EnableGrad

	layout layout
	up     bool // of a convolution that doubles its image, which reads sums of taps
	heads  int  // not 0: the outputs are q, k and v of so many heads, there in turns for every channel
	thirds bool // there all of q, then of k, then of v instead
	start  initial
	fan    int     // inputs per output, for the start values; xavier: and outputs per input
	gain   float64 // xavier: factor of the start values
	lo, n  int     // place in the flat buffer
}

// initial is how a parameter starts.
type initial int

const (
	zeros   initial = iota
	ones            // weights of normalisations
	uniform         // U(±1/√fan)
	normal          // N(0,1)
	eyes            // square blocks of the identity
	xavier          // gain·U(±√(6/fan))
)

// A Buffer is what a PyTorch state_dict holds beside the parameters.
type Buffer struct {
	Name  string    // as in the file
	Shape []int     // as in the file; empty for a number
	Data  []float32 // in row-major order
	fixed bool      // follows from the configuration; a file need not have it
}

// Params holds all parameters of a network in one buffer, each starting at a
// multiple of tensor.Align bytes, so that optimisers run on one flat tensor.
// The gaps hold zeros in every flat buffer.
type Params struct {
	Flat *tensor.Tensor // all values, [size]
	Grad *tensor.Tensor // all gradients, [size]; nil until EnableGrad
	List []*Param       // in the order of PyTorch's named_parameters

	// Buffers are values that are not trained: Init or a checkpoint sets them.
	Buffers []*Buffer

	norms  []*norm // whose groups Validate checks
	frozen bool    // by Freeze
	dev    tensor.Device
	size   int
	total  int64 // size, which has fewer bits on some machines
	mu     sync.Mutex
}

// add registers a parameter; its tensor is made by alloc.
func (p *Params) add(name string, l layout, start initial, fan int, shape ...int) *Param {
	const unit = tensor.Align / 4
	q := &Param{Name: name, Shape: shape, layout: l, start: start, fan: fan, lo: p.size, n: count(shape)}
	n := int64(1)
	for _, d := range shape {
		n = min(n*int64(d), 1<<40) // dimensions are below 2²¹
	}
	p.size += (q.n + unit - 1) / unit * unit
	p.total += (n + unit - 1) / unit * unit
	p.List = append(p.List, q)
	return q
}

func count(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// ours returns the parameter's shape in this project's layout.
func (q *Param) ours() []int {
	s := q.Shape
	switch q.layout {
	case matrix:
		return []int{s[1], s[0]}
	case kernel:
		return []int{s[2], s[3], s[1], s[0]}
	case point, pixel:
		return []int{1, 1, s[1], s[0]}
	}
	return s
}

// view returns the parameter's part of a flat buffer.
func (q *Param) view(flat *tensor.Tensor) *tensor.Tensor {
	return flat.Reshape(1, flat.Len()).Columns(q.lo, q.lo+q.n).Reshape(q.ours()...)
}

func (p *Params) alloc(dev tensor.Device) {
	p.dev = dev
	p.Flat = dev.New(p.size)
	for _, q := range p.List {
		q.Tensor = q.view(p.Flat)
	}
}

// EnableGrad makes the gradients; NewWorkspace calls it for training.
func (p *Params) EnableGrad() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Grad != nil {
		return
	}
	p.thaw()
	p.Grad = p.dev.New(p.size)
	for _, q := range p.List {
		q.Grad = q.view(p.Grad)
	}
}

// ZeroGrad sets all gradients to zero. It panics if there are none (EnableGrad).
func (p *Params) ZeroGrad() {
	p.needGrad("Params.ZeroGrad")
	p.dev.Fill(p.Grad, 0)
}

func (p *Params) needGrad(name string) {
	if p.Grad == nil {
		panic("nn: " + name + " before there are gradients: NewWorkspace for training makes them, or Params.EnableGrad")
	}
}

// Touch tells the device that Flat changed. Call it after writing Flat other
// than through the methods of Params and the optimisers of this package.
func (p *Params) Touch() {
	p.Flat.Touch()
	for _, q := range p.List {
		q.Tensor.Touch()
	}
}

// CopyFrom sets all values to those of flat, a buffer laid out like Flat.
func (p *Params) CopyFrom(flat *tensor.Tensor) {
	p.Thaw()
	p.dev.Copy(p.Flat, flat)
	p.Touch()
}

// Count returns the number of trainable values.
func (p *Params) Count() int {
	n := 0
	for _, q := range p.List {
		n += q.n
	}
	return n
}

// Find returns the parameter of that name or alias, or nil.
func (p *Params) Find(name string) *Param {
	for _, q := range p.List {
		if q.Name == name {
			return q
		}
		for _, a := range q.Aliases {
			if a == name {
				return q
			}
		}
	}
	return nil
}

// plain says whether PyTorch's order is ours.
func (q *Param) plain() bool { return (q.layout == vector || q.layout == table) && q.heads == 0 }

// sizes returns the outputs, inputs and taps of q.
func (q *Param) sizes() (o, i, k int) {
	o, i = q.Shape[0], 1
	if len(q.Shape) > 1 {
		i = q.Shape[1]
	}
	return o, i, q.n / (o * i)
}

// gather sets dst, in PyTorch's order, to src, in ours.
func (q *Param) gather(dst, src []float32) {
	if q.plain() {
		copy(dst, src)
		return
	}
	o, i, k := q.sizes()
	for c := range k {
		for b := range i {
			for r, v := range src[:o] {
				dst[(q.row(r)*i+b)*k+c] = v
			}
			src = src[o:]
		}
	}
}

// scatter sets the values of dst, all of q in our order, of which src are those from
// value at on in PyTorch's.
func (q *Param) scatter(dst, src []float32, at int) {
	if q.plain() {
		copy(dst[at:], src)
		return
	}
	o, i, k := q.sizes()
	ours := make([]int, o) // the inverse of row
	for r := range o {
		ours[q.row(r)] = r
	}
	c, b, r := at%k, at/k%i, at/k/i
	for _, v := range src {
		dst[(c*i+b)*o+ours[r]] = v
		if c++; c == k {
			c, b = 0, b+1
			if b == i {
				b, r = 0, r+1
			}
		}
	}
}

// row returns which output there is our output r: of every head, ours are all
// channels of q, then of k, then of v; theirs q, k and v of every channel, or with
// thirds those of all heads one after the other.
func (q *Param) row(r int) int {
	if q.heads == 0 {
		return r
	}
	d := q.Shape[0] / (3 * q.heads)
	head, part, c := r/(3*d), r/d%3, r%d
	if q.thirds {
		return (part*q.heads+head)*d + c
	}
	return head*3*d + 3*c + part
}

// Set sets the values of q within flat (laid out like Flat) from src in
// PyTorch's order. It panics if the lengths differ.
func (p *Params) Set(flat *tensor.Tensor, q *Param, src []float32) {
	if len(src) != q.n {
		panic(fmt.Sprintf("nn: Set: %d values for %s %v", len(src), q.Name, q.Shape))
	}
	var host []float32
	_ = p.write(flat, q, &host, func(dst []float32) error {
		q.scatter(dst, src, 0)
		return nil
	})
}

// write has fill write the values of q within flat, in our order: where they are if the
// device's memory is the host's, or in host, which grows to them.
func (p *Params) write(flat *tensor.Tensor, q *Param, host *[]float32, fill func(dst []float32) error) error {
	if flat == p.Flat {
		p.Thaw()
		defer q.Tensor.Touch()
	}
	if d := flat.Data(); d != nil {
		defer flat.Touch()
		return fill(d[q.lo : q.lo+q.n])
	}
	*host = slices.Grow((*host)[:0], q.n)[:q.n]
	if err := fill(*host); err != nil {
		return err
	}
	p.dev.Upload(q.view(flat), *host)
	return nil
}

// Get returns the values of q within flat (laid out like Flat) in PyTorch's order.
func (p *Params) Get(flat *tensor.Tensor, q *Param) []float32 {
	buf, out := make([]float32, q.n), make([]float32, q.n)
	if d, ok := p.dev.(tensor.Packer); ok && flat == p.Flat {
		d.Unpacked(buf, q.Tensor)
	} else {
		p.dev.Download(buf, q.view(flat))
	}
	q.gather(out, buf)
	return out
}

// Init sets all values to the start values of PyTorch's layers (uniform
// within ±1/√fan-in; embeddings normal; normalisations one and zero; the last
// layers of residual branches and of the network zero; for SongUNets within
// ±√(6/(fan-in+fan-out)), times 10⁻⁵ in the last layers) from a counter-based
// generator: value j of parameter i depends on (seed, i, j) alone.
func (p *Params) Init(seed uint64) {
	for i, q := range p.List {
		buf := make([]float32, q.n)
		key := mix(seed ^ mix(uint64(i)+1))
		bound := 1 / math.Sqrt(float64(q.fan))
		for j := range buf {
			switch q.start {
			case ones:
				buf[j] = 1
			case uniform:
				buf[j] = float32(bound * (float64(2*unit(key, uint64(j))) - 1))
			case xavier:
				buf[j] = float32(q.gain * math.Sqrt(6) * float64(bound*(float64(2*unit(key, uint64(j)))-1)))
			case normal:
				buf[j] = float32(bell(key, uint64(j)))
			case eyes:
				if d := q.Shape[0]; j%q.Shape[1]%d == j/q.Shape[1] {
					buf[j] = 1
				}
			}
		}
		p.Set(p.Flat, q, buf)
	}
	for i, b := range p.Buffers {
		key := mix(seed ^ mix(uint64(len(p.List)+i)+1))
		for j := range b.Data {
			if !b.fixed { // the frequencies of a Fourier embedding
				b.Data[j] = float32(16 * bell(key, uint64(j)))
			}
		}
	}
	p.Touch()
}

// mix is the finaliser of splitmix64.
func mix(z uint64) uint64 {
	z += 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// unit returns value j of stream key, uniform in [0,1).
func unit(key, j uint64) float64 {
	return float64(float64(mix(key+j*0x9E3779B97F4A7C15)>>11) / (1 << 53))
}

// bell returns value j of stream key, normal to the precision that start
// values need: twelve uniforms, summed (variance 1, fourth moment 2.9).
func bell(key, j uint64) float64 {
	s := -6.0
	for k := range uint64(12) {
		s += unit(key, 12*j+k)
	}
	return s
}
