package emit

import (
	"strings"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/reg"
)

// spareCopies removes the copies of operands that an instruction may overwrite,
// because nothing needs them any more: package lanes copies first. A fused
// multiply-add may overwrite any of its operands, and becomes the form that
// overwrites one that is not needed.
func spareCopies(fn *ir.Function) error {
	if err := pass.LabelTarget(fn); err != nil {
		return err
	}
	if err := pass.CFG(fn); err != nil {
		return err
	}
	if err := pass.Liveness(fn); err != nil {
		return err
	}
	c := &copies{is: fn.Instructions(), gone: map[*ir.Instruction]bool{}}
	for i, in := range c.is[:len(c.is)-1] {
		if isCopy(in) {
			c.spare(in, c.is[i+1])
		}
	}
	var left []ir.Node
	for _, n := range fn.Nodes {
		if in, ok := n.(*ir.Instruction); ok {
			if c.gone[in] {
				continue
			}
			in.Pred, in.Succ, in.LiveIn, in.LiveOut = nil, nil, nil, nil
		}
		left = append(left, n)
	}
	fn.Nodes = left
	return nil
}

type copies struct {
	is   []*ir.Instruction
	gone map[*ir.Instruction]bool
}

// isCopy says whether in moves a whole virtual vector register to another.
func isCopy(in *ir.Instruction) bool {
	if (in.Opcode != "VMOVAPS" && in.Opcode != "VMOVAPD") || len(in.Operands) != 2 {
		return false
	}
	from, ok1 := in.Operands[0].(reg.Virtual)
	to, ok2 := in.Operands[1].(reg.Virtual)
	return ok1 && ok2 && from.Mask() == to.Mask()
}

// spare removes the copy in, if it can; next is the instruction after it.
func (c *copies) spare(in, next *ir.Instruction) {
	from, to := in.Operands[0].(reg.Virtual), in.Operands[1].(reg.Virtual)
	if in.LiveOut[from.ID()] == 0 {
		c.rename(in, to, from)
		return
	}
	// next is r = x·y ± r or r = x·r ± y, r being the copy
	form := strings.Index(next.Opcode, "231P")
	if f := strings.Index(next.Opcode, "213P"); form < 0 && f > 0 {
		form = f
	}
	if form < 0 || len(next.Operands) != 3 || next.Operands[2] != operand.Op(to) {
		return
	}
	for i := 1; i >= 0; i-- {
		x, ok := next.Operands[i].(reg.Virtual)
		if !ok || next.LiveOut[x.ID()] != 0 || x.ID() == from.ID() || x.ID() == to.ID() {
			continue
		}
		other := next.Operands[1-i]
		switch {
		case strings.Contains(next.Opcode, "231P"): // x = x·other ± from
			next.Opcode = strings.Replace(next.Opcode, "231P", "132P", 1)
			next.Operands = []operand.Op{other, from, to}
		case i == 1: // x = from·x ± other
			next.Operands = []operand.Op{other, from, to}
		default: // of 213, the sum is not exchanged
			continue
		}
		next.Inputs = append([]operand.Op{}, next.Operands...)
		next.LiveIn.DiscardRegister(to)
		c.rename(in, to, x)
		return
	}
}

// rename gives the register from the name to everywhere and drops the copy in.
func (c *copies) rename(in *ir.Instruction, from, to reg.Virtual) {
	c.gone[in] = true
	for _, i := range c.is {
		for _, ops := range [][]operand.Op{i.Operands, i.Inputs, i.Outputs} {
			for k, o := range ops {
				if r, ok := o.(reg.Virtual); ok && r.ID() == from.ID() {
					ops[k] = to
				}
			}
		}
		for _, live := range []reg.MaskSet{i.LiveIn, i.LiveOut} {
			if mask, ok := live[from.ID()]; ok {
				delete(live, from.ID())
				live.Add(to.ID(), mask)
			}
		}
	}
}
