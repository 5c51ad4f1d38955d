#include <cuda.h>
#include <stdint.h>

/*
 * What gorgonia.org/cu lacks or does in an unsound or slow way. Each function
 * makes the context current first, in the same call: between two calls of Go a
 * goroutine may change its thread.
 */
CUresult cudrv_load_module(CUcontext ctx, CUmodule *m, const char *text, char *log, unsigned size);
CUresult cudrv_unload_module(CUcontext ctx, CUmodule m);
CUresult cudrv_function(CUcontext ctx, CUfunction *f, CUmodule m, const char *entry, int shared);
CUresult cudrv_pinned(CUcontext ctx, void **p, size_t n);

/* A piece of work, followed by its n bytes of operands, filled up to a multiple of 8. */
struct work {
	uint32_t kind;             /* LAUNCH, SET or COPY */
	uint32_t f;                /* LAUNCH: index of the function, whose parameters the operands are */
	uint32_t grid[3], block[3];
	uint32_t shared;
	uint32_t n;
};
enum { LAUNCH, SET, COPY };
struct set { uint64_t at, n; uint32_t v, zero; };
struct copy { uint64_t to, from, n; };

/* cudrv_run starts all work in the queue. After an error, *done bytes of it were started. */
CUresult cudrv_run(CUcontext ctx, CUstream s, CUfunction *functions, char *queue, size_t size, size_t *done);
/* cudrv_record makes a graph of the queue, and starts nothing. */
CUresult cudrv_record(CUcontext ctx, CUstream s, CUfunction *functions, char *queue, size_t size, CUgraphExec *g);
CUresult cudrv_replay(CUcontext ctx, CUstream s, CUgraphExec g);
CUresult cudrv_drop(CUcontext ctx, CUgraphExec g);
