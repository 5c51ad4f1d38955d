package heavytail_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// mayImport says what each package may import: packages of ours and the
// dependencies of go.mod; the standard library is free. An entry "x/..." stands
// for x and all below it. Change a row only with the reason in the commit.
var mayImport = map[string][]string{
	// The library, and the command that is built of it.
	"":        {"diffusion/...", "internal/diffusers", "internal/imageio", "internal/parse", "internal/sample", "internal/source", "kernels", "nn", "recipe", "tensor"},
	"fashion": {""}, // the built-in model, for who imports it
	// What is in the files of models; machine: how much of a pipe is read.
	"modelfile": {"", "internal/atomicfile", "internal/diffusers", "internal/imageio", "internal/machine", "internal/onnx", "internal/source", "kernels", "nn", "recipe", "tensor"},
	// Flags and printing: of internal packages only what these need.
	"cmd/heavytail": {"", "bench", "data", "diffusion/rare", "eval", "fashion", "internal/atomicfile", "internal/cli", "internal/device", "internal/parse", "internal/words",
		"kernels", "modelfile", "nn", "output", "recipe", "stable/laws", "tails", "tensor", "train"},

	// Arithmetic, and the seam to the networks.
	"simd":            {"internal/dmath", "internal/isa"}, // dmath: the references of the functions on float64
	"kernels":         {"internal/conv", "internal/dmath", "internal/isa", "internal/machine", "internal/par", "internal/shapes", "simd", "tensor"},
	"tensor":          {},
	"internal/shapes": {"tensor"},                                                                                                 // what operands every device takes
	"nn":              {"internal/dmath", "internal/machine", "internal/onnx", "internal/source", "internal/torchfile", "tensor"}, // no kernels: it runs on any device; machine: what a file may ask for; source: what a file is

	// Processes and random numbers; a denoiser is a function, so no nn.
	"stable":            {"internal/dmath", "internal/par", "simd"},
	"stable/laws":       {"internal/dmath", "internal/par", "stable", "tensor"}, // tensor: a GPU makes them too
	"diffusion":         {"internal/dmath", "internal/par", "internal/parse", "simd", "stable", "tensor"},
	"diffusion/metrics": {"diffusion", "internal/dmath", "internal/par", "stable"},
	"diffusion/rare":    {"diffusion", "internal/dmath", "internal/machine", "internal/source", "internal/words", "stable"}, // machine: how many samples it holds; source: names of columns as text

	"internal/device":  {"cuda", "kernels", "tensor"}, // cuda: with the tag cuda only
	"internal/isa":     {"github.com/klauspost/cpuid/v2"},
	"internal/par":     {"internal/machine"},                                  // machine: the quota of processors
	"internal/machine": {"golang.org/x/sys/unix", "golang.org/x/sys/windows"}, // memory and processors
	"internal/dmath":   {},
	"internal/parse":   {},                            // settings from text
	"internal/words":   {},                            // numbers as people read them
	"internal/conv":    {"internal/shapes", "tensor"}, // which terms a convolution has, for every device

	// Files.
	"internal/atomicfile": {"internal/machine"}, // the room on a disk
	"internal/jobs":       {"internal/atomicfile", "internal/source"},
	"internal/source":     {},                 // what is read, as atomicfile what is written
	"internal/imageio":    {"internal/chart"}, // for the numbers on axes
	"internal/chart":      {"internal/dmath"},
	"internal/npy":        {},
	"internal/onnx":       {},
	"internal/torchfile":  {"internal/machine", "tensor"},                                                                          // machine: what may be unpacked
	"data":                {"internal/dmath", "internal/imageio", "internal/machine", "internal/npy", "internal/source", "stable"}, // imageio: the grids that it writes; machine: how much a set may take

	"output": {"", "data", "internal/atomicfile", "internal/imageio", "internal/jobs", "internal/npy", "recipe", "stable/laws"}, // laws: noise is written as samples are

	"bench": {"", "diffusion", "internal/chart", "internal/conv", "internal/device", "internal/isa", "internal/par", "internal/words", "kernels", "nn", "simd", "stable", "tensor", "github.com/klauspost/cpuid/v2"}, // chart: the roofline; conv: what the forms of convolutions compute; isa, device, par, cpuid: what machine was timed; simd: the peak
	"eval":  {"", "data", "diffusion/metrics", "internal/classifier", "internal/imageio", "internal/npy", "internal/source", "internal/words", "output"},                                                             // classifier: the features of images; imageio: pixels of 256 levels; output: parts
	"tails": {"data", "diffusion", "internal/dmath", "internal/imageio", "internal/source", "internal/words", "recipe", "stable"},                                                                                    // recipe: what the suggestion changes; imageio: the plot; source: names of columns as text

	// What joins networks and processes.
	"recipe":             {"diffusion", "internal/dmath", "internal/parse", "nn", "stable"}, // dmath, stable: the transforms of columns, and the tails that they are for; parse: settings by name
	"internal/diffusers": {"diffusion", "internal/machine", "nn", "recipe"},                 // machine: what may be read whole
	"internal/sample":    {"diffusion", "internal/machine", "nn", "tensor"},                 // the errors of options; tensor: how much a device holds
	"train": {"", "data", "diffusion", "internal/atomicfile", "internal/chart", "internal/diffusers", "internal/imageio", "internal/machine", "internal/source", "internal/words", "kernels", "nn", "recipe", "tensor", // "": its previews are samples; kernels: the device of who names none; machine: the memory that Describe tells
		"golang.org/x/sys/unix", "golang.org/x/sys/windows"}, // the lock of a run's folder
	"cmd/heavytail-lab": {"", "cmd/heavytail-lab/internal/experiment", "data", "internal/atomicfile", "internal/classifier", "internal/cli", "internal/jobs", "internal/par", "kernels", "nn", "tensor"},
	"cmd/heavytail-lab/internal/experiment": {"", "diffusion/...", "internal/atomicfile", "internal/chart", "internal/classifier", "data", "internal/dmath", "internal/imageio", "internal/jobs", "recipe", "internal/source", "tails", "train",
		"kernels", "nn", "simd", "stable", "tensor"},

	"internal/cli": {"internal/atomicfile", "internal/words", "tensor", "golang.org/x/sys/unix", "golang.org/x/sys/windows"}, // what the programs share; atomicfile: a signal removes unfinished files; tensor: the failure of a device; sys: terminals

	// The features that the metrics of images compare.
	"internal/classifier": {"data", "internal/dmath", "kernels", "nn", "stable", "tensor"},

	// The GPU: its kernels, their generator, and the interpreter that tests them.
	"cuda":         {"cuda/gen", "cuda/internal/cudrv", "cuda/internal/driver", "cuda/plan", "cuda/ptx", "internal/conv", "internal/shapes", "kernels", "simd", "stable", "tensor"}, // gen: the sizes of tiles; kernels: what the host computes; simd, stable: noise
	"cuda/ptx":     {},
	"cuda/gen":     {"internal/conv", "internal/dmath", "simd"}, // conv: which terms a convolution has; dmath, simd: coefficients
	"cuda/plan":    {"cuda/gen", "internal/conv"},               // gen: the tilings
	"cuda/gen/cmd": {"cuda/gen"},
	"cuda/emu":     {"simd"}, // simd: the float32 fma

	"cuda/internal/driver": {},                                          // apart from cuda, so that cudrv need not import that
	"cuda/internal/cudrv":  {"cuda/internal/driver", "gorgonia.org/cu"}, // cu: with the tag cuda only

	// Checks of the compiled code, a program of CI.
	"internal/contraction": {},

	// The pictures that a model of models was trained on.
	"tools/emoji": {},

	// What a reader begins with: public packages only.
	"examples/serve":   {"", "data", "recipe", "train"},
	"examples/browser": {"", "fashion", "internal/npy"}, // npy: the hash is that of the file that sample writes
	"examples/tiny":    {"diffusion", "kernels", "nn", "stable"},

	// Tests.
	"internal/numtest":  {"internal/isa", "github.com/klauspost/cpuid/v2", "golang.org/x/sys/unix"},
	"internal/ref64":    {"tensor"},
	"tensor/devicetest": {"internal/numtest", "internal/ref64", "tensor"},
	"cuda/cudatest":     {"cuda", "cuda/emu"},
}

// testHelpers are imported by tests and by each other only.
var testHelpers = []string{"internal/numtest", "internal/ref64", "tensor/devicetest", "cuda/cudatest", "cuda/emu"}

// TestImports keeps the arrows of the design: simd <- kernels -> tensor <- nn,
// stable <- diffusion, this package and the command on top.
func TestImports(t *testing.T) {
	for pkg, imports := range list(t, "{{.ImportPath}} {{join .Imports \" \"}}") {
		allowed, ok := mayImport[pkg]
		if !ok {
			t.Errorf("package %q has no row in mayImport", pkg)
			continue
		}
		for _, imp := range imports {
			if !permits(allowed, imp) || slices.Contains(testHelpers, imp) && !slices.Contains(testHelpers, pkg) {
				t.Errorf("package %q must not import %q", pkg, imp)
			}
		}
	}
}

// TestImportsSeesViolations makes sure that the check above can fail.
func TestImportsSeesViolations(t *testing.T) {
	for _, c := range []struct {
		pkg, imp string
		want     bool
	}{
		{"tensor", "kernels", false}, {"nn", "kernels", false}, {"diffusion", "nn", false}, {"kernels", "simd", true},
		{"cmd/heavytail", "data", true}, {"nn", "train", false}, {"simd", "github.com/stretchr/testify/require", false}, {"nn", "tensorx", false},
	} {
		if got := permits(mayImport[c.pkg], c.imp); got != c.want {
			t.Errorf("permits(%q, %q) = %v", c.pkg, c.imp, got)
		}
	}
	if n := len(list(t, "{{.ImportPath}}")); n < 8 {
		t.Errorf("go list shows %d packages: the check sees too little", n)
	}
}

// TestDefaultBuild keeps the driver's side of the GPU out of builds without the tag
// cuda, with cgo and without: they need no C compiler, and their dependencies are
// the few of go.mod. With the tag it is there.
func TestDefaultBuild(t *testing.T) {
	cu := []string{"github.com/google/uuid", "github.com/pkg/errors", "gorgonia.org/cu"}
	for _, c := range []struct {
		cgo, tags string
		want      []string
	}{{"0", "", nil}, {"1", "", nil}, {"0", "cuda", nil}, {"1", "cuda", cu}} {
		cmd := exec.Command("go", "list", "-deps", "-tags", c.tags, "-f", "{{if .Module}}{{if not .Module.Main}}{{.ImportPath}}{{end}}{{end}} {{if .CgoFiles}}{{if not .Standard}}cgo {{.ImportPath}}{{end}}{{end}}", "./...")
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED="+c.cgo)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		var got []string
		for line := range strings.Lines(string(out)) {
			words := strings.Fields(line)
			if len(words) == 0 {
				continue
			}
			if slices.Contains(cu, words[0]) {
				got = append(got, words[0])
			}
			if slices.Contains(words, "cgo") && c.want == nil {
				t.Errorf("cgo %s, tags %q: cgo in the build: %s", c.cgo, c.tags, line)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("cgo %s, tags %q: %v in the build, want %v", c.cgo, c.tags, got, c.want)
		}
	}
}

func permits(allowed []string, imp string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		under, any := strings.CutSuffix(a, "/...")
		return imp == a || any && (imp == under || strings.HasPrefix(imp, under+"/"))
	})
}

// list runs go list over this module and returns the words of each line, by
// the first, less the standard library and the module's own name.
func list(t *testing.T, format string) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", format, "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	pkgs := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		var imports []string
		for _, w := range words[1:] {
			if name, ours := local(w); ours || strings.Contains(strings.Split(w, "/")[0], ".") {
				imports = append(imports, name)
			}
		}
		if name, _ := local(words[0]); !strings.HasPrefix(name, "runs/") { // what git ignores
			pkgs[name] = imports
		}
	}
	return pkgs
}

// module is the module's path, which will change with its home.
var module = sync.OnceValue(func() string {
	out, err := exec.Command("go", "list", "-m").Output()
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(out))
})

// local cuts the module's name off an import path.
func local(path string) (name string, ours bool) {
	if path == module() {
		return "", true
	}
	return strings.CutPrefix(path, module()+"/")
}
