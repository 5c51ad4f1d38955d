// Package ptx holds the kernels of the GPU as PTX text, which package gen writes
// (go generate ./cuda) and NVIDIA's driver compiles when a program starts.
package ptx

import (
	"embed"
	"fmt"
)

//go:embed *.ptx
var files embed.FS

// Text returns the module of that name: the name of its file without .ptx.
func Text(name string) (string, error) {
	b, err := files.ReadFile(name + ".ptx")
	if err != nil {
		return "", fmt.Errorf("ptx: no module %q", name)
	}
	return string(b), nil
}
