#ifndef BOLTCLI_WALK_H
#define BOLTCLI_WALK_H
/* Whole walks over a database, and look-ups of a key, compiled. Optional: Python gives the same answers, and decides wherever
   this gives none. This is what all parts share: reading fields, entering pages, memory that grows.

   The file may be damaged, hostile, and may change while it is read. So each field is read once into a variable, that
   is checked, and nothing is done with the file's word for it; no page is entered twice, so the work is in proportion
   to the file. What isn't plain is "irregular": the answer is None, and the exact walk in Python finds the words.
   The GIL is released; every EVERY pages the caller's tick runs, which may show progress, give up, or be interrupted. */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef _MSC_VER
#include <intrin.h>
#endif

typedef uint64_t u64; typedef uint32_t u32; typedef uint8_t u8;
enum { HEAD = 16, ELEM = 16, BRANCH = 1, LEAF = 2, VALUE = 16, DEEPEST = 128, EVERY = 4096, LONGEST = 0x7FFFFFFF };

#ifdef _MSC_VER
#define swap64 _byteswap_uint64
#define ONCE(v)
#else
#define swap64 __builtin_bswap64
#define ONCE(v) __asm__ volatile("" : "+r"(v))             /* the compiler may not read it again */
#endif
static inline u64 r64(const u8 *p) { u64 v; memcpy(&v, p, 8); ONCE(v); return v; }
static inline u32 r32(const u8 *p) { u32 v; memcpy(&v, p, 4); ONCE(v); return v; }

/* --- What all walks share --- */

typedef struct {
    const u8 *base; u64 page_size, limit;                   /* the file, and how many of its pages may be entered */
    u8 *reached; u64 pages, due;                            /* a byte a page: entered; how many; when to tick */
    PyObject *tick; PyThreadState *thread; int raised;
} Walk;

static inline u64 whole_pages(u64 size, u64 page_size, u64 most) {
    if (page_size < 256 || page_size > 1 << 24 || page_size % 8) return 0;   /* an odd page size: no page may be read */
    return size / page_size < most ? size / page_size : most;
}

static inline int begin(Walk *w, const Py_buffer *file, u64 page_size, u64 most, PyObject *tick) {
    memset(w, 0, sizeof *w);
    w->base = file->buf; w->page_size = page_size; w->tick = tick; w->due = EVERY;
    w->limit = whole_pages(file->len, page_size, most);
    w->reached = calloc(w->limit + 1, 1);
    if (!w->reached) { PyErr_NoMemory(); return 0; }
    w->thread = PyEval_SaveThread();
    return 1;
}

/* After the walk: the GIL again. Whether there is an answer; without one, and without an error, it's None. */
static inline int finish(Walk *w, int ok) {
    PyEval_RestoreThread(w->thread);
    return ok && !w->raised;
}

static inline PyObject *none(Walk *w) { if (w->raised) return NULL; Py_RETURN_NONE; }

static inline int tell(Walk *w) {
    w->due = w->pages + EVERY;
    PyEval_RestoreThread(w->thread);
    if (PyErr_CheckSignals()) w->raised = 1;
    else if (w->tick != Py_None) {
        PyObject *said = PyObject_CallFunction(w->tick, "K", (unsigned long long)w->pages);
        if (said) Py_DECREF(said); else w->raised = 1;
    }
    w->thread = PyEval_SaveThread();
    return !w->raised;
}

typedef struct { const u8 *p, *end; u64 over; u32 flags, count; } Page;

/* Read the header of the page run at pgid: whole in the file, bearing its own id, room for its elements. */
static inline int read_page(const u8 *base, u64 page_size, u64 limit, u64 pgid, Page *page) {
    if (pgid < 2 || pgid >= limit) return 0;
    const u8 *p = base + pgid * page_size;
    u64 word = r64(p + 8), over = word >> 32, size;
    if (r64(p) != pgid || over >= limit - pgid) return 0;
    size = (over + 1) * page_size;
    page->p = p; page->end = p + size; page->over = over;
    page->flags = word & 0xFFFF; page->count = word >> 16 & 0xFFFF;
    return size <= LONGEST && HEAD + (u64)ELEM * page->count <= size;
}

/* Enter the page run at pgid, for the first time. */
static inline int enter(Walk *w, u64 pgid, Page *page) {
    if (!read_page(w->base, w->page_size, w->limit, pgid, page)) return 0;
    for (u64 i = pgid; i <= pgid + page->over; i++) { if (w->reached[i]) return 0; w->reached[i] = 1; }
    return ++w->pages < w->due || tell(w);
}

typedef struct { const u8 *p; u32 n; } Key;                 /* p NULL: no bound */

static inline int less(Key a, Key b) {                      /* a < b */
    u32 n = a.n < b.n ? a.n : b.n, from = 0;
    if (n >= 8) {
        u64 x = swap64(r64(a.p)), y = swap64(r64(b.p));
        if (x != y) return x < y;
        from = 8;
    }
    int c = memcmp(a.p + from, b.p + from, n - from);
    return c < 0 || (c == 0 && a.n < b.n);
}

typedef struct { u32 flags, size; Key key; const u8 *value; } Element;

/* The leaf element at e: its data begin at or after *data, which moves on, and end before end. */
static inline int leaf_element(const u8 *e, const u8 *end, const u8 **data, Element *x) {
    u32 pos = r32(e + 4), ks = r32(e + 8), vs = r32(e + 12);
    x->flags = r32(e);
    if (pos > (u64)(end - e)) return 0;
    const u8 *at = e + pos;
    if (at < *data || (u64)ks + vs > (u64)(end - at)) return 0;
    x->key.p = at; x->key.n = ks; x->value = at + ks; x->size = vs;
    *data = at + ks + vs;
    return 1;
}

static inline int branch_key(const u8 *e, const u8 *end, const u8 **data, Key *key) {
    u32 pos = r32(e), ks = r32(e + 4);
    if (pos > (u64)(end - e)) return 0;
    const u8 *at = e + pos;
    if (at < *data || ks > (u64)(end - at)) return 0;
    key->p = at; key->n = ks; *data = at + ks;
    return 1;
}

static inline u32 any_flags(const u8 *e, u32 count) {       /* the flags of all elements together */
    u32 any = 0;
    for (u32 i = 0; i < count; i++) { u32 v; memcpy(&v, e + (u64)ELEM * i, 4); any |= v; }
    return any;
}

/* A bucket's value: the root of its tree; 0 for an inline one, of which the elements are counted, and the bytes used. */
typedef struct { u64 root, sequence; u32 count; u64 used; } Bucket;

static inline int open_bucket(const Element *x, Bucket *b) {
    if (x->size < VALUE) return 0;
    b->root = r64(x->value); b->sequence = r64(x->value + 8); b->count = 0; b->used = HEAD;
    if (b->root) return 1;
    if (x->size < VALUE + HEAD) return 0;
    u64 word = r64(x->value + VALUE + 8);
    b->count = word >> 16 & 0xFFFF;
    const u8 *e = x->value + VALUE + HEAD;
    if ((word & 0xFFFF) != LEAF || VALUE + HEAD + (u64)ELEM * b->count > x->size) return 0;
    if (any_flags(e, b->count) & 1) return 0;               /* a bucket in it, which only a page can have */
    if (b->count) {                                         /* the last element's position is the sum of all before it */
        const u8 *l = e + (u64)ELEM * (b->count - 1);
        u64 data = (u64)r32(l + 4) + r32(l + 8) + r32(l + 12);
        if (data > x->size - VALUE - HEAD - (u64)ELEM * (b->count - 1)) return 0;
        b->used = (u64)ELEM * b->count + data;
    }
    return 1;
}

/* A growing piece of memory. */
typedef struct { u8 *at; size_t n, room; } Text;

static inline u8 *room(Text *t, size_t more) {
    if (!t->at || more > t->room - t->n) {
        size_t size = t->n + more < 2 * t->room ? 2 * t->room : t->n + more + 4096;
        u8 *at = size > more ? realloc(t->at, size) : NULL;
        if (!at) return NULL;
        t->at = at; t->room = size;
    }
    return t->at + t->n;
}
static inline int put(Text *t, const void *s, size_t n) { u8 *p = room(t, n); if (!p) return 0; if (n) memcpy(p, s, n); t->n += n; return 1; }

/* --- What the module offers: each part its functions --- */

#define FUNCTION(name) PyObject *py_##name(PyObject *self, PyObject *args)
#define QUICK(name) PyObject *py_##name(PyObject *self, PyObject *const *args, Py_ssize_t count)
FUNCTION(copy); FUNCTION(leaves); FUNCTION(keys); FUNCTION(watch); FUNCTION(is_tripped); FUNCTION(unwatch);
QUICK(get); QUICK(seek); QUICK(step);
#endif
