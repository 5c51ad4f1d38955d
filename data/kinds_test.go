package data

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A file that no kind reads is told from a name that is none, with what to do with it.
func TestOtherKindsOfFiles(t *testing.T) {
	for spec, want := range map[string]string{"x.parquet": "Parquet and Arrow are not read: write the table as CSV", "x.xlsx": "save the sheet as CSV", "x.npz:a": "is npy:FILE.npz:NAME"} {
		_, err := Open(t.Context(), spec, Options{})
		require.ErrorContains(t, err, want, spec)
	}
	_, err := Open(t.Context(), "nothing", Options{})
	require.ErrorContains(t, err, "swiss_roll)")
	require.NotContains(t, err.Error(), ";")
}
