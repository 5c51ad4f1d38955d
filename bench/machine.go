package bench

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/klauspost/cpuid/v2"

	"heavytail"
	"heavytail/internal/device"
	"heavytail/internal/isa"
	"heavytail/internal/par"
	"heavytail/internal/words"
)

// A Machine is what times depend on: program, processor and GPUs.
type Machine struct {
	Version  string   `json:"version"`            // of this module
	Revision string   `json:"revision,omitempty"` // the commit, where the build knows it
	Go       string   `json:"go"`                 // version
	Platform string   `json:"platform"`           // system and architecture
	CPU      string   `json:"cpu"`                // as it calls itself
	Features []string `json:"cpu_features"`       // that matter to the kernels
	Levels   []string `json:"levels_available"`   // of kernels
	Level    string   `json:"level"`              // that is used
	Threads  int      `json:"threads"`            // that 0 asks for

	GPUs   []device.GPU `json:"gpus"`                   // of NVIDIA: number, name, driver, compute capability, processors, bytes of memory, modes
	NoGPUs string       `json:"gpus_missing,omitempty"` // why there are none
}

// wanted are the processor features that matter to the kernels.
var wanted = []cpuid.FeatureID{cpuid.AVX2, cpuid.FMA3, cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512DQ, cpuid.AVX512VL, cpuid.ASIMD}

// ThisMachine looks at what the program runs on.
func ThisMachine() Machine {
	m := Machine{Version: heavytail.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		CPU: strings.TrimSpace(cpuid.CPU.BrandName), Features: []string{}, Level: isa.Cur().String(), Threads: par.Threads(0)}
	for _, f := range wanted {
		if cpuid.CPU.Supports(f) {
			m.Features = append(m.Features, f.String())
		}
	}
	for _, l := range isa.Available() {
		m.Levels = append(m.Levels, l.String())
	}
	var err error
	if m.GPUs, err = device.GPUs(); err != nil {
		m.GPUs, m.NoGPUs = []device.GPU{}, err.Error()
	}
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" {
				m.Revision = s.Value
			}
		}
	}
	return m
}

// WriteTo writes what is known of the machine for people. It implements io.WriterTo.
func (m Machine) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "heavytail %s  %s\n%s  %s\n", m.Version, m.Revision, m.Go, m.Platform)
	fmt.Fprintf(&b, "processor  %s\nfeatures   %s\n", m.CPU, strings.Join(m.Features, " "))
	fmt.Fprintf(&b, "level      %s of %s (%s caps it)\nthreads    %d\n", m.Level, strings.Join(m.Levels, ", "), isa.EnvVar, m.Threads)
	for _, g := range m.GPUs {
		modes := "too old to be used"
		if len(g.Modes) > 0 {
			modes = "modes " + strings.Trim(fmt.Sprint(g.Modes), "[]")
		}
		fmt.Fprintf(&b, "%-10s %s, capability %s, %s, %.1f GiB, driver %s; %s\n", device.Spec{GPU: true, Number: g.Number}, g.Name,
			g.Capability, words.Counted(g.Processors, "processor"), float64(g.Memory)/(1<<30), g.Driver, modes)
	}
	missing := m.NoGPUs
	if missing == "" && len(m.GPUs) == 0 {
		missing = "the driver shows none"
	}
	if missing != "" {
		fmt.Fprintf(&b, "GPU        none: %s\n", missing)
	}
	return b.WriteTo(w)
}
