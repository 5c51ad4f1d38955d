package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const directive = "//simd:kernel"

// A kernel is one function of the package with its assembly.
type kernel struct {
	name    string
	params  string   // as they are written in Go, with parentheses
	names   []string // of the parameters
	result  string   // its type, or ""
	decl    string   // the parameters of the assembly, with parentheses
	call    string   // what the assembly is called with
	levels  []string // AVX512, AVX2, NEON: those in the files of assembly
	pointer bool     // the call needs package unsafe
}

// read returns the kernels of the package in the order of files and lines.
func read(dir string) ([]kernel, error) {
	levels, err := symbols(dir)
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*_generic.go"))
	if err != nil {
		return nil, err
	}
	var all []kernel
	for _, path := range files {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			args, ok := directiveOf(fn)
			if !ok {
				continue
			}
			k, err := newKernel(fset, fn, args)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", fset.Position(fn.Pos()), err)
			}
			if k.levels = levels[k.name]; len(k.levels) == 0 {
				return nil, fmt.Errorf("%s: no file of assembly has %s", fset.Position(fn.Pos()), k.name)
			}
			all = append(all, k)
		}
	}
	return all, nil
}

// directiveOf returns what follows the directive in the comment of fn.
func directiveOf(fn *ast.FuncDecl) (args []string, ok bool) {
	if fn.Doc == nil {
		return nil, false
	}
	for _, c := range fn.Doc.List {
		if rest, found := strings.CutPrefix(c.Text, directive); found {
			return strings.Fields(rest), true
		}
	}
	return nil, false
}

var text = regexp.MustCompile(`(?m)^TEXT ·(\w+?)(AVX512|AVX2|NEON)\(SB\)`)

// symbols returns the levels of every function in the files of assembly.
func symbols(dir string) (map[string][]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.s"))
	if err != nil {
		return nil, err
	}
	levels := map[string][]string{}
	for _, path := range files {
		src, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for _, m := range text.FindAllSubmatch(src, -1) {
			levels[string(m[1])] = append(levels[string(m[1])], string(m[2]))
		}
	}
	return levels, nil
}

// newKernel reads the signature of fn and works out that of its assembly.
func newKernel(fset *token.FileSet, fn *ast.FuncDecl, args []string) (kernel, error) {
	name, ok := strings.CutSuffix(fn.Name.Name, "Generic")
	if !ok {
		return kernel{}, fmt.Errorf("%s does not end in Generic", fn.Name.Name)
	}
	k := kernel{name: name}
	types := map[string]string{}
	var params []string
	for _, field := range fn.Type.Params.List {
		typ := source(fset, field.Type)
		var names []string
		for _, id := range field.Names {
			names = append(names, id.Name)
			types[id.Name] = typ
		}
		k.names = append(k.names, names...)
		params = append(params, strings.Join(names, ", ")+" "+typ)
	}
	k.params = "(" + strings.Join(params, ", ") + ")"
	if r := fn.Type.Results; r != nil {
		if len(r.List) != 1 || len(r.List[0].Names) > 1 {
			return kernel{}, fmt.Errorf("%s has several results", name)
		}
		k.result = source(fset, r.List[0].Type)
	}
	if len(args) == 0 {
		args = k.names
	}
	list, err := expand(args, types)
	if err != nil {
		return kernel{}, err
	}
	k.decl = declare(list)
	var call []string
	for _, a := range list {
		call = append(call, a.expr)
	}
	k.call = strings.Join(call, ", ")
	k.pointer = strings.Contains(k.call, "unsafe.")
	return k, nil
}

func source(fset *token.FileSet, n ast.Node) string {
	var b bytes.Buffer
	_ = printer.Fprint(&b, fset, n) // into memory: cannot fail
	return b.String()
}

// An arg is one argument of an assembly function.
type arg struct{ name, typ, expr string }

// expand works out the arguments of the assembly.
func expand(args []string, types map[string]string) ([]arg, error) {
	var list []arg
	for i := 0; i < len(args); i++ {
		a := args[i]
		if name, expr, ok := strings.Cut(a, "="); ok {
			list = append(list, arg{name, "*float32", expr})
			continue
		}
		if x, ok := strings.CutPrefix(a, "*"); ok {
			parts := strings.Split(x, ".")
			name := strings.ToLower(parts[len(parts)-1])
			list = append(list, arg{name, "*float32", "unsafe.SliceData(" + x + ")"})
			continue
		}
		if types[a] == "" {
			return nil, fmt.Errorf("%q is no parameter", a)
		}
		if types[a] != "Strip" {
			list = append(list, arg{a, types[a], a})
			continue
		}
		n := i
		for n < len(args) && types[args[n]] == "Strip" {
			n++
		}
		list = append(list, strips(args[i:n])...)
		i = n - 1
	}
	return list, nil
}

// strips are the arguments for neighbouring Strips.
func strips(names []string) []arg {
	var list []arg
	for _, s := range names {
		list = append(list, arg{s, "*float32", "unsafe.SliceData(" + s + ".Data)"})
	}
	for _, s := range names {
		pitch := s + "Pitch"
		if len(names) == 1 {
			pitch = "pitch"
		}
		list = append(list, arg{pitch, "int", s + ".Pitch"})
	}
	return list
}

// declare writes the parameters, those of one type together.
func declare(list []arg) string {
	var b strings.Builder
	b.WriteByte('(')
	for i, a := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.name)
		if i+1 == len(list) || list[i+1].typ != a.typ {
			b.WriteString(" " + a.typ)
		}
	}
	b.WriteByte(')')
	return b.String()
}

// has says whether the kernel has assembly for any of the levels.
func (k kernel) has(levels []string) bool {
	return slices.ContainsFunc(levels, func(l string) bool { return slices.Contains(k.levels, l) })
}
