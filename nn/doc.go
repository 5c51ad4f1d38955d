// Package nn holds the networks of diffusion models, three kinds of U-Net for
// images (the one of the DLPM code, SongUNet of the EDM code and UNet2DModel of
// diffusers) and two MLPs for points, forward and backward, with optimisers, moving averages
// and checkpoints. It knows only package tensor, so a network runs on any
// device.
//
// # Use
//
//	cfg, err := nn.Preset("mnist")       // or a Config of your own
//	net, err := nn.New(dev, cfg)
//	net.Params().Init(seed)
//	ws, err := net.NewWorkspace(16, 0, 0, true)
//	opt := nn.NewAdamW(net.Params())
//	for … {
//		net.Params().ZeroGrad()              // Update leaves the gradients as they are
//		y := net.Forward(ws, x, t, labels)   // x [n,H,W,C], n ≤ 16
//		net.Backward(ws, dy)                 // adds to the gradients
//		opt.Update(lr, clip)
//	}
//
// Forward and Predict take x, the times and the classes; ForwardWith and
// PredictWith also conditioning images (CondChannels of the configuration) and
// the description of an augmentation. A Net only reads its parameters in Forward: any number of goroutines share
// one, each with its own Workspace.
//
// # How it works
//
// NewWorkspace records the network once, for one image size, as a list of
// operations on values (graph.go, ops.go, song_ops.go); unet.go, song.go, unet2d.go, mlp.go
// and plain.go read like the forward pass. Each operation has its hand-written
// backward pass, recorded in the reverse order. Then every value gets a place in
// one arena such that values that live at the same time do not overlap:
// inference needs the memory of the widest moment only, and a step allocates
// nothing where x and dy are the tensors of the step before. The skip connections of the U-Nets write straight into the columns of
// the tensors in which the decoder reads them, so nothing is concatenated.
//
// Without training a batch is cut into pieces of a few samples (lanes.go), each
// computed in an arena of its own by one thread from the first operation to the
// last: the activations stay in its cache, and a batch takes the memory of the
// pieces under way. In training every thread takes samples of its own through the whole
// pass forward and back (lanes_train.go); what they add to the gradients of parameters
// follows the order of the samples.
//
// Gradients of parameters accumulate (+=); those of activations are written
// by the first operation that contributes and added to by the others, in a
// fixed order. A convolution whose input comes from a normalisation says so to
// the device (ConvOpt.Normalized), which may then multiply less; those of the
// image, of residual sums and of attention's result do not: their pixels may
// differ by orders of magnitude, and the rounding error of the largest would
// spread. Output and gradients are the same bits for every level, number
// of threads and split of a batch.
//
// # Parameters
//
// Names, order and shapes are those of the published PyTorch state_dict; the
// values are held as the kernels want them (channels last) and turned around
// where a file is read or written. So are q, k and v of SongUNet's attention,
// which the EDM code holds in turns for every channel, and those of UNet2DModel, whose
// files have three tensors of them. Its buffers, the filters
// and the frequencies of a Fourier embedding, are written and read too.
package nn
