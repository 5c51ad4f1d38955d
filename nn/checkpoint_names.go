package nn

import (
	"fmt"
	"slices"
	"strings"

	"heavytail/internal/torchfile"
)

// Programs wrap the weights: nn.DataParallel names every tensor module.…,
// torch.compile _orig_mod.…, a LightningModule by its own field, mostly model.….

// anchors are tensors that one kind of network has each, by the names of the
// published code; a network's first one that is there counts.
var anchors = []string{"input_blocks.0.0.weight", "linear_in.weight", "inblock.0.weight", songAnchor, "layers.0.weight", "conv_in.weight"}

const songAnchor = "map_layer0.weight"

// maxTensorName bounds the name of a tensor: names are looked up and put
// together, and a hostile file may have a long one very often.
const maxTensorName = 1 << 10

// wrapping returns what comes before the published names among those of a file:
// "" if they are there as they are. It returns an error if there are several
// networks and none of them has a known wrapping.
func wrapping(names []string) (string, error) {
	var found []string
	for _, a := range anchors {
		for _, n := range names {
			p, ok := strings.CutSuffix(n, a)
			if a == songAnchor {
				p = strings.TrimSuffix(p, "model.") // the published name begins so
			}
			ours := strings.HasPrefix(n, "ema.") || strings.HasPrefix(n, "adam.") // beside the weights, in what State.Write wrote
			if ok && !ours && (p == "" || strings.HasSuffix(p, ".")) && !slices.Contains(found, p) {
				found = append(found, p)
			}
		}
		if found != nil {
			break
		}
	}
	slices.Sort(found) // "" first
	known := slices.IndexFunc(found, func(p string) bool {
		for _, part := range []string{"module.", "model."} {
			p = strings.ReplaceAll(p, part, "")
		}
		return p == ""
	})
	switch {
	case len(found) == 0:
		return "", nil
	case known >= 0:
		return found[known], nil
	case len(found) == 1:
		return found[0], nil
	}
	return "", fmt.Errorf("the file holds several networks, below %q; save the state_dict of one of them", found)
}

// unwrap returns the tensors of d under their published names; those outside of
// a wrapped network (a loss with weights, metrics) are left out.
func unwrap(d *torchfile.Dict) (map[string]*torchfile.Tensor, error) {
	out := map[string]*torchfile.Tensor{}
	var names []string
	for _, p := range d.Pairs {
		t, ok := p.Value.(*torchfile.Tensor)
		name, named := p.Key.(string)
		if !ok || !named {
			continue
		}
		if len(name) > maxTensorName {
			return nil, fmt.Errorf("a tensor with a name of %d bytes; want at most %d", len(name), maxTensorName)
		}
		name = strings.ReplaceAll(name, "_orig_mod.", "")
		if out[name] != nil {
			return nil, fmt.Errorf("%s is there twice", name)
		}
		out[name] = t
		names = append(names, name)
	}
	prefix, err := wrapping(names)
	if err != nil || prefix == "" {
		return out, err
	}
	bare := map[string]*torchfile.Tensor{}
	for name, t := range out {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			bare[rest] = t
		}
	}
	return bare, nil
}

// weightKeys are what programs call the weights in a checkpoint, the DLPM code's
// first.
var weightKeys = []string{"model_parameters", "state_dict", "model", "model_state_dict", "network", "net", "ema", "params"}

// weights returns the dictionary of tensors in a checkpoint: root, or what is
// below one of the usual keys, or below the only key that holds a dictionary of
// tensors.
func weights(root *torchfile.Dict, depth int) *torchfile.Dict {
	for _, key := range weightKeys {
		v, _ := root.Get(key)
		if d, ok := v.(*torchfile.Dict); ok && depth > 0 { // else it may be the model's name
			return weights(d, depth-1)
		}
	}
	var inner, withTensors []*torchfile.Dict
	seen := map[*torchfile.Dict]bool{} // a hostile file may have one very often
	for _, p := range root.Pairs {
		switch v := p.Value.(type) {
		case *torchfile.Tensor:
			return root
		case *torchfile.Dict:
			if seen[v] {
				continue
			}
			seen[v] = true
			inner = append(inner, v)
			if slices.ContainsFunc(v.Pairs, func(p torchfile.Pair) bool { _, ok := p.Value.(*torchfile.Tensor); return ok }) {
				withTensors = append(withTensors, v)
			}
		}
	}
	switch {
	case len(withTensors) == 1:
		return withTensors[0]
	case len(inner) == 1 && depth > 0:
		return weights(inner[0], depth-1)
	}
	return root
}
