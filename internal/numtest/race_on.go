//go:build race

package numtest

const raceEnabled = true
