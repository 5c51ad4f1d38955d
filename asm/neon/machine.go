package main

import (
	"fmt"
	"slices"
	"strings"
)

// A machine writes one function after the other. Registers are virtual while a
// function is written; end assigns real ones.
type machine struct {
	*file
	family string
	double bool     // elements are float64 and integers of 64 bits, two to a register
	consts []uint64 // the table of constants: each twice
	masked bool     // the table of tails' lanes is needed

	ops    []op
	labels map[string]int // label → index in ops
	number int            // labels made so far
	params map[string]param
	sig    string
	name   string
	frame  int // bytes
	loaded map[uint64]vec
	asked  []uint64 // the constants that formulas asked for
	table  gp
}

// A register is virtual: a gp is one of R0… of 64 bits, a vec one of V0….
type register struct {
	vector      bool
	double      bool      // of two lanes
	first, last int       // where it lives in ops
	at          int       // the real register
	same        *register // it is another's copy, and takes its place
}

type (
	gp  struct{ *register }
	vec struct{ *register }
)

// An op is a line whose %s stand for registers.
type op struct {
	format string
	args   []any         // gp, vec, view, or what %v prints
	line   func() string // instead of format: a word, made when registers are known
	regs   []*register   // all that it names
	label  string        // it is this label
	to     string        // it branches to this label
	copied bool          // it copies the first register to the second
}

// kernels lets write add functions to f, and then the tables that they need.
func kernels(f *file, family string, write func(*machine)) {
	m := &machine{file: f, family: family, labels: map[string]int{}}
	write(m)
	m.tables()
}

func (m *machine) gp() gp   { return gp{&register{first: -1}} }
func (m *machine) vec() vec { return vec{&register{vector: true, double: m.double, first: -1}} }

func (r gp) String() string { return fmt.Sprintf("R%d", r.at) }
func (r vec) String() string {
	if r.double {
		return fmt.Sprintf("V%d.D2", r.at)
	}
	return fmt.Sprintf("V%d.S4", r.at)
}

// A view is a vector register under another name than that of all its lanes.
type view struct {
	vec
	format string
}

func (v view) String() string { return fmt.Sprintf(v.format, v.at) }

func (r vec) b16() view { return view{r, "V%d.B16"} }
func (r vec) f() view   { return view{r, "F%d"} }
func (r vec) s4() view  { return view{r, "V%d.S4"} }
func (r vec) lane(i int) view {
	if r.double {
		return view{r, fmt.Sprintf("V%%d.D[%d]", i)}
	}
	return view{r, fmt.Sprintf("V%%d.S[%d]", i)}
}

// ins appends an instruction.
func (m *machine) ins(format string, args ...any) {
	m.ops = append(m.ops, op{format: format, args: args, regs: registers(args)})
}

func registers(args []any) (out []*register) {
	for _, a := range args {
		switch a := a.(type) {
		case gp:
			out = append(out, a.register)
		case vec:
			out = append(out, a.register)
		case view:
			out = append(out, a.register)
		}
	}
	return out
}

// word appends one of the words of encode.go, that of two lanes if elements are
// float64: d, n and m are known later.
func (m *machine) word(name string, d vec, src ...vec) {
	if m.double {
		name += ".2D"
	}
	regs := []*register{d.register}
	for _, s := range src {
		regs = append(regs, s.register)
	}
	m.ops = append(m.ops, op{regs: regs, line: func() string {
		var at []int
		for _, s := range src {
			at = append(at, s.at)
		}
		return word(name, d.at, at...)
	}})
}

// loadAt loads v at the sum of two registers.
func (m *machine) loadAt(v vec, base, index gp) {
	m.ops = append(m.ops, op{regs: []*register{v.register, base.register, index.register},
		line: func() string { return loadAt(v.at, base.at, index.at) }})
}

// branch appends a branch to a label; format ends with the label's place.
func (m *machine) branch(to, format string, args ...any) {
	m.ins(format+" "+to, args...)
	m.ops[len(m.ops)-1].to = to
}

func (m *machine) mark(label string) {
	m.labels[label] = len(m.ops)
	m.ops = append(m.ops, op{label: label})
}

// newLabel returns a label that is new in the function.
func (m *machine) newLabel(s string) string {
	m.number++
	return fmt.Sprintf("%s%d", s, m.number)
}

// live finds where every register lives: from where it is first named in the text
// to where it is last; what is needed in a loop and comes from before it lives to
// the loop's end. A copy of what is not needed any more is no register.
func (m *machine) live() (all []*register) {
	for i, o := range m.ops {
		for _, r := range o.regs {
			if r.first < 0 {
				r.first = i
				all = append(all, r)
			}
			r.last = i
		}
	}
	for again := true; again; {
		again = false
		for end, o := range m.ops {
			start, ok := m.labels[o.to]
			if o.to == "" || !ok || start > end {
				continue
			}
			for _, r := range all {
				if r.first < start && r.last >= start && r.last < end {
					r.last, again = end, true
				}
			}
		}
	}
	for i, o := range m.ops {
		if !o.copied {
			continue
		}
		from, to := o.regs[0].root(), o.regs[1]
		if from.last == i && to.first == i {
			to.same, from.last, m.ops[i] = from, to.last, op{}
		}
	}
	return slices.DeleteFunc(all, func(r *register) bool { return r.same != nil })
}

// root returns the register whose place r takes.
func (r *register) root() *register {
	for r.same != nil {
		r = r.same
	}
	return r
}

// assign gives every register a real one, in the order of the text.
func (m *machine) assign() {
	all := m.live()
	free := map[bool][]int{true: nil, false: {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25, 26}}
	for i := range 32 {
		free[true] = append(free[true], i)
	}
	var live []*register
	for _, r := range all {
		live = slices.DeleteFunc(live, func(l *register) bool {
			if l.last > r.first || l.last == r.first && l.first == r.first {
				return false
			}
			free[l.vector] = append(free[l.vector], l.at)
			return true
		})
		f := free[r.vector]
		if len(f) == 0 {
			panic(fmt.Sprintf("neon: %s is short of registers at line %d, %d live", m.name, r.first, len(live)))
		}
		i := slices.Index(f, slices.Min(f))
		r.at = f[i]
		free[r.vector] = slices.Delete(f, i, i+1)
		live = append(live, r)
	}
	for _, o := range m.ops {
		for _, r := range o.regs {
			r.at = r.root().at
		}
	}
}

// print writes the function.
func (m *machine) print() {
	m.assign()
	for _, o := range m.ops {
		switch {
		case o.label != "":
			m.file.label(o.label)
		case o.format == "" && o.line == nil: // a copy that is none
		case o.line != nil:
			m.file.op("%s", o.line())
		default:
			m.file.op(strings.ReplaceAll(o.format, "%s", "%v"), o.args...)
		}
	}
	m.ops, m.labels = nil, map[string]int{}
}
