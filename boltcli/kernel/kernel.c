/* verify, stats, buckets: walks over all buckets; and the module. */
#include "walk.h"

/* --- verify: all keys in order and within their bounds, no page shared, every bucket's tree; of inline pages, which bbolt's
   check passes over, that keys and values are in them: so each pair of a file that is found sound can be read --- */

static int has_inline(const Element *x) {
    Bucket b;
    if (!open_bucket(x, &b)) return 0;
    const u8 *e = x->value + VALUE + HEAD, *end = x->value + x->size, *data = e + (u64)ELEM * b.count;
    for (u32 i = 0; i < b.count; i++, e += ELEM) { Element y; if (!leaf_element(e, end, &data, &y)) return 0; }
    return 1;
}

static int verify(Walk *w, Text *roots, u64 pgid, Key low, Key high, int depth) {
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
            if (x.flags & 1) {
                if (x.size < VALUE) return 0;
                u64 root = r64(x.value);
                if (root ? !put(roots, &root, 8) : !has_inline(&x)) return 0;
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
        if (!verify(w, roots, child, key, next, depth + 1)) return 0;
        key = next;
    }
    return 1;
}

static PyObject *py_verify(PyObject *self, PyObject *args) {
    Py_buffer file; unsigned long long page_size, most, root; PyObject *tick, *result = NULL; Walk w; Text roots = {0};
    if (!PyArg_ParseTuple(args, "y*KKKO", &file, &page_size, &most, &root, &tick)) return NULL;
    if (begin(&w, &file, page_size, most, tick)) {
        Key no = {NULL, 0};
        int ok = verify(&w, &roots, root, no, no, 0);
        for (size_t i = 0; ok && i < roots.n; i += 8) { memcpy(&root, roots.at + i, 8); ok = verify(&w, &roots, root, no, no, 0); }
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
        result = !finish(&c.w, ok) ? none(&c.w) : Py_BuildValue("K{sKsKsKsKsKsisKsKsKsKsKsKsK}y#", c.tops,
            "branch_alloc", (c.branches + c.branch_over) * page_size, "branch_inuse", c.branch_used,
            "branch_overflow_pages", c.branch_over, "branch_pages", c.branches, "buckets", c.buckets, "depth", depth,
            "inline_bucket_inuse", c.inline_used, "inline_buckets", c.inlines, "keys", c.keys,
            "leaf_alloc", (c.leaves + c.leaf_over) * page_size, "leaf_inuse", c.leaf_used,
            "leaf_overflow_pages", c.leaf_over, "leaf_pages", c.leaves, c.w.reached, (Py_ssize_t)c.w.limit);
    }
    free(c.w.reached); PyBuffer_Release(&file); PyBuffer_Release(&prefix);
    return result;
}

/* --- buckets: a record of each, before those inside it --- */

typedef struct {                                            /* kernel/__init__.py names the fields */
    u64 name, name_size, parent, root, sequence, pairs, size, levels;
} Record;

/* A leaf without elements below a branch may hide some: Python says what is made of it. */
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
    if (page.flags != LEAF || (!page.count && level > 1) || (ME.levels && ME.levels != level)) return 0;
    ME.levels = level; ME.pairs += page.count;
    if (!(any_flags(e, page.count) & 1)) return 1;
    for (u32 i = 0; i < page.count; i++, e += ELEM) {
        Element x; Bucket b;
        if (!leaf_element(e, page.end, &data, &x)) return 0;
        if (!(x.flags & 1)) continue;
        if (!ME.pairs || !open_bucket(&x, &b)) return 0;
        ME.pairs--;
        Record child = {x.key.p - w->base, x.key.n, self, b.root, b.sequence, b.count, x.size - VALUE, !b.root};
        if (b.root) child.size = 0;
        size_t index = list->n / sizeof child;
        if (!put(list, &child, sizeof child)) return 0;
        if (b.root && !list_tree(w, list, b.root, index, deep + 1, 1)) return 0;
    }
    return 1;
#undef ME
}

static PyObject *py_buckets(PyObject *self, PyObject *args) {
    Py_buffer file; unsigned long long page_size, most, root; PyObject *tick, *result = NULL; Walk w; Text list = {0};
    if (!PyArg_ParseTuple(args, "y*KKKO", &file, &page_size, &most, &root, &tick)) return NULL;
    if (begin(&w, &file, page_size, most, tick)) {
        Record top = {0};
        top.root = root;
        int ok = put(&list, &top, sizeof top) && list_tree(&w, &list, root, 0, 0, 1);
        result = finish(&w, ok) ? PyBytes_FromStringAndSize((char *)list.at, list.n) : none(&w);
    }
    free(list.at); free(w.reached); PyBuffer_Release(&file);
    return result;
}

#define LOOK_UP(name) (PyCFunction)(void (*)(void))py_##name, METH_FASTCALL
static PyMethodDef methods[] = {
    {"verify", py_verify, METH_VARARGS, "verify(file, page_size, most, root, tick) -> bytes | None: a 1 for each page of the trees"},
    {"stats", py_stats, METH_VARARGS, "stats(file, page_size, most, root, tick, prefix) -> (top-level buckets, numbers, a 1 for each page of theirs) | None"},
    {"buckets", py_buckets, METH_VARARGS, "buckets(file, page_size, most, root, tick) -> bytes | None: records"},
    {"leaves", py_leaves, METH_VARARGS, "leaves(file, page_size, most, root, tick) -> bytes | None: page ids as u64"},
    {"keys", py_keys, METH_VARARGS, "keys(file, page_size, ids) -> list | None"},
    {"copy", py_copy, METH_VARARGS, "copy(file, page_size, most, root, tick, size, limit, capacity, write) -> (meta, meta, size, transactions, pairs, buckets) | None"},
    {"get", LOOK_UP(get), "get(file, page_size, most, root, key) -> bytes | None | NotImplemented"},
    {"seek", LOOK_UP(seek), "seek(file, page_size, most, root, key) -> (page ids, indexes, key, value) | None | NotImplemented"},
    {"step", LOOK_UP(step), "step(file, page_size, most, root, page ids, indexes, forward) -> as seek"},
#ifndef _WIN32
    {"watch", py_watch, METH_VARARGS, "watch(mapping) -> id: put zeros in its place when its file is cut short"},
    {"is_tripped", py_is_tripped, METH_VARARGS, "is_tripped(id) -> bool: whether that was so"},
    {"unwatch", py_unwatch, METH_VARARGS, "unwatch(id): the mapping goes"},
#endif
    {NULL, NULL, 0, NULL}};
#ifndef KERNEL_VERSION
#error "compile it with the VERSION of __init__.py, as build_hook.py does"
#endif
static int on_import(PyObject *module) {
    const union { u32 number; u8 bytes[4]; } one = {1};
    if (!one.bytes[0]) { PyErr_SetString(PyExc_ImportError, "a big-endian machine"); return -1; }
    return PyModule_AddIntConstant(module, "VERSION", KERNEL_VERSION);
}
static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)on_import}, {0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_kernel", NULL, 0, methods, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&module); }
