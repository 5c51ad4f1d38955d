package bench

import (
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/klauspost/cpuid/v2"

	"heavytail"
	"heavytail/internal/device"
	"heavytail/internal/isa"
	"heavytail/internal/par"
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
