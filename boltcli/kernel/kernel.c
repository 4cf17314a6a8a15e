/* Whole walks over a database, compiled. Optional: Python gives the same answers, and decides wherever this gives none.

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
static inline int bits(u32 n) { unsigned long at; return _BitScanReverse(&at, n) ? (int)at + 1 : 0; }
#else
#define swap64 __builtin_bswap64
static inline int bits(u32 n) { return n ? 32 - __builtin_clz(n) : 0; }
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

static int begin(Walk *w, const Py_buffer *file, u64 page_size, u64 most, PyObject *tick) {
    memset(w, 0, sizeof *w);
    w->base = file->buf; w->page_size = page_size; w->tick = tick; w->due = EVERY;
    if (page_size >= 256 && page_size <= 1 << 24 && page_size % 8 == 0) w->limit = (u64)file->len / page_size;
    if (most < w->limit) w->limit = most;                   /* an odd page size: no page may be entered */
    w->reached = calloc(w->limit + 1, 1);
    if (!w->reached) { PyErr_NoMemory(); return 0; }
    w->thread = PyEval_SaveThread();
    return 1;
}

/* After the walk: the GIL again. Whether there is an answer; without one, and without an error, it's None. */
static int finish(Walk *w, int ok) {
    PyEval_RestoreThread(w->thread);
    return ok && !w->raised;
}

static PyObject *none(Walk *w) { if (w->raised) return NULL; Py_RETURN_NONE; }

static int tell(Walk *w) {
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

/* Enter the page run at pgid: whole in the file, bearing its own id, room for its elements, for the first time. */
static int enter(Walk *w, u64 pgid, Page *page) {
    if (pgid < 2 || pgid >= w->limit) return 0;
    const u8 *p = w->base + pgid * w->page_size;
    u64 word = r64(p + 8), over = word >> 32, size;
    if (r64(p) != pgid || over >= w->limit - pgid) return 0;
    for (u64 i = pgid; i <= pgid + over; i++) { if (w->reached[i]) return 0; w->reached[i] = 1; }
    size = (over + 1) * w->page_size;
    page->p = p; page->end = p + size; page->over = over;
    page->flags = word & 0xFFFF; page->count = word >> 16 & 0xFFFF;
    if (size > LONGEST || HEAD + (u64)ELEM * page->count > size) return 0;
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

static int open_bucket(const Element *x, Bucket *b) {
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

static u8 *room(Text *t, size_t more) {
    if (!t->at || more > t->room - t->n) {
        size_t size = t->n + more < 2 * t->room ? 2 * t->room : t->n + more + 4096;
        u8 *at = size > more ? realloc(t->at, size) : NULL;
        if (!at) return NULL;
        t->at = at; t->room = size;
    }
    return t->at + t->n;
}
static int put(Text *t, const void *s, size_t n) { u8 *p = room(t, n); if (!p) return 0; memcpy(p, s, n); t->n += n; return 1; }
#define PUT(t, s) put(t, s, sizeof s - 1)

/* --- check: all keys in order and within their bounds, no page shared, every bucket's tree --- */

static int prove(Walk *w, Text *roots, u64 pgid, Key low, Key high, int depth) {
    Page page;
    if (depth > DEEPEST || !enter(w, pgid, &page)) return 0;
    if (!page.count) return page.flags == LEAF && !depth;   /* a bucket that was emptied */
    const u8 *e = page.p + HEAD, *end = page.end, *data = e + (u64)ELEM * page.count;
    if (page.flags == LEAF) {
        Key before = low;
        for (u32 i = 0; i < page.count; i++, e += ELEM) {
            Element x;
            if (!leaf_element(e, end, &data, &x)) return 0;
            if (i ? !less(before, x.key) : before.p && less(x.key, before)) return 0;
            before = x.key;
            if (x.flags & 1) {                              /* inline pages are passed over, as in bbolt */
                if (x.size < VALUE) return 0;
                u64 root = r64(x.value);
                if (root ? !put(roots, &root, 8) : x.size <= VALUE) return 0;
            }
        }
        return !high.p || less(before, high);
    }
    Key key, next;
    if (page.flags != BRANCH || !branch_key(e, end, &data, &key) || (low.p && less(key, low))) return 0;
    for (u32 i = 0; i < page.count; i++, e += ELEM) {
        u64 child = r64(e + 8);
        next = high;
        if (i + 1 < page.count && (!branch_key(e + ELEM, end, &data, &next) || !less(key, next))) return 0;
        if (!prove(w, roots, child, key, next, depth + 1)) return 0;
        key = next;
    }
    return 1;
}

static PyObject *py_prove(PyObject *self, PyObject *args) {
    Py_buffer file; unsigned long long page_size, most, root; PyObject *tick, *result = NULL; Walk w; Text roots = {0};
    if (!PyArg_ParseTuple(args, "y*KKKO", &file, &page_size, &most, &root, &tick)) return NULL;
    if (begin(&w, &file, page_size, most, tick)) {
        Key no = {NULL, 0};
        int ok = prove(&w, &roots, root, no, no, 0);
        for (size_t i = 0; ok && i < roots.n; i += 8) { memcpy(&root, roots.at + i, 8); ok = prove(&w, &roots, root, no, no, 0); }
        result = finish(&w, ok) ? PyBytes_FromStringAndSize((char *)w.reached, w.limit) : none(&w);
    }
    free(roots.at); free(w.reached); PyBuffer_Release(&file);
    return result;
}

/* --- stats: counts and sizes of a bucket with all below it, or of the top-level buckets with a prefix --- */

typedef struct {
    Walk w; const u8 *prefix; size_t prefix_size; u64 tops;
    u64 branches, branch_over, branch_used, leaves, leaf_over, leaf_used, keys, buckets, inlines, inline_used;
} Count;

static int count_tree(Count *c, u64 pgid, int deep, int top, int level, int *levels, int *below);

/* A bucket and all below it; *depth is the greatest so far. */
static int count_bucket(Count *c, const Bucket *b, int deep, int *depth) {
    int levels = 1, below = 0;
    c->buckets++;
    if (b->root) { if (!count_tree(c, b->root, deep + 1, 0, 1, &levels, &below)) return 0; }
    else { c->inlines++; c->keys += b->count; c->inline_used += b->used; }
    if (levels + below > *depth) *depth = levels + below;
    return 1;
}

static int count_tree(Count *c, u64 pgid, int deep, int top, int level, int *levels, int *below) {
    Page page;
    if (deep > DEEPEST || !enter(&c->w, pgid, &page)) return 0;
    if (level > *levels) *levels = level;
    const u8 *e = page.p + HEAD, *data = e + (u64)ELEM * page.count, *l = data - ELEM;
    if (page.flags == LEAF) {
        if (!top) {
            c->leaves++; c->leaf_over += page.over; c->keys += page.count;
            c->leaf_used += page.count ? (u64)ELEM * page.count + (u32)(r32(l + 4) + r32(l + 8) + r32(l + 12)) : HEAD;
            if (!(any_flags(e, page.count) & 1)) return 1;
        }
        for (u32 i = 0; i < page.count; i++, e += ELEM) {
            Element x; Bucket b;
            if (!top && !(r32(e) & 1)) continue;
            if (!leaf_element(e, page.end, &data, &x)) return 0;
            int wanted = !top || (x.key.n >= c->prefix_size && !memcmp(x.key.p, c->prefix, c->prefix_size));
            if (!(x.flags & 1)) { if (wanted) return 0; continue; }
            if (!open_bucket(&x, &b)) return 0;
            if (!wanted) continue;
            c->tops += top;
            if (!count_bucket(c, &b, deep, below)) return 0;
        }
        return 1;
    }
    if (page.flags != BRANCH || !page.count) return 0;
    if (!top) {
        c->branches++; c->branch_over += page.over;
        c->branch_used += (u64)ELEM * page.count + (u32)(r32(l) + r32(l + 4));
    }
    for (u32 i = 0; i < page.count; i++)
        if (!count_tree(c, r64(e + (u64)ELEM * i + 8), deep + 1, top, level + 1, levels, below)) return 0;
    return 1;
}

static PyObject *py_stats(PyObject *self, PyObject *args) {
    Py_buffer file, prefix; unsigned long long page_size, most, root; PyObject *tick, *result = NULL; Count c;
    if (!PyArg_ParseTuple(args, "y*KKKOz*", &file, &page_size, &most, &root, &tick, &prefix)) return NULL;
    memset(&c, 0, sizeof c);
    if (begin(&c.w, &file, page_size, most, tick)) {
        int depth = 0, levels = 0, ok;
        c.prefix = prefix.buf; c.prefix_size = prefix.len;
        if (c.prefix) ok = count_tree(&c, root, 0, 1, 1, &levels, &depth);
        else { Bucket b = {root, 0, 0, 0}; ok = root && count_bucket(&c, &b, 0, &depth); }
        result = !finish(&c.w, ok) ? none(&c.w) : Py_BuildValue("K(KKKKKiKKKKKKK)", c.tops,  /* BucketStats.__slots__ */
            (c.branches + c.branch_over) * page_size, c.branch_used, c.branch_over, c.branches,
            c.buckets, depth, c.inline_used, c.inlines, c.keys,
            (c.leaves + c.leaf_over) * page_size, c.leaf_used, c.leaf_over, c.leaves);
    }
    free(c.w.reached); PyBuffer_Release(&file); PyBuffer_Release(&prefix);
    return result;
}

/* --- inspect, tree, du: a record a bucket, each before those inside it; or the text that inspect prints --- */

typedef struct {                                            /* kernel/__init__.py names the fields */
    u64 name, name_size, parent, nesting, root, sequence, pairs, size, levels;
} Record;

static int list_tree(Walk *w, Text *list, u64 pgid, size_t self, int deep, u64 level) {
#define ME ((Record *)list->at)[self]                       /* it moves as the list grows */
    Page page;
    if (deep > DEEPEST || !enter(w, pgid, &page)) return 0;
    ME.size += page.over + 1;
    const u8 *e = page.p + HEAD, *data = e + (u64)ELEM * page.count;
    if (page.flags == BRANCH && page.count) {
        for (u32 i = 0; i < page.count; i++)
            if (!list_tree(w, list, r64(e + (u64)ELEM * i + 8), self, deep + 1, level + 1)) return 0;
        return 1;
    }
    if (page.flags != LEAF || (ME.levels && ME.levels != level)) return 0;
    ME.levels = level; ME.pairs += page.count;
    if (!(any_flags(e, page.count) & 1)) return 1;
    for (u32 i = 0; i < page.count; i++, e += ELEM) {
        Element x; Bucket b;
        if (!leaf_element(e, page.end, &data, &x)) return 0;
        if (!(x.flags & 1)) continue;
        if (!ME.pairs || !open_bucket(&x, &b)) return 0;
        ME.pairs--;
        Record child = {x.key.p - w->base, x.key.n, self, ME.nesting + 1, b.root, b.sequence, b.count, x.size - VALUE, !b.root};
        if (b.root) child.size = 0;
        size_t index = list->n / sizeof child;
        if (!put(list, &child, sizeof child)) return 0;
        if (b.root && !list_tree(w, list, b.root, index, deep + 1, 1)) return 0;
    }
    return 1;
#undef ME
}

static int indent(Text *t, u64 n) { u8 *p = room(t, n); if (!p) return 0; memset(p, ' ', n); t->n += n; return 1; }

static int number(Text *t, u64 n) {
    char digits[20]; int at = sizeof digits;
    do digits[--at] = '0' + n % 10; while (n /= 10);
    return put(t, digits + at, sizeof digits - at);
}

/* How many bytes at s are one character of valid UTF-8; 0 if none. */
static u32 utf8(const u8 *s, u64 n) {
    u32 more = s[0] < 0x80 ? 0 : s[0] < 0xC2 ? 9 : s[0] < 0xE0 ? 1 : s[0] < 0xF0 ? 2 : s[0] < 0xF5 ? 3 : 9;
    if (more >= n) return 0;
    for (u32 i = 1; i <= more; i++) if (s[i] >> 6 != 2) return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F)) return 0;
    return more + 1;
}

/* A string as Go's encoding/json writes it. */
static int json_string(Text *t, const u8 *file, u64 size) {
    static const char hex[] = "0123456789abcdef", shorts[] = "\bb\tt\nn\ff\rr\"\"\\\\";
    u8 *p = room(t, 6 * size + 2);
    if (!p) return 0;
    *p++ = '"';
    for (u64 i = 0; i < size;) {
        u8 s[4]; u64 left = size - i < 4 ? size - i : 4;
        memcpy(s, file + i, left);                          /* one look: what follows is about the copy */
        if (s[0] >= 0x20 && s[0] < 0x80 && s[0] != '"' && s[0] != '\\' && s[0] != '<' && s[0] != '>' && s[0] != '&') {
            *p++ = s[0]; i++;
            continue;
        }
        u32 n = utf8(s, left);
        const char *two = n == 1 && s[0] ? strchr(shorts, s[0]) : NULL;
        if (two) { *p++ = '\\'; *p++ = two[1]; }
        else if (!n) { memcpy(p, "\\ufffd", 6); p += 6; n = 1; }
        else if (s[0] < 0x20 || s[0] == '<' || s[0] == '>' || s[0] == '&') {
            memcpy(p, "\\u00", 4); p[4] = hex[s[0] >> 4]; p[5] = hex[s[0] & 15]; p += 6;
        }
        else if (n == 3 && s[0] == 0xE2 && s[1] == 0x80 && (s[2] & 0xFE) == 0xA8) { memcpy(p, "\\u202", 5); p[5] = hex[s[2] & 15]; p += 6; }
        else { memcpy(p, s, n); p += n; }
        i += n;
    }
    *p++ = '"';
    t->n = p - t->at;
    return 1;
}

/* The buckets as Go's MarshalIndent writes them, with four spaces; not those of a deep nest, each line of which is as
   long as the nest is deep: Python writes them one by one. */
static int write_text(Text *t, const Record *r, size_t n, const u8 *base) {
    for (size_t i = 0; i < n; i++) {
        if (r[i].nesting > 256) return 0;
        u64 depth = r[i].nesting, at = 8 * depth, next = i + 1 < n ? r[i + 1].nesting : 0;
        if (!indent(t, at) || !PUT(t, "{\n") || !indent(t, at + 4) || !PUT(t, "\"name\": ")) return 0;
        if (!(i ? json_string(t, base + r[i].name, r[i].name_size) : PUT(t, "\"root\""))) return 0;
        if (!PUT(t, ",\n") || !indent(t, at + 4) || !PUT(t, "\"keyN\": ") || !number(t, r[i].pairs)) return 0;
        if (i + 1 < n && next > depth) {
            if (!PUT(t, ",\n") || !indent(t, at + 4) || !PUT(t, "\"buckets\": [\n")) return 0;
            continue;
        }
        if (!PUT(t, "\n") || !indent(t, at) || !PUT(t, "}")) return 0;
        for (; depth > next; depth--)
            if (!PUT(t, "\n") || !indent(t, 8 * depth - 4) || !PUT(t, "]\n") || !indent(t, 8 * depth - 8) || !PUT(t, "}")) return 0;
        if (i + 1 < n && !PUT(t, ",\n")) return 0;
    }
    return PUT(t, "\n");
}

static PyObject *py_buckets(PyObject *self, PyObject *args) {
    Py_buffer file; unsigned long long page_size, most, root; PyObject *tick, *result = NULL; Walk w; int as_text;
    Text list = {0}, text = {0};
    if (!PyArg_ParseTuple(args, "y*KKKOp", &file, &page_size, &most, &root, &tick, &as_text)) return NULL;
    if (begin(&w, &file, page_size, most, tick)) {
        Record top = {0};
        top.root = root;
        int ok = put(&list, &top, sizeof top) && list_tree(&w, &list, root, 0, 0, 1);
        if (ok && as_text) ok = write_text(&text, (const Record *)list.at, list.n / sizeof top, w.base);
        Text *said = as_text ? &text : &list;
        result = finish(&w, ok) ? PyBytes_FromStringAndSize((char *)said->at, said->n) : none(&w);
    }
    free(list.at); free(text.at); free(w.reached); PyBuffer_Release(&file);
    return result;
}

/* --- top: what takes the space. A record a bucket, each after the one that holds it; a record a leaf page --- */

/* Buckets more than `levels` below the first one count to the one at that level: their `group`. */
typedef struct {
    u64 name, name_size, parent, group, nesting, root, end, pairs, bytes, first, leaves;
} Place;                                                    /* of an inline bucket `root` is where its page is */
typedef struct { u64 offset, end, pairs, bytes; } LeafPlace;
typedef struct { u64 size, key, key_size, bucket; } Pair;
enum { BINS = 33, TENTHS = 10 };

typedef struct {
    Walk w; Text places, leaves; u64 levels, keep, kept; Pair *largest;
    struct { u64 pairs, leaf_pages, overflow, dense, keys[BINS], values[BINS], fills[TENTHS]; } sum;
    u64 elements, bytes, key_bytes; int holds;              /* of one bucket, those of the buckets in it included */
} Space;
#define PLACE(i) (((Place *)s->places.at) + (i))            /* it moves as the list grows */

/* The largest come first; of those of one size the first in the file. */
static void note_pair(Space *s, u64 size, u64 key, u64 key_size, u64 bucket) {
    u64 at = s->kept < s->keep ? s->kept++ : s->keep - 1;
    Pair *p = s->largest;
    for (; at && (p[at - 1].size < size || (p[at - 1].size == size && p[at - 1].key > key)); at--) p[at] = p[at - 1];
    Pair pair = {size, key, key_size, bucket};
    p[at] = pair;
}

static int space_leaf(Space *s, size_t self, const u8 *p, const u8 *end, u32 count) {
    const u8 *e = p + HEAD, *data = e + (u64)ELEM * count, *base = s->w.base;
    size_t group = PLACE(self)->group;
    u64 pairs = 0, bytes = 0, all = 0;
    for (u32 i = 0; i < count; i++, e += ELEM) {
        Element x; Bucket b;
        if (!leaf_element(e, end, &data, &x)) return 0;
        u64 size = (u64)x.key.n + x.size;
        all += ELEM + size; s->key_bytes += x.key.n;
        if (x.flags & 1) {
            Place *me = PLACE(self);
            if (!me->root || !open_bucket(&x, &b)) return 0;
            u64 nesting = me->nesting + 1, inl = (u64)(x.value - base) + VALUE, index = s->places.n / sizeof(Place);
            Place child = {x.key.p - base, x.key.n, self, nesting > s->levels ? group : index, nesting,
                           b.root, b.root ? 0 : (u64)(x.value - base) + x.size, 0, 0, 0, 0};
            if (!b.root) child.first = inl;
            if (!put(&s->places, &child, sizeof child)) return 0;
            s->holds = 1;
            continue;
        }
        pairs++; bytes += ELEM + size;
        s->sum.keys[bits(x.key.n)]++; s->sum.values[bits(x.size)]++;
        if (s->keep) {
            Pair *least = s->largest + s->keep - 1;
            u64 key = x.key.p - base;
            if (s->kept < s->keep || size > least->size || (size == least->size && key < least->key))
                note_pair(s, size, key, x.key.n, self);
        }
    }
    s->elements += count; s->bytes += all; s->sum.pairs += pairs;
    Place *to = PLACE(group);
    to->pairs += pairs; to->bytes += bytes;
    if (group != self || !count) return 1;
    LeafPlace leaf = {p - base, end - base, pairs, bytes};
    to->leaves++;
    return put(&s->leaves, &leaf, sizeof leaf);
}

static int space_tree(Space *s, size_t self, u64 pgid, int depth) {
    Page page;
    if (depth > DEEPEST || !enter(&s->w, pgid, &page)) return 0;
    s->sum.overflow += page.over;
    if (page.flags == LEAF) {
        u64 before = s->bytes, room = page.end - page.p;
        if (!space_leaf(s, self, page.p, page.end, page.count)) return 0;
        u64 tenth = TENTHS * (HEAD + s->bytes - before) / room;
        s->sum.leaf_pages++; s->sum.fills[tenth < TENTHS ? tenth : TENTHS - 1]++;
        return 1;
    }
    if (page.flags != BRANCH || !page.count) return 0;
    const u8 *e = page.p + HEAD + 8;
    for (u32 i = 0; i < page.count; i++, e += ELEM) if (!space_tree(s, self, r64(e), depth + 1)) return 0;
    return 1;
}

/* About how many pages a dense copy of a bucket has: space_walk.py explains it. */
static u64 dense_pages(u64 n, u64 bytes, u64 key_bytes, int holds, u64 size) {
    if (!holds && HEAD + bytes <= size / 4) return 0;
    if (HEAD + bytes <= size) return 1;
    u64 mean = bytes / n, room = 8 * mean <= size ? size - HEAD - mean / 2 : size * 15 / 16;
    u64 pages = mean > 16 * size ? (bytes + n * size / 2) / size : (bytes + room - 1) / room;
    u64 level = 8 * mean <= size ? pages : ((n < pages ? n : pages) + 3) / 4;
    u64 fan = (size - HEAD) / (ELEM + key_bytes / n);
    if (fan < 2) fan = 2;
    while (level > 1) { level = (level + fan - 1) / fan; pages += level; }
    return pages;
}

static PyObject *py_space(PyObject *self, PyObject *args) {
    Py_buffer file; unsigned long long page_size, most, root, levels, keep, dense; PyObject *tick, *result = NULL; Space space, *s = &space;
    if (!PyArg_ParseTuple(args, "y*KKKOKKK", &file, &page_size, &most, &root, &tick, &levels, &keep, &dense)) return NULL;
    memset(s, 0, sizeof *s);
    s->levels = levels; s->keep = keep;
    s->largest = calloc(keep + 1, sizeof(Pair));
    if (!s->largest) PyErr_NoMemory();
    else if (begin(&s->w, &file, page_size, most, tick)) {
        Place top = {0};
        top.root = root;
        int ok = dense >= 256 && put(&s->places, &top, sizeof top);
        for (size_t i = 0; ok && i < s->places.n / sizeof(Place); i++) {
            Place *me = PLACE(i);
            u64 inl = me->first;
            s->elements = s->bytes = s->key_bytes = 0; s->holds = !i;
            me->first = s->leaves.n / sizeof(LeafPlace);
            if (me->root) {
                ok = space_tree(s, i, me->root, 0);
                s->sum.dense += dense_pages(s->elements, s->bytes, s->key_bytes, s->holds, dense);
            } else {
                const u8 *p = s->w.base + inl, *end = s->w.base + me->end;
                u64 count = r64(p + 8) >> 16 & 0xFFFF;      /* once more: it may have changed */
                ok = HEAD + ELEM * count <= (u64)(end - p) && space_leaf(s, i, p, end, count);
            }
        }
        result = !finish(&s->w, ok) ? none(&s->w) : Py_BuildValue("y#y#y#y#y#",
            s->places.at, s->places.n, s->leaves.at ? s->leaves.at : (u8 *)"", s->leaves.n, &s->sum, sizeof s->sum,
            s->largest, (Py_ssize_t)(s->kept * sizeof(Pair)), s->w.reached, (Py_ssize_t)s->w.limit);
    }
    free(s->places.at); free(s->leaves.at); free(s->largest); free(s->w.reached); PyBuffer_Release(&file);
    return result;
}

/* --- keys, items, export: the leaf pages of a tree, and the keys of some of them --- */

static int list_leaves(Walk *w, Text *ids, u64 pgid, int depth, int *lowest) {
    if (pgid < 2 || pgid >= w->limit) return 0;
    if (depth == *lowest) {                                 /* that it is a leaf is seen when it is read */
        if (w->reached[pgid]) return 0;
        w->reached[pgid] = 1;
        return put(ids, &pgid, 8);
    }
    Page page;
    if (depth > DEEPEST || !enter(w, pgid, &page)) return 0;
    if (page.flags == LEAF) { *lowest = depth; return put(ids, &pgid, 8); }
    if (page.flags != BRANCH || !page.count) return 0;
    const u8 *e = page.p + HEAD + 8;
    for (u32 i = 0; i < page.count; i++, e += ELEM) if (!list_leaves(w, ids, r64(e), depth + 1, lowest)) return 0;
    return 1;
}

static PyObject *py_leaves(PyObject *self, PyObject *args) {
    Py_buffer file; unsigned long long page_size, most, root; PyObject *tick, *result = NULL; Walk w; Text ids = {0};
    if (!PyArg_ParseTuple(args, "y*KKKO", &file, &page_size, &most, &root, &tick)) return NULL;
    if (begin(&w, &file, page_size, most, tick)) {
        int lowest = -1, ok = list_leaves(&w, &ids, root, 0, &lowest);
        result = finish(&w, ok) ? PyBytes_FromStringAndSize((char *)ids.at, ids.n) : none(&w);
    }
    free(ids.at); free(w.reached); PyBuffer_Release(&file);
    return result;
}

static int key_line(Text *t, Key key, int form) {           /* 'a'uto, 'h'ex, 'b'ytes */
    static const char digits[] = "0123456789abcdef";
    u8 *p = room(t, 2 * (size_t)key.n + 1);
    if (!p) return 0;
    int hex = form == 'h';
    memcpy(p + key.n, key.p, key.n);                        /* one look at the file: what follows is about the copy */
    u8 *copy = p + key.n;
    if (form == 'a') {
        int beyond = 0;
        for (u32 i = 0; i < key.n; i++) { hex |= copy[i] < 0x20 || copy[i] == 0x7F; beyond |= copy[i] >> 7; }
        if (beyond && !hex) {                               /* whether Unicode is printable is for Python to say */
            for (u32 i = 0, n; i < key.n && !hex; i += n) { n = utf8(copy + i, key.n - i); hex = !n; }
            if (!hex) return 0;
        }
    }
    if (hex) for (u32 i = 0; i < key.n; i++) { u8 c = copy[i]; p[2 * i] = digits[c >> 4]; p[2 * i + 1] = digits[c & 15]; }
    else memmove(p, copy, key.n);
    size_t n = hex ? 2 * (size_t)key.n : key.n;
    p[n] = '\n';
    t->n += n + 1;
    return 1;
}

/* The keys of leaf pages, given by their ids: as lines in one of the forms, or with form 'l' as a list. */
static PyObject *py_keys(PyObject *self, PyObject *args) {
    Py_buffer file, ids; unsigned long long page_size; int form, ok = 1; Text t = {0}; PyObject *list = NULL; Walk w;
    if (!PyArg_ParseTuple(args, "y*Ky*C", &file, &page_size, &ids, &form)) return NULL;
    if (!begin(&w, &file, page_size, ~0ull, Py_None)) { PyBuffer_Release(&file); PyBuffer_Release(&ids); return NULL; }
    if (form == 'l') { PyEval_RestoreThread(w.thread); list = PyList_New(0); ok = list != NULL; }
    for (Py_ssize_t at = 0; ok && at + 8 <= ids.len; at += 8) {
        u64 pgid; Page page;
        memcpy(&pgid, (u8 *)ids.buf + at, 8);
        w.due = ~0ull;
        ok = enter(&w, pgid, &page) && page.flags == LEAF;
        if (!ok) break;
        const u8 *e = page.p + HEAD, *data = e + (u64)ELEM * page.count;
        for (u32 i = 0; ok && i < page.count; i++, e += ELEM) {
            Element x;
            ok = leaf_element(e, page.end, &data, &x);
            if (!ok) break;
            if (!list) { ok = key_line(&t, x.key, form); continue; }
            PyObject *key = PyBytes_FromStringAndSize((const char *)x.key.p, x.key.n);
            ok = key && !PyList_Append(list, key);
            Py_XDECREF(key);
        }
    }
    if (form == 'l') w.thread = PyEval_SaveThread();
    PyObject *result = NULL;
    if (!finish(&w, ok)) { Py_XDECREF(list); result = PyErr_Occurred() ? NULL : none(&w); }
    else result = list ? list : PyBytes_FromStringAndSize((char *)t.at, t.n);
    free(t.at); free(w.reached); PyBuffer_Release(&file); PyBuffer_Release(&ids);
    return result;
}

static PyMethodDef methods[] = {
    {"prove", py_prove, METH_VARARGS, "prove(file, page_size, most, root, tick) -> bytes | None: a 1 for each page of the trees"},
    {"stats", py_stats, METH_VARARGS, "stats(file, page_size, most, root, tick, prefix) -> (top-level buckets, numbers) | None"},
    {"buckets", py_buckets, METH_VARARGS, "buckets(file, page_size, most, root, tick, as_text) -> bytes | None"},
    {"space", py_space, METH_VARARGS, "space(file, page_size, most, root, tick, levels, keep, dense) -> (buckets, leaves, sums, largest, reached) | None"},
    {"leaves", py_leaves, METH_VARARGS, "leaves(file, page_size, most, root, tick) -> bytes | None: page ids as u64"},
    {"keys", py_keys, METH_VARARGS, "keys(file, page_size, ids, form) -> bytes | list | None"},
    {NULL, NULL, 0, NULL}};
static int on_import(PyObject *module) {
    const union { u32 number; u8 bytes[4]; } one = {1};
    if (!one.bytes[0]) { PyErr_SetString(PyExc_ImportError, "a big-endian machine"); return -1; }
    return PyModule_AddIntConstant(module, "VERSION", 2);
}
static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)on_import}, {0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_kernel", NULL, 0, methods, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&module); }
