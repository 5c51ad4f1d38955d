package heavytail

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"heavytail/diffusion"
	"heavytail/internal/parse"
)

// A Setting is one of the Options by its name, as text: what the command sample has as a
// flag of that name, and what a program takes from a file or a form. TextSettings lists
// them.
type Setting struct {
	Name string // as the flag
	Help string // what it is, and which methods have it; what stands in back quotes is a word for its value

	field string
	at    func(o *Options) any // the address of the field: *int, *float64, *string, *bool, *Switch, or what read reads
	read  func(o *Options, text string) error
}

// TextSettings returns the settings that one value says, in the order of Options: the
// method, its steps, those of single methods, and the switches.
func TextSettings() []Setting {
	has := func(field, help string) string { return owners(field) + help }
	return []Setting{
		{"method", "`sampler`: " + methodsHelp(), "Method", func(o *Options) any { return &o.Method }, nil},
		{"steps", "sampling steps (0: " + stepsHelp() + ", edm of Student-t and jump noise 64)", "Steps", func(o *Options) any { return &o.Steps }, nil},
		{"eta", has("Eta", ": noise in the steps, 0 (none) to 1"), "Eta", func(o *Options) any { return &o.Eta }, nil},
		{"clamp-a", has("ClampA", ": tighter bound on the heavy-tailed factor A: fewer extreme samples, less variety (0: the model's)"), "ClampA", func(o *Options) any { return &o.ClampA }, nil},
		{"grid", has("Grid", ": `linear` or quadratic, which makes more of the steps near the data: nearer with dlim (empty: as in training)"), "Grid", func(o *Options) any { return &o.Grid }, readGrid},
		{"solver", has("Solver", ": heun, euler, or for flow `rk4` (empty: heun)"), "Solver", func(o *Options) any { return &o.Solver }, nil},
		{"churn", has("Churn", ": noise on the way, `S` or S,MIN,MAX,NOISE such as 40,0.05,50,1.003 (empty: none)"), "Churn", func(o *Options) any { return &o.Churn }, readChurn},
		{"independent-noise", has("IndependentNoise", ": noise of churn and resample that is independent of the state, which is right for Student-t noise where the other makes samples narrow"),
			"IndependentNoise", func(o *Options) any { return &o.IndependentNoise }, nil},
		{"sigma-min", has("SigmaMin", ": last level of noise (0: the model's)"), "SigmaMin", func(o *Options) any { return &o.SigmaMin }, nil},
		{"sigma-max", has("SigmaMax", ": first level of noise (0: the model's)"), "SigmaMax", func(o *Options) any { return &o.SigmaMax }, nil},
		{"rho", has("Rho", ": exponent of the levels, of flow's knots (0: the model's, linear knots)"), "Rho", func(o *Options) any { return &o.Rho }, nil},
		{"drop-factor", has("DropFactor", ": as published, without the factor that holds the tail"), "DropFactor", func(o *Options) any { return &o.DropFactor }, nil},
		{"nu-coeff", has("NuCoeff", ": `degrees` of freedom of the coefficient and the start (empty: the model's)"), "NuCoeff", func(o *Options) any { return &o.NuCoeff }, readNu},
		{"consistent-start", has("ConsistentStart", ": start from noise of the random factors of the steps that follow, as in training: `true`, false or auto; false is the papers' code, worse with a bound on A (empty: auto, which is true)"),
			"ConsistentStart", func(o *Options) any { return &o.ConsistentStart }, nil},
		{"clip", "hold the estimates of images to [-1, 1], the range of their values: `true`, false or auto (empty: auto, which is true but for models of diffusers that say otherwise)",
			"Clip", func(o *Options) any { return &o.Clip }, nil},
		{"guidance", "classifier-free guidance: above 1, samples more typical of their class and less varied, in twice the time", "Guidance", func(o *Options) any { return &o.Guidance }, nil},
	}
}

// Field returns the name of the field of Options that the setting sets, as an OptionError
// names it.
func (s Setting) Field() string { return s.field }

// Of returns the address of the setting's field in o, for who takes numbers, words and
// switches otherwise than as text: *int, *float64, *string, *bool, *Switch, or that of a
// type of package diffusion.
func (s Setting) Of(o *Options) any { return s.at(o) }

// Set gives o the value that text says. The error says what is wanted; whether the method
// and the model have the setting, and that value of it, Model.Resolve tells.
func (s Setting) Set(o *Options, text string) (err error) {
	if s.read != nil {
		return s.read(o, text)
	}
	switch p := s.at(o).(type) {
	case *int:
		*p, err = parse.Int(text)
	case *float64:
		*p, err = parse.Float(text)
	case *string:
		*p = text
	case *bool:
		*p, err = parse.Bool(text)
	case *Switch:
		*p, err = parseSwitch(text)
	}
	return err
}

// parseSwitch reads true, false or auto.
func parseSwitch(text string) (Switch, error) {
	if text == "auto" {
		return Auto, nil
	}
	on, err := strconv.ParseBool(text)
	switch {
	case err != nil:
		return Auto, errors.New("want true, false or auto")
	case on:
		return On, nil
	}
	return Off, nil
}

func readGrid(o *Options, text string) error {
	o.Grid = diffusion.Grid(text)
	return nil
}

func readChurn(o *Options, text string) error {
	v, err := parse.List(parse.Float)(text)
	if err == nil && len(v) != 1 && len(v) != 4 {
		err = errors.New("want one number or four")
	}
	if err != nil {
		return err
	}
	v = append(v, 0, 0, 0)
	o.Churn = diffusion.Churn{S: v[0], Min: v[1], Max: v[2], Noise: v[3]}
	return nil
}

func readNu(o *Options, text string) (err error) {
	o.NuCoeff, err = diffusion.ParseNu(text)
	return err
}

// methodsHelp says in a line which methods there are, for which models.
func methodsHelp() string {
	var parts, defaults []string
	models := ""
	for _, m := range methods {
		text := m.Name
		if m.About != "" {
			text += " (" + m.About + ")"
		}
		if len(m.DefaultOf()) > 0 {
			defaults = append(defaults, m.Name)
		}
		if m.Models() != models {
			models = m.Models()
			parts = append(parts, "of "+models+" models "+text)
			continue
		}
		parts[len(parts)-1] += ", " + text
	}
	return strings.Join(parts, "; ") + " (empty: " + strings.Join(defaults, ", ") + ")"
}

// stepsHelp says in a line how many steps the methods make where none are given.
func stepsHelp() string {
	var parts []string
	for _, m := range methods {
		parts = append(parts, fmt.Sprintf("%s %d", m.Name, m.Steps(Recipe{})))
	}
	return strings.Join(parts, ", ")
}
