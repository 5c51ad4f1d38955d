//go:build !race

package numtest

const raceEnabled = false
