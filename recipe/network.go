package recipe

import (
	"fmt"

	"heavytail/nn"
)

// validateNetwork checks that the network is for samples of the data's shape, so
// that no sampler can meet a difference: a file may say anything.
func (r Recipe) validateNetwork() error {
	shape := r.Data.Shape
	size, in, out, classes, images := imageOf(r.Network)
	if !images {
		if len(shape) != 1 || shape[0] != r.Network.MLP.Dim {
			return fmt.Errorf("a network for points of %d values, the data are of shape %v", r.Network.MLP.Dim, shape)
		}
		if n := r.Data.Given.Len(); r.Network.MLP.Conditions != n {
			return fmt.Errorf("a network with %d conditions, the data have %d", r.Network.MLP.Conditions, n)
		}
		return nil
	}
	if n := r.Data.Given.Len(); n > 0 {
		return fmt.Errorf("%d conditions of images; networks of points have them", n)
	}
	if len(shape) != 3 {
		return fmt.Errorf("a network for images, the data are of shape %v; want [H W C]", shape)
	}
	switch c := shape[2]; {
	case in != out:
		return fmt.Errorf("the network makes %d channels of %d; want as many: one that also learns its variance (learn_sigma) cannot be used, train or save it without", out, in)
	case in != c:
		return fmt.Errorf("a network for images of %d channels, the data have %d", in, c)
	case c != 1 && c != 3:
		return fmt.Errorf("images of %d channels; pictures have 1 (grey) or 3 (colour)", c)
	case size != 0 && (shape[0] != size || shape[1] != size):
		return fmt.Errorf("a network for images of %d×%d pixels, the data have %d×%d", size, size, shape[0], shape[1])
	case classes != 0 && classes != r.Data.Classes:
		return fmt.Errorf("a network that knows %d classes, the data have %d", classes, r.Data.Classes)
	}
	return nil
}

// imageOf returns what a network for images says about them; images is false for
// one of points.
func imageOf(c nn.Config) (size, in, out, classes int, images bool) {
	switch {
	case c.UNet != nil:
		return c.UNet.ImageSize, c.UNet.InChannels, c.UNet.OutChannels, c.UNet.NumClasses, true
	case c.Song != nil:
		return c.Song.ImageSize, c.Song.InChannels, c.Song.OutChannels, c.Song.NumClasses, true
	case c.UNet2D != nil:
		return c.UNet2D.ImageSize, c.UNet2D.InChannels, c.UNet2D.OutChannels, c.UNet2D.NumClasses, true
	}
	return 0, 0, 0, 0, false
}
