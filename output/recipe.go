package output

import (
	"encoding/json"
	"slices"

	"heavytail"
)

// A Recipe is the JSON that a picture carries: how to make it again.
type Recipe struct {
	Program string `json:"program"`           // with its version
	Model   string `json:"model"`             // file name, or built-in
	SHA256  string `json:"sha256"`            // of the model's file
	Weights string `json:"weights,omitempty"` // as Loader.Weights
	Seeds   string `json:"seeds"`             // as heavytail.ParseSeeds reads them
	Method  string `json:"method"`            // the sampler
	// Steps is how often the sampler moved; before 0.3.0 the levels of dlpm and
	// dlim, one more. Evaluations is how often it asked the network for a sample.
	Steps       int `json:"steps"`
	Evaluations int `json:"evaluations"` // of the network for one sample

	Class   string  `json:"class,omitempty"` // as Model.ParseClasses reads it
	Given   string  `json:"given,omitempty"` // values of the conditions, or the name of a table of them
	Clip    bool    `json:"clip"`            // whether images were kept within [−1,1]
	Start   string  `json:"start,omitempty"` // of dlpm's kind: consistent or independent
	Process string  `json:"process"`         // kind and tail of the model's noise
	Alpha   float64 `json:"alpha,omitempty"` // of dlpm and lim

	Guidance float64 `json:"guidance,omitempty"` // if it is not 1
	Size     []int   `json:"size,omitempty"`     // height and width, if not the trained ones
	Mode     string  `json:"mode,omitempty"`     // of a GPU that gave other bytes than a CPU: tf32 or bf16
	Edit     *Edit   `json:"edit,omitempty"`     // what the samples started from

	GivenSHA256 string `json:"given_sha256,omitempty"` // of the table

	heavytail.Settings // of the method; zero ones are left out
}

// recipeOf tells of samples what the model and its options, which are resolved, say.
func recipeOf(m *heavytail.Model, o heavytail.Options) Recipe {
	rec := m.Recipe()
	r := Recipe{Program: program, Seeds: o.SeedList(), Method: o.Method, Steps: o.Steps, Evaluations: m.Evaluations(o), Process: rec.Noise(), Settings: o.Settings}
	if slices.ContainsFunc(heavytail.Methods(), func(m heavytail.Method) bool {
		return m.Name == o.Method && slices.Contains(m.Settings(), "ConsistentStart")
	}) {
		r.Start = "consistent"
		if o.ConsistentStart == heavytail.Off {
			r.Start = "independent"
		}
	}
	if r.Guidance = o.Guidance; r.Guidance == 1 {
		r.Guidance = 0
	}
	if o.Height > 0 {
		r.Size = []int{o.Height, o.Width}
	}
	r.Clip, r.Alpha = o.Clip == heavytail.On, rec.Process.Alpha
	if rec.LIM != nil {
		r.Alpha = rec.LIM.Alpha
	}
	return r
}

// program made the samples.
const program = "heavytail " + heavytail.Version

// text returns the recipe's JSON.
func (r Recipe) text() string {
	b, err := json.Marshal(r)
	if err != nil {
		panic("output: " + err.Error()) // strings and finite numbers
	}
	return string(b)
}
