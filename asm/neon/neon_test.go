package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// lines returns a line of every word that the generator can write, with low,
// high and mixed registers.
func lines() (out []string) {
	for _, r := range [][3]int{{1, 2, 3}, {31, 30, 29}, {17, 5, 11}, {0, 16, 24}} {
		for _, n := range slices.Sorted(maps.Keys(words3)) {
			out = append(out, word(n, r[0], r[1], r[2]))
		}
		for _, n := range slices.Sorted(maps.Keys(words2)) {
			out = append(out, word(n, r[0], r[1]))
		}
		for lane := range 4 {
			out = append(out, fmlaLane(r[0], r[1], r[2], lane))
		}
		out = append(out, loadAt(r[0], r[1]%30, r[2]))
		for _, by := range []int{1, 8, 31} {
			out = append(out, shiftRight(r[0], r[1], by), shiftRight64(r[0], r[1], by+10))
		}
	}
	return out
}

// TestWords compares the words with testdata/words.txt, which GNU's assembler
// and objdump (aarch64-linux-gnu, 2.40) made of the mnemonics alone.
func TestWords(t *testing.T) {
	text, err := os.ReadFile("testdata/words.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for l := range strings.Lines(string(text)) {
		w, mnemonic, ok := strings.Cut(strings.TrimSpace(l), " ")
		if !ok {
			t.Fatalf("%q", l)
		}
		want[mnemonic] = w
	}
	seen := 0
	for _, l := range lines() {
		var w uint32
		if _, err := fmt.Sscanf(l, "WORD $%v", &w); err != nil {
			t.Fatalf("%q: %v", l, err)
		}
		_, mnemonic, _ := strings.Cut(l, " // ")
		mnemonic = strings.ToLower(mnemonic)
		if got := fmt.Sprintf("%08x", w); want[mnemonic] != got {
			t.Errorf("%s is %s, here %s", mnemonic, want[mnemonic], got)
		}
		seen++
	}
	if seen != len(want) || seen < 50 {
		t.Errorf("%d words here, %d in the list", seen, len(want))
	}
}

// write returns the text of a function.
func write(body func(m *machine)) string {
	f := &file{}
	m := &machine{file: f, family: "test", labels: map[string]int{}}
	m.begin("f", "dst, x []float32, s float32", " float32", "")
	body(m)
	m.end()
	return f.text.String()
}

// What a loop needs from before it keeps its register to the loop's end; what
// is done with gives its register to the next.
func TestRegisters(t *testing.T) {
	text := write(func(m *machine) {
		n, k := m.length("x"), m.spread("s")
		m.times(n, func() {
			v := m.vec()
			m.ins("VMOV %s, %s", k.b16(), v.b16()) // k's last place
			w := m.vec()
			m.ins("VMOV %s, %s", v.b16(), w.b16())
			m.ins("VMOV %s, %s", w.b16(), w.b16())
		})
		m.result(m.spread("s"))
	})
	for _, want := range []string{"MOVD x_len+32(FP), R0\n", "FMOVS s+48(FP), F0\n", "VMOV V0.B16, V1.B16\n\tVMOV V1.B16, V1.B16", "FMOVS F0, ret+56(FP)"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "V1.B16, V0.B16") {
		t.Errorf("a register of the loop is taken from it:\n%s", text)
	}
}

// A copy of what is needed later is one, another takes the register.
func TestCopies(t *testing.T) {
	text := write(func(m *machine) {
		n, k := m.length("x"), m.spread("s")
		m.times(n, func() {
			v := m.copy(value{k}) // the next turn needs k
			w := m.copy(v)
			m.ins("VMOV %s, %s", w[0].b16(), w[0].b16())
		})
		m.result(m.spread("s"))
	})
	if want := "VMOV V0.B16, V1.B16\n\tVMOV V1.B16, V1.B16\n\tSUBS"; !strings.Contains(text, want) {
		t.Errorf("%q is not in\n%s", want, text)
	}
}

func TestShortOfRegisters(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "short of registers") {
			t.Errorf("33 values in 32 registers: %v", r)
		}
	}()
	write(func(m *machine) {
		v := m.zero(33)
		for _, r := range v {
			m.ins("VMOV %s, %s", r.b16(), r.b16())
		}
	})
}
