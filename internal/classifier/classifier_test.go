package classifier

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/data"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/nn"
)

// TestCrossEntropy compares loss and gradient with the definition, and the
// gradient with differences.
func TestCrossEntropy(t *testing.T) {
	r := numtest.NewRand(1)
	const n, k = 3, 4
	scores, grad := r.Fill(make([]float32, n*k), 3), make([]float32, n*k)
	labels := []int{2, 0, 3}
	for _, s := range []float64{0, 0.1} {
		value := func(at int, h float64) float64 {
			loss := 0.0
			for i, label := range labels {
				var z [k]float64
				sum := 0.0
				for j := range z {
					z[j] = float64(scores[i*k+j])
					if i*k+j == at {
						z[j] += h
					}
					sum += math.Exp(z[j])
				}
				for j := range z {
					q := s / k
					if j == label {
						q += 1 - s
					}
					loss -= q * math.Log(math.Exp(z[j])/sum) / n
				}
			}
			return loss
		}
		loss, _ := crossEntropy(grad, scores, labels, s)
		require.InDelta(t, value(0, 0), loss, 1e-12)
		for at := range scores {
			require.InDelta(t, (value(at, 1e-5)-value(at, -1e-5))/2e-5, grad[at], 1e-7)
		}
	}
	loss, right := crossEntropy(grad, []float32{0, 1000, 0, 0, 0, 0, 0, 1}, []int{1, 0}, 0)
	require.Equal(t, 1, right)
	require.InDelta(t, (0+math.Log(3+math.E))/2, loss, 1e-12, "no overflow")
}

// bars are images with a bright row at a place that depends on the class.
func bars(t *testing.T, dir string, n int) *data.Set {
	t.Helper()
	images, labels := []byte{0, 0, 8, 3, 0, 0, byte(n >> 8), byte(n), 0, 0, 0, 12, 0, 0, 0, 12}, []byte{0, 0, 8, 1, 0, 0, byte(n >> 8), byte(n)}
	r := numtest.NewRand(5)
	for i := range n {
		for y := range 12 {
			for range 12 {
				v := byte(r.Uint64() % 100)
				if y == 3*(i%4) {
					v += 100
				}
				images = append(images, v)
			}
		}
		labels = append(labels, byte(i%4))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "train-images-idx3-ubyte"), images, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "train-labels-idx1-ubyte"), labels, 0o644))
	set, err := data.Open(t.Context(), "idx:"+dir, data.Options{})
	require.NoError(t, err)
	return set
}

// TestTrain learns four classes, the same way with one thread and two.
func TestTrain(t *testing.T) {
	set := bars(t, t.TempDir(), 320)
	cfg := nn.ClassifierConfig{Size: 12, Channels: 1, Width: 4, Features: 8, Classes: 4, Dropout: 0.1}
	o := Options{Epochs: 6, Batch: 16, Rate: 1e-2, WeightDecay: 0.01, Smoothing: 0.05, Seed: 2}
	var weights [][]float32
	for _, threads := range []int{1, 2} {
		epochs := 0
		o.Progress = func(epoch int, loss, accuracy float64) { epochs = epoch }
		c, err := Train(context.Background(), kernels.New(threads), set, cfg, o)
		require.NoError(t, err)
		require.Equal(t, 6, epochs)
		accuracy, err := Accuracy(c, kernels.New(threads), set)
		require.NoError(t, err)
		require.Greater(t, accuracy, 0.95)
		weights = append(weights, c.Params().Flat.Data())
	}
	numtest.SameBits(t, weights[0], weights[1], "threads")

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Train(ctx, kernels.New(1), set, cfg, o)
	require.ErrorIs(t, err, context.Canceled)
	cfg.Classes = 5
	_, err = Train(context.Background(), kernels.New(1), set, cfg, o)
	require.ErrorContains(t, err, "4 classes; want 5")
	_, err = Train(context.Background(), kernels.New(1), set, Fashion, o)
	require.ErrorContains(t, err, "want images of [28 28 1]")
}

// TestFeatures: features depend on their image alone, from any number of
// goroutines.
func TestFeatures(t *testing.T) {
	e, err := Default(2)
	require.NoError(t, err)
	require.Equal(t, []int{28, 28, 1}, e.Shape())
	const n = 70 // more than one batch
	x := numtest.NewRand(3).Fill(make([]float32, n*28*28), 1)
	want := e.Features(x)
	require.Len(t, want, n*e.Dim())
	require.Empty(t, e.Features(nil))
	numtest.SameBits(t, want[66*e.Dim():67*e.Dim()], e.Features(x[66*28*28:67*28*28]), "alone")
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { numtest.SameBits(t, want, e.Features(x), "concurrent") })
	}
	wg.Wait()
	require.Panics(t, func() { e.Features(x[:100]) })
	_, err = NewExtractor("broken", []byte("no file"), 1)
	require.ErrorContains(t, err, "extractor broken: classifier:")
}

// TestShippedAccuracy checks what fashion/README.md says of the weights, where
// Fashion-MNIST is installed.
func TestShippedAccuracy(t *testing.T) {
	const file = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"
	if _, err := os.Stat(file); err != nil || testing.Short() {
		t.Skip("needs Debian's package dataset-fashion-mnist, and some seconds")
	}
	set, err := data.Open(t.Context(), "idx:"+file, data.Options{})
	require.NoError(t, err)
	e, err := Default(0)
	require.NoError(t, err)
	accuracy, err := Accuracy(e.c, e.dev, set)
	require.NoError(t, err)
	t.Logf("accuracy %.4f", accuracy)
	require.GreaterOrEqual(t, accuracy, 0.90)
}
