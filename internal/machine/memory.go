// Package machine says how much memory this process may use, so that sizes that
// come from outside (headers of files, options of a request) can be refused
// before memory is taken.
package machine

import (
	"math"
	"os"
	"strconv"
	"sync"
)

// unknown is the limit where the system tells none.
const unknown = 8 << 30

// Memory returns the bytes of memory this process may use: the smallest of the
// machine's memory, the limits of its control groups and that of its address
// space, and no more than an int counts. HEAVYTAIL_MEMORY, a number of bytes,
// replaces it. It is read once.
var Memory = sync.OnceValue(func() int64 {
	if v, err := strconv.ParseInt(os.Getenv("HEAVYTAIL_MEMORY"), 10, 64); err == nil && v > 0 {
		return v
	}
	limit := physical()
	if limit <= 0 {
		limit = unknown
	}
	if v := addressSpace(); v > 0 {
		limit = min(limit, v)
	}
	if v := memoryGroup(os.DirFS("/")); v > 0 {
		limit = min(limit, v)
	}
	return min(limit, math.MaxInt)
})
