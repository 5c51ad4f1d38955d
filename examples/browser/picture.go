package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image/png"
	"strconv"
	"strings"

	"heavytail"
	"heavytail/internal/npy"
)

// A form is what stands in the fields of the page. Every field is text, since a
// number of JavaScript does not hold every seed.
type form struct {
	Seed   string `json:"seed"`   // 0 to 2⁶⁴ − 1
	Class  string `json:"class"`  // a number, "none", or empty: chosen by the seed
	Steps  string `json:"steps"`  // empty: the method's own number
	Method string `json:"method"` // empty: the model's
}

// A mistake is in a field of the form, which the page marks.
type mistake struct{ field, text string }

func (m *mistake) Error() string { return m.text }

// options returns what the form asks of the model, or a mistake.
func (f form) options(m *heavytail.Model) (heavytail.Options, error) {
	o := heavytail.Options{N: 1, Method: f.Method, Estimates: true}
	var err error
	if o.Seed, err = strconv.ParseUint(strings.TrimSpace(f.Seed), 10, 64); err != nil {
		return o, &mistake{"seed", fmt.Sprintf("%q is no seed: want a whole number from 0 to 18446744073709551615", f.Seed)}
	}
	if s := strings.TrimSpace(f.Steps); s != "" {
		if o.Steps, err = strconv.Atoi(s); err != nil || o.Steps < 1 {
			return o, &mistake{"steps", fmt.Sprintf("%q is no number of steps: want 1 or more, or nothing for the method's own", f.Steps)}
		}
	}
	switch f.Class {
	case "":
	case "none":
		o.Classes = []int{heavytail.Unconditional}
	default:
		class, err := strconv.Atoi(f.Class)
		if err != nil || class < 0 || class >= m.Classes() {
			return o, &mistake{"class", fmt.Sprintf("%q is no class: want 0 to %d, or none", f.Class, m.Classes()-1)}
		}
		o.Classes = []int{class}
	}
	o, err = m.Resolve(o)
	var bad *heavytail.OptionError
	if errors.As(err, &bad) {
		field := strings.TrimSuffix(strings.ToLower(bad.Field), "es") // Classes is class
		return o, &mistake{field, strings.TrimPrefix(err.Error(), "heavytail: ")}
	}
	return o, err
}

// command returns the flags of heavytail sample that draw the same, without -o.
func command(o heavytail.Options) string {
	class := ""
	if len(o.Classes) > 0 {
		if class = " -class none"; o.Classes[0] != heavytail.Unconditional {
			class = fmt.Sprint(" -class ", o.Classes[0])
		}
	}
	return fmt.Sprintf("heavytail sample -n 1 -seed %d%s -method %s -steps %d", o.Seed, class, o.Method, o.Steps)
}

// A result is a picture that is done.
type result struct {
	npy    []byte // the file that heavytail sample -o x.npy writes: its values in float32
	png    []byte // the picture, in grey levels of 8 bits
	sha256 string // of npy
}

// draw draws the sample of resolved options. show is called at the start, where the
// picture is the noise, and after every step with the picture as the model estimates
// it then; left steps are still to do. The context ends the drawing within a step.
func draw(ctx context.Context, m *heavytail.Model, o heavytail.Options, show func(left int, x *heavytail.Images)) (result, error) {
	var last *heavytail.Images
	for step, err := range m.Steps(ctx, o) {
		if err != nil {
			return result{}, err
		}
		last = step.Samples
		show(step.Left, last)
	}
	var file, picture bytes.Buffer
	if err := errors.Join(
		npy.WriteHeader(&file, last.Shape()...),
		npy.WriteValues(&file, last.Float32()),
		png.Encode(&picture, last.Image(0)),
	); err != nil {
		return result{}, err
	}
	return result{file.Bytes(), picture.Bytes(), fmt.Sprintf("%x", sha256.Sum256(file.Bytes()))}, nil
}
