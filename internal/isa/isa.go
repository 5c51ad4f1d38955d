// Package isa chooses, once at start, the instruction-set level that the
// kernels of package simd run at.
//
// The level is the highest one that the processor and the operating system
// support. The environment variable HEAVYTAIL_ISA=generic|avx2|avx512|neon
// caps it; a name that is unknown or not available on this machine ends the
// program with a message, because a silent fallback would make a measurement
// lie.
package isa

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
)

// EnvVar is the environment variable that caps the level at start.
const EnvVar = "HEAVYTAIL_ISA"

// A Level names a set of kernels. Every level computes the same bits.
type Level int32

// Levels in ascending order of preference on one architecture.
const (
	Generic Level = iota // portable Go, defines the bits
	NEON                 // arm64
	AVX2                 // AVX2 and FMA
	AVX512               // AVX-512 F, BW, DQ, VL
)

var names = [...]string{Generic: "generic", NEON: "neon", AVX2: "avx2", AVX512: "avx512"}

// String returns the name that HEAVYTAIL_ISA accepts.
func (l Level) String() string { return names[l] }

var current atomic.Int32

// Cur returns the level in force.
func Cur() Level { return Level(current.Load()) }

// Available lists the levels that this build can run on this machine,
// Generic first, the best last.
func Available() []Level { return append([]Level{Generic}, detect()...) }

// Force sets the level and returns a function that restores the former one.
// It is for tests and benchmarks; it must not run beside kernels in other
// goroutines. It panics if l is not available.
func Force(l Level) (restore func()) {
	if !has(l) {
		panic("isa: level " + l.String() + " is not available on this machine")
	}
	old := current.Swap(int32(l))
	return func() { current.Store(old) }
}

func has(l Level) bool {
	for _, a := range Available() {
		if a == l {
			return true
		}
	}
	return false
}

// parse resolves a value of HEAVYTAIL_ISA against the available levels.
func parse(name string) (Level, error) {
	var can []string
	for _, l := range Available() {
		if l.String() == name {
			return l, nil
		}
		can = append(can, l.String())
	}
	for _, n := range names {
		if n == name {
			return 0, fmt.Errorf("%s=%s: this machine or build does not have %s; available: %s", EnvVar, name, name, strings.Join(can, ", "))
		}
	}
	return 0, fmt.Errorf("%s=%s: unknown level; available: %s", EnvVar, name, strings.Join(can, ", "))
}

func init() {
	a := Available()
	l := a[len(a)-1]
	if v, ok := os.LookupEnv(EnvVar); ok && v != "" {
		var err error
		if l, err = parse(v); err != nil {
			fmt.Fprintln(os.Stderr, "heavytail:", err)
			os.Exit(2)
		}
	}
	current.Store(int32(l))
}
