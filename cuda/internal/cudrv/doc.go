// Package cudrv runs kernels on NVIDIA's GPUs, in programs that are built with the
// tag cuda for linux/amd64; in others it says that they are not.
//
// It stands on gorgonia.org/cu, of which it uses devices and their attributes, the
// primary context, memory, copies, streams and events. Launches, modules with the
// compiler's log, pinned memory and graphs are its own (call.c): cu's ways to start
// a kernel copy each argument by itself, and its batched context reads past the
// end of arguments. NVIDIA's driver is loaded when a GPU is first asked for
// (loader.c), so that the program starts on machines without one.
package cudrv
