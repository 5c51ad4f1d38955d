// Package formula holds the formulas of simd's kernels, operation by operation, for
// every machine: the generators of amd64 and of arm64 write the instructions. A
// formula never overwrites a value; which registers are free to be is the
// machine's to find.
package formula

// A Reg is a register, constant or place in memory that a machine made.
type Reg interface{ Asm() string }

// A Value is the lanes of one or more registers. A value of one is taken for as
// many as the others of an operation have.
type Value []Reg

// A Mask says of every lane of a value whether it is set.
type Mask []Reg

// A Predicate compares two values.
type Predicate int

// Predicates; of NaN none holds.
const (
	Equal Predicate = iota
	Less
	AtMost
	Greater
	AtLeast
)

// A Machine writes instructions for lanes of float32 or of float64, and for the
// integers of as many bits.
type Machine interface {
	// Num and Bits are constants, Param is a parameter, all of one register.
	Num(x float64) Value
	Bits(b uint64) Value
	Param(name string) Value

	// Reg returns a in registers: a constant that several operations need.
	Reg(a Value) Value

	Add(a, b Value) Value // a + b
	Sub(a, b Value) Value // a − b
	Mul(a, b Value) Value // a·b
	Div(a, b Value) Value // a/b
	Sqrt(a Value) Value
	Neg(a Value) Value
	Abs(a Value) Value

	// Rounded once; where b and c are constants, a is free to be overwritten by the
	// result or is a constant too, of which every result may begin with a copy.
	FMA(a, b, c Value) Value  // a·b + c
	FNMA(a, b, c Value) Value // −a·b + c
	FMS(a, b, c Value) Value  // a·b − c
	FNMS(a, b, c Value) Value // −a·b − c

	// Max and Min are of numbers that are neither NaN nor zeros of both signs.
	// AtLeast returns lo where x < lo, else x (NaN stays), lo not being zero; AtMost
	// likewise. Above returns x where x > k, else k, Below where x < k.
	Max(a, b Value) Value
	Min(a, b Value) Value
	AtLeast(x, lo Value) Value
	AtMost(x, hi Value) Value
	Above(x, k Value) Value
	Below(x, k Value) Value

	AddInt(a, b Value) Value // a + b of integers
	SubInt(a, b Value) Value // a − b
	And(a, b Value) Value
	Or(a, b Value) Value
	Xor(a, b Value) Value
	Left(a Value, by int) Value
	Right(a Value, by int) Value    // zeros come in
	RightInt(a Value, by int) Value // the sign comes in; of 32 bits only

	Round(a Value) Value // to the nearest whole number, ties to even
	// ToFloat converts integers, of 64 bits those in [0, 2^53]; ToFloatUnless gives 0
	// where the mask is set. ToInt returns bits whose low half is the whole number a.
	ToFloat(a Value) Value
	ToFloatUnless(m Mask, a Value) Value
	ToInt(a Value) Value
	// Scale returns a·2^n, n whole, rounded once, where Scales says that it can.
	Scale(a, n Value) Value
	Scales() bool
	// Fraction returns the bits exponent with 52 bits of w behind them, skip bits
	// from the top on.
	Fraction(exponent uint64, w Value, skip int) Value
	// Octave returns n, or −n if minus, +0 for 0, and k with x = 2^n·k, √½ ≤ k < √2,
	// of normal float64.
	Octave(x Value, minus bool) (n, k Value)

	Compare(p Predicate, a, b Value) Mask
	GreaterInt(a, b Value) Mask // of signed integers
	NotBelow(a, b Value) Mask   // a ≥ b of integers without sign, of 32 bits
	SignMask(a Value) Mask      // the sign bits
	Both(a, b Mask) Mask        // a and b
	Either(a, b Mask) Mask      // a or b
	Select(m Mask, yes, no Value) Value
	Zero(m Mask, a Value) Value   // 0 where the mask is not set, else a
	SetLow(m Mask, a Value) Value // sets the lowest bit where the mask is set
	Flip(x, w Value) Value        // flips the sign of x where that of w is set
}

// Horner returns Σ c[j]·x^j.
func Horner(m Machine, x Value, c []float64) Value {
	n := len(c) - 1
	r := m.FMA(m.Num(c[n]), x, m.Num(c[n-1]))
	for j := n - 2; j >= 0; j-- {
		r = m.FMA(r, x, m.Num(c[j]))
	}
	return r
}
