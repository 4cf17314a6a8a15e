/* check, stats, inspect: walks over all buckets; and the module. */
#include "walk.h"

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
        result = !finish(&c.w, ok) ? none(&c.w) : Py_BuildValue("K(KKKKKiKKKKKKK)y#", c.tops,  /* BucketStats.__slots__ */
            (c.branches + c.branch_over) * page_size, c.branch_used, c.branch_over, c.branches,
            c.buckets, depth, c.inline_used, c.inlines, c.keys,
            (c.leaves + c.leaf_over) * page_size, c.leaf_used, c.leaf_over, c.leaves,
            c.w.reached, (Py_ssize_t)c.w.limit);
    }
    free(c.w.reached); PyBuffer_Release(&file); PyBuffer_Release(&prefix);
    return result;
}

/* --- inspect, tree, du: a record a bucket, each before those inside it; or the text that inspect prints --- */

typedef struct {                                            /* kernel/__init__.py names the fields */
    u64 name, name_size, parent, nesting, root, sequence, pairs, size, levels;
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

static PyMethodDef methods[] = {
    {"prove", py_prove, METH_VARARGS, "prove(file, page_size, most, root, tick) -> bytes | None: a 1 for each page of the trees"},
    {"stats", py_stats, METH_VARARGS, "stats(file, page_size, most, root, tick, prefix) -> (top-level buckets, numbers, a 1 for each page of theirs) | None"},
    {"buckets", py_buckets, METH_VARARGS, "buckets(file, page_size, most, root, tick, as_text) -> bytes | None"},
    {"space", py_space, METH_VARARGS, "space(file, page_size, most, root, tick, levels, keep, dense) -> (buckets, leaves, sums, largest, reached) | None"},
    {"leaves", py_leaves, METH_VARARGS, "leaves(file, page_size, most, root, tick) -> bytes | None: page ids as u64"},
    {"keys", py_keys, METH_VARARGS, "keys(file, page_size, ids, form) -> bytes | list | None"},
    {"copy", py_copy, METH_VARARGS, "copy(file, page_size, most, root, tick, size, limit, capacity, write) -> (meta, meta, size, transactions, pairs, buckets) | None"},
    {"export", py_export, METH_VARARGS, "export(file, page_size, most, root, tick, names, hex names, shown, write) -> (pairs, buckets) | None"},
    {"parse", py_parse, METH_VARARGS, "parse(lines, first) -> (rows, how many lines they are)"},
    {"pages", py_pages, METH_VARARGS, "pages(file, page_size, pgid, hwm, free) -> (lines, next page, bytes of free passed)"},
#ifndef _WIN32
    {"watch", py_watch, METH_VARARGS, "watch(mapping) -> id: put zeros in its place when its file is cut short"},
    {"is_tripped", py_is_tripped, METH_VARARGS, "is_tripped(id) -> bool: whether that was so"},
    {"unwatch", py_unwatch, METH_VARARGS, "unwatch(id): the mapping goes"},
#endif
    {NULL, NULL, 0, NULL}};
static int on_import(PyObject *module) {
    const union { u32 number; u8 bytes[4]; } one = {1};
    if (!one.bytes[0]) { PyErr_SetString(PyExc_ImportError, "a big-endian machine"); return -1; }
    return PyModule_AddIntConstant(module, "VERSION", 9);
}
static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)on_import}, {0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_kernel", NULL, 0, methods, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&module); }
