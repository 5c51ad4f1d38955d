// Command dispatch writes dispatch_amd64.go, dispatch_arm64.go and
// dispatch_noasm.go of package simd: for every function of *_generic.go with the
// line
//
//	//simd:kernel [arguments]
//
// at the end of its comment, the declarations of its assembly and the function
// that chooses among them by isa.Cur(). Which levels there are is read from the
// files *.s. The assembly takes the arguments of the function, or those listed:
//
//	x          as it is; of a Strip the address of its data and its pitch,
//	           of neighbouring Strips all addresses, then all pitches
//	*x         the address of the first element of x, a slice or a field of one
//	x=EXPR     EXPR, an address of float32, under the name x
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	dir := flag.String("dir", "../simd", "the folder of package simd")
	flag.Parse()
	if err := run(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "dispatch:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	kernels, err := read(dir)
	if err != nil {
		return err
	}
	for _, t := range targets {
		if err := t.write(dir, kernels); err != nil {
			return err
		}
	}
	return nil
}
