package nn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"heavytail/internal/torchfile"
	"heavytail/tensor"
)

// A State is what a checkpoint holds. Opt, EMA, Random and Recipe may be
// absent; without Recipe the file names the network alone.
type State struct {
	Net    *Net // the network with its weights
	Opt    *AdamW
	EMA    []*EMA
	Step   int             // steps of training done
	Random json.RawMessage // the caller's random state
	Recipe json.RawMessage // a JSON object; its field "network" must be Net's Config
}

// stateInfo is the metadata entry stateKey of a checkpoint.
type stateInfo struct {
	Step     int             `json:"step"`
	AdamStep int             `json:"adam_step,omitempty"`
	EMA      []string        `json:"ema,omitempty"`
	Random   json.RawMessage `json:"random,omitempty"`
}

const (
	recipeKey = "heavytail"
	stateKey  = "heavytail.state"
)

// label is an average's rate as tensor names hold it: "0.9999".
func (e *EMA) label() string { return strconv.FormatFloat(e.Rate, 'g', -1, 64) }

func (s *State) info() stateInfo {
	i := stateInfo{Step: s.Step, Random: s.Random}
	if s.Opt != nil {
		i.AdamStep = s.Opt.Step
	}
	for _, e := range s.EMA {
		i.EMA = append(i.EMA, e.label())
	}
	return i
}

// metadata returns the recipe and the state as JSON texts.
func (s *State) metadata() (map[string]string, error) {
	recipe := s.Recipe
	if len(recipe) == 0 {
		var err error
		if recipe, err = json.Marshal(map[string]Config{"network": s.Net.cfg}); err != nil {
			return nil, err
		}
	}
	state, err := json.Marshal(s.info())
	if err != nil {
		return nil, err
	}
	return map[string]string{recipeKey: string(recipe), stateKey: string(state)}, nil
}

// readable is metadata of what can be read again.
func (s *State) readable() (map[string]string, error) {
	if err := s.checkRecipe(); err != nil {
		return nil, err
	}
	return s.metadata()
}

// checkRecipe returns an error for a recipe with which the file could not be read.
func (s *State) checkRecipe() error {
	if len(s.Recipe) == 0 {
		return nil
	}
	cfg, err := networkOf(s.Recipe)
	if err != nil {
		return fmt.Errorf("State.Recipe: %w", err)
	}
	said, err := json.Marshal(cfg)
	if err != nil {
		return err
	}
	if is, err := json.Marshal(s.Net.cfg); err != nil || !bytes.Equal(said, is) {
		return fmt.Errorf("State.Recipe is of the network %.200s, Net is %.200s: give the recipe with Net's Config", said, is)
	}
	return nil
}

// networkOf returns the network that a recipe's text names.
func networkOf(recipe []byte) (*Config, error) {
	var r struct {
		Network *Config `json:"network"`
	}
	if err := json.Unmarshal(recipe, &r); err != nil {
		return nil, fmt.Errorf("no network: %w", err)
	}
	if r.Network == nil {
		return nil, errors.New(`no network: there is no field "network"`)
	}
	return r.Network, nil
}

// item returns the values of q within flat in PyTorch's shape and order.
func (p *Params) item(prefix string, flat *tensor.Tensor, q *Param, d tensor.DType) tensor.Item {
	return tensor.Item{Name: prefix + q.Name, DType: d, Shape: q.Shape, Data: func() []float32 { return p.Get(flat, q) }}
}

// Write writes s as safetensors: the weights under their published names and
// in PyTorch's layout, averages as ema.<rate>.<name>, both as d (F32, F16 or
// BF16); the optimiser's moments as adam.m.<name> and adam.v.<name> in F32;
// recipe, step and random state as JSON in the metadata. The same state gives
// the same bytes. A Recipe of another network, or that is none, is an error.
func (s *State) Write(w io.Writer, d tensor.DType) (err error) {
	defer tensor.Catch(&err)
	meta, err := s.readable()
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	p := s.Net.params
	var items []tensor.Item
	all := func(prefix string, flat *tensor.Tensor, d tensor.DType) {
		for _, q := range p.List {
			items = append(items, p.item(prefix, flat, q, d))
		}
	}
	all("", p.Flat, d)
	items = append(items, p.bufferItems("")...)
	for _, e := range s.EMA {
		all("ema."+e.label()+".", e.Shadow, d)
	}
	if s.Opt != nil {
		all("adam.m.", s.Opt.M, tensor.F32)
		all("adam.v.", s.Opt.V, tensor.F32)
	}
	return tensor.WriteSafetensors(w, meta, items)
}

// WriteTorch writes s as a PyTorch checkpoint in the layout of the DLPM code,
// without the optimiser. The weights include the aliases of the published
// state_dict, so that load_state_dict accepts them. Recipe is as for Write.
func (s *State) WriteTorch(w io.Writer, d tensor.DType) (err error) {
	defer tensor.Catch(&err)
	meta, err := s.readable()
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	p := s.Net.params
	dict := func(flat *tensor.Tensor, aliases bool) *torchfile.Dict {
		var pairs []torchfile.Pair
		for _, q := range p.List {
			it := p.item("", flat, q, d)
			pairs = append(pairs, torchfile.Pair{Key: q.Name, Value: it})
			for _, a := range q.Aliases {
				if aliases && s.Net.cfg.Song == nil { // of SongUNets they are names that are read only
					pairs = append(pairs, torchfile.Pair{Key: a, Value: it})
				}
			}
		}
		return torchfile.NewDict(append(pairs, p.bufferPairs()...)...)
	}
	ema := &torchfile.List{}
	for _, e := range s.EMA {
		ema.Items = append(ema.Items, dict(e.Shadow, false))
	}
	return torchfile.Write(w, torchfile.NewDict(
		torchfile.Pair{Key: "steps", Value: int64(s.Step)},
		torchfile.Pair{Key: "model_parameters", Value: dict(p.Flat, true)},
		torchfile.Pair{Key: "ema_models", Value: ema},
		torchfile.Pair{Key: recipeKey, Value: meta[recipeKey]},
		torchfile.Pair{Key: stateKey, Value: meta[stateKey]},
	))
}
