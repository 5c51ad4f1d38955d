// Package device says where networks compute, in the words of the command line. A
// program that is built without the tag cuda has no part of the GPU's in it.
package device

import (
	"fmt"
	"io"
	"os"
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
	Number int  // of the GPU, from 0
	Mode   Mode // of a GPU; empty: Exact
}

// Parse reads "cpu", or "cuda", or "cuda:1" for the GPU of that number, with
// ",tf32" or ",bf16" for a fast mode.
func Parse(text string) (Spec, error) {
	place, mode, comma := strings.Cut(text, ",")
	place, number, colon := strings.Cut(place, ":")
	s := Spec{GPU: place == "cuda", Mode: Mode(mode)}
	n, err := uint64(0), error(nil)
	if colon {
		n, err = strconv.ParseUint(number, 10, 10)
	}
	s.Number = int(n)
	known := !comma || s.Mode == Exact || s.Mode == TF32 || s.Mode == BF16
	if err != nil || !known || !s.GPU && text != "cpu" {
		return Spec{}, fmt.Errorf("%q is no device: want cpu, or cuda, or cuda:1 for the GPU of that number (heavytail info lists them), with ,tf32 or ,bf16 for a mode that is faster and gives other bits", text)
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
	if s.Number != 0 {
		text += ":" + strconv.Itoa(s.Number)
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
// processors. The error of a GPU says what is missing.
func (s Spec) Open(threads int) (tensor.Device, error) {
	if !s.GPU {
		return kernels.New(threads), nil
	}
	return open(s.Number, s.Mode)
}

// Close gives a device back, if it is one that is to be given back.
func Close(dev tensor.Device) {
	if c, ok := dev.(io.Closer); ok {
		_ = c.Close() // its results are there: nothing that it could say matters
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
