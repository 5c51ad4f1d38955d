/*
 * A libcuda for tests, of two GPUs that are plain memory. A stream keeps what is
 * asked of it and does it when it is waited for, so that memory that is used too
 * early or too late shows. A thread without the right context, a buffer of
 * parameters of the wrong size and a graph that is not whole are errors, as they
 * are of the real one. The environment steers it:
 *
 *	FAKE_LOG=FILE      a line for each call that a test counts
 *	FAKE_FAIL=CALL:N   the call returns the error N
 *	FAKE_MISALIGN=1    memory begins at odd multiples of 256 bytes
 *
 * It knows the kernels of probe.ptx by their names.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int R;
/* used: bytes; live: references, blocks, events, streams, modules, graphs, pinned blocks that were not given back */
typedef struct ctx { int device, held; R sticky; long used, live; } ctx;
typedef struct module { char *text; } module;
typedef struct function { char name[64]; size_t params; int shared; } function;
typedef struct work { struct work *next; int kind; function *f; unsigned threads, shared; char params[4096]; void *to; const void *from; size_t n; unsigned v; } work;
typedef struct list { work *first, **end; ctx *of; } list;
typedef struct stream { list waiting; int capturing; list captured; } stream;
typedef struct event { stream *s; int recorded, reached; double ms; } event;

enum { LAUNCH, SET, COPY, EVENT };
enum { MEMORY = 64 << 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ctx gpus[2] = {{.device = 0}, {.device = 1}};
static __thread ctx *current;
static struct pinned { char *at; size_t n; ctx *of; struct pinned *next; } *pinned;
static struct block { char *at, *raw; size_t n; ctx *of; struct block *next; } *blocks;
static double clock_ms;

static void say(const char *format, ...) {
	const char *name = getenv("FAKE_LOG");
	FILE *f = name ? fopen(name, "a") : NULL;
	if (!f) return;
	va_list a;
	va_start(a, format);
	vfprintf(f, format, a);
	va_end(a);
	fputc('\n', f);
	fclose(f);
}

static R forced(const char *call) {
	const char *v = getenv("FAKE_FAIL");
	size_t n = strlen(call);
	return v && !strncmp(v, call, n) && v[n] == ':' ? atoi(v + n + 1) : 0;
}

/* Every call begins so; those that need a context also with INSIDE. */
#define BEGIN R r_ = forced(__func__); if (r_) return r_
#define INSIDE BEGIN; if (!current || !current->held) return 201; if (current->sticky) return current->sticky

static char *inside(uint64_t at, size_t n) {
	for (struct block *b = blocks; b; b = b->next)
		if (b->of == current && (char *)at >= b->at && (char *)at + n <= b->at + b->n) return (char *)at;
	return NULL;
}

static int is_pinned(const void *p, size_t n) {
	for (struct pinned *q = pinned; q; q = q->next)
		if ((char *)p >= q->at && (char *)p + n <= q->at + q->n) return 1;
	return 0;
}

/* The kernels of probe.ptx. */
static void launch(work *w) {
	char *p = w->params;
	if (!strcmp(w->f->name, "count")) {
		uint32_t v, n;
		memcpy(&v, p + 8, 4);
		memcpy(&n, p + 12, 4);
		char *at = inside(*(uint64_t *)p, 4ull * n);
		if (!at) { current->sticky = 700; return; }
		for (uint32_t i = 0; i < n && i < w->threads; i++) ((uint32_t *)at)[i] += v + i;
	} else if (!strcmp(w->f->name, "shared") || !strcmp(w->f->name, "one")) {
		char *at = inside(*(uint64_t *)p, 4);
		if (!at) { current->sticky = 700; return; }
		memcpy(at, w->f->name[0] == 'o' ? (void *)(p + 8) : (void *)&w->shared, 4);
	} else if (!strcmp(w->f->name, "trap")) {
		current->sticky = 719;
	}
}

static void perform(work *w) {
	clock_ms += 1.5;
	if (w->kind == LAUNCH) launch(w);
	else if (w->kind == COPY) memmove(w->to, w->from, w->n);
	else if (w->kind == SET) for (size_t i = 0; i < w->n; i++) ((unsigned *)w->to)[i] = w->v;
	else {
		event *e = w->to;
		e->reached = 1;
		e->ms = clock_ms;
	}
}

/* finish does what waits in the stream, up to an event if there is one. */
static R finish(stream *s, event *until) {
	while (s->waiting.first && !current->sticky && !(until && until->reached)) {
		work *w = s->waiting.first;
		s->waiting.first = w->next;
		perform(w);
		free(w);
	}
	return current->sticky;
}

static void put(list *l, work *w) {
	work *c = malloc(sizeof *c);
	*c = *w;
	c->next = NULL;
	if (!l->first) l->end = &l->first;
	*l->end = c;
	l->end = &c->next;
}

static R ask(stream *s, work w) {
	put(s->capturing ? &s->captured : &s->waiting, &w);
	return 0;
}

R cuInit(unsigned f) { BEGIN; say("cuInit"); return f; }
R cuDriverGetVersion(int *v) { BEGIN; *v = 12090; return 0; }
R cuDeviceGetCount(int *n) { BEGIN; *n = 2; return 0; }
R cuDeviceGet(int *d, int i) { BEGIN; *d = i; return i < 0 || i > 1 ? 101 : 0; }
R cuDeviceGetName(char *s, int n, int d) { BEGIN; snprintf(s, n, "Fake GPU %d", d); return 0; }
R cuDeviceTotalMem_v2(size_t *n, int d) { BEGIN; (void)d; *n = MEMORY; return 0; }
R cuDeviceGetAttribute(int *v, int a, int d) {
	BEGIN;
	(void)d;
	*v = a == 75 ? 9 : a == 76 ? 0 : a == 16 ? 132 : a == 97 ? 227 << 10 : -1;
	return 0;
}
R cuGetErrorName(R r, const char **s) {
	BEGIN;
	*s = r == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : r == 100 ? "CUDA_ERROR_NO_DEVICE" : r == 218 ? "CUDA_ERROR_INVALID_PTX" : "CUDA_ERROR_OTHER";
	return 0;
}
R cuGetErrorString(R r, const char **s) {
	BEGIN;
	static char text[32];
	snprintf(text, sizeof text, "number %d", r);
	*s = text;
	return 0;
}

/* drop_block and drop_pinned give back what a list points at. */
static void drop_block(struct block **p) {
	struct block *b = *p;
	*p = b->next;
	b->of->used -= b->n;
	b->of->live--;
	memset(b->at, 0xbb, b->n);
	free(b->raw);
	free(b);
}
static void drop_pinned(struct pinned **p) {
	struct pinned *q = *p;
	*p = q->next;
	q->of->live--;
	free(q->at);
	free(q);
}

R cuDevicePrimaryCtxRetain(ctx **c, int d) { BEGIN; *c = &gpus[d]; gpus[d].held++; gpus[d].live++; return 0; }
/* The last reference ends the context, and with it all that is of it. */
R cuDevicePrimaryCtxRelease_v2(int d) {
	BEGIN;
	ctx *c = &gpus[d];
	c->live--;
	say("left %ld used %ld", c->live, c->used);
	if (--c->held) return 0;
	for (struct block **p = &blocks; *p;)
		if ((*p)->of == c) drop_block(p);
		else p = &(*p)->next;
	for (struct pinned **p = &pinned; *p;)
		if ((*p)->of == c) drop_pinned(p);
		else p = &(*p)->next;
	c->live = c->used = c->sticky = 0;
	return 0;
}
R cuCtxSetCurrent(ctx *c) { BEGIN; current = c; return 0; }
R cuMemGetInfo_v2(size_t *free, size_t *total) { INSIDE; *free = MEMORY - current->used; *total = MEMORY; return 0; }

R cuMemAlloc_v2(uint64_t *at, size_t n) {
	INSIDE;
	if (current->used + (long)n > MEMORY) return 2;
	struct block *b = malloc(sizeof *b);
	b->raw = malloc(n + 1024);
	b->at = (char *)(((uintptr_t)b->raw + 511) & ~(uintptr_t)511) + (getenv("FAKE_MISALIGN") ? 256 : 0);
	b->n = n;
	b->of = current;
	memset(b->at, 0xaa, n);
	pthread_mutex_lock(&lock);
	b->next = blocks;
	blocks = b;
	current->used += n;
	current->live++;
	pthread_mutex_unlock(&lock);
	*at = (uint64_t)b->at;
	say("cuMemAlloc %zu", n);
	return 0;
}
R cuMemFree_v2(uint64_t at) {
	INSIDE;
	for (struct block **p = &blocks; *p; p = &(*p)->next)
		if ((uint64_t)(*p)->at == at && (*p)->of == current) {
			drop_block(p);
			return 0;
		}
	return 1;
}
R cuMemHostAlloc(void **at, size_t n, unsigned flags) {
	INSIDE;
	struct pinned *q = malloc(sizeof *q);
	*q = (struct pinned){malloc(n), n, current, pinned};
	memset(q->at, 0xcc, n);
	pinned = q;
	current->live++;
	*at = q->at;
	return flags;
}
R cuMemFreeHost(void *at) {
	INSIDE;
	for (struct pinned **p = &pinned; *p; p = &(*p)->next)
		if ((*p)->at == at) {
			drop_pinned(p);
			return 0;
		}
	return 1;
}

R cuStreamCreate(stream **s, unsigned flags) {
	INSIDE;
	if (flags != 1) return 1; /* CU_STREAM_NON_BLOCKING */
	*s = calloc(1, sizeof **s);
	current->live++;
	return 0;
}
R cuStreamDestroy_v2(stream *s) { INSIDE; free(s); current->live--; return 0; }
R cuStreamSynchronize(stream *s) { INSIDE; return s->capturing ? 900 : finish(s, NULL); }
R cuEventCreate(event **e, unsigned flags) { INSIDE; (void)flags; *e = calloc(1, sizeof **e); current->live++; return 0; }
R cuEventDestroy_v2(event *e) { INSIDE; (void)e; current->live--; return 0; } /* not freed: a stream may hold it */
R cuEventRecord(event *e, stream *s) {
	INSIDE;
	e->s = s;
	e->recorded = 1;
	e->reached = 0;
	return ask(s, (work){.kind = EVENT, .to = e});
}
R cuEventSynchronize(event *e) { INSIDE; return e->recorded && !e->reached ? finish(e->s, e) : 0; }
R cuEventElapsedTime(float *ms, event *a, event *b) { INSIDE; if (!a->recorded || !b->recorded) return 400; *ms = b->ms - a->ms; return 0; }

R cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t n, stream *s) {
	INSIDE;
	if (!inside(to, n) || !is_pinned(from, n) || s->capturing) return 1;
	return ask(s, (work){.kind = COPY, .to = (void *)to, .from = from, .n = n});
}
R cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t n, stream *s) {
	INSIDE;
	if (!inside(from, n) || !is_pinned(to, n) || s->capturing) return 1;
	return ask(s, (work){.kind = COPY, .to = to, .from = (void *)from, .n = n});
}
R cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t n, stream *s) {
	INSIDE;
	if (!inside(to, n) || !inside(from, n)) return 1;
	return ask(s, (work){.kind = COPY, .to = (void *)to, .from = (void *)from, .n = n});
}
R cuMemsetD32Async(uint64_t at, unsigned v, size_t n, stream *s) {
	INSIDE;
	if (!inside(at, 4 * n)) return 1;
	return ask(s, (work){.kind = SET, .to = (void *)at, .v = v, .n = n});
}

R cuModuleLoadDataEx(module **m, const char *text, unsigned n, int *option, void **value) {
	INSIDE;
	if (n != 2 || option[0] != 5 || option[1] != 6) return 1; /* the error log and its size */
	if (!strstr(text, ".version")) {
		snprintf(value[0], (size_t)value[1], "ptxas fake, line 1; fatal : missing .version directive");
		return 218;
	}
	*m = malloc(sizeof **m);
	(*m)->text = strdup(text);
	current->live++;
	return 0;
}
R cuModuleUnload(module *m) { INSIDE; free(m->text); free(m); current->live--; return 0; }
R cuModuleGetFunction(function **f, module *m, const char *name) {
	INSIDE;
	char entry[80];
	snprintf(entry, sizeof entry, ".entry %s(", name);
	char *p = strstr(m->text, entry);
	if (!p) return 500;
	*f = calloc(1, sizeof **f);
	snprintf((*f)->name, sizeof (*f)->name, "%s", name);
	(*f)->shared = 48 << 10;
	char *end = strchr(p + strlen(entry), ')');
	while ((p = strstr(p, ".param .")) && p < end) {
		size_t size = atoi(p + 9) / 8; /* .u64, .u32, .f32 */
		(*f)->params = ((*f)->params + size - 1) / size * size + size;
		p++;
	}
	return 0;
}
R cuFuncSetAttribute(function *f, int a, int v) {
	INSIDE;
	if (a != 8 || v > 227 << 10) return 1;
	f->shared = v;
	say("cuFuncSetAttribute %s %d", f->name, v);
	return 0;
}
R cuLaunchKernel(function *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, stream *s, void **params, void **extra) {
	INSIDE;
	if (params || extra[0] != (void *)1 || extra[2] != (void *)2 || extra[4] || *(size_t *)extra[3] != f->params) return 1;
	if (gx * gy * gz == 0 || bx * by * bz == 0 || bx * by * bz > 1024 || (int)shared > f->shared) return 1;
	work w = {.kind = LAUNCH, .f = f, .threads = gx * gy * gz * bx * by * bz, .shared = shared};
	memcpy(w.params, extra[1], f->params);
	say("cuLaunchKernel %s %u %u %u %u %u %u %u", f->name, gx, gy, gz, bx, by, bz, shared);
	return ask(s, w);
}

R cuStreamBeginCapture_v2(stream *s, int mode) { INSIDE; if (s->capturing || mode != 2) return 1; s->capturing = 1; return 0; }
R cuStreamEndCapture(stream *s, list **g) {
	int was = s->capturing;
	s->capturing = 0; /* in any case */
	INSIDE;
	if (!was) return 1;
	*g = malloc(sizeof **g);
	**g = s->captured;
	(*g)->of = current;
	s->captured = (list){0};
	current->live++;
	return 0;
}
R cuGraphInstantiateWithFlags(list **x, list *g, unsigned long long flags) {
	INSIDE;
	*x = calloc(1, sizeof **x);
	(*x)->of = current;
	for (work *w = g->first; w; w = w->next) put(*x, w);
	current->live++;
	say("cuGraphInstantiate");
	return (R)flags;
}
static void forget(list *g) {
	for (work *w = g->first, *next; w; w = next) {
		next = w->next;
		free(w);
	}
	g->of->live--;
	free(g);
}
R cuGraphDestroy(list *g) { BEGIN; forget(g); return 0; }
R cuGraphExecDestroy(list *g) { BEGIN; forget(g); return 0; }
#ifndef OLD
R cuGraphLaunch(list *g, stream *s) {
	INSIDE;
	for (work *w = g->first; w; w = w->next) put(&s->waiting, w);
	say("cuGraphLaunch");
	return 0;
}
#endif
