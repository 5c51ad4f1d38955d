// Package defs holds the numbers of the formulas on float64, the polynomials of
// simd/noise64_generic.go and of internal/dmath, in ascending powers, and the order
// of the parameters of noise.
package defs

import "strings"

// The polynomials of simd/noise64_generic.go; of the cosine and of the power with
// the constant term that stands there by itself.
var (
	NoiseSin = []float64{
		0x1.921fb54442d18p+1, -0x1.4abbce625bdaep+2, 0x1.466bc6774afcep+1, -0x1.32d2ccd46a482p-1,
		0x1.507821d4ee124p-4, -0x1.e2f3f10519cb1p-8, 0x1.dfc5c10c115e6p-12,
	}
	NoiseSinWide = []float64{
		0x1.921fb54442d18p+1, -0x1.4abbce625be0fp+2, 0x1.466bc67757ff6p+1, -0x1.32d2cce4ddd03p-1,
		0x1.507833e7526b0p-4, -0x1.e306fb7beb896p-8, 0x1.e8db775042985p-12, -0x1.6bda94aa348d4p-16,
		0x1.2aceaa99135edp-21,
	}
	NoiseCos = []float64{
		1, -0x1.3bd3cc9be45dep+2, 0x1.03c1f081b5a39p+2, -0x1.55d3c7e3bc17cp+0, 0x1.e1f5066eec61dp-3,
		-0x1.a6d1dc9674721p-6, 0x1.f9c03baf53c0dp-10, -0x1.aedc4bd0d1a42p-14,
	}
	NoiseLog = []float64{
		0x1.71547652b82fep+1, 0x1.ec709dc3a08f8p-1, 0x1.2776c50e48e5dp-1, 0x1.a61763d01ac90p-2,
		0x1.484a9be3fc4fep-2, 0x1.0cb423c0b3dd4p-2, 0x1.c0c8477492050p-3, 0x1.d931c6907cb53p-3,
	}
	NoiseExp = []float64{
		0x1.62e42fefa39efp-1, 0x1.ebfbdff82c59dp-3, 0x1.c6b08d704a0d6p-5, 0x1.3b2ab6fba0fddp-7,
		0x1.5d87fe78b312cp-10, 0x1.4309130c5d158p-13, 0x1.ffcbfbfcc597fp-17, 0x1.62bfcd11d99c7p-20,
		0x1.b52604239e7dap-24, 0x1.e612df9a3d2fep-28, 0x1.e81e5cf3ca570p-32,
	}
)

// Constants of the same.
const (
	Half   = 0x3fe6a09e667f3bcd // bits of √½
	Low    = 1<<52 - 1          // the bits of a fraction
	One    = 0x3ff << 52        // bits of 1
	NaN    = 0x7ff8000000000001 // bits of math.NaN()
	Magic  = 0x1.8p52           // added, it leaves an integer in the low bits
	Ln2    = 0x1.62e42fefa39efp-1
	TwoLn2 = 0x1.62e42fefa39efp+0
)

// NoiseFields are the float32 of simd.NoiseParams in their order, 4 bytes each.
var NoiseFields = strings.Fields(`Scale A Expo Bias
	Alpha AlphaLo Eps ExpoLo BiasN Kp Km Kp1 Km1 KpLo KmLo Shift Least Zero`)

// NoiseTable is the offset of simd.NoiseParams.Table.
const NoiseTable = 72

// Noise64Fields are the fields of simd.Noise64Params and Gamma64Fields those of
// simd.Gamma64Params in their order, 8 bytes each.
var (
	Noise64Fields = []string{
		"A", "K", "ExpoHi", "Expo", "ExpoLo", "Bias", "Eps", "HalfEps", "InvSin",
		"Bp", "Bm", "Kp", "Km", "InvAlpha", "InvEps", "Lo", "Hi", "Nu",
	}
	Gamma64Fields = []string{"D", "C", "Shape", "Mul", "Div", "Tol"}
)

// The polynomials of internal/dmath.
var (
	Exp = []float64{
		0x1.0000000000000p-1, 0x1.555555555555cp-3, 0x1.555555555555ep-5, 0x1.111111110e8a2p-7,
		0x1.6c16c16c13163p-10, 0x1.a01a01b4ed3f3p-13, 0x1.a01a01b57b7c0p-16, 0x1.71ddec92190a6p-19,
		0x1.27e4bcec33ab2p-22, 0x1.af721173f5ae4p-26, 0x1.1fa13b3f5e290p-29,
	}
	Log = []float64{
		0x1.9999999999995p-2, 0x1.249249249310fp-2, 0x1.c71c71c5669bap-3, 0x1.745d183ea5996p-3,
		0x1.3b135f701fa6ap-3, 0x1.1121332395694p-3, 0x1.de1f99d86245ap-4, 0x1.ebb5d35248c25p-4,
	}
	Sin = []float64{
		-0x1.5555555555555p-3, 0x1.111111111110bp-7, -0x1.a01a01a018ab2p-13, 0x1.71de3a53355aep-19,
		-0x1.ae645292d6234p-26, 0x1.61208f2d0d84bp-33, -0x1.aaa37dfda2ddfp-41,
	}
	Cos = []float64{
		0x1.5555555555555p-5, -0x1.6c16c16c16c10p-10, 0x1.a01a01a018dbfp-16, -0x1.27e4fb75fa949p-22,
		0x1.1eed8ca06114ep-29, -0x1.9393347c69abcp-37, 0x1.aac3f4bf3e2dcp-45,
	}
)

// Constants of internal/dmath.
const (
	Ln2Hi  = 0x1.62e42fefa3800p-1
	Ln2Mid = 0x1.ef35793c76730p-45
	Log2E  = 0x1.71547652b82fep+0
	TwoThd = 0x1.5555555555555p-1
	TwoThL = 0x1.5555555555555p-55
	PiHi   = 0x1.921fb54442d18p+1
	PiLo   = 0x1.1a62633145c07p-53
	Pio2Hi = 0x1.921fb54442d18p+0
	Pio2Lo = 0x1.1a62633145c07p-54

	Fold  = 0x1.a827999fcef32p-2 * 1.9 // QuickSinCos: sine and cosine change roles above
	Small = 0.34                       // QuickExpm1 is its own polynomial up to here
	Most  = 700                        // largest exponent of QuickExp
	LogLo = -0.29                      // QuickLog1p takes x itself in between
	LogHi = 0.41
	Tiny  = 0x1p-1022
)
