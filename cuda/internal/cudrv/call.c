//go:build cuda && cgo && linux && amd64

#include "call.h"

CUresult cudrv_load_module(CUcontext ctx, CUmodule *m, const char *text, char *log, unsigned size) {
	CUresult r = cuCtxSetCurrent(ctx);
	CUjit_option option[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
	void *value[] = {log, (void *)(uintptr_t)size};
	return r == CUDA_SUCCESS ? cuModuleLoadDataEx(m, text, 2, option, value) : r;
}

CUresult cudrv_unload_module(CUcontext ctx, CUmodule m) {
	CUresult r = cuCtxSetCurrent(ctx);
	return r == CUDA_SUCCESS ? cuModuleUnload(m) : r;
}

CUresult cudrv_function(CUcontext ctx, CUfunction *f, CUmodule m, const char *entry, int shared) {
	CUresult r = cuCtxSetCurrent(ctx);
	if (r == CUDA_SUCCESS) r = cuModuleGetFunction(f, m, entry);
	if (r == CUDA_SUCCESS && shared > 0) r = cuFuncSetAttribute(*f, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, shared);
	return r;
}

CUresult cudrv_pinned(CUcontext ctx, void **p, size_t n) {
	CUresult r = cuCtxSetCurrent(ctx);
	return r == CUDA_SUCCESS ? cuMemHostAlloc(p, n, 0) : r;
}

/* start starts one piece of work, its operands as one buffer. */
static CUresult start(CUstream s, CUfunction *functions, struct work *w) {
	void *operands = w + 1;
	if (w->kind == SET) {
		struct set *o = operands;
		return cuMemsetD32Async(o->at, o->v, o->n, s);
	}
	if (w->kind == COPY) {
		struct copy *o = operands;
		return cuMemcpyDtoDAsync(o->to, o->from, o->n, s);
	}
	size_t n = w->n;
	void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, operands, CU_LAUNCH_PARAM_BUFFER_SIZE, &n, CU_LAUNCH_PARAM_END};
	return cuLaunchKernel(functions[w->f], w->grid[0], w->grid[1], w->grid[2], w->block[0], w->block[1], w->block[2],
	                      w->shared, s, NULL, extra);
}

CUresult cudrv_run(CUcontext ctx, CUstream s, CUfunction *functions, char *queue, size_t size, size_t *done) {
	CUresult r = cuCtxSetCurrent(ctx);
	*done = 0;
	while (r == CUDA_SUCCESS && *done < size) {
		struct work *w = (struct work *)(queue + *done);
		r = start(s, functions, w);
		if (r == CUDA_SUCCESS) *done += sizeof *w + ((w->n + 7) & ~(size_t)7);
	}
	return r;
}

/* Relaxed: other threads may allocate meanwhile. */
CUresult cudrv_record(CUcontext ctx, CUstream s, CUfunction *functions, char *queue, size_t size, CUgraphExec *g) {
	CUgraph graph = NULL;
	size_t done;
	CUresult r = cuCtxSetCurrent(ctx);
	if (r == CUDA_SUCCESS) r = cuStreamBeginCapture(s, CU_STREAM_CAPTURE_MODE_RELAXED);
	if (r != CUDA_SUCCESS) return r;
	CUresult run = cudrv_run(ctx, s, functions, queue, size, &done);
	r = cuStreamEndCapture(s, &graph);
	if (run != CUDA_SUCCESS) r = run;
	if (r == CUDA_SUCCESS) r = cuGraphInstantiate(g, graph, 0);
	if (graph) cuGraphDestroy(graph);
	return r;
}

CUresult cudrv_replay(CUcontext ctx, CUstream s, CUgraphExec g) {
	CUresult r = cuCtxSetCurrent(ctx);
	return r == CUDA_SUCCESS ? cuGraphLaunch(g, s) : r;
}

CUresult cudrv_drop(CUcontext ctx, CUgraphExec g) {
	CUresult r = cuCtxSetCurrent(ctx);
	return r == CUDA_SUCCESS ? cuGraphExecDestroy(g) : r;
}
