package modelfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// WriteTo writes what is known of the model for people, its recipe as indented JSON. It
// implements io.WriterTo.
func (i Info) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %s, %s, step %d\n", i.File, i.Format, i.Storage, i.Step)
	fmt.Fprintf(&b, "noise        %s\n", i.Noise)
	fmt.Fprintf(&b, "samplers     %s\n", strings.Join(i.Methods, ", "))
	fmt.Fprintf(&b, "parameters   %d\n", i.Parameters)
	fmt.Fprintf(&b, "per step     %.1f million multiply-adds a sample\n", float64(i.MACs)/1e6)
	fmt.Fprintf(&b, "to sample    %.1f MiB for one, %.1f MiB for 32 at a time\n", float64(i.Memory["1"])/(1<<20), float64(i.Memory["32"])/(1<<20))
	fmt.Fprintf(&b, "averages     %s\n", strings.Join(append([]string{"raw"}, i.Averages...), ", "))
	fmt.Fprintf(&b, "resumable    %v\n", i.Resumable)
	if !i.HasRecipe {
		fmt.Fprintln(&b, "recipe       none in the file; assumed:")
	}
	recipe, err := json.MarshalIndent(i.Recipe, "", "  ")
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(&b, "%s\n", recipe)
	return b.WriteTo(w)
}
