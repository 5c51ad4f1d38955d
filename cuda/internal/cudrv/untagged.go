//go:build !cuda

package cudrv

import "errors"

var errTag = errors.New("this program was built without -tags cuda: build it again with it (docs/cuda.md), or compute on the CPU")
