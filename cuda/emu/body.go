package emu

import (
	"math"
	"strconv"
	"strings"
)

// A statement is an instruction as it stands in the text, with the position of
// its first token.
type statement struct {
	at        int
	predicate string
	negated   bool
	op        string
	args      []operand
}

// An operand is a name ('n'), a number ('i'), a vector ('v'), an address ('m')
// or a pair d|p ('|').
type operand struct {
	kind byte
	text string
	val  uint64
	list []operand
}

// body parses the declarations and instructions of an entry, then decodes the
// instructions: a label may come later than a branch to it.
func (p *parser) body(k *Kernel) {
	labels := map[string]int{}
	var sts []statement
	for {
		switch w := p.peek(); {
		case w == "}":
			p.at++
			k.SharedBytes = (k.SharedBytes + 127) &^ 127
			if k.SharedBytes > maxShared {
				fail("%s: %d bytes of static shared memory, at most %d are allowed", k.Name, k.SharedBytes, maxShared)
			}
			end := p.at
			for i := range sts {
				p.at = sts[i].at + 1 // for the line of an error
				p.decode(k, &sts[i], labels)
			}
			p.at = end
			p.checkUses(k)
			return
		case w == ".reg":
			p.at++
			p.registers(k)
		case w == ".shared":
			p.at++
			name, n := p.array()
			if _, dup := k.shared[name]; dup {
				fail("a second shared array %s", name)
			}
			at := (k.SharedBytes + 127) &^ 127
			k.shared[name] = at
			k.SharedBytes = at + n
		case p.at+1 < len(p.toks) && p.toks[p.at+1].text == ":":
			name := p.name()
			p.at++
			if _, dup := labels[name]; dup {
				fail("a second label %s", name)
			}
			labels[name] = len(sts)
		default:
			sts = append(sts, p.statement())
		}
	}
}

func (p *parser) registers(k *Kernel) {
	t, ok := types[strings.TrimPrefix(p.next(), ".")]
	if !ok {
		fail("no such type of register")
	}
	declare := func(name string) {
		if _, dup := k.regs[name]; dup {
			fail("the register %s is declared twice", name)
		}
		k.regs[name] = len(k.types)
		k.types = append(k.types, t)
		k.seen = append(k.seen, use{})
		if len(k.types) > maxRegisters {
			fail("more than %d registers", maxRegisters)
		}
	}
	for {
		name := p.name()
		if p.accept("<") {
			for i := range p.number(maxRegisters) {
				declare(name + strconv.Itoa(i))
			}
			p.take(">")
		} else {
			declare(name)
		}
		if p.accept(";") {
			return
		}
		p.take(",")
	}
}

func (p *parser) statement() (s statement) {
	s.at = p.at
	if p.accept("@") {
		s.negated = p.accept("!")
		s.predicate = p.name()
	}
	s.op = p.next()
	if c := s.op[0]; c < 'a' || c > 'z' {
		fail("%q where an instruction should be", s.op)
	}
	for !p.accept(";") {
		s.args = append(s.args, p.operand())
		if p.peek() != ";" {
			p.take(",")
		}
	}
	return s
}

func (p *parser) operand() operand {
	switch w := p.peek(); w {
	case "{":
		p.at++
		o := operand{kind: 'v', text: w}
		for {
			o.list = append(o.list, p.scalar())
			if p.accept("}") {
				return o
			}
			p.take(",")
		}
	case "[":
		p.at++
		o := operand{kind: 'm', text: p.name()}
		if p.accept("+") {
			o.val = p.integer()
		} else if p.peek() == "-" {
			o.val = p.integer()
		}
		p.take("]")
		return o
	}
	o := p.scalar()
	if p.accept("|") {
		return operand{kind: '|', text: o.text, list: []operand{o, p.scalar()}}
	}
	return o
}

// scalar parses a name, an integer, or a float in hexadecimal (0f…, 0d…).
func (p *parser) scalar() operand {
	w := p.peek()
	if w == "" {
		fail("the text ends early")
	}
	if w == "-" || '0' <= w[0] && w[0] <= '9' {
		digits := 0
		if strings.HasPrefix(w, "0f") || strings.HasPrefix(w, "0F") {
			digits = 8
		} else if strings.HasPrefix(w, "0d") || strings.HasPrefix(w, "0D") {
			digits = 16
		}
		if digits > 0 {
			p.at++
			v, err := strconv.ParseUint(w[2:], 16, 64)
			if err != nil || len(w) != 2+digits {
				fail("the float %q", w)
			}
			return operand{kind: w[1] | 0x20, text: w, val: v}
		}
		return operand{kind: 'i', text: w, val: p.integer()}
	}
	return operand{kind: 'n', text: p.name()}
}

func (p *parser) integer() uint64 {
	minus := p.accept("-")
	s := p.next()
	v, err := strconv.ParseUint(strings.TrimSuffix(s, "U"), 0, 64)
	if err != nil || minus && v > 1<<63 {
		fail("the number %q", s)
	}
	if minus {
		return -v
	}
	return v
}

// checkUses refuses registers that are read but never written.
func (p *parser) checkUses(k *Kernel) {
	for name, i := range k.regs {
		if u := k.seen[i]; u.read > 0 && !u.written {
			fail("the register %s is read in line %d and never written", name, u.read)
		}
	}
	if n := len(k.ins); n == 0 || !k.ins[n-1].ends() {
		fail("%s: control reaches the end without ret", k.Name)
	}
}

// fits reports whether the integer can be an operand of n bytes.
func fits(v uint64, n int) bool {
	if n == 8 {
		return true
	}
	s := int64(v)
	return s >= -(1<<(8*n-1)) && s <= 1<<(8*n)-1 || v <= math.MaxUint32 && n == 4
}
