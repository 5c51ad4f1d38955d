package nn

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/internal/torchfile"
	"heavytail/kernels"
	"heavytail/tensor"
)

// trained returns a state of every kind of content, all values different.
func trained(t testing.TB, cfg Config) *State {
	t.Helper()
	net, err := New(kernels.New(1), cfg)
	require.NoError(t, err)
	p := net.Params()
	s := &State{Net: net, Opt: NewAdamW(p), Step: 12, Random: json.RawMessage(`{"epoch":3}`)}
	s.Opt.Step = 11
	recipe, err := json.Marshal(map[string]any{"network": cfg, "alpha": 1.7})
	require.NoError(t, err)
	s.Recipe = recipe
	s.EMA = []*EMA{NewEMA(p, 0.99), NewEMA(p, 0.9999)}
	r := numtest.NewRand(1)
	for _, flat := range []*tensor.Tensor{p.Flat, s.Opt.M, s.Opt.V, s.EMA[0].Shadow, s.EMA[1].Shadow} {
		for _, q := range p.List {
			p.Set(flat, q, r.Fill(make([]float32, q.n), 1))
		}
	}
	return s
}

func written(t testing.TB, f func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, f(&b))
	return b.Bytes()
}

func file(t testing.TB, s *State, d tensor.DType) []byte {
	return written(t, func(b *bytes.Buffer) error { return s.Write(b, d) })
}

// unsummed returns a file whose checksums have another name, so that it can be
// changed.
func unsummed(b []byte) []byte {
	return bytes.Replace(b, []byte(tensor.SumsKey), []byte("heavytail.crc____"[:len(tensor.SumsKey)]), 1)
}

func openBytes(b []byte) (*Checkpoint, error) {
	return OpenCheckpoint(bytes.NewReader(b), int64(len(b)))
}

func sameState(t *testing.T, want, got *State) {
	t.Helper()
	numtest.SameBits(t, want.Net.Params().Flat.Data(), got.Net.Params().Flat.Data(), "weights")
	require.Len(t, got.EMA, len(want.EMA))
	for i := range want.EMA {
		require.Equal(t, want.EMA[i].Rate, got.EMA[i].Rate)
		numtest.SameBits(t, want.EMA[i].Shadow.Data(), got.EMA[i].Shadow.Data(), "average")
	}
	require.Equal(t, want.Step, got.Step)
	require.JSONEq(t, string(want.Random), string(got.Random))
	require.JSONEq(t, string(want.Recipe), string(got.Recipe))
	if want.Opt != nil {
		numtest.SameBits(t, want.Opt.M.Data(), got.Opt.M.Data(), "m")
		numtest.SameBits(t, want.Opt.V.Data(), got.Opt.V.Data(), "v")
		require.Equal(t, want.Opt.Step, got.Opt.Step)
	}
}

func TestCheckpointRoundTrip(t *testing.T) {
	for name, cfg := range smallNets() {
		s := trained(t, cfg)
		raw := file(t, s, tensor.F32)
		require.Equal(t, raw, file(t, s, tensor.F32), "%s: the bytes are not a function of the state", name)
		c, err := openBytes(raw)
		require.NoError(t, err)
		require.Equal(t, "safetensors", c.Format)
		require.Equal(t, tensor.F32, c.DType)
		require.Equal(t, []string{"0.99", "0.9999"}, c.Averages)
		require.Equal(t, cfg, c.Config)
		got, err := c.LoadState(kernels.New(1))
		require.NoError(t, err)
		sameState(t, s, got)

		again := trained(t, cfg)
		again.Net.Params().Init(5)
		again.Opt.Step, again.Step = 0, 0
		require.NoError(t, c.Restore(again))
		sameState(t, s, again)

		net, err := c.Net(kernels.New(1), "")
		require.NoError(t, err)
		numtest.SameBits(t, s.EMA[1].Shadow.Data(), net.Params().Flat.Data(), "the last average is the default")
		net, err = c.Net(kernels.New(1), "raw")
		require.NoError(t, err)
		numtest.SameBits(t, s.Net.Params().Flat.Data(), net.Params().Flat.Data(), "raw")
		_, err = c.Net(kernels.New(1), "0.5")
		require.ErrorContains(t, err, "raw and 0.99, 0.9999")
	}
}

func TestCheckpointTorch(t *testing.T) {
	for name, cfg := range smallNets() {
		s := trained(t, cfg)
		raw := written(t, func(b *bytes.Buffer) error { return s.WriteTorch(b, tensor.F32) })
		c, err := openBytes(raw)
		require.NoError(t, err)
		require.Equal(t, "torch", c.Format)
		got, err := c.LoadState(kernels.New(1))
		require.NoError(t, err, name)
		s.Opt = nil
		sameState(t, s, got)
		if dir := os.Getenv("HEAVYTAIL_KEEP"); dir != "" { // for a look with torch.load
			require.NoError(t, os.WriteFile(dir+"/"+strings.ReplaceAll(name, " ", "_")+".pt", raw, 0o644))
		}
	}
}

// TestCheckpointHalf: storage types round the weights and nothing else.
func TestCheckpointHalf(t *testing.T) {
	s := trained(t, smallNets()["mlp"])
	for d, round := range map[tensor.DType]func(float32) float32{
		tensor.F16:  func(x float32) float32 { return tensor.FromF16(tensor.ToF16(x)) },
		tensor.BF16: func(x float32) float32 { return tensor.FromBF16(tensor.ToBF16(x)) },
	} {
		c, err := openBytes(file(t, s, d))
		require.NoError(t, err)
		require.Equal(t, d, c.DType)
		got, err := c.LoadState(kernels.New(1))
		require.NoError(t, err)
		for i, v := range s.Net.Params().Flat.Data() {
			require.Equal(t, round(v), got.Net.Params().Flat.Data()[i])
		}
		numtest.SameBits(t, s.Opt.V.Data(), got.Opt.V.Data(), "moments stay float32")
	}
}

// plain makes a state_dict without metadata, as .pt or safetensors.
func plain(t testing.TB, name string, torch bool) ([]byte, *Net) {
	t.Helper()
	net := preset(t, kernels.New(1), name)
	fixture(net.Params())
	p := net.Params()
	var items []tensor.Item
	var pairs []torchfile.Pair
	for _, q := range p.List {
		it := p.item("", p.Flat, q, tensor.F32)
		items = append(items, it)
		pairs = append(pairs, torchfile.Pair{Key: q.Name, Value: it})
	}
	return written(t, func(b *bytes.Buffer) error {
		if torch {
			return torchfile.Write(b, torchfile.NewDict(pairs...))
		}
		return tensor.WriteSafetensors(b, nil, items)
	}), net
}

// TestPlainStateDict: the network is inferred from names and shapes.
func TestPlainStateDict(t *testing.T) {
	for _, name := range []string{"tiny", "mnist", "2d", "fashion"} {
		for _, torch := range []bool{false, true} {
			raw, want := plain(t, name, torch)
			c, err := openBytes(raw)
			require.NoError(t, err)
			require.Nil(t, c.Recipe)
			cfg, err := Preset(name)
			require.NoError(t, err)
			if cfg.UNet != nil {
				cfg.UNet.ImageSize, cfg.UNet.TimeScale = 0, 1
			}
			require.Equal(t, cfg, c.Config)
			net, err := c.Net(kernels.New(1), "")
			require.NoError(t, err)
			numtest.SameBits(t, want.Params().Flat.Data(), net.Params().Flat.Data(), name)
		}
	}
}

func TestCheckpointErrors(t *testing.T) {
	dev := kernels.New(1)
	s := trained(t, smallNets()["mlp"])
	whole := file(t, s, tensor.F32)
	damaged := bytes.Clone(whole) // one bit of the last average's last weight
	damaged[len(damaged)-1-8*s.Net.Params().Count()] ^= 4
	c, err := openBytes(damaged)
	require.NoError(t, err)
	_, err = c.LoadState(dev)
	require.ErrorContains(t, err, "checksum")
	_, err = c.Net(dev, "")
	require.ErrorContains(t, err, "checksum")
	_, err = c.Net(dev, "raw") // which is whole
	require.NoError(t, err)
	raw := unsummed(whole)
	for _, c := range []struct {
		file []byte
		want string
	}{
		{nil, "neither safetensors"},
		{[]byte("hello, this is a text file"), "neither safetensors"},
		{raw[:len(raw)-1], "at most"},
		{raw[:100], "a file of safetensors that is cut off: its header does not fit into 100 bytes"},
		{[]byte("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M"), "cut off"},
		{[]byte("PK\x03\x04 and then nothing"), "zip"},
		{bytes.ReplaceAll(raw, []byte(`\"network\"`), []byte(`\"netwerk\"`)), "no network"},
		{bytes.ReplaceAll(raw, []byte(`\"step\":12`), []byte(`\"step\":-1`)), "negative step"},
	} {
		_, err := openBytes(c.file)
		require.ErrorContains(t, err, c.want)
	}
	load := func(raw []byte, want string) {
		c, err := openBytes(raw)
		require.NoError(t, err)
		_, err = c.LoadState(dev)
		require.ErrorContains(t, err, want)
	}
	load(bytes.ReplaceAll(raw, []byte(`"linear_in.weight"`), []byte(`"linear_im.weight"`)), "linear_in.weight is missing")
	load(bytes.ReplaceAll(raw, []byte(`"adam.m.linear_in.bias"`), []byte(`"adam.m.linear_in.bios"`)), "adam.m.linear_in.bias is missing")
	load(bytes.ReplaceAll(raw, []byte(`\"units\":16`), []byte(`\"units\":17`)), "the network wants")
	s.Net.Params().Flat.Data()[3] = float32(math.NaN())
	load(file(t, s, tensor.F32), "value 3 is NaN")
	s = trained(t, smallNets()["mlp"])
	s.Opt = nil
	c, err = openBytes(file(t, s, tensor.F32))
	require.NoError(t, err)
	require.False(t, c.Training)
	s.Opt = NewAdamW(s.Net.Params())
	require.ErrorContains(t, c.Restore(s), "no optimiser state")
	s.Opt, s.EMA[0].Rate = nil, 0.5
	require.ErrorContains(t, c.Restore(s), "no average with rate 0.5")
}

// FuzzCheckpoint: no file may panic or make a network larger than itself.
func FuzzCheckpoint(f *testing.F) {
	s := trained(f, Config{MLP: &MLPConfig{Dim: 1, Units: 2, TimeEmb: 2}})
	f.Add(unsummed(file(f, s, tensor.F16)))
	f.Add(written(f, func(b *bytes.Buffer) error { return s.WriteTorch(b, tensor.F16) }))
	f.Add(edmFile(f, "vp.pkl"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := openBytes(b); err == nil {
			_, _ = c.LoadState(kernels.New(1))
		}
	})
}

func TestGradientsThatAreNotThere(t *testing.T) {
	net := build(t, kernels.New(1), smallNets()["mlp"])
	p := net.Params()
	p.Grad = nil // of a network that only samples
	a := NewAdamW(p)
	const rest = " before there are gradients: NewWorkspace for training makes them, or Params.EnableGrad"
	require.PanicsWithValue(t, "nn: Params.ZeroGrad"+rest, p.ZeroGrad)
	require.PanicsWithValue(t, "nn: AdamW.Update"+rest, func() { _, _ = a.Update(1e-3, 0) })
	p.EnableGrad()
	p.ZeroGrad()
	before := slices.Clone(p.Flat.Data())
	for _, lr := range []float64{math.NaN(), math.Inf(1), -1e-3} {
		_, err := a.Update(lr, 0)
		require.ErrorContains(t, err, "step 1: the learning rate is")
	}
	require.Equal(t, before, p.Flat.Data())
	require.Zero(t, a.Step)
	require.PanicsWithValue(t, "nn: Schedule.At of a step schedule that falls every 0 steps: want 1 or more", func() { Schedule{Kind: StepLR, LR: 1}.At(3) })
}

func TestNewWithoutADevice(t *testing.T) {
	require.PanicsWithValue(t, "nn: New without a device: kernels.New makes the CPU's", func() { _, _ = New(nil, Config{MLP: &MLPConfig{Dim: 2, Hidden: []int{16}}}) })
	c, err := openBytes(file(t, &State{Net: build(t, kernels.New(1), smallNets()["mlp"])}, tensor.F32))
	require.NoError(t, err)
	require.PanicsWithValue(t, "nn: New without a device: kernels.New makes the CPU's", func() { _, _ = c.Net(nil, "") })
}

// A state whose file nobody could read is not written.
func TestStateOfAnotherRecipe(t *testing.T) {
	net, err := New(kernels.New(1), Config{MLP: &MLPConfig{Dim: 2, Hidden: []int{16}}})
	require.NoError(t, err)
	for recipe, want := range map[string]string{
		"{": "State.Recipe: no network: unexpected end of JSON input", "{}": `State.Recipe: no network: there is no field "network"`, "[]": "State.Recipe: no network: json",
		`{"network":{"mlp":{"dim":2,"hidden":[17]}}}`: "give the recipe with Net's Config", `{"network":{}}`: "State.Recipe is of the network {}, Net is {",
	} {
		var b bytes.Buffer
		s := &State{Net: net, Recipe: []byte(recipe)}
		require.ErrorContains(t, s.Write(&b, tensor.F32), want)
		require.ErrorContains(t, s.WriteTorch(&b, tensor.F32), want)
		require.Zero(t, b.Len())
	}
	for _, none := range []json.RawMessage{nil, {}} {
		s := &State{Net: net, Recipe: none}
		for _, b := range [][]byte{file(t, s, tensor.F32), written(t, func(b *bytes.Buffer) error { return s.WriteTorch(b, tensor.F32) })} {
			c, err := openBytes(b)
			require.NoError(t, err)
			require.Equal(t, net.Config(), c.Config)
			_, err = c.Net(kernels.New(1), "raw")
			require.NoError(t, err)
		}
	}
}
