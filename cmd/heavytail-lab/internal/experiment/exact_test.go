package experiment

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
)

// exactLevels makes the denoiser of one cluster at 0.
func exactLevels(data, noise scaleLaw, scale float64, d int) *levels {
	l := &levels{target: mixture{law: data, scale: scale, centres: []float64{0}, shares: []float64{1}}, noise: noise, nodes: map[float64][]node{}}
	l.dimension(d)
	return l
}

// For isotropic stable data and noise of one α, E[x_0 | x] = x·s^α/(s^α + τ^α) in any
// dimension, since x_0 and the noise are s and τ times the same law: at every
// Q the mean share is that one.
func TestExactStable(t *testing.T) {
	law := stableScale(1.5)
	for _, d := range []int{1, 2, 32, 512} {
		for _, tau := range []float64{0.003, 0.2, 5, 80} {
			l := exactLevels(law, law, 0.25, d)
			want := math.Pow(0.25, 1.5) / (math.Pow(0.25, 1.5) + math.Pow(tau, 1.5))
			for _, r := range []float64{0.7, 1, 3, 100, 1e5} {
				x := []float64{r * (0.25 + tau) * math.Sqrt(float64(d))}
				got := make([]float64, 1)
				l.target.estimate(l.at(tau), got, x)
				require.InDelta(t, want, got[0]/x[0], 2e-5, "d %d tau %v r %v", d, tau, r)
			}
		}
	}
}

// student3 is E[x_0 | x] on the line, and E|x−x_0|²/σ², for data and noise t_3, the
// data of variance 1: package diffusion's tests derive it.
func student3(x, sigma float64) (D, moment float64) {
	a, b := 1.0, math.Sqrt(3)*sigma
	c, x2 := a+b, x*x
	m := c*c*c*c + a*b*c*c + (a*a-a*b+b*b)*x2
	D = a * a * x * (c*c*c + 3*b*c*c + a*x2) / (c * m)
	second := a * a * (2*b*b*c*c*c + (2*c*c*c+6*a*b*c)*x2 + 2*a*x2*x2) / (2 * c * m)
	return D, (second - 2*x*D + x2) / (sigma * sigma)
}

func TestExactStudent(t *testing.T) {
	l := exactLevels(studentScale(3), studentScale(3), 1/math.Sqrt(3), 1)
	for _, sigma := range []float64{0.01, 0.3, 1, 20} {
		for _, x := range []float64{0.1, 1.5, -7, 300} {
			D, moment := student3(x, sigma)
			got, m := []float64{0}, []float64{0}
			require.NoError(t, l.data(t.Context(), got, []float64{x}, []float64{sigma}))
			require.NoError(t, l.moment(t.Context(), m, []float64{x}, []float64{sigma}))
			require.InDelta(t, D, got[0], 1e-5*(1+math.Abs(D)), "x %v sigma %v", x, sigma)
			require.InDelta(t, moment, m[0], 1e-4*(1+moment), "x %v sigma %v", x, sigma)
		}
	}
}

// What is data and what noise is a matter of names: E[x_0 | x] and E[τ·n | x] are x
// together. And where both are normal, E[x_0 | x] is s²/(s²+σ²)·x.
func TestExactSwap(t *testing.T) {
	for _, d := range []int{2, 128} {
		for _, c := range [][2]scaleLaw{{studentScale(3), normalLaw(1)}, {stableScale(1.5), normalLaw(2)}, {stableScale(1.8), studentScale(5)}, {normalLaw(1), normalLaw(1)}} {
			for _, tau := range []float64{0.1, 0.5, 4} {
				forth, back := exactLevels(c[0], c[1], 0.5, d), exactLevels(c[1], c[0], tau, d)
				for _, r := range []float64{0.9, 2, 30} {
					x, D, noise := []float64{r * (0.5 + tau) * math.Sqrt(float64(d))}, []float64{0}, []float64{0}
					forth.target.estimate(forth.at(tau), D, x)
					back.target.estimate(back.at(0.5), noise, x)
					require.InDelta(t, 1, (D[0]+noise[0])/x[0], 1e-5, "d %d tau %v r %v", d, tau, r)
					if c[0].constant > 0 {
						require.InDelta(t, 0.25/(0.25+tau*tau), D[0]/x[0], 1e-12)
					}
				}
			}
		}
	}
}

// The tables are as good as their sums between their places too, where what they hold
// is sharpest: below normal noise the odds against a large V grow by e where ln r
// grows by τ²/r². Lagrange's cubic with steps of h errs by 3h⁴/128 of the fourth
// derivative, 9e-5 of a function that grows by e in 4h.
func TestTablesBetweenTheirPlaces(t *testing.T) {
	for _, noise := range noiseProcesses {
		for _, tau := range []float64{80, 1} {
			nodes := mixtureNodes(studentScale(3), noise.noise(), 0.3, tau)
			for _, d := range []int{1, 2, 8, 512} {
				table := newRadial(nodes, d, noise.name == "normal")
				for _, f := range []float64{0.93, 0.97, 1, 1.013, 1.021, 1.034, 1.05, 1.07, 1.1, 1.17, 1.5, 1.8, 2, 2.5, 3, 3.6, 4.2, 5, 6, 7, 8, 9, 20} {
					r2, most := f*f*(tau*tau+0.09)*float64(d), math.Inf(-1)
					exponent := func(n node) float64 { return n.logg - float64(d)/2*n.u - r2*math.Exp(-n.u)/2 }
					for _, n := range nodes {
						most = math.Max(most, exponent(n))
					}
					var sum, rest float64
					for _, n := range nodes {
						w := math.Exp(exponent(n) - most)
						sum, rest = sum+w, rest+w*(1-n.q)
					}
					_, q, _ := table.at(r2)
					require.InEpsilon(t, rest/sum, 1-q, 1e-4, "%s tau %v d %d r %v", noise.name, tau, d, f)
				}
			}
		}
	}
}

// The radius of the t law with ν = 3 in two dimensions lies beyond r with
// probability (1 + r²/ν)^{−ν/2}, that of normal vectors with e^{−r²/2}; and draws in
// more lie beyond the quantiles as often as they should.
func TestRadiusLaw(t *testing.T) {
	for _, p := range []float64{0.5, 0.1, 1e-3, 1e-5} {
		want := math.Sqrt(3 * (math.Pow(p, -2.0/3) - 1))
		require.InEpsilon(t, 2*want, radiusOf(studentScale(3), 2, 2).quantile(p), 1e-4)
		require.InEpsilon(t, math.Sqrt(-2*math.Log(p)), radiusOf(normalLaw(1), 1, 2).quantile(p), 1e-4)
	}
	const n = 4000
	for _, d := range []int{8, 512} {
		for _, law := range []scaleLaw{stableScale(1.5), studentScale(3), normalLaw(2)} {
			g := mixture{law: law, scale: 0.25, centres: []float64{0}, shares: []float64{1}}
			x := make([]float64, n*d)
			g.fill(x, d, 7)
			radius := radiusOf(law, 0.25, d)
			for _, p := range []float64{0.9, 0.5, 0.1, 0.01} {
				q, k := radius.quantile(p), 0.0
				for i := range n {
					sum := 0.0
					for _, v := range x[i*d : (i+1)*d] {
						sum += v * v
					}
					if sum > q*q {
						k++
					}
				}
				require.InDelta(t, 0, (k-n*p)/math.Sqrt(n*p*(1-p)), 4.5, "d %d p %v", d, p) // one in 10^5
			}
		}
	}
}

// The expectation of E[x_0 | x] is that of x_0, of any cluster, and so is that of
// its product with a function of x: in the mean over x, (x_0 − D)·sign(x_1) is 0.
func TestExactClusters(t *testing.T) {
	const n = 20000
	for _, noise := range []noiseProcess{noiseProcesses[0], noiseProcesses[2], noiseProcesses[3]} {
		for _, d := range []int{2, 32} {
			g := dimensionTargets[1]
			g.law = studentScale(3)
			l := &levels{target: g.mixture, noise: noise.noise(), nodes: map[float64][]node{}}
			l.dimension(d)
			x, e := make([]float64, n*d), make([]float64, n*d)
			g.fill(x, d, 3)
			mixture{law: l.noise, scale: 1, centres: []float64{0}, shares: []float64{1}}.fill(e, d, 4)
			for _, tau := range []float64{0.2, 1, 3} {
				D := make([]float64, d)
				var mean, square [2]float64
				for i := range n {
					y := make([]float64, d)
					for j := range y {
						y[j] = x[i*d+j] + tau*e[i*d+j]
					}
					l.target.estimate(l.at(tau), D, y)
					off := min(max(x[i*d]-D[0], -1e3), 1e3)
					for k, f := range []float64{1, math.Copysign(1, y[0])} {
						mean[k] += off * f / n
						square[k] += off * off / n
					}
				}
				for k := range mean {
					require.InDelta(t, 0, mean[k]/math.Sqrt(square[k]/n), 4, "%s d %d tau %v", noise.name, d, tau)
				}
			}
		}
	}
}

// With its own law of noise DLIM has an end that is known without anything of
// exact.go: stable data of scale s come out with a factor that the coefficients
// give, in any dimension, for every quantile.
func TestExactDLIMEnds(t *testing.T) {
	g := dimensionTargets[3]
	g.law = g.data()
	const n = 20
	p := diffusion.Default(1.5, n+1)
	s, err := p.Schedule(0)
	require.NoError(t, err)
	want := s.SigmaBar[n]
	for k := n; k >= 1; k-- {
		c := s.DLIM(k, 0, 0)
		total := math.Pow(s.GammaBar[k]*g.scale, 1.5) + math.Pow(s.SigmaBar[k], 1.5)
		want *= c.X + c.Eps*math.Pow(s.SigmaBar[k], 0.5)/total
	}
	for _, d := range []int{2, 128} {
		l := &levels{target: g.mixture, noise: stableNoise[1.5](), nodes: map[float64][]node{}}
		l.dimension(d)
		for _, sampler := range dlpmSamplers(1.5, n) {
			if sampler.name != "DLIM 1.5" {
				continue
			}
			row, err := newJudge(g, d).quantiles(context.Background(), l, sampler)
			require.NoError(t, err)
			for _, v := range row[1 : 1+farColumns] {
				require.InEpsilon(t, want/g.scale, v, 1e-3, "d %d: %v", d, row)
			}
		}
	}
}

// A judge of its own data is within what chance gives.
func TestJudge(t *testing.T) {
	for _, g := range dimensionTargets {
		g.law = g.data()
		for _, d := range []int{2, 32} {
			x := make([]float64, 20000*d)
			g.fill(x, d, 11)
			row := newJudge(g, d).row(x)
			require.Less(t, row[len(row)-1], 2.23, g.name) // Kolmogorov's 0.01 % point
			require.InDelta(t, 0, row[len(row)-2], 4*0.5/math.Sqrt(20000), g.name)
			require.InDelta(t, 1, row[1], 0.05, g.name)
			require.InDelta(t, 1, row[3], 0.35, g.name) // 200 beyond: 7 % of the probability, over α
		}
	}
}
