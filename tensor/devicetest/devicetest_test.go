package devicetest

import (
	"testing"

	"heavytail/internal/ref64"
)

// The reference must pass its own judgement: it rounds to float32 at the end.
func TestReferencePasses(t *testing.T) { Run(t, ref64.New()) }
