package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"

	"heavytail/data"
	"heavytail/internal/atomicfile"
	"heavytail/internal/classifier"
	"heavytail/internal/cli"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/tensor"
)

var classifierCommand = cli.Command{
	Name: "classifier", Summary: "trains the classifier whose features the metrics of images use",
	Help: `  heavytail-lab classifier -data /usr/share/datasets/fashion-mnist -o internal/classifier/fashion.safetensors

It trains on the folder's training images and prints the accuracy on its test
images, of the weights as they are stored.
`,
	Flags: classifierFlags,
}

// classifierRequest are the flags of classifier.
type classifierRequest struct {
	data, out       string
	epochs, threads int
}

func classifierFlags(fs *flag.FlagSet) func(context.Context, cli.Env, []string) error {
	r := &classifierRequest{}
	fs.StringVar(&r.data, "data", "/usr/share/datasets/fashion-mnist", "`folder` of the IDX files")
	fs.StringVar(&r.out, "o", "fashion.safetensors", "`file` to write")
	fs.IntVar(&r.epochs, "epochs", 24, "passes through the training images")
	fs.IntVar(&r.threads, "threads", 0, "goroutines (0: all processors)")
	return r.do
}

func (r *classifierRequest) do(ctx context.Context, e cli.Env, args []string) error {
	if err := cli.NoArguments(args); err != nil {
		return err
	}
	if r.epochs < 1 || r.threads < 0 || r.threads > 1<<10 {
		return cli.Usage("-epochs %d, -threads %d: want at least 1 and 0 (all processors) to %d", r.epochs, r.threads, 1<<10)
	}
	set, err := data.Open(ctx, "idx:"+r.data, data.Options{})
	if err != nil {
		return err
	}
	test, err := data.Open(ctx, "idx:"+filepath.Join(r.data, "t10k-images-idx3-ubyte.gz"), data.Options{})
	if err != nil {
		return err
	}
	dev := kernels.New(r.threads)
	c, err := classifier.Train(ctx, dev, set, classifier.Fashion, classifier.Options{
		Epochs: r.epochs, Batch: 64, Rate: 3e-3, WeightDecay: 0.05, Smoothing: 0.05, Seed: 1,
		Progress: func(epoch int, loss, accuracy float64) {
			fmt.Fprintf(e.Stdout, "epoch %d: loss %.4f, training accuracy %.4f\n", epoch, loss, accuracy)
		},
	})
	if err != nil {
		return err
	}
	var file bytes.Buffer
	if err := c.Write(&file, tensor.F16, map[string]string{"heavytail.origin": "Fashion-MNIST, " + cli.Counted(r.epochs, "epoch")}); err != nil {
		return err
	}
	stored, _, err := nn.OpenClassifier(dev, bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		return err
	}
	accuracy, err := classifier.Accuracy(stored, dev, test)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Stdout, "%s, %s, accuracy on %d test images %.4f\n", cli.Counted(c.Params().Count(), "parameter"), cli.Counted(file.Len(), "byte"), test.Len(), accuracy)
	return atomicfile.Write(r.out, func(w io.Writer) error { _, err := w.Write(file.Bytes()); return err })
}
