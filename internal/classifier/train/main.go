// Command train makes the classifier whose features the metrics of images use:
//
//	go run ./internal/classifier/train -data /usr/share/datasets/fashion-mnist -o internal/classifier/fashion.safetensors
//
// It trains on the folder's training images and prints the accuracy on its
// test images, of the weights as they are stored.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"heavytail/data"
	"heavytail/internal/atomicfile"
	"heavytail/internal/classifier"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/tensor"
)

func main() {
	dir := flag.String("data", "/usr/share/datasets/fashion-mnist", "`folder` of the IDX files")
	out := flag.String("o", "fashion.safetensors", "`file` to write")
	epochs := flag.Int("epochs", 24, "passes through the training images")
	threads := flag.Int("threads", 0, "goroutines (0: all processors)")
	flag.Parse()
	if err := run(*dir, *out, *epochs, *threads); err != nil {
		fmt.Fprintln(os.Stderr, "train:", err)
		os.Exit(1)
	}
}

func run(dir, out string, epochs, threads int) error {
	set, err := data.Open(context.Background(), "idx:"+dir, data.Options{})
	if err != nil {
		return err
	}
	test, err := data.Open(context.Background(), "idx:"+filepath.Join(dir, "t10k-images-idx3-ubyte.gz"), data.Options{})
	if err != nil {
		return err
	}
	dev := kernels.New(threads)
	c, err := classifier.Train(context.Background(), dev, set, classifier.Fashion, classifier.Options{
		Epochs: epochs, Batch: 64, Rate: 3e-3, WeightDecay: 0.05, Smoothing: 0.05, Seed: 1,
		Progress: func(epoch int, loss, accuracy float64) {
			fmt.Printf("epoch %d: loss %.4f, training accuracy %.4f\n", epoch, loss, accuracy)
		},
	})
	if err != nil {
		return err
	}
	var file bytes.Buffer
	if err := c.Write(&file, tensor.F16, map[string]string{"heavytail.origin": fmt.Sprintf("Fashion-MNIST, %d epochs", epochs)}); err != nil {
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
	fmt.Printf("%d parameters, %d bytes, accuracy on %d test images %.4f\n", c.Params().Count(), file.Len(), test.Len(), accuracy)
	return atomicfile.Write(out, func(w io.Writer) error { _, err := w.Write(file.Bytes()); return err })
}
