// Package recipe holds everything that makes a model: the network, the noise,
// the data and the training settings. Its JSON travels in every checkpoint;
// the same recipe, data and seed give the same bytes.
package recipe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"

	"heavytail/diffusion"
	"heavytail/nn"
)

// Format is the version of the JSON that this program writes.
const Format = 1

// A Recipe makes one model.
type Recipe struct {
	Format  int       `json:"format"`           // of the JSON: Format
	Preset  string    `json:"preset,omitempty"` // where the settings started from
	Network nn.Config `json:"network"`

	// The process is one of these; Process, DLPM's, is zero beside another.
	Process diffusion.DLPM  `json:"process,omitzero"`
	LIM     *diffusion.LIM  `json:"lim,omitempty"`
	EDM     *diffusion.EDM  `json:"edm,omitempty"`
	Flow    *diffusion.Flow `json:"flow,omitempty"`

	Data  Data  `json:"data"`  // what it was trained on
	Train Train `json:"train"` // how it was trained; zero: by other means than package train

	assumed bool // Of made it of the network alone
}

// Data says what the model was trained on and how it was read.
type Data struct {
	Spec     string   `json:"spec"`                // where the data are, as data.Open takes it
	Samples  int      `json:"samples"`             // how many they are
	Shape    []int    `json:"shape"`               // of one sample, [H,W,C] or [Dim]
	Classes  int      `json:"classes,omitempty"`   // 0: no labels
	Names    []string `json:"names,omitempty"`     // of the classes
	Size     int      `json:"size,omitempty"`      // images were scaled to Size×Size; 0: none was scaled
	Channels int      `json:"channels,omitempty"`  // images were read with: 1 grey, 3 colour; 0: as the files have them
	LongTail float64  `json:"long_tail,omitempty"` // classes were thinned to, as data.Options.LongTail; 0: not
	Points   int      `json:"points,omitempty"`    // of toy sets: how many were made; 0: 32000
	Flip     bool     `json:"flip,omitempty"`      // half of the images mirrored
	Sum      string   `json:"sum,omitempty"`       // data.Set.Sum, in hexadecimal; empty: not known

	Columns []string `json:"columns,omitempty"` // names of the columns of points, as the file has them
	// Rules is the version of the rules by which files were read: 0, those of
	// 0.1.0.
	Rules      int       `json:"rules,omitempty"`
	Select     []string  `json:"select,omitempty"`     // tables: the columns asked for, by name or number
	Separator  string    `json:"separator,omitempty"`  // tables: what parts the cells; empty: found
	Decimal    string    `json:"decimal,omitempty"`    // tables: point or comma; empty: found
	Background string    `json:"background,omitempty"` // of transparent pictures; empty: white, by rules 0 black
	Range      []float64 `json:"range,omitempty"`      // values of black and white in arrays of images; nil: 0 and 255 of bytes, −1 and 1 of others
	Missing    string    `json:"missing,omitempty"`    // tables: drop rows with cells without value, or error

	Window int     `json:"window,omitempty"` // rows of a table that a sample is; 0: one
	Held   float64 `json:"held,omitempty"`   // share of a table's rows, the last ones, that are not trained on

	Scaling   *Scaling    `json:"scaling,omitempty"`   // of the columns of points; nil: as they are
	Transform []Transform `json:"transform,omitempty"` // of the columns of points, after their scaling; nil: none
	Given     *Given      `json:"given,omitempty"`     // columns that the points are conditioned on; nil: none
}

// fashionNames are the classes of Fashion-MNIST, whose files number them.
var fashionNames = []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}

// ClassNames returns the names of the classes, nil if they have none: those that
// were read, or those of Fashion-MNIST where the data come from a folder of that
// name.
func (d Data) ClassNames() []string {
	if d.Names == nil && d.Classes == len(fashionNames) && strings.Contains(strings.ToLower(d.Spec), "fashion-mnist") {
		return slices.Clone(fashionNames)
	}
	return slices.Clone(d.Names)
}

// Train holds the settings of training.
type Train struct {
	Seed        uint64         `json:"seed"`                 // of everything random: start values, order, noise
	Steps       int            `json:"steps"`                // updates of the weights
	Batch       int            `json:"batch"`                // samples of an update
	Micro       int            `json:"micro,omitempty"`      // samples at a time, 0: the trainer chooses
	Rate        nn.Schedule    `json:"rate"`                 // the learning rate of every update
	Loss        diffusion.Loss `json:"loss"`                 // of DLPM's examples; LIM has Huber's, the others the square
	Beta1       float64        `json:"beta1"`                // β₁ of nn.AdamW
	Beta2       float64        `json:"beta2"`                // β₂ of nn.AdamW
	Eps         float64        `json:"eps"`                  // ε of nn.AdamW
	WeightDecay float64        `json:"weight_decay"`         // wd of nn.AdamW
	Clip        float64        `json:"clip,omitempty"`       // bound of the gradient's norm, 0: none
	EMA         []float64      `json:"ema,omitempty"`        // rates μ of the moving averages of the weights, nn.EMA.Rate
	EMAWarmup   float64        `json:"ema_warmup,omitempty"` // nn.EMA.Warmup of all averages, 0: constant rates
	LabelDrop   float64        `json:"label_drop,omitempty"` // share of samples trained without their class

	// Mode of the device, where that gives other bits than a CPU: tf32 or bf16.
	Mode string `json:"mode,omitempty"`
	From string `json:"from,omitempty"` // the model whose weights it started with: name and SHA-256

	// Changes are settings that a run was resumed with other values of. The
	// values above are the last ones: together they still say what was done.
	Changes []Change `json:"changes,omitempty"`
}

// A Change says that a setting had another value until some step.
type Change struct {
	Step  int     `json:"step"`  // steps done by then
	Field string  `json:"field"` // as in the recipe's JSON, such as train.rate.lr
	Was   float64 `json:"was"`
	Text  string  `json:"text,omitempty"` // what it was, if that is no number: of train.mode, empty for the bits of a CPU
}

// Arithmetic says in words how a device in that mode (Train.Mode) computes.
func Arithmetic(mode string) string {
	if mode == "" {
		return "exact"
	}
	return "rounded (" + mode + ")"
}

// maxJSON bounds the text that Parse accepts.
const maxJSON = 1 << 20

// Parse reads a recipe and checks it. Unknown fields are an error: they are
// settings that this program would silently not follow.
func Parse(text []byte) (Recipe, error) {
	var r Recipe
	if len(text) > maxJSON {
		return r, fmt.Errorf("recipe of %d bytes; want at most %d", len(text), maxJSON)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("recipe: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return r, fmt.Errorf("recipe: text after its end")
	}
	return r, r.Validate()
}

// JSON returns the recipe's text.
func (r Recipe) JSON() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("recipe: %v", err)) // no field can fail but a number that Validate refuses
	}
	return b
}

// Clone returns a copy that shares no memory with r.
func (r Recipe) Clone() Recipe {
	r.Network = r.Network.Clone()
	if r.LIM != nil {
		lim := *r.LIM
		r.LIM = &lim
	}
	if r.EDM != nil {
		edm := *r.EDM
		edm.Nu, edm.SigmaData = slices.Clone(edm.Nu), slices.Clone(edm.SigmaData)
		r.EDM = &edm
	}
	if r.Flow != nil {
		flow := *r.Flow
		flow.Nu, flow.Mean = slices.Clone(flow.Nu), slices.Clone(flow.Mean)
		r.Flow = &flow
	}
	r.Data.Scaling = r.Data.Scaling.clone()
	d := &r.Data
	d.Transform, d.Given = slices.Clone(d.Transform), d.Given.Clone()
	d.Shape, d.Names, d.Columns, d.Select, d.Range = slices.Clone(d.Shape), slices.Clone(d.Names), slices.Clone(d.Columns), slices.Clone(d.Select), slices.Clone(d.Range)
	r.Train.EMA, r.Train.Changes = slices.Clone(r.Train.EMA), slices.Clone(r.Train.Changes)
	return r
}

// Validate returns an error that names the first impossible value. A Train of zeros is
// possible: a model that is not Trained samples as others do.
func (r Recipe) Validate() error {
	if r.Format != Format {
		return fmt.Errorf("recipe of format %d; this program knows %d", r.Format, Format)
	}
	if err := r.Network.Validate(); err != nil {
		return err
	}
	if err := r.Data.validate(); err != nil {
		return err
	}
	if err := r.validateNetwork(); err != nil {
		return err
	}
	if err := r.Train.validate(); err != nil && !r.Train.none() {
		return err
	}
	return r.validateProcess()
}

// Trained reports whether the recipe says how the model was trained.
func (r Recipe) Trained() bool { return r.Train.Steps > 0 }

// Known reports whether the recipe says what the model was trained for, its process; if
// not, that is assumed (Of). Models of other programs, and networks that a program trained
// by itself, may be known and not Trained, with a Train of zeros.
func (r Recipe) Known() bool { return !r.assumed && r.Format != 0 }

// none reports whether t says nothing.
func (t Train) none() bool { return reflect.ValueOf(t).IsZero() }

func (d Data) validate() error {
	if len(d.Shape) != 1 && len(d.Shape) != 3 {
		return fmt.Errorf("data of shape %v; want [H W C] or [Dim]", d.Shape)
	}
	n := 1
	for _, v := range d.Shape {
		if v < 1 || v > 1<<20 || n > (1<<28)/v {
			return fmt.Errorf("data of shape %v; want positive sizes, at most 2^28 values in all", d.Shape)
		}
		n *= v
	}
	if d.Classes < 0 || d.Classes > 1<<20 || len(d.Names) > d.Classes {
		return fmt.Errorf("data of %d classes with %d names", d.Classes, len(d.Names))
	}
	if len(d.Sum) > 64 {
		return fmt.Errorf("data with a sum of %d digits; want 32", len(d.Sum))
	}
	if n := len(d.Columns); n > 0 && (len(d.Shape) != 1 || n != d.Shape[0]) {
		return fmt.Errorf("data of shape %v with %d names of columns; want one per column of points, or none", d.Shape, n)
	}
	if err := d.validateTransform(); err != nil {
		return err
	}
	if d.Window != 0 && (d.Window < 2 || len(d.Shape) != 1 || d.Shape[0]%d.Window != 0) {
		return fmt.Errorf("data of shape %v in windows of %d rows; want 2 or more rows of as many values each, or 0 for none", d.Shape, d.Window)
	}
	if !(d.Held >= 0 && d.Held < 1) {
		return fmt.Errorf("a share of %v of the rows is held out; want 0 or more and below 1", d.Held)
	}
	if err := d.Given.validate(); err != nil {
		return err
	}
	return d.Scaling.validate(d.Shape)
}

// ColumnName returns what column c of points is called: its name, if the file has
// one, or its number.
func (d Data) ColumnName(c int) string {
	if c < len(d.Columns) && d.Columns[c] != "" {
		return d.Columns[c]
	}
	return fmt.Sprintf("column %d", c)
}

func (t Train) validate() error {
	in := func(name string, v, lo, hi float64) error {
		if !(v >= lo && v <= hi) {
			return fmt.Errorf("%s is %.16g; want %.16g to %.16g", name, v, lo, hi)
		}
		return nil
	}
	below1 := math.Nextafter(1, 0)
	for _, err := range []error{
		in("steps", float64(t.Steps), 1, 1e9), in("batch", float64(t.Batch), 1, 1<<20), in("micro", float64(t.Micro), 0, float64(t.Batch)),
		t.Rate.Validate(), t.Loss.Validate(), in("beta1", t.Beta1, 0, below1), in("beta2", t.Beta2, 0, below1), in("eps", t.Eps, 1e-30, 1),
		in("weight decay", t.WeightDecay, 0, 1), in("clip", t.Clip, 0, 1e9), in("label drop", t.LabelDrop, 0, 1), in("number of EMA rates", float64(len(t.EMA)), 0, 8),
	} {
		if err != nil {
			return err
		}
	}
	if t.EMAWarmup != 0 {
		if err := in("EMA warm-up", t.EMAWarmup, 2, 1e6); err != nil {
			return fmt.Errorf("%w, or 0 for constant rates", err)
		}
	}
	if !slices.Contains([]string{"", "tf32", "bf16"}, t.Mode) {
		return fmt.Errorf("the mode of the device is %q; want none, tf32 or bf16", t.Mode)
	}
	for i, mu := range t.EMA {
		if err := in("EMA rate", mu, 0, below1); err != nil {
			return err
		}
		if slices.Contains(t.EMA[:i], mu) {
			return fmt.Errorf("EMA rate %v is there twice", mu)
		}
	}
	return nil
}

// Of returns the recipe of a checkpoint: text, its metadata, or, for weights
// from elsewhere, one with the papers' noise for images of the network's size,
// 32×32 or what its levels need if it names none: EDM's for a SongUNet, otherwise
// isotropic, α = 1.8, clamped. It returns an error if network and data differ.
func Of(text []byte, network nn.Config) (Recipe, error) {
	var known struct {
		Format int `json:"format"`
	}
	if text != nil {
		if err := json.Unmarshal(text, &known); err != nil {
			return Recipe{}, fmt.Errorf("recipe: %w", err)
		}
	}
	if known.Format != 0 {
		return Parse(text)
	}
	r := Recipe{Format: Format, Network: network, Process: diffusion.Default(1.8, 1000), assumed: true}
	switch u, s := network.UNet, network.Song; {
	case network.UNet2D != nil:
		return r, errors.New("a network of diffusers without its recipe: open the folder that it came from")
	case s != nil:
		r.Data.Shape, r.Data.Classes = []int{s.ImageSize, s.ImageSize, s.InChannels}, s.NumClasses
		if err := r.Use(EDM); err != nil {
			return r, err
		}
		r.Train = Train{} // whose loss is not known
	case u != nil:
		r.Process.ClampA, r.Process.ClampEps = 20, 200
		size := u.ImageSize
		if size == 0 {
			size = max(32, 1<<(len(u.ChannelMult)-1)) // halvings
		}
		r.Data.Shape, r.Data.Classes = []int{size, size, u.InChannels}, u.NumClasses
	default:
		r.Data.Shape = []int{network.MLP.Dim}
	}
	if err := r.Data.validate(); err != nil {
		return r, err
	}
	return r, r.validateNetwork()
}
