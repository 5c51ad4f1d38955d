package words

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSingular(t *testing.T) {
	for text, want := range map[string]string{
		"1 samples": "1 sample", "only 1 samples of 1 classes": "only 1 sample of 1 class", "takes 1 copies": "takes 1 copy", "(1 columns)": "(1 column)",
		"11 samples": "11 samples", "0.1 values": "0.1 values", "-1 steps": "-1 steps", "1 sampler": "1 sampler", "1 of 2 rows": "1 of 2 rows", "2×1 pixels": "2×1 pixels", "x1 steps": "x1 steps",
		"1 sampling steps": "1 sampling steps", "1 bytes": "1 byte", "1 processes": "1 process", "the 1 others": "the 1 other",
	} {
		require.Equal(t, want, Singular(text))
	}
}

func TestCounted(t *testing.T) {
	for want, got := range map[string]string{
		"0 samples": Counted(0, "sample"), "1 sample": Counted(1, "sample"), "2 samples": Counted(2, "sample"), "1 class": Counted(1, "class"), "10 classes": Counted(10, "class"),
	} {
		require.Equal(t, want, got)
	}
}

// Rates and times are written as people count.
func TestRates(t *testing.T) {
	for v, want := range map[float64]string{0.012345: "0.01235", 12.345: "12.35", 999.44: "999.4", 12345.6: "12346", 8.533e8: "853300000"} {
		require.Equal(t, want, Rate(v))
	}
	for d, want := range map[time.Duration]string{1260 * time.Millisecond: "1.3s", 59 * time.Second: "59s", 100400 * time.Millisecond: "1m40s"} {
		require.Equal(t, want, Short(d))
	}
}
