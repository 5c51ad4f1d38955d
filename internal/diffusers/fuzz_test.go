package diffusers_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"heavytail"
)

// FuzzFolder opens folders whose four files are anything: an error, or a model that every
// method draws finite samples, or none, from.
func FuzzFolder(f *testing.F) {
	read := func(path string) []byte {
		b, err := os.ReadFile("testdata/" + path)
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	const weights = "diffusion_pytorch_model"
	for _, name := range []string{"ddpm", "classes", "timestep"} {
		f.Add(read(name+"/config.json"), read(name+"/scheduler_config.json"), []byte(nil), read(name+"/"+weights+".safetensors"))
	}
	f.Add(read("shift/config.json"), read("shift/scheduler_config.json"), read("shift/"+weights+".safetensors.index.json"), read("shift/"+weights+"-00001-of-00009.safetensors"))
	f.Add(read("resnet/config.json"), read("resnet/scheduler_config.json"), []byte(nil), read("resnet/"+weights+".bin"))
	f.Fuzz(func(t *testing.T, config, scheduler, index, data []byte) {
		dir := fstest.MapFS{"config.json": {Data: config}, "scheduler_config.json": {Data: scheduler}}
		switch {
		case len(index) > 0:
			dir[weights+".safetensors.index.json"] = &fstest.MapFile{Data: index}
			dir[weights+"-00001-of-00009.safetensors"] = &fstest.MapFile{Data: data}
		case strings.HasPrefix(string(data), "PK"):
			dir[weights+".bin"] = &fstest.MapFile{Data: data}
		default:
			dir[weights+".safetensors"] = &fstest.MapFile{Data: data}
		}
		m, err := heavytail.Loader{Threads: 1}.OpenDir(dir)
		if err != nil {
			return
		}
		if s := m.Shape(); s[0]*s[1] > 64*64 || m.Recipe().Process.Steps > 1<<12 {
			return // it would take its time
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		for _, method := range m.Methods() {
			_, err := m.Sample(ctx, heavytail.Options{Method: method, Steps: 1})
			if err != nil && !strings.Contains(err.Error(), "finite") {
				t.Fatalf("%s: %v", method, err)
			}
		}
	})
}
