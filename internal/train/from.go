package train

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"heavytail/internal/recipe"
	"heavytail/nn"
)

// A Source is a model whose weights a new run starts with.
type Source struct {
	Path   string
	ID     string        // for Train.From of the recipe: the file's name and SHA-256
	Recipe recipe.Recipe // of the model, recipe.Of's for weights from elsewhere
	Whole  bool          // the file holds its recipe
}

// OpenSource reads what the model at path is, without its weights.
func OpenSource(path string) (*Source, error) {
	s := &Source{Path: path}
	err := checkpoint(path, func(c *nn.Checkpoint) (err error) {
		s.Recipe, err = recipe.Of(c.Recipe, c.Config)
		s.Whole = s.Recipe.Train.Steps > 0
		return err
	})
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	s.ID = filepath.Base(path) + " sha256:" + hex.EncodeToString(h.Sum(nil))
	return s, nil
}

// StartFrom gives a new run the weights of the model at path, those that samples
// use: the last average, if there is one. Names and shapes must be the network's.
func (t *Trainer) StartFrom(path string) error {
	return checkpoint(path, func(c *nn.Checkpoint) error {
		s := &nn.State{Net: t.Net}
		if n := len(c.Averages); n > 0 {
			rate, err := strconv.ParseFloat(c.Averages[n-1], 64)
			if err != nil {
				return err
			}
			s.EMA = []*nn.EMA{nn.NewEMA(t.Net.Params(), rate)}
		}
		if err := c.Restore(s); err != nil {
			return fmt.Errorf("%w: a run can start from a network of its own shape only", err)
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
