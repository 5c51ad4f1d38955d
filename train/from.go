package train

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"heavytail/internal/diffusers"
	"heavytail/internal/source"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
)

// A Source is a model whose weights a new run starts with.
type Source struct {
	Path   string        // the file or folder
	ID     string        // for Train.From of the recipe: the name and the SHA-256 of the file, or of a folder's files
	Recipe recipe.Recipe // of the model, recipe.Of's for weights from elsewhere
	Whole  bool          // it holds its recipe, with how it was trained
}

// OpenSource reads what the model at path is, without its weights.
func OpenSource(ctx context.Context, path string) (*Source, error) {
	if ctx == nil {
		panic("train: OpenSource with a nil context: use context.Background()")
	}
	s := &Source{Path: path}
	sum := ""
	err := model(path, func(c *nn.Checkpoint, folder *diffusers.Model) (err error) {
		s.Recipe, err = recipe.Of(c.Recipe, c.Config)
		s.Whole = s.Recipe.Trained()
		if err == nil && folder != nil {
			sum, err = folder.Sum(ctx)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.ID = filepath.Base(path) + " sha256:" + sum
	if sum != "" {
		return s, nil
	}
	sum, err = source.Sum(ctx, path)
	s.ID += sum
	return s, err
}

// model opens the model at path, a file or a folder of diffusers, nil for a file, and
// passes it to f.
func model(path string, f func(c *nn.Checkpoint, folder *diffusers.Model) error) error {
	dir := os.DirFS(path)
	if st, err := os.Stat(path); err != nil || !st.IsDir() || !diffusers.Is(dir) {
		return checkpoint(path, func(c *nn.Checkpoint) error { return f(c, nil) })
	}
	m, err := diffusers.Open(dir)
	if err == nil {
		defer m.Close()
		err = f(m.Checkpoint, m)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// StartFrom gives a new run the weights of the model at path, those that samples
// use: the last average, if there is one. Names and shapes must be the network's.
func (t *Trainer) StartFrom(path string) (err error) {
	defer tensor.Catch(&err)
	return model(path, func(c *nn.Checkpoint, _ *diffusers.Model) error {
		if err := c.Matches(t.Net); err != nil {
			return unlike(c.Config, t.Net.Config(), err)
		}
		s := &nn.State{Net: t.Net}
		if n := len(c.Averages); n > 0 {
			rate, err := strconv.ParseFloat(c.Averages[n-1], 64)
			if err != nil {
				return err
			}
			s.EMA = []*nn.EMA{nn.NewEMA(t.Net.Params(), rate)}
		}
		if err := c.Restore(s); err != nil {
			return err
		}
		if s.EMA != nil {
			t.Net.Params().CopyFrom(s.EMA[0].Shadow)
		}
		for _, e := range t.EMA {
			t.dev.Copy(e.Shadow, t.Net.Params().Flat)
		}
		return nil
	})
}

// options are the settings of networks that change their weights: what they are
// called, and what gives a run the model's value, %s.
var options = map[string][2]string{
	"dim":                   {"columns of points", "setting columns chooses %s of a table"},
	"conditions":            {"conditions of points", "setting given names %s columns"},
	"spread":                {"second output", "setting spread=%s"},
	"num_classes":           {"classes", "give data with %s"},
	"in_channels":           {"channels of images", "setting channels %s"},
	"out_channels":          {"channels of images", "setting channels %s"},
	"image_size":            {"size of images", "setting size %s"},
	"model_channels":        {"width", "setting width %s"},
	"channel_mult":          {"factors of the levels' channels", "setting mult %s"},
	"num_res_blocks":        {"blocks per level", "setting blocks %s"},
	"num_blocks":            {"blocks per level", "setting blocks %s"},
	"attention_ds":          {"attention", "setting attention %s"},
	"attention_resolutions": {"attention", "setting attention %s"},
	"attn_resolutions":      {"attention", "setting attention %s"},
	"num_heads":             {"attention heads", "setting heads %s"},
}

// unlike says in the words of a person how the network of a model differs from the
// run's own, which cannot take its weights for the reason err.
func unlike(model, own nn.Config, err error) error {
	kind := func(c nn.Config) string {
		switch {
		case c.UNet != nil:
			return "unet"
		case c.Song != nil:
			return "song"
		case c.UNet2D != nil:
			return "unet2d"
		}
		return "mlp"
	}
	if was, is := kind(model), kind(own); was != is {
		return fmt.Errorf("the network of this model is of the kind %s, the run's of the kind %s: leave out Start.Preset", was, is)
	}
	var said []string
	for _, d := range recipe.Diff(recipe.Recipe{Network: model}, recipe.Recipe{Network: own}) {
		name := d.Field[strings.LastIndex(d.Field, ".")+1:]
		o, known := options[name]
		if !known {
			o = [2]string{name, "leave out Start.Preset and setting fixed"}
		}
		remedy := o[1]
		if strings.Contains(remedy, "%s") {
			was := flagText(d.Was)
			if _, is := d.Is.(bool); is && d.Was == nil { // a field that is left out
				was = "false"
			}
			remedy = fmt.Sprintf(remedy, was)
		}
		text := fmt.Sprintf("%s: %s, here %s (%s)", o[0], flagText(d.Was), flagText(d.Is), remedy)
		if !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	if said == nil {
		return fmt.Errorf("%w: a run can start from a network of its own shape only", err)
	}
	return fmt.Errorf("the weights of this model are for another network than the run's: %s", strings.Join(said, "; "))
}

// flagText returns a JSON value as a flag has it: 1,2,2.
func flagText(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case []any:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = flagText(x)
		}
		return strings.Join(parts, ",")
	}
	return fmt.Sprint(v)
}
