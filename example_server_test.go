package heavytail_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"

	"heavytail"
	"heavytail/diffusion"
	"heavytail/fashion"
)

// One model serves many clients at once: a handler draws with the context of its
// request, so that a client that leaves ends the work for it, and equal seeds are
// equal pictures, whoever else is served.
func Example_server() {
	m, err := fashion.Model()
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		seed, err := strconv.ParseUint(q.FormValue("seed"), 10, 64)
		if err != nil {
			http.Error(w, "seed: want a number", http.StatusBadRequest)
			return
		}
		images, err := m.Sample(q.Context(), heavytail.Options{N: 1, Seed: seed, Steps: 3})
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "image/png")
		_ = png.Encode(w, images.Image(0)) // an error is a client that has left
	}))
	defer server.Close()

	get := func(query string) []byte {
		r, err := http.Get(server.URL + query)
		if err != nil {
			panic(err)
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		return body
	}
	var clients sync.WaitGroup
	pictures := make([][]byte, 8)
	for i := range pictures {
		clients.Go(func() { pictures[i] = get(fmt.Sprint("/?seed=", i%2)) })
	}
	clients.Wait()
	img, err := png.Decode(bytes.NewReader(pictures[0]))
	fmt.Println(img.Bounds().Size(), err)
	fmt.Println("equal seeds:", bytes.Equal(pictures[0], pictures[6]), "others:", bytes.Equal(pictures[0], pictures[1]))
	fmt.Printf("%s", get("/?seed=x"))
	// Output:
	// (28,28) <nil>
	// equal seeds: true others: false
	// seed: want a number
}

// Previews as server-sent events: a picture of the estimate after every step, which
// a page shows by new EventSource("/").onmessage = e => image.src = e.data.
func ExampleModel_Steps() {
	m, err := fashion.Model()
	if err != nil {
		panic(err)
	}
	handler := func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for s, err := range m.Steps(q.Context(), heavytail.Options{Seed: 7, Steps: 3, Estimates: true}) {
			if err != nil {
				fmt.Fprintf(w, "event: failed\ndata: %s\n\n", strings.ReplaceAll(err.Error(), "\n", " "))
				return
			}
			var picture bytes.Buffer
			_ = png.Encode(&picture, s.Samples.Image(0))
			if _, err := fmt.Fprintf(w, "id: %d\ndata: data:image/png;base64,%s\n\n", s.Left, base64.StdEncoding.EncodeToString(picture.Bytes())); err != nil {
				return // the client has left: so does the loop, which ends the sampling
			}
			_ = http.NewResponseController(w).Flush()
		}
	}
	seen := httptest.NewRecorder()
	handler(seen, httptest.NewRequest(http.MethodGet, "/", nil))
	for line := range strings.Lines(seen.Body.String()) {
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			fmt.Print("steps left: ", id)
		}
	}
	// Output:
	// steps left: 3
	// steps left: 2
	// steps left: 1
	// steps left: 0
}

// An own loop over a sampler of package diffusion, on a model: DLIM with two
// values of eta.
func ExampleModel_Denoiser() {
	m, err := fashion.Model()
	if err != nil {
		panic(err)
	}
	ask, err := m.Denoiser(heavytail.Options{N: 2, Classes: []int{9}})
	if err != nil {
		panic(err)
	}
	process := m.Recipe().Process
	for _, eta := range []float64{0, 0.5} {
		s := diffusion.DLIM{Process: process, Eta: eta, Steps: 3, Clip: true, ConsistentStart: true}
		x := make([]float32, 2*28*28)
		for left, err := range s.Trajectory(context.Background(), ask.Noise, x, []uint64{1, 2}) {
			if err != nil {
				panic(err)
			}
			_ = left // x holds the states
		}
		drawn, err := m.Sample(context.Background(), heavytail.Options{N: 2, Seed: 1, Classes: []int{9}, Method: "dlim", Steps: 3, Settings: heavytail.Settings{Eta: eta}})
		if err != nil {
			panic(err)
		}
		fmt.Println(heavytail.ImagesOf(m.Shape(), x).Shape(), "as Sample draws them:", slices.Equal(x, drawn.Float32()))
	}
	// Output:
	// [2 28 28 1] as Sample draws them: true
	// [2 28 28 1] as Sample draws them: true
}
