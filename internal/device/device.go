// Package device says where networks compute, in the words of the command line. A
// program that is built without the tag cuda has no part of the GPU's in it.
package device

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"heavytail/kernels"
	"heavytail/tensor"
)

// EnvVar names the environment variable that holds the default, "cpu" if it is
// empty.
const EnvVar = "HEAVYTAIL_DEVICE"

// A Mode is how a GPU computes.
type Mode string

// Exact gives the bits of the CPU. The others use tensor cores, which add in an
// order of their own, and promise no bits.
const (
	Exact Mode = "exact"
	TF32  Mode = "tf32"
	BF16  Mode = "bf16"
)

// A Spec names a device; the zero value is the CPU. It is a flag.Value.
type Spec struct {
	GPU    bool
	Number int   // of the GPU, from 0
	More   []int // numbers of further GPUs, between which sampling divides its batches
	Mode   Mode  // of a GPU; empty: Exact
}

// Parse reads "cpu", or "cuda", or "cuda:1" for the GPU of that number, or "cuda:0+1"
// for several, with ",tf32" or ",bf16" for a fast mode.
func Parse(text string) (Spec, error) {
	place, mode, comma := strings.Cut(text, ",")
	place, numbers, colon := strings.Cut(place, ":")
	s := Spec{GPU: place == "cuda", Mode: Mode(mode)}
	ok := (s.GPU || text == "cpu") && (!comma || s.Mode == Exact || s.Mode == TF32 || s.Mode == BF16)
	if colon {
		var all []int
		for number := range strings.SplitSeq(numbers, "+") {
			n, err := strconv.ParseUint(number, 10, 10)
			ok = ok && err == nil && !slices.Contains(all, int(n))
			all = append(all, int(n))
		}
		s.Number = all[0]
		if len(all) > 1 {
			s.More = all[1:]
		}
	}
	if !ok {
		return Spec{}, fmt.Errorf("%q is no device: want cpu, or cuda, or cuda:1 for the GPU of that number (heavytail info lists them), or cuda:0+1 for several, with ,tf32 or ,bf16 for a mode that is faster and gives other bits", text)
	}
	return s, nil
}

// Default returns the device that the environment names.
func Default() (Spec, error) {
	text := os.Getenv(EnvVar)
	if text == "" {
		return Spec{}, nil
	}
	s, err := Parse(text)
	if err != nil {
		return s, fmt.Errorf("the environment variable %s: %w", EnvVar, err)
	}
	return s, nil
}

// String is what Parse reads.
func (s Spec) String() string {
	if !s.GPU {
		return "cpu"
	}
	text := "cuda"
	if s.Number != 0 || len(s.More) > 0 {
		text += ":" + strconv.Itoa(s.Number)
	}
	for _, n := range s.More {
		text += "+" + strconv.Itoa(n)
	}
	if m := s.Fast(); m != "" {
		text += "," + m
	}
	return text
}

// Fast is the mode of a device that gives other bits than the CPU, "" of others.
func (s Spec) Fast() string {
	if !s.GPU || s.Mode == Exact {
		return ""
	}
	return string(s.Mode)
}

// Set makes s what text says.
func (s *Spec) Set(text string) (err error) {
	*s, err = Parse(text)
	return err
}

// Open returns the device. The CPU's uses at most so many threads, 0 for all
// processors. The error of a GPU says what is missing. Several GPUs are an error:
// they are for OpenAll.
func (s Spec) Open(threads int) (tensor.Device, error) {
	if len(s.More) > 0 {
		return nil, fmt.Errorf("only sampling divides its work between several GPUs: give one, such as %v", Spec{GPU: true, Number: s.Number, Mode: s.Mode})
	}
	if !s.GPU {
		return kernels.New(threads), nil
	}
	return open(s.Number, s.Mode)
}

// OpenAll returns all devices, each by open, of which it keeps none if one cannot be
// had.
func (s Spec) OpenAll(open func(Spec) (tensor.Device, error)) (all []tensor.Device, err error) {
	for _, n := range append([]int{s.Number}, s.More...) {
		one := s
		one.Number, one.More = n, nil
		dev, err := open(one)
		if err != nil {
			Close(all...)
			return nil, err
		}
		all = append(all, dev)
	}
	return all, nil
}

// Close gives devices back, those that are to be given back.
func Close(all ...tensor.Device) {
	for _, dev := range all {
		if c, ok := dev.(io.Closer); ok {
			_ = c.Close() // its results are there: nothing that it could say matters
		}
	}
}

// A GPU is what is known about one without using it.
type GPU struct {
	Number     int    `json:"number"` // cuda:Number
	Name       string `json:"name"`
	Driver     string `json:"driver"`
	Capability string `json:"capability"` // "9.0"
	Processors int    `json:"processors"` // streaming multiprocessors
	Memory     int64  `json:"memory"`     // bytes
	Modes      []Mode `json:"modes"`      // empty: the GPU is too old
}
