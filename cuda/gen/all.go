package gen

import (
	"maps"
	"slices"
)

// All returns the texts of all modules by the name of their file, without .ptx.
func All() map[string]string {
	m := map[string]string{"groupnorm": GroupNorm(), "mma_flash_64": Flash()}
	maps.Copy(m, convolutions())
	m["loss"], m["adamw"] = Loss(), AdamW()
	m["column_sums"], m["embedding_backward"] = ColumnSums(), EmbeddingBackward()
	m["layernorm"], m["attention"] = LayerNorm(), AttentionAny()
	m["resample"], m["timestep"] = Resample(), Timestep()
	m["gamma64"], m["isotropic"] = Gamma(), Isotropic()
	for _, n := range Noises {
		m[n.Name] = n.Text()
	}
	for _, p := range Pointwises {
		m[p.Name] = p.Text()
	}
	for _, g := range slices.Concat(MMAs, MMAWeights) {
		m[g.Name] = g.Text()
	}
	for _, d := range AttentionHeads {
		m[AttentionName(d)] = Attention(d)
	}
	for _, f := range FlashBacks {
		m[f.Name()] = f.Text()
	}
	return m
}

// convolutions returns the modules of products and convolutions, and what brings
// their operands into the form that they read.
func convolutions() map[string]string {
	m := map[string]string{"up_sums": UpSums(), "transpose": Transpose(), "to_bf16": ToBF16(), "boxes": Boxes()}
	for _, w := range []Winograd{2, 4} {
		n := w.Names()
		m[n.Taps], m[n.In], m[n.Out] = w.Taps(), w.In(), w.Out()
		m[n.Grad], m[n.Sum] = w.Grad(), w.Sum()
	}
	n := winoUp.Names()
	m[n.Taps], m[n.In], m[n.Out] = winoUp.Taps(), winoUp.In(), winoUp.Out()
	for _, g := range Wgrads {
		m[g.Name] = g.Text()
	}
	for _, g := range SGEMMs {
		m[g.Name] = g.Text()
	}
	return m
}
