//go:build cuda && !(cgo && linux && amd64)

package cudrv

import "errors"

var errTag = errors.New("this program was built with the tag cuda, but not with cgo for linux/amd64: build it again there (docs/cuda.md), or compute on the CPU")
