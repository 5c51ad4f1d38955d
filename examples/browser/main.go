//go:build !js

// Command browser makes a page that draws samples of the built-in model in the
// browser, in WebAssembly, step by step, and shows that they are the same bytes as
// the command's:
//
//	go run ./examples/browser            serves it on localhost:8080
//	go run ./examples/browser -o site    writes its files to the folder site, for any server of files
//
// It is to be run inside a clone: it builds itself for js/wasm. docs/page.md tells more.
package main

import (
	"embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed page
var files embed.FS

func main() {
	out := flag.String("o", "", "`folder` to write the page to, instead of serving it")
	addr := flag.String("addr", "localhost:8080", "where to serve")
	flag.Parse()
	if err := run(*out, *addr); err != nil {
		log.Fatal(err)
	}
}

func run(out, addr string) error {
	if out != "" {
		return build(out, ".")
	}
	dir, err := os.MkdirTemp("", "heavytail-page-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := build(dir, "."); err != nil {
		return err
	}
	fmt.Println("http://" + addr)
	return http.ListenAndServe(addr, http.FileServerFS(os.DirFS(dir)))
}

// build writes the files of the page to dir: those of the folder page, Go's
// wasm_exec.js, and this program as main.wasm. module is a folder of the module.
func build(dir, module string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	page, err := fs.Sub(files, "page")
	if err != nil {
		return err
	}
	names, err := fs.Glob(page, "*")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(page, name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o666)
		}
		if err != nil {
			return err
		}
	}
	root, err := goTool(module, "env", "GOROOT")
	if err != nil {
		return err
	}
	glue, err := os.ReadFile(filepath.Join(strings.TrimSpace(root), "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return fmt.Errorf("looking for Go's own part of the page, which Go 1.24 and later have there: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "wasm_exec.js"), glue, 0o666); err != nil {
		return err
	}
	// Without tables for debuggers the program is a tenth smaller.
	_, err = goTool(module, "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "main.wasm"), "./examples/browser")
	return err
}

// goTool runs the go command in dir, for js/wasm, and returns what it prints.
func goTool(dir string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	text, err := cmd.Output()
	if bad := (*exec.ExitError)(nil); errors.As(err, &bad) {
		return "", fmt.Errorf("go %s, which must run at the top of a clone: %w\n%s", strings.Join(args, " "), err, bad.Stderr)
	}
	return string(text), err
}
