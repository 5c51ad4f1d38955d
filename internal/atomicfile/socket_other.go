//go:build !unix

package atomicfile

import (
	"errors"
	"os"
)

func connect(string) (*os.File, error) { return nil, errors.ErrUnsupported }
