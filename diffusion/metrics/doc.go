// Package metrics tells how far a set of generated samples is from a set of
// real ones: tails of one-dimensional samples, precision and recall of sets of
// points, distances between laws.
//
// One-dimensional samples are []float64 in any order. Points are []float32,
// row-major, d values per point. No function changes its arguments. Every
// function returns the same bits on every processor and with any number of
// threads; what draws random numbers says so and takes a seed.
//
// A NaN in either set makes every metric NaN, so that samples which diverged
// cannot pass for bad ones or go unnoticed; Frechet and HillIndex, which also
// return errors, return one. Infinite values are values: larger than all others
// in one dimension, far from everything among points. Wrong lengths are mistakes
// of the program and panic.
package metrics
