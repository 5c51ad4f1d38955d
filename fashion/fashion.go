// Package fashion holds the built-in model: Fashion-MNIST, 28×28 grey pictures in
// ten classes, trained with DLPM at α = 1.7. A program that imports it carries the
// model's file, 3.9 MB; who opens files of their own need not.
package fashion

import (
	_ "embed" // the model's file
	"strings"
	"sync"

	"heavytail"
)

//go:embed fashion.safetensors
var file string

// File returns a copy of the model's file, safetensors as heavytail.Open reads it,
// for a heavytail.Loader with settings or for one's own changes.
func File() []byte { return []byte(file) }

// Model returns the model with the default settings. It is opened once and is one
// for all callers, who may use it at the same time.
func Model() (*heavytail.Model, error) { return open() }

var open = sync.OnceValues(func() (*heavytail.Model, error) {
	return heavytail.OpenReader(strings.NewReader(file), int64(len(file)))
})
