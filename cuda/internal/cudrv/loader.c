//go:build cuda && cgo && linux && amd64

/*
 * gorgonia.org/cu calls cuInit when a program starts, and ends the program where
 * there is no driver. This file stands in for libcuda: every function of
 * symbols.h jumps through a slot, which cudrv_load fills from libcuda.so.1 when
 * a GPU is first asked for. Until then no function is called, and cuInit does
 * nothing. The symbols are hidden, so that NVIDIA's libraries do not find them
 * in place of their own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include "loader.h"

#define HIDDEN __attribute__((visibility("hidden")))

/* What a function answers that the driver lacks: CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND. */
HIDDEN int cudrv_missing(void) { return 302; }

#define X(name)                                          \
	HIDDEN void *cudrv_slot_##name = (void *)cudrv_missing; \
	__asm__(".pushsection .text\n"                         \
	        ".globl " #name "\n"                           \
	        ".hidden " #name "\n"                          \
	        ".type " #name ", @function\n"                 \
	        #name ": jmp *cudrv_slot_" #name "(%rip)\n"    \
	        ".popsection\n");
#include "symbols.h"
#undef X

static const struct {
	const char *name;
	void **slot;
} functions[] = {
#define X(name) {#name, &cudrv_slot_##name},
#include "symbols.h"
#undef X
};

/* What this package cannot do without; the rest is gorgonia.org/cu's. */
static const char *const needed[] = {
	"cuCtxSetCurrent", "cuDeviceGet", "cuDeviceGetAttribute", "cuDeviceGetCount", "cuDeviceGetName",
	"cuDevicePrimaryCtxRelease_v2", "cuDevicePrimaryCtxRetain", "cuDeviceTotalMem_v2", "cuDriverGetVersion",
	"cuEventCreate", "cuEventDestroy_v2", "cuEventElapsedTime", "cuEventRecord", "cuEventSynchronize",
	"cuFuncSetAttribute", "cuGetErrorName", "cuGetErrorString", "cuGraphDestroy", "cuGraphExecDestroy",
	"cuGraphInstantiateWithFlags", "cuGraphLaunch", "cuLaunchKernel", "cuMemAlloc_v2", "cuMemFreeHost",
	"cuMemFree_v2", "cuMemGetInfo_v2", "cuMemHostAlloc", "cuMemcpyDtoDAsync_v2", "cuMemcpyDtoHAsync_v2",
	"cuMemcpyHtoDAsync_v2", "cuMemsetD32Async", "cuModuleGetFunction", "cuModuleLoadDataEx", "cuModuleUnload",
	"cuStreamBeginCapture_v2", "cuStreamCreate", "cuStreamDestroy_v2", "cuStreamEndCapture", "cuStreamSynchronize",
};

HIDDEN int cuInit(unsigned flags) {
	(void)flags;
	return 0;
}

int cudrv_load(char *text, size_t size) {
	void *lib = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!lib) {
		snprintf(text, size, "%s", dlerror());
		return CUDRV_NO_LIBRARY;
	}
	int (*init)(unsigned) = (int (*)(unsigned))dlsym(lib, "cuInit");
	const char *lacks = init ? NULL : "cuInit";
	for (size_t i = 0; !lacks && i < sizeof needed / sizeof *needed; i++)
		if (!dlsym(lib, needed[i])) lacks = needed[i];
	if (lacks) {
		snprintf(text, size, "%s", lacks);
		dlclose(lib);
		return CUDRV_OLD_LIBRARY;
	}
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
		void *f = dlsym(lib, functions[i].name);
		if (f) *functions[i].slot = f;
	}
	return init(0);
}
