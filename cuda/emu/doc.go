// Package emu runs PTX, the assembly language of NVIDIA's GPUs, on the CPU:
// it parses a text, verifies it, and interprets it while it watches for what a
// GPU would often forgive. Only tests import it.
//
// It knows the subset of PTX that this project's kernels use, as a table of
// opcodes (table.go); everything else is an error at Parse. Its arithmetic is
// that of the PTX manual: fma, add, sub, mul, div and sqrt with .rn are IEEE,
// subnormals included. The functions with .approx are computed in float64 and
// rounded once; hardware is within a few units in the last place of that, so
// compare them with a bound. mma adds the products of one instruction in
// float64; hardware keeps fewer bits.
//
// What Launch watches:
//
//   - Global memory: bounds, alignment of the whole access, words that nobody
//     wrote, and words that one block writes while another reads or writes them
//     in the same launch.
//   - Shared memory, word by word: reading what was not written, bytes of a
//     cp.async that was not waited for, and two warps that touch a word, one of
//     them writing, with no barrier between.
//   - Warps: barriers and ldmatrix or mma reached by a part of a warp, lanes
//     named by shfl.sync that do not take part, a barrier that some warps never
//     reach, division by zero, endless loops.
//
// Not watched: lanes of one warp that exchange words through shared memory
// without bar.warp.sync, and warps of one block that exchange words through
// global memory.
package emu
