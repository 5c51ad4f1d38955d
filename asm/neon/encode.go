package main

import (
	"fmt"
	"strings"
)

// A vectorWord is an instruction that Go's assembler does not know: the number of the
// Arm Architecture Reference Manual (DDI 0487, C7.2) and its registers' shapes.
// The test compares every one with what GNU's assembler makes of its mnemonic.
type vectorWord struct {
	bits uint32
	d, n string // shapes of the destination and of the sources
}

// three operands: destination, first source, second source.
var words3 = map[string]vectorWord{
	"FADD": {0x4e20d400, "4S", "4S"}, "FSUB": {0x4ea0d400, "4S", "4S"},
	"FMUL": {0x6e20dc00, "4S", "4S"}, "FDIV": {0x6e20fc00, "4S", "4S"},
	"FMAX": {0x4e20f400, "4S", "4S"}, "FMIN": {0x4ea0f400, "4S", "4S"},
	"FCMEQ": {0x4e20e400, "4S", "4S"}, "FCMGE": {0x6e20e400, "4S", "4S"}, "FCMGT": {0x6ea0e400, "4S", "4S"},
	"CMHS": {0x6ea03c00, "4S", "4S"}, "CMGT": {0x4ea03400, "4S", "4S"}, "FADD.2D": {0x4e60d400, "2D", "2D"},
	"MUL": {0x4ea09c00, "4S", "4S"}, "USHL": {0x6ea04400, "4S", "4S"},
	"FSUB.2D": {0x4ee0d400, "2D", "2D"}, "FMUL.2D": {0x6e60dc00, "2D", "2D"}, "FDIV.2D": {0x6e60fc00, "2D", "2D"},
	"FMAX.2D": {0x4e60f400, "2D", "2D"}, "FMIN.2D": {0x4ee0f400, "2D", "2D"},
	"FCMEQ.2D": {0x4e60e400, "2D", "2D"}, "FCMGE.2D": {0x6e60e400, "2D", "2D"}, "FCMGT.2D": {0x6ee0e400, "2D", "2D"},
	"UMULL": {0x2ea0c000, "2D", "2S"}, "UMULL2": {0x6ea0c000, "2D", "4S"}, "BIC": {0x4e601c00, "16B", "16B"},
}

// two operands: destination, source.
var words2 = map[string]vectorWord{
	"FABS": {0x4ea0f800, "4S", "4S"}, "FNEG": {0x6ea0f800, "4S", "4S"}, "FSQRT": {0x6ea1f800, "4S", "4S"}, "SCVTF": {0x4e21d800, "4S", "4S"},
	"UCVTF": {0x6e21d800, "4S", "4S"}, "NEG": {0x6ea0b800, "4S", "4S"},
	"FRINTN": {0x4e218800, "4S", "4S"}, "FCVTZS": {0x4ea1b800, "4S", "4S"},
	"FABS.2D": {0x4ee0f800, "2D", "2D"}, "FNEG.2D": {0x6ee0f800, "2D", "2D"}, "FSQRT.2D": {0x6ee1f800, "2D", "2D"},
	"SCVTF.2D": {0x4e61d800, "2D", "2D"}, "NEG.2D": {0x6ee0b800, "2D", "2D"},
	"FRINTN.2D": {0x4e618800, "2D", "2D"}, "FCVTZS.2D": {0x4ee1b800, "2D", "2D"},
	"FCVTL": {0x0e617800, "2D", "2S"}, "FCVTL2": {0x4e617800, "2D", "4S"},
}

// word returns the line for a vector instruction, in the manual's order: d, n, m.
func word(name string, d int, src ...int) string {
	words, bits := words2, uint32(src[0]<<5|d)
	if len(src) == 2 {
		words, bits = words3, bits|uint32(src[1]<<16)
	}
	w, ok := words[name]
	if !ok {
		panic("neon: no encoding of " + name)
	}
	mnemonic, _, _ := strings.Cut(name, ".")
	s := fmt.Sprintf("WORD $%#08x // %s V%d.%s", w.bits|bits, mnemonic, d, w.d)
	for _, r := range src {
		s += fmt.Sprintf(", V%d.%s", r, w.n)
	}
	return s
}

// fmlaLane returns the line for d += n·m[lane], fused.
func fmlaLane(d, n, m, lane int) string {
	w := 0x4f801000 | uint32(m<<16|n<<5|d) | uint32(lane&1)<<21 | uint32(lane>>1)<<11
	return fmt.Sprintf("WORD $%#08x // FMLA V%d.4S, V%d.4S, V%d.S[%d]", w, d, n, m, lane)
}

// shiftRight returns the line for an arithmetic shift of 32-bit lanes, shiftRight64
// that of 64-bit lanes.
func shiftRight(d, n, by int) string {
	return fmt.Sprintf("WORD $%#08x // SSHR V%d.4S, V%d.4S, #%d", 0x4f000400|uint32((64-by)<<16|n<<5|d), d, n, by)
}

func shiftRight64(d, n, by int) string {
	return fmt.Sprintf("WORD $%#08x // SSHR V%d.2D, V%d.2D, #%d", 0x4f000400|uint32((128-by)<<16|n<<5|d), d, n, by)
}

// loadAt returns the line that loads a vector at the sum of two registers.
func loadAt(d, base, index int) string {
	return fmt.Sprintf("WORD $%#08x // LDR Q%d, [X%d, X%d]", 0x3ce06800|uint32(index<<16|base<<5|d), d, base, index)
}
