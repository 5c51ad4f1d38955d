package classifier

import (
	"context"
	"fmt"
	"math"

	"heavytail/data"
	"heavytail/internal/dmath"
	"heavytail/nn"
	"heavytail/tensor"
)

// Options are the settings of Train.
type Options struct {
	Epochs, Batch int
	Rate          float64 // highest learning rate; it falls to 0 along a cosine
	WeightDecay   float64
	Smoothing     float64 // share of the target that is spread over all classes
	Seed          uint64
	// Progress is called after every epoch. nil: not called.
	Progress func(epoch int, loss, accuracy float64)
}

// Train fits a new classifier to the images of set, which half of the time it
// mirrors. The weights depend on the set, cfg and o alone.
func Train(ctx context.Context, dev tensor.Device, set *data.Set, cfg nn.ClassifierConfig, o Options) (*nn.Classifier, error) {
	if err := fits(set, cfg); err != nil {
		return nil, err
	}
	c, err := nn.NewClassifier(dev, cfg)
	if err != nil {
		return nil, err
	}
	c.Params().Init(o.Seed)
	ws, err := c.NewWorkspace(o.Batch, true)
	if err != nil {
		return nil, err
	}
	steps := set.Len() / o.Batch
	if steps < 1 || o.Epochs < 1 {
		return nil, fmt.Errorf("%d epochs of %d images in batches of %d: want at least one of each", o.Epochs, set.Len(), o.Batch)
	}
	opt := nn.NewAdamW(c.Params())
	opt.WeightDecay = o.WeightDecay
	rate := nn.Schedule{Kind: nn.Cosine, LR: o.Rate, Warmup: steps / 4, Total: steps * o.Epochs}
	b := newBatch(dev, set, cfg, o.Batch)
	for epoch := range o.Epochs {
		order := shuffled(set.Len(), mix(o.Seed^mix(uint64(epoch)+1)))
		loss, right := 0.0, 0
		for s := range steps {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			b.read(set, order[s*o.Batch:(s+1)*o.Batch], mix(o.Seed^mix(uint64(opt.Step)<<20)))
			c.Params().ZeroGrad()
			ws.SetDropout(o.Seed, b.keys)
			scores, _ := c.Forward(ws, b.x)
			dev.Download(b.scores, scores)
			l, r := crossEntropy(b.grad, b.scores, b.labels, o.Smoothing)
			loss, right = loss+l, right+r
			dev.Upload(b.dy, b.grad)
			c.Backward(ws, b.dy)
			if _, err := opt.Update(rate.At(opt.Step), 1); err != nil {
				return nil, err
			}
		}
		if o.Progress != nil {
			o.Progress(epoch+1, loss/float64(steps), float64(right)/float64(steps*o.Batch))
		}
	}
	return c, nil
}

// fits returns an error unless the classifier can take the images and labels.
func fits(set *data.Set, cfg nn.ClassifierConfig) error {
	s := set.Shape
	if !set.Images() || s[0] != cfg.Size || s[1] != cfg.Size || s[2] != cfg.Channels {
		return fmt.Errorf("%s: samples of shape %v; want images of [%d %d %d]", set.Name, s, cfg.Size, cfg.Size, cfg.Channels)
	}
	if k := set.NumClasses(); k != cfg.Classes {
		return fmt.Errorf("%s: %d classes; want %d", set.Name, k, cfg.Classes)
	}
	return nil
}

// A batch is a number of labelled images on the device.
type batch struct {
	x, dy        *tensor.Tensor
	pixels       []float32
	scores, grad []float32
	labels       []int
	keys         []uint64
}

func newBatch(dev tensor.Device, set *data.Set, cfg nn.ClassifierConfig, n int) *batch {
	return &batch{
		x: dev.New(append([]int{n}, set.Shape...)...), dy: dev.New(n, cfg.Classes),
		pixels: make([]float32, n*set.Per()), scores: make([]float32, n*cfg.Classes), grad: make([]float32, n*cfg.Classes),
		labels: make([]int, n), keys: make([]uint64, n),
	}
}

// read takes the images which, mirrored as bits of key say.
func (b *batch) read(set *data.Set, which []int, key uint64) {
	per := set.Per()
	for i, at := range which {
		b.keys[i] = mix(key + uint64(i))
		b.labels[i] = set.Get(b.pixels[i*per:(i+1)*per], at, b.keys[i]&1 == 1)
	}
	b.x.Device().Upload(b.x, b.pixels)
}

// crossEntropy returns the mean of −Σ_j q_j ln softmax(scores)_j over the
// samples, q being 1−s at the label plus s spread over all classes, and how
// often the label has the largest score. It sets grad to the gradient of the
// mean with respect to scores.
func crossEntropy(grad, scores []float32, labels []int, s float64) (loss float64, right int) {
	k := len(scores) / len(labels)
	n := float64(len(labels))
	for i, label := range labels {
		z, g := scores[i*k:(i+1)*k], grad[i*k:(i+1)*k]
		top := 0
		for j, v := range z {
			if v > z[top] {
				top = j
			}
		}
		if top == label {
			right++
		}
		sum, shift := 0.0, float64(z[top])
		for _, v := range z {
			sum += dmath.Exp(float64(v) - shift)
		}
		norm := shift + dmath.Log(sum)
		for j, v := range z {
			q := s / float64(k)
			if j == label {
				q += 1 - s
			}
			logp := float64(v) - norm
			loss -= float64(q * logp)
			g[j] = float32((dmath.Exp(logp) - q) / n)
		}
	}
	return loss / n, right
}

// shuffled returns the numbers 0…n−1 in an order that key gives.
func shuffled(n int, key uint64) []int {
	out := make([]int, n)
	for i := range out {
		j := int(math.Floor(float64(mix(key+uint64(i))>>11) / (1 << 53) * float64(i+1)))
		out[i] = out[j]
		out[j] = i
	}
	return out
}

// mix is the finaliser of splitmix64.
func mix(z uint64) uint64 {
	z += 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}
