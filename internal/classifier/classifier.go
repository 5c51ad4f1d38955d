// Package classifier trains a small classifier of images and turns images into
// its features, in which Fréchet and kernel distances are measured.
package classifier

import (
	"heavytail/data"
	"heavytail/nn"
	"heavytail/tensor"
)

// Fashion describes the classifier of Fashion-MNIST that comes with this
// package: 28×28 grey images, 64 features.
var Fashion = nn.ClassifierConfig{Size: 28, Channels: 1, Width: 16, Features: 64, Classes: 10, Dropout: 0.25}

// Accuracy returns the share of the set's images to whose label c gives the
// largest score.
func Accuracy(c *nn.Classifier, dev tensor.Device, set *data.Set) (float64, error) {
	if err := fits(set, c.Config()); err != nil {
		return 0, err
	}
	const most = 100
	ws, err := c.NewWorkspace(most, false)
	if err != nil {
		return 0, err
	}
	b, k := newBatch(dev, set, c.Config(), most), c.Config().Classes
	right, per := 0, set.Per()
	for lo := 0; lo < set.Len(); lo += most {
		n := min(most, set.Len()-lo)
		for i := range n {
			b.labels[i] = set.Get(b.pixels[i*per:(i+1)*per], lo+i, false)
		}
		x := b.x.Batch(0, n)
		dev.Upload(x, b.pixels[:n*per])
		scores, _ := c.Forward(ws, x)
		dev.Download(b.scores[:n*k], scores)
		_, r := crossEntropy(b.grad[:n*k], b.scores[:n*k], b.labels[:n], 0)
		right += r
	}
	return float64(right) / float64(set.Len()), nil
}
